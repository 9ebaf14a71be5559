//! [`History`]: a scan of every blob, commit message and tag message in the object database, reachable or not.

use super::id::{IdMap, ObjectId, ObjectKind};
use std::sync::{Mutex, PoisonError};

use super::Repository;
use super::objects::{self, Object, Wish};
use super::raw::{self, CommitHeader};
use super::refs::References;
use super::settle::Swept;
use super::visitor::{Visitor, lock};
use crate::diagnostic::Diagnostic;
use crate::source::Collector;
use crate::source::{ScanContext, Source, SourceError};

/// All history of a repository.
pub struct History {
    repository: Repository,
}

impl History {
    /// The history of a repository. Tells whether its object database can be opened.
    pub fn open(repository: Repository) -> Result<Self, SourceError> {
        repository.open_objects()?;
        Ok(Self { repository })
    }
}

impl Source for History {
    fn describe(&self) -> String {
        format!("git history of {}", self.repository.name)
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector) = (&self.repository, context.collector);
        // References first: what they reach now is among the objects listed then, whoever commits or fetches meanwhile.
        let references = References::read(repository, collector);
        let ids = match objects::list(repository, collector) {
            Ok(ids) => ids,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        collector.expect(ids.len() as u64);
        let visitor = Visitor::new(repository, context);
        let sweep = Sweep::default();
        objects::sweep(
            repository,
            &ids,
            collector,
            |id, kind, size| sweep.wish(&visitor, id, kind, size),
            |object| sweep.visit(&visitor, &object, collector),
        );
        tell_shallow(repository, collector);
        sweep.finish().settle(repository, &references, visitor.finish(), &ids, context);
    }
}

/// A scan that could not even begin.
pub(super) fn unopened(repository: &Repository, error: &SourceError) -> Diagnostic {
    Diagnostic::gap("corrupt-object", &*repository.name, error)
}

/// Says what a shallow clone leaves out. All that is there is scanned, so that is no gap.
fn tell_shallow(repository: &Repository, collector: &Collector) {
    if !repository.shallow.is_empty() {
        let reason = "a shallow clone: the history before its edge is not there to be scanned; fetch it with `git fetch --unshallow`, or scan the files alone with `--no-history`";
        collector.diagnose(Diagnostic::gap("shallow-clone", &*repository.name, reason));
    }
}

/// What the pass over the object database notes down beside the findings, on all threads.
#[derive(Default)]
struct Sweep {
    trees: Mutex<Vec<ObjectId>>,
    commits: Mutex<Vec<(ObjectId, CommitHeader)>>,
    tags: Mutex<IdMap<ObjectId>>,
}

impl Sweep {
    fn wish(&self, visitor: &Visitor<'_>, id: ObjectId, kind: ObjectKind, size: u64) -> Wish {
        if kind == ObjectKind::Tree {
            lock(&self.trees).push(id);
        }
        visitor.wish(id, kind, size)
    }

    fn visit(&self, visitor: &Visitor<'_>, object: &Object<'_>, collector: &Collector) {
        let is_well_formed = match object.kind {
            ObjectKind::Commit => {
                let header = CommitHeader::parse(object.bytes);
                header.map(|header| lock(&self.commits).push((object.id, header))).is_some()
            }
            ObjectKind::Tag => {
                let target = raw::tag_target(object.bytes);
                target.map(|target| lock(&self.tags).insert(object.id, target)).is_some()
            }
            _ => true,
        };
        if !is_well_formed {
            let reason = "its header cannot be read";
            collector.diagnose(Diagnostic::gap("corrupt-object", object.id.to_string(), reason));
        }
        visitor.visit(object);
    }

    fn finish(self) -> Swept {
        Swept {
            trees: self.trees.into_inner().unwrap_or_else(PoisonError::into_inner),
            commits: self.commits.into_inner().unwrap_or_else(PoisonError::into_inner),
            tags: self.tags.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}
