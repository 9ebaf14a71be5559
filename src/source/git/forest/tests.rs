//! What is told from differences is what the trees themselves say.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::families::{Exploration, Families};
use super::survey::{Change, Child, Ground, Notes};
use crate::source::git::pack::delta::Run;

const HASH_LENGTH: usize = 20;

/// Objects with these numbers are trees, the next ones blobs that something was found in, then other blobs; what comes behind
/// is not there.
const TREES: u8 = 12;
const FOUND: u8 = 15;
const PRESENT: u8 = 20;

/// A tree: names with the numbers of objects.
type Entries = BTreeMap<u8, u8>;

struct Numbers;

impl Ground for Numbers {
    fn number(&self, id: &[u8]) -> Option<u32> {
        id.first().filter(|&&number| number < PRESENT).map(|&number| u32::from(number))
    }

    fn is_found(&self, number: u32) -> bool {
        (u32::from(TREES)..u32::from(FOUND)).contains(&number)
    }

    fn is_looked_for(&self, _name: &[u8]) -> bool {
        false
    }
}

fn bytes(entries: &Entries) -> Vec<u8> {
    let entry = |(name, &object): (&u8, &u8)| {
        let mode = if object < TREES || object % 2 == 1 && object >= PRESENT { "40000" } else { "100644" };
        [format!("{mode} {}\0", char::from(b'a' + name)).as_bytes(), &[object; HASH_LENGTH]].concat()
    };
    entries.iter().map(entry).collect::<Vec<_>>().concat()
}

/// What starts and ends alike in both.
fn runs(base: &[u8], tree: &[u8]) -> Vec<Run> {
    let alike = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let start = alike(&mut base.iter().zip(tree));
    let end = alike(&mut base[start..].iter().rev().zip(tree[start..].iter().rev()));
    let end = Run { from: base.len() - end, to: tree.len() - end, length: end };
    [Run { from: 0, to: 0, length: start }, end].into_iter().filter(|run| run.length > 0).collect()
}

/// Notes the trees down, each as a difference to an earlier one or as a whole. One thread sees all of them, and another one
/// some of them again, as a whole.
fn families(trees: &[(Entries, usize)]) -> Families {
    let (mut all, mut again) = (Notes::default(), Notes::default());
    let mut states = Vec::new();
    for (number, (entries, base)) in (0_u32..).zip(trees) {
        let tree = bytes(entries);
        let state =
            states.get(*base).zip(trees.get(*base)).map(|(state, (base, _))| (state, runs(&bytes(base), &tree)));
        let base = state.as_ref().map(|(state, runs)| (*state, &runs[..]));
        states.push(all.see(&Numbers, number, (&tree, HASH_LENGTH), base, usize::MAX));
        if number % 3 == 0 {
            again.see(&Numbers, number, (&tree, HASH_LENGTH), None, usize::MAX);
        }
    }
    Families::unite(vec![all, again], usize::from(PRESENT))
}

/// An entry as the trees themselves have it: those that do not matter are left out.
fn expected(entries: &Entries, matters: impl Fn(u8) -> bool) -> BTreeSet<(Option<u8>, u8)> {
    let kept = entries.iter().filter(|&(_, &object)| !(FOUND..PRESENT).contains(&object) && matters(object));
    kept.map(|(&name, &object)| ((object < PRESENT).then_some(name), object)).collect()
}

fn told(families: &Families, entries: &[Change]) -> BTreeSet<(Option<u8>, u8)> {
    let entry = |change: &Change| match change.child() {
        Child::Tree(number) | Child::Blob(number) => {
            let name = families.names.get(change.name() as usize).expect("a name")[0] - b'a';
            (Some(name), u8::try_from(number).expect("few"))
        }
        Child::Unknown { place, is_tree } => {
            let object = families.unknown.get(place as usize).expect("an id")[0];
            assert_eq!(is_tree, object % 2 == 1);
            (None, object)
        }
    };
    entries.iter().map(entry).collect()
}

fn trees() -> impl Strategy<Value = Vec<(Entries, usize)>> {
    let count = usize::from(TREES);
    // Trees may name any tree, themselves among them: no hash allows that, but a forged index does.
    let entries = prop::collection::btree_map(0_u8..8, 0_u8..25, 0..8);
    let edits = prop::collection::vec((0_u8..8, prop::option::of(0_u8..25)), 0..3);
    prop::collection::vec((entries, edits, 0_usize..16), count).prop_map(|parts| {
        let mut trees: Vec<(Entries, usize)> = Vec::new();
        for (entries, edits, base) in parts {
            let mut entries = trees.get(base).map_or(entries, |(entries, _)| entries.clone());
            for (name, object) in edits {
                match object {
                    Some(object) => drop(entries.insert(name, object)),
                    None => drop(entries.remove(&name)),
                }
            }
            trees.push((entries, base));
        }
        trees
    })
}

proptest! {
    #[test]
    fn every_way_through_the_families_comes_by_every_entry(
        trees in trees(), order in prop::collection::vec((0_u8..TREES, 0_u32..2), 1..30),
    ) {
        let families = families(&trees);
        let mut exploration = Exploration::default();
        let mut seen = BTreeMap::<u32, BTreeSet<(Option<u8>, u8)>>::new();
        let mut entered = BTreeSet::new();
        for (tree, path) in order {
            let node = families.node(u32::from(tree)).expect("a tree");
            let entries = exploration.enter(&families, node, path);
            prop_assert_eq!(entries.is_some(), entered.insert((tree, path)));
            let entries = told(&families, &entries.unwrap_or_default());
            let whole = expected(&trees[usize::from(tree)].0, |_| true);
            prop_assert!(entries.is_subset(&whole), "{:?} {:?}", entries, whole);
            let seen = seen.entry(path).or_default();
            seen.extend(entries);
            prop_assert!(whole.is_subset(seen), "{:?} {:?}", whole, seen);
        }
    }

    #[test]
    fn trees_lead_where_they_say(trees in trees()) {
        let mut families = families(&trees);
        let leads = families.leading(|child| matches!(child, Child::Blob(_))).expect("shallow");
        let mut expected_leads = BTreeSet::new();
        loop {
            let leads = |object: &u8| (TREES..FOUND).contains(object) || expected_leads.contains(object);
            let more: BTreeSet<u8> = (0..).zip(&trees).filter(|(_, (entries, _))| entries.values().any(leads)).map(|(number, _)| number).collect();
            if more == expected_leads {
                break;
            }
            expected_leads = more;
        }
        let told_leads: BTreeSet<u8> = (0..).zip(&leads).filter(|&(_, &leads)| leads).map(|(number, _)| number).collect();
        prop_assert_eq!(&told_leads, &expected_leads);
        families.keep(&leads);
        for (number, (entries, _)) in (0_u32..).zip(&trees) {
            let node = families.node(number).expect("a tree");
            let branches = Exploration::default().enter(&families, node, 0).expect("new");
            let matters = |object| (TREES..FOUND).contains(&object) || expected_leads.contains(&object);
            prop_assert_eq!(told(&families, &branches), expected(entries, matters));
        }
    }
}

#[test]
fn notes_do_not_grow_over_their_allowance() {
    let mut notes = Notes::default();
    let mut state = None;
    for number in 0..100 {
        // The same trees again and again, each of which the next one has nothing of.
        let entries: Entries = (0..8).map(|name| (name, (name + number % 2) % TREES)).collect();
        let tree = bytes(&entries);
        let base = state.as_ref().map(|state| (state, &[][..]));
        state = Some(notes.see(&Numbers, u32::from(number), (&tree, HASH_LENGTH), base, 1000));
    }
    assert!(notes.is_cut);
    assert!((2..20).contains(&notes.nodes.len()), "{}", notes.nodes.len());
    let families = Families::unite(vec![notes], 100);
    assert!(families.node(99).is_none() && families.node(0).is_some());
}
