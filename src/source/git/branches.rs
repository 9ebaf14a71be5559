//! [`BranchTips`]: the branches of a repository, and which of them still have what was found.

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::Graph;
use super::id::ObjectId;
use super::refs::References;
use crate::finding::{self, Branches};

/// The last commits of the branches, local ones first and then those of remotes, each sorted by name.
pub(super) struct BranchTips {
    tips: Vec<(Arc<str>, ObjectId)>,
    /// For commits asked for, the branches that they are part of, as far as they were looked at.
    descending: HashMap<u32, Arc<Branches>>,
    /// Lists that were made already: most places are in the same branches as others.
    known: HashMap<Vec<usize>, Arc<Branches>>,
}

/// More branches than this are not looked at.
const MAX_BRANCHES: usize = 1 << 14;

/// How many branches of a place are named.
const NAMED_BRANCHES: usize = 20;

/// For how many commits it is told which branches they are part of.
const MAX_COMMITS: usize = 1 << 12;

impl BranchTips {
    /// All branches. `peel` tells what a tag stands for.
    pub(super) fn of(references: &References, peel: impl Fn(ObjectId) -> ObjectId) -> Self {
        let branches = references.branches().into_iter().take(MAX_BRANCHES);
        let tips = branches.map(|(name, tip)| (finding::escape(name).into(), peel(tip))).collect();
        Self { tips, descending: HashMap::new(), known: HashMap::new() }
    }

    /// The last commit of each.
    pub(super) fn tips(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.tips.iter().map(|&(_, tip)| tip)
    }

    /// Finds out which branches those commits are part of. `order` is that of [`Graph::order`].
    pub(super) fn descend(&mut self, graph: &Graph, order: &[u32], commits: &[u32]) {
        let tips: Vec<Option<u32>> = self.tips().map(|tip| graph.number(tip)).collect();
        for commits in commits.get(..MAX_COMMITS).unwrap_or(commits).chunks(64) {
            let descent = graph.descent(order, commits, &tips);
            for (bit, &commit) in commits.iter().enumerate() {
                let is_part = |branch: usize| descent.get(branch).is_some_and(|held| held & (1 << bit) != 0);
                let branches = self.name(is_part);
                self.descending.insert(commit, branches);
            }
        }
    }

    /// The branches that a commit is part of; `None` if that was not looked at.
    pub(super) fn descending_from(&self, commit: u32) -> Option<Arc<Branches>> {
        self.descending.get(&commit).cloned()
    }

    /// The names of the branches that are chosen by their places.
    pub(super) fn name(&mut self, is_chosen: impl Fn(usize) -> bool) -> Arc<Branches> {
        let chosen: Vec<usize> = (0..self.tips.len()).filter(|&branch| is_chosen(branch)).collect();
        if let Some(known) = self.known.get(&chosen) {
            return Arc::clone(known);
        }
        let names = chosen.iter().filter_map(|&branch| self.tips.get(branch)).take(NAMED_BRANCHES);
        let branches = Branches {
            names: names.map(|(name, _)| Arc::clone(name)).collect(),
            more: chosen.len().saturating_sub(NAMED_BRANCHES),
        };
        Arc::clone(self.known.entry(chosen).or_insert_with(|| Arc::new(branches)))
    }
}
