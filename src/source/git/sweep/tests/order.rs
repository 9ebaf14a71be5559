//! What is visited, what of it is inherited, and how much is held meanwhile.

use super::writer::{BLOB, TREE, difference};
use super::*;

/// A chain in which each object has one byte more than the one it is built from.
fn chain(pack: &mut PackWriter, length: u32) -> Vec<Vec<u8>> {
    let contents: Vec<Vec<u8>> =
        (0..length).map(|number| b"0123456789".repeat(100)[..900 + number as usize % 90].to_vec()).collect();
    let mut start = pack.whole(0, BLOB, &contents[0]);
    for (number, pair) in (1..).zip(contents.windows(2)) {
        start = pack.delta(number, start, &difference(&pair[0], &pair[1]));
    }
    contents
}

#[test]
fn children_are_visited_with_what_they_inherit() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"one two three");
    let child = pack.delta(1, root, &difference(b"one two three", b"one 2 three"));
    pack.delta(2, root, &difference(b"one two three", b"one two 3"));
    pack.delta(3, child, &difference(b"one 2 three", b"1 2 three"));
    check(
        &pack,
        &[
            (0, b"one two three", None),
            (1, b"one 2 three", Some(0)),
            (2, b"one two 3", Some(0)),
            (3, b"1 2 three", Some(1)),
        ],
        &[],
    );
}

#[test]
fn bases_by_id_are_found_before_behind_and_elsewhere() {
    for hash_length in [20, 32] {
        let mut pack = PackWriter { hash_length, ..PackWriter::new() };
        pack.delta_by_id(0, 1, &difference(b"behind", b"from behind"));
        pack.whole(1, BLOB, b"behind");
        pack.delta_by_id(2, 1, &difference(b"behind", b"before"));
        pack.delta_by_id(3, 0, &difference(b"from behind", b"from a delta"));
        pack.delta_by_id(4, 10, &difference(b"elsewhere", b"else"));
        pack.delta_by_id(5, 20, &difference(b"loose", b"loosely"));
        pack.delta_by_id(6, 30, &difference(b"nowhere", b"here"));
        pack.delta_by_id(7, 6, &difference(b"here", b"nor here"));
        let mut other = PackWriter { hash_length, ..PackWriter::new() };
        other.whole(10, BLOB, b"elsewhere");
        let beside = Beside::with(&[(20, ObjectKind::Tag, b"loose")]);
        let (visits, troubles) = sweep_packs(LIMITS, &[&pack, &other], &[20], &beside, &Recorder::default());
        let visits: Vec<_> = visits
            .iter()
            .map(|visit| (visit.number, visit.kind.expect("a kind"), &visit.bytes[..], visit.base))
            .collect();
        let expected: [(u32, ObjectKind, &[u8], Option<u32>); 8] = [
            (0, ObjectKind::Blob, b"from behind", Some(1)),
            (1, ObjectKind::Blob, b"behind", None),
            (2, ObjectKind::Blob, b"before", Some(1)),
            (3, ObjectKind::Blob, b"from a delta", Some(0)),
            (4, ObjectKind::Blob, b"else", Some(10)),
            (5, ObjectKind::Tag, b"loosely", Some(20)),
            (10, ObjectKind::Blob, b"elsewhere", None),
            (20, ObjectKind::Tag, b"loose", None),
        ];
        assert_eq!(visits, expected);
        let missing = format!("its delta base `0000001e{}` is missing", "00".repeat(hash_length - 4));
        assert_eq!(troubles, [(6, missing), (7, "its delta base cannot be read".to_owned())]);
    }
}

#[test]
fn copies_are_visited_once() {
    let mut large = PackWriter::new();
    let root = large.whole(0, BLOB, b"here and there");
    large.delta(1, root, &difference(b"here and there", b"here"));
    large.whole(2, BLOB, b"only here");
    let mut small = PackWriter::new();
    let copy = small.entry(0, BLOB, 14, &[], b"never inflated");
    small.delta(3, copy, &difference(b"here and there", b"there"));
    let beside = Beside::with(&[(0, ObjectKind::Blob, b"here and there"), (1, ObjectKind::Blob, b"here")]);
    let (visits, troubles) = sweep_packs(LIMITS, &[&small, &large], &[0, 1], &beside, &Recorder::default());
    let seen: Vec<_> = visits.iter().map(|visit| (visit.number, visit.base)).collect();
    // What is built from the copy is built from the one that was visited.
    assert_eq!((seen, troubles), (vec![(0, None), (1, Some(0)), (2, None), (3, Some(0))], vec![]));
}

#[test]
fn copies_make_up_for_damage() {
    let mut damaged = PackWriter::new();
    let root = damaged.entry(0, BLOB, 4, &[], b"not a stream");
    damaged.delta(1, root, &difference(b"root", b"child"));
    damaged.entry(2, 5, 0, &[], &[]);
    damaged.delta(3, root, &difference(b"root", b"root 3"));
    let mut sound = PackWriter::new();
    sound.whole(0, BLOB, b"root");
    sound.whole(2, BLOB, b"two");
    let beside = Beside::with(&[(0, ObjectKind::Blob, b"root"), (1, ObjectKind::Blob, b"child")]);
    let (visits, troubles) = sweep_packs(LIMITS, &[&damaged, &sound], &[], &beside, &Recorder::default());
    let seen: Vec<_> = visits.iter().map(|visit| (visit.number, &visit.bytes[..])).collect();
    assert_eq!(seen, [(0, &b"root"[..]), (1, b"child"), (2, b"two")]);
    assert_eq!(troubles, [(3, "its delta base cannot be read".to_owned())]);
}

#[test]
fn loose_objects_that_cannot_be_read_are_told() {
    let mut beside = Beside::with(&[(0, ObjectKind::Commit, b"whole")]);
    beside.0.insert(1, (None, Vec::new()));
    let (visits, troubles) = sweep_packs(LIMITS, &[], &[0, 1, 2], &beside, &Recorder::default());
    assert_eq!(visits.iter().map(|visit| visit.number).collect::<Vec<_>>(), [0]);
    assert_eq!(troubles, [(1, "damaged".to_owned()), (2, "not there".to_owned())]);
}

#[test]
fn families_of_other_kinds_are_not_inflated() {
    let mut pack = PackWriter::new();
    let root = pack.entry(0, TREE, 4, &[], b"not a stream");
    pack.entry(1, 6, 4, &[u8::try_from(pack.bytes.len() as u64 - root).expect("close")], b"nor this");
    pack.whole(2, BLOB, b"wanted");
    let beside = Beside::with(&[(3, ObjectKind::Tree, b""), (4, ObjectKind::Blob, b"loose")]);
    let recorder = Recorder { kinds: vec![ObjectKind::Blob], ..Recorder::default() };
    let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[3, 4], &beside, &recorder);
    assert_eq!(visits.iter().map(|visit| visit.number).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(troubles, []);
}

#[test]
fn only_the_way_to_what_is_wanted_is_inflated() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, b"root");
    let way = pack.delta(1, root, &difference(b"root", b"way"));
    pack.delta(2, way, &difference(b"way", b"wanted"));
    let aside = pack.delta(3, root, b"not a delta");
    pack.delta(4, aside, b"nor this");
    pack.entry(5, BLOB, 4, &[], b"not a stream");
    let recorder = Recorder { wanted: Some([2].into()), ..Recorder::default() };
    let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &recorder);
    assert_eq!(visits.iter().map(|visit| (visit.number, visit.base)).collect::<Vec<_>>(), [(2, None)]);
    assert_eq!(troubles, []);
}

#[test]
fn size_limits_are_those_of_each_object() {
    let mut pack = PackWriter::new();
    let root = pack.whole(0, BLOB, &[b'x'; 100]);
    let small = pack.delta(1, root, &difference(&[b'x'; 100], &[b'x'; 10]));
    pack.delta(2, small, &difference(&[b'x'; 10], &[b'x'; 11]));
    pack.delta(3, small, &difference(&[b'x'; 10], &[b'x'; 9]));
    pack.entry(4, BLOB, 200, &[], b"never inflated");
    let recorder = Recorder { largest: 10, ..Recorder::default() };
    let (visits, troubles) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &recorder);
    let seen: Vec<_> = visits.iter().map(|visit| (visit.number, visit.base, visit.passed_over)).collect();
    let expected =
        [(0, None, Some(100)), (1, None, None), (2, None, Some(11)), (3, Some(1), None), (4, None, Some(200))];
    assert_eq!((&seen[..], &troubles[..]), (&expected[..], &[][..]));
}

#[test]
fn the_sweep_stops_when_told_to() {
    let mut pack = PackWriter::new();
    chain(&mut pack, 50);
    let recorder = Recorder { stops_after: 7, ..Recorder::default() };
    let (visits, _) = sweep_packs(LIMITS, &[&pack], &[], &Beside::default(), &recorder);
    assert_eq!(visits.len(), 7);
}

#[test]
fn chains_of_any_length_need_two_objects() {
    let mut pack = PackWriter::new();
    let contents = chain(&mut pack, 5000);
    // Less than two of them, so that nothing could be held on to.
    let limits = Limits { largest_base: 2000, memory: 1 };
    let (visits, troubles) = sweep_packs(limits, &[&pack], &[], &Beside::default(), &Recorder::default());
    assert_eq!(troubles, []);
    assert_eq!(visits.into_iter().map(|visit| visit.bytes).collect::<Vec<_>>(), contents);
}

/// A tree in which each node has two children.
fn binary_tree(pack: &mut PackWriter, depth: u32, content: impl Fn(u32) -> Vec<u8>) {
    let mut starts = vec![pack.whole(0, BLOB, &content(0))];
    for number in 1..(1 << depth) - 1 {
        let base = (number - 1) / 2;
        let delta = difference(&content(base), &content(number));
        starts.push(pack.delta(number, starts[base as usize], &delta));
    }
}

#[test]
fn what_does_not_fit_is_built_again() {
    let content = |number: u32| [vec![b'x'; 1000], number.to_be_bytes().to_vec()].concat();
    let mut pack = PackWriter::new();
    binary_tree(&mut pack, 7, content);
    for memory in [1500, 3000, 10_000] {
        let limits = Limits { largest_base: 2000, memory };
        let (visits, troubles) = sweep_packs(limits, &[&pack], &[], &Beside::default(), &Recorder::default());
        assert_eq!(troubles, []);
        assert_eq!(visits.len(), 127);
        assert!(visits.iter().all(|visit| visit.bytes == content(visit.number)));
    }
}

#[test]
fn building_again_has_an_end() {
    let content = |number: u32| [vec![b'x'; 1000], number.to_be_bytes().to_vec()].concat();
    let mut pack = PackWriter::new();
    binary_tree(&mut pack, 10, content);
    let limits = Limits { largest_base: 2000, memory: 1 };
    let (visits, troubles) = sweep_packs(limits, &[&pack], &[], &Beside::default(), &Recorder::default());
    assert_eq!(visits.len() + troubles.len(), 1023);
    assert!(troubles.iter().any(|(_, text)| text == "its delta bases take too much memory"), "{troubles:?}");
}
