//! [`SourceError`]: why a target cannot be scanned at all.

use std::path::PathBuf;

/// Bad input, told before anything is read. What goes wrong later, within a target, is a diagnostic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The target, or something that it needs, is not there or cannot be opened.
    #[error("cannot open `{path}`")]
    Open {
        /// What was to be opened.
        path: PathBuf,
        /// Why it was not.
        #[source]
        source: std::io::Error,
    },
    /// History was asked for, and there is no repository.
    #[error("`{path}` is not a git repository")]
    NotARepository {
        /// The target.
        path: PathBuf,
    },
    /// A target is neither a file nor a directory.
    #[error("`{path}` is neither a file nor a directory")]
    NotAFile {
        /// The target.
        path: PathBuf,
    },
    /// The repository is stored in a way that cannot be read.
    #[error("`{path}` uses {feature}, which is not supported")]
    UnsupportedRepository {
        /// The repository.
        path: PathBuf,
        /// Such as `the object format sha256`.
        feature: String,
    },
    /// The prefix names a kind of target that this version does not know.
    #[error("`{target}`: targets of the kind `{kind}:` are not supported yet")]
    UnsupportedTarget {
        /// The whole target.
        target: String,
        /// Its prefix.
        kind: &'static str,
    },
    /// The options do not go with the target.
    #[error("`{target}` cannot be scanned with {option}")]
    Conflict {
        /// The target.
        target: String,
        /// The option, as it is spelled on the command line.
        option: &'static str,
    },
    /// The index cannot be read.
    #[error("`{path}` {reason}")]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A revision names no commit.
    #[error("`{revision}` names no commit of `{path}`")]
    Revision {
        /// The repository.
        path: PathBuf,
        /// What was to be resolved.
        revision: String,
    },
    /// A range is not of the form `A..B`.
    #[error("`{range}` is not a range of the form `A..B`")]
    Range {
        /// What was given.
        range: String,
    },
    /// libgit2 refused.
    #[error("cannot read `{path}`")]
    Git {
        /// A repository, an index or an object.
        path: PathBuf,
        /// What it said.
        #[source]
        source: git2::Error,
    },
    /// A container image, or a target that was said to be one.
    #[error(transparent)]
    Image(#[from] super::image::ImageError),
    /// A place that can be read once only.
    #[error("{what} cannot be read again")]
    Gone {
        /// Such as `standard input`.
        what: &'static str,
    },
}

impl SourceError {
    /// What the user may do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("a target is a file, a directory, a git repository, an image archive, or `-`".to_owned())
            }
            Self::NotARepository { .. } => Some(
                "history, the index and ranges are those of a repository; `rescind scan PATH` scans files".to_owned(),
            ),
            Self::UnsupportedRepository { .. } => {
                Some("scan the files without the history, with `--no-history`".to_owned())
            }
            Self::Index { .. } => {
                Some("have git write it anew in one piece, with `git update-index --no-split-index`".to_owned())
            }
            Self::UnsupportedTarget { kind: "url", .. } => Some("clone it first, and scan the clone".to_owned()),
            Self::UnsupportedTarget { .. } => Some("save the image to a file first, and scan the file".to_owned()),
            Self::Revision { .. } => {
                Some("a clone for a check of a range needs its history: fetch it with full depth".to_owned())
            }
            _ => None,
        }
    }
}
