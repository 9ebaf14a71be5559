//! [`Snapshot`]: the files of one commit, looked up by path.

use std::collections::HashMap;

use git2::{Odb, Oid};

use super::objects::{self, OidSet};
use super::raw::{self, CommitHeader, EntryKind};

/// Reads the directories of a commit as they are asked for, each once.
pub(super) struct Snapshot<'a> {
    odb: &'a Odb<'a>,
    root: Option<Oid>,
    directories: HashMap<Vec<u8>, Directory>,
    /// Trees that could not be read: what lies below them counts as absent.
    pub(super) unread: Vec<Oid>,
}

type Directory = HashMap<Box<[u8]>, (EntryKind, Oid)>;

impl<'a> Snapshot<'a> {
    /// The files of a commit; none if there is no commit yet.
    pub(super) fn of(odb: &'a Odb<'a>, commit: Option<Oid>) -> Self {
        let mut snapshot = Self { odb, root: None, directories: HashMap::new(), unread: Vec::new() };
        if let Some(commit) = commit {
            snapshot.root = root_tree(odb, commit);
            if snapshot.root.is_none() {
                snapshot.unread.push(commit);
            }
        }
        snapshot
    }

    /// The blob at that path.
    pub(super) fn blob(&mut self, path: &[u8]) -> Option<Oid> {
        match self.entry(path)? {
            (EntryKind::Blob, id) => Some(id),
            _ => None,
        }
    }

    /// The tree of that directory; the root has the empty path.
    pub(super) fn tree(&mut self, directory: &[u8]) -> Option<Oid> {
        if directory.is_empty() {
            return self.root;
        }
        match self.entry(directory)? {
            (EntryKind::Tree, id) => Some(id),
            _ => None,
        }
    }

    /// Which of the blobs are there at any path. Reads everything, unless nothing is looked for.
    pub(super) fn held(&self, blobs: &OidSet) -> OidSet {
        let mut held = OidSet::default();
        if let Some(root) = self.root.filter(|_| !blobs.is_empty()) {
            blobs_below(self.odb, root, &mut OidSet::default(), |id| {
                if blobs.contains(&id) {
                    held.insert(id);
                }
            });
        }
        held
    }

    fn entry(&mut self, path: &[u8]) -> Option<(EntryKind, Oid)> {
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
        let entries = match self.tree(directory).map(|tree| (tree, objects::read(self.odb, tree))) {
            None => Directory::new(),
            Some((_, Ok((_, bytes)))) => raw::tree_entries(&bytes)
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
pub(super) fn root_tree(odb: &Odb<'_>, commit: Oid) -> Option<Oid> {
    let (_, bytes) = objects::read(odb, commit).ok()?;
    CommitHeader::parse(&bytes).map(|header| header.tree)
}

/// Tells every blob below a tree. Trees in `seen` are not entered; those entered are added. Returns a tree that could not be
/// read, if there is one.
pub(super) fn blobs_below(odb: &Odb<'_>, root: Oid, seen: &mut OidSet, mut tell: impl FnMut(Oid)) -> Option<Oid> {
    let mut unread = None;
    let mut open = vec![root];
    while let Some(tree) = open.pop() {
        if !seen.insert(tree) {
            continue;
        }
        let Ok((_, bytes)) = objects::read(odb, tree) else {
            unread = Some(tree);
            continue;
        };
        for entry in raw::tree_entries(&bytes).map_while(Result::ok) {
            match entry.kind {
                EntryKind::Blob => tell(entry.id),
                EntryKind::Tree => open.push(entry.id),
                EntryKind::Submodule => {}
            }
        }
    }
    unread
}
