//! `rescind hook install` and `uninstall`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::git::{self, Scope};
use super::{CommandResult, HookType, Which};
use crate::cli::exit::{Exit, Hint};

/// The first git that reads hooks from its configuration.
const CONFIGURED_HOOKS: (u32, u32) = (2, 54);

pub(super) fn install(which: &Which) -> CommandResult {
    let place = Place::of(which)?;
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    for &hook_type in &which.hook_types {
        match &place {
            Place::Configuration(scope) => {
                let section = section(hook_type);
                git::set_config(*scope, &format!("{section}.event"), hook_type.as_str())?;
                git::set_config(*scope, &format!("{section}.command"), command(&program, hook_type)?)?;
                say(&format!("installed `{section}` in git's configuration"));
            }
            Place::Directory(directory) => {
                let path = directory.join(hook_type.as_str());
                let script = script(&program, hook_type)?;
                match read(&path, hook_type)? {
                    Hook::Ours(there) if there == script => say(&format!("`{}` is installed already", path.display())),
                    Hook::Ours(_) | Hook::None => {
                        write(&path, &script).with_context(|| format!("cannot write `{}`", path.display()))?;
                        say(&format!("installed `{}`", path.display()));
                    }
                    Hook::Foreign => return Err(foreign(&path, hook_type)),
                }
            }
        }
    }
    // An older git may have left us with a file; the same scan twice would only cost time.
    if matches!(place, Place::Configuration(Scope::Local)) && !has_shared_hooks()? {
        remove_files(&git::hooks_directory()?, &which.hook_types)?;
    }
    Ok(Exit::Clean)
}

pub(super) fn uninstall(which: &Which) -> CommandResult {
    let scope = which.scope();
    if scope == Scope::Local {
        git::require_repository()?;
    }
    let mut removed = 0;
    for &hook_type in &which.hook_types {
        let section = section(hook_type);
        if git::config(scope, &format!("{section}.command"))?.is_some() {
            git::remove_config(scope, &section)?;
            say(&format!("removed `{section}` from git's configuration"));
            removed += 1;
        }
    }
    let directory = match scope {
        Scope::Local if has_shared_hooks()? => None,
        Scope::Local => Some(git::hooks_directory()?),
        Scope::Global => git::config_path(Scope::Global, HOOKS_PATH)?,
    };
    if let Some(directory) = directory {
        removed += remove_files(&directory, &which.hook_types)?;
    }
    if removed == 0 {
        say("there is no hook of ours to remove");
    }
    Ok(Exit::Clean)
}

const HOOKS_PATH: &str = "core.hooksPath";

/// Where a hook is installed.
enum Place {
    Configuration(Scope),
    Directory(PathBuf),
}

/// What is at the path of a hook.
enum Hook {
    None,
    /// Exactly what we write, but for the path of the program.
    Ours(String),
    Foreign,
}

impl Which {
    fn scope(&self) -> Scope {
        if self.global { Scope::Global } else { Scope::Local }
    }
}

impl Place {
    fn of(which: &Which) -> anyhow::Result<Self> {
        let scope = which.scope();
        if scope == Scope::Local {
            git::require_repository()?;
        }
        if git::version()? >= CONFIGURED_HOOKS {
            return Ok(Self::Configuration(scope));
        }
        match scope {
            Scope::Global => match git::config_path(Scope::Global, HOOKS_PATH)? {
                Some(directory) => Ok(Self::Directory(directory)),
                None => Err(Hint::attach(
                    anyhow::anyhow!("this git has no hooks for all repositories"),
                    "they need git 2.54, or a directory named by `git config --global core.hooksPath DIRECTORY`",
                )),
            },
            Scope::Local if has_shared_hooks()? => Err(Hint::attach(
                anyhow::anyhow!(
                    "`{HOOKS_PATH}` takes the hooks of this repository from a directory shared with others"
                ),
                "`--global` installs there; or add the line `rescind hook run || exit 1` to its `pre-commit`",
            )),
            Scope::Local => {
                let directory = git::hooks_directory()?;
                if is_tracked(&directory)? {
                    let path = directory.join("pre-commit");
                    return Err(Hint::attach(
                        anyhow::anyhow!("`{}` belongs to the work tree, and so to everybody's", directory.display()),
                        format!("add the line `rescind hook run || exit 1` to `{}`", path.display()),
                    ));
                }
                Ok(Self::Directory(directory))
            }
        }
    }
}

/// Whether the hooks of this repository come from a directory that the user's or the machine's configuration names.
fn has_shared_hooks() -> anyhow::Result<bool> {
    let anywhere = !git::config_all(HOOKS_PATH)?.is_empty();
    Ok(anywhere && git::config(Scope::Local, HOOKS_PATH)?.is_none())
}

/// Whether a directory of hooks is part of the work tree, as some tools have it.
fn is_tracked(directory: &Path) -> anyhow::Result<bool> {
    let Some(work_tree) = git::work_tree()? else { return Ok(false) };
    Ok(directory.starts_with(work_tree) && !directory.starts_with(git::common_directory()?))
}

fn read(path: &Path, hook_type: HookType) -> io::Result<Hook> {
    let kind = match fs_err::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Hook::None),
        Err(error) => return Err(error),
    };
    if !kind.is_file() {
        return Ok(Hook::Foreign);
    }
    let bytes = fs_err::read(path)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) if is_ours(&text, hook_type) => Hook::Ours(text),
        _ => Hook::Foreign,
    })
}

/// Replaces the file as a whole, so that git never runs half a hook.
fn write(path: &Path, script: &str) -> anyhow::Result<()> {
    let directory = path.parent().context("a hook lies in a directory")?;
    fs_err::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(script.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o755))?;
    }
    file.persist(path)?;
    Ok(())
}

/// Removes our files, and only those; how many there were.
fn remove_files(directory: &Path, hook_types: &[HookType]) -> anyhow::Result<usize> {
    let mut removed = 0;
    for &hook_type in hook_types {
        let path = directory.join(hook_type.as_str());
        match read(&path, hook_type)? {
            Hook::None | Hook::Foreign => {}
            Hook::Ours(_) => {
                fs_err::remove_file(&path)?;
                say(&format!("removed `{}`", path.display()));
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn foreign(path: &Path, hook_type: HookType) -> anyhow::Error {
    Hint::attach(
        anyhow::anyhow!("`{}` is somebody else's hook, and is left as it is", path.display()),
        format!(
            "add the line `rescind hook run --hook-type {} \"$@\" || exit 1` to it, or let the tool that made it run that",
            hook_type.as_str()
        ),
    )
}

/// The section of git's configuration that holds a hook.
fn section(hook_type: HookType) -> String {
    format!("hook.rescind-{}", hook_type.as_str())
}

/// A shell command that runs this very program, or the one in the search path where this one has gone.
fn command(program: &Path, hook_type: HookType) -> anyhow::Result<String> {
    let program = program.to_str().with_context(|| format!("`{}` is not UTF-8", program.display()))?;
    // Within single quotes a shell takes everything as it is but the quote itself.
    let quoted = program.replace('\'', r"'\''");
    let hook_type = hook_type.as_str();
    Ok(format!("\"$(command -v '{quoted}' || echo rescind)\" hook run --hook-type {hook_type}"))
}

fn script(program: &Path, hook_type: HookType) -> anyhow::Result<String> {
    Ok(around(&command(program, hook_type)?))
}

fn around(command: &str) -> String {
    format!(
        "#!/bin/sh\n\
         # Written by `rescind hook install`, removed by `rescind hook uninstall`. Once edited, it is yours.\n\
         exec {command} -- \"$@\"\n"
    )
}

/// Whether a hook is what we write, whatever the path of the program.
fn is_ours(text: &str, hook_type: HookType) -> bool {
    let command = text.lines().nth(2).and_then(|line| line.strip_prefix("exec ")?.strip_suffix(" -- \"$@\""));
    command.is_some_and(|command| {
        let is_command = command.starts_with("\"$(command -v '")
            && command.ends_with(&format!("' || echo rescind)\" hook run --hook-type {}", hook_type.as_str()));
        is_command && around(command) == text
    })
}

/// What was done goes to standard error: standard output is for data.
fn say(line: &str) {
    // Nothing is left to tell the user with when standard error is closed.
    let _ = writeln!(anstream::stderr().lock(), "{}", crate::finding::escape(line.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_ours_only_as_written() {
        let script = |path: &str| script(Path::new(path), HookType::PreCommit).expect("a path in UTF-8");
        for path in ["/usr/bin/rescind", "/home/a b/it's/rescind"] {
            assert!(is_ours(&script(path), HookType::PreCommit), "{path}");
            assert!(!is_ours(&script(path), HookType::PrePush), "{path}");
            assert!(!is_ours(&(script(path) + "make lint\n"), HookType::PreCommit), "{path}");
            assert!(!is_ours(&script(path).replacen("sh", "bash", 1), HookType::PreCommit), "{path}");
        }
        assert!(!is_ours("", HookType::PreCommit));
        assert!(!is_ours("#!/bin/sh\nrescind hook run\n", HookType::PreCommit));
    }
}
