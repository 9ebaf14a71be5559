//! [`Presence`]: which of several commits still have what was found, and where.
//!
//! For HEAD and for the tips of branches. All of them are looked through at once, directory by directory: what they have in common,
//! which is most of it, is looked at once.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::attribution::{MAX_DEPTH, Paths};
use super::forest::{BranchKind, Forest, Tree};

/// For found blobs at their paths, the commits that have them there.
#[derive(Default)]
pub(super) struct Presence {
    /// The set of each blob at each path.
    at: HashMap<(u32, u32), u32>,
    /// Different sets of commits.
    sets: Vec<CommitSet>,
    /// Whether trees were left out because there seemed to be no end.
    pub(super) is_cut: bool,
}

/// How many words of 64 bits all sets together may take, 256 MiB.
const MOST_WORDS: usize = 1 << 25;

/// How many a set takes beside its members.
const COST_OF_A_SET: usize = 8;

impl Presence {
    /// Looks through the trees of the commits.
    pub(super) fn survey(forest: &Forest<'_>, roots: &[Option<Tree>], paths: &mut Paths) -> Self {
        // Sets grow with the commits, and so does what it takes to unite them.
        let cost = roots.len().div_ceil(64) + COST_OF_A_SET;
        let (mut steps, mut told) = (forest.limits().steps.saturating_mul(cost), MOST_WORDS);
        let mut start: BTreeMap<Tree, CommitSet> = BTreeMap::new();
        for (place, root) in roots.iter().enumerate() {
            if let Some(root) = *root {
                start.entry(root).or_insert_with(|| CommitSet::none(roots.len())).insert(place);
            }
        }
        let mut at: HashMap<(u32, u32), CommitSet> = HashMap::default();
        let mut presence = Self::default();
        let mut open = vec![(Paths::ROOT, 0, start)];
        while let Some((path, depth, trees)) = open.pop() {
            let mut below: BTreeMap<u32, BTreeMap<Tree, CommitSet>> = BTreeMap::new();
            for (tree, commits) in trees {
                if depth > MAX_DEPTH || steps == 0 || told == 0 {
                    presence.is_cut = true;
                    continue;
                }
                let (branches, taken) = forest.all_branches(tree);
                for branch in branches {
                    let set = match branch.kind {
                        BranchKind::Blob(blob) => at.entry((blob, paths.below(path, branch.name))).or_default(),
                        BranchKind::Tree(tree) => below.entry(branch.name).or_default().entry(tree).or_default(),
                    };
                    set.unite(&commits);
                }
                steps = steps.saturating_sub(taken.steps);
                told = told.saturating_sub(taken.told.saturating_mul(cost));
            }
            open.extend(below.into_iter().map(|(name, trees)| (paths.below(path, name), depth + 1, trees)));
        }
        let mut numbers: HashMap<CommitSet, u32> = HashMap::default();
        for (place, set) in at {
            let number = *numbers.entry(set).or_insert_with_key(|set| {
                presence.sets.push(set.clone());
                u32::try_from(presence.sets.len() - 1).unwrap_or(u32::MAX)
            });
            presence.at.insert(place, number);
        }
        presence
    }

    /// The commits that have a blob at a path, as the number of their set; `None` if none has.
    pub(super) fn of(&self, blob: u32, path: u32) -> Option<u32> {
        self.at.get(&(blob, path)).copied()
    }

    /// A set of commits by its number.
    pub(super) fn set(&self, number: u32) -> Option<&CommitSet> {
        self.sets.get(number as usize)
    }
}

/// A set of commits, by their places among those asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct CommitSet(Vec<u64>);

impl CommitSet {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    fn unite(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// Whether the commit at that place is one of them.
    pub(super) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }
}
