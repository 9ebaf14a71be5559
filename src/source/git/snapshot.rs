//! [`Snapshot`]: the files of one commit, looked up by path.

use super::id::{IdSet, ObjectId};
use super::refs::References;
use super::repository::Repository;
use super::store::Reader;
use std::collections::HashMap;

use super::raw::{self, CommitHeader, EntryKind};

/// Reads the directories of a commit as they are asked for, each once.
pub(super) struct Snapshot<'a> {
    reader: &'a Reader<'a>,
    root: Option<ObjectId>,
    directories: HashMap<Vec<u8>, Directory>,
    /// Trees that could not be read: what lies below them counts as absent.
    pub(super) unread: Vec<ObjectId>,
}

type Directory = HashMap<Box<[u8]>, (EntryKind, ObjectId)>;

impl Repository {
    /// The first of some files that the commit at HEAD has, and its content unless that is longer than `limit` bytes.
    pub(in crate::source) fn first_at_head(
        &self,
        paths: &[&'static str],
        limit: u64,
    ) -> Option<(&'static str, Option<Vec<u8>>)> {
        let objects = self.open_objects().ok()?;
        let reader = objects.reader();
        let mut head = Snapshot::of(&reader, References::head(self));
        paths.iter().find_map(|path| {
            let id = head.blob(path.as_bytes())?;
            let (_, size) = reader.header(id).ok()?;
            let content = if size > limit { None } else { Some(reader.read(id).ok()?.1) };
            Some((*path, content))
        })
    }
}

impl<'a> Snapshot<'a> {
    /// The files of a commit; none if there is no commit yet.
    pub(super) fn of(reader: &'a Reader<'a>, commit: Option<ObjectId>) -> Self {
        let mut snapshot = Self { reader, root: None, directories: HashMap::new(), unread: Vec::new() };
        if let Some(commit) = commit {
            snapshot.root = root_tree(reader, commit);
            if snapshot.root.is_none() {
                snapshot.unread.push(commit);
            }
        }
        snapshot
    }

    /// The blob at that path.
    pub(super) fn blob(&mut self, path: &[u8]) -> Option<ObjectId> {
        match self.entry(path)? {
            (EntryKind::Blob, id) => Some(id),
            _ => None,
        }
    }

    /// The tree of that directory; the root has the empty path.
    pub(super) fn tree(&mut self, directory: &[u8]) -> Option<ObjectId> {
        if directory.is_empty() {
            return self.root;
        }
        match self.entry(directory)? {
            (EntryKind::Tree, id) => Some(id),
            _ => None,
        }
    }

    /// Which of the blobs are there at any path. Reads everything, unless nothing is looked for.
    pub(super) fn held(&self, blobs: &IdSet) -> IdSet {
        let mut held = IdSet::default();
        if let Some(root) = self.root.filter(|_| !blobs.is_empty()) {
            blobs_below(self.reader, root, &mut IdSet::default(), |id| {
                if blobs.contains(&id) {
                    held.insert(id);
                }
            });
        }
        held
    }

    fn entry(&mut self, path: &[u8]) -> Option<(EntryKind, ObjectId)> {
        let (parent, name) = match memchr::memrchr(b'/', path) {
            Some(slash) => (path.get(..slash)?, path.get(slash + 1..)?),
            None => (&[][..], path),
        };
        self.load(parent);
        self.directories.get(parent)?.get(name).copied()
    }

    /// Reads a directory after the ones above it.
    fn load(&mut self, directory: &[u8]) {
        if self.directories.contains_key(directory) {
            return;
        }
        let entries = match self.tree(directory).map(|tree| (tree, self.reader.read(tree))) {
            None => Directory::new(),
            Some((_, Ok((_, bytes)))) => raw::tree_entries(&bytes, self.reader.hash_length())
                .map_while(Result::ok)
                .map(|entry| (entry.name.into(), (entry.kind, entry.id)))
                .collect(),
            Some((tree, Err(_))) => {
                self.unread.push(tree);
                Directory::new()
            }
        };
        self.directories.insert(directory.to_vec(), entries);
    }
}

/// The tree of a commit; `None` if it cannot be read.
pub(super) fn root_tree(reader: &Reader<'_>, commit: ObjectId) -> Option<ObjectId> {
    let (_, bytes) = reader.read(commit).ok()?;
    CommitHeader::parse(&bytes).map(|header| header.tree)
}

/// Tells every blob below a tree. Trees in `seen` are not entered; those entered are added. Returns a tree that could not be
/// read, if there is one.
pub(super) fn blobs_below(
    reader: &Reader<'_>,
    root: ObjectId,
    seen: &mut IdSet,
    mut tell: impl FnMut(ObjectId),
) -> Option<ObjectId> {
    let mut unread = None;
    let mut open = vec![root];
    while let Some(tree) = open.pop() {
        if !seen.insert(tree) {
            continue;
        }
        let Ok((_, bytes)) = reader.read(tree) else {
            unread = Some(tree);
            continue;
        };
        for entry in raw::tree_entries(&bytes, reader.hash_length()).map_while(Result::ok) {
            match entry.kind {
                EntryKind::Blob => tell(entry.id),
                EntryKind::Tree => open.push(entry.id),
                EntryKind::Submodule => {}
            }
        }
    }
    unread
}
