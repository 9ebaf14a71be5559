//! What may stand beside a window: two bytes on each side of it, which mostly tell whether it is that of an anchor.

use super::window::{WIDTH, hash};

/// Bits of the hash of a window that what may stand beside it is found by.
pub(super) const BUCKET_BITS: u32 = 12;

/// How many bytes on each side are looked at.
pub(super) const BESIDE: usize = 2;

/// How many on both.
pub(super) const BOTH: usize = 2 * BESIDE;

/// The bits of a byte by which it is told: without those that tell the case of letters.
pub(super) const TOLD_BY: u8 = 31;

/// For each hash of a window and each place beside it a bit for each byte that may stand there.
pub(super) struct Neighbours(Box<[[u32; BOTH]]>);

impl Neighbours {
    /// Nothing may stand beside any window.
    pub(super) fn new() -> Self {
        Self(vec![[0; BOTH]; 1 << BUCKET_BITS].into())
    }

    /// What may stand at each place, for one hash of [`BUCKET_BITS`] bits after the other.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only AVX-512 gathers from it"))]
    pub(super) fn as_flattened(&self) -> &[u32] {
        self.0.as_flattened()
    }

    /// Allows what stands in an anchor beside the window at `offset`, and anything outside of it.
    pub(super) fn allow(&mut self, window: u32, anchor: &[u8], offset: usize) {
        let Some(allowed) = self.0.get_mut(hash(window, BUCKET_BITS)) else { return };
        for (allowed, place) in allowed.iter_mut().zip(beside(offset)) {
            *allowed |= place.and_then(|place| anchor.get(place)).map_or(u32::MAX, |byte| 1 << (byte & TOLD_BY));
        }
    }

    /// Whether what stands beside the window at `position` may. What lies outside of the bytes counts as nought.
    #[inline]
    pub(super) fn admit(&self, window: u32, bytes: &[u8], position: usize) -> bool {
        let allowed = self.0.get(hash(window, BUCKET_BITS)).copied().unwrap_or_default();
        let byte = |place: Option<usize>| place.and_then(|place| bytes.get(place)).copied().unwrap_or(0);
        let bits = beside(position).into_iter().zip(allowed);
        bits.fold(1, |bits, (place, allowed)| bits & allowed >> (byte(place) & TOLD_BY)) != 0
    }
}

/// The places beside a window; `None` for those before the first byte.
#[inline]
fn beside(window: usize) -> [Option<usize>; BOTH] {
    std::array::from_fn(|index| match index.checked_sub(BESIDE) {
        None => (window + index).checked_sub(BESIDE),
        Some(behind) => Some(window + WIDTH + behind),
    })
}
