//! [`Forest`]: the families of objects that hold something wanted.
//!
//! For the sweep. Bases come before what is built from them, so that one pass back over the nodes hands up who has to be built. All of
//! it works on the survey alone, which all forests of a stock share.

use std::cmp::Reverse;
use std::ops::Range;

use super::survey::{Node, Survey, narrow};
use super::{Fault, Stock, Trouble};
use crate::source::git::id::ObjectKind;

/// Who is built from whom, without those that lead to nothing wanted.
pub(super) struct Forest<'a> {
    survey: &'a Survey,
    /// Whether each node is to be visited.
    is_wanted: Vec<bool>,
    /// Where the children of each node start in `children`, and where those of the last end.
    child_starts: Vec<u32>,
    children: Vec<u32>,
    /// How many nodes are below each.
    descendants: Vec<u32>,
    /// The whole objects: large families first, then the small ones in the order of the packs.
    roots: Vec<u32>,
    /// Which roots a thread takes at once: that of a large family, or neighbours.
    units: Vec<Range<usize>>,
    /// Wanted objects that cannot be visited, as far as the headers tell.
    pub(super) troubles: Vec<Trouble>,
}

/// A node, and what is to become of it.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) node: &'a Node,
    /// Whether it is to be visited.
    pub(super) is_wanted: bool,
    /// Whether others are built from it.
    pub(super) is_base: bool,
}

impl<'a> Forest<'a> {
    /// Chooses from all entries. `is_wanted` is told the number of an object, and its kind as far as that is known.
    pub(super) fn grow(stock: &'a Stock<'_>, is_wanted: impl Fn(u32, Option<ObjectKind>) -> bool) -> Self {
        let survey = stock.survey();
        let nodes = &survey.nodes;
        let is_wanted =
            nodes.iter().map(|node| node.is_chosen && is_wanted(node.number, node.kind)).collect::<Vec<_>>();
        let troubles = tell(survey, &is_wanted);
        let (needs, descendants) = hand_up(nodes, &is_wanted);
        let ((child_starts, children), (roots, units)) =
            rayon::join(|| link(nodes, &needs), || divide(survey, &needs, &descendants));
        Self { survey, is_wanted, child_starts, children, descendants, roots, units, troubles }
    }

    /// How many objects are wanted.
    pub(super) fn wanted(&self) -> u64 {
        self.is_wanted.iter().filter(|is_wanted| **is_wanted).count() as u64
    }

    /// Whether any object is there twice.
    pub(super) fn has_copies(&self) -> bool {
        self.survey.has_copies
    }

    /// How many units of work there are.
    pub(super) fn units(&self) -> usize {
        self.units.len()
    }

    /// The roots of the families of a unit.
    pub(super) fn unit(&self, unit: usize) -> &[u32] {
        self.units.get(unit).and_then(|range| self.roots.get(range.clone())).unwrap_or_default()
    }

    /// A node.
    pub(super) fn node(&self, index: u32) -> Option<&'a Node> {
        self.survey.nodes.get(index as usize)
    }

    /// A node, and what is to become of it.
    pub(super) fn member(&self, index: u32) -> Option<Member<'a>> {
        let is_wanted = self.is_wanted.get(index as usize).copied().unwrap_or(false);
        Some(Member { node: self.node(index)?, is_wanted, is_base: !self.children(index).is_empty() })
    }

    /// The nodes that are built from a node and are wanted, or lead to wanted ones.
    pub(super) fn children(&self, index: u32) -> &[u32] {
        let start = |index: usize| self.child_starts.get(index).map_or(0, |&start| start as usize);
        self.children.get(start(index as usize)..start(index as usize + 1)).unwrap_or_default()
    }

    /// How many such nodes there are at any depth.
    pub(super) fn descendants(&self, index: u32) -> u32 {
        self.descendants.get(index as usize).copied().unwrap_or(0)
    }
}

/// What keeps wanted objects from being visited.
fn tell(survey: &Survey, is_wanted: &[bool]) -> Vec<Trouble> {
    let mut faults = survey.faults.iter().peekable();
    let mut troubles = Vec::new();
    let broken = survey.nodes.iter().zip(0..).zip(is_wanted).filter(|((node, _), _)| node.is_broken);
    for ((node, index), is_wanted) in broken {
        let mut own = None;
        while let Some((of, fault)) = faults.next_if(|(of, _)| *of <= index) {
            own = (*of == index).then_some(fault);
        }
        if *is_wanted {
            troubles.push(Trouble { number: node.number, fault: own.cloned().unwrap_or(Fault::BrokenBase) });
        }
    }
    troubles
}

/// Tells which nodes have to be built, and counts the descendants of each that have to be.
fn hand_up(nodes: &[Node], is_wanted: &[bool]) -> (Vec<bool>, Vec<u32>) {
    let (mut needs, mut descendants) = (vec![false; nodes.len()], vec![0; nodes.len()]);
    for (index, (node, is_wanted)) in nodes.iter().zip(is_wanted).enumerate().rev() {
        let below = descendants.get(index).copied().unwrap_or(0);
        let is_needed = below > 0 || *is_wanted && !node.is_broken;
        if let Some(needs) = needs.get_mut(index) {
            *needs = is_needed;
        }
        if is_needed && let Some(of_base) = descendants.get_mut(node.base as usize) {
            *of_base += below + 1;
        }
    }
    (needs, descendants)
}

/// Lists the children of everyone that are needed, one list behind the other.
fn link(nodes: &[Node], needs: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let needed = || nodes.iter().zip(needs).enumerate().filter(|(_, (_, is_needed))| **is_needed);
    let mut ends = vec![0_u32; nodes.len() + 1];
    for (_, (node, _)) in needed() {
        if let Some(count) = ends.get_mut(node.base as usize) {
            *count += 1;
        }
    }
    let mut end = 0;
    for count in &mut ends {
        end += *count;
        *count = end;
    }
    let mut children = vec![0; end as usize];
    // From behind, so that each end becomes a start.
    for (index, (node, _)) in needed().rev() {
        let Some(place) = ends.get_mut(node.base as usize) else { continue };
        *place -= 1;
        if let Some(child) = children.get_mut(*place as usize) {
            *child = narrow(index);
        }
    }
    (ends, children)
}

/// One part of that many for each thread is the most that is taken at once.
const PARTS: u64 = 128;

/// Lists the families, and what of them is taken at once. The largest come first, so that no thread is left alone with one in
/// the end; of the small ones neighbours are taken together, since they share pages of the pack.
fn divide(survey: &Survey, needs: &[bool], descendants: &[u32]) -> (Vec<u32>, Vec<Range<usize>>) {
    // The size of versions of a file is much the same. A little more for each, since small objects cost something too.
    let weigh = |node: &Node, below: u32| node.size.saturating_add(512).saturating_mul(u64::from(below) + 1);
    let families = || {
        let needed = survey.roots.iter().filter(|&&root| needs.get(root as usize).is_some_and(|is_needed| *is_needed));
        needed.filter_map(|&root| {
            let (node, below) = (survey.nodes.get(root as usize)?, descendants.get(root as usize)?);
            Some((weigh(node, *below), root))
        })
    };
    let total = families().fold(0_u64, |total, (weight, _)| total.saturating_add(weight));
    let share = total / (PARTS * rayon::current_num_threads() as u64) + 1;
    let mut large: Vec<(u64, u32)> = families().filter(|&(weight, _)| weight > share).collect();
    large.sort_unstable_by_key(|&(weight, index)| (Reverse(weight), index));
    let mut roots: Vec<u32> = large.into_iter().map(|(_, index)| index).collect();
    let mut units: Vec<Range<usize>> = (0..roots.len()).map(|unit| unit..unit + 1).collect();
    let (mut start, mut taken) = (roots.len(), 0_u64);
    for (weight, index) in families().filter(|&(weight, _)| weight <= share) {
        roots.push(index);
        taken += weight;
        if taken > share {
            units.push(start..roots.len());
            (start, taken) = (roots.len(), 0);
        }
    }
    units.push(start..roots.len());
    (roots, units)
}
