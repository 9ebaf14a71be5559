//! [`Authors`]: who wrote the commits and tags that something was found in.

use std::sync::{Arc, Mutex};

use super::id::{IdMap, ObjectId};
use super::store::{ObjectStore, Reader};
use super::visitor::lock;
use super::{objects, raw};
use crate::finding::CommitInfo;
use crate::source::Collector;

/// Reads the authors of commits, each once. Only for what was found: authors are not kept while the history is swept.
pub(super) struct Authors<'a> {
    reader: &'a Reader<'a>,
    known: IdMap<Option<Arc<CommitInfo>>>,
}

impl<'a> Authors<'a> {
    /// With nothing read yet.
    pub(super) fn new(reader: &'a Reader<'a>) -> Self {
        Self { reader, known: IdMap::default() }
    }

    /// Reads the authors of these commits on all threads. Others are read when they are asked for.
    pub(super) fn read_ahead(&mut self, commits: &[ObjectId], store: &ObjectStore, collector: &Collector) {
        let known = Mutex::new(&mut self.known);
        objects::for_each(store, commits, collector, |reader, &commit| {
            let author = person(reader, commit, commit);
            lock(&known).insert(commit, author);
        });
    }

    /// Id, author and author date of a commit; `None` if it cannot be read.
    pub(super) fn of_commit(&mut self, commit: ObjectId) -> Option<Arc<CommitInfo>> {
        let reader = self.reader;
        self.known.entry(commit).or_insert_with(|| person(reader, commit, commit)).clone()
    }

    /// The tagger of a tag, under the id of the commit that it names.
    pub(super) fn of_tag(&mut self, tag: ObjectId, commit: ObjectId) -> Option<Arc<CommitInfo>> {
        person(self.reader, tag, commit)
    }
}

fn person(reader: &Reader<'_>, object: ObjectId, commit: ObjectId) -> Option<Arc<CommitInfo>> {
    let (_, bytes) = reader.read(object).ok()?;
    let author = raw::author(&bytes)?;
    Some(Arc::new(CommitInfo { id: commit.to_string().into(), author: author.display(), date: author.date() }))
}
