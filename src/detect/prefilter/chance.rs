//! Filters whose hashes are made by chance: several are tried.

use super::window::WIDTH;

/// How many filters are made at most for one that no run of equal bytes passes.
const ATTEMPTS: u64 = 16;

/// Bytes that files hold long runs of.
const RUNS: [u8; 14] = [b' ', 0, 0xff, b'-', b'=', b'*', b'/', b'#', b'0', b'_', b'\t', b'a', b'f', b'\n'];

/// The first filter that no run of equal bytes passes, or else the one that the fewest pass.
pub(super) fn best<Filter>(make: impl Fn(u64) -> Filter, knows: impl Fn(&Filter, [u8; WIDTH]) -> bool) -> Filter {
    let known_runs = |filter: &Filter| RUNS.iter().filter(|byte| knows(filter, [**byte; WIDTH])).count();
    let mut best = make(0);
    let mut fewest = known_runs(&best);
    for seed in 1..ATTEMPTS {
        if fewest == 0 {
            break;
        }
        let other = make(seed);
        let runs = known_runs(&other);
        if runs < fewest {
            (best, fewest) = (other, runs);
        }
    }
    best
}

/// Pseudo-random numbers, always the same for a seed. Nothing about them is secret.
pub(super) fn numbers(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }
}
