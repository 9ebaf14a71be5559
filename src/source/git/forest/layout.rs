//! [`Layout`]: where the entries of a tree start, told from its base where that is possible.
//!
//! For the survey of trees. A tree that is a difference to another one repeats most of its entries. Those that were copied
//! whole, and stand where an entry starts in both, are told by their numbers and not read again. What is told is always what
//! reading the tree from its start gives: a delta can copy anything to anywhere.

use std::ops::Range;

use crate::source::git::pack::delta::Run;
use crate::source::git::raw::{self, RawEntry};

/// Where the entries of a tree start and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where each entry starts, and where the last one ends.
    boundaries: Vec<u32>,
    /// Whether the bytes made sense up to their end.
    pub is_whole: bool,
}

/// The next entries of a tree, in their order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// These entries of the base. The ranges of a tree ascend and do not overlap.
    Inherited(Range<usize>),
    /// One that was read.
    Read(RawEntry<'a>),
}

impl Layout {
    /// Finds the entries of a tree and tells them. `hash_length` is the length of ids in bytes. `base` is the layout of the tree that it was built from, and what it
    /// copied from there: ascending in `to`.
    pub fn read<'a>(
        tree: &'a [u8],
        hash_length: usize,
        base: Option<(&Self, &[Run])>,
        mut tell: impl FnMut(Step<'a>),
    ) -> Self {
        let mut boundaries = Vec::with_capacity(base.map_or(8, |(base, _)| base.boundaries.len() + 2));
        boundaries.push(0);
        let mut inheritance = base.map(|(base, runs)| Inheritance { base, runs, inherited: 0 });
        let mut at = 0;
        while at < tree.len() {
            if let Some((entries, length)) = inheritance.as_mut().and_then(|heir| heir.entries_at(at)) {
                let from = inheritance.as_ref().and_then(|heir| heir.base.boundaries.get(entries.clone()));
                let first = from.and_then(<[u32]>::first).copied().unwrap_or_default();
                // Counted modulo 2^32, because what is copied may come to stand further back.
                let shift = offset(at).wrapping_sub(first);
                let moved =
                    inheritance.as_ref().and_then(|heir| heir.base.boundaries.get(entries.start + 1..=entries.end));
                boundaries.extend(moved.unwrap_or_default().iter().map(|boundary| boundary.wrapping_add(shift)));
                at += length;
                tell(Step::Inherited(entries));
                continue;
            }
            let Some((entry, length)) = tree.get(at..).and_then(|rest| raw::first_entry(rest, hash_length)) else {
                return Self { boundaries, is_whole: false };
            };
            at += length;
            boundaries.push(offset(at));
            tell(Step::Read(entry));
        }
        Self { boundaries, is_whole: true }
    }
}

/// Trees are never as large as this number gets.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What is left to be inherited from a base.
struct Inheritance<'a> {
    base: &'a Layout,
    /// The runs that end behind what has been read.
    runs: &'a [Run],
    /// How many entries of the base were inherited or left out. They are not inherited again, so that what is left out can
    /// be told in one pass.
    inherited: usize,
}

impl Inheritance<'_> {
    /// The entries of the base that stand at that offset, where an entry starts, and how many bytes they have.
    fn entries_at(&mut self, at: usize) -> Option<(Range<usize>, usize)> {
        while let Some(run) = self.runs.first()
            && run.to.saturating_add(run.length) <= at
        {
            self.runs = self.runs.get(1..)?;
        }
        let run = self.runs.first()?;
        let from = run.from.checked_add(at.checked_sub(run.to)?)?;
        let end = run.from.checked_add(run.length)?;
        let boundaries = self.base.boundaries.get(self.inherited..)?;
        let first = boundaries.binary_search_by(|&boundary| (boundary as usize).cmp(&from)).ok()?;
        let behind = boundaries.partition_point(|&boundary| boundary as usize <= end);
        let last = behind.checked_sub(1).filter(|&last| last > first)?;
        let length = (*boundaries.get(last)? as usize).checked_sub(from)?;
        let entries = self.inherited + first..self.inherited + last;
        self.inherited = entries.end;
        Some((entries, length))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH_LENGTH: usize = 20;

    fn tree(entries: &[(u8, u8)]) -> Vec<u8> {
        let entry = |&(name, id): &(u8, u8)| {
            let mode = if id % 3 == 0 { "40000" } else { "100644" };
            let name = "n".repeat(usize::from(name % 4) + 1);
            [format!("{mode} {name}{}\0", id % 7).as_bytes(), &[id; HASH_LENGTH]].concat()
        };
        entries.iter().map(entry).collect::<Vec<_>>().concat()
    }

    /// Puts a tree together from what is copied and what is not.
    fn assemble(base: &[u8], parts: &[Result<(usize, usize), Vec<u8>>]) -> (Vec<u8>, Vec<Run>) {
        let (mut bytes, mut runs) = (Vec::new(), Vec::<Run>::new());
        for part in parts {
            match part {
                Ok((from, length)) => {
                    let from = from % (base.len() + 1);
                    let length = (*length).min(base.len() - from);
                    if length > 0 {
                        runs.push(Run { from, to: bytes.len(), length });
                        bytes.extend(&base[from..from + length]);
                    }
                }
                Err(new) => bytes.extend(new),
            }
        }
        (bytes, runs)
    }

    /// Reads a tree with the help of its base and without, and compares.
    fn check(base: &[u8], tree: &[u8], runs: &[Run]) -> usize {
        let mut base_entries = Vec::new();
        let base_layout = Layout::read(base, HASH_LENGTH, None, |step| base_entries.push(step));
        let mut expected = Vec::new();
        let expected_layout = Layout::read(tree, HASH_LENGTH, None, |step| expected.push(step));
        let (mut inherited, mut told) = (Vec::new(), Vec::new());
        let layout = Layout::read(tree, HASH_LENGTH, Some((&base_layout, runs)), |step| match step {
            Step::Inherited(range) => {
                inherited.extend(range.clone());
                told.extend(base_entries[range].iter().map(|entry| format!("{entry:?}")));
            }
            Step::Read(entry) => told.push(format!("{:?}", Step::Read(entry))),
        });
        assert_eq!(told, expected.iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>());
        assert_eq!(layout, expected_layout);
        assert_eq!(layout.boundaries.len(), expected.len() + 1);
        assert!(inherited.is_sorted_by(|a, b| a < b), "{inherited:?}");
        inherited.len()
    }

    #[test]
    fn what_was_copied_whole_is_inherited() {
        let base = tree(&[(0, 1), (1, 2), (2, 3), (3, 4)]);
        let length = base.len();
        let whole = Run { from: 0, to: 0, length };
        assert_eq!(check(&base, &base, &[whole]), 4);
        // An id changed in the middle of the second entry.
        let mut changed = base.clone();
        changed[50] ^= 1;
        let runs = [Run { from: 0, to: 0, length: 50 }, Run { from: 51, to: 51, length: length - 51 }];
        assert_eq!(check(&base, &changed, &runs), 3);
        // An entry put before all others.
        let longer = [tree(&[(0, 9)]), base.clone()].concat();
        assert_eq!(check(&base, &longer, &[Run { from: 0, to: longer.len() - length, length }]), 4);
        // The first entry taken away, and all put behind each other twice.
        let first = tree(&[(0, 1)]).len();
        assert_eq!(check(&base, &base[first..], &[Run { from: first, to: 0, length: length - first }]), 3);
        assert_eq!(check(&base, &base.repeat(2), &[whole, Run { to: length, ..whole }]), 4);
        assert_eq!(check(&base, b"", &[]), 0);
    }

    fn entries() -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::vec((any::<u8>(), any::<u8>()), 0..12)
    }

    fn parts() -> impl Strategy<Value = Vec<Result<(usize, usize), Vec<u8>>>> {
        let copy = (0_usize..400, 1_usize..300).prop_map(Ok);
        let entries = entries().prop_map(|entries| Err(tree(&entries)));
        let bytes = prop::collection::vec(any::<u8>(), 0..30).prop_map(Err);
        prop::collection::vec(prop_oneof![4 => copy, 2 => entries, 1 => bytes], 0..8)
    }

    proptest! {
        #[test]
        fn any_delta_is_read_as_if_there_were_none(base in entries(), cut in 0_usize..40, parts in parts()) {
            let base = tree(&base);
            let base = &base[..base.len().saturating_sub(cut)];
            let (tree, runs) = assemble(base, &parts);
            check(base, &tree, &runs);
        }

        #[test]
        fn copies_of_whole_entries_are_read_as_if_there_were_none(
            base in entries(), picks in prop::collection::vec((0_usize..12, 1_usize..4, any::<bool>()), 0..10),
        ) {
            let length = |count: usize| tree(base.get(..count.min(base.len())).unwrap_or_default()).len();
            let parts: Vec<_> = picks.iter().map(|&(first, count, is_copy)| {
                let (start, end) = (length(first), length(first + count));
                if is_copy { Ok((start, end - start)) } else { Err(tree(&[(1, 5), (2, 6)])) }
            }).collect();
            let base = tree(&base);
            let (tree, runs) = assemble(&base, &parts);
            check(&base, &tree, &runs);
        }
    }
}
