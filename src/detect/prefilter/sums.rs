//! A filter for the windows of all anchors by sums of their bytes, each times a factor of its own.
//!
//! Sums of sixteen bits are what every processor with vectors computes for many places at once, and a table in the nearest caches tells
//! which of them occur. In sources three places of a hundred pass.
//!
//! [`Sums::knows`] is the definition; everything faster is tested against it.

use super::candidates::{self, BURST, Candidates, Places};
use super::chance;
use super::window::{CASE, WIDTH, Window};

/// How many places are looked at in one go.
const LANES: usize = BURST;

/// How many sums there are.
const TABLE: usize = 1 << u16::BITS;

/// Bits of the last byte of a window that count, so that a window of three bytes fills no more than eight places of the table.
const LAST_MASK: u8 = 7;

/// The filter.
pub(super) struct Sums {
    factors: [u16; WIDTH],
    /// One for each sum that occurs, nought for all others.
    table: Box<[u8]>,
}

impl Sums {
    /// A filter for the windows.
    pub(super) fn new(windows: &[Window]) -> Self {
        chance::best(|seed| Self::with_seed(windows, seed), Self::knows)
    }

    fn with_seed(windows: &[Window], seed: u64) -> Self {
        let mut next = chance::numbers(seed);
        // Odd, so that no bit of a byte is lost.
        let factors = std::array::from_fn(|_| (next() >> 16) as u16 | 1);
        let mut sums = Self { factors, table: vec![0; TABLE].into() };
        for window in windows {
            let [first, second, third, last] = window.bytes;
            for last in if window.is_short { 0..=LAST_MASK } else { last..=last } {
                let sum = sums.of([first, second, third, last]);
                if let Some(occurs) = sums.table.get_mut(usize::from(sum)) {
                    *occurs = 1;
                }
            }
        }
        sums
    }

    /// Whether a window may begin with these bytes.
    pub(super) fn knows(&self, bytes: [u8; WIDTH]) -> bool {
        self.table.get(usize::from(self.of(bytes))).is_some_and(|occurs| *occurs != 0)
    }

    #[expect(clippy::inline_always, reason = "only inside of its callers does it have their instructions")]
    #[inline(always)]
    fn of(&self, [first, second, third, last]: [u8; WIDTH]) -> u16 {
        let product = |factor: u16, byte: u8| factor.wrapping_mul(byte.into());
        let [of_first, of_second, of_third, of_last] = self.factors;
        let first_two = product(of_first, first | CASE).wrapping_add(product(of_second, second | CASE));
        let last_two = product(of_third, third | CASE).wrapping_add(product(of_last, last & LAST_MASK));
        first_two.wrapping_add(last_two)
    }
}

/// Looks at the places in the zone of `candidates` that the filter lets through, with whatever instructions its caller has.
#[expect(clippy::inline_always, reason = "only inside of its callers does it have their instructions")]
#[inline(always)]
pub(super) fn collect(sums: &Sums, candidates: &mut Candidates<'_>) {
    let Some(table) = sums.table.first_chunk::<TABLE>() else { return };
    let zone = candidates.zone.clone();
    let mut places = Places::new(candidates::sift);
    for place in zone.clone().step_by(LANES) {
        let rest = candidates.bytes.get(place..).unwrap_or_default();
        let mut padded = [0; LANES + WIDTH - 1];
        let chunk: &[u8; LANES + WIDTH - 1] = rest.first_chunk().unwrap_or_else(|| {
            padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            &padded
        });
        let window = |lane: usize| [chunk[lane], chunk[lane + 1], chunk[lane + 2], chunk[lane + 3]];
        let sums: [u16; LANES] = std::array::from_fn(|lane| sums.of(window(lane)));
        let in_zone = zone.end - place;
        // Each bit is shifted in behind the one before: compilers would gather what is independent into vectors, which takes longer.
        let mut known = 0;
        for sums in sums.rchunks_exact(8) {
            let bits = sums.iter().rev().fold(0_u64, |bits, sum| bits << 1 | u64::from(table[usize::from(*sum)]));
            known = known << 8 | bits;
        }
        places.add(candidates, place, if in_zone < LANES { known & ((1 << in_zone) - 1) } else { known });
    }
    places.look_at_all(candidates);
}
