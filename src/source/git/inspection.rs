//! [`Inspection`]: looks for credentials in every object that a sweep comes by, and notes how the objects hang together.

use std::sync::atomic::Ordering::Relaxed;

use super::Repository;
use super::id::{ObjectId, ObjectKind};
use super::raw::{self, CommitHeader};
use super::store::Inventory;
use super::sweep::{Base, Object, Sweeper};
use super::visitor::{Found, locate, text_of, too_large, unpacked};
use crate::detect::Trace;
use crate::diagnostic::Diagnostic;
use crate::finding::GitObject;
use crate::source::archive;
use crate::source::{Collector, ScanContext};

/// What a sweep over blobs, commits and tags works with.
pub(super) struct Inspection<'a> {
    pub(super) context: &'a ScanContext<'a>,
    pub(super) repository: &'a Repository,
    pub(super) inventory: &'a Inventory<'a>,
    /// Whether each object, by number, is to be looked at; all of them if there is nothing here.
    pub(super) is_new: Option<&'a [bool]>,
}

/// How many parents the commits that a thread comes by may have, beside eight for each object. An honest history has few more
/// than commits, but a small pack can hold many large ones that say nothing else.
const MOST_PARENTS: usize = 1 << 20;

/// What one thread noted down, and then all of them.
#[derive(Default)]
pub(super) struct Notes {
    /// In the order of ids.
    pub(super) found: Vec<Found>,
    pub(super) commits: Vec<(ObjectId, CommitHeader)>,
    /// How many parents the commits have.
    parents: usize,
    /// Annotated tags and what they point to.
    pub(super) tags: Vec<(ObjectId, ObjectId)>,
    /// Objects that were too large, by number.
    pub(super) passed_over: Vec<u32>,
    /// What has been looked at since the collector was told.
    items: u64,
    bytes: u64,
}

/// After so many objects the collector is told of them: threads that tell it of each one would wait for each other.
const COUNTED_AT_ONCE: u64 = 256;

impl Notes {
    /// The notes of all threads as one.
    pub(super) fn unite(all: Vec<Self>) -> Self {
        let mut notes = Self::default();
        for own in all {
            notes.items += own.items;
            notes.bytes += own.bytes;
            notes.found.extend(own.found);
            notes.passed_over.extend(own.passed_over);
            notes.commits.extend(own.commits);
            notes.tags.extend(own.tags);
        }
        notes.found.sort_unstable_by_key(|found| found.id);
        notes
    }

    /// Tells the collector what has been looked at.
    pub(super) fn tell(&mut self, collector: &Collector) {
        collector.counters.items.fetch_add(std::mem::take(&mut self.items), Relaxed);
        collector.counters.bytes.fetch_add(std::mem::take(&mut self.bytes), Relaxed);
    }

    /// Takes over what others noted of commits and tags.
    pub(super) fn add_headers(&mut self, other: Self) {
        self.commits.extend(other.commits);
        self.tags.extend(other.tags);
    }
}

impl Inspection<'_> {
    /// One that only notes how some of the commits and tags hang together.
    pub(super) fn of_headers<'b>(&'b self, wanted: &'b [bool]) -> Headers<'b> {
        Headers { inspection: self, wanted }
    }

    /// Notes the header of a commit or tag.
    fn note(&self, notes: &mut Notes, object: &Object<'_>) {
        let Some(id) = self.inventory.id(object.number) else { return };
        let is_well_formed = match object.kind {
            ObjectKind::Commit => {
                let most = MOST_PARENTS.saturating_add(8 * self.inventory.count() as usize);
                let header = CommitHeader::parse(object.bytes);
                let header = header.filter(|header| notes.parents.saturating_add(header.parents.len()) <= most);
                notes.parents += header.as_ref().map_or(0, |header| header.parents.len());
                header.map(|header| notes.commits.push((id, header))).is_some()
            }
            ObjectKind::Tag => raw::tag_target(object.bytes).map(|target| notes.tags.push((id, target))).is_some(),
            ObjectKind::Blob | ObjectKind::Tree => true,
        };
        if !is_well_formed {
            let reason = "its header cannot be read";
            let place = format!("{}: {id}", self.repository.name);
            self.context.collector.diagnose(Diagnostic::gap("corrupt-object", place, reason));
        }
    }
}

impl Sweeper for Inspection<'_> {
    /// What is known of a blob, for the next version of it.
    type State = Option<Trace>;
    type Worker = Notes;

    fn worker(&self) -> Notes {
        Notes::default()
    }

    fn largest(&self, kind: ObjectKind) -> Option<u64> {
        (kind != ObjectKind::Tree).then_some(self.context.max_file_size)
    }

    fn is_wanted(&self, number: u32) -> bool {
        self.is_new.is_none_or(|is_new| is_new.get(number as usize).is_none_or(|&is_new| is_new))
    }

    fn expect(&self, objects: u64) {
        self.context.collector.expect(objects);
    }

    fn is_cancelled(&self) -> bool {
        self.context.collector.is_cancelled()
    }

    fn visit(&self, notes: &mut Notes, object: &Object<'_>, base: Option<Base<'_, Option<Trace>>>) -> Option<Trace> {
        self.note(notes, object);
        let (kind, text) = text_of(object.kind, object.bytes)?;
        let ScanContext { detector, collector, .. } = *self.context;
        notes.items += 1;
        notes.bytes += text.len() as u64;
        if notes.items >= COUNTED_AT_ONCE {
            notes.tell(collector);
        }
        if kind == GitObject::Blob
            && archive::is_archive(text)
            && let Some(id) = self.inventory.id(object.number)
            && let Some(hits) = unpacked(self.context, &self.repository.name, id, text)
        {
            if !hits.is_empty() {
                notes.found.push(Found { id, object: kind, hits });
            }
            return None;
        }
        // Of commits and tags only a part is looked at, and they are seldom built from each other.
        let base = base.filter(|_| self.context.reuses_deltas && kind == GitObject::Blob);
        let trace = match base.and_then(|base| Some((base.state.as_ref()?, base.runs))) {
            Some((known, runs)) => detector.retrace(text, known, runs),
            None => detector.trace(text),
        };
        let candidates = detector.judge(text, &trace);
        if let (false, Some(id)) = (candidates.is_empty(), self.inventory.id(object.number)) {
            notes.found.push(Found { id, object: kind, hits: locate(text, candidates, None) });
        }
        Some(trace)
    }

    fn pass_over(&self, notes: &mut Notes, number: u32, _kind: ObjectKind, size: u64) {
        notes.passed_over.push(number);
        if let Some(id) = self.inventory.id(number) {
            too_large(self.context, &self.repository.name, id, size);
        }
    }
}

/// Notes the headers of commits and tags, and looks for nothing.
pub(super) struct Headers<'a> {
    inspection: &'a Inspection<'a>,
    wanted: &'a [bool],
}

impl Sweeper for Headers<'_> {
    type State = ();
    type Worker = Notes;

    fn worker(&self) -> Notes {
        Notes::default()
    }

    fn largest(&self, kind: ObjectKind) -> Option<u64> {
        matches!(kind, ObjectKind::Commit | ObjectKind::Tag).then_some(self.inspection.context.max_file_size)
    }

    fn is_wanted(&self, number: u32) -> bool {
        self.wanted.get(number as usize).is_some_and(|&is_wanted| is_wanted)
    }

    fn is_cancelled(&self) -> bool {
        self.inspection.is_cancelled()
    }

    fn visit(&self, notes: &mut Notes, object: &Object<'_>, _base: Option<Base<'_, ()>>) {
        self.inspection.note(notes, object);
    }

    /// An earlier scan has told of it.
    fn pass_over(&self, _notes: &mut Notes, _number: u32, _kind: ObjectKind, _size: u64) {}
}
