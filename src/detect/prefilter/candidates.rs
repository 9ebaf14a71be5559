//! Where anchors may be: the places that a filter lets through, collected before they are looked at.
//!
//! Looking at each place as soon as it is found would cost a mispredicted branch for most of them.

use std::ops::Range;

use super::Sighting;
use super::dictionary::{Dictionary, window_at};
use super::window::WIDTH;

/// How many places are collected.
pub(super) const CAPACITY: usize = 192;

/// How many places a filter may add at once.
pub(super) const BURST: usize = 64;

/// How many of them mostly are as many as there are at most.
const FEW: usize = 4;

/// Looks at places in a zone, and tells the anchors that stand at them.
pub(super) struct Candidates<'a> {
    dictionary: &'a Dictionary,
    /// The bytes that are searched.
    pub(super) bytes: &'a [u8],
    /// Where in the bytes anchors are looked for.
    pub(super) zone: Range<usize>,
    sightings: &'a mut Vec<Sighting>,
    /// The sightings before this one are not of this search.
    first: usize,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        dictionary: &'a Dictionary,
        bytes: &'a [u8],
        zone: Range<usize>,
        sightings: &'a mut Vec<Sighting>,
    ) -> Self {
        let first = sightings.len();
        Self { dictionary, bytes, zone, sightings, first }
    }

    /// Looks at one place.
    #[inline]
    fn look_up(&mut self, place: usize) {
        let (sightings, first) = (&mut *self.sightings, self.first);
        let mut tell = |sighting| insert(sightings, first, sighting);
        self.dictionary.look_up(self.bytes, &self.zone, place, &mut tell);
    }

    /// Looks at each place whose bit is set, the lowest for `base`: for so few that collecting them would not pay.
    #[inline]
    pub(super) fn look_at(&mut self, base: usize, mut mask: u64) {
        while mask != 0 {
            let place = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if self.dictionary.map.knows(self.bytes, place) && self.dictionary.is_likely(self.bytes, place) {
                self.look_up(place);
            }
        }
    }
}

/// Places that are still to be looked at, ascending.
///
/// Aligned, so that the stack of a search is, where tables stand that the registers have no room for.
#[repr(align(64))]
pub(super) struct Places {
    found: [u32; CAPACITY],
    count: usize,
    sift: Sift,
}

/// Leaves of the first so many places those where an anchor is likely, and tells how many these are.
pub(super) type Sift = fn(&Dictionary, &[u8], &mut [u32; CAPACITY], usize) -> usize;

/// The definition of a [`Sift`].
pub(super) fn sift(dictionary: &Dictionary, bytes: &[u8], places: &mut [u32; CAPACITY], count: usize) -> usize {
    let known = retain(places, count, |place| dictionary.map.knows(bytes, place));
    retain(places, known, |place| dictionary.is_likely(bytes, place))
}

/// Without a branch: what is not kept is overwritten by the next.
fn retain(places: &mut [u32; CAPACITY], count: usize, is_kept: impl Fn(usize) -> bool) -> usize {
    let mut kept = 0;
    for index in 0..count.min(CAPACITY) {
        let place = places[index];
        places[kept.min(index)] = place;
        kept += usize::from(is_kept(place as usize));
    }
    kept
}

impl Places {
    pub(super) fn new(sift: Sift) -> Self {
        Self { found: [0; CAPACITY], count: 0, sift }
    }

    /// Makes room for [`BURST`] places: looks at all that there are if there is none.
    #[inline]
    pub(super) fn room(&mut self, candidates: &mut Candidates<'_>) -> Option<&mut [u32; BURST]> {
        if self.count > CAPACITY - BURST {
            self.look_at_all(candidates);
        }
        self.found.get_mut(self.count..)?.first_chunk_mut()
    }

    /// Keeps what has been written to the beginning of the room.
    #[inline]
    pub(super) fn keep(&mut self, count: usize) {
        self.count += count;
    }

    /// Adds the places whose bit is set, the lowest for `base`, without a branch on how many there are up to [`FEW`].
    #[inline]
    pub(super) fn add(&mut self, candidates: &mut Candidates<'_>, base: usize, mut mask: u64) {
        let Some(room) = self.room(candidates) else { return };
        let count = mask.count_ones() as usize;
        let base = place_of(base);
        let (few, rest) = room.split_at_mut(FEW);
        let mut write = |place: &mut u32| {
            // Beyond the last this is no place, and not kept.
            *place = base.wrapping_add(mask.trailing_zeros());
            mask &= mask.wrapping_sub(1);
        };
        few.iter_mut().for_each(&mut write);
        if count > FEW {
            rest.iter_mut().take(count - FEW).for_each(write);
        }
        self.keep(count);
    }

    /// Looks at all places.
    #[inline(never)]
    pub(super) fn look_at_all(&mut self, candidates: &mut Candidates<'_>) {
        let likely = (self.sift)(candidates.dictionary, candidates.bytes, &mut self.found, self.count);
        for place in self.found.iter().take(likely) {
            candidates.look_up(*place as usize);
        }
        self.count = 0;
    }
}

/// A place in the form in which it is kept. A search ends where that is too small.
#[inline]
pub(super) fn place_of(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Puts a sighting where it belongs. Few come out of order, and not by far: windows are found ascending, and stand somewhere in
/// their anchors.
fn insert(sightings: &mut Vec<Sighting>, first: usize, sighting: Sighting) {
    let mut index = sightings.len();
    while index > first && sightings.get(index - 1).is_some_and(|before| *before > sighting) {
        index -= 1;
    }
    if index == sightings.len() {
        sightings.push(sighting);
    } else {
        sightings.insert(index, sighting);
    }
}

/// Every place in the zone that a filter lets through, byte by byte: what all other searches are tested against.
pub(super) fn collect(knows: impl Fn([u8; WIDTH]) -> bool, candidates: &mut Candidates<'_>) {
    let bytes = candidates.bytes;
    let zone = candidates.zone.clone();
    let mut window = window_at(bytes, zone.start).to_le_bytes();
    for place in zone {
        if knows(window) {
            candidates.look_at(place, 1);
        }
        let [_, second, third, fourth] = window;
        window = [second, third, fourth, bytes.get(place + WIDTH).copied().unwrap_or(0)];
    }
}
