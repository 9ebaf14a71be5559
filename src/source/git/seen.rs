//! [`SeenObjects`]: which objects earlier scans have looked through, so that a later one costs only what is new.
//!
//! An id names its content, so one file serves any number of repositories. It holds ids and no content; it is only valid for
//! the detection it was made with, and is written after the reports are, so that nothing found is ever lost to it.
//!
//! The file: a line that names the format, the digest of the detection, then for ids of 20 and of 32 bytes each the packs that
//! were seen from end to end and the objects, both as a count (64 bits, little endian) and that many ids in ascending order;
//! in the end the SHA-256 of all that.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::repository::read_file;

/// Names the format and its version.
const MAGIC: &[u8] = b"rescind: seen objects, version 1\n";

/// Length of a SHA-256 digest.
const DIGEST: usize = 32;

/// The lengths of ids: SHA-1 and SHA-256.
const LENGTHS: [usize; 2] = [20, 32];

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// It cannot be read.
    #[error("cannot read the state file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is something else, or damaged.
    #[error("`{}` is no state file, or a damaged one: name another file, or delete it and everything is scanned again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The objects and packs that need not be looked through again. Shared between the threads of a scan.
pub struct SeenObjects {
    detection: [u8; DIGEST],
    /// What the file said, for ids of each length.
    known: [Known; 2],
    /// What this scan adds, in any order.
    added: Mutex<[Known; 2]>,
    is_outdated: bool,
}

/// Ids of one length, one after the other.
#[derive(Clone, Default)]
struct Known {
    packs: Vec<u8>,
    objects: Vec<u8>,
}

impl SeenObjects {
    /// Reads the file; one that is not there yet is empty. What another detection has seen counts for nothing: `detection` is
    /// a digest of all that decides what is found.
    pub fn load(path: &Path, detection: [u8; DIGEST]) -> Result<Self, SeenError> {
        let mut seen = Self { detection, known: Default::default(), added: Mutex::default(), is_outdated: false };
        let bytes = match read_file(path) {
            Ok(bytes) if bytes.is_empty() => return Ok(seen),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(seen),
            Err(source) => return Err(SeenError::Read { path: path.to_owned(), source }),
        };
        let (made_by, known) = parse(&bytes).ok_or_else(|| SeenError::Damaged { path: path.to_owned() })?;
        if made_by == detection {
            seen.known = known;
        } else {
            seen.is_outdated = true;
        }
        Ok(seen)
    }

    /// Whether the file was left by another detection and is not used.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// Whether an earlier scan has looked through this object.
    pub(super) fn contains(&self, id: &[u8]) -> bool {
        known_of(&self.known, id.len()).is_some_and(|known| is_among(&known.objects, id))
    }

    /// Whether an earlier scan has looked through all objects of the pack with this checksum.
    pub(super) fn contains_pack(&self, checksum: &[u8]) -> bool {
        known_of(&self.known, checksum.len()).is_some_and(|known| is_among(&known.packs, checksum))
    }

    /// Adds an object that was looked through.
    pub(super) fn add<'a>(&self, ids: impl IntoIterator<Item = &'a [u8]>) {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(known) = known_of_mut(&mut added, id.len()) {
                known.objects.extend_from_slice(id);
            }
        }
    }

    /// Adds a pack of which everything was looked through.
    pub(super) fn add_pack(&self, checksum: &[u8]) {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known_of_mut(&mut added, checksum.len()) {
            known.packs.extend_from_slice(checksum);
        }
    }

    /// Writes what was seen, now and before.
    pub fn write(self, out: &mut impl Write) -> std::io::Result<()> {
        let added = self.added.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = [MAGIC, &self.detection].concat();
        for ((length, known), added) in LENGTHS.into_iter().zip(self.known).zip(added) {
            put(&mut bytes, length, known.packs, &added.packs);
            put(&mut bytes, length, known.objects, &added.objects);
        }
        out.write_all(&bytes)?;
        out.write_all(&Sha256::digest(&bytes))
    }
}

fn known_of(known: &[Known; 2], length: usize) -> Option<&Known> {
    LENGTHS.iter().zip(known).find(|(own, _)| **own == length).map(|(_, known)| known)
}

fn known_of_mut(known: &mut [Known; 2], length: usize) -> Option<&mut Known> {
    LENGTHS.iter().zip(known).find(|(own, _)| **own == length).map(|(_, known)| known)
}

/// Whether an id is among sorted ones.
fn is_among(sorted: &[u8], id: &[u8]) -> bool {
    let (mut low, mut high) = (0, sorted.len() / id.len().max(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let start = middle * id.len();
        match sorted.get(start..start + id.len()).map(|other| other.cmp(id)) {
            Some(std::cmp::Ordering::Less) => low = middle + 1,
            Some(std::cmp::Ordering::Greater) => high = middle,
            Some(std::cmp::Ordering::Equal) => return true,
            None => return false,
        }
    }
    false
}

/// Appends the count and the ids of both, sorted and each once.
fn put(bytes: &mut Vec<u8>, length: usize, mut ids: Vec<u8>, added: &[u8]) {
    ids.extend_from_slice(added);
    let mut sorted: Vec<&[u8]> = ids.chunks_exact(length).collect();
    sorted.sort_unstable();
    sorted.dedup();
    bytes.extend_from_slice(&(sorted.len() as u64).to_le_bytes());
    for id in sorted {
        bytes.extend_from_slice(id);
    }
}

/// Takes a file apart. `None` if anything about it is wrong.
fn parse(bytes: &[u8]) -> Option<([u8; DIGEST], [Known; 2])> {
    let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if Sha256::digest(content)[..] != *digest {
        return None;
    }
    let (detection, mut rest) = content.strip_prefix(MAGIC)?.split_first_chunk::<DIGEST>()?;
    let mut known: [Known; 2] = Default::default();
    for (length, known) in LENGTHS.into_iter().zip(&mut known) {
        known.packs = take(&mut rest, length)?;
        known.objects = take(&mut rest, length)?;
    }
    rest.is_empty().then_some((*detection, known))
}

fn take(rest: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (count, after) = rest.split_first_chunk()?;
    let size = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(length)?;
    let (ids, after) = after.split_at_checked(size)?;
    *rest = after;
    Some(ids.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(seen: SeenObjects, path: &Path) {
        let mut bytes = Vec::new();
        seen.write(&mut bytes).expect("memory is never full");
        fs_err::write(path, bytes).expect("writable");
    }

    #[test]
    fn what_was_seen_is_remembered() {
        let made = tempfile::tempdir().expect("a temporary directory");
        let path = made.path().join("state");
        let ids: Vec<Vec<u8>> =
            (0..200_u8).map(|number| vec![number.wrapping_mul(73); if number % 3 == 0 { 32 } else { 20 }]).collect();
        for part in ids.chunks(50) {
            let seen = SeenObjects::load(&path, [7; 32]).expect("a state file, or none");
            assert!(part.iter().all(|id| !seen.contains(id)));
            seen.add(part.iter().map(Vec::as_slice));
            seen.add_pack(&part[0]);
            save(seen, &path);
        }
        let seen = SeenObjects::load(&path, [7; 32]).expect("a state file");
        assert!(ids.iter().all(|id| seen.contains(id)) && !seen.contains(&[74; 20]) && !seen.contains(&[1; 5]));
        assert!(ids.iter().step_by(50).all(|id| seen.contains_pack(id)) && !seen.contains_pack(&ids[1]));
    }

    #[test]
    fn another_detection_begins_anew() {
        let made = tempfile::tempdir().expect("a temporary directory");
        let path = made.path().join("state");
        let seen = SeenObjects::load(&path, [1; 32]).expect("none");
        seen.add([&[5; 20][..]]);
        save(seen, &path);
        let seen = SeenObjects::load(&path, [2; 32]).expect("a state file");
        assert!(seen.is_outdated() && !seen.contains(&[5; 20]));
        save(seen, &path);
        assert!(!SeenObjects::load(&path, [2; 32]).expect("a state file").is_outdated());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let made = tempfile::tempdir().expect("a temporary directory");
        let path = made.path().join("state");
        let seen = SeenObjects::load(&path, [1; 32]).expect("none");
        seen.add([&[5; 20][..], &[6; 32]]);
        save(seen, &path);
        let whole = fs_err::read(&path).expect("readable");
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            fs_err::write(&path, &damaged).expect("writable");
            assert!(SeenObjects::load(&path, [1; 32]).is_err(), "{position}");
            fs_err::write(&path, &whole[..position]).expect("writable");
            // An empty file is one that was made beforehand.
            assert!(position == 0 || SeenObjects::load(&path, [1; 32]).is_err(), "{position}");
        }
    }
}
