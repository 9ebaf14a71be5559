//! [`Forest`]: the trees that lead to what was found.
//!
//! All trees are read once, in the order of the packs, and only those are kept that hold a found blob at some depth. The same
//! pass tells which blobs and trees are named but not there.

use std::sync::{Mutex, PoisonError};

use git2::{ObjectType, Oid};

use super::Repository;
use super::objects::{self, Object, OidMap, OidSet, Wish};
use super::raw::{self, EntryKind};
use super::visitor::lock;
use crate::diagnostic::Diagnostic;
use crate::source::Collector;

/// The trees above found blobs.
#[derive(Default)]
pub(super) struct Forest {
    trees: OidMap<Vec<Branch>>,
    /// What the trees name and the object database lacks.
    pub(super) missing: Missing,
}

/// An entry that is a found blob, or a tree that leads to one.
pub(super) struct Branch {
    pub(super) name: Box<[u8]>,
    pub(super) id: Oid,
    pub(super) is_tree: bool,
}

/// Objects that are named and not there.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) blobs: OidSet,
    pub(super) trees: OidSet,
}

/// What a forest grows from.
pub(super) struct Ground<'a> {
    pub(super) repository: &'a Repository,
    /// Every tree that is there.
    pub(super) trees: &'a [Oid],
    /// Every object that is there.
    pub(super) present: &'a OidSet,
    /// The trees of all commits that references reach.
    pub(super) reachable_roots: &'a [Oid],
    pub(super) collector: &'a Collector,
}

impl Forest {
    /// Reads the trees.
    pub(super) fn grow(ground: &Ground<'_>, found: &OidSet) -> Self {
        let numbers: OidMap<u32> = (0..).zip(ground.trees).map(|(number, &id)| (id, number)).collect();
        let mut survey = Survey::make(ground, &numbers, found, !found.is_empty());
        if survey.is_incomplete() && found.is_empty() {
            // The edges cost memory, and are not kept until they are needed.
            survey = Survey::make(ground, &numbers, found, true);
        }
        let missing = survey.missing(ground, &numbers);
        let leads = survey.leading(ground.trees.len());
        drop(survey);
        let leading: Vec<Oid> =
            ground.trees.iter().zip(&leads).filter(|&(_, &leads)| leads).map(|(&id, _)| id).collect();
        let is_wanted = |entry: &raw::TreeEntry<'_>| match entry.kind {
            EntryKind::Blob => found.contains(&entry.id),
            EntryKind::Tree => numbers.get(&entry.id).is_some_and(|&number| flag(&leads, number)),
            EntryKind::Submodule => false,
        };
        let kept = Mutex::new(OidMap::default());
        objects::sweep(ground.repository, &leading, ground.collector, read_trees, |tree| {
            let entries = raw::tree_entries(tree.bytes).map_while(Result::ok).filter(&is_wanted);
            let branches: Vec<Branch> = entries
                .map(|entry| Branch { name: entry.name.into(), id: entry.id, is_tree: entry.kind == EntryKind::Tree })
                .collect();
            lock(&kept).insert(tree.id, branches);
        });
        Self { trees: kept.into_inner().unwrap_or_else(PoisonError::into_inner), missing }
    }

    /// The branches of a tree; `None` if nothing found lies below it.
    pub(super) fn branches(&self, tree: Oid) -> Option<&[Branch]> {
        self.trees.get(&tree).map(Vec::as_slice)
    }

    /// How many trees lead to something.
    pub(super) fn len(&self) -> usize {
        self.trees.len()
    }
}

fn read_trees(_id: Oid, kind: ObjectType, _size: u64) -> Wish {
    if kind == ObjectType::Tree { Wish::Read } else { Wish::Leave }
}

/// What a pass over the trees notes down. Trees are told by number, to save memory.
#[derive(Default)]
struct Survey {
    /// Each tree with each tree in it.
    edges: Vec<(u32, u32)>,
    /// Trees that hold a found blob themselves.
    holders: Vec<u32>,
    /// Each tree with each blob in it that is not there.
    missing_blobs: Vec<(u32, Oid)>,
    /// Each tree with each tree in it that is not there.
    missing_trees: Vec<(u32, Oid)>,
    is_malformed: bool,
}

impl Survey {
    fn make(ground: &Ground<'_>, numbers: &OidMap<u32>, found: &OidSet, keeps_edges: bool) -> Self {
        let whole = Mutex::new(Self::default());
        objects::sweep(ground.repository, ground.trees, ground.collector, read_trees, |tree| {
            let mut seen = Self::of(&tree, numbers, found, ground.present);
            if seen.is_malformed {
                let place = format!("{}: {}", ground.repository.name, tree.id);
                let reason = "a tree that cannot be read to its end";
                ground.collector.diagnose(Diagnostic::gap("corrupt-object", place, reason));
            }
            if !keeps_edges {
                seen.edges.clear();
            }
            lock(&whole).merge(seen);
        });
        let mut survey = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
        survey.edges.sort_unstable();
        survey
    }

    fn of(tree: &Object<'_>, numbers: &OidMap<u32>, found: &OidSet, present: &OidSet) -> Self {
        let mut survey = Self::default();
        let Some(&number) = numbers.get(&tree.id) else { return survey };
        for entry in raw::tree_entries(tree.bytes) {
            let Ok(entry) = entry else {
                survey.is_malformed = true;
                break;
            };
            match entry.kind {
                EntryKind::Submodule => {}
                EntryKind::Tree => match numbers.get(&entry.id) {
                    Some(&child) => survey.edges.push((number, child)),
                    None if present.contains(&entry.id) => {}
                    None => survey.missing_trees.push((number, entry.id)),
                },
                EntryKind::Blob if found.contains(&entry.id) => survey.holders.push(number),
                EntryKind::Blob if present.contains(&entry.id) => {}
                EntryKind::Blob => survey.missing_blobs.push((number, entry.id)),
            }
        }
        survey
    }

    fn merge(&mut self, other: Self) {
        self.edges.extend(other.edges);
        self.holders.extend(other.holders);
        self.missing_blobs.extend(other.missing_blobs);
        self.missing_trees.extend(other.missing_trees);
    }

    fn is_incomplete(&self) -> bool {
        !self.missing_blobs.is_empty() || !self.missing_trees.is_empty()
    }

    /// What is missing from trees that a reference reaches. Others may well be missing something: `git gc` deletes objects
    /// that nothing reaches, not all at once.
    fn missing(&self, ground: &Ground<'_>, numbers: &OidMap<u32>) -> Missing {
        let mut missing = Missing::default();
        if !self.is_incomplete() {
            return missing;
        }
        let mut is_reached = vec![false; ground.trees.len()];
        let mut open = Vec::new();
        for root in ground.reachable_roots {
            match numbers.get(root) {
                Some(&number) => open.push(number),
                None if ground.present.contains(root) => {}
                None => drop(missing.trees.insert(*root)),
            }
        }
        mark(&self.edges, open, &mut is_reached);
        let is_reached = |&&(number, _): &&(u32, Oid)| flag(&is_reached, number);
        missing.blobs.extend(self.missing_blobs.iter().filter(is_reached).map(|&(_, id)| id));
        missing.trees.extend(self.missing_trees.iter().filter(is_reached).map(|&(_, id)| id));
        missing
    }

    /// Which trees hold a found blob at any depth: climbs from the holders along the edges.
    fn leading(&self, trees: usize) -> Vec<bool> {
        let mut upward: Vec<(u32, u32)> = self.edges.iter().map(|&(parent, child)| (child, parent)).collect();
        upward.sort_unstable();
        let mut leads = vec![false; trees];
        mark(&upward, self.holders.clone(), &mut leads);
        leads
    }
}

/// Marks what can be reached along sorted edges.
fn mark(edges: &[(u32, u32)], mut open: Vec<u32>, marks: &mut [bool]) {
    while let Some(number) = open.pop() {
        let Some(mark) = marks.get_mut(number as usize) else { continue };
        if !std::mem::replace(mark, true) {
            let first = edges.partition_point(|&(from, _)| from < number);
            let own = edges.iter().skip(first).take_while(|&&(from, _)| from == number);
            open.extend(own.map(|&(_, to)| to));
        }
    }
}

fn flag(flags: &[bool], number: u32) -> bool {
    flags.get(number as usize).copied().unwrap_or(false)
}
