//! Commits, tags and trees as the bytes that git stores.
//!
//! Total: hostile bytes give `None` or an early end, never a panic.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::id::ObjectId;
use crate::finding::escape;

/// What the header of a commit says that the graph needs.
#[derive(Clone, Debug)]
pub struct CommitHeader {
    /// The files of that state.
    pub tree: ObjectId,
    /// The states before, the first one first.
    pub parents: Vec<ObjectId>,
    /// Committer's time, in seconds since the epoch; 0 if it cannot be read.
    pub time: i64,
}

impl CommitHeader {
    /// Reads the header of a commit object.
    pub fn parse(commit: &[u8]) -> Option<Self> {
        let mut lines = header_lines(commit);
        let tree = hexadecimal_id(lines.next()?.strip_prefix(b"tree ")?)?;
        let mut parents = Vec::new();
        let mut time = 0;
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(hexadecimal_id(parent)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                time = Person::parse(committer).seconds;
                break;
            }
        }
        Some(Self { tree, parents, time })
    }
}

/// What an annotated tag points to.
pub fn tag_target(tag: &[u8]) -> Option<ObjectId> {
    hexadecimal_id(header_lines(tag).next()?.strip_prefix(b"object ")?)
}

/// The author of a commit, or the tagger of a tag.
pub fn author(object: &[u8]) -> Option<Person<'_>> {
    header_lines(object)
        .find_map(|line| line.strip_prefix(b"author ").or_else(|| line.strip_prefix(b"tagger ")))
        .map(Person::parse)
}

/// The text of a commit or tag: what follows the first empty line. A merge of annotated tags has their texts in its header
/// (`mergetag`): there, the text starts with the first of them.
pub fn message(object: &[u8]) -> &[u8] {
    let Some(end) = memchr::memmem::find(object, b"\n\n") else { return &[] };
    // A tag has no such header, and its first line may be anything.
    let header = object.get(..end).filter(|header| header.starts_with(b"tree ")).unwrap_or_default();
    let merged = memchr::memmem::find(header, b"\nmergetag ").map(|start| start + 1);
    object.get(merged.unwrap_or(end + 2)..).unwrap_or_default()
}

/// Somebody, and a moment with the offset of their clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person<'a> {
    name: &'a [u8],
    seconds: i64,
    offset_seconds: i32,
}

impl<'a> Person<'a> {
    /// Reads `Name <address> 1700000000 +0100`. What is malformed is left out.
    fn parse(line: &'a [u8]) -> Self {
        let split = memchr::memrchr(b'>', line).map_or(0, |end| end + 1);
        let (name, rest) = line.split_at(split);
        let rest = std::str::from_utf8(rest).unwrap_or_default();
        let mut words = rest.split_ascii_whitespace();
        let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let offset_seconds = words.next().and_then(parse_offset).unwrap_or(0);
        Self { name, seconds, offset_seconds }
    }

    /// `Name <address>`, fit to show.
    pub fn display(&self) -> String {
        escape(self.name).into_owned()
    }

    /// The moment in RFC 3339, with the offset of the person's clock. A moment outside the calendar is the epoch.
    pub fn date(&self) -> String {
        let offset = UtcOffset::from_whole_seconds(self.offset_seconds).unwrap_or(UtcOffset::UTC);
        OffsetDateTime::from_unix_timestamp(self.seconds)
            .ok()
            .and_then(|moment| moment.checked_to_offset(offset))
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
    }
}

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Its name in the directory, any bytes but NUL.
    pub name: &'a [u8],
    /// The object.
    pub id: ObjectId,
}

/// What a tree's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file or a symbolic link: in either case, a blob.
    Blob,
    /// A directory.
    Tree,
    /// A commit of another repository, which is not in this object database.
    Submodule,
}

/// The entries of a tree object, with ids of so many bytes. Ends with `Err` where the bytes make no sense.
pub fn tree_entries(tree: &[u8], hash_length: usize) -> impl Iterator<Item = Result<TreeEntry<'_>, Malformed>> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = first_entry(rest, hash_length).and_then(|(entry, length)| {
            rest = rest.get(length..)?;
            Some(TreeEntry { kind: entry.kind, name: entry.name, id: ObjectId::from_bytes(entry.id)? })
        });
        if read.is_none() {
            rest = &[];
        }
        Some(read.ok_or(Malformed))
    })
}

/// A tree object that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// One entry of a tree, its id as the bytes that stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEntry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Its name in the directory, any bytes but NUL.
    pub name: &'a [u8],
    /// The object.
    pub id: &'a [u8],
}

/// The entry that starts there, and how many bytes it has, at least one. Nothing behind these is looked at.
pub fn first_entry(bytes: &[u8], hash_length: usize) -> Option<(RawEntry<'_>, usize)> {
    let space = bytes.iter().take(8).position(|&byte| byte == b' ')?;
    let (mode, rest) = (bytes.get(..space)?, bytes.get(space + 1..)?);
    let end = memchr::memchr(0, rest)?;
    let (name, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
    let id = rest.get(..hash_length)?;
    let kind = match mode {
        b"40000" | b"040000" => EntryKind::Tree,
        b"160000" => EntryKind::Submodule,
        _ => EntryKind::Blob,
    };
    Some((RawEntry { kind, name, id }, space + end + 2 + hash_length))
}

fn header_lines(object: &[u8]) -> impl Iterator<Item = &[u8]> {
    object.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty())
}

fn hexadecimal_id(text: &[u8]) -> Option<ObjectId> {
    ObjectId::parse(text)
}

/// `+0130` in seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn people_are_read_leniently() {
        let check = |line: &str, name: &str, date: &str| {
            let person = Person::parse(line.as_bytes());
            assert_eq!((person.display().as_str(), person.date().as_str()), (name, date), "{line}");
        };
        check("A B <a@b> 1700000000 +0130", "A B <a@b>", "2023-11-14T23:43:20+01:30");
        check("A <a> 1700000000 -0800", "A <a>", "2023-11-14T14:13:20-08:00");
        check("A <a> 1700000000", "A <a>", "2023-11-14T22:13:20Z");
        check("A\u{1b} <a> x y", "A\\u{1b} <a>", "1970-01-01T00:00:00Z");
        check("A <a> 9223372036854775807 +9999", "A <a>", "1970-01-01T00:00:00Z");
        check("A <a> 5 +9999", "A <a>", "1970-01-01T00:00:05Z");
        check("", "", "1970-01-01T00:00:00Z");
    }

    #[test]
    fn commits_are_read() {
        let commit = format!(
            "tree {ID}\nparent {ID}\nparent {ID}\nauthor A <a> 1 +0000\ncommitter B <b> 2 +0000\n\nline\n\nmore"
        );
        let header = CommitHeader::parse(commit.as_bytes()).expect("well-formed");
        assert_eq!((header.parents.len(), header.time), (2, 2));
        assert_eq!(message(commit.as_bytes()), b"line\n\nmore");
        assert_eq!(author(commit.as_bytes()).expect("there").display(), "A <a>");
        assert!(CommitHeader::parse(b"tree 01\n").is_none());
        assert!(CommitHeader::parse(b"").is_none());
        assert_eq!(message(b"tree x"), b"");
        let merge = b"tree 1\nmergetag object 2\n tag v1\n \n text\ngpgsig x\n\nline";
        assert_eq!(message(merge), b"mergetag object 2\n tag v1\n \n text\ngpgsig x\n\nline");
        assert_eq!(message(b"object 1\nmergetag x\n\nmergetag y"), b"mergetag y");
        assert_eq!(tag_target(format!("object {ID}\ntype commit\n").as_bytes()), ObjectId::parse(ID.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_bytes_will_do(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..120) {
            let commit = format!("tree {ID}\nparent {ID}\nauthor A <a> 1 +0000\ncommitter B <b> 2 -9999\n\nx");
            for bytes in [&bytes[..], &[commit.get(..cut).unwrap_or_default().as_bytes(), &bytes[..]].concat()] {
                let _ = (CommitHeader::parse(bytes), tag_target(bytes), message(bytes));
                let _ = author(bytes).map(|author| (author.display(), author.date()));
                prop_assert!(tree_entries(bytes, 20).count() <= bytes.len());
            }
        }
    }

    #[test]
    fn trees_end_where_they_make_no_sense() {
        let mut tree = b"100644 a\0".to_vec();
        tree.extend([1; 20]);
        tree.extend(b"40000 d\xff\0");
        tree.extend([2; 20]);
        let kinds = |bytes: &[u8]| tree_entries(bytes, 20).map(|entry| entry.map(|e| e.kind)).collect::<Vec<_>>();
        assert_eq!(kinds(&tree), [Ok(EntryKind::Blob), Ok(EntryKind::Tree)]);
        assert_eq!(kinds(&tree[..40]), [Ok(EntryKind::Blob), Err(Malformed)]);
        assert_eq!(kinds(b"no tree at all"), [Err(Malformed)]);
    }
}
