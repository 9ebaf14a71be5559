//! Targets: what the user named, told apart by content.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::git::{self, GitEnvironment, History, Range, Repository, Staged};
use super::image;
use super::stdin::Stdin;
use super::tree::{self, Tree};
use super::{Source, SourceError};
use crate::diagnostic::Diagnostic;

/// Which part of the targets is scanned.
#[derive(Clone, Debug, Default)]
pub enum Scope {
    /// The files; of a repository, all of its history as well.
    #[default]
    Everything,
    /// `--no-history`: the files only.
    Files,
    /// `--history-only`: the history only.
    History,
    /// `--since REV`: what the commits after that revision, up to HEAD, brought in.
    Since(String),
    /// `--range A..B`: what the commits of that range brought in.
    Range(String),
    /// What a push would send: the commits that `tips` reach and `known` do not.
    Pushed {
        /// Commits that are about to be sent.
        tips: Vec<String>,
        /// Commits that the other side has.
        known: Vec<String>,
    },
    /// `--staged`: what `git commit` would record.
    Staged {
        /// Only these files, and all of each instead of the changed lines; all changed files if there are none.
        files: Vec<PathBuf>,
    },
}

impl Scope {
    /// The option that asks for it.
    fn option(&self) -> &'static str {
        match self {
            Self::Everything => "no option",
            Self::Files => "--no-history",
            Self::History => "--history-only",
            Self::Since(_) => "--since",
            Self::Range(_) => "--range",
            Self::Pushed { .. } => "a push",
            Self::Staged { .. } => "--staged",
        }
    }
}

/// How targets are opened.
#[derive(Clone, Debug, Default)]
pub struct TargetOptions {
    /// Which part of each is scanned.
    pub scope: Scope,
    /// What git's environment variables say. Looked at by `--staged`, `--since` and `--range` only: those run in hooks.
    pub environment: GitEnvironment,
}

/// Opens a target: a path, a path with a prefix that forces its kind, or `-`. Nothing is read but what tells the kind.
pub fn open(target: impl AsRef<OsStr>, options: &TargetOptions) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let target = target.as_ref();
    let (kind, path) = split(target);
    if let Some(kind @ ("registry" | "url")) = kind {
        return Err(SourceError::UnsupportedTarget { target: tree::shown(Path::new(target)), kind });
    }
    let conflict = || SourceError::Conflict { target: tree::shown(Path::new(target)), option: options.scope.option() };
    let discover = || Repository::discover(&path, &options.environment);
    match (&options.scope, kind) {
        (Scope::Everything | Scope::Files, Some("tree")) => files(&path),
        (Scope::Everything | Scope::Files, Some("stdin")) => Ok(vec![Box::new(Stdin)]),
        (Scope::Everything | Scope::Files, Some("image")) => images(&path),
        (_, Some("tree" | "stdin" | "image")) => Err(conflict()),
        (Scope::Since(revision), _) => Ok(vec![Box::new(Range::since(discover()?, revision)?)]),
        (Scope::Pushed { tips, known }, _) => Ok(vec![Box::new(Range::pushed(discover()?, tips, known)?)]),
        (Scope::Range(range), _) => Ok(vec![Box::new(Range::parse(discover()?, range)?)]),
        (Scope::Staged { files }, _) => Ok(vec![Box::new(Staged::open(discover()?, files)?)]),
        (scope, _) => by_content(&path, kind.is_some(), scope),
    }
}

/// The path of a target, without its prefix; empty for standard input.
pub fn path(target: impl AsRef<OsStr>) -> PathBuf {
    split(target.as_ref()).1
}

/// Takes the prefix off. A file whose name looks like one is reached as `./tree:name`.
fn split(target: &OsStr) -> (Option<&'static str>, PathBuf) {
    let bytes = target.as_encoded_bytes();
    if bytes == b"-" {
        return (Some("stdin"), PathBuf::new());
    }
    for kind in ["tree", "git", "image", "registry", "url"] {
        if let Some(rest) = bytes.strip_prefix(kind.as_bytes()).and_then(|rest| rest.strip_prefix(b":")) {
            return (Some(kind), git::path_from_bytes(rest));
        }
    }
    (None, target.into())
}

fn by_content(path: &Path, is_git: bool, scope: &Scope) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let metadata = fs_err::metadata(path).map_err(|source| SourceError::Open { path: path.to_owned(), source })?;
    let repository = if metadata.is_dir() { Repository::at(path) } else { Ok(None) };
    match (repository, scope) {
        // What cannot be read of a repository is of no concern to a scan of its files.
        (_, Scope::Files) if metadata.is_dir() => files_or_image(path),
        (Err(error), _) => Err(error),
        (Ok(Some(repository)), _) => {
            let has_files = repository.has_work_tree() && !matches!(scope, Scope::History);
            let mut sources = if has_files { files(path)? } else { Vec::new() };
            sources.push(Box::new(History::open(repository)?));
            Ok(sources)
        }
        (Ok(None), scope) if is_git || matches!(scope, Scope::History) => {
            Err(SourceError::NotARepository { path: path.to_owned() })
        }
        (Ok(None), _) => match git::linked_git_directory(path) {
            Ok(Some(git_dir)) => files_without_history(path, &git_dir),
            _ => files_or_image(path),
        },
    }
}

/// A path that is no repository. One that cannot be looked into is left to the scan of files, which tells why.
fn files_or_image(path: &Path) -> Result<Vec<Box<dyn Source>>, SourceError> {
    if let Ok(Some(_)) = image::sniff(path) { images(path) } else { files(path) }
}

fn files(path: &Path) -> Result<Vec<Box<dyn Source>>, SourceError> {
    Ok(vec![Box::new(Tree::open(path)?)])
}

/// The files of what looks like a repository and is none: whoever wanted its history is told.
fn files_without_history(path: &Path, git_dir: &Path) -> Result<Vec<Box<dyn Source>>, SourceError> {
    let mut tree = Tree::open(path)?;
    let place = tree::shown(path);
    tree.tell(if git_dir.is_dir() {
        let reason = "`.git` is no repository, or a damaged one: its history was not scanned";
        Diagnostic::gap("missing-repository", place, reason)
    } else {
        let reason = "`.git` leads to a repository that is not there: there is no history to scan";
        Diagnostic::note("missing-repository", place, reason)
    });
    Ok(vec![Box::new(tree)])
}

fn images(path: &Path) -> Result<Vec<Box<dyn Source>>, SourceError> {
    Ok(vec![image::open(path, &tree::shown(path))?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_force_the_kind() {
        let check = |target: &str, kind: Option<&str>, path: &str| {
            assert_eq!(split(OsStr::new(target)), (kind, PathBuf::from(path)), "{target}");
        };
        check(".", None, ".");
        check("-", Some("stdin"), "");
        check("tree:src", Some("tree"), "src");
        check("git:../shop", Some("git"), "../shop");
        check("image:app.tar", Some("image"), "app.tar");
        check("./tree:src", None, "./tree:src");
        check("C:\\shop", None, "C:\\shop");
        check("trees:src", None, "trees:src");
    }

    #[test]
    fn options_that_do_not_go_with_a_target_are_an_error() {
        let check = |target: &str, scope: Scope, expected: &str| {
            let options = TargetOptions { scope, ..TargetOptions::default() };
            let error = open(target, &options).err().expect("an error");
            assert_eq!(error.to_string(), expected);
        };
        check("-", Scope::History, "`-` cannot be scanned with --history-only");
        check("tree:.", Scope::Since("HEAD".to_owned()), "`tree:.` cannot be scanned with --since");
        check("image:x", Scope::Staged { files: Vec::new() }, "`image:x` cannot be scanned with --staged");
        check("url:https://x", Scope::Everything, "`url:https://x`: targets of the kind `url:` are not supported yet");
        check("/nowhere/at/all", Scope::Everything, "cannot open `/nowhere/at/all`");
    }
}
