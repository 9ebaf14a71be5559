//! Arbitrary bytes as a delta: applying it never panics or writes outside of the object, and its runs tell the truth.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::pack::delta::{Delta, Instruction};
use rescind::source::git::pack::inflate::Buffer;

/// Objects larger than this only show that memory can be filled.
const LARGEST: u64 = 1 << 20;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (base, bytes) = input;
    let Ok(delta) = Delta::parse(bytes) else { return };
    if delta.result_size > LARGEST {
        return;
    }
    let (mut object, mut runs) = (Buffer::new(), Vec::new());
    if delta.apply(base, &mut object, &mut runs).is_err() {
        assert!(object.is_empty() && runs.is_empty());
        return;
    }
    assert_eq!(object.len() as u64, delta.result_size);
    let mut end = 0;
    for run in &runs {
        assert!(run.length > 0 && run.to >= end);
        end = run.to + run.length;
        assert_eq!(base[run.from..run.from + run.length], object[run.to..end]);
    }
    let inserted = delta.instructions().map(|instruction| match instruction {
        Ok(Instruction::Insert(bytes)) => bytes.len(),
        _ => 0,
    });
    let copied = runs.iter().map(|run| run.length);
    assert_eq!(inserted.chain(copied).sum::<usize>(), object.len());
});
