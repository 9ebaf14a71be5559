//! [`Authors`]: who wrote the commits and tags that something was found in.

use std::sync::Arc;

use git2::{Odb, Oid};

use super::objects::{self, OidMap};
use super::raw;
use crate::finding::CommitInfo;

/// Reads the authors of commits, each once. Only for what was found: authors are not kept while the history is swept.
pub(super) struct Authors<'a> {
    odb: &'a Odb<'a>,
    known: OidMap<Option<Arc<CommitInfo>>>,
}

impl<'a> Authors<'a> {
    /// With nothing read yet.
    pub(super) fn new(odb: &'a Odb<'a>) -> Self {
        Self { odb, known: OidMap::default() }
    }

    /// Id, author and author date of a commit; `None` if it cannot be read.
    pub(super) fn of_commit(&mut self, commit: Oid) -> Option<Arc<CommitInfo>> {
        let odb = self.odb;
        self.known.entry(commit).or_insert_with(|| person(odb, commit, commit)).clone()
    }

    /// The tagger of a tag, under the id of the commit that it names.
    pub(super) fn of_tag(&mut self, tag: Oid, commit: Oid) -> Option<Arc<CommitInfo>> {
        person(self.odb, tag, commit)
    }
}

fn person(odb: &Odb<'_>, object: Oid, commit: Oid) -> Option<Arc<CommitInfo>> {
    let (_, bytes) = objects::read(odb, object).ok()?;
    let author = raw::author(&bytes)?;
    Some(Arc::new(CommitInfo { id: commit.to_string().into(), author: author.display(), date: author.date() }))
}
