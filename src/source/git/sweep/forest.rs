//! [`Forest`]: the families of objects that hold something wanted.
//!
//! For the sweep. Bases come before what is built from them, so that one pass back over the nodes hands up who has to be built. All of
//! it works on the headers alone.

use std::cmp::Reverse;
use std::ops::Range;

use super::survey::{NOBODY, Node, Survey, narrow};
use super::{Fault, Stock, Trouble};
use crate::source::git::id::ObjectKind;

/// Who is built from whom, without those that lead to nothing wanted.
pub(super) struct Forest {
    nodes: Vec<Node>,
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
    /// Whether any object is there twice.
    pub(super) has_copies: bool,
}

impl Forest {
    /// Reads the headers of all entries. `is_wanted` is told the number of an object, and its kind as far as that is known.
    pub(super) fn grow(stock: &Stock<'_>, is_wanted: impl Fn(u32, Option<ObjectKind>) -> bool) -> Self {
        let Survey { mut nodes, faults } = stock.survey().clone();
        let has_copies = choose(&mut nodes, stock.count, is_wanted);
        let troubles = tell(&nodes, faults);
        let descendants = hand_up(&nodes);
        let ((child_starts, children), (roots, units)) =
            rayon::join(|| link(&nodes, &descendants), || divide(&nodes, &descendants));
        Self { nodes, child_starts, children, descendants, roots, units, troubles, has_copies }
    }

    /// How many objects are wanted.
    pub(super) fn wanted(&self) -> u64 {
        self.nodes.iter().filter(|node| node.is_wanted).count() as u64
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
    pub(super) fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(index as usize)
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

/// Chooses the copy of each wanted object that is visited: the first that is not known to be broken. Tells whether there was
/// a choice.
fn choose(nodes: &mut [Node], count: u32, is_wanted: impl Fn(u32, Option<ObjectKind>) -> bool) -> bool {
    let mut chosen = vec![NOBODY; count as usize];
    let mut has_copies = false;
    let has_broken = nodes.iter().any(|node| node.is_broken);
    for is_broken in [false, true].into_iter().take(1 + usize::from(has_broken)) {
        for (node, index) in nodes.iter_mut().zip(0..).filter(|(node, _)| node.is_broken == is_broken) {
            let Some(chosen) = chosen.get_mut(node.number as usize) else { continue };
            if *chosen == NOBODY {
                *chosen = index;
                node.is_wanted = is_wanted(node.number, node.kind);
            } else {
                has_copies = true;
            }
        }
    }
    if has_copies {
        adopt(nodes, &chosen);
    }
    has_copies
}

/// Has everyone built from the chosen copy of its base, so that nothing is built twice, and what is known of the base is at hand.
/// Packs that were fetched bring copies of the bases that they need.
fn adopt(nodes: &mut [Node], chosen: &[u32]) {
    for index in 0..nodes.len() {
        let find = |index: u32| nodes.get(index as usize);
        let base = nodes.get(index).and_then(|node| find(node.base));
        let Some(copy) = base.and_then(|base| chosen.get(base.number as usize)).copied() else { continue };
        let is_like_it = find(copy).zip(base).is_some_and(|(copy, base)| copy.kind == base.kind && !copy.is_broken);
        // Where bases come first they go on to do so.
        if let (true, true, Some(node)) = (is_like_it, (copy as usize) < index, nodes.get_mut(index)) {
            node.base = copy;
        }
    }
}

/// What keeps wanted objects from being visited.
fn tell(nodes: &[Node], mut faults: Vec<(u32, Fault)>) -> Vec<Trouble> {
    faults.sort_unstable_by_key(|&(index, _)| index);
    let mut faults = faults.into_iter().peekable();
    let mut troubles = Vec::new();
    for (node, index) in nodes.iter().zip(0..).filter(|(node, _)| node.is_broken) {
        let mut own = None;
        while let Some((of, fault)) = faults.next_if(|&(of, _)| of <= index) {
            own = (of == index).then_some(fault);
        }
        if node.is_wanted {
            troubles.push(Trouble { number: node.number, fault: own.unwrap_or(Fault::BrokenBase) });
        }
    }
    troubles
}

/// Counts the descendants that have to be built.
fn hand_up(nodes: &[Node]) -> Vec<u32> {
    let mut descendants = vec![0; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        let below = descendants.get(index).copied().unwrap_or(0);
        if is_needed(node, below)
            && let Some(of_base) = descendants.get_mut(node.base as usize)
        {
            *of_base += below + 1;
        }
    }
    descendants
}

fn is_needed(node: &Node, descendants: u32) -> bool {
    descendants > 0 || node.is_wanted && !node.is_broken
}

/// Lists the children of everyone, one list behind the other.
fn link(nodes: &[Node], descendants: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let needed = || nodes.iter().zip(descendants).enumerate().filter(|(_, (node, below))| is_needed(node, **below));
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
fn divide(nodes: &[Node], descendants: &[u32]) -> (Vec<u32>, Vec<Range<usize>>) {
    // The size of versions of a file is much the same. A little more for each, since small objects cost something too.
    let weigh = |node: &Node, below: u32| node.size.saturating_add(512).saturating_mul(u64::from(below) + 1);
    let families = || {
        let numbered = nodes.iter().zip(descendants).zip(0_u32..);
        let roots = numbered.filter(|((node, below), _)| node.base == NOBODY && is_needed(node, **below));
        roots.map(|((node, &below), index)| (weigh(node, below), index))
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
