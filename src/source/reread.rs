//! Reads the bytes of a known place again.
//!
//! A revocation plan holds no secret: at execution the value is read again from where it lies, and must match its id.

use super::git::id::ObjectId;
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::git::{Repository, path_from_bytes};
use super::{SourceError, archive, image};
use crate::finding::{GitObject, ImagePlace, Location, Place};

/// The bytes of the file, blob or message that holds a finding; [`Location::span`] counts in them.
///
/// Paths are as the user named them, so the working directory must be the one of the scan. Standard input cannot be read again.
pub fn bytes(location: &Location) -> Result<Vec<u8>, SourceError> {
    let path = path_from_bytes(location.path.as_bytes());
    match &location.place {
        Place::File => file(location.path.as_bytes(), path),
        Place::Stdin => Err(SourceError::Gone { what: "standard input" }),
        Place::Git(place) => Ok(of_member(location, object(&place.repository, &place.oid, place.object)?)),
        Place::Staged { repository, blob } => Ok(of_member(location, object(repository, blob, GitObject::Blob)?)),
        Place::Image(place) => in_image(place, location),
    }
}

/// A file, or a member of an archive.
fn file(name: &[u8], path: PathBuf) -> Result<Vec<u8>, SourceError> {
    let archive = archive::outermost(name).filter(|_| !path.exists());
    let open = |path: PathBuf| fs_err::read(&path).map_err(|source| SourceError::Open { path, source });
    let Some(archive) = archive else { return open(path) };
    let bytes = open(path_from_bytes(archive))?;
    archive::member(archive, &bytes, name).ok_or(SourceError::Gone { what: "what is no longer in the archive" })
}

/// The member that the path names, if what was read is an archive that has it.
fn of_member(location: &Location, bytes: Vec<u8>) -> Vec<u8> {
    let path = location.path.as_bytes();
    let inner = archive::outermost(path).and_then(|outer| path.get(outer.len()..));
    inner.and_then(|inner| archive::member(b"", &bytes, inner)).unwrap_or(bytes)
}

fn in_image(place: &ImagePlace, location: &Location) -> Result<Vec<u8>, SourceError> {
    let mut found = None;
    image::reread(place, &location.path, &mut |bytes| {
        if (bytes.len() as u64) < location.span.byte_end {
            return ControlFlow::Continue(());
        }
        found = Some(bytes.to_vec());
        ControlFlow::Break(())
    })?;
    found.ok_or(SourceError::Gone { what: "what is no longer in the image" })
}

fn object(repository: &str, oid: &str, object: GitObject) -> Result<Vec<u8>, SourceError> {
    let path = path_from_bytes(repository.as_bytes());
    let repository = Repository::discover(&path, &super::git::GitEnvironment::default())?;
    let oid =
        ObjectId::parse(oid.as_bytes()).ok_or(SourceError::Gone { what: "what is no longer in the repository" })?;
    repository.read_text(oid, object)
}
