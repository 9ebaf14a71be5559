//! A Bloom filter for the windows of all anchors, small enough for the vector registers.
//!
//! Three hashes of twelve bits each, one of the first three bytes of a window and two of all four, each with a table of 4096 bits.
//! The hashes are linear over bits, so that AVX-512 computes them for 64 places at once by multiplication with bit matrices; the
//! case of letters is left out of them by matrices that do not look at its bit. What all tables know is a candidate.
//!
//! [`Bloom::knows`] is the definition; everything faster is tested against it.

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

/// With fewer windows, a third table lets through hardly less than two, and costs a third of the time.
const SPARSE: usize = 512;

/// How many sets of matrices are tried for one that no run of equal bytes passes.
const ATTEMPTS: u64 = 16;

/// Bytes that files hold long runs of.
const RUNS: [u8; 14] = [b' ', 0, 0xff, b'-', b'=', b'*', b'/', b'#', b'0', b'_', b'\t', b'a', b'f', b'\n'];

/// The filter.
pub(super) struct Bloom {
    /// What each byte at each position of a window adds to the hashes.
    sums: Box<[[u32; 256]; WIDTH]>,
    /// The same as matrices: for each eight bits of the hashes one for each position.
    pub(super) matrices: [[u64; WIDTH]; PLANES],
    /// Which hashes occur.
    pub(super) tables: [[u8; TABLE]; TABLES],
    /// Whether there are so few that the first two tables will do.
    pub(super) is_sparse: bool,
}

impl Bloom {
    /// A filter for the windows.
    pub(super) fn new(windows: &[Window]) -> Self {
        let mut best = Self::with_seed(windows, 0);
        for seed in 1..ATTEMPTS {
            if best.known_runs() == 0 {
                break;
            }
            let other = Self::with_seed(windows, seed);
            if other.known_runs() < best.known_runs() {
                best = other;
            }
        }
        best
    }

    fn with_seed(windows: &[Window], seed: u64) -> Self {
        let columns = columns(seed);
        let matrices = std::array::from_fn(|plane| columns.map(|columns| matrix(&columns, plane)));
        let mut bloom =
            Self { sums: sums(&columns), matrices, tables: [[0; TABLE]; TABLES], is_sparse: windows.len() < SPARSE };
        for window in windows {
            if window.is_short {
                for last in 0..=u8::MAX {
                    let [first, second, third, _] = window.bytes;
                    bloom.insert([first, second, third, last]);
                }
            } else {
                bloom.insert(window.bytes);
            }
        }
        bloom
    }

    fn insert(&mut self, bytes: [u8; WIDTH]) {
        let places = places(self.hash(bytes));
        for (table, (byte, bit)) in self.tables.iter_mut().zip(places) {
            table[byte] |= bit;
        }
    }

    /// Whether a window may begin with these bytes.
    pub(super) fn knows(&self, bytes: [u8; WIDTH]) -> bool {
        let mut tables = self.tables.iter().zip(places(self.hash(bytes)));
        tables.all(|(table, (byte, bit))| table[byte] & bit != 0)
    }

    fn known_runs(&self) -> usize {
        RUNS.iter().filter(|byte| self.knows([**byte; WIDTH])).count()
    }

    fn hash(&self, bytes: [u8; WIDTH]) -> u32 {
        self.sums.iter().zip(bytes).fold(0, |hash, (sums, byte)| hash ^ sums[usize::from(byte)])
    }
}

/// Where a hash stands in each table: the byte, and the bit in it.
///
/// Each table has a byte of the hash of its own as the place, as far as one vector instruction looks up. What else they need comes
/// from the same byte for all of them.
fn places(hash: u32) -> [(usize, u8); TABLES] {
    let [first, rest, second, third] = hash.to_le_bytes().map(usize::from);
    let (half, other_half) = (rest >> 7, rest >> 6 & 1);
    let (bit, other_bit) = (rest & 7, rest >> 3 & 7);
    [
        (first | half << 8, 1 << bit),
        (second | other_half << 8, 1 << other_bit),
        (third | (half ^ other_half) << 8, 1 << (bit ^ other_bit)),
    ]
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

/// Pseudo-random columns, always the same for a seed. Nothing about them is secret.
fn columns(seed: u64) -> [[u32; 8]; WIDTH] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    };
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
