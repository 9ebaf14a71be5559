//! [`Families`]: all trees as differences to each other, on numbers alone.
//!
//! For the forest. Nothing here reads an object. Every question is answered from what was added and removed along the deltas,
//! so that it costs what changed, and not what the trees hold.

use foldhash::{HashMap, HashSet};
use rayon::prelude::*;

use super::survey::{Change, Child, Interner, NONE, Notes};

/// All trees. Those that were seen several times, as differences to several bases, are several nodes.
#[derive(Default)]
pub(super) struct Families {
    /// The node of the base of each node, which comes before it; [`NONE`] for trees that were seen as a whole.
    bases: Vec<u32>,
    /// The number of each node's tree.
    numbers: Vec<u32>,
    /// Where in `changes` each node's additions start, and its removals, and one more.
    starts: Vec<u32>,
    changes: Vec<Change>,
    /// The node of each tree by its number; [`NONE`] for what is no tree.
    nodes: Vec<u32>,
    /// All names, sorted.
    pub(super) names: Vec<Box<[u8]>>,
    /// Ids of what is not there, sorted.
    pub(super) unknown: Vec<Box<[u8]>>,
}

impl Families {
    /// Puts the notes of all threads together. `count` is how many objects there are. Numbers do not depend on the threads,
    /// but for those of the nodes.
    pub(super) fn unite(all: Vec<Notes>, count: usize) -> Self {
        let names = texts(all.iter().map(|notes| &notes.names));
        let unknown = texts(all.iter().map(|notes| &notes.unknown));
        let (nodes, changes) = all
            .iter()
            .fold((0, 0), |(nodes, changes), notes| (nodes + notes.nodes.len(), changes + notes.changes.len()));
        let mut families = Self {
            bases: Vec::with_capacity(nodes),
            numbers: Vec::with_capacity(nodes),
            starts: Vec::with_capacity(2 * nodes + 1),
            changes: Vec::with_capacity(changes),
            nodes: vec![NONE; count],
            names,
            unknown,
        };
        families.starts.push(0);
        for notes in all {
            families.append(notes);
        }
        families
    }

    fn append(&mut self, notes: Notes) {
        let names = ranks(&notes.names, &self.names);
        let unknown = ranks(&notes.unknown, &self.unknown);
        self.changes.extend(notes.changes.iter().map(|change| change.renumbered(&names, &unknown)));
        let first = self.len();
        for node in notes.nodes {
            let own = self.len();
            self.bases.push(if node.base == NONE { NONE } else { node.base.saturating_add(first) });
            self.numbers.push(node.number);
            for length in [node.added, node.removed] {
                let start = self.starts.last().copied().unwrap_or_default();
                self.starts.push(start.saturating_add(length));
            }
            if let Some(place) = self.nodes.get_mut(node.number as usize) {
                *place = own;
            }
        }
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.bases.len()).unwrap_or(NONE)
    }

    /// How many entries there are that differ from those of a base, or have none.
    pub(super) fn changes(&self) -> usize {
        self.changes.len()
    }

    /// The node of a tree.
    pub(super) fn node(&self, number: u32) -> Option<u32> {
        self.nodes.get(number as usize).copied().filter(|&node| node != NONE)
    }

    fn base(&self, node: u32) -> Option<u32> {
        self.bases.get(node as usize).copied().filter(|&base| base != NONE)
    }

    fn span(&self, at: usize) -> &[Change] {
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        bounds.and_then(|(&start, &end)| self.changes.get(start as usize..end as usize)).unwrap_or_default()
    }

    /// What a node has and its base does not.
    fn added(&self, node: u32) -> &[Change] {
        self.span(2 * node as usize)
    }

    /// What the base has and the node does not.
    fn removed(&self, node: u32) -> &[Change] {
        self.span(2 * node as usize + 1)
    }

    /// Whether each tree, by number, holds at any depth what is no tree and `is_goal`. `None` if that takes too long to tell: trees
    /// can be made that lie in each other a million deep.
    pub(super) fn leading(&self, is_goal: impl Fn(Child) -> bool) -> Option<Vec<bool>> {
        let mut leads = vec![false; self.nodes.len()];
        // How many entries of each node lead on.
        let mut counts = vec![0_i64; self.bases.len()];
        let cost = self.bases.len() + self.changes.len();
        let mut budget = SOLVING_BUDGET.max(cost.saturating_mul(SOLVING_PASSES));
        loop {
            let mut has_changed = false;
            for node in 0..self.len() {
                let leading = |changes: &[Change]| {
                    let leads = |change: &&Change| match change.child() {
                        Child::Tree(number) => leads.get(number as usize).copied().unwrap_or(false),
                        other => is_goal(other),
                    };
                    i64::try_from(changes.iter().filter(leads).count()).unwrap_or(i64::MAX)
                };
                let inherited = self.base(node).and_then(|base| counts.get(base as usize)).copied().unwrap_or(0);
                // In the midst of a pass, what leads since then is missing from the count of the base: it may be too small,
                // but never too large, and the last pass changes nothing.
                let count = inherited + leading(self.added(node)) - leading(self.removed(node));
                let number = self.numbers.get(node as usize).map_or(0, |&number| number as usize);
                if let Some(leads) = leads.get_mut(number).filter(|leads| count > 0 && !**leads) {
                    *leads = true;
                    has_changed = true;
                }
                if let Some(held) = counts.get_mut(node as usize) {
                    *held = count;
                }
            }
            if !has_changed {
                return Some(leads);
            }
            budget = budget.checked_sub(cost)?;
        }
    }

    /// Forgets all entries but found blobs and those of these trees.
    pub(super) fn keep(&mut self, leads: &[bool]) {
        let mut kept = Vec::new();
        let mut starts = Vec::with_capacity(self.starts.len());
        starts.push(0);
        for at in 0..self.starts.len().saturating_sub(1) {
            let is_kept = |change: &&Change| match change.child() {
                Child::Blob(_) => true,
                Child::Tree(number) => leads.get(number as usize).copied().unwrap_or(false),
                Child::Unknown { .. } => false,
            };
            kept.extend(self.span(at).iter().filter(is_kept));
            starts.push(u32::try_from(kept.len()).unwrap_or(u32::MAX));
        }
        (self.changes, self.starts) = (kept, starts);
    }
}

/// Deep nesting takes one pass for each level. So many are always made, far more than directories lie in each other.
const SOLVING_PASSES: usize = 64;

/// So many steps are always taken, whatever passes they make.
const SOLVING_BUDGET: usize = 1 << 28;

/// The texts of all threads, sorted and each once.
fn texts<'a>(all: impl Iterator<Item = &'a Interner>) -> Vec<Box<[u8]>> {
    let mut texts: Vec<&[u8]> = all.flat_map(|texts| texts.numbers.keys()).map(AsRef::as_ref).collect();
    texts.par_sort_unstable();
    texts.dedup();
    texts.into_iter().map(Into::into).collect()
}

/// The place of each text of a thread among all.
fn ranks(own: &Interner, all: &[Box<[u8]>]) -> Vec<u32> {
    let mut ranks = vec![0; own.numbers.len()];
    for (text, &number) in &own.numbers {
        let rank = all.binary_search(text).ok().and_then(|rank| u32::try_from(rank).ok());
        if let Some((place, rank)) = ranks.get_mut(number as usize).zip(rank) {
            *place = rank;
        }
    }
    ranks
}

/// A way through trees at paths, which is told of each only what it has not come by before.
#[derive(Default)]
pub(super) struct Exploration {
    /// Nodes with the paths at which they were entered.
    entered: HashSet<(u32, u32)>,
    /// One that was entered among those that are built from a node, at the same path.
    heirs: HashMap<(u32, u32), u32>,
    /// Entries that the tree lacks and its bases have, and how often.
    lacking: HashMap<Change, u32>,
    /// How many nodes and changes were looked at, which takes time.
    pub(super) steps: usize,
    /// How many nodes were entered and entries told, which takes memory.
    pub(super) told: usize,
}

impl Exploration {
    /// Enters a node at a path, and gives its entries, but for those of nodes that were entered at the same path before.
    /// `None` if it was itself.
    pub(super) fn enter(&mut self, families: &Families, node: u32, path: u32) -> Option<Vec<Change>> {
        if !self.entered.insert((node, path)) {
            return None;
        }
        let mut entries = Vec::new();
        self.lacking.clear();
        let mut at = node;
        loop {
            self.steps += 1;
            if let Some(&heir) = self.heirs.get(&(at, path)) {
                self.tell(families.removed(heir), &mut entries);
                break;
            }
            self.tell(families.added(at), &mut entries);
            for &change in families.removed(at) {
                *self.lacking.entry(change).or_default() += 1;
            }
            self.steps += families.removed(at).len();
            match families.base(at) {
                Some(base) if !self.entered.contains(&(base, path)) => at = base,
                _ => break,
            }
        }
        if let Some(base) = families.base(node) {
            self.heirs.insert((base, path), node);
        }
        self.told += 1 + entries.len();
        // The same whatever the deltas are.
        entries.sort_unstable();
        Some(entries)
    }

    fn tell(&mut self, changes: &[Change], entries: &mut Vec<Change>) {
        self.steps += changes.len();
        for &change in changes {
            match self.lacking.get_mut(&change).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => entries.push(change),
            }
        }
    }
}
