//! A filter for vectors without large tables: what each half of a byte may be at each position of a window.
//!
//! The windows are put into buckets, so that those in a bucket are like each other. A place is a candidate if one bucket allows
//! the lower and the upper half of each of its four bytes. This is the principle of the Teddy algorithm of Hyperscan.

use super::window::{CASE, WIDTH, Window, frequency};

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

/// How often each window is put into the bucket that suits it best, as the others are by then.
const ROUNDS: usize = 3;

/// So many windows are put into buckets altogether at most, but each once: a millisecond's worth.
const MOST_CHOICES: usize = 1000;

impl Nibbles {
    /// A filter for the windows.
    pub(super) fn new(windows: &[Window]) -> Self {
        let frequencies = Frequencies::of_sources();
        let often = |byte: u8| frequencies.of(byte).max(frequencies.of(byte ^ CASE));
        let often = |window: &Window| window.bytes.iter().map(|&byte| often(byte)).product::<f32>();
        // Those that occur most come first: they do the most damage, and find the buckets empty.
        let mut windows: Vec<(&Window, f32, usize)> = windows.iter().map(|window| (window, often(window), 0)).collect();
        windows.sort_by(|(a, often_a, _), (b, often_b, _)| {
            (b.is_short.cmp(&a.is_short)).then(often_b.total_cmp(often_a)).then_with(|| a.bytes.cmp(&b.bytes))
        });
        // Anchors share windows.
        windows.dedup_by_key(|(window, ..)| (window.is_short, window.bytes));
        let mut buckets: Vec<Bucket> = vec![Bucket::default(); SETS * 8];
        let rounds = MOST_CHOICES.checked_div(windows.len()).unwrap_or(1).clamp(1, ROUNDS);
        for round in 0..rounds {
            for (window, _, place) in &mut windows {
                if round > 0
                    && let Some(bucket) = buckets.get_mut(*place)
                {
                    bucket.remove(&frequencies, window);
                }
                let growth = |bucket: &Bucket| bucket.growth(&frequencies, window);
                let growths = buckets.iter().map(growth).enumerate();
                *place = growths.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(place, _)| place);
                if let Some(bucket) = buckets.get_mut(*place) {
                    bucket.add(&frequencies, window);
                }
            }
        }
        let table = |set: usize, position: usize, allows: fn(&Position, usize) -> bool| -> Table {
            std::array::from_fn(|half| {
                let set = buckets.iter().skip(set * 8).take(8).enumerate();
                set.fold(0, |table, (index, bucket)| table | u8::from(allows(&bucket.0[position], half)) << index)
            })
        };
        let tables = |allows: fn(&Position, usize) -> bool| {
            std::array::from_fn(|set| std::array::from_fn(|position| table(set, position, allows)))
        };
        Self { low: tables(Position::allows_low), high: tables(Position::allows_high) }
    }
}

/// How often each byte occurs in source code, by its upper and its lower half.
struct Frequencies([[f32; 16]; 16]);

impl Frequencies {
    fn of_sources() -> Self {
        Self(std::array::from_fn(|high| {
            std::array::from_fn(|low| u8::try_from(high << 4 | low).map_or(0.0, frequency))
        }))
    }

    fn of(&self, byte: u8) -> f32 {
        self.0[usize::from(byte >> 4)][usize::from(byte & 15)]
    }
}

/// The halves of a byte: the lower one, and the upper ones of both cases.
type Halves = (usize, [usize; 2]);

/// Windows that are told apart from other bytes together.
#[derive(Clone, Copy, Default)]
struct Bucket([Position; WIDTH]);

/// What windows have at one of their positions.
#[derive(Clone, Copy, Default)]
struct Position {
    /// How many of them have each half.
    low: [u16; 16],
    high: [u16; 16],
    /// How many of them have any byte there.
    any: u16,
    /// How often a byte occurs that has each lower half, and one of the upper halves that are allowed; and the other way round.
    with_low: [f32; 16],
    with_high: [f32; 16],
    /// How often a byte occurs that is allowed.
    share: f32,
}

impl Bucket {
    /// The halves of the bytes of a window. `None` for any byte.
    fn halves(window: &Window) -> [Option<Halves>; WIDTH] {
        std::array::from_fn(|position| {
            let byte = window.bytes[position];
            let is_any = window.is_short && position == WIDTH - 1;
            let high = [byte >> 4, (byte ^ CASE) >> 4].map(usize::from);
            (!is_any).then_some((usize::from(byte & 15), high))
        })
    }

    /// How much more often it lets something through with that window.
    fn growth(&self, frequencies: &Frequencies, window: &Window) -> f32 {
        let positions = self.0.iter().zip(Self::halves(window));
        let (before, after) = positions.fold((1.0, 1.0), |(before, after), (position, halves)| {
            let share = position.share;
            (before * share, after * halves.map_or(1.0, |halves| share + position.gain(frequencies, halves)))
        });
        after - before
    }

    fn add(&mut self, frequencies: &Frequencies, window: &Window) {
        for (position, halves) in self.0.iter_mut().zip(Self::halves(window)) {
            position.change(frequencies, halves, 1);
        }
    }

    fn remove(&mut self, frequencies: &Frequencies, window: &Window) {
        for (position, halves) in self.0.iter_mut().zip(Self::halves(window)) {
            position.change(frequencies, halves, -1);
        }
    }
}

impl Position {
    fn allows_low(&self, half: usize) -> bool {
        self.any > 0 || self.low[half] > 0
    }

    fn allows_high(&self, half: usize) -> bool {
        self.any > 0 || self.high[half] > 0
    }

    /// How much more often if these halves are allowed too.
    fn gain(&self, frequencies: &Frequencies, (low, highs): Halves) -> f32 {
        if self.any > 0 {
            return 0.0;
        }
        let is_low_new = self.low[low] == 0;
        let gain_of_high = |high: usize| {
            let corner = if is_low_new { frequencies.0[high][low] } else { 0.0 };
            if self.high[high] == 0 { self.with_high[high] + corner } else { 0.0 }
        };
        let gain_of_low = if is_low_new { self.with_low[low] } else { 0.0 };
        gain_of_low + highs.map(gain_of_high).iter().sum::<f32>()
    }

    /// Counts a window more or less, `by` one. What is allowed changes with the first of a half and with the last.
    fn change(&mut self, frequencies: &Frequencies, halves: Option<Halves>, by: i16) {
        let count = |held: &mut u16| {
            let was_allowed = *held > 0;
            *held = held.saturating_add_signed(by);
            was_allowed != (*held > 0)
        };
        match halves {
            None => _ = count(&mut self.any),
            Some((low, highs)) => {
                if count(&mut self.low[low]) {
                    for (share, row) in self.with_high.iter_mut().zip(&frequencies.0) {
                        *share += f32::from(by) * row[low];
                    }
                }
                for high in highs {
                    if count(&mut self.high[high]) {
                        for (share, frequency) in self.with_low.iter_mut().zip(&frequencies.0[high]) {
                            *share += f32::from(by) * frequency;
                        }
                    }
                }
            }
        }
        let allowed = self.with_low.iter().zip(&self.low).filter(|(_, count)| **count > 0);
        self.share = if self.any > 0 { 1.0 } else { allowed.map(|(share, _)| share).sum() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_of_a_bucket_leaves_nothing_behind() {
        let frequencies = Frequencies::of_sources();
        let window = |text: &str| Window::of_all(&[text.as_bytes().to_vec()]).pop().expect("long enough");
        let mut bucket = Bucket::default();
        bucket.add(&frequencies, &window("toke"));
        let alone = bucket.0.map(|position| position.share);
        for other in ["okey", "://", "toke"] {
            let growth = bucket.growth(&frequencies, &window(other));
            let before: f32 = bucket.0.iter().map(|position| position.share).product();
            bucket.add(&frequencies, &window(other));
            let after: f32 = bucket.0.iter().map(|position| position.share).product();
            assert!((after - before - growth).abs() < 1e-6, "{other}: {growth} was foretold");
            bucket.remove(&frequencies, &window(other));
            let shares = bucket.0.map(|position| position.share);
            assert!(shares.iter().zip(alone).all(|(share, alone)| (share - alone).abs() < 1e-6), "{other}");
        }
    }
}
