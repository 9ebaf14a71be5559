//! Packs that lie: all of it ends in troubles.

use super::writer::{BLOB, copy, deflate, difference, size};
use super::*;

const BROKEN: &str = "its delta base cannot be read";
const CIRCLE: &str = "its delta bases form a circle";

#[test]
fn circles_are_told() {
    let mut pack = PackWriter::new();
    pack.delta_by_id(0, 1, &difference(b"a", b"b"));
    pack.delta_by_id(1, 2, &difference(b"a", b"b"));
    pack.delta_by_id(2, 0, &difference(b"a", b"b"));
    pack.delta_by_id(3, 3, &difference(b"a", b"b"));
    pack.delta_by_id(4, 0, &difference(b"a", b"b"));
    pack.whole(5, BLOB, b"sound");
    let troubles = [0, 1, 2, 3, 4].map(|number| (number, CIRCLE));
    check(&pack, &[(5, b"sound", None)], &troubles);
}

#[test]
fn circles_across_packs_are_told() {
    let (mut left, mut right) = (PackWriter::new(), PackWriter::new());
    left.delta_by_id(0, 1, &difference(b"a", b"b"));
    right.delta_by_id(1, 0, &difference(b"a", b"b"));
    let (visits, troubles) = sweep_packs(LIMITS, &[&left, &right], &[], &Beside::default(), &Recorder::default());
    assert_eq!((visits, troubles), (vec![], vec![(0, CIRCLE.to_owned()), (1, CIRCLE.to_owned())]));
}

#[test]
fn damage_is_told_with_all_that_is_built_from_it() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"root");
    let damaged =
        pack.entry(1, 6, 20, &[u8::try_from(pack.bytes.len() as u64 - root).expect("close")], b"not a stream");
    let child = pack.delta(2, damaged, &difference(b"root", b"root"));
    pack.delta(3, child, &difference(b"root", b"root"));
    pack.delta(4, root, &difference(b"root", b"sound"));
    check(
        &pack,
        &[(0, b"root", None), (4, b"sound", Some(0))],
        &[(1, "its compressed bytes are damaged"), (2, BROKEN), (3, BROKEN)],
    );
}

#[test]
fn sizes_that_lie_are_told() {
    let mut pack = PackWriter::new();
    let stream = deflate(b"twenty bytes of text");
    pack.entry(0, BLOB, 19, &[], &stream);
    pack.entry(1, BLOB, 21, &[], &stream);
    pack.entry(2, BLOB, 1 << 60, &[], &stream);
    pack.entry(3, BLOB, 20, &[], &stream[..stream.len() - 2]);
    let root = pack.whole(4, BLOB, b"root");
    let lie = |base: u64, result: u64, instructions: &[u8]| [&size(base), &size(result), instructions].concat();
    pack.delta(5, root, &lie(5, 1, b"\x01x"));
    pack.delta(6, root, &lie(4, 2, b"\x01x"));
    pack.delta(7, root, &lie(4, 0, b"\x01x"));
    pack.delta(8, root, &lie(4, 1 << 50, b"\x01x"));
    pack.delta(9, root, &lie(4, 5, &copy(0, 5)));
    pack.delta(10, root, &lie(4, 1, b"\0"));
    pack.delta(11, root, b"");
    check(
        &pack,
        &[(4, b"root", None)],
        &[
            (0, "its size is not the 19 bytes that it claims"),
            (1, "its size is not the 21 bytes that it claims"),
            (2, "its size of 1152921504606846976 bytes is more than its compressed bytes can hold"),
            (3, "its compressed bytes are damaged"),
            (5, "its delta is for a base of 5 bytes"),
            (6, "its delta does not give the 2 bytes that it claims"),
            (7, "its delta does not give the 0 bytes that it claims"),
            (8, "its delta does not give the 1125899906842624 bytes that it claims"),
            (9, "its delta copies from outside of its base"),
            (10, "its delta has the reserved instruction 0"),
            (11, "its delta ends early"),
        ],
    );
}

#[test]
fn objects_that_only_claim_to_be_large_are_told_once() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"root");
    let liar = pack.delta(1, root, &[&size(4)[..], &size(100), b"\x01x"].concat());
    pack.delta(2, liar, &difference(b"x", b"y"));
    let recorder = Recorder { largest: 10, ..Recorder::default() };
    let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &recorder);
    assert_eq!(visits.iter().map(|visit| visit.number).collect::<Vec<_>>(), [0]);
    let wrong_size = "its delta does not give the 100 bytes that it claims".to_owned();
    assert_eq!(troubles, [(1, wrong_size), (2, BROKEN.to_owned())]);
}

#[test]
fn bases_at_no_entry_are_told() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"root");
    pack.delta(1, root + 1, &difference(b"root", b"child"));
    pack.delta(2, 3, &difference(b"root", b"child"));
    pack.entry(3, 6, 5, &[0], &deflate(b"itself"));
    pack.entry(4, 6, 5, &[0xff, 0xff, 0x7f], &deflate(b"before the pack"));
    pack.entry(5, 6, 5, &[0xff; 20], &deflate(b"far before the pack"));
    let outside = "its delta base lies outside of the pack";
    check(
        &pack,
        &[(0, b"root", None)],
        &[
            (1, "its delta base at offset 13 is not an entry of the pack"),
            (2, "its delta base at offset 3 is not an entry of the pack"),
            (3, outside),
            (4, outside),
            (5, "its entry has a number that is too large"),
        ],
    );
}

#[test]
fn entries_anywhere_are_told() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"the content of the root");
    pack.whole(1, BLOB, b"the content of another");
    // Within the first, at the first again, at the end, and behind it.
    pack.starts.extend([(root + 5, 2), (root, 3), (pack.bytes.len() as u64, 4), (1 << 40, 5), (u64::MAX, 6)]);
    let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &Recorder::default());
    assert!(visits.iter().any(|visit| visit.bytes == b"the content of another"));
    let visited = visits.iter().map(|visit| visit.number);
    let mut numbers: Vec<u32> = visited.chain(troubles.iter().map(|&(number, _)| number)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
    let shared = (3, "its entry belongs to another object too".to_owned());
    assert!(troubles.contains(&shared), "{troubles:?}");
}

#[test]
fn objects_that_double_have_an_end() {
    let mut pack = PackWriter::new();
    let mut start = pack.whole(0, BLOB, &[b'x'; 1024]);
    for number in 1..24 {
        let length = 1_usize << (9 + number);
        let doubled = [copy(0, length), copy(0, length)].concat();
        start = pack.delta(number, start, &[size(length as u64), size(2 * length as u64), doubled].concat());
    }
    let (visits, troubles) =
        sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &Recorder { largest: 1 << 16, ..Recorder::default() });
    let passed_over = visits.iter().filter(|visit| visit.passed_over.is_some()).count();
    assert_eq!((visits.len(), passed_over), (11, 4));
    assert_eq!(troubles.len(), 13);
    assert_eq!(troubles[0], (11, "its 2097152 bytes are more than a delta base may have".to_owned()));
    assert!(troubles[1..].iter().all(|(_, text)| text == BROKEN));
}

proptest::proptest! {
    #[test]
    fn damaged_packs_are_swept_to_the_end(
        changes in proptest::collection::vec((12_usize..600, 0_u8..=255), 1..12),
        cut in 300_usize..600,
    ) {
        let mut pack = PackWriter::new();
        let content = |number: u8| [&b"some text that is the same in all, "[..], &[number; 5]].concat();
        let mut starts = vec![pack.whole(0, BLOB, &content(0))];
        for number in 1..10_u8 {
            let base = usize::from(number) * 7 % starts.len();
            let delta = difference(&content(u8::try_from(base).expect("small")), &content(number));
            starts.push(if number % 3 == 0 {
                pack.delta_by_id(number.into(), u32::try_from(base).expect("small"), &delta)
            } else {
                pack.delta(number.into(), starts[base], &delta)
            });
        }
        for (place, byte) in changes {
            if let Some(old) = pack.bytes.get_mut(place) {
                *old = byte;
            }
        }
        pack.bytes.truncate(cut);
        let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &Recorder::default());
        assert_eq!(visits.len() + troubles.len(), 10);
    }
}
