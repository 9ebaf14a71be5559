//! A filter for vectors without large tables: what each half of a byte may be at each position of a window.
//!
//! The windows are put into sixteen buckets, so that those in a bucket are like each other. A place is a candidate if one bucket allows
//! the lower and the upper half of each of its four bytes. This is the principle of the Teddy algorithm of Hyperscan.

use super::window::{CASE, WIDTH, Window};

/// How many sets of eight buckets there are.
pub(super) const SETS: usize = 2;

/// For each half of a byte, the buckets of a set that allow it.
type Table = [u8; 16];

/// The filter.
pub(super) struct Nibbles {
    /// For the lower halves of the bytes: for each set and position.
    pub(super) low: [[Table; WIDTH]; SETS],
    /// For the upper halves.
    pub(super) high: [[Table; WIDTH]; SETS],
}

/// Which halves of bytes a bucket allows: a bit for each, at each position.
#[derive(Clone, Copy, Default)]
struct Bucket {
    low: [u16; WIDTH],
    high: [u16; WIDTH],
}

impl Bucket {
    fn with(mut self, window: &Window) -> Self {
        for (position, byte) in window.bytes.iter().enumerate() {
            if window.is_short && position == WIDTH - 1 {
                (self.low[position], self.high[position]) = (u16::MAX, u16::MAX);
            } else {
                self.low[position] |= 1 << (byte & 15);
                self.high[position] |= 1 << (byte >> 4) | 1 << ((byte ^ CASE) >> 4);
            }
        }
        self
    }

    /// How many windows of four bytes it lets through.
    fn size(&self) -> u64 {
        let halves = self.low.iter().zip(&self.high);
        halves.map(|(low, high)| u64::from(low.count_ones() * high.count_ones())).product()
    }
}

impl Nibbles {
    /// A filter for the windows.
    pub(super) fn new(windows: &[Window]) -> Self {
        let mut windows: Vec<&Window> = windows.iter().collect();
        windows.sort_unstable_by_key(|window| (window.is_short, window.bytes));
        let mut buckets = [Bucket::default(); SETS * 8];
        for window in windows {
            let growth = |bucket: &Bucket| bucket.with(window).size() - bucket.size();
            if let Some(bucket) = buckets.iter_mut().min_by_key(|bucket| growth(bucket)) {
                *bucket = bucket.with(window);
            }
        }
        let table = |set: usize, position: usize, halves: fn(&Bucket) -> &[u16; WIDTH]| -> Table {
            std::array::from_fn(|half| {
                let set = buckets.iter().skip(set * 8).take(8).enumerate();
                set.fold(0, |table, (index, bucket)| table | ((halves(bucket)[position] >> half & 1) as u8) << index)
            })
        };
        let tables = |halves: fn(&Bucket) -> &[u16; WIDTH]| {
            std::array::from_fn(|set| std::array::from_fn(|position| table(set, position, halves)))
        };
        Self { low: tables(|bucket| &bucket.low), high: tables(|bucket| &bucket.high) }
    }
}
