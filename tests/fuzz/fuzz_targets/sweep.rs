//! Arbitrary entries, whole or deltas against each other, and arbitrary damage to them: the sweep never panics or hangs, visits
//! nothing twice, and accounts for everything.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::id::ObjectKind;
use rescind::source::git::sweep::{Base, Fault, Object, Objects, PackEntries, Stock, Sweeper, sweep};

/// Objects larger than this only show that memory can be filled.
const LARGEST: u64 = 1 << 16;

struct Accountant;

impl Sweeper for Accountant {
    type State = Vec<u8>;
    type Worker = Vec<u32>;

    fn worker(&self) -> Vec<u32> {
        Vec::new()
    }

    fn largest(&self, _kind: ObjectKind) -> Option<u64> {
        Some(LARGEST)
    }

    fn visit(&self, seen: &mut Vec<u32>, object: &Object<'_>, base: Option<Base<'_, Vec<u8>>>) -> Vec<u8> {
        if let Some(base) = base {
            assert_eq!(base.bytes, base.state);
            for run in base.runs {
                let (from, to) = (run.from..run.from + run.length, run.to..run.to + run.length);
                assert_eq!(base.bytes[from], object.bytes[to]);
            }
        }
        seen.push(object.number);
        object.bytes.to_vec()
    }

    fn pass_over(&self, seen: &mut Vec<u32>, number: u32, _kind: ObjectKind, size: u64) {
        assert!(size > LARGEST);
        seen.push(number);
    }
}

/// Ids are numbers; nothing is loose.
struct Numbers(u32);

impl Objects for Numbers {
    fn number(&self, id: &[u8]) -> Option<u32> {
        id.first().map(|&number| number.into()).filter(|&number| number < self.0)
    }

    fn header(&self, _number: u32) -> Result<(ObjectKind, u64), Fault> {
        Err(Fault::BrokenBase)
    }

    fn read(&self, _number: u32) -> Result<(ObjectKind, Vec<u8>), Fault> {
        Err(Fault::BrokenBase)
    }
}

/// A zlib stream that holds the bytes as they are, so that the fuzzer sees through it.
fn store(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(u16::MAX.into())];
    let length = u16::try_from(bytes.len()).expect("cut above");
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), &byte| {
        let low = (low + u32::from(byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    let checksum = (high << 16 | low).to_be_bytes();
    [&[0x78, 0x01, 0x01], &length.to_le_bytes()[..], &(!length).to_le_bytes(), bytes, &checksum].concat()
}

type Entry<'a> = (u8, u8, &'a [u8]);

fuzz_target!(|input: (Vec<Entry<'_>>, Vec<(u16, u8)>)| {
    let (described, damage) = input;
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    let mut entries: Vec<(u64, u32)> = Vec::new();
    for (number, (kind, base, content)) in (0..).zip(described) {
        let start = pack.len() as u64;
        let size = content.len().min(u16::MAX.into());
        let bits = [size & 0xf | usize::from(kind & 7) << 4 | 0x80, size >> 4 & 0x7f | 0x80, size >> 11];
        pack.extend(bits.map(|bits| u8::try_from(bits).expect("eight bits")));
        match kind & 7 {
            6 => {
                let base = entries.get(usize::from(base)).map_or(0, |&(start, _)| start);
                let mut distance = start - base;
                let low = |distance: u64| u8::try_from(distance & 0x7f).expect("seven bits");
                let mut coded = vec![low(distance)];
                while distance >> 7 > 0 {
                    distance = (distance >> 7) - 1;
                    coded.insert(0, low(distance) | 0x80);
                }
                pack.extend(coded);
            }
            7 => pack.extend([base; 20]),
            _ => {}
        }
        pack.extend(store(content));
        entries.push((start, number));
    }
    for (place, change) in damage {
        if let Some(byte) = pack.get_mut(usize::from(place)) {
            *byte ^= change;
        }
    }
    let count = u32::try_from(entries.len()).expect("few");
    let objects = Numbers(count);
    let stock =
        Stock::new(count, vec![PackEntries::new(&pack, 20, entries)], Vec::new(), &objects);
    let swept = sweep(&stock, &Accountant);
    let troubles = swept.troubles.iter().map(|trouble| trouble.number);
    let mut seen: Vec<u32> = swept.workers.into_iter().flatten().chain(troubles).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..count).collect::<Vec<_>>());
});
