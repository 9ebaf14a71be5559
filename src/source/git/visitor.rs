//! [`Visitor`]: looks for credentials in objects as they are read, and keeps what it found until its places are known.

use super::id::{IdSet, ObjectId, ObjectKind};
use super::store::ObjectStore;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Repository;
use super::objects::{self, Object, Wish};
use super::raw;
use crate::detect::Candidate;
use crate::diagnostic::Diagnostic;
use crate::finding::{GitObject, Kind, Location, Locator, Place, SourcePath, TextSpan, escape};
use crate::source::Collector;
use crate::source::ScanContext;
use crate::source::archive;

/// An object with credentials in it.
pub(super) struct Found {
    pub(super) id: ObjectId,
    pub(super) object: GitObject,
    pub(super) hits: Vec<Hit>,
}

/// A credential in an object.
pub(super) struct Hit {
    candidate: Candidate,
    span: TextSpan,
    /// Which member holds it, if the object is an archive: what follows the path of the object.
    member: Option<SourcePath>,
}

impl Hit {
    /// A file that a rule looks for by its path, or a member of an archive.
    pub(super) fn of_file((candidate, span): (Candidate, TextSpan), member: Option<&[u8]>) -> Self {
        Self { candidate, span, member: member.map(SourcePath::new) }
    }

    /// Whether it is all of the object, and not something in it.
    pub(super) fn is_of_file(&self) -> bool {
        self.candidate.kind == Kind::File
    }

    /// Where it stands in the object, or in the member.
    pub(super) fn span(&self) -> &TextSpan {
        &self.span
    }

    /// Whether the object is an archive.
    pub(super) fn is_in_member(&self) -> bool {
        self.member.is_some()
    }

    /// Hands the candidate over, with every place of the object.
    pub(super) fn emit(self, places: &[(Place, SourcePath)], collector: &Collector) {
        let Self { candidate, span, member } = self;
        let locate = |(place, path): &(Place, SourcePath)| {
            let path = match &member {
                Some(member) => SourcePath::new(&[path.as_bytes(), member.as_bytes()].concat()),
                None => path.clone(),
            };
            Location { place: place.clone(), path, span }
        };
        collector.add(candidate, places.iter().map(locate).collect());
    }
}

impl Found {
    /// Hands the candidates over, each with every place of the object.
    pub(super) fn emit(self, places: &[(Place, SourcePath)], collector: &Collector) {
        for hit in self.hits {
            hit.emit(places, collector);
        }
    }
}

/// Shared by the threads of a sweep.
pub(super) struct Visitor<'a> {
    repository: &'a Repository,
    context: &'a ScanContext<'a>,
    /// The blobs that stand at paths which rules look for.
    files: IdSet,
    found: Mutex<Vec<Found>>,
}

impl<'a> Visitor<'a> {
    /// With nothing found yet. `paths` are those that blobs stand at.
    pub(super) fn new<'p>(
        repository: &'a Repository,
        context: &'a ScanContext<'a>,
        paths: impl Iterator<Item = (ObjectId, &'p [u8])>,
    ) -> Self {
        let paths = paths.filter(|_| context.detector.looks_for_files());
        let files = paths.filter(|(_, path)| context.looks_for_file(path)).map(|(id, _)| id).collect();
        Self { repository, context, files, found: Mutex::default() }
    }

    /// Whether an object is to be read. Trees hold no text; what is over the size limit is diagnosed.
    pub(super) fn wish(&self, id: ObjectId, kind: ObjectKind, size: u64) -> Wish {
        let limit = self.context.max_file_size;
        if kind != ObjectKind::Tree && size <= limit {
            return Wish::Read;
        }
        if kind != ObjectKind::Tree {
            too_large(self.context, &self.repository.name, id, size);
        }
        Wish::Leave
    }

    /// Scans the content of a blob, or the message of a commit or tag.
    pub(super) fn visit(&self, object: &Object<'_>) {
        let Some((kind, text)) = text_of(object.kind, object.bytes) else { return };
        self.context.collector.count(text.len() as u64);
        let opened =
            if kind == GitObject::Blob { unpacked(self.context, &self.repository.name, object.id, text) } else { None };
        let mut hits = opened.unwrap_or_else(|| locate(text, self.context.detector.detect(text), None));
        if self.files.contains(&object.id) {
            hits.extend(self.context.whole_file_of(text).into_iter().map(|file| Hit::of_file(file, None)));
        }
        if !hits.is_empty() {
            lock(&self.found).push(Found { id: object.id, object: kind, hits });
        }
    }

    /// Scans these objects, each once, and gives everything found.
    pub(super) fn read_all(self, store: &ObjectStore, ids: &[ObjectId]) -> Vec<Found> {
        let collector = self.context.collector;
        collector.expect(ids.len() as u64);
        objects::read_all(
            store,
            &self.repository.name,
            ids,
            collector,
            |id, kind, size| self.wish(id, kind, size),
            |object| self.visit(&object),
        );
        self.finish()
    }

    /// Everything found, in the order of object ids.
    pub(super) fn finish(self) -> Vec<Found> {
        let mut found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|found| found.id);
        found
    }
}

/// What is scanned of an object: the content of a blob, the message of a commit or tag.
pub(super) fn text_of(kind: ObjectKind, bytes: &[u8]) -> Option<(GitObject, &[u8])> {
    match kind {
        ObjectKind::Blob => Some((GitObject::Blob, bytes)),
        ObjectKind::Commit => Some((GitObject::Commit, raw::message(bytes))),
        ObjectKind::Tag => Some((GitObject::Tag, raw::message(bytes))),
        ObjectKind::Tree => None,
    }
}

/// The candidates with their lines and columns.
pub(super) fn locate(text: &[u8], candidates: Vec<Candidate>, member: Option<&[u8]>) -> Vec<Hit> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let member = member.map(SourcePath::new);
    let mut locator = Locator::new(text);
    let with_span = |candidate: Candidate| {
        let span = locator.locate(candidate.span.start, candidate.span.end);
        Hit { candidate, span, member: member.clone() }
    };
    candidates.into_iter().map(with_span).collect()
}

/// What is found in the members of a blob that is an archive. `None` if it is none, or cannot be opened.
pub(super) fn unpacked(context: &ScanContext<'_>, repository: &str, id: ObjectId, blob: &[u8]) -> Option<Vec<Hit>> {
    if !archive::is_archive(blob) {
        return None;
    }
    let mut members = Members { context, repository, id, hits: Vec::new() };
    archive::walk(b"", blob, &mut members).then_some(members.hits)
}

/// The members of an archive in a repository.
struct Members<'a> {
    context: &'a ScanContext<'a>,
    repository: &'a str,
    id: ObjectId,
    hits: Vec<Hit>,
}

impl archive::Visitor for Members<'_> {
    fn member(&mut self, path: &[u8], content: &[u8]) {
        self.hits.extend(locate(content, self.context.detector.detect(content), Some(path)));
    }

    /// Where the archive stands is not known yet: whoever knows leaves out what no rule looks for.
    fn file(&mut self, path: &[u8], content: &[u8]) {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if self.context.detector.may_look_for_file(name) {
            let files = self.context.whole_file_of(content).into_iter();
            self.hits.extend(files.map(|file| Hit::of_file(file, Some(path))));
        }
    }

    fn trouble(&mut self, path: &[u8], reason: &str) {
        let place = format!("{}: {}{}", self.repository, self.id, escape(path));
        self.context.collector.diagnose(Diagnostic::gap("archive-not-read", place, reason));
    }

    fn goes_on(&self) -> bool {
        !self.context.collector.is_cancelled()
    }
}

/// Tells of an object that is over the size limit. It was expected, and will not come.
pub(super) fn too_large(context: &ScanContext<'_>, repository: &str, id: ObjectId, size: u64) {
    let reason = format!("{size} bytes are more than the limit of {} bytes", context.max_file_size);
    context.collector.diagnose(Diagnostic::gap("file-too-large", format!("{repository}: {id}"), reason));
    context.collector.counters.expected.fetch_sub(1, Relaxed);
}

/// A panic in one thread must not hide what the others found.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
