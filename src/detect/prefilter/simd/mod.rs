//! The search with vectors, as the processor has them.
//!
//! All of this is the search of `candidates::collect`, faster. Nothing here decides what an anchor is.

#![expect(unsafe_code, reason = "vectors are loaded through pointers, and their instructions must be there")]

#[cfg(target_arch = "x86_64")]
mod x86_64;

use super::bloom::Bloom;
use super::candidates::{self, Candidates};

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// Byte by byte.
    Scalar,
    /// 64 places at once, with AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Engine {
    /// The ways that this processor knows, the fastest first.
    pub(super) fn all() -> Vec<Self> {
        let mut engines = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("avx512vbmi2")
                && is_x86_feature_detected!("gfni")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
            {
                engines.push(Self::Avx512);
            }
        }
        engines.push(Self::Scalar);
        engines
    }

    /// Collects the places in the zone of `candidates` that the filter lets through, and looks at them.
    pub(super) fn collect(self, bloom: &Bloom, candidates: &mut Candidates<'_>) {
        match self {
            Self::Scalar => candidates::collect(bloom, candidates),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `all` gives this only where the processor has the instructions.
            Self::Avx512 => unsafe { x86_64::collect_avx512(bloom, candidates) },
        }
    }
}
