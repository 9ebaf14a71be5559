//! The search with the vectors of AVX2 and SSSE3.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
};

use crate::detect::prefilter::candidates::Candidates;
use crate::detect::prefilter::nibble::Nibbles;
use crate::detect::prefilter::window::WIDTH;

/// Looks at the places in the zone of `candidates` that the filter lets through, 32 at once.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn collect_avx2(nibbles: &Nibbles, candidates: &mut Candidates<'_>) {
    // SAFETY: each table has sixteen bytes.
    let load = |table: [u8; 16]| _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) });
    let low = nibbles.low.map(|tables| tables.map(load));
    let high = nibbles.high.map(|tables| tables.map(load));
    let half = _mm256_set1_epi8(15);
    super::collect(candidates, |chunk: &[u8; 32 + WIDTH - 1]| {
        let mut found = _mm256_setzero_si256();
        // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
        let bytes: [__m256i; WIDTH] =
            std::array::from_fn(|offset| unsafe { _mm256_loadu_si256(chunk.as_ptr().add(offset).cast()) });
        for (low, high) in low.iter().zip(&high) {
            let mut buckets = _mm256_set1_epi8(-1);
            for ((bytes, low), high) in bytes.iter().zip(low).zip(high) {
                let low = _mm256_shuffle_epi8(*low, _mm256_and_si256(*bytes, half));
                let high = _mm256_shuffle_epi8(*high, _mm256_and_si256(_mm256_srli_epi16::<4>(*bytes), half));
                buckets = _mm256_and_si256(buckets, _mm256_and_si256(low, high));
            }
            found = _mm256_or_si256(found, buckets);
        }
        let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
        u64::from(!none.cast_unsigned())
    });
}

/// Looks at the places in the zone of `candidates` that the filter lets through, sixteen at once.
#[target_feature(enable = "ssse3")]
pub(super) fn collect_ssse3(nibbles: &Nibbles, candidates: &mut Candidates<'_>) {
    // SAFETY: each table has sixteen bytes.
    let load = |table: [u8; 16]| unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
    let low = nibbles.low.map(|tables| tables.map(load));
    let high = nibbles.high.map(|tables| tables.map(load));
    let half = _mm_set1_epi8(15);
    super::collect(candidates, |chunk: &[u8; 16 + WIDTH - 1]| {
        let mut found = _mm_setzero_si128();
        // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
        let bytes: [__m128i; WIDTH] =
            std::array::from_fn(|offset| unsafe { _mm_loadu_si128(chunk.as_ptr().add(offset).cast()) });
        for (low, high) in low.iter().zip(&high) {
            let mut buckets = _mm_set1_epi8(-1);
            for ((bytes, low), high) in bytes.iter().zip(low).zip(high) {
                let low = _mm_shuffle_epi8(*low, _mm_and_si128(*bytes, half));
                let high = _mm_shuffle_epi8(*high, _mm_and_si128(_mm_srli_epi16::<4>(*bytes), half));
                buckets = _mm_and_si128(buckets, _mm_and_si128(low, high));
            }
            found = _mm_or_si128(found, buckets);
        }
        let none = _mm_movemask_epi8(_mm_cmpeq_epi8(found, _mm_setzero_si128()));
        u64::from(!none.cast_unsigned() & 0xffff)
    });
}
