//! Where anchors may be: the places that a filter lets through, collected before they are looked at.
//!
//! Looking at each place as soon as it is found would cost a mispredicted branch for most of them.

use std::ops::Range;

use super::Sighting;
use super::bloom::Bloom;
use super::dictionary::Dictionary;
use super::window::WIDTH;

/// How many places are collected.
const CAPACITY: usize = 192;

/// How many places a filter may add at once.
pub(super) const BURST: usize = 64;

/// Collects places in a zone, and tells the anchors that stand at them.
pub(super) struct Candidates<'a> {
    dictionary: &'a Dictionary,
    /// The bytes that are searched.
    pub(super) bytes: &'a [u8],
    /// Where in the bytes anchors are looked for.
    pub(super) zone: Range<usize>,
    sightings: &'a mut Vec<Sighting>,
    /// The sightings before this one are not of this search.
    first: usize,
    places: [u32; CAPACITY],
    count: usize,
    /// How many places have been looked at.
    pub(super) seen: usize,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(
        dictionary: &'a Dictionary,
        bytes: &'a [u8],
        zone: Range<usize>,
        sightings: &'a mut Vec<Sighting>,
    ) -> Self {
        let first = sightings.len();
        Self { dictionary, bytes, zone, sightings, first, places: [0; CAPACITY], count: 0, seen: 0 }
    }

    /// Makes room for [`BURST`] places.
    #[inline]
    pub(super) fn make_room(&mut self) {
        if self.count > CAPACITY - BURST {
            self.look_at_all();
        }
    }

    /// Room for places, of which the first are used when [`Candidates::add`] says how many.
    #[inline]
    pub(super) fn room(&mut self) -> Option<&mut [u32; BURST]> {
        self.places.get_mut(self.count..)?.first_chunk_mut()
    }

    /// Keeps what has been written to the room.
    #[inline]
    pub(super) fn add(&mut self, count: usize) {
        self.count += count;
    }

    /// Adds the places whose bit is set, the lowest for `base`.
    #[inline]
    pub(super) fn add_mask(&mut self, base: u32, mut mask: u64) {
        if mask == 0 {
            return;
        }
        self.make_room();
        let Some(room) = self.room() else { return };
        let mut count = 0;
        for place in room {
            if mask == 0 {
                break;
            }
            *place = base + mask.trailing_zeros();
            mask &= mask - 1;
            count += 1;
        }
        self.add(count);
    }

    /// Adds one place.
    #[inline]
    pub(super) fn add_one(&mut self, place: u32, is_candidate: bool) {
        self.make_room();
        if let Some(room) = self.room() {
            room[0] = place;
            self.add(usize::from(is_candidate));
        }
    }

    /// Looks at all places that have been collected.
    #[inline(never)]
    pub(super) fn look_at_all(&mut self) {
        let mut known = 0;
        let count = self.count;
        for index in 0..count {
            let place = self.places[index];
            self.places[known] = place;
            known += usize::from(self.dictionary.may_know(self.bytes, place as usize));
        }
        for place in self.places.iter().take(known) {
            let (sightings, first) = (&mut *self.sightings, self.first);
            let mut tell = |sighting| insert(sightings, first, sighting);
            self.dictionary.look_up(self.bytes, &self.zone, *place as usize, &mut tell);
        }
        self.seen += count;
        self.count = 0;
    }

    /// Looks at each place whose bit is set, the lowest for `base`: for so few that collecting them would not pay.
    #[inline]
    pub(super) fn look_at(&mut self, base: usize, mut mask: u64) {
        while mask != 0 {
            let place = base + mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if self.dictionary.may_know(self.bytes, place) {
                let (sightings, first) = (&mut *self.sightings, self.first);
                self.dictionary
                    .look_up(self.bytes, &self.zone, place, &mut |sighting| insert(sightings, first, sighting));
            }
        }
    }
}

/// Puts a sighting where it belongs. Few come out of order, and not by far: windows are found ascending, and stand somewhere in
/// their anchors.
fn insert(sightings: &mut Vec<Sighting>, first: usize, sighting: Sighting) {
    let mut index = sightings.len();
    while index > first && sightings.get(index - 1).is_some_and(|before| *before > sighting) {
        index -= 1;
    }
    sightings.insert(index, sighting);
}

/// Every place in the zone that the filter lets through, byte by byte: what all other searches are tested against, and what a
/// processor without vectors does.
pub(super) fn collect(bloom: &Bloom, candidates: &mut Candidates<'_>) {
    let bytes = candidates.bytes;
    let zone = candidates.zone.clone();
    let mut window = bytes.get(zone.start..).map(padded).unwrap_or_default();
    for place in zone {
        candidates.add_one(place as u32, bloom.knows(window));
        let [_, second, third, fourth] = window;
        window = [second, third, fourth, bytes.get(place + WIDTH).copied().unwrap_or(0)];
    }
    candidates.look_at_all();
}

fn padded(bytes: &[u8]) -> [u8; WIDTH] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or(0))
}
