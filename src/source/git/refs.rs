//! References: where reachability starts.
//!
//! Branches, tags, remote branches, the stash, notes and whatever else lies under `refs/`, HEAD, and the HEADs of all
//! worktrees. Read from git's files: `packed-refs`, and one file per loose reference.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Repository;
use super::id::{ObjectId, ObjectKind};
use super::raw::{self, CommitHeader};
use super::repository::{path_from_bytes, read_file};
use super::store::{ObjectStore, Reader};
use crate::diagnostic::Diagnostic;
use crate::source::Collector;
use crate::source::SourceError;
use crate::source::tree::shown;

/// All references, resolved.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The object at HEAD; `None` if HEAD is unborn.
    pub(super) head: Option<ObjectId>,
    /// The objects that all references point to, HEAD among them; sorted and without repetitions. Mostly commits and tags.
    pub(super) tips: Vec<ObjectId>,
    by_name: HashMap<Vec<u8>, ObjectId>,
}

/// How often a symbolic reference may lead to another.
const SYMBOLIC_DEPTH: usize = 5;

impl References {
    /// Reads all of them. What cannot be read is diagnosed.
    pub(super) fn read(repository: &Repository, collector: &Collector) -> Self {
        let mut references = Self::default();
        if repository.has_reftable {
            let reason = "references in the reftable format are not read: what is found counts as unreachable";
            collector.diagnose(Diagnostic::note("unread-references", &*repository.name, reason));
            return references;
        }
        references.read_packed(&repository.common_dir.join("packed-refs"), collector);
        let mut git_dirs = vec![repository.common_dir.clone()];
        if repository.git_dir != repository.common_dir {
            git_dirs.push(repository.git_dir.clone());
        }
        git_dirs.extend(worktree_directories(&repository.common_dir));
        for git_dir in &git_dirs {
            // Those of this worktree come over those of the same name elsewhere; tips are gathered from all.
            references.read_loose(git_dir, collector);
        }
        let heads: Vec<ObjectId> =
            git_dirs.iter().filter_map(|git_dir| references.resolve_file(&git_dir.join("HEAD"))).collect();
        references.head = references.resolve_file(&repository.git_dir.join("HEAD"));
        references.tips.extend(references.by_name.values());
        references.tips.extend(heads);
        references.tips.sort_unstable();
        references.tips.dedup();
        references
    }

    /// The commit at HEAD. Reads no more than it must, for the commit hook; `None` if HEAD is unborn or cannot be read.
    pub(super) fn head(repository: &Repository) -> Option<ObjectId> {
        let mut target = Target::parse(&read_file(&repository.git_dir.join("HEAD")).ok()?)?;
        for _ in 0..SYMBOLIC_DEPTH {
            let name = match target {
                Target::Object(id) => return Some(id),
                Target::Symbolic(name) => name,
            };
            let file = repository.common_dir.join(path_from_bytes(&name));
            match read_file(&file).ok().as_deref().and_then(Target::parse) {
                Some(next) => target = next,
                None => return find_packed(&read_file(&repository.common_dir.join("packed-refs")).ok()?, &name),
            }
        }
        None
    }

    /// The object that a name stands for, under git's rules for short names.
    pub(super) fn find(&self, name: &str) -> Option<ObjectId> {
        if name == "HEAD" || name == "@" {
            return self.head;
        }
        ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"]
            .iter()
            .map(|prefix| format!("{prefix}{name}"))
            .chain([format!("refs/remotes/{name}/HEAD")])
            .find_map(|full| self.by_name.get(full.as_bytes()).copied())
    }

    /// The branches, without `refs/heads/` and `refs/remotes/`, and what they point to: local ones first, then those of remotes,
    /// each sorted. What a remote calls its HEAD is another name for one of its branches, and left out.
    pub(super) fn branches(&self) -> Vec<(&[u8], ObjectId)> {
        let mut branches: Vec<(bool, &[u8], ObjectId)> = Vec::new();
        for (name, &id) in &self.by_name {
            if let Some(local) = name.strip_prefix(b"refs/heads/") {
                branches.push((false, local, id));
            } else if let Some(remote) = name.strip_prefix(b"refs/remotes/").filter(|name| !name.ends_with(b"/HEAD")) {
                branches.push((true, remote, id));
            }
        }
        branches.sort_unstable();
        branches.into_iter().map(|(_, name, id)| (name, id)).collect()
    }

    fn read_packed(&mut self, path: &Path, collector: &Collector) {
        if !path.exists() {
            return;
        }
        let Ok(text) = read_file(path) else { return diagnose(path, collector) };
        for line in text.split(|&byte| byte == b'\n') {
            // `#` is the header, `^` the peeled form of the line before.
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"^") {
                continue;
            }
            let end = memchr::memchr(b' ', line).unwrap_or(0);
            match line.split_at_checked(end) {
                Some((id, [b' ', name @ ..])) if ObjectId::parse(id).is_some() => {
                    self.by_name.extend(ObjectId::parse(id).map(|id| (name.to_vec(), id)));
                }
                _ => diagnose(path, collector),
            }
        }
    }

    fn read_loose(&mut self, git_dir: &Path, collector: &Collector) {
        let mut symbolic = Vec::new();
        let mut directories = vec![(git_dir.join("refs"), b"refs".to_vec())];
        while let Some((directory, prefix)) = directories.pop() {
            let entries = match fs_err::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(_) => {
                    diagnose(&directory, collector);
                    continue;
                }
            };
            for entry in entries.flatten() {
                let mut name = prefix.clone();
                name.push(b'/');
                name.extend(entry.file_name().as_encoded_bytes());
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    directories.push((entry.path(), name));
                } else if !name.ends_with(b".lock") {
                    match read_file(&entry.path()).ok().as_deref().and_then(Target::parse) {
                        Some(Target::Object(id)) => {
                            self.tips.push(id);
                            self.by_name.insert(name, id);
                        }
                        Some(Target::Symbolic(target)) => symbolic.push((name, target)),
                        None => diagnose(&entry.path(), collector),
                    }
                }
            }
        }
        for (name, target) in symbolic {
            if let Some(&id) = self.by_name.get(&target) {
                self.by_name.insert(name, id);
            }
        }
    }

    /// The object that a file such as HEAD names, directly or through other references.
    fn resolve_file(&self, path: &Path) -> Option<ObjectId> {
        let mut target = Target::parse(&read_file(path).ok()?)?;
        for _ in 0..SYMBOLIC_DEPTH {
            match target {
                Target::Object(id) => return Some(id),
                Target::Symbolic(name) => {
                    if let Some(&id) = self.by_name.get(&name) {
                        return Some(id);
                    }
                    // A reference outside `refs/`, such as another worktree's HEAD.
                    target = Target::parse(&read_file(&path.parent()?.join(path_from_bytes(&name))).ok()?)?;
                }
            }
        }
        None
    }
}

/// A commit, and how it was named.
pub(super) struct Revision {
    pub(super) commit: ObjectId,
    /// The annotated tags that lead to it: the one that was named, and those that it points to.
    pub(super) tags: Vec<ObjectId>,
}

/// The commit that a revision names: an id, an abbreviated one, a reference, and steps from there (`~2`, `^1`, `^{commit}`).
/// Whatever else git understands (`main@{yesterday}`, `:/text`) is left to libgit2, which opens what it can.
pub(super) fn resolve(repository: &Repository, revision: &str) -> Result<Revision, SourceError> {
    let by_libgit2 = || {
        if repository.has_includes || repository.hash_length != 20 {
            return None;
        }
        // Opened as bare, so that the owner does not matter; see `Repository`.
        let opened = git2::Repository::open_bare(&repository.git_dir).ok()?;
        let commit = opened.revparse_single(revision).ok()?.peel_to_commit().ok()?;
        Some(Revision { commit: ObjectId::from_bytes(commit.id().as_bytes())?, tags: Vec::new() })
    };
    let store = repository.open_objects()?;
    by_name(repository, &store, revision)
        .or_else(by_libgit2)
        .ok_or_else(|| SourceError::Revision { path: repository.path.clone(), revision: revision.to_owned() })
}

fn by_name(repository: &Repository, store: &ObjectStore, revision: &str) -> Option<Revision> {
    let end = revision.find(['~', '^']).unwrap_or(revision.len());
    let (name, mut steps) = revision.split_at_checked(end)?;
    let named = || References::read(repository, &Collector::default()).find(name);
    let full = ObjectId::parse(name.as_bytes()).filter(|id| id.as_bytes().len() == repository.hash_length);
    let reader = store.reader();
    let mut id = full.or_else(named).or_else(|| abbreviated(store, &reader, name))?;
    while let Some(step) = steps.chars().next() {
        steps = steps.get(1..)?;
        if let Some(rest) = steps.strip_prefix('{').filter(|_| step == '^') {
            let (kind, rest) = rest.split_once('}')?;
            steps = rest;
            if !matches!(kind, "" | "commit") {
                return None;
            }
            continue;
        }
        let digits = steps.bytes().take_while(u8::is_ascii_digit).count();
        let (count, rest) = steps.split_at_checked(digits)?;
        steps = rest;
        let count: usize = if count.is_empty() { 1 } else { count.parse().ok()? };
        if step == '~' {
            for _ in 0..count {
                id = *commit(&reader, id)?.1.parents.first()?;
            }
        } else if step != '^' {
            return None;
        } else if let Some(parent) = count.checked_sub(1) {
            id = *commit(&reader, id)?.1.parents.get(parent)?;
        }
    }
    let tags = if end == revision.len() { tags_from(&reader, id) } else { Vec::new() };
    commit(&reader, id).map(|(commit, _)| Revision { commit, tags })
}

/// The object that an abbreviated id stands for: where several begin like that, the one that leads to a commit.
fn abbreviated(store: &ObjectStore, reader: &Reader<'_>, digits: &str) -> Option<ObjectId> {
    let found = store.abbreviated(digits);
    if let [one] = *found {
        return Some(one);
    }
    let mut commits = found.into_iter().filter(|&id| commit(reader, id).is_some());
    commits.next().filter(|_| commits.next().is_none())
}

/// How many tags may point to tags.
const TAG_DEPTH: usize = 64;

/// The commit that an object is, or that a tag leads to.
fn commit(reader: &Reader<'_>, mut id: ObjectId) -> Option<(ObjectId, CommitHeader)> {
    for _ in 0..TAG_DEPTH {
        match reader.read(id).ok()? {
            (ObjectKind::Commit, bytes) => return Some((id, CommitHeader::parse(&bytes)?)),
            (ObjectKind::Tag, bytes) => id = raw::tag_target(&bytes)?,
            (ObjectKind::Blob | ObjectKind::Tree, _) => return None,
        }
    }
    None
}

/// The tags on the way from an object to what it stands for.
fn tags_from(reader: &Reader<'_>, mut id: ObjectId) -> Vec<ObjectId> {
    let mut tags = Vec::new();
    while tags.len() < TAG_DEPTH
        && let Ok((ObjectKind::Tag, bytes)) = reader.read(id)
        && let Some(target) = raw::tag_target(&bytes)
    {
        tags.push(id);
        id = target;
    }
    tags
}

/// What a loose reference holds.
enum Target {
    Object(ObjectId),
    Symbolic(Vec<u8>),
}

impl Target {
    fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.strip_prefix(b"ref:") {
            Some(name) => Some(Self::Symbolic(name.trim_ascii().to_vec())),
            None => ObjectId::parse(bytes.trim_ascii()).map(Self::Object),
        }
    }
}

/// Finds one name in `packed-refs` without taking it apart.
fn find_packed(packed: &[u8], name: &[u8]) -> Option<ObjectId> {
    let line = [b" ", name, b"\n"].concat();
    memchr::memmem::find_iter(packed, &line).find_map(|end| {
        let before = packed.get(..end)?;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        ObjectId::parse(before.get(start..)?)
    })
}

fn worktree_directories(common_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(common_dir.join("worktrees")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn diagnose(path: &Path, collector: &Collector) {
    let reason = "a reference cannot be read: what only it reaches counts as unreachable";
    collector.diagnose(Diagnostic::note("unread-references", shown(path), reason));
}
