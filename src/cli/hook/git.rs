//! The git command line, as far as hooks need it. It is the program that will run the hooks, so it is the one to ask about
//! its version and its configuration.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::cli::exit::Hint;

/// Where a configuration entry lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// This repository and its worktrees.
    Local,
    /// All repositories of this user.
    Global,
}

impl Scope {
    fn flag(self) -> &'static str {
        match self {
            Self::Local => "--local",
            Self::Global => "--global",
        }
    }
}

/// Major and minor version.
pub(super) fn version() -> anyhow::Result<(u32, u32)> {
    let text = required(["version"])?;
    parse_version(&text).with_context(|| format!("cannot tell the version of git from `{text}`"))
}

/// Fails outside of a repository.
pub(super) fn require_repository() -> anyhow::Result<()> {
    if query(["rev-parse", "--git-dir"])?.is_some() {
        return Ok(());
    }
    Err(Hint::attach(anyhow::anyhow!("the current directory is in no git repository"), "`--global` needs none"))
}

/// The directory that hooks are run from, absolute.
pub(super) fn hooks_directory() -> anyhow::Result<PathBuf> {
    required(["rev-parse", "--path-format=absolute", "--git-path", "hooks"]).map(PathBuf::from)
}

/// The root of the work tree; `None` in a bare repository.
pub(super) fn work_tree() -> anyhow::Result<Option<PathBuf>> {
    query(["rev-parse", "--path-format=absolute", "--show-toplevel"]).map(|path| path.map(PathBuf::from))
}

/// The directory of the repository that all its worktrees share.
pub(super) fn common_directory() -> anyhow::Result<PathBuf> {
    required(["rev-parse", "--path-format=absolute", "--git-common-dir"]).map(PathBuf::from)
}

/// A value as the given scope alone has it.
pub(super) fn config(scope: Scope, key: &str) -> anyhow::Result<Option<String>> {
    query(["config", scope.flag(), "--get", key])
}

/// A path as the given scope alone has it, `~` resolved.
pub(super) fn config_path(scope: Scope, key: &str) -> anyhow::Result<Option<PathBuf>> {
    query(["config", scope.flag(), "--type=path", "--get", key]).map(|path| path.map(PathBuf::from))
}

/// Every value of a key that the user has set, whatever the scope.
pub(super) fn config_all(key: &str) -> anyhow::Result<Vec<String>> {
    Ok(query(["config", "--get-all", key])?.unwrap_or_default().lines().map(str::to_owned).collect())
}

pub(super) fn set_config(scope: Scope, key: &str, value: impl AsRef<OsStr>) -> anyhow::Result<()> {
    let arguments = ["config", scope.flag(), "--replace-all", key].map(AsRef::as_ref);
    required(arguments.into_iter().chain([value.as_ref()])).map(drop)
}

/// Removes a whole section such as `hook.NAME`.
pub(super) fn remove_config(scope: Scope, section: &str) -> anyhow::Result<()> {
    required(["config", scope.flag(), "--remove-section", section]).map(drop)
}

/// The commits that the remote-tracking branches of a remote stand on.
pub(super) fn tracked(remote: &str) -> anyhow::Result<Vec<String>> {
    let pattern = format!("refs/remotes/{remote}/");
    let ids = query(["for-each-ref", "--format=%(objectname)", &pattern])?.unwrap_or_default();
    Ok(ids.lines().map(str::to_owned).collect())
}

/// Whether the repository holds that object.
pub(super) fn holds(id: &str) -> anyhow::Result<bool> {
    query(["cat-file", "-e", id]).map(|answer| answer.is_some())
}

/// Runs git and gives its output without the last line break; that git says no is an error.
fn required<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    let output = command.args(arguments).stdin(Stdio::null()).output().context("cannot run `git`")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("git refuses: {}", crate::finding::escape(reason.trim().as_bytes()));
    }
    text(output.stdout)
}

/// Like [`required`]; `None` where git says no.
fn query<const N: usize>(arguments: [&str; N]) -> anyhow::Result<Option<String>> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).output().context("cannot run `git`")?;
    if output.status.success() { text(output.stdout).map(Some) } else { Ok(None) }
}

fn text(output: Vec<u8>) -> anyhow::Result<String> {
    let mut text = String::from_utf8(output).context("git names a path that is not UTF-8")?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_build_are_read() {
        for (text, expected) in [
            ("git version 2.47.3", Some((2, 47))),
            ("git version 2.54.0.windows.1", Some((2, 54))),
            ("git version 2.50.1 (Apple Git-155)", Some((2, 50))),
            ("git version 3.0", Some((3, 0))),
            ("hub version 2", None),
        ] {
            assert_eq!(parse_version(text), expected, "{text}");
        }
    }
}
