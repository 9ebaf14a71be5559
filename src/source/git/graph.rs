//! [`Graph`]: the commits of a repository in an order that every run agrees on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::id::{IdSet, ObjectId};
use super::raw::CommitHeader;

/// All commits, reachable or not. Their numbers follow their ids.
pub(super) struct Graph {
    ids: Vec<ObjectId>,
    trees: Vec<ObjectId>,
    times: Vec<i64>,
    /// Where the parents of each commit start in `parents`, and one more.
    starts: Vec<u32>,
    /// Those parents that are there.
    parents: Vec<u32>,
    /// Commits, by number, with a parent that is not in the object database, though no shallow clone left it out.
    missing: Vec<(u32, ObjectId)>,
}

/// One commit of a [`Graph`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
}

impl Graph {
    /// Builds the graph of commits given in any order.
    pub(super) fn new(mut headers: Vec<(ObjectId, CommitHeader)>, shallow: &IdSet) -> Self {
        headers.sort_unstable_by_key(|&(id, _)| id);
        headers.dedup_by_key(|(id, _)| *id);
        let count = headers.len();
        let mut graph = Self {
            ids: headers.iter().map(|&(id, _)| id).collect(),
            trees: Vec::with_capacity(count),
            times: Vec::with_capacity(count),
            starts: Vec::with_capacity(count + 1),
            parents: Vec::with_capacity(count),
            missing: Vec::new(),
        };
        graph.starts.push(0);
        for (own_number, (id, header)) in (0..).zip(headers) {
            for parent in header.parents {
                match graph.number(parent) {
                    Some(number) => graph.parents.push(number),
                    None if shallow.contains(&id) => {}
                    None => graph.missing.push((own_number, parent)),
                }
            }
            graph.trees.push(header.tree);
            graph.times.push(header.time);
            graph.starts.push(u32::try_from(graph.parents.len()).unwrap_or(u32::MAX));
        }
        graph
    }

    /// A commit by its number.
    pub(super) fn commit(&self, number: u32) -> Option<Commit> {
        let id = self.ids.get(number as usize)?;
        self.trees.get(number as usize).map(|&tree| Commit { id: *id, tree })
    }

    /// The number of a commit.
    pub(super) fn number(&self, id: ObjectId) -> Option<u32> {
        self.ids.binary_search(&id).ok().and_then(|number| u32::try_from(number).ok())
    }

    fn parents(&self, number: u32) -> &[u32] {
        let number = number as usize;
        let bounds = self.starts.get(number).zip(self.starts.get(number + 1));
        bounds.and_then(|(&start, &end)| self.parents.get(start as usize..end as usize)).unwrap_or_default()
    }

    /// The numbers of all commits.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }

    /// Whether each commit, by number, is among the tips or their ancestors.
    pub(super) fn reached_from(&self, tips: impl IntoIterator<Item = ObjectId>) -> Vec<bool> {
        let mut is_reached = vec![false; self.ids.len()];
        let mut open: Vec<u32> = tips.into_iter().filter_map(|tip| self.number(tip)).collect();
        while let Some(number) = open.pop() {
            let Some(flag) = is_reached.get_mut(number as usize) else { continue };
            if !std::mem::replace(flag, true) {
                open.extend(self.parents(number));
            }
        }
        is_reached
    }

    /// The missing parents of the commits that are marked as reached.
    pub(super) fn missing(&self, is_reached: &[bool]) -> IdSet {
        let is_reached = |number: u32| is_reached.get(number as usize).copied().unwrap_or(false);
        self.missing.iter().filter(|&&(number, _)| is_reached(number)).map(|&(_, parent)| parent).collect()
    }

    /// The trees of the commits that are marked as reached.
    pub(super) fn trees(&self, is_reached: &[bool]) -> Vec<ObjectId> {
        self.trees.iter().zip(is_reached).filter(|&(_, &is_reached)| is_reached).map(|(&tree, _)| tree).collect()
    }

    /// The numbers of all commits, parents before children; where that leaves a choice, by commit time and then by id. The
    /// first commit in this order to hold something is the one that introduced it.
    pub(super) fn order(&self) -> Vec<u32> {
        let children = Children::of(self);
        let mut waiting_for: Vec<usize> = self.numbers().map(|number| self.parents(number).len()).collect();
        // Numbers follow ids, so they break ties of time.
        let key = |number: u32| Reverse((self.times.get(number as usize).copied().unwrap_or(0), number));
        let mut ready: BinaryHeap<_> = self
            .numbers()
            .zip(&waiting_for)
            .filter(|&(_, &waiting)| waiting == 0)
            .map(|(number, _)| key(number))
            .collect();
        let mut order = Vec::with_capacity(self.ids.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            order.push(number);
            for &child in children.of_commit(number) {
                let Some(waiting) = waiting_for.get_mut(child as usize) else { continue };
                *waiting = waiting.saturating_sub(1);
                if *waiting == 0 {
                    ready.push(key(child));
                }
            }
        }
        order
    }

    /// For each tip, which of at most 64 commits it descends from or is: the bit of each commit is its place among them.
    /// `order` is that of [`Graph::order`].
    pub(super) fn descent(&self, order: &[u32], commits: &[u32], tips: &[Option<u32>]) -> Vec<u64> {
        let mut held = vec![0_u64; self.ids.len()];
        for (bit, &commit) in commits.iter().enumerate().take(64) {
            if let Some(held) = held.get_mut(commit as usize) {
                *held |= 1 << bit;
            }
        }
        let of = |held: &[u64], number: u32| held.get(number as usize).copied().unwrap_or(0);
        for &number in order {
            let inherited = self.parents(number).iter().fold(0, |all, &parent| all | of(&held, parent));
            if let Some(held) = held.get_mut(number as usize) {
                *held |= inherited;
            }
        }
        tips.iter().map(|tip| tip.map_or(0, |tip| of(&held, tip))).collect()
    }
}

/// The children of each commit.
struct Children {
    /// Where those of each commit start, and one more.
    starts: Vec<u32>,
    children: Vec<u32>,
}

impl Children {
    fn of(graph: &Graph) -> Self {
        let mut starts = vec![0_u32; graph.ids.len() + 1];
        for &parent in &graph.parents {
            if let Some(count) = starts.get_mut(parent as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut children = vec![0; graph.parents.len()];
        for number in graph.numbers() {
            for &parent in graph.parents(number) {
                let Some(next) = next.get_mut(parent as usize) else { continue };
                if let Some(place) = children.get_mut(*next as usize) {
                    *place = number;
                }
                *next += 1;
            }
        }
        Self { starts, children }
    }

    fn of_commit(&self, number: u32) -> &[u32] {
        let number = number as usize;
        let bounds = self.starts.get(number).zip(self.starts.get(number + 1));
        bounds.and_then(|(&start, &end)| self.children.get(start as usize..end as usize)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes(&[number; 20]).expect("20 bytes")
    }

    fn graph(commits: &[(u8, i64, &[u8])]) -> Graph {
        let header = |&(number, time, parents): &(u8, i64, &[u8])| {
            let parents = parents.iter().map(|&parent| id(parent)).collect();
            (id(number), CommitHeader { tree: id(0), parents, time })
        };
        Graph::new(commits.iter().map(header).collect(), &IdSet::default())
    }

    fn order(graph: &Graph) -> Vec<u8> {
        graph.order().iter().map(|&number| graph.commit(number).expect("there").id.as_bytes()[0]).collect()
    }

    #[test]
    fn parents_come_first_whatever_the_clocks_say() {
        // 9 <- 1 <- 2, and 3 beside them: the clock of 9 was ahead.
        let commits: [(u8, i64, &[u8]); 4] = [(2, 30, &[1]), (9, 100, &[]), (1, 20, &[9]), (3, 40, &[])];
        assert_eq!(order(&graph(&commits)), [3, 9, 1, 2]);
        let ties: [(u8, i64, &[u8]); 3] = [(7, 5, &[]), (3, 5, &[]), (5, 5, &[])];
        assert_eq!(order(&graph(&ties)), [3, 5, 7]);
    }

    #[test]
    fn commits_that_name_each_other_are_left_out_of_the_order() {
        // No hash can produce this, but a forged index of a pack can.
        assert_eq!(order(&graph(&[(1, 1, &[2]), (2, 2, &[1]), (3, 3, &[])])), [3]);
    }

    #[test]
    fn missing_parents_are_told_except_at_the_shallow_edge() {
        let incomplete = graph(&[(1, 1, &[8]), (2, 1, &[8]), (3, 1, &[9])]);
        assert_eq!(incomplete.missing(&[true, true, false]), IdSet::from_iter([id(8)]));
        let header = CommitHeader { tree: id(0), parents: vec![id(8)], time: 0 };
        let shallow = Graph::new(vec![(id(1), header)], &IdSet::from_iter([id(1)]));
        assert!(shallow.missing(&[true]).is_empty());
    }

    #[test]
    fn tips_know_what_they_descend_from() {
        let graph = graph(&[(1, 1, &[]), (2, 2, &[1]), (3, 3, &[1]), (4, 4, &[2, 3])]);
        let tips = [Some(0), Some(1), Some(2), Some(3), None];
        assert_eq!(graph.descent(&graph.order(), &[0, 2], &tips), [0b01, 0b01, 0b11, 0b11, 0]);
    }

    #[test]
    fn reachability_follows_parents() {
        let graph = graph(&[(1, 1, &[]), (2, 2, &[1]), (3, 3, &[1])]);
        assert_eq!(graph.reached_from([id(3), id(77)]), [true, false, true]);
    }
}
