//! The search with vectors, as the processor has them.
//!
//! All of this is the search of `candidates::collect`, faster. Nothing here decides what an anchor is.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "instructions must be there that not all processors have")
)]

#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
use super::bloom::Bloom;
use super::candidates::{self, Candidates};
use super::sums::{self, Sums};
use super::window::Window;

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// Byte by byte: what all others are tested against.
    #[cfg_attr(not(test), expect(dead_code, reason = "all processors know a faster way"))]
    Scalar,
    /// Many places at once, with the vectors that all processors of the architecture have: SSE2, NEON.
    Common,
    /// The same with those of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 64 places at once, with the tables of AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// What a search looks for, in the form that it needs.
enum Filter {
    Sums(Sums),
    #[cfg(target_arch = "x86_64")]
    Bloom(Box<Bloom>),
}

/// A way to search, ready for some windows. It is only made for engines that the processor has.
pub(super) struct Sieve {
    engine: Engine,
    filter: Filter,
}

impl Engine {
    /// The fastest way that this processor knows.
    pub(super) fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        for engine in [Self::Avx512, Self::Avx2] {
            if engine.is_there() {
                return engine;
            }
        }
        Self::Common
    }

    /// All ways that this processor knows.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let engines = [
            Self::Scalar,
            Self::Common,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
        ];
        engines.into_iter().filter(|engine| engine.is_there()).collect()
    }

    fn is_there(self) -> bool {
        match self {
            Self::Scalar | Self::Common => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && has_bit_manipulation(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && is_x86_feature_detected!("gfni")
                    && has_bit_manipulation()
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_bit_manipulation() -> bool {
    is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

impl Sieve {
    /// A search for the windows. Where the processor does not have the engine, it is the one that all have.
    pub(super) fn new(engine: Engine, windows: &[Window]) -> Self {
        let engine = if engine.is_there() { engine } else { Engine::Common };
        let filter = match engine {
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512 => Filter::Bloom(Box::new(Bloom::new(windows))),
            _ => Filter::Sums(Sums::new(windows)),
        };
        Self { engine, filter }
    }

    /// Looks at the places in the zone of `candidates` that the filter lets through.
    #[inline]
    pub(super) fn collect(&self, candidates: &mut Candidates<'_>) {
        match (self.engine, &self.filter) {
            #[cfg(target_arch = "x86_64")]
            (_, Filter::Bloom(bloom)) => {
                // SAFETY: `new` takes an engine only where the processor has its instructions, and this filter for this one alone.
                unsafe { avx512::collect(bloom, candidates) }
            }
            #[cfg(target_arch = "x86_64")]
            (Engine::Avx2, Filter::Sums(sums)) => {
                // SAFETY: as before.
                unsafe { collect_avx2(sums, candidates) }
            }
            (Engine::Scalar, Filter::Sums(sums)) => candidates::collect(|window| sums.knows(window), candidates),
            (_, Filter::Sums(sums)) => sums::collect(sums, candidates),
        }
    }
}

/// As [`sums::collect`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn collect_avx2(sums: &Sums, candidates: &mut Candidates<'_>) {
    sums::collect(sums, candidates);
}
