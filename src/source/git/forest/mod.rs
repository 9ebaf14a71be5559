//! `Forest`: the trees that lead to what was found.
//!
//! Every tree is seen once, as what differs from its base (`layout`, `survey`); what was noted down is united (`families`), and
//! everything is answered from there: which trees hold a found blob at some depth, what they hold, and what they name that is
//! not there. Trees are read even if nothing was found, because only they tell which blobs are missing, and a scan that missed
//! some must not be called complete. That costs what changed from tree to tree, a few percent of a scan.

mod families;
pub mod layout;
mod survey;
#[cfg(test)]
mod tests;

use self::families::{Exploration, Families};
use self::survey::{Child, Ground, Inheritance, Notes};
use super::Repository;
use super::id::{IdSet, ObjectId, ObjectKind};
use super::objects;
use super::store::Inventory;
use super::sweep::{self, Base, Plan, Stock, Sweeper};
use crate::detect::Detector;
use crate::diagnostic::Diagnostic;
use crate::source::Collector;

/// The trees above found blobs.
#[derive(Default)]
pub(super) struct Forest<'a> {
    families: Families,
    /// The number of each object.
    inventory: Option<&'a Inventory<'a>>,
    /// How many trees lead to something.
    leading: usize,
    /// What the trees that references reach name and the object database lacks.
    pub(super) missing: Missing,
}

/// An entry that is a found blob, or a tree that leads to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    /// The number of its name, in the order of names.
    pub(super) name: u32,
    pub(super) kind: BranchKind,
}

/// Where a [`Branch`] leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BranchKind {
    /// The number of a found blob.
    Blob(u32),
    /// A tree.
    Tree(Tree),
}

/// A tree of the forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tree(u32);

/// How far a way through the forest is, or may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Nodes and changes looked at, which takes time.
    pub(super) steps: usize,
    /// Trees entered and branches told, which takes memory.
    pub(super) told: usize,
}

/// Objects that are named and not there.
#[derive(Default)]
pub(super) struct Missing {
    pub(super) blobs: IdSet,
    pub(super) trees: IdSet,
}

/// What a forest grows from.
pub(super) struct Soil<'a> {
    pub(super) repository: &'a Repository,
    /// Every object that is there.
    pub(super) inventory: &'a Inventory<'a>,
    pub(super) stock: &'a Stock<'a>,
    /// The blobs that something was found in, by number, ascending.
    pub(super) found: &'a [u32],
    /// Tells which names rules look for.
    pub(super) detector: &'a Detector,
    pub(super) collector: &'a Collector,
}

/// How many bytes of notes a thread may take, beside so many for each object.
const NOTES: usize = 64 << 20;
const NOTES_FOR_AN_OBJECT: usize = 128;

/// What was noted down of the trees.
pub(super) struct Seedlings(Vec<Notes>);

impl Seedlings {
    /// Reads the trees. The plan is one for all of them.
    pub(super) fn gather(soil: &Soil<'_>, plan: &Plan<'_>) -> Self {
        let objects = soil.inventory.count() as usize;
        let allowance = objects.saturating_mul(NOTES_FOR_AN_OBJECT).saturating_add(NOTES);
        let mut is_found = vec![false; objects];
        for &number in soil.found {
            if let Some(is_found) = is_found.get_mut(number as usize) {
                *is_found = true;
            }
        }
        let swept = sweep::sweep_as_planned(plan, soil.stock, &TreeSweeper { soil, allowance, is_found });
        objects::diagnose(soil.inventory.name(swept.troubles), &soil.repository.name, soil.collector);
        Self(swept.workers)
    }
}

impl<'a> Forest<'a> {
    /// Unites what was noted down. `reachable_roots` are the trees of all commits that references reach.
    pub(super) fn grow(soil: &Soil<'a>, Seedlings(notes): Seedlings, reachable_roots: &[ObjectId]) -> Self {
        tell_malformed(soil, &notes);
        if notes.iter().any(|notes| notes.is_cut) {
            let reason = "the trees hold more than they can honestly hold: not all of them were looked at";
            soil.collector.diagnose(Diagnostic::gap("too-many-paths", &*soil.repository.name, reason));
        }
        let families = Families::unite(notes, soil.inventory.count() as usize);
        let mut forest = Self { families, inventory: Some(soil.inventory), ..Self::default() };
        if soil.found.is_empty() && !soil.detector.looks_for_files() {
            forest.missing = forest.find_missing(reachable_roots);
            forest.families = Families::default();
            return forest;
        }
        let is_found = |child| matches!(child, Child::Blob(_));
        let (missing, leads) =
            rayon::join(|| forest.find_missing(reachable_roots), || forest.families.leading(is_found));
        forest.missing = missing;
        let leads = leads.unwrap_or_else(|| {
            let reason = "the trees lie in each other so deep that not every path of each finding is listed";
            soil.collector.diagnose(Diagnostic::note("too-many-paths", &*soil.repository.name, reason));
            Vec::new()
        });
        forest.leading = leads.iter().filter(|&&leads| leads).count();
        forest.families.keep(&leads);
        forest
    }

    /// The number of an object.
    pub(super) fn number(&self, id: ObjectId) -> Option<u32> {
        self.inventory?.number_of(id.as_bytes())
    }

    /// A tree by its id; `None` if it is not there.
    pub(super) fn tree(&self, id: ObjectId) -> Option<Tree> {
        self.number(id).and_then(|number| self.families.node(number)).map(Tree)
    }

    /// A name of a [`Branch`].
    pub(super) fn name(&self, number: u32) -> &[u8] {
        self.families.names.get(number as usize).map_or(&[], |name| name)
    }

    /// How far to go: an honest history has few trees at more than a few paths, and few long chains of deltas, but a small one
    /// can be made that has no end.
    pub(super) fn limits(&self) -> Limits {
        let told = (self.leading + self.families.changes()).saturating_mul(4).saturating_add(1 << 18);
        let steps = self.leading.saturating_mul(256).saturating_add(1 << 20);
        Limits { steps, told: told.min(1 << 24) }
    }

    /// What is missing from trees that a reference reaches. Others may well be missing something: `git gc` deletes objects
    /// that nothing reaches, not all at once.
    fn find_missing(&self, reachable_roots: &[ObjectId]) -> Missing {
        let mut missing = Missing::default();
        let lost = reachable_roots.iter().filter(|&&root| self.number(root).is_none());
        missing.trees.extend(lost);
        if self.families.unknown.is_empty() {
            return missing;
        }
        let leads = self.families.leading(|child| matches!(child, Child::Unknown { .. }));
        let is_entered = |number: &u32| {
            leads.as_ref().is_none_or(|leads| leads.get(*number as usize).is_some_and(|is_leading| *is_leading))
        };
        let mut exploration = Exploration::default();
        let roots = reachable_roots.iter().filter_map(|&root| self.number(root));
        let mut open: Vec<u32> = roots.filter(is_entered).collect();
        while let Some(number) = open.pop() {
            let entries = self.families.node(number).and_then(|node| exploration.enter(&self.families, node, 0));
            for entry in entries.unwrap_or_default() {
                match entry.child() {
                    Child::Tree(number) => open.extend(Some(number).filter(is_entered)),
                    Child::Blob(_) => {}
                    Child::Unknown { place, is_tree } => {
                        let id = self.families.unknown.get(place as usize).and_then(|id| ObjectId::from_bytes(id));
                        if is_tree { &mut missing.trees } else { &mut missing.blobs }.extend(id);
                    }
                }
            }
        }
        missing
    }

    fn branches(&self, entries: Vec<survey::Change>) -> impl Iterator<Item = Branch> {
        entries.into_iter().filter_map(|entry| {
            let kind = match entry.child() {
                Child::Blob(number) => BranchKind::Blob(number),
                Child::Tree(number) => BranchKind::Tree(Tree(self.families.node(number)?)),
                Child::Unknown { .. } => return None,
            };
            Some(Branch { name: entry.name(), kind })
        })
    }

    /// The branches of a tree, and how far it was to tell them.
    pub(super) fn all_branches(&self, tree: Tree) -> (impl Iterator<Item = Branch> + '_, Limits) {
        let mut exploration = Exploration::default();
        let entries = exploration.enter(&self.families, tree.0, 0).unwrap_or_default();
        (self.branches(entries), Limits { steps: exploration.steps, told: exploration.told })
    }
}

/// A way through the forest that comes by each branch of a tree once for each path of the tree.
#[derive(Default)]
pub(super) struct Way {
    exploration: Exploration,
}

impl Way {
    /// Enters a tree at a path, and gives its branches, but for those that trees had that were entered at the same path before.
    pub(super) fn enter<'a>(
        &mut self,
        forest: &'a Forest<'_>,
        tree: Tree,
        path: u32,
    ) -> impl Iterator<Item = Branch> + 'a {
        let entries = self.exploration.enter(&forest.families, tree.0, path);
        forest.branches(entries.unwrap_or_default())
    }

    /// Whether it went as far as that.
    pub(super) fn has_reached(&self, limits: Limits) -> bool {
        self.exploration.steps >= limits.steps || self.exploration.told >= limits.told
    }
}

/// Reads the trees as differences, each thread into notes of its own.
struct TreeSweeper<'a> {
    soil: &'a Soil<'a>,
    /// How many bytes of notes a thread may take.
    allowance: usize,
    /// Whether something was found in each object, by number: asked for every entry of every tree.
    is_found: Vec<bool>,
}

/// Trees are needed whole to be read, and no honest one comes near this.
const LARGEST_TREE: u64 = 256 << 20;

impl Sweeper for TreeSweeper<'_> {
    type State = Inheritance;
    type Worker = Notes;

    fn worker(&self) -> Notes {
        Notes::default()
    }

    fn largest(&self, kind: ObjectKind) -> Option<u64> {
        (kind == ObjectKind::Tree).then_some(LARGEST_TREE)
    }

    fn is_cancelled(&self) -> bool {
        self.soil.collector.is_cancelled()
    }

    fn visit(&self, notes: &mut Notes, tree: &sweep::Object<'_>, base: Option<Base<'_, Inheritance>>) -> Inheritance {
        let base = base.map(|base| (base.state, base.runs));
        notes.see(self, tree.number, (tree.bytes, self.soil.repository.hash_length), base, self.allowance)
    }

    fn pass_over(&self, notes: &mut Notes, number: u32, _kind: ObjectKind, _size: u64) {
        notes.malformed.push(number);
    }
}

impl Ground for TreeSweeper<'_> {
    fn number(&self, id: &[u8]) -> Option<u32> {
        self.soil.inventory.number_of(id)
    }

    fn is_found(&self, number: u32) -> bool {
        self.is_found.get(number as usize).is_some_and(|&is_found| is_found)
    }

    fn is_looked_for(&self, name: &[u8]) -> bool {
        self.soil.detector.may_look_for_file(name)
    }
}

/// How many malformed trees are named one by one.
const NAMED_TREES: usize = 20;

fn tell_malformed(soil: &Soil<'_>, notes: &[Notes]) {
    let malformed = notes.iter().flat_map(|notes| &notes.malformed);
    let mut malformed: Vec<ObjectId> = malformed.filter_map(|&number| soil.inventory.id(number)).collect();
    malformed.sort_unstable();
    malformed.dedup();
    let diagnose = |place: String, reason: String| {
        soil.collector.diagnose(Diagnostic::gap("corrupt-object", place, reason));
    };
    for id in malformed.iter().take(NAMED_TREES) {
        let reason = "a tree that cannot be read to its end";
        diagnose(format!("{}: {id}", soil.repository.name), reason.to_owned());
    }
    if let Some(more) = malformed.len().checked_sub(NAMED_TREES).filter(|&more| more > 0) {
        diagnose(soil.repository.name.to_string(), format!("{more} more trees cannot be read to their end"));
    }
}
