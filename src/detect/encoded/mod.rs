//! Text within encodings: base64, hexadecimal, gzip in base64, UTF-16.
//!
//! An encoding hides the anchors of all rules, so it is looked for by what the commonest of them become in it. Around such an
//! anchor a bounded piece is decoded and searched as any other bytes, encodings within it too, and what is found is told with the
//! place of the encoded text that holds it.

mod anchors;
mod run;
mod utf16;

use std::io::Read as _;
use std::ops::Range;

use super::prefilter::Hit;
use super::{Candidate, Detector, Refusal};

pub(super) use anchors::{Coding, anchors};
pub(super) use utf16::Narrowed;

/// Encodings within encodings are followed so far.
const DEEPEST: usize = 4;

/// No more than this is inflated from one piece of text.
const LARGEST_INFLATED: u64 = 8 * 1024 * 1024;

/// How far around an anchor the text that it decides about may stand.
pub(super) const REACH: usize = run::LONGEST;

/// Whether enough of the same encoding stands around an anchor, as the nearest bytes tell.
pub(super) fn is_among_its_like(bytes: &[u8], anchor: Range<usize>, coding: Coding) -> bool {
    run::is_among_its_like(bytes, anchor, coding)
}

impl Detector {
    /// What stands within encodings around the anchors.
    pub(super) fn find_encoded(
        &self,
        bytes: &[u8],
        hits: &[Hit],
        coding: Coding,
        depth: usize,
        decoded: &mut Vec<Range<usize>>,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        if depth >= DEEPEST {
            return candidates;
        }
        for hit in hits {
            // What has been decoded around another anchor need not be decoded again, but for its ends.
            if decoded.iter().rev().take(4).any(|done| done.start <= hit.start && hit.start < done.end) {
                continue;
            }
            let Some(run) = run::around(bytes, hit.start..hit.end, coding) else { continue };
            decoded.push(run.covered());
            let (text, is_inflated) = match inflated(&run.text) {
                Some(text) => (text, true),
                None => (run.text.clone(), false),
            };
            for mut candidate in self.find_in(&text, depth + 1, &mut |_| {}) {
                candidate.span = if is_inflated { run.whole() } else { run.place_of(&candidate.span) };
                // Lines within an encoding are none of the file.
                candidate.companions.iter_mut().for_each(|companion| companion.line = 0);
                candidates.push(candidate);
            }
        }
        candidates
    }

    /// Every candidate in bytes that stand in other bytes at that depth.
    pub(super) fn find_in(&self, bytes: &[u8], depth: usize, refuse: &mut dyn FnMut(Refusal)) -> Vec<Candidate> {
        if let Some(narrowed) = Narrowed::of(bytes) {
            let mut candidates = self.find_in(&narrowed.text, depth, refuse);
            for candidate in &mut candidates {
                candidate.span = narrowed.place_of(&candidate.span);
            }
            return candidates;
        }
        let sightings = self.sightings(bytes);
        let is_crowded = self.is_crowded(bytes, &sightings);
        self.find(bytes, self.prefilter.hits(bytes), is_crowded, depth, refuse)
    }
}

/// What a gzip stream (RFC 1952) holds. `None` if it is none.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b, 8]) {
        return None;
    }
    let mut text = Vec::new();
    // A piece that was cut off inflates as far as it goes.
    let read = flate2::read::GzDecoder::new(bytes).take(LARGEST_INFLATED).read_to_end(&mut text);
    (read.is_ok() || !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
