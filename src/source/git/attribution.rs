//! Attribution: which commit brought a found blob to which path, and where it still stands.
//!
//! The commit named is the first one, in the order of [`Graph::order`], whose tree has the blob at that path. What only a merge
//! brought in is therefore that merge's, and a file that came back was introduced once.

use foldhash::{HashMap, HashMapExt as _};
use rayon::prelude::*;

use super::forest::{BranchKind, Forest, Limits, Tree, Way};
use super::graph::Graph;
use super::id::ObjectId;
use super::presence::Presence;
use crate::diagnostic::Diagnostic;
use crate::finding::SourcePath;
use crate::source::Collector;

/// How much is found out about the places of what was found in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attribution {
    /// Every path, with the commit that brought it there.
    #[default]
    Full,
    /// The first commit that brought it anywhere, and the path there.
    First,
    /// Only the object. No tree is read, so it is not known whether objects are missing either.
    None,
}

/// A found blob at one path.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// Below the root of the repository; empty if no tree names the blob.
    pub(super) path: SourcePath,
    /// Who introduced it; `None` if no commit holds it.
    pub(super) commit: Option<ObjectId>,
    /// Whether a reference reaches it.
    pub(super) is_reachable: bool,
    /// Whether it is there in the commit at HEAD.
    pub(super) in_head: bool,
    /// Which branches have it there, as the number of a set in [`Attributed::in_branches`]; `None` if none does.
    pub(super) in_branches: Option<u32>,
}

/// What attribution starts from.
pub(super) struct Question<'a> {
    pub(super) graph: &'a Graph,
    /// That of [`Graph::order`].
    pub(super) order: &'a [u32],
    /// Whether each commit, by number, is among the tips or their ancestors.
    pub(super) is_reachable: &'a [bool],
    pub(super) forest: &'a Forest<'a>,
    /// The targets of all references, peeled.
    pub(super) tips: &'a [ObjectId],
    /// The commit at HEAD.
    pub(super) head: Option<ObjectId>,
    /// The last commits of all branches.
    pub(super) branches: &'a [ObjectId],
    /// Whether one place is enough for each blob.
    pub(super) first_only: bool,
    /// Names the repository in diagnostics.
    pub(super) place: &'a str,
    pub(super) collector: &'a Collector,
}

/// Where found blobs are.
#[derive(Default)]
pub(super) struct Attributed {
    occurrences: HashMap<u32, Vec<Occurrence>>,
    /// What the branches still have.
    pub(super) in_branches: Presence,
}

impl Attributed {
    /// The blobs, by number, that stand at a path which is looked for, ascending.
    pub(super) fn standing_at(&self, is_looked_for: impl Fn(&[u8]) -> bool) -> Vec<u32> {
        let stands = |at: &[Occurrence]| at.iter().any(|at| is_looked_for(at.path.as_bytes()));
        let mut blobs: Vec<u32> =
            self.occurrences.iter().filter(|(_, at)| stands(at)).map(|(&number, _)| number).collect();
        blobs.sort_unstable();
        blobs
    }

    /// The commits that brought a blob, by its number, to its paths.
    pub(super) fn commits(&self, blob: u32) -> impl Iterator<Item = ObjectId> {
        self.occurrences.get(&blob).into_iter().flatten().filter_map(|at| at.commit)
    }

    /// Every path of a found blob, by its number in the forest, or its first; `None` if it stands in no commit. Can be taken once.
    pub(super) fn take(&mut self, blob: u32) -> Option<Vec<Occurrence>> {
        self.occurrences.remove(&blob)
    }
}

/// Finds the paths of every found blob.
pub(super) fn attribute(question: &Question<'_>) -> Attributed {
    let Question { graph, forest, .. } = question;
    let mut paths = Paths::default();
    let tree_of = |number: u32| graph.commit(number).and_then(|commit| forest.tree(commit.tree));
    let trees: Vec<Option<Tree>> = graph.numbers().into_par_iter().with_min_len(1024).map(tree_of).collect();
    let tree_of = |number: u32| trees.get(number as usize).copied().flatten();
    let root = |id: ObjectId| graph.number(id).and_then(tree_of);
    let in_head = Presence::survey(forest, &[question.head.and_then(root)], &mut paths);
    let roots: Vec<Option<Tree>> = question.branches.iter().map(|&tip| root(tip)).collect();
    let in_branches = Presence::survey(forest, &roots, &mut paths);
    let mut is_cut = in_head.is_cut || in_branches.is_cut;

    let mut places: HashMap<u32, HashMap<u32, (Option<ObjectId>, bool)>> = HashMap::new();
    for reachable in [true, false] {
        let chosen =
            question.order.iter().filter(|&&number| question.is_reachable.get(number as usize) == Some(&reachable));
        let commits = chosen.map(|&number| (tree_of(number), graph.commit(number).map(|commit| commit.id)));
        // A reference may point to a tree without any commit.
        let loose = question.tips.iter().filter(|_| reachable).map(|&tip| (forest.tree(tip), None));
        let mut walk = Walk { forest, way: Way::default(), limits: forest.limits() };
        let mut round: HashMap<u32, HashMap<u32, (Option<ObjectId>, bool)>> = HashMap::new();
        for (tree, commit) in commits.chain(loose) {
            let Some(tree) = tree else { continue };
            walk.descend(tree, &mut paths, |paths, blob, path| {
                let occurrences = round.entry(blob).or_default();
                if question.first_only {
                    note_first(occurrences, paths, path, commit, reachable);
                } else if occurrences.len() >= MAX_PATHS {
                    is_cut = true;
                } else {
                    occurrences.entry(path).or_insert((commit, reachable));
                }
            });
        }
        is_cut |= walk.is_exhausted();
        // Rewritten commits say nothing new about a blob that a reference reaches.
        for (blob, occurrences) in round {
            places.entry(blob).or_insert(occurrences);
        }
    }
    if is_cut {
        let reason = "the trees repeat each other so often that not every path of each finding is listed";
        question.collector.diagnose(Diagnostic::note("too-many-paths", question.place, reason));
    }
    let mut occurrences: HashMap<u32, Vec<Occurrence>> = HashMap::with_capacity(places.len());
    for (blob, at) in places {
        let resolve = |(path, (commit, is_reachable))| {
            let in_branches = in_branches.of(blob, path);
            let in_head = in_head.of(blob, path).is_some();
            Occurrence { path: paths.full(path, forest), commit, is_reachable, in_head, in_branches }
        };
        occurrences.insert(blob, at.into_iter().map(resolve).collect());
    }
    Attributed { occurrences, in_branches }
}

/// Keeps the place that comes first: that of the earlier commit, and of several paths there the lesser one.
fn note_first(
    held: &mut HashMap<u32, (Option<ObjectId>, bool)>,
    paths: &Paths,
    path: u32,
    commit: Option<ObjectId>,
    reachable: bool,
) {
    let is_better = match held.iter().next() {
        None => true,
        Some((&other, (other_commit, _))) => *other_commit == commit && paths.precedes(path, other),
    };
    if is_better {
        held.clear();
        held.insert(path, (commit, reachable));
    }
}

/// More paths of one blob than this are not told: trees can be built that name a blob at billions of paths.
const MAX_PATHS: usize = 10_000;

/// Deeper trees than this are not entered.
pub(super) const MAX_DEPTH: u32 = 4096;

/// A descent into many roots that enters no tree twice at the same path.
struct Walk<'a> {
    forest: &'a Forest<'a>,
    way: Way,
    limits: Limits,
}

impl Walk<'_> {
    /// Whether trees were left out because there seemed to be no end.
    fn is_exhausted(&self) -> bool {
        self.way.has_reached(self.limits)
    }

    /// Tells every found blob below the tree, at its path, that was not told before.
    fn descend(&mut self, root: Tree, paths: &mut Paths, mut tell: impl FnMut(&Paths, u32, u32)) {
        let mut open = vec![(root, Paths::ROOT, 0)];
        while let Some((tree, path, depth)) = open.pop() {
            if depth > MAX_DEPTH || self.is_exhausted() {
                continue;
            }
            for branch in self.way.enter(self.forest, tree, path) {
                let below = paths.below(path, branch.name);
                match branch.kind {
                    BranchKind::Tree(tree) => open.push((tree, below, depth + 1)),
                    BranchKind::Blob(blob) => tell(paths, blob, below),
                }
            }
        }
    }
}

/// Paths as numbers, so that comparing and hashing them costs nothing.
#[derive(Default)]
pub(super) struct Paths {
    /// The directory of each path, and its name there by its number in the forest.
    nodes: Vec<(u32, u32)>,
    numbers: HashMap<(u32, u32), u32>,
}

impl Paths {
    /// The root of a tree.
    pub(super) const ROOT: u32 = 0;

    /// The number of `name` within the directory `parent`.
    pub(super) fn below(&mut self, parent: u32, name: u32) -> u32 {
        *self.numbers.entry((parent, name)).or_insert_with(|| {
            self.nodes.push((parent, name));
            // The root has no node, so the first node is number 1.
            u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
        })
    }

    /// The names on the way to a path, the root's first.
    fn names(&self, number: u32) -> Vec<u32> {
        let mut names = Vec::new();
        let mut at = number;
        while let Some(&(parent, name)) = at.checked_sub(1).and_then(|index| self.nodes.get(index as usize)) {
            names.push(name);
            at = parent;
        }
        names.reverse();
        names
    }

    /// Whether a path comes before another one, directory by directory.
    fn precedes(&self, path: u32, other: u32) -> bool {
        // The numbers of names follow the names.
        self.names(path) < self.names(other)
    }

    /// The path in full.
    fn full(&self, number: u32, forest: &Forest<'_>) -> SourcePath {
        let names: Vec<&[u8]> = self.names(number).into_iter().map(|name| forest.name(name)).collect();
        SourcePath::new(&names.join(&b'/'))
    }
}
