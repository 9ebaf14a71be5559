//! [`Range`]: what the commits of a range brought in, and their messages.
//!
//! A commit brings in what its tree has and none of its parents' trees has at the same path, so what only a merge holds is the
//! merge's. What the commits before the range held already, under whatever name, is not brought in.

use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError};

use git2::{Odb, Oid};

use super::Repository;
use super::graph::Graph;
use super::history::unopened;
use super::messages::Authors;
use super::objects::{self, OidMap, OidSet};
use super::raw::{self, CommitHeader, EntryKind};
use super::refs::{References, resolve};
use super::snapshot::{Snapshot, blobs_below, root_tree};
use super::visitor::{Visitor, lock};
use crate::diagnostic::Diagnostic;
use crate::finding::{Collector, GitObject, GitPlace, Place, SourcePath};
use crate::source::{ScanContext, Source, SourceError};

/// The commits that one of `tips` reaches and none of `before` does.
pub struct Range {
    repository: Repository,
    before: Vec<Oid>,
    tips: Vec<Oid>,
}

impl Range {
    /// `--since REV`: the commits up to HEAD that are not part of REV's history.
    pub fn since(repository: Repository, revision: &str) -> Result<Self, SourceError> {
        Self::between(repository, revision, "HEAD")
    }

    /// `--range A..B`. An end left out is HEAD. An `A` of zeros, which servers send for a new branch, excludes nothing.
    pub fn parse(repository: Repository, range: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError::Range { range: range.to_owned() };
        let (first, last) = range.split_once("..").ok_or_else(wrong)?;
        if last.starts_with('.') {
            return Err(wrong());
        }
        let or_head = |revision: &str| if revision.is_empty() { "HEAD".to_owned() } else { revision.to_owned() };
        Self::between(repository, &or_head(first), &or_head(last))
    }

    fn between(repository: Repository, first: &str, last: &str) -> Result<Self, SourceError> {
        let is_zero = !first.is_empty() && first.bytes().all(|byte| byte == b'0');
        let before = if is_zero { Vec::new() } else { vec![resolve(&repository, first)?] };
        let tips = vec![resolve(&repository, last)?];
        Ok(Self { repository, before, tips })
    }

    /// What a push would send: the commits that `tips` reach and that are not part of the history of `known`.
    pub fn pushed(repository: Repository, tips: &[String], known: &[String]) -> Result<Self, SourceError> {
        let all = |revisions: &[String]| -> Result<Vec<Oid>, SourceError> {
            revisions.iter().map(|revision| resolve(&repository, revision)).collect()
        };
        let (tips, before) = (all(tips)?, all(known)?);
        Ok(Self { repository, before, tips })
    }
}

impl Source for Range {
    fn describe(&self) -> String {
        let name = &self.repository.name;
        match (&self.before[..], &self.tips[..]) {
            ([before], [last]) => format!("commits {}..{} of {name}", short(*before), short(*last)),
            ([], [last]) => format!("commits up to {} of {name}", short(*last)),
            _ => format!("new commits of {name}"),
        }
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector) = (&self.repository, context.collector);
        let odb = match repository.open_objects() {
            Ok(odb) => odb,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let commits = self.commits(&odb, collector);
        if commits.iter().any(|(id, _)| repository.shallow.contains(id)) {
            // Nothing is left out: more is scanned than the range brought in.
            let reason =
                "the range begins at the edge of a shallow clone: all files of its first commits count as brought in";
            collector.diagnose(Diagnostic::note("shallow-clone", &*repository.name, reason));
        }
        let introduced = introduced(repository, &odb, commits, collector);
        let mut ids: Vec<Oid> = introduced.blobs.keys().copied().chain(introduced.commits.iter().copied()).collect();
        ids.sort_unstable();
        collector.expect(ids.len() as u64);
        let visitor = Visitor::new(repository, context);
        objects::sweep(
            repository,
            &ids,
            collector,
            |id, kind, size| visitor.wish(id, kind, size),
            |object| visitor.visit(&object),
        );
        let found = visitor.finish();
        if found.is_empty() {
            return;
        }
        let head_commit = References::head(repository);
        let mut head = Snapshot::of(&odb, head_commit);
        let mut head_history = None;
        let mut authors = Authors::new(&odb);
        for found in found {
            let oid: Arc<str> = found.id.to_string().into();
            let mut place = |commit, in_head| {
                let (repository, object) = (repository.name.clone(), found.object);
                let commit = authors.of_commit(commit);
                // Whoever names a range holds its last commit in hand, with or without a reference.
                Place::Git(GitPlace { repository, object, oid: oid.clone(), commit, in_head, reachable: true })
            };
            let places: Vec<(Place, SourcePath)> = match found.object {
                GitObject::Blob => {
                    let at = introduced.blobs.get(&found.id).map_or(&[][..], Vec::as_slice);
                    at.iter()
                        .map(|(path, commit)| {
                            (place(*commit, head.blob(path) == Some(found.id)), SourcePath::new(path))
                        })
                        .collect()
                }
                GitObject::Commit | GitObject::Tag => {
                    let history = head_history.get_or_insert_with(|| ancestors(&odb, head_commit));
                    vec![(place(found.id, history.contains(&found.id)), SourcePath::default())]
                }
            };
            found.emit(&places, collector);
        }
    }
}

/// How many more commits are looked at when the range seems complete: clocks are not always right.
const SLOP: usize = 32;

impl Range {
    /// The commits of the range. Walks both histories by commit time until only what `before` reaches is left.
    fn commits(&self, odb: &Odb<'_>, collector: &Collector) -> Vec<(Oid, CommitHeader)> {
        let mut walk = CommitWalk::new(odb);
        for &tip in &self.tips {
            walk.push(tip, false);
        }
        for &before in &self.before {
            walk.push(before, true);
        }
        let mut slop = SLOP;
        while let Some((id, time)) = walk.pop() {
            let Some(state) = walk.known.get(&id) else { continue };
            let (parents, is_excluded) = (state.header.parents.clone(), state.is_excluded);
            let is_at_edge = self.repository.shallow.contains(&id);
            for parent in parents.into_iter().filter(|_| !is_at_edge) {
                walk.push(parent, is_excluded);
            }
            if walk.wanted > 0 || time >= walk.oldest_wanted {
                slop = SLOP;
            } else if slop == 0 {
                break;
            } else {
                slop -= 1;
            }
        }
        for id in walk.missing {
            let reason = "a commit of the range cannot be read";
            collector.diagnose(Diagnostic::gap("missing-object", format!("{}: {id}", self.repository.name), reason));
        }
        let wanted = walk.known.into_iter().filter(|(_, state)| !state.is_excluded);
        let mut commits: Vec<(Oid, CommitHeader)> = wanted.map(|(id, state)| (id, state.header)).collect();
        commits.sort_unstable_by_key(|&(id, _)| id);
        commits
    }
}

/// A walk over commits, the youngest first.
struct CommitWalk<'a> {
    odb: &'a Odb<'a>,
    known: OidMap<Visited>,
    open: BinaryHeap<(i64, Oid)>,
    /// How many commits in `open` belong to the range, as far as is known.
    wanted: usize,
    /// Commit time of the oldest commit that did when it was taken.
    oldest_wanted: i64,
    missing: Vec<Oid>,
}

/// A commit that a walk has come to.
struct Visited {
    header: CommitHeader,
    /// Whether the end that excludes reaches it.
    is_excluded: bool,
    is_taken: bool,
}

impl<'a> CommitWalk<'a> {
    fn new(odb: &'a Odb<'a>) -> Self {
        let (known, open) = (OidMap::default(), BinaryHeap::new());
        Self { odb, known, open, wanted: 0, oldest_wanted: i64::MAX, missing: Vec::new() }
    }

    fn push(&mut self, id: Oid, is_excluded: bool) {
        if let Some(state) = self.known.get_mut(&id) {
            if is_excluded && !state.is_excluded {
                state.is_excluded = true;
                if !state.is_taken {
                    self.wanted -= 1;
                }
                // Its ancestors are to be excluded, too.
                self.open.push((state.header.time, id));
            }
            return;
        }
        let header = objects::read(self.odb, id).ok().and_then(|(_, bytes)| CommitHeader::parse(&bytes));
        match header {
            Some(header) => {
                self.open.push((header.time, id));
                self.known.insert(id, Visited { header, is_excluded, is_taken: false });
                self.wanted += usize::from(!is_excluded);
            }
            // What is missing outside the range is of no concern.
            None if is_excluded => {}
            None => self.missing.push(id),
        }
    }

    fn pop(&mut self) -> Option<(Oid, i64)> {
        let (time, id) = self.open.pop()?;
        if let Some(state) = self.known.get_mut(&id)
            && !std::mem::replace(&mut state.is_taken, true)
            && !state.is_excluded
        {
            self.wanted -= 1;
            self.oldest_wanted = self.oldest_wanted.min(time);
        }
        Some((id, time))
    }
}

/// A commit and all that it descends from, as far as they can be read.
fn ancestors(odb: &Odb<'_>, commit: Option<Oid>) -> OidSet {
    let mut known = OidSet::default();
    let mut open: Vec<Oid> = commit.into_iter().collect();
    while let Some(id) = open.pop() {
        if known.insert(id)
            && let Ok((_, bytes)) = objects::read(odb, id)
            && let Some(header) = CommitHeader::parse(&bytes)
        {
            open.extend(header.parents);
        }
    }
    known
}

/// What a range brought in.
struct Introduced {
    /// Each blob, with its paths and the first commit that has it there.
    blobs: OidMap<Vec<(Vec<u8>, Oid)>>,
    commits: Vec<Oid>,
}

fn introduced(
    repository: &Repository,
    odb: &Odb<'_>,
    commits: Vec<(Oid, CommitHeader)>,
    collector: &Collector,
) -> Introduced {
    let members: OidSet = commits.iter().map(|&(id, _)| id).collect();
    let edges: OidSet =
        commits.iter().flat_map(|(_, header)| &header.parents).filter(|id| !members.contains(id)).copied().collect();
    let additions: Mutex<Vec<(Oid, Addition)>> = Mutex::default();
    let unread: Mutex<OidSet> = Mutex::default();
    objects::for_each(repository, &commits, collector, |odb, (id, header)| {
        let parents: Vec<Oid> = header.parents.iter().filter_map(|&parent| root_tree(odb, parent)).collect();
        let mut own = Vec::new();
        let missing = compare(odb, b"", header.tree, parents, &mut own);
        lock(&additions).extend(own.into_iter().map(|addition| (*id, addition)));
        lock(&unread).extend(missing);
    });
    let mut unread = unread.into_inner().unwrap_or_else(PoisonError::into_inner);

    let mut old_blobs = OidSet::default();
    let mut seen = OidSet::default();
    for tree in edges.iter().filter_map(|&edge| root_tree(odb, edge)) {
        unread.extend(blobs_below(odb, tree, &mut seen, |blob| {
            old_blobs.insert(blob);
        }));
    }
    let mut unread: Vec<Oid> = unread.into_iter().collect();
    unread.sort_unstable();
    if let Some(first) = unread.first() {
        let reason = format!("{} trees of the range cannot be read, {first} among them", unread.len());
        collector.diagnose(Diagnostic::gap("missing-object", &*repository.name, reason));
    }

    let graph = Graph::new(commits, &repository.shallow);
    let rank: OidMap<usize> =
        graph.order().into_iter().filter_map(|number| graph.commit(number)).map(|commit| commit.id).zip(0..).collect();
    let mut additions = additions.into_inner().unwrap_or_else(PoisonError::into_inner);
    additions.retain(|(_, addition)| !old_blobs.contains(&addition.blob));
    // The first commit of each blob and path comes first.
    additions.sort_unstable_by(|(a, left), (b, right)| {
        (left.blob, &left.path, rank.get(a)).cmp(&(right.blob, &right.path, rank.get(b)))
    });
    additions.dedup_by(|(_, right), (_, left)| left.blob == right.blob && left.path == right.path);
    let mut blobs: OidMap<Vec<(Vec<u8>, Oid)>> = OidMap::default();
    for (commit, addition) in additions {
        blobs.entry(addition.blob).or_default().push((addition.path, commit));
    }
    Introduced { blobs, commits: rank.into_keys().collect() }
}

/// A blob that a commit has at a path where none of its parents has it.
pub(super) struct Addition {
    pub(super) path: Vec<u8>,
    pub(super) blob: Oid,
}

/// No more additions than this are taken from one commit: trees can be built that repeat each other billions of times.
const MAX_ADDITIONS: usize = 5_000_000;

/// Compares a tree, which lies at `prefix`, with those of all parents, entering only what differs from each. Returns the trees
/// that could not be read.
pub(super) fn compare(
    odb: &Odb<'_>,
    prefix: &[u8],
    tree: Oid,
    parents: Vec<Oid>,
    additions: &mut Vec<Addition>,
) -> Vec<Oid> {
    let mut unread = Vec::new();
    let mut open = vec![(prefix.to_vec(), tree, parents)];
    while let Some((prefix, tree, parents)) = open.pop() {
        if parents.contains(&tree) {
            continue;
        }
        if additions.len() > MAX_ADDITIONS {
            unread.push(tree);
            continue;
        }
        let Ok((_, bytes)) = objects::read(odb, tree) else {
            unread.push(tree);
            continue;
        };
        let parents: Vec<OidEntries> = parents.into_iter().filter_map(|parent| OidEntries::read(odb, parent)).collect();
        for entry in raw::tree_entries(&bytes).map_while(Result::ok) {
            let in_parents = || parents.iter().filter_map(|parent| parent.find(entry.name));
            if in_parents().any(|(kind, id)| kind == entry.kind && id == entry.id) {
                continue;
            }
            let mut path = prefix.clone();
            path.extend(entry.name);
            match entry.kind {
                EntryKind::Blob => additions.push(Addition { path, blob: entry.id }),
                EntryKind::Tree => {
                    path.push(b'/');
                    let subtrees =
                        in_parents().filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, id)| id).collect();
                    open.push((path, entry.id, subtrees));
                }
                EntryKind::Submodule => {}
            }
        }
    }
    unread
}

/// The entries of a parent's tree, by name.
struct OidEntries(Vec<(Box<[u8]>, EntryKind, Oid)>);

impl OidEntries {
    fn read(odb: &Odb<'_>, tree: Oid) -> Option<Self> {
        let (_, bytes) = objects::read(odb, tree).ok()?;
        let entries = raw::tree_entries(&bytes).map_while(Result::ok);
        let mut entries: Vec<_> = entries.map(|entry| (entry.name.into(), entry.kind, entry.id)).collect();
        entries.sort_unstable_by(|(a, ..): &(Box<[u8]>, _, _), (b, ..)| a.cmp(b));
        Some(Self(entries))
    }

    fn find(&self, name: &[u8]) -> Option<(EntryKind, Oid)> {
        let at = self.0.binary_search_by(|(held, ..)| (**held).cmp(name)).ok()?;
        self.0.get(at).map(|&(_, kind, id)| (kind, id))
    }
}

fn short(id: Oid) -> String {
    let mut text = id.to_string();
    text.truncate(10);
    text
}
