//! The search with the vectors of x86-64.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_movemask_epi8,
    _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm512_add_epi32, _mm512_and_si512,
    _mm512_castsi512_si128, _mm512_cvtepu8_epi32, _mm512_gf2p8affine_epi64_epi8, _mm512_i32gather_epi32,
    _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_mask_i32gather_epi32, _mm512_mask_permutexvar_epi8,
    _mm512_mask_test_epi32_mask, _mm512_maskz_compress_epi8, _mm512_maskz_compress_epi32, _mm512_maskz_loadu_epi8,
    _mm512_movepi8_mask, _mm512_mullo_epi32, _mm512_or_si512, _mm512_permutexvar_epi8, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sllv_epi32, _mm512_srl_epi32,
    _mm512_storeu_si512, _mm512_sub_epi32, _mm512_ternarylogic_epi64, _mm512_test_epi8_mask, _mm512_xor_si512,
};

use crate::detect::prefilter::bloom::{Bloom, TABLES};
use crate::detect::prefilter::candidates::{CAPACITY, Candidates, Places, place_of};
use crate::detect::prefilter::dictionary::{BIT_BITS, Map, THREE, WORD_BITS};
use crate::detect::prefilter::nibble::Nibbles;
use crate::detect::prefilter::window::{CASES, FACTOR, WIDTH};

/// How many places one vector of AVX-512 holds.
const LANES: usize = 64;

/// The number of each place.
const ASCENDING: [u8; LANES] = {
    let mut numbers = [0; LANES];
    let mut number = 0;
    while number < 64 {
        numbers[number as usize] = number;
        number += 1;
    }
    numbers
};

/// The matrices and tables of a filter, in registers.
struct Filter {
    matrices: [[__m512i; WIDTH]; 4],
    tables: [[__m512i; 8]; TABLES],
    /// The bit of the tables for each value of the lowest six bits of a hash.
    bits: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn table(bytes: &[u8; 512]) -> [__m512i; 8] {
    let (lines, _) = bytes.as_chunks::<LANES>();
    std::array::from_fn(|index| match lines.get(index) {
        // SAFETY: a line has as many bytes as the vector.
        Some(line) => unsafe { _mm512_loadu_si512(line.as_ptr().cast()) },
        None => _mm512_setzero_si512(),
    })
}

impl Filter {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn new(bloom: &Bloom) -> Self {
        let bits: [u8; LANES] = std::array::from_fn(|index| 1 << (index & 7));
        Self {
            matrices: bloom.matrices.map(|matrices| matrices.map(|matrix| _mm512_set1_epi64(matrix.cast_signed()))),
            tables: std::array::from_fn(|index| table(&bloom.tables[index])),
            // SAFETY: the array has as many bytes as the vector.
            bits: unsafe { _mm512_loadu_si512(bits.as_ptr().cast()) },
        }
    }

    /// A bit for each place that the filter lets through. `windows` are the bytes at each place and those that follow.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn knows(&self, windows: [__m512i; WIDTH]) -> u64 {
        let product = |position: usize, plane: usize| {
            _mm512_gf2p8affine_epi64_epi8::<0>(windows[position], self.matrices[plane][position])
        };
        let three = |plane| {
            let (first, second, third) = (product(0, plane), product(1, plane), product(2, plane));
            // The sum of three without carries.
            _mm512_ternarylogic_epi64::<0x96>(first, second, third)
        };
        let four = |plane| _mm512_xor_si512(three(plane), product(3, plane));
        let rest = three(1);
        let (first, first_upper) = Self::look_up(&self.tables[0], three(0));
        let (second, second_upper) = Self::look_up(&self.tables[1], four(2));
        let (third, third_upper) = Self::look_up(&self.tables[2], four(3));
        // What all three have.
        let lower = _mm512_ternarylogic_epi64::<0x80>(first, second, third);
        let upper = _mm512_ternarylogic_epi64::<0x80>(first_upper, second_upper, third_upper);
        let known = _mm512_mask_blend_epi8(_mm512_movepi8_mask(rest), lower, upper);
        _mm512_test_epi8_mask(known, _mm512_permutexvar_epi8(rest, self.bits))
    }

    /// The bytes of both halves of a table at the places in `index`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn look_up(table: &[__m512i; 8], index: __m512i) -> (__m512i, __m512i) {
        let (two, one) = (_mm512_movepi8_mask(index), _mm512_test_epi8_mask(index, _mm512_set1_epi8(0x40)));
        let half = |first: usize| {
            let lines = &table[first..first + 4];
            // Four instructions of one step each, where those that look up in two lines at once take three.
            let found = _mm512_permutexvar_epi8(index, lines[0]);
            let found = _mm512_mask_permutexvar_epi8(found, one & !two, index, lines[1]);
            let found = _mm512_mask_permutexvar_epi8(found, two & !one, index, lines[2]);
            _mm512_mask_permutexvar_epi8(found, one & two, index, lines[3])
        };
        (half(0), half(4))
    }
}

/// Looks at the places in the zone of `candidates` that the filter lets through.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn collect_avx512(bloom: &Bloom, candidates: &mut Candidates<'_>) {
    let zone = candidates.zone.clone();
    if zone.len() <= 2 * LANES {
        // Few places: the tables are read where they stand, and nothing is collected.
        look_at_few(bloom, candidates, zone.start);
        if zone.len() > LANES {
            look_at_few(bloom, candidates, zone.start + LANES);
        }
        return;
    }
    let filter = Filter::new(bloom);
    let mut places = Places::new(|map, bytes, places, count| sift(map, bytes, places, count));
    for place in zone.step_by(LANES) {
        let known = known_at::<true>(&filter, candidates, place);
        add(&mut places, candidates, place, known);
    }
    places.look_at_all(candidates);
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn look_at_few(bloom: &Bloom, candidates: &mut Candidates<'_>, place: usize) {
    let known = known_at::<false>(&Filter::new(bloom), candidates, place);
    candidates.look_at(place, known);
}

/// A bit for each place in the zone from `place` on that the filter lets through.
///
/// There is one for each caller, so that it is made part of that one: called, it would read the whole filter from memory each time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn known_at<const IS_LOOP: bool>(filter: &Filter, candidates: &Candidates<'_>, place: usize) -> u64 {
    let rest = candidates.bytes.get(place..).unwrap_or_default();
    let known = if let Some(chunk) = rest.first_chunk::<{ LANES + WIDTH - 1 }>() {
        // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
        filter.knows(std::array::from_fn(|offset| unsafe { _mm512_loadu_si512(chunk.as_ptr().add(offset).cast()) }))
    } else {
        filter.knows(std::array::from_fn(|offset| {
            let rest = rest.get(offset..).unwrap_or_default();
            // SAFETY: the mask has no bit for bytes behind the last, and those are not read.
            unsafe { _mm512_maskz_loadu_epi8(lanes(rest.len()), rest.as_ptr().cast()) }
        }))
    };
    known & lanes(candidates.zone.end - place)
}

/// Bits for the first lanes.
#[inline]
fn lanes(count: usize) -> u64 {
    if count >= LANES { u64::MAX } else { (1 << count) - 1 }
}

/// Adds the places whose bit is set, without a branch on how many there are up to sixteen.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn add(places: &mut Places, candidates: &mut Candidates<'_>, base: usize, known: u64) {
    let count = known.count_ones() as usize;
    if count > 16 {
        places.add(candidates, base, known);
        return;
    }
    // SAFETY: the array has as many bytes as the vector.
    let ascending = unsafe { _mm512_loadu_si512(ASCENDING.as_ptr().cast()) };
    let found = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(known, ascending));
    let found = _mm512_add_epi32(_mm512_cvtepu8_epi32(found), _mm512_set1_epi32(place_of(base).cast_signed()));
    if let Some(room) = places.room(candidates) {
        // SAFETY: there is room for 64 places, and the vector has sixteen.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), found) };
        places.keep(count);
    }
}

/// How many places are sifted at once.
const SIFTED: usize = 16;

/// [`candidates::sift`], sixteen places at once.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn sift(map: &Map, bytes: &[u8], places: &mut [u32; CAPACITY], count: usize) -> usize {
    let hash =
        |windows, bits| _mm512_srl_epi32(_mm512_mullo_epi32(windows, _mm512_set1_epi32(FACTOR.cast_signed())), bits);
    let (word_shift, bit_shift) =
        (_mm_cvtsi32_si128(32 - WORD_BITS.cast_signed()), _mm_cvtsi32_si128(32 - BIT_BITS.cast_signed()));
    let mut known = 0;
    for start in (0..count.min(CAPACITY)).step_by(SIFTED) {
        let some = (count - start).min(SIFTED);
        let (Some(chunk), Some(last)) = (places.get(start..start + SIFTED), places.get(start + some - 1)) else {
            break;
        };
        let (first, last) = (chunk.first().copied().unwrap_or_default(), *last);
        if bytes.len() < last as usize + WIDTH || last - first > i32::MAX.cast_unsigned() {
            // Bytes are missing in the last windows of all; or the places are too far from each other for the vector.
            for index in start..start + some {
                let place = places[index];
                places[known] = place;
                known += usize::from(map.knows(bytes, place as usize));
            }
            continue;
        }
        let lanes = u16::MAX >> (SIFTED - some);
        // SAFETY: there are sixteen places from `start` on. Those of the lanes ascend from `first` to `last`, and four bytes stand at
        // each. Words are those of a hash with as many bits as the map has. What is written is no more than what has been read.
        unsafe {
            let found = _mm512_loadu_si512(chunk.as_ptr().cast());
            let offsets = _mm512_sub_epi32(found, _mm512_set1_epi32(first.cast_signed()));
            let base = bytes.as_ptr().add(first as usize).cast();
            let windows = _mm512_mask_i32gather_epi32::<1>(_mm512_setzero_si512(), lanes, offsets, base);
            let windows = _mm512_or_si512(windows, _mm512_set1_epi32(CASES.cast_signed()));
            let three = _mm512_and_si512(windows, _mm512_set1_epi32(THREE.cast_signed()));
            let words = _mm512_i32gather_epi32::<4>(hash(three, word_shift), map.0.as_ptr().cast());
            let bits = _mm512_sllv_epi32(_mm512_set1_epi32(1), hash(windows, bit_shift));
            let is_known = _mm512_mask_test_epi32_mask(lanes, words, bits);
            let kept = _mm512_maskz_compress_epi32(is_known, found);
            _mm512_storeu_si512(places.as_mut_ptr().add(known).cast(), kept);
            known += is_known.count_ones() as usize;
        }
    }
    known
}

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
