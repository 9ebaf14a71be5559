//! [`Index`]: the files that the next commit will hold, read from the index file.
//!
//! For the commit hook, which must not be noticed: libgit2 hashes the whole file and keeps more than is needed, and does not
//! tell the trees that git has noted in it, which spare looking at directories where nothing changed. The format is described
//! in git's own documentation, `gitformat-index`. Total: a damaged file is an error, never a panic.

use super::id::ObjectId;
use std::collections::HashMap;
use std::ops::Range;

use super::raw::EntryKind;

/// An index, read.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// The paths of all entries, one behind the other.
    paths: Vec<u8>,
    trees: HashMap<Vec<u8>, CachedTree>,
}

/// A file, a submodule or, in a sparse index, a whole directory.
#[derive(Debug)]
pub(super) struct Entry {
    path: Range<usize>,
    pub(super) id: ObjectId,
    pub(super) kind: EntryKind,
    /// Whether it is known, but has no content yet (`git add --intent-to-add`).
    pub(super) is_only_intended: bool,
}

/// The tree object that git has noted for a directory of which no file has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CachedTree {
    pub(super) id: ObjectId,
    /// How many entries lie below it, one behind the other.
    pub(super) entries: usize,
}

/// Why an index cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexError {
    /// It makes no sense at some point.
    Malformed,
    /// Most of it lies in another file.
    Split,
    /// It has a version, or an extension that may not be passed over, which is not known.
    Unknown,
}

/// Where the id of an entry starts, behind what its file was like. The flags follow, and the path.
const ID_START: usize = 40;

/// Longer paths are not believed: no system can open one. Where paths share what precedes them, few bytes can stand for very
/// many, and what asks for every directory above a path takes the square of its length.
const LONGEST_PATH: usize = 8192;

impl Index {
    /// Reads an index file with ids of so many bytes; one of no bytes at all is an empty index.
    pub(super) fn parse(file: &[u8], hash_length: usize) -> Result<Self, IndexError> {
        let mut index = Self::default();
        if file.is_empty() {
            return Ok(index);
        }
        let body = file.len().checked_sub(hash_length).and_then(|end| file.get(..end)).ok_or(IndexError::Malformed)?;
        let mut reader = Reader { rest: body };
        if reader.take(4)? != b"DIRC" {
            return Err(IndexError::Malformed);
        }
        let version = reader.number()?;
        if !(2..=4).contains(&version) {
            return Err(IndexError::Unknown);
        }
        let count = reader.number()?;
        for _ in 0..count {
            index.read_entry(&mut reader, version, hash_length)?;
        }
        while !reader.rest.is_empty() {
            let name = reader.take(4)?;
            let length = reader.number()? as usize;
            let content = reader.take(length)?;
            match name {
                b"TREE" => index.trees = read_trees(content, hash_length).unwrap_or_default(),
                b"link" => return Err(IndexError::Split),
                // Capitals may be passed over. The other says that there are whole directories, which the entries say, too.
                [b'A'..=b'Z', ..] | b"sdir" => {}
                _ => return Err(IndexError::Unknown),
            }
        }
        Ok(index)
    }

    /// All entries, in the order of their paths.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The path of an entry.
    pub(super) fn path(&self, entry: &Entry) -> &[u8] {
        self.paths.get(entry.path.clone()).unwrap_or_default()
    }

    /// The tree noted for the directory whose first entry has that number. `None` if something below it has changed, or if the
    /// note does not fit the entries.
    pub(super) fn cached_tree(&self, directory: &[u8], first: usize) -> Option<CachedTree> {
        let tree = *self.trees.get(directory)?;
        let end = first.checked_add(tree.entries)?;
        let is_below = |number: usize| self.entries.get(number).map(|entry| is_below(self.path(entry), directory));
        let fits = tree.entries > 0 && is_below(end - 1) == Some(true) && is_below(end) != Some(true);
        fits.then_some(tree)
    }

    fn read_entry(&mut self, reader: &mut Reader<'_>, version: u32, hash_length: usize) -> Result<(), IndexError> {
        let start = reader.rest.len();
        let fixed = reader.take(ID_START + hash_length + 2)?;
        let mode = fixed.get(24..28).and_then(big_endian).ok_or(IndexError::Malformed)?;
        let id =
            fixed.get(ID_START..ID_START + hash_length).and_then(ObjectId::from_bytes).ok_or(IndexError::Malformed)?;
        let flags = fixed.last_chunk().map(|flags| u16::from_be_bytes(*flags)).ok_or(IndexError::Malformed)?;
        let extended = if flags & 0x4000 == 0 {
            0
        } else {
            reader.take(2)?.first_chunk().map(|flags| u16::from_be_bytes(*flags)).ok_or(IndexError::Malformed)?
        };
        let previous = self.entries.last().map_or(0..0, |entry| entry.path.clone());
        let path_start = self.paths.len();
        if version == 4 {
            // What is cut off the path before, and what follows instead.
            let kept = previous.len().checked_sub(reader.offset()?).ok_or(IndexError::Malformed)?;
            self.paths.extend_from_within(previous.start..previous.start + kept);
            self.paths.extend_from_slice(reader.text()?);
        } else {
            self.paths.extend_from_slice(reader.text()?);
            // Entries are padded to a multiple of eight bytes, with one byte at the least, which `text` has taken.
            let taken = start - reader.rest.len();
            reader.take(taken.next_multiple_of(8) - taken)?;
        }
        if self.paths.len() - path_start > LONGEST_PATH {
            return Err(IndexError::Malformed);
        }
        self.entries.push(Entry {
            path: path_start..self.paths.len(),
            id,
            kind: match mode & 0o170_000 {
                0o160_000 => EntryKind::Submodule,
                0o040_000 => EntryKind::Tree,
                _ => EntryKind::Blob,
            },
            is_only_intended: extended & 0x2000 != 0,
        });
        Ok(())
    }
}

/// Whether the path lies below the directory; everything lies below the root.
pub(super) fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

/// The trees of the extension `TREE`, by path: each directory before those in it. `None` where it makes no sense, and then
/// nothing in it is relied upon.
fn read_trees(content: &[u8], hash_length: usize) -> Option<HashMap<Vec<u8>, CachedTree>> {
    let mut trees = HashMap::new();
    let mut rest = content;
    // The directories that are not complete yet, with how many of their own are still to come.
    let mut above: Vec<(Vec<u8>, usize)> = Vec::new();
    while !rest.is_empty() {
        let name_end = memchr::memchr(0, rest)?;
        let line_end = memchr::memchr(b'\n', rest)?;
        let name = rest.get(..name_end)?;
        let (entries, subtrees) = std::str::from_utf8(rest.get(name_end + 1..line_end)?).ok()?.split_once(' ')?;
        let (entries, subtrees): (i64, usize) = (entries.parse().ok()?, subtrees.parse().ok()?);
        rest = rest.get(line_end + 1..)?;
        while above.last().is_some_and(|(_, left)| *left == 0) {
            above.pop();
        }
        let path = match above.last_mut() {
            None => name.to_vec(),
            Some((directory, left)) => {
                *left -= 1;
                if directory.is_empty() { name.to_vec() } else { [directory, &b"/"[..], name].concat() }
            }
        };
        if path.len() > LONGEST_PATH {
            return None;
        }
        // A negative number marks a tree in which something has changed.
        if let Ok(entries) = usize::try_from(entries) {
            let (id, behind) = rest.split_at_checked(hash_length)?;
            rest = behind;
            trees.insert(path.clone(), CachedTree { id: ObjectId::from_bytes(id)?, entries });
        }
        above.push((path, subtrees));
    }
    Some(trees)
}

/// Takes bytes off the front.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], IndexError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(IndexError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, IndexError> {
        big_endian(self.take(4)?).ok_or(IndexError::Malformed)
    }

    /// Bytes up to a zero, which is taken too.
    fn text(&mut self) -> Result<&'a [u8], IndexError> {
        let end = memchr::memchr(0, self.rest).ok_or(IndexError::Malformed)?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// A number in seven bits per byte, each further byte counting one more, as in the offsets of packs.
    fn offset(&mut self) -> Result<usize, IndexError> {
        let mut value = 0_usize;
        for round in 0..5 {
            let byte = self.take(1)?.first().copied().unwrap_or_default();
            value = (value << 7) | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            value += usize::from(round < 4);
        }
        Err(IndexError::Malformed)
    }
}

fn big_endian(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An index of version 2 with these files, and an extension.
    fn file(paths: &[&str], extension: &[u8]) -> Vec<u8> {
        let mut file = b"DIRC\0\0\0\x02".to_vec();
        file.extend(u32::try_from(paths.len()).expect("few").to_be_bytes());
        for path in paths {
            let mut entry = vec![0; 24];
            entry.extend(0o100_644_u32.to_be_bytes());
            entry.extend([0; 12]);
            entry.extend([7; 20]);
            entry.extend(u16::try_from(path.len()).expect("short").to_be_bytes());
            entry.extend(path.as_bytes());
            entry.resize((entry.len() + 1).next_multiple_of(8), 0);
            file.extend(entry);
        }
        file.extend(extension);
        file.extend([0; 20]);
        file
    }

    fn trees(content: &[u8]) -> Vec<u8> {
        [b"TREE", &u32::try_from(content.len()).expect("short").to_be_bytes()[..], content].concat()
    }

    #[test]
    fn damage_anywhere_is_an_error_and_never_a_panic() {
        let id = [1; 20];
        let tree = [b"\x003 1\n", &id[..], b"d\x002 0\n", &id[..]].concat();
        let whole = file(&["a", "d/b", "d/c"], &trees(&tree));
        let index = Index::parse(&whole, 20).expect("well-formed");
        assert_eq!(
            index.entries().iter().map(|entry| index.path(entry)).collect::<Vec<_>>(),
            [&b"a"[..], b"d/b", b"d/c"]
        );
        assert_eq!(index.cached_tree(b"", 0).map(|tree| tree.entries), Some(3));
        assert_eq!(index.cached_tree(b"d", 1).map(|tree| tree.entries), Some(2));
        // Notes that do not fit the entries are not believed.
        assert_eq!(index.cached_tree(b"d", 0), None);
        assert_eq!(index.cached_tree(b"d", 2), None);
        for length in 1..whole.len() {
            // Cut between entries and extension, it may look whole.
            let _ = Index::parse(&whole[..length], 20);
            let mut damaged = whole.clone();
            damaged[length] ^= 0xff;
            let _ = Index::parse(&damaged, 20);
        }
        assert_eq!(Index::parse(&whole[..40], 20).err(), Some(IndexError::Malformed));
        assert_eq!(Index::parse(&file(&[], b"link\0\0\0\0"), 20).err(), Some(IndexError::Split));
        assert_eq!(Index::parse(&file(&[], b"what\0\0\0\0"), 20).err(), Some(IndexError::Unknown));
        assert!(Index::parse(&file(&[], b"WHAT\0\0\0\0"), 20).is_ok());
        assert!(Index::parse(b"", 20).is_ok_and(|index| index.entries().is_empty()));
    }

    proptest! {
        #[test]
        fn any_bytes_will_do(version in 2_u8..5, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Index::parse(&[b"DIRC\0\0\0", &[version][..], &bytes].concat(), 20);
            let _ = read_trees(&bytes, 20);
        }
    }

    #[test]
    fn changed_trees_are_passed_over() {
        let id = [1; 20];
        let tree = [b"\x00-1 2\n", &b"a\x00-1 1\nx\x002 0\n"[..], &id[..], b"b\x001 0\n", &id[..]].concat();
        let mut known: Vec<Vec<u8>> = read_trees(&tree, 20).expect("well-formed").into_keys().collect();
        known.sort();
        assert_eq!(known, [b"a/x".to_vec(), b"b".to_vec()]);
        assert!(read_trees(&tree[..tree.len() - 1], 20).is_none());
    }

    #[test]
    fn paths_without_end_are_not_believed() {
        let longest = "d/".repeat(LONGEST_PATH / 2);
        assert!(Index::parse(&file(&[&longest], b""), 20).is_ok());
        assert_eq!(Index::parse(&file(&[&format!("{longest}d")], b""), 20).err(), Some(IndexError::Malformed));
        // Each directory in the one before: eight bytes of the file would stand for ever longer paths.
        assert!(read_trees(&b"d\0-1 1\n".repeat(LONGEST_PATH / 2), 20).is_some());
        assert!(read_trees(&b"d\0-1 1\n".repeat(LONGEST_PATH), 20).is_none());
    }
}
