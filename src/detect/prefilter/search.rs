//! The search for anchors: what is built once for a set of them.

use std::ops::Range;

use super::Sighting;
use super::bloom::Bloom;
use super::candidates::Candidates;
use super::dictionary::Dictionary;
use super::simd::Engine;
use super::window::Window;

/// Searches for anchors.
pub(super) struct Search {
    engine: Engine,
    bloom: Bloom,
    dictionary: Dictionary,
}

impl Search {
    /// A search for anchors in lower case, each with the spellings that are wanted of it (any, if there are none). Those of fewer
    /// than three bytes, which no rule may have, are not found.
    pub(super) fn new(anchors: &[Vec<u8>], spellings: impl Fn(u16) -> Vec<Box<[u8]>>) -> Self {
        let windows: Vec<Window> = (0..).zip(anchors).filter_map(|(anchor, text)| Window::of(anchor, text)).collect();
        let engine = Engine::all().first().copied().unwrap_or(Engine::Scalar);
        Self { engine, bloom: Bloom::new(&windows), dictionary: Dictionary::new(&windows, anchors, spellings) }
    }

    /// Adds every anchor that lies wholly inside `zone`, ascending. Nothing is found beyond the first four gigabytes.
    pub(super) fn scan(&self, bytes: &[u8], zone: Range<usize>, sightings: &mut Vec<Sighting>) {
        self.scan_with(self.engine, bytes, zone, sightings);
    }

    pub(super) fn scan_with(
        &self,
        engine: Engine,
        bytes: &[u8],
        zone: Range<usize>,
        sightings: &mut Vec<Sighting>,
    ) -> usize {
        let end = zone.end.min(bytes.len()).min(u32::MAX as usize);
        if zone.start >= end {
            return 0;
        }
        let mut candidates = Candidates::new(&self.dictionary, bytes, zone.start..end, sightings);
        engine.collect(&self.bloom, &mut candidates);
        candidates.seen
    }
}
