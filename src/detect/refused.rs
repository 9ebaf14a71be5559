//! [`Refused`]: assignments that no rule keeps, remembered. The versions of a file say the same again and again.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use foldhash::fast::FixedState;

/// Bits of the hash that tells the place of each: so many are remembered. Those of the last few thousand are met again soon, or never.
const PLACE_BITS: u32 = 12;

/// What no rule keeps, told from the name and the value alone.
///
/// Of each only a hash of 63 bits is kept, by a key that is new for each run. That one which a rule would keep is taken for another
/// happens, where a billion are looked up, in one of ten billion runs; and nobody can choose which.
pub(super) struct Refused {
    key: RandomState,
    /// What tells the place of each: another hash, so that the first loses nothing.
    places: FixedState,
    /// Nought where there is none.
    hashes: Box<[AtomicU64]>,
}

/// An assignment as it is looked up.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    place: usize,
    hash: u64,
}

impl Refused {
    pub(super) fn new() -> Self {
        let hashes = std::iter::repeat_with(AtomicU64::default).take(1 << PLACE_BITS).collect();
        Self { key: RandomState::new(), places: FixedState::default(), hashes }
    }

    /// The mark of what is assigned to a name.
    pub(super) fn mark(&self, name: &[u8], value: &[u8], is_literal: bool) -> Mark {
        let place =
            usize::try_from(self.places.hash_one((name, value)) >> (u64::BITS - PLACE_BITS)).unwrap_or_default();
        Mark { place, hash: self.key.hash_one((name, value, is_literal)) | 1 }
    }

    /// Whether it was added, and not forgotten since.
    pub(super) fn holds(&self, mark: Mark) -> bool {
        self.hashes.get(mark.place).is_some_and(|hash| hash.load(Relaxed) == mark.hash)
    }

    pub(super) fn add(&self, mark: Mark) {
        if let Some(hash) = self.hashes.get(mark.place) {
            hash.store(mark.hash, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_held() {
        let refused = Refused::new();
        let mark = refused.mark(b"token", b"none", true);
        assert!(!refused.holds(mark));
        refused.add(mark);
        assert!(refused.holds(mark));
        for other in [(&b"token"[..], &b"none"[..], false), (b"toke", b"nnone", true), (b"token", b"non", true)] {
            assert!(!refused.holds(refused.mark(other.0, other.1, other.2)), "{other:?}");
        }
    }
}
