//! Arbitrary bytes as a tree and as a delta to another one: reading it with the help of its base gives what reading it whole does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::forest::layout::{Layout, Step};
use rescind::source::git::pack::delta::Delta;
use rescind::source::git::pack::inflate::Buffer;
use rescind::source::git::raw::RawEntry;

/// Trees larger than this only show that memory can be filled.
const LARGEST: u64 = 1 << 16;

fuzz_target!(|input: (&[u8], &[u8], bool)| {
    let (base, delta, is_sha256) = input;
    let hash_length = if is_sha256 { 32 } else { 20 };
    let (base_entries, base_layout) = read(base, hash_length);
    let Ok(delta) = Delta::parse(delta) else { return };
    let (mut tree, mut runs) = (Buffer::new(), Vec::new());
    if delta.result_size > LARGEST || delta.apply(base, &mut tree, &mut runs).is_err() {
        return;
    }
    let (expected, expected_layout) = read(&tree, hash_length);
    let mut entries: Vec<RawEntry<'_>> = Vec::new();
    let mut inherited = 0;
    let layout = Layout::read(&tree, hash_length, Some((&base_layout, &runs)), |step| match step {
        Step::Inherited(range) => {
            assert!(range.start >= inherited && !range.is_empty());
            inherited = range.end;
            entries.extend(&base_entries[range]);
        }
        Step::Read(entry) => entries.push(entry),
    });
    assert_eq!(entries, expected);
    assert_eq!(layout, expected_layout);
});

/// Reads a tree from its start.
fn read(tree: &[u8], hash_length: usize) -> (Vec<RawEntry<'_>>, Layout) {
    let mut entries = Vec::new();
    let layout = Layout::read(tree, hash_length, None, |step| match step {
        Step::Inherited(_) => unreachable!("there is no base"),
        Step::Read(entry) => entries.push(entry),
    });
    (entries, layout)
}
