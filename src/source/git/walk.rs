//! Walks over commits: those of a range, and the ancestors of one.

use super::id::{IdMap, IdSet, ObjectId};
use super::store::Reader;
use std::collections::BinaryHeap;

use super::Repository;
use super::raw::CommitHeader;
use crate::diagnostic::Diagnostic;
use crate::source::Collector;

/// The commits that one of `tips` reaches and none of `before` does, in the order of their ids. Walks all histories by commit
/// time until only what `before` reaches is left.
pub(super) fn commits_between(
    repository: &Repository,
    reader: &Reader<'_>,
    before: &[ObjectId],
    tips: &[ObjectId],
    collector: &Collector,
) -> Vec<(ObjectId, CommitHeader)> {
    let mut walk = CommitWalk::new(reader);
    for &tip in tips {
        walk.push(tip, false);
    }
    for &before in before {
        walk.push(before, true);
    }
    let mut slop = SLOP;
    while let Some((id, time)) = walk.pop() {
        let Some(state) = walk.known.get(&id) else { continue };
        let (parents, is_excluded) = (state.header.parents.clone(), state.is_excluded);
        let is_at_edge = repository.shallow.contains(&id);
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
        collector.diagnose(Diagnostic::gap("missing-object", format!("{}: {id}", repository.name), reason));
    }
    let wanted = walk.known.into_iter().filter(|(_, state)| !state.is_excluded);
    let mut commits: Vec<(ObjectId, CommitHeader)> = wanted.map(|(id, state)| (id, state.header)).collect();
    commits.sort_unstable_by_key(|&(id, _)| id);
    commits
}

/// A commit and all that it descends from, as far as they can be read.
pub(super) fn ancestors(reader: &Reader<'_>, commit: Option<ObjectId>) -> IdSet {
    let mut known = IdSet::default();
    let mut open: Vec<ObjectId> = commit.into_iter().collect();
    while let Some(id) = open.pop() {
        if known.insert(id)
            && let Ok((_, bytes)) = reader.read(id)
            && let Some(header) = CommitHeader::parse(&bytes)
        {
            open.extend(header.parents);
        }
    }
    known
}

/// How many more commits are looked at when the range seems complete: clocks are not always right.
const SLOP: usize = 32;

/// A walk over commits, the youngest first.
struct CommitWalk<'a> {
    reader: &'a Reader<'a>,
    known: IdMap<Visited>,
    open: BinaryHeap<(i64, ObjectId)>,
    /// How many commits in `open` belong to the range, as far as is known.
    wanted: usize,
    /// Commit time of the oldest commit that did when it was taken.
    oldest_wanted: i64,
    missing: Vec<ObjectId>,
}

/// A commit that a walk has come to.
struct Visited {
    header: CommitHeader,
    /// Whether the end that excludes reaches it.
    is_excluded: bool,
    is_taken: bool,
}

impl<'a> CommitWalk<'a> {
    fn new(reader: &'a Reader<'a>) -> Self {
        let (known, open) = (IdMap::default(), BinaryHeap::new());
        Self { reader, known, open, wanted: 0, oldest_wanted: i64::MAX, missing: Vec::new() }
    }

    fn push(&mut self, id: ObjectId, is_excluded: bool) {
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
        let header = self.reader.read(id).ok().and_then(|(_, bytes)| CommitHeader::parse(&bytes));
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

    fn pop(&mut self) -> Option<(ObjectId, i64)> {
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
