//! The search with vectors, as the processor has them.
//!
//! All of this is the search of `candidates::collect`, faster. Nothing here decides what an anchor is.

#![expect(unsafe_code, reason = "vectors are loaded through pointers, and their instructions must be there")]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use super::bloom::Bloom;
use super::candidates::{self, Candidates, Places};
use super::nibble::Nibbles;
use super::window::{WIDTH, Window};

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// Byte by byte.
    Scalar,
    /// 64 places at once, with the tables of AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 32 places at once.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Sixteen places at once.
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    /// Sixteen places at once.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

/// What a search looks for, in the form that it needs.
enum Filter {
    Bloom(Box<Bloom>),
    Nibbles(Box<Nibbles>),
}

/// A way to search, ready for some windows. It is only made for engines that the processor has.
pub(super) struct Sieve {
    engine: Engine,
    filter: Filter,
}

impl Engine {
    /// The ways that this processor knows, the fastest first.
    pub(super) fn all() -> Vec<Self> {
        let engines = [
            #[cfg(target_arch = "x86_64")]
            Self::Avx512,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2,
            #[cfg(target_arch = "x86_64")]
            Self::Ssse3,
            #[cfg(target_arch = "aarch64")]
            Self::Neon,
            Self::Scalar,
        ];
        engines.into_iter().filter(|engine| engine.is_there()).collect()
    }

    fn is_there(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vbmi2")
                    && is_x86_feature_detected!("gfni")
                    && has_bit_manipulation()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && has_bit_manipulation(),
            #[cfg(target_arch = "x86_64")]
            Self::Ssse3 => is_x86_feature_detected!("ssse3"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
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
    /// A search for the windows. Where the processor does not have the engine, it goes byte by byte.
    pub(super) fn new(engine: Engine, windows: &[Window]) -> Self {
        let engine = if engine.is_there() { engine } else { Engine::Scalar };
        let filter = match engine {
            Engine::Scalar => Filter::Bloom(Box::new(Bloom::new(windows))),
            #[cfg(target_arch = "x86_64")]
            Engine::Avx512 => Filter::Bloom(Box::new(Bloom::new(windows))),
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            _ => Filter::Nibbles(Box::new(Nibbles::new(windows))),
        };
        Self { engine, filter }
    }

    /// Looks at the places in the zone of `candidates` that the filter lets through.
    #[inline]
    pub(super) fn collect(&self, candidates: &mut Candidates<'_>) {
        match (self.engine, &self.filter) {
            #[cfg(target_arch = "x86_64")]
            (Engine::Avx512, Filter::Bloom(bloom)) => {
                // SAFETY: `new` takes an engine only where the processor has its instructions.
                unsafe { avx512::collect(bloom, candidates) }
            }
            #[cfg(target_arch = "x86_64")]
            (Engine::Avx2, Filter::Nibbles(nibbles)) => {
                // SAFETY: as before.
                unsafe { x86_64::collect_avx2(nibbles, candidates) }
            }
            #[cfg(target_arch = "x86_64")]
            (_, Filter::Nibbles(nibbles)) => {
                // SAFETY: as before; this is the only other engine with this filter.
                unsafe { x86_64::collect_ssse3(nibbles, candidates) }
            }
            #[cfg(target_arch = "aarch64")]
            (_, Filter::Nibbles(nibbles)) => {
                // SAFETY: as before.
                unsafe { aarch64::collect_neon(nibbles, candidates) }
            }
            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            (_, Filter::Nibbles(_)) => {}
            (_, Filter::Bloom(bloom)) => candidates::collect(bloom, candidates),
        }
    }
}

/// Takes the zone of `candidates` apart into vectors, `CHUNK` bytes each with those that the last windows reach into, and looks at the
/// places that `known` tells a bit for.
#[expect(clippy::inline_always, reason = "only inside of its callers does it have their instructions")]
#[inline(always)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn collect<const CHUNK: usize>(candidates: &mut Candidates<'_>, known: impl Fn(&[u8; CHUNK]) -> u64) {
    let lanes = CHUNK + 1 - WIDTH;
    let zone = candidates.zone.clone();
    let is_short = zone.len() <= 2 * lanes;
    let mut places = if is_short { None } else { Some(Places::new(candidates::sift)) };
    for place in zone.clone().step_by(lanes) {
        let rest = candidates.bytes.get(place..).unwrap_or_default();
        let known = if let Some(chunk) = rest.first_chunk() {
            known(chunk)
        } else {
            let mut chunk = [0; CHUNK];
            chunk.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            known(&chunk)
        };
        let in_zone = zone.end - place;
        let known = if in_zone < lanes { known & ((1 << in_zone) - 1) } else { known };
        match &mut places {
            Some(places) => places.add(candidates, place, known),
            None => candidates.look_at(place, known),
        }
    }
    if let Some(mut places) = places {
        places.look_at_all(candidates);
    }
}
