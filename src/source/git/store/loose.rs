//! Loose objects: one zlib stream in a file of its own, `type SP size NUL content` (`gitformat-loose`).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

use super::ObjectStore;
use super::reader::{LARGEST_OBJECT, ObjectError};
use crate::source::git::id::{ObjectId, ObjectKind};
use crate::source::git::pack::inflate::{self, Buffer, Inflater};
use crate::source::git::repository::read_file;

/// The longest header: a kind, a number of twenty digits.
const LONGEST_HEADER: usize = 32;

/// A loose object that was found.
pub(super) struct Loose {
    bytes: Vec<u8>,
    pub(super) kind: ObjectKind,
    /// Of the content, in bytes; as the header claims, but possible.
    pub(super) size: u64,
    /// Length of the header.
    header: usize,
}

impl Loose {
    /// Opens the file of an object, if there is one.
    pub(super) fn open(store: &ObjectStore, id: ObjectId) -> Result<Option<Self>, ObjectError> {
        let name = id.to_string();
        let (fan, rest) = name.split_at(2);
        for directory in &store.directories {
            match read_file(&directory.join(fan).join(rest)) {
                Ok(bytes) => return Self::parse(bytes).map(Some),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(ObjectError::Unreadable(error.kind())),
            }
        }
        Ok(None)
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, ObjectError> {
        let mut start = Vec::new();
        // A stream that ends early may still have a header, and what ends is told by whoever reads on.
        let _ = ZlibDecoder::new(&*bytes).take(LONGEST_HEADER as u64).read_to_end(&mut start);
        let (header, kind, size) = parse_header(&start).ok_or(ObjectError::LooseHeader)?;
        if !inflate::is_possible(bytes.len() as u64, size) {
            return Err(inflate::InflateError::ImpossibleSize(size).into());
        }
        Ok(Self { bytes, kind, size, header })
    }

    /// The content.
    pub(super) fn content(&self, inflater: &mut Inflater) -> Result<Vec<u8>, ObjectError> {
        if self.size > LARGEST_OBJECT {
            return Err(ObjectError::TooLarge(self.size));
        }
        let mut buffer = Buffer::new();
        inflater.inflate(&self.bytes, self.size + self.header as u64, &mut buffer)?;
        let mut content = buffer.into_vec();
        content.drain(..self.header);
        Ok(content)
    }
}

fn parse_header(start: &[u8]) -> Option<(usize, ObjectKind, u64)> {
    let end = memchr::memchr(0, start)?;
    let header = std::str::from_utf8(start.get(..end)?).ok()?;
    let (kind, size) = header.split_once(' ')?;
    let kind = match kind {
        "commit" => ObjectKind::Commit,
        "tree" => ObjectKind::Tree,
        "blob" => ObjectKind::Blob,
        "tag" => ObjectKind::Tag,
        _ => return None,
    };
    let is_number = size.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((end + 1, kind, size.parse().ok()?))
}

/// The ids of the loose objects of a directory. What cannot be listed goes to `troubles`.
pub(super) fn list(directory: &Path, hash_length: usize, troubles: &mut Vec<(PathBuf, String)>) -> Vec<ObjectId> {
    let mut ids = Vec::new();
    for fan in 0..=u8::MAX {
        let fan = format!("{fan:02x}");
        let path = directory.join(&fan);
        let entries = match fs_err::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                troubles.push((path, super::unread(&error)));
                continue;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.len() + 2 == 2 * hash_length {
                ids.extend(ObjectId::parse(&[fan.as_bytes(), name].concat()));
            }
        }
    }
    ids
}

/// The directories that may hold loose objects.
pub(super) fn directories(store: &ObjectStore) -> &[PathBuf] {
    &store.directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let check = |start: &[u8], expected| assert_eq!(parse_header(start), expected);
        check(b"blob 12\0content", Some((8, ObjectKind::Blob, 12)));
        check(b"commit 0\0", Some((9, ObjectKind::Commit, 0)));
        check(b"tree 18446744073709551615\0", Some((26, ObjectKind::Tree, u64::MAX)));
        for wrong in
            [&b"blob 12"[..], b"blob\0", b"blob +1\0", b"blob -1\0", b"blob 18446744073709551616\0", b"blub 1\0", b""]
        {
            check(wrong, None);
        }
    }
}
