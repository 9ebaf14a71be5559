//! The search with the vectors of x86-64.

use std::arch::x86_64::*;

use crate::detect::prefilter::bloom::Bloom;
use crate::detect::prefilter::candidates::Candidates;
use crate::detect::prefilter::window::WIDTH;

/// How many places one vector of AVX-512 holds.
const LANES: usize = 64;

/// The matrices and tables of a filter, in registers.
struct Filter {
    first_matrices: [__m512i; 3],
    rest_matrices: [__m512i; 3],
    second_matrices: [__m512i; 4],
    first: [__m512i; 8],
    second: [__m512i; 8],
    bits: __m512i,
    second_bits: __m512i,
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
        let matrix = |position: usize, plane: usize| _mm512_set1_epi64(bloom.matrices[plane][position].cast_signed());
        // One bit for each of eight values of the lowest bits of an index, and of the next higher ones.
        let bits = _mm512_set1_epi64(0x8040_2010_0804_0201_u64.cast_signed());
        let spread: [u8; LANES] = std::array::from_fn(|index| 1 << (index >> 3));
        // SAFETY: the array has as many bytes as the vector.
        let second_bits = unsafe { _mm512_loadu_si512(spread.as_ptr().cast()) };
        Self {
            first_matrices: [matrix(0, 0), matrix(1, 0), matrix(2, 0)],
            rest_matrices: [matrix(0, 1), matrix(1, 1), matrix(2, 1)],
            second_matrices: [matrix(0, 2), matrix(1, 2), matrix(2, 2), matrix(3, 2)],
            first: table(&bloom.first),
            second: table(&bloom.second),
            bits,
            second_bits,
        }
    }

    /// A bit for each place that the filter lets through. `windows` are the bytes at each place and those that follow.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn knows(&self, windows: [__m512i; WIDTH]) -> u64 {
        let product = |bytes, matrix| _mm512_gf2p8affine_epi64_epi8::<0>(bytes, matrix);
        let sum = |a, b, c| _mm512_ternarylogic_epi64::<0x96>(a, b, c);
        let three = |matrices: &[__m512i; 3]| {
            sum(product(windows[0], matrices[0]), product(windows[1], matrices[1]), product(windows[2], matrices[2]))
        };
        let first = three(&self.first_matrices);
        let rest = three(&self.rest_matrices);
        let [m0, m1, m2, m3] = self.second_matrices;
        let second = _mm512_xor_si512(
            sum(product(windows[0], m0), product(windows[1], m1), product(windows[2], m2)),
            product(windows[3], m3),
        );
        let in_first = Self::look_up(&self.first, first, _mm512_movepi8_mask(rest));
        let in_second = Self::look_up(&self.second, second, _mm512_test_epi8_mask(rest, _mm512_set1_epi8(0x40)));
        let known = _mm512_test_epi8_mask(in_first, _mm512_permutexvar_epi8(rest, self.bits));
        _mm512_mask_test_epi8_mask(known, in_second, _mm512_permutexvar_epi8(rest, self.second_bits))
    }

    /// The bytes of a table at the places in `index`, in its upper half where `is_upper` has a bit.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
    fn look_up(table: &[__m512i; 8], index: __m512i, is_upper: u64) -> __m512i {
        let [a, b, c, d, e, f, g, h] = *table;
        let is_odd = _mm512_movepi8_mask(index);
        let pair = |even_low, even_high, odd_low, odd_high| {
            let even = _mm512_permutex2var_epi8(even_low, index, even_high);
            let odd = _mm512_permutex2var_epi8(odd_low, index, odd_high);
            _mm512_mask_blend_epi8(is_odd, even, odd)
        };
        _mm512_mask_blend_epi8(is_upper, pair(a, b, c, d), pair(e, f, g, h))
    }
}

/// Collects the places in the zone of `candidates` that the filter lets through.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::detect::prefilter) fn collect_avx512(bloom: &Bloom, candidates: &mut Candidates<'_>) {
    let bytes = candidates.bytes;
    let zone = candidates.zone.clone();
    let filter = Filter::new(bloom);
    let is_short = zone.len() <= 2 * LANES;
    let mut place = zone.start;
    while place < zone.end {
        let rest = bytes.get(place..).unwrap_or_default();
        let mut known = if let Some(chunk) = rest.first_chunk::<{ LANES + WIDTH - 1 }>() {
            // SAFETY: the chunk has three bytes more than the vector, and is read from its first four.
            filter.knows(std::array::from_fn(|offset| unsafe { _mm512_loadu_si512(chunk.as_ptr().add(offset).cast()) }))
        } else {
            filter.knows(std::array::from_fn(|offset| {
                let rest = rest.get(offset..).unwrap_or_default();
                let mask = lanes(rest.len());
                // SAFETY: the mask has a bit for no byte behind the last; the others are not read.
                unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast()) }
            }))
        };
        known &= lanes(zone.end - place);
        if is_short {
            candidates.look_at(place, known);
        } else {
            add(candidates, place as u32, known);
        }
        place += LANES;
    }
    if !is_short {
        candidates.look_at_all();
    }
}

/// Bits for the first lanes.
#[inline]
fn lanes(count: usize) -> u64 {
    if count >= LANES { u64::MAX } else { (1 << count) - 1 }
}

/// Adds the places whose bit is set without a branch on how many there are, up to sixteen.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vbmi2,gfni,bmi1,bmi2,lzcnt,popcnt")]
fn add(candidates: &mut Candidates<'_>, base: u32, known: u64) {
    let count = known.count_ones() as usize;
    if count > 16 {
        candidates.add_mask(base, known);
        return;
    }
    candidates.make_room();
    let ascending: [u8; LANES] = std::array::from_fn(|index| index as u8);
    // SAFETY: the array has as many bytes as the vector.
    let ascending = unsafe { _mm512_loadu_si512(ascending.as_ptr().cast()) };
    let places = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(known, ascending));
    let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(places), _mm512_set1_epi32(base.cast_signed()));
    if let Some(room) = candidates.room() {
        // SAFETY: the room is for 64 places, and the vector has sixteen.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), places) };
        candidates.add(count);
    }
}
