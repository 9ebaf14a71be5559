//! [`ObjectId`] and [`ObjectKind`]: how git names what it stores, and what that is.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use foldhash::{HashMap, HashSet};

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
#[derive(Clone, Copy, PartialEq, Eq)]
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

impl Ord for ObjectId {
    /// That of the bytes. The first eight of them are compared as a number, which mostly is all there is to compare.
    fn cmp(&self, other: &Self) -> Ordering {
        let head = |id: &Self| id.bytes.first_chunk().map(|head| u64::from_be_bytes(*head));
        head(self).cmp(&head(other)).then_with(|| (self.bytes, self.length).cmp(&(other.bytes, other.length)))
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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

// The hashes have secret seeds: ids need not be what honest ones are, random. A tree names any that it likes, and a million that
// agree in what is hashed would take hours.

/// A set of object ids.
pub(super) type IdSet = HashSet<ObjectId>;
/// A map keyed by object id.
pub(super) type IdMap<T> = HashMap<ObjectId, T>;

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
}
