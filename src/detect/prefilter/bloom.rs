//! A Bloom filter for the windows of all anchors, small enough for the vector registers.
//!
//! Three hashes of eight bits each, one of the first three bytes of a window and two of all four, each with a table of 4096 bits: sixteen
//! for each value, of which four more bits of hash, the same for all tables, choose one. That makes the tables no worse than with bits
//! of their own, and lets them be joined before that bit is looked at. The hashes are linear over bits, so that AVX-512 computes them for
//! 64 places at once by multiplication with bit matrices; the case of letters is left out of them by matrices that do not look at its
//! bit. What all tables know is a candidate.
//!
//! [`Bloom::knows`] is the definition; everything faster is tested against it.

use super::chance;
use super::window::{CASE, WIDTH, Window};

/// How many hashes there are.
pub(super) const TABLES: usize = 3;

/// How many bytes the table of one hash has.
pub(super) const TABLE: usize = 512;

/// How many bytes of hash there are.
const PLANES: usize = 4;

/// Bits of the hashes that depend on the last byte of a window: three of each hash of all four, so that a window of three bytes
/// fills eight places in their tables.
const LAST_MASK: u32 = 0x3807_0000;

/// The filter.
pub(super) struct Bloom {
    /// What each byte at each position of a window adds to the hashes.
    sums: Box<[[u32; 256]; WIDTH]>,
    /// The same as matrices: for each eight bits of the hashes one for each position.
    pub(super) matrices: [[u64; WIDTH]; PLANES],
    /// Which hashes occur.
    pub(super) tables: [[u8; TABLE]; TABLES],
}

impl Bloom {
    /// A filter for the windows.
    pub(super) fn new(windows: &[Window]) -> Self {
        chance::best(|seed| Self::with_seed(windows, seed), Self::knows)
    }

    fn with_seed(windows: &[Window], seed: u64) -> Self {
        let columns = columns(seed);
        let matrices = std::array::from_fn(|plane| columns.map(|columns| matrix(&columns, plane)));
        let mut bloom = Self { sums: sums(&columns), matrices, tables: [[0; TABLE]; TABLES] };
        // What any byte adds in the last place of a short window: at most 64 different hashes.
        let [.., last] = &*bloom.sums;
        let mut any = last.to_vec();
        any.sort_unstable();
        any.dedup();
        for window in windows {
            let hash = bloom.hash(window.bytes);
            if window.is_short {
                // The last byte of a short window is nought, which adds nothing.
                for last in &any {
                    bloom.insert(hash ^ last);
                }
            } else {
                bloom.insert(hash);
            }
        }
        bloom
    }

    fn insert(&mut self, hash: u32) {
        let (places, bit) = places(hash);
        for (table, place) in self.tables.iter_mut().zip(places) {
            table[place] |= bit;
        }
    }

    /// Whether a window may begin with these bytes.
    pub(super) fn knows(&self, bytes: [u8; WIDTH]) -> bool {
        let (places, bit) = places(self.hash(bytes));
        self.tables.iter().zip(places).all(|(table, place)| table[place] & bit != 0)
    }

    fn hash(&self, bytes: [u8; WIDTH]) -> u32 {
        self.sums.iter().zip(bytes).fold(0, |hash, (sums, byte)| hash ^ sums[usize::from(byte)])
    }
}

/// Where a hash stands: a byte of each table, and the bit in all of them.
fn places(hash: u32) -> ([usize; TABLES], u8) {
    let [first, rest, second, third] = hash.to_le_bytes().map(usize::from);
    let half = (rest >> 7) << 8;
    ([first | half, second | half, third | half], 1 << (rest & 7))
}

/// The matrix that gives eight bits of the hash, from bit `plane * 8` on, in the form of `GF2P8AFFINEQB`: the row for the lowest bit
/// is the highest byte.
fn matrix(columns: &[u32; 8], plane: usize) -> u64 {
    let row = |bit: usize| {
        columns.iter().enumerate().fold(0, |row, (input, column)| {
            let is_set = column >> (plane * 8 + bit) & 1 != 0;
            row | u8::from(is_set) << input
        })
    };
    u64::from_be_bytes(std::array::from_fn(row))
}

fn columns(seed: u64) -> [[u32; 8]; WIDTH] {
    let mut next = chance::numbers(seed);
    std::array::from_fn(|position| {
        std::array::from_fn(|bit| match next() {
            _ if 1 << bit == CASE => 0,
            column if position == WIDTH - 1 => column & LAST_MASK,
            column => column,
        })
    })
}

fn sums(columns: &[[u32; 8]; WIDTH]) -> Box<[[u32; 256]; WIDTH]> {
    let mut sums = Box::new([[0; 256]; WIDTH]);
    for (sums, columns) in sums.iter_mut().zip(columns) {
        for byte in 1..256_usize {
            sums[byte] = sums[byte & (byte - 1)] ^ columns[byte.trailing_zeros() as usize];
        }
    }
    sums
}
