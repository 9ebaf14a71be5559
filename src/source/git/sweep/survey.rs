//! [`Survey`]: all entries of all packs as nodes, each with the node that it is built from.
//!
//! For the forest. Reads the headers of the entries, on all threads, and inflates nothing. Whatever the packs say, afterwards the
//! base of a node comes before the node: there are no circles.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::stock::PackEntries;
use super::{Fault, Stock};
use crate::source::git::id::ObjectKind;
use crate::source::git::pack::entry::{EntryContent, EntryHeader};
use crate::source::git::pack::inflate::{InflateError, is_possible};
use crate::spelling::hex;

/// Every copy of every object.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) nodes: Vec<Node>,
    /// The nodes that are built from none.
    pub(super) roots: Vec<u32>,
    /// Whether any object is there twice.
    pub(super) has_copies: bool,
    /// What is wrong with broken nodes, in their order.
    pub(super) faults: Vec<(u32, Fault)>,
}

/// An entry of a pack, or a loose object.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// Where the entry starts in its pack.
    pub(super) offset: u64,
    /// How many bytes it inflates to, as it claims.
    pub(super) size: u64,
    /// The node that it is built from, or [`NOBODY`].
    pub(super) base: u32,
    /// The number of the object.
    pub(super) number: u32,
    /// The number of the pack, or [`LOOSE`].
    pub(super) pack: u32,
    /// How many bytes of header stand before the zlib stream.
    pub(super) header_length: u8,
    /// What the object is, as far as the headers tell.
    pub(super) kind: Option<ObjectKind>,
    /// Whether it cannot be read.
    pub(super) is_broken: bool,
    /// Whether no other copy of the object was chosen to be visited.
    pub(super) is_chosen: bool,
}

/// In place of a node: a whole object is built from none.
pub(super) const NOBODY: u32 = u32::MAX;
/// In place of a node: the base is known by its id, and yet to be found.
const BY_ID: u32 = u32::MAX - 1;
/// In place of a pack.
pub(super) const LOOSE: u32 = u32::MAX;

impl Survey {
    /// Reads the headers.
    pub(super) fn make(stock: &Stock<'_>) -> Self {
        let mut packs: Vec<_> = (0..).zip(&stock.packs).collect();
        // Of several copies the first is visited. Those in the largest pack have most of their relatives beside them.
        packs.sort_by_key(|(_, pack)| Reverse(pack.entries.len()));
        let entries: usize = packs.iter().map(|(_, pack)| pack.entries.len()).sum();
        let mut survey = Self::default();
        survey.nodes.reserve_exact(entries + stock.loose.len());
        for (number, pack) in packs {
            survey.add(number, pack);
        }
        survey.nodes.extend(stock.loose.iter().map(|&number| Node::new(number, LOOSE, 0)));
        survey.find_bases_by_id(stock);
        let mut numbered = survey.nodes.iter().zip(0..);
        if numbered.any(|(node, index)| node.base != NOBODY && node.base >= index) {
            survey.put_bases_first();
        }
        survey.hand_down();
        survey.choose(stock.count);
        survey.faults.sort_unstable_by_key(|&(index, _)| index);
        let roots = survey.nodes.iter().zip(0..).filter(|(node, _)| node.base == NOBODY).map(|(_, index)| index);
        survey.roots = roots.collect();
        survey
    }

    /// Gives everyone the kind of its base, and its faults.
    fn hand_down(&mut self) {
        let nodes = &mut self.nodes;
        for index in 0..nodes.len() {
            let base = nodes.get(index).and_then(|node| nodes.get(node.base as usize)).copied();
            if let (Some(base), Some(node)) = (base, nodes.get_mut(index)) {
                node.kind = base.kind;
                node.is_broken |= base.is_broken;
            }
        }
    }

    /// Chooses the copy of each object that is visited: the first that is not known to be broken.
    fn choose(&mut self, count: u32) {
        let mut is_seen = vec![false; count as usize];
        self.has_copies = self
            .nodes
            .iter()
            .any(|node| is_seen.get_mut(node.number as usize).is_some_and(|is_seen| std::mem::replace(is_seen, true)));
        if !self.has_copies {
            return;
        }
        let mut chosen = vec![NOBODY; count as usize];
        for is_broken in [false, true] {
            for (node, index) in self.nodes.iter_mut().zip(0..).filter(|(node, _)| node.is_broken == is_broken) {
                let chosen = chosen.get_mut(node.number as usize);
                node.is_chosen = chosen.as_ref().is_some_and(|chosen| **chosen == NOBODY);
                if let (true, Some(chosen)) = (node.is_chosen, chosen) {
                    *chosen = index;
                }
            }
        }
        self.adopt(&chosen);
    }

    /// Has everyone built from the chosen copy of its base, so that nothing is built twice, and what is known of the base is at hand.
    /// Packs that were fetched bring copies of the bases that they need.
    fn adopt(&mut self, chosen: &[u32]) {
        let nodes = &mut self.nodes;
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

    fn add(&mut self, number: u32, pack: &PackEntries<'_>) {
        let first = self.nodes.len();
        let read = |index| {
            let (offset, object) = pack.entries.get(index).copied().unwrap_or_default();
            let broken = Node { is_broken: true, ..Node::new(object, number, offset) };
            Node::read(number, pack, index, first).unwrap_or(broken)
        };
        self.nodes.par_extend((0..pack.entries.len()).into_par_iter().with_min_len(1024).map(read));
        // What is wrong with the broken ones is read again, so that the threads share nothing but the nodes.
        for (index, _) in self.nodes.iter().enumerate().skip(first).filter(|(_, node)| node.is_broken) {
            if let Err(fault) = Node::read(number, pack, index - first, first) {
                self.faults.push((narrow(index), fault));
            }
        }
    }

    /// Finds the bases that are given by id: in the same pack, where honest packs have them, or anywhere else.
    fn find_bases_by_id(&mut self, stock: &Stock<'_>) {
        if !self.nodes.iter().any(|node| node.base == BY_ID) {
            return;
        }
        // All copies of all objects, to be found by number, and by pack for each number.
        let copy = |(node, index): (&Node, u32)| (node.number, node.pack, index);
        let mut copies: Vec<(u32, u32, u32)> = self.nodes.iter().zip(0..).map(copy).collect();
        copies.par_sort_unstable();
        let first_from = |number: u32, pack: u32| {
            let place = copies.partition_point(|&copy| copy < (number, pack, 0));
            copies.get(place).filter(|copy| copy.0 == number)
        };
        let find = |node: &Node| {
            let pack = stock.packs.get(node.pack as usize)?;
            let header = EntryHeader::read(pack.bytes, node.offset, pack.hash_length).ok()?;
            let EntryContent::IdDelta(id) = header.content else { return None };
            let number = stock.objects.number(id);
            let beside = |number| first_from(number, node.pack).filter(|copy| copy.1 == node.pack);
            let found = number.and_then(|number| beside(number).or_else(|| first_from(number, 0)));
            Some(found.map(|copy| copy.2).ok_or(id))
        };
        let open = self.nodes.par_iter_mut().enumerate().filter(|(_, node)| node.base == BY_ID);
        let missing = open.filter_map(|(index, node)| match find(node) {
            Some(Ok(base)) => {
                node.base = base;
                None
            }
            not_found => {
                node.base = NOBODY;
                node.is_broken = true;
                let id = not_found.and_then(Result::err).unwrap_or_default();
                Some((narrow(index), Fault::MissingBase(hex(id))))
            }
        });
        self.faults.par_extend(missing);
    }

    /// Sorts each family together, its bases first. What belongs to no family is built from itself.
    fn put_bases_first(&mut self) {
        let count = self.nodes.len();
        let mut children: Vec<(u32, u32)> = self
            .nodes
            .iter()
            .zip(0..)
            .filter(|(node, _)| node.base != NOBODY)
            .map(|(node, index)| (node.base, index))
            .collect();
        children.par_sort_unstable();
        let mut order: Vec<u32> = Vec::with_capacity(count);
        let mut places = vec![NOBODY; count];
        let mut open = Vec::new();
        let mut visit = |root: u32| {
            open.push(root);
            while let Some(index) = open.pop() {
                if let Some(place) = places.get_mut(index as usize) {
                    *place = narrow(order.len());
                    order.push(index);
                }
                let first = children.partition_point(|&(base, _)| base < index);
                let own = children.iter().skip(first).take_while(|&&(base, _)| base == index);
                open.extend(own.map(|&(_, child)| child));
            }
        };
        for (node, index) in self.nodes.iter().zip(0..) {
            if node.base == NOBODY {
                visit(index);
            }
        }
        let lost: Vec<u32> =
            places.iter().zip(0..).filter(|&(&place, _)| place == NOBODY).map(|(_, index)| index).collect();
        for &index in &lost {
            if let Some(node) = self.nodes.get_mut(index as usize) {
                node.base = NOBODY;
                node.is_broken = true;
            }
            self.faults.push((index, Fault::Circle));
        }
        for index in lost {
            if let Some(place) = places.get_mut(index as usize) {
                *place = narrow(order.len());
            }
            order.push(index);
        }
        let place = |index: u32| places.get(index as usize).copied().unwrap_or(NOBODY);
        let move_one = |&index: &u32| {
            let node = self.nodes.get(index as usize)?;
            Some(Node { base: place(node.base), ..*node })
        };
        self.nodes = order.iter().filter_map(move_one).collect();
        for (index, _) in &mut self.faults {
            *index = place(*index);
        }
    }
}

impl Node {
    /// A node of which nothing is known yet.
    pub(super) fn new(number: u32, pack: u32, offset: u64) -> Self {
        let (base, header_length, kind) = (NOBODY, 0, None);
        Self { offset, size: 0, base, number, pack, header_length, kind, is_broken: false, is_chosen: true }
    }

    /// Reads the header of an entry. `first` is the node of the first entry of the pack.
    fn read(number: u32, pack: &PackEntries<'_>, index: usize, first: usize) -> Result<Self, Fault> {
        let (offset, object) = pack.entries.get(index).copied().unwrap_or_default();
        let before = index.checked_sub(1).and_then(|before| pack.entries.get(before));
        if before.is_some_and(|&(start, _)| start == offset) {
            return Err(Fault::SharedEntry);
        }
        let header = EntryHeader::read(pack.bytes, offset, pack.hash_length)?;
        let next = pack.entries.get(index + 1).map(|&(start, _)| start).filter(|&start| start != offset);
        let end = next.unwrap_or(pack.bytes.len() as u64);
        if !is_possible(end.saturating_sub(header.data), header.size) {
            return Err(InflateError::ImpossibleSize(header.size).into());
        }
        let (base, kind) = match header.content {
            EntryContent::Whole(kind) => (NOBODY, Some(kind)),
            EntryContent::IdDelta(_) => (BY_ID, None),
            EntryContent::OffsetDelta(base) => match position(&pack.entries, index, base) {
                Some(position) => (narrow(first + position), None),
                None => return Err(Fault::BaseAtNoEntry(base)),
            },
        };
        // At most ten bytes of size and an id.
        let header_length = u8::try_from(header.data - offset).unwrap_or_default();
        Ok(Self { size: header.size, base, header_length, kind, ..Self::new(object, number, offset) })
    }
}

/// Where the entry with this offset stands among those before `index`. Most bases stand close to what is built from them.
fn position(entries: &[(u64, u32)], index: usize, offset: u64) -> Option<usize> {
    let mut distance = 1;
    let mut start = index;
    while start > 0 && entries.get(start).is_some_and(|&(other, _)| other > offset) {
        start = index.saturating_sub(distance);
        distance *= 2;
    }
    let near = entries.get(start..index)?;
    let position = start + near.partition_point(|&(other, _)| other < offset);
    entries.get(position).filter(|&&(found, _)| found == offset).map(|_| position)
}

/// Nodes have 32 bytes, of which memory does not hold 2^32.
pub(super) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(NOBODY)
}
