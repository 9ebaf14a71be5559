//! Attribution: which commit brought a found blob to which path.
//!
//! The commit named is the first one, in the order of [`Graph::order`], whose tree has the blob at that path. What only a merge
//! brought in is therefore that merge's, and a file that came back was introduced once.

use std::collections::{HashMap, HashSet};

use git2::Oid;

use super::forest::Forest;
use super::graph::Graph;
use super::objects::OidMap;
use crate::diagnostic::Diagnostic;
use crate::finding::SourcePath;
use crate::source::Collector;

/// A found blob at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// Below the root of the repository; empty if no tree names the blob.
    pub(super) path: SourcePath,
    /// Who introduced it; `None` if no commit holds it.
    pub(super) commit: Option<Oid>,
    /// Whether it is there in the commit at HEAD.
    pub(super) in_head: bool,
    /// Whether a reference reaches it.
    pub(super) is_reachable: bool,
}

/// Finds every path of every found blob. `head` and `tips` are HEAD and all references, peeled. A blob without an entry in
/// the result stands in no commit.
pub(super) fn attribute(
    graph: &Graph,
    forest: &Forest,
    head: Option<Oid>,
    tips: &[Oid],
    place: &str,
    collector: &Collector,
) -> OidMap<Vec<Occurrence>> {
    let order = graph.order();
    let is_reachable = graph.reached_from(tips.iter().copied());
    let is_reachable = |number: u32| is_reachable.get(number as usize).copied().unwrap_or(false);
    let commits = |reachable: bool| {
        let chosen = order.iter().filter(move |&&number| is_reachable(number) == reachable);
        chosen.filter_map(|&number| graph.commit(number)).map(|commit| (commit.tree, Some(commit.id)))
    };

    let mut paths = Paths::default();
    let head = head.and_then(|head| graph.number(head)).and_then(|number| graph.commit(number));
    let mut head_walk = Walk::new(forest);
    let mut at_head = HashSet::new();
    if let Some(head) = head {
        head_walk.descend(head.tree, &mut paths, |blob, path| {
            at_head.insert((blob, path));
        });
    }

    let mut places: OidMap<HashMap<u32, Occurrence>> = OidMap::default();
    let mut is_cut = head_walk.is_exhausted();
    for reachable in [true, false] {
        let mut walk = Walk::new(forest);
        let mut round: OidMap<HashMap<u32, Occurrence>> = OidMap::default();
        // A reference may point to a tree without any commit.
        let loose = tips.iter().filter(|_| reachable).map(|&tip| (tip, None));
        for (tree, commit) in commits(reachable).chain(loose) {
            walk.descend(tree, &mut paths, |blob, path| {
                let occurrences = round.entry(blob).or_default();
                if occurrences.len() >= MAX_PATHS {
                    is_cut = true;
                } else {
                    occurrences.entry(path).or_insert_with(|| Occurrence {
                        path: SourcePath::default(),
                        commit,
                        in_head: at_head.contains(&(blob, path)),
                        is_reachable: reachable,
                    });
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
        collector.diagnose(Diagnostic::note("too-many-paths", place, reason));
    }
    let resolve = |(path, occurrence)| Occurrence { path: paths.full(path), ..occurrence };
    places.into_iter().map(|(blob, at)| (blob, at.into_iter().map(resolve).collect())).collect()
}

/// More paths of one blob than this are not told: trees can be built that name a blob at billions of paths.
const MAX_PATHS: usize = 10_000;

/// Deeper trees than this are not entered.
const MAX_DEPTH: u32 = 4096;

/// A descent into many roots that enters no tree twice at the same path.
struct Walk<'a> {
    forest: &'a Forest,
    visited: HashSet<(Oid, u32)>,
    budget: usize,
}

impl<'a> Walk<'a> {
    fn new(forest: &'a Forest) -> Self {
        // An honest history has few trees at more than a few paths.
        Self { forest, visited: HashSet::new(), budget: forest.len().saturating_mul(8).saturating_add(1 << 14) }
    }

    /// Whether trees were left out because there seemed to be no end.
    fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    /// Tells every found blob below the tree, at its path, unless that tree was already entered.
    fn descend(&mut self, root: Oid, paths: &mut Paths, mut tell: impl FnMut(Oid, u32)) {
        let mut open = vec![(root, Paths::ROOT, 0)];
        while let Some((tree, path, depth)) = open.pop() {
            let Some(branches) = self.forest.branches(tree) else { continue };
            if depth > MAX_DEPTH || self.budget == 0 || !self.visited.insert((tree, path)) {
                continue;
            }
            self.budget -= 1;
            for branch in branches {
                let below = paths.below(path, &branch.name);
                if branch.is_tree {
                    open.push((branch.id, below, depth + 1));
                } else {
                    tell(branch.id, below);
                }
            }
        }
    }
}

/// Paths as numbers, so that comparing and hashing them costs nothing.
#[derive(Default)]
struct Paths {
    nodes: Vec<(u32, Box<[u8]>)>,
    numbers: HashMap<(u32, Box<[u8]>), u32>,
}

impl Paths {
    /// The root of a tree.
    const ROOT: u32 = 0;

    /// The number of `name` within the directory `parent`.
    fn below(&mut self, parent: u32, name: &[u8]) -> u32 {
        let key = (parent, Box::from(name));
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        self.nodes.push(key.clone());
        // The root has no node, so the first node is number 1.
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.numbers.insert(key, number);
        number
    }

    /// The path in full.
    fn full(&self, number: u32) -> SourcePath {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = number;
        while let Some((parent, name)) = at.checked_sub(1).and_then(|index| self.nodes.get(index as usize)) {
            names.push(name);
            at = *parent;
        }
        names.reverse();
        SourcePath::new(&names.join(&b'/'))
    }
}
