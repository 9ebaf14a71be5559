//! [`ObjectId`] and [`ObjectKind`]: how git names what it stores, and what that is.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A state of the repository with its author and message.
    Commit,
    /// A directory.
    Tree,
    /// The content of a file.
    Blob,
    /// An annotated tag.
    Tag,
}

/// How many bytes an id has with SHA-256, the longest there is.
const LONGEST: usize = 32;

/// The name of an object: the hash of its content, by SHA-1 (20 bytes) or SHA-256 (32 bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId {
    /// Zero behind `length`.
    bytes: [u8; LONGEST],
    length: u8,
}

impl ObjectId {
    /// An id as trees, packs and the index hold it. `None` unless it has 20 or 32 bytes.
    pub fn from_bytes(id: &[u8]) -> Option<Self> {
        let length = match id.len() {
            20 => 20,
            32 => 32,
            _ => return None,
        };
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { bytes, length })
    }

    /// An id as commits and references hold it: 40 or 64 hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, []) = text.as_chunks::<2>() else { return None };
        let mut bytes = [0; LONGEST];
        let length = pairs.len();
        for (byte, [high, low]) in bytes.get_mut(..length)?.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Self::from_bytes(bytes.get(..length)?)
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Hash for ObjectId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

/// A set of object ids.
pub(super) type IdSet = HashSet<ObjectId, IdState>;
/// A map keyed by object id.
pub(super) type IdMap<T> = HashMap<ObjectId, T, IdState>;

/// Makes the hashers of one process, all with the same secret. An honest id is its own hash, but ids need not be: a tree names
/// any that it likes, a pack's index gives any to its objects, and a million that agree in what is hashed would take hours.
#[derive(Clone, Copy)]
pub(super) struct IdState([u64; 2]);

impl Default for IdState {
    fn default() -> Self {
        static SECRET: LazyLock<[u64; 2]> = LazyLock::new(|| [0, 1].map(|number| RandomState::new().hash_one(number)));
        Self(*SECRET)
    }
}

impl BuildHasher for IdState {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { secret: self.0, hash: 0 }
    }
}

/// Multiplies the parts of an id with each other, which whoever chose them cannot foresee without the secret.
pub(super) struct IdHasher {
    secret: [u64; 2],
    hash: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let part = |start: usize| {
            let part = bytes.get(start..).and_then(<[u8]>::first_chunk);
            part.map_or(0, |part| u64::from_le_bytes(*part))
        };
        let [left, right] = self.secret;
        // The parts overlap, so that all bytes count.
        let last = bytes.len().saturating_sub(8);
        self.hash ^=
            fold(fold(part(0) ^ left, part(8) ^ right) ^ left, fold(part(16) ^ left, part(last) ^ right) ^ right);
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

/// Both halves of the product, one over the other.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let lower = product as u64;
    lower ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written() {
        for length in [20, 32] {
            let bytes: Vec<u8> = (0..length).map(|byte| byte * 7 + 3).collect();
            let id = ObjectId::from_bytes(&bytes).expect("an id");
            assert_eq!(id.as_bytes(), bytes);
            assert_eq!(ObjectId::parse(id.to_string().as_bytes()), Some(id));
            assert_eq!(ObjectId::parse(id.to_string().to_uppercase().as_bytes()), Some(id));
        }
        for wrong in
            ["", "0", "00", &"0".repeat(39), &"0".repeat(41), &"0".repeat(42), &"0".repeat(66), &"g".repeat(40)]
        {
            assert_eq!(ObjectId::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(ObjectId::from_bytes(&[0; 21]), None);
    }

    #[test]
    fn ids_that_agree_in_most_bytes_do_not_share_a_hash() {
        for length in [20, 32] {
            for place in 0..length {
                let ids = (0..=u8::MAX).map(|byte| {
                    let mut id = vec![7; length];
                    id[place] = byte;
                    ObjectId::from_bytes(&id).expect("an id")
                });
                let state = IdState::default();
                let hashes: HashSet<u64> = ids.map(|id| state.hash_one(id)).collect();
                assert_eq!(hashes.len(), 256, "byte {place} of {length}");
            }
        }
    }
}
