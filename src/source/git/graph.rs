//! [`Graph`]: the commits of a repository in an order that every run agrees on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use git2::Oid;

use super::objects::{OidMap, OidSet};
use super::raw::CommitHeader;

/// All commits, reachable or not.
pub(super) struct Graph {
    commits: Vec<Commit>,
    index: OidMap<u32>,
    /// Commits, by number, with a parent that is not in the object database, though no shallow clone left it out.
    missing: Vec<(u32, Oid)>,
}

/// One commit of a [`Graph`].
pub(super) struct Commit {
    pub(super) id: Oid,
    pub(super) tree: Oid,
    time: i64,
    parents: Vec<u32>,
}

impl Graph {
    /// Builds the graph of commits given in any order.
    pub(super) fn new(mut headers: Vec<(Oid, CommitHeader)>, shallow: &OidSet) -> Self {
        headers.sort_unstable_by_key(|&(id, _)| id);
        headers.dedup_by_key(|(id, _)| *id);
        let index: OidMap<u32> = (0..).zip(&headers).map(|(number, (id, _))| (*id, number)).collect();
        let mut missing = Vec::new();
        let mut commits = Vec::with_capacity(headers.len());
        for (own_number, (id, header)) in (0..).zip(headers) {
            let mut parents = Vec::with_capacity(header.parents.len());
            for parent in header.parents {
                match index.get(&parent) {
                    Some(&number) => parents.push(number),
                    None if shallow.contains(&id) => {}
                    None => missing.push((own_number, parent)),
                }
            }
            commits.push(Commit { id, tree: header.tree, time: header.time, parents });
        }
        Self { commits, index, missing }
    }

    /// A commit by its number.
    pub(super) fn commit(&self, number: u32) -> Option<&Commit> {
        self.commits.get(number as usize)
    }

    /// The number of a commit.
    pub(super) fn number(&self, id: Oid) -> Option<u32> {
        self.index.get(&id).copied()
    }

    /// Whether each commit, by number, is among the tips or their ancestors.
    pub(super) fn reached_from(&self, tips: impl IntoIterator<Item = Oid>) -> Vec<bool> {
        let mut is_reached = vec![false; self.commits.len()];
        let mut open: Vec<u32> = tips.into_iter().filter_map(|tip| self.number(tip)).collect();
        while let Some(number) = open.pop() {
            let Some(flag) = is_reached.get_mut(number as usize) else { continue };
            if !std::mem::replace(flag, true) {
                open.extend(self.commit(number).map_or(&[][..], |commit| &commit.parents));
            }
        }
        is_reached
    }

    /// The missing parents of the commits that are marked as reached.
    pub(super) fn missing(&self, is_reached: &[bool]) -> OidSet {
        let is_reached = |number: u32| is_reached.get(number as usize).copied().unwrap_or(false);
        self.missing.iter().filter(|&&(number, _)| is_reached(number)).map(|&(_, parent)| parent).collect()
    }

    /// The trees of the commits that are marked as reached.
    pub(super) fn trees(&self, is_reached: &[bool]) -> Vec<Oid> {
        self.commits
            .iter()
            .zip(is_reached)
            .filter(|&(_, &is_reached)| is_reached)
            .map(|(commit, _)| commit.tree)
            .collect()
    }

    /// The numbers of all commits, parents before children; where that leaves a choice, by commit time and then by id. The
    /// first commit in this order to hold something is the one that introduced it.
    pub(super) fn order(&self) -> Vec<u32> {
        let mut children = vec![Vec::new(); self.commits.len()];
        let mut waiting_for = vec![0_usize; self.commits.len()];
        for ((number, commit), waiting) in (0_u32..).zip(&self.commits).zip(&mut waiting_for) {
            *waiting = commit.parents.len();
            for &parent in &commit.parents {
                if let Some(children) = children.get_mut(parent as usize) {
                    children.push(number);
                }
            }
        }
        // Numbers follow ids, so they break ties of time.
        let key = |number: u32| Reverse((self.commit(number).map_or(0, |commit| commit.time), number));
        let mut ready: BinaryHeap<_> =
            (0_u32..).zip(&waiting_for).filter(|&(_, &waiting)| waiting == 0).map(|(number, _)| key(number)).collect();
        let mut order = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((_, number))) = ready.pop() {
            order.push(number);
            for &child in children.get(number as usize).map_or(&[][..], Vec::as_slice) {
                let Some(waiting) = waiting_for.get_mut(child as usize) else { continue };
                *waiting = waiting.saturating_sub(1);
                if *waiting == 0 {
                    ready.push(key(child));
                }
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).expect("20 bytes")
    }

    fn graph(commits: &[(u8, i64, &[u8])]) -> Graph {
        let header = |&(number, time, parents): &(u8, i64, &[u8])| {
            let parents = parents.iter().map(|&parent| id(parent)).collect();
            (id(number), CommitHeader { tree: id(0), parents, time })
        };
        Graph::new(commits.iter().map(header).collect(), &OidSet::default())
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
        assert_eq!(incomplete.missing(&[true, true, false]), OidSet::from_iter([id(8)]));
        let header = CommitHeader { tree: id(0), parents: vec![id(8)], time: 0 };
        let shallow = Graph::new(vec![(id(1), header)], &OidSet::from_iter([id(1)]));
        assert!(shallow.missing(&[true]).is_empty());
    }

    #[test]
    fn reachability_follows_parents() {
        let graph = graph(&[(1, 1, &[]), (2, 2, &[1]), (3, 3, &[1])]);
        assert_eq!(graph.reached_from([id(3), id(77)]), [true, false, true]);
    }
}
