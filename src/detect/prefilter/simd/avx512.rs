//! The search with the vectors of AVX-512.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si128, _mm512_cmpeq_epi32_mask,
    _mm512_cvtepu8_epi32, _mm512_gf2p8affine_epi64_epi8, _mm512_i32gather_epi32, _mm512_loadu_si512,
    _mm512_mask_blend_epi8, _mm512_mask_i32gather_epi32, _mm512_mask_permutexvar_epi8, _mm512_maskz_compress_epi8,
    _mm512_maskz_compress_epi32, _mm512_maskz_loadu_epi8, _mm512_movepi8_mask, _mm512_mullo_epi32, _mm512_or_si512,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srl_epi32, _mm512_srli_epi32, _mm512_srlv_epi32, _mm512_storeu_si512,
    _mm512_sub_epi32, _mm512_ternarylogic_epi64, _mm512_test_epi8_mask, _mm512_test_epi32_mask, _mm512_xor_si512,
};
use std::ops::Range;

use crate::detect::prefilter::bloom::{Bloom, TABLES};
use crate::detect::prefilter::candidates::{CAPACITY, Candidates, Places, place_of};
use crate::detect::prefilter::dictionary::{BIT_BITS, Dictionary, Map, THREE, WORD_BITS};
use crate::detect::prefilter::neighbours::{BESIDE, BOTH, BUCKET_BITS, TOLD_BY};
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
        let both = one & two;
        let half = |first: usize| {
            let lines = &table[first..first + 4];
            // Four instructions of one step each, where those that look up in two lines at once take three. Each may overwrite
            // what those before it have found: masks for one line alone would take as long as what they spare.
            let found = _mm512_permutexvar_epi8(index, lines[0]);
            let found = _mm512_mask_permutexvar_epi8(found, one, index, lines[1]);
            let found = _mm512_mask_permutexvar_epi8(found, two, index, lines[2]);
            _mm512_mask_permutexvar_epi8(found, both, index, lines[3])
        };
        (half(0), half(4))
    }
}

/// Looks at the places in the zone of `candidates` that the filter lets through.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn collect(bloom: &Bloom, candidates: &mut Candidates<'_>) {
    let zone = candidates.zone.clone();
    // So many places have all bytes of their windows, and fill vectors.
    let behind = candidates.bytes.len().saturating_sub(zone.start + WIDTH - 1);
    let whole = zone.len().min(behind) / LANES * LANES;
    // Of few, the tables are read where they stand, and nothing is collected.
    let swept = if whole > 2 * LANES { zone.start + whole } else { zone.start };
    if swept > zone.start {
        sweep(bloom, candidates, zone.start..swept);
    }
    for place in (swept..zone.end).step_by(LANES) {
        look_at_few(bloom, candidates, place);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn sweep(bloom: &Bloom, candidates: &mut Candidates<'_>, zone: Range<usize>) {
    let filter = Filter::new(bloom);
    let mut places = Places::new(|dictionary, bytes, places, count| sift(dictionary, bytes, places, count));
    let bytes = candidates.bytes;
    for place in zone.step_by(LANES) {
        let rest = bytes.get(place..).unwrap_or_default();
        let Some(chunk) = rest.first_chunk::<{ LANES + WIDTH - 1 }>() else { break };
        // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
        let window = |offset| unsafe { _mm512_loadu_si512(chunk.as_ptr().add(offset).cast()) };
        add(&mut places, candidates, place, filter.knows(std::array::from_fn(window)));
    }
    places.look_at_all(candidates);
}

/// Looks at the places in the zone from `place` on, as many as a vector has, that the filter lets through.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn look_at_few(bloom: &Bloom, candidates: &mut Candidates<'_>, place: usize) {
    let rest = candidates.bytes.get(place..).unwrap_or_default();
    let known = Filter::new(bloom).knows(std::array::from_fn(|offset| {
        let rest = rest.get(offset..).unwrap_or_default();
        // SAFETY: the mask has no bit for bytes behind the last, and those are not read.
        unsafe { _mm512_maskz_loadu_epi8(lanes(rest.len()), rest.as_ptr().cast()) }
    }));
    candidates.look_at(place, known & lanes(candidates.zone.end - place));
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
fn sift(dictionary: &Dictionary, bytes: &[u8], places: &mut [u32; CAPACITY], count: usize) -> usize {
    let (map, beside) = (&dictionary.map, dictionary.neighbours.as_flattened());
    let hash = |windows, bits: u32| {
        let product = _mm512_mullo_epi32(windows, _mm512_set1_epi32(FACTOR.cast_signed()));
        _mm512_srl_epi32(product, _mm_cvtsi32_si128(32 - bits.cast_signed()))
    };
    let words_of = |windows| {
        let three = _mm512_and_si512(windows, _mm512_set1_epi32(THREE.cast_signed()));
        // SAFETY: words are those of a hash with as many bits as the map has.
        unsafe { _mm512_i32gather_epi32::<4>(hash(three, WORD_BITS), map.0.as_ptr().cast()) }
    };
    let is_known = |near: &Sixteen| {
        let windows = near.windows();
        let bits = _mm512_sllv_epi32(_mm512_set1_epi32(1), hash(windows, BIT_BITS));
        _mm512_test_epi32_mask(words_of(windows), bits)
    };
    let known = retain(bytes, places, count, 0..WIDTH, is_known, |place| map.knows(bytes, place));
    let is_likely = |near: &Sixteen| {
        let windows = near.windows();
        let is_short = _mm512_cmpeq_epi32_mask(words_of(windows), _mm512_set1_epi32(Map::ANY.cast_signed()));
        let buckets = _mm512_slli_epi32::<{ BOTH.trailing_zeros() }>(hash(windows, BUCKET_BITS));
        let (before, behind) = (near.read::<{ -BESIDE.cast_signed() }>(), near.read::<{ WIDTH.cast_signed() }>());
        let next = |bytes| _mm512_srli_epi32::<8>(bytes);
        let mut allowed = _mm512_set1_epi32(1);
        for (place, bytes) in [before, next(before), behind, next(behind)].into_iter().enumerate() {
            // SAFETY: buckets are those of a hash with as many bits as the neighbours have, and each has so many places.
            let bits = unsafe { _mm512_i32gather_epi32::<4>(buckets, beside.as_ptr().add(place).cast()) };
            let byte = _mm512_and_si512(bytes, _mm512_set1_epi32(TOLD_BY.into()));
            allowed = _mm512_and_si512(allowed, _mm512_srlv_epi32(bits, byte));
        }
        is_short | _mm512_test_epi32_mask(allowed, allowed)
    };
    let reach = BESIDE..2 * WIDTH;
    retain(bytes, places, known, reach, is_likely, |place| dictionary.is_likely(bytes, place))
}

/// Sixteen places, and what stands at them.
struct Sixteen {
    /// A bit for each that is one.
    lanes: u16,
    /// The first.
    first: *const u8,
    /// How far behind it each is.
    offsets: __m512i,
}

impl Sixteen {
    /// The four bytes that stand so many bytes behind each place.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn read<const BEHIND: isize>(&self) -> __m512i {
        // SAFETY: whoever made this saw to it that there are bytes within the reach of what is read.
        unsafe {
            let base = self.first.offset(BEHIND).cast();
            _mm512_mask_i32gather_epi32::<1>(_mm512_setzero_si512(), self.lanes, self.offsets, base)
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn windows(&self) -> __m512i {
        _mm512_or_si512(self.read::<0>(), _mm512_set1_epi32(CASES.cast_signed()))
    }
}

/// Leaves of the first `count` places those that are kept, sixteen at once, or one by one where less than `reach.start` bytes stand
/// before one or `reach.end` from it on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn retain(
    bytes: &[u8],
    places: &mut [u32; CAPACITY],
    count: usize,
    reach: Range<usize>,
    are_kept: impl Fn(&Sixteen) -> u16,
    is_kept: impl Fn(usize) -> bool,
) -> usize {
    let mut kept = 0;
    for start in (0..count.min(CAPACITY)).step_by(SIFTED) {
        let some = (count - start).min(SIFTED);
        let (Some(chunk), Some(last)) = (places.get(start..start + SIFTED), places.get(start + some - 1)) else {
            break;
        };
        let (first, last) = (chunk.first().copied().unwrap_or_default(), *last);
        let is_within = first as usize >= reach.start && last as usize + reach.end <= bytes.len();
        if !is_within || last - first > i32::MAX.cast_unsigned() {
            // Bytes are missing at some; or the places are too far from each other for the vector.
            for index in start..start + some {
                let place = places[index];
                places[kept] = place;
                kept += usize::from(is_kept(place as usize));
            }
            continue;
        }
        let lanes = u16::MAX >> (SIFTED - some);
        // SAFETY: there are sixteen places from `start` on. Those of the lanes ascend from `first` to `last`, with all bytes within
        // reach. What is written is no more than what has been read.
        unsafe {
            let found = _mm512_loadu_si512(chunk.as_ptr().cast());
            let offsets = _mm512_sub_epi32(found, _mm512_set1_epi32(first.cast_signed()));
            let are_kept = lanes & are_kept(&Sixteen { lanes, first: bytes.as_ptr().add(first as usize), offsets });
            _mm512_storeu_si512(places.as_mut_ptr().add(kept).cast(), _mm512_maskz_compress_epi32(are_kept, found));
            kept += are_kept.count_ones() as usize;
        }
    }
    kept
}
