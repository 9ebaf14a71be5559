use std::ops::Range;

use proptest::prelude::*;

use super::search::AnchorSearch;
use super::simd::Engine;
use super::{Prefilter, Sighting};
use crate::rules::RuleSet;

/// What the search has to find, by the definition.
fn expected(anchors: &[Vec<u8>], bytes: &[u8], zone: &Range<usize>) -> Vec<Sighting> {
    let mut sightings = Vec::new();
    for start in zone.clone() {
        for (anchor, text) in (0..).zip(anchors) {
            let found = bytes.get(start..start + text.len());
            if start + text.len() <= zone.end && found.is_some_and(|found| found.eq_ignore_ascii_case(text)) {
                sightings.push(Sighting { start: u32::try_from(start).unwrap(), anchor });
            }
        }
    }
    sightings
}

fn check(anchors: &[Vec<u8>], inputs: &[(&[u8], Range<usize>)]) {
    for engine in Engine::all() {
        let search = AnchorSearch::with(engine, anchors, |_| Vec::new());
        for (bytes, zone) in inputs {
            let mut sightings = Vec::new();
            search.scan(bytes, zone.clone(), &mut sightings);
            assert_eq!(sightings, expected(anchors, bytes, zone), "{engine:?} in {zone:?}");
        }
    }
}

/// Anchors in lower case, ascending and different from each other.
fn anchors() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let anchor = prop_oneof![
        prop::collection::vec(prop::sample::select(&b"ab-_1"[..]), 3..8),
        prop::collection::vec(any::<u8>(), 3..27),
    ];
    prop::collection::btree_set(anchor.prop_map(|anchor| anchor.to_ascii_lowercase()), 0..40)
        .prop_map(|anchors| anchors.into_iter().collect())
}

/// Bytes in which anchors are likely, as they are and in capitals.
fn bytes(anchors: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let capitals = anchors.iter().map(|anchor| anchor.to_ascii_uppercase());
    let mut pieces: Vec<Vec<u8>> = anchors.iter().cloned().chain(capitals).collect();
    pieces.push(b" ".to_vec());
    let piece = prop_oneof![
        prop::sample::select(pieces),
        prop::collection::vec(prop::sample::select(&b"abAB-_1 "[..]), 0..6),
        prop::collection::vec(any::<u8>(), 0..70),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_engine_finds_what_is_there(
        (anchors, bytes) in anchors().prop_flat_map(|anchors| { let bytes = bytes(&anchors); (Just(anchors), bytes) }),
        ends in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let ends = (ends.0.index(bytes.len() + 1), ends.1.index(bytes.len() + 1));
        check(&anchors, &[(&bytes, 0..bytes.len()), (&bytes, ends.0.min(ends.1)..ends.0.max(ends.1))]);
    }
}

#[test]
fn anchors_are_found_at_every_position() {
    let anchors = [b"abc".to_vec(), b"bcde".to_vec(), b"the-longest-of-them".to_vec()];
    let mut inputs = Vec::new();
    for length in [3, 4, 19, 31, 32, 33, 63, 64, 65, 66, 67, 68, 127, 128, 129, 130, 131, 200, 260] {
        for anchor in &anchors {
            for start in 0..=length - anchor.len().min(length) {
                let mut bytes = vec![b'.'; length];
                let end = (start + anchor.len()).min(length);
                bytes[start..end].copy_from_slice(&anchor[..end - start]);
                inputs
                    .push((bytes, [0..length, start..end, 0..end.saturating_sub(1), start + 1..length.max(start + 1)]));
            }
        }
    }
    let inputs: Vec<(&[u8], Range<usize>)> =
        inputs.iter().flat_map(|(bytes, zones)| zones.iter().map(|zone| (bytes.as_slice(), zone.clone()))).collect();
    check(&anchors, &inputs);
}

#[test]
fn zones_outside_the_bytes_hold_nothing() {
    let search = AnchorSearch::new(&[b"abc".to_vec()], |_| Vec::new());
    let mut sightings = Vec::new();
    for zone in [3..3, 4..9, 9..12, usize::MAX - 1..usize::MAX, Range { start: 2, end: 1 }] {
        search.scan(b"abc", zone, &mut sightings);
    }
    assert_eq!(sightings, []);
    search.scan(b"abc", 0..usize::MAX, &mut sightings);
    assert_eq!(sightings, [Sighting { start: 0, anchor: 0 }]);
}

#[test]
fn crowded_bytes_are_searched_whole() {
    let anchors = [b"aaa".to_vec(), b"aaaa".to_vec(), b"aaaaaaaaaaaa".to_vec()];
    check(&anchors, &[(&[b'a'; 1000], 0..1000), (&[b'A'; 100], 3..99)]);
}

#[test]
fn a_spelling_that_nobody_wants_is_not_sighted() {
    let spellings =
        |anchor| if anchor == 0 { vec![b"AbC".as_slice().into(), b"abC".as_slice().into()] } else { Vec::new() };
    let search = AnchorSearch::new(&[b"abc".to_vec(), b"xyz".to_vec()], spellings);
    let mut sightings = Vec::new();
    search.scan(b"abc AbC xYz abC ABC", 0..19, &mut sightings);
    let found: Vec<(u32, u16)> = sightings.iter().map(|sighting| (sighting.start, sighting.anchor)).collect();
    assert_eq!(found, [(4, 0), (8, 1), (12, 0)]);
}

#[test]
fn all_anchors_of_the_rules_are_found() {
    let rules = RuleSet::load(&[]).expect("the rules of the binary");
    let prefilter = Prefilter::new(rules.rules.iter().map(AsRef::as_ref));
    for (anchor, text) in (0..).zip(&prefilter.anchors) {
        let exact = prefilter.claims(anchor).first().and_then(|(_, exact)| exact.clone());
        let spelled = exact.unwrap_or_else(|| text.to_ascii_uppercase().into());
        let bytes = [b"x\n ".as_slice(), &spelled, b"\""].concat();
        let mut sightings = Vec::new();
        prefilter.scan(&bytes, 0..bytes.len(), &mut sightings);
        assert!(sightings.contains(&Sighting { start: 3, anchor }), "{anchor} is not found");
    }
}
