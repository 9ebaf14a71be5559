//! [`Forest`]: the trees that lead to what was found.
//!
//! All trees are read once, in the order of the packs, and only those are kept that hold a found blob at some depth. The same
//! pass tells which blobs and trees are named but not there.

use std::sync::{Mutex, PoisonError};

use git2::{ObjectType, Oid};

use super::Repository;
use super::objects::{self, Object, OidMap, OidSet, Wish};
use super::raw::{self, EntryKind};
use crate::diagnostic::Diagnostic;
use crate::finding::Collector;

/// The trees above found blobs.
#[derive(Default)]
pub(super) struct Forest {
    trees: OidMap<Vec<Branch>>,
    /// Blobs that some tree names and the object database lacks.
    pub(super) missing_blobs: OidSet,
    /// Trees that some tree names and the object database lacks.
    pub(super) missing_trees: OidSet,
}

/// An entry that is a found blob, or a tree that leads to one.
pub(super) struct Branch {
    pub(super) name: Box<[u8]>,
    pub(super) id: Oid,
    pub(super) is_tree: bool,
}

impl Forest {
    /// Reads the trees. `present` holds the ids of all objects there are.
    pub(super) fn grow(
        repository: &Repository,
        trees: &[Oid],
        found: &OidSet,
        present: &OidSet,
        collector: &Collector,
    ) -> Self {
        let numbers: OidMap<u32> = (0..).zip(trees).map(|(number, &id)| (id, number)).collect();
        let survey = Mutex::new(Survey::default());
        objects::sweep(repository, trees, collector, read_trees, |tree| {
            let seen = Survey::of(&tree, &numbers, found, present);
            if seen.is_malformed {
                let place = format!("{}: {}", repository.name, tree.id);
                collector.diagnose(Diagnostic::gap("corrupt-object", place, "a tree that cannot be read to its end"));
            }
            survey.lock().unwrap_or_else(PoisonError::into_inner).merge(seen);
        });
        let survey = survey.into_inner().unwrap_or_else(PoisonError::into_inner);
        let leads = survey.leading(trees.len());
        let leading: Vec<Oid> = trees.iter().zip(&leads).filter(|&(_, &leads)| leads).map(|(&id, _)| id).collect();
        let is_wanted = |entry: &raw::TreeEntry<'_>| match entry.kind {
            EntryKind::Blob => found.contains(&entry.id),
            EntryKind::Tree => {
                numbers.get(&entry.id).is_some_and(|&number| leads.get(number as usize).copied().unwrap_or(false))
            }
            EntryKind::Submodule => false,
        };
        let kept = Mutex::new(OidMap::default());
        objects::sweep(repository, &leading, collector, read_trees, |tree| {
            let entries = raw::tree_entries(tree.bytes).map_while(Result::ok).filter(&is_wanted);
            let branches: Vec<Branch> = entries
                .map(|entry| Branch { name: entry.name.into(), id: entry.id, is_tree: entry.kind == EntryKind::Tree })
                .collect();
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(tree.id, branches);
        });
        Self {
            trees: kept.into_inner().unwrap_or_else(PoisonError::into_inner),
            missing_blobs: survey.missing_blobs,
            missing_trees: survey.missing_trees,
        }
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

/// What a pass over the trees notes down.
#[derive(Default)]
struct Survey {
    /// (parent, child), by number.
    edges: Vec<(u32, u32)>,
    /// Trees that hold a found blob themselves.
    holders: Vec<u32>,
    missing_blobs: OidSet,
    missing_trees: OidSet,
    is_malformed: bool,
}

impl Survey {
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
                    None => {
                        survey.missing_trees.insert(entry.id);
                    }
                },
                EntryKind::Blob => {
                    if found.contains(&entry.id) {
                        survey.holders.push(number);
                    } else if !present.contains(&entry.id) {
                        survey.missing_blobs.insert(entry.id);
                    }
                }
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

    /// Which trees hold a found blob at any depth: climbs from the holders along the edges.
    fn leading(&self, trees: usize) -> Vec<bool> {
        let mut parents_of: Vec<(u32, u32)> = self.edges.iter().map(|&(parent, child)| (child, parent)).collect();
        parents_of.sort_unstable();
        let mut leads = vec![false; trees];
        let mut open = self.holders.clone();
        while let Some(number) = open.pop() {
            let Some(flag) = leads.get_mut(number as usize) else { continue };
            if !std::mem::replace(flag, true) {
                let first = parents_of.partition_point(|&(child, _)| child < number);
                let parents = parents_of.iter().skip(first).take_while(|&&(child, _)| child == number);
                open.extend(parents.map(|&(_, parent)| parent));
            }
        }
        leads
    }
}
