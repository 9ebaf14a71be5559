//! [`PlannedLocation`]: where a plan's secrets are read again.
//!
//! A plan holds no secret, so that it can be mailed to an approver; at execution the value is taken from its place, which
//! is therefore named so that it is found from any working directory.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::finding::{GitObject, GitPlace, ImagePlace, Location, Place, SourcePath, TextSpan, escape};

/// A place of a secret: an absolute path, the object or layer within it, and the bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlannedLocation {
    /// The source and what names the place within it.
    #[serde(flatten)]
    pub place: PlannedPlace,
    /// The path within the source, fit to show; for plain files the same as the place's.
    pub path: String,
    /// Line of the first byte, counted from 1.
    pub line: u32,
    /// Offset of the first byte.
    pub byte_start: u64,
    /// Offset just behind the last byte.
    pub byte_end: u64,
}

/// The source of a [`PlannedLocation`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum PlannedPlace {
    /// A file.
    File {
        /// Its absolute path.
        file: String,
    },
    /// Standard input: the value cannot be read again.
    Stdin,
    /// An object of a git repository.
    Git {
        /// Absolute path of the repository.
        repository: String,
        /// `blob`, `commit` or `tag`.
        object: String,
        /// The object's id.
        oid: String,
        /// Whether any reference reached it; left out if nobody looked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reachable: Option<bool>,
    },
    /// A blob of a repository's index.
    Staged {
        /// Absolute path of the repository.
        repository: String,
        /// The blob's id.
        oid: String,
    },
    /// A container image.
    Image {
        /// Absolute path of the archive or layout, followed by `#` and the tag or digest where it holds several images.
        image: String,
        /// Digest of the layer; none for the configuration and manifests.
        layer: Option<String>,
    },
}

impl PlannedLocation {
    /// The plan's form of a location; paths are taken relative to the working directory and made absolute.
    pub fn of(location: &Location) -> Self {
        let place = match &location.place {
            Place::File => PlannedPlace::File { file: absolute_file(location.path.as_bytes()) },
            Place::Stdin => PlannedPlace::Stdin,
            Place::Git(git) => PlannedPlace::Git {
                repository: absolute(Path::new(&*git.repository)),
                object: match git.object {
                    GitObject::Blob => "blob",
                    GitObject::Commit => "commit",
                    GitObject::Tag => "tag",
                }
                .to_owned(),
                oid: git.oid.to_string(),
                reachable: git.reachable,
            },
            Place::Staged { repository, blob } => {
                PlannedPlace::Staged { repository: absolute(Path::new(&**repository)), oid: blob.to_string() }
            }
            Place::Image(image) => PlannedPlace::Image {
                image: absolute_image(&image.image),
                layer: image.layer.as_deref().map(str::to_owned),
            },
        };
        Self {
            place,
            path: location.path.display().into_owned(),
            line: location.span.line,
            byte_start: location.span.byte_start,
            byte_end: location.span.byte_end,
        }
    }

    /// The location with its path as the scan had it, which is what a policy's globs are about.
    pub(super) fn as_scanned(&self) -> Location {
        Location { path: SourcePath::new(self.path.as_bytes()), ..self.to_location() }
    }

    /// The location that is read again: what names the place and the bytes, nothing of its history.
    pub fn to_location(&self) -> Location {
        let path = SourcePath::new(match &self.place {
            PlannedPlace::File { file } => file.as_bytes(),
            _ => self.path.as_bytes(),
        });
        let place = match &self.place {
            PlannedPlace::File { .. } => Place::File,
            PlannedPlace::Stdin => Place::Stdin,
            PlannedPlace::Git { repository, object, oid, reachable } => Place::Git(GitPlace {
                repository: repository.as_str().into(),
                object: match object.as_str() {
                    "commit" => GitObject::Commit,
                    "tag" => GitObject::Tag,
                    _ => GitObject::Blob,
                },
                oid: oid.as_str().into(),
                commit: None,
                in_head: None,
                reachable: *reachable,
                branches: None,
            }),
            PlannedPlace::Staged { repository, oid } => {
                Place::Staged { repository: repository.as_str().into(), blob: oid.as_str().into() }
            }
            PlannedPlace::Image { image, layer } => Place::Image(ImagePlace {
                image: image.as_str().into(),
                layer: layer.as_deref().map(Into::into),
                instruction: None,
                shadowed_by: None,
            }),
        };
        let span =
            TextSpan { line: self.line, byte_start: self.byte_start, byte_end: self.byte_end, ..TextSpan::default() };
        Location { place, path, span }
    }
}

/// An image is named `path` or `path#reference`; a path may itself contain a `#`.
fn absolute_image(named: &str) -> String {
    match named.rsplit_once('#') {
        Some((path, reference)) if !Path::new(named).exists() => {
            format!("{}#{reference}", absolute(Path::new(path)))
        }
        _ => absolute(Path::new(named)),
    }
}

#[cfg(unix)]
fn absolute_file(path: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    absolute(Path::new(std::ffi::OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
fn absolute_file(path: &[u8]) -> String {
    absolute(Path::new(&*String::from_utf8_lossy(path)))
}

/// A path as text, absolute and without symbolic links where it exists. One that is not UTF-8 is escaped, and then not found
/// again: its value counts as unreadable.
fn absolute(path: &Path) -> String {
    let resolved = fs_err::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.into());
    escape(resolved.as_os_str().as_encoded_bytes()).into_owned()
}
