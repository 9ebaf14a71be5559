//! The search for anchors: what is built once for a set of them.

use std::ops::Range;

use super::Sighting;
use super::candidates::Candidates;
use super::dictionary::Dictionary;
use super::simd::{Engine, Sieve};
use super::window::Window;

/// Searches bytes for many literals at once, as the first stage of detection does.
pub struct AnchorSearch {
    sieve: Sieve,
    dictionary: Dictionary,
}

impl AnchorSearch {
    /// A search for anchors in lower case, each with the spellings that are wanted of it (any, if there are none). Sightings name
    /// them by their place in `anchors`. Those of fewer than three bytes, which no rule may have, are not found.
    pub fn new(anchors: &[Vec<u8>], spellings: impl Fn(u16) -> Vec<Box<[u8]>>) -> Self {
        Self::with(Engine::fastest(), anchors, spellings)
    }

    /// A search in a way that may not be the fastest.
    pub(super) fn with(engine: Engine, anchors: &[Vec<u8>], spellings: impl Fn(u16) -> Vec<Box<[u8]>>) -> Self {
        let windows = Window::of_all(anchors);
        Self { sieve: Sieve::new(engine, &windows), dictionary: Dictionary::new(&windows, anchors, spellings) }
    }

    /// Adds every anchor that lies wholly inside `zone`, ascending. Nothing is found beyond the first four gigabytes.
    pub fn scan(&self, bytes: &[u8], zone: Range<usize>, sightings: &mut Vec<Sighting>) {
        let end = zone.end.min(bytes.len()).min(u32::MAX as usize);
        if zone.start < end {
            let mut candidates = Candidates::new(&self.dictionary, bytes, zone.start..end, sightings);
            self.sieve.collect(&mut candidates);
        }
    }
}
