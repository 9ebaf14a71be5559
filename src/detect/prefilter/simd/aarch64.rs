//! The search with the vectors of AArch64.

use std::arch::aarch64::{
    uint8x16_t, vaddv_u8, vandq_u8, vcombine_u8, vcreate_u8, vdupq_n_u8, vget_high_u8, vget_low_u8, vld1q_u8, vorrq_u8,
    vqtbl1q_u8, vshrq_n_u8, vtstq_u8,
};

use crate::detect::prefilter::candidates::Candidates;
use crate::detect::prefilter::nibble::Nibbles;
use crate::detect::prefilter::window::WIDTH;

/// Looks at the places in the zone of `candidates` that the filter lets through, sixteen at once.
#[target_feature(enable = "neon")]
pub(super) fn collect_neon(nibbles: &Nibbles, candidates: &mut Candidates<'_>) {
    // SAFETY: each table has sixteen bytes.
    let load = |table: [u8; 16]| unsafe { vld1q_u8(table.as_ptr()) };
    let low = nibbles.low.map(|tables| tables.map(load));
    let high = nibbles.high.map(|tables| tables.map(load));
    let half = vdupq_n_u8(15);
    super::collect(candidates, |chunk: &[u8; 16 + WIDTH - 1]| {
        let mut found = vdupq_n_u8(0);
        // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
        let bytes: [uint8x16_t; WIDTH] = std::array::from_fn(|offset| unsafe { vld1q_u8(chunk.as_ptr().add(offset)) });
        for (low, high) in low.iter().zip(&high) {
            let mut buckets = vdupq_n_u8(u8::MAX);
            for ((bytes, low), high) in bytes.iter().zip(low).zip(high) {
                let low = vqtbl1q_u8(*low, vandq_u8(*bytes, half));
                let high = vqtbl1q_u8(*high, vshrq_n_u8::<4>(*bytes));
                buckets = vandq_u8(buckets, vandq_u8(low, high));
            }
            found = vorrq_u8(found, buckets);
        }
        // One bit for each lane: a bit of its own in each lane of both halves, summed up.
        let each = vcreate_u8(0x8040_2010_0804_0201);
        let bits = vandq_u8(vtstq_u8(found, found), vcombine_u8(each, each));
        u64::from(vaddv_u8(vget_low_u8(bits))) | u64::from(vaddv_u8(vget_high_u8(bits))) << 8
    });
}
