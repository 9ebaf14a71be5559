//! Sweeps of packs that the tests write themselves, honest and hostile, and of packs that git makes.

mod hostile;
mod made_by_git;
mod order;
mod writer;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use self::writer::{PackWriter, id};
use super::*;

/// Limits that no test reaches by chance.
const LIMITS: Limits = Limits { largest_base: 1 << 20, memory: 1 << 20 };

/// Objects beside the packs: what is loose, and what the store finds elsewhere.
#[derive(Default)]
struct Beside(BTreeMap<u32, (Option<ObjectKind>, Vec<u8>)>);

impl Beside {
    fn with(objects: &[(u32, ObjectKind, &[u8])]) -> Self {
        Self(objects.iter().map(|&(number, kind, bytes)| (number, (Some(kind), bytes.to_vec()))).collect())
    }

    fn kind(&self, number: u32) -> Result<(ObjectKind, &[u8]), Fault> {
        let unread = Fault::Unread { is_missing: true, reason: "not there".to_owned() };
        let (kind, bytes) = self.0.get(&number).ok_or(unread)?;
        Ok((kind.ok_or(Fault::Unread { is_missing: false, reason: "damaged".to_owned() })?, bytes))
    }
}

impl Objects for Beside {
    fn number(&self, bytes: &[u8]) -> Option<u32> {
        let number = u32::from_be_bytes(*bytes.first_chunk()?);
        // The tests number their objects from 0.
        (bytes == id(number, bytes.len()) && number < 1_000_000).then_some(number)
    }

    fn header(&self, number: u32) -> Result<(ObjectKind, u64), Fault> {
        self.kind(number).map(|(kind, bytes)| (kind, bytes.len() as u64))
    }

    fn read(&self, number: u32) -> Result<(ObjectKind, Vec<u8>), Fault> {
        self.kind(number).map(|(kind, bytes)| (kind, bytes.to_vec()))
    }
}

/// Notes down all visits, and checks what each is told of its base.
struct Recorder {
    kinds: Vec<ObjectKind>,
    largest: u64,
    wanted: Option<HashSet<u32>>,
    /// Stops when so many objects have been visited.
    stops_after: usize,
    visited: AtomicUsize,
}

impl Default for Recorder {
    fn default() -> Self {
        let kinds = vec![ObjectKind::Commit, ObjectKind::Tree, ObjectKind::Blob, ObjectKind::Tag];
        Self { kinds, largest: u64::MAX, wanted: None, stops_after: usize::MAX, visited: AtomicUsize::new(0) }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Visit {
    number: u32,
    kind: Option<ObjectKind>,
    bytes: Vec<u8>,
    /// The number of the base that it was shown with.
    base: Option<u32>,
    /// How large it is, if it was passed over.
    passed_over: Option<u64>,
}

impl Sweeper for Recorder {
    type State = Vec<u8>;
    type Worker = Vec<Visit>;

    fn worker(&self) -> Vec<Visit> {
        Vec::new()
    }

    fn largest(&self, kind: ObjectKind) -> Option<u64> {
        self.kinds.contains(&kind).then_some(self.largest)
    }

    fn is_wanted(&self, number: u32) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&number))
    }

    fn is_cancelled(&self) -> bool {
        self.visited.load(Relaxed) >= self.stops_after
    }

    fn visit(&self, visits: &mut Vec<Visit>, object: &Object<'_>, base: Option<Base<'_, Vec<u8>>>) -> Vec<u8> {
        self.visited.fetch_add(1, Relaxed);
        if let Some(base) = &base {
            assert_eq!(base.bytes, base.state, "the state is that of the base");
            let mut end = 0;
            for run in base.runs {
                assert!(run.length > 0 && run.to >= end, "runs ascend");
                end = run.to + run.length;
                assert_eq!(base.bytes[run.from..run.from + run.length], object.bytes[run.to..end]);
            }
        }
        visits.push(Visit {
            number: object.number,
            kind: Some(object.kind),
            bytes: object.bytes.to_vec(),
            base: base.map(|base| base.number),
            passed_over: None,
        });
        object.bytes.to_vec()
    }

    fn pass_over(&self, visits: &mut Vec<Visit>, number: u32, kind: ObjectKind, size: u64) {
        visits.push(Visit { number, kind: Some(kind), passed_over: Some(size), ..Visit::default() });
    }
}

/// Sweeps packs, and gives all visits in the order of their numbers, and the troubles as text.
fn sweep_packs(
    limits: Limits,
    packs: &[&PackWriter],
    loose: &[u32],
    beside: &Beside,
    recorder: &Recorder,
) -> (Vec<Visit>, Vec<(u32, String)>) {
    let packs: Vec<_> = packs.iter().map(|pack| pack.entries()).collect();
    let stock = Stock::new(10_000, packs, loose.to_vec(), beside);
    let swept = sweep_within(limits, &Plan::of(&stock, recorder), &stock, recorder);
    let mut visits: Vec<Visit> = swept.workers.into_iter().flatten().collect();
    visits.sort_by_key(|visit| visit.number);
    assert!(visits.windows(2).all(|pair| pair[0].number != pair[1].number), "each is visited once");
    (visits, swept.troubles.into_iter().map(|trouble| (trouble.number, trouble.fault.to_string())).collect())
}

/// Sweeps one pack for everything. Expects these objects, with the numbers of the bases that they are shown with, and these
/// troubles.
fn check(pack: &PackWriter, expected: &[(u32, &[u8], Option<u32>)], troubles: &[(u32, &str)]) {
    let (visits, found) = sweep_packs(LIMITS, &[pack], &[], &Beside::default(), &Recorder::default());
    let visits: Vec<_> = visits.iter().map(|visit| (visit.number, &visit.bytes[..], visit.base)).collect();
    assert_eq!(visits, expected);
    let found: Vec<_> = found.iter().map(|(number, text)| (*number, &text[..])).collect();
    assert_eq!(found, troubles);
}
