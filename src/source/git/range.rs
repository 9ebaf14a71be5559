//! [`Range`]: what the commits of a range brought in, their messages, and those of the tags that name its end.
//!
//! A commit brings in what its tree has and none of its parents' trees has at the same path, so what only a merge holds is the
//! merge's. What the commits before the range held already, under whatever name, is not brought in.

use std::sync::Arc;

use super::Repository;
use super::authors::Authors;
use super::history::unopened;
use super::id::{IdMap, ObjectId};
use super::introduced::introduced;
use super::refs::{References, Revision, resolve};
use super::snapshot::Snapshot;
use super::visitor::Visitor;
use super::walk::{ancestors, commits_between};
use crate::diagnostic::Diagnostic;
use crate::finding::{GitObject, GitPlace, Place, SourcePath};
use crate::source::{ScanContext, Source, SourceError};

/// The commits that one of `tips` reaches and none of `before` does.
pub struct Range {
    repository: Repository,
    before: Vec<ObjectId>,
    tips: Vec<ObjectId>,
    /// The annotated tags that name the tips, with these.
    tags: IdMap<ObjectId>,
}

impl Range {
    /// `--since REV`: the commits up to HEAD that are not part of REV's history.
    pub fn since(repository: Repository, revision: &str) -> Result<Self, SourceError> {
        Self::between(repository, revision, "HEAD")
    }

    /// `--range A..B`. An end left out is HEAD. An `A` of zeros, which servers send for a new branch, excludes nothing.
    pub fn parse(repository: Repository, range: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError::Range { range: range.to_owned() };
        let (first, last) = range.split_once("..").ok_or_else(wrong)?;
        if last.starts_with('.') {
            return Err(wrong());
        }
        let or_head = |revision: &str| if revision.is_empty() { "HEAD".to_owned() } else { revision.to_owned() };
        Self::between(repository, &or_head(first), &or_head(last))
    }

    fn between(repository: Repository, first: &str, last: &str) -> Result<Self, SourceError> {
        let is_zero = !first.is_empty() && first.bytes().all(|byte| byte == b'0');
        let before = if is_zero { Vec::new() } else { vec![resolve(&repository, first)?] };
        let tips = vec![resolve(&repository, last)?];
        Ok(Self::of(repository, before, tips))
    }

    /// What a push would send: the commits that `tips` reach and that are not part of the history of `known`.
    pub fn pushed(repository: Repository, tips: &[String], known: &[String]) -> Result<Self, SourceError> {
        let all = |revisions: &[String]| -> Result<Vec<Revision>, SourceError> {
            revisions.iter().map(|revision| resolve(&repository, revision)).collect()
        };
        let (tips, before) = (all(tips)?, all(known)?);
        Ok(Self::of(repository, before, tips))
    }

    fn of(repository: Repository, before: Vec<Revision>, tips: Vec<Revision>) -> Self {
        let tags = tips.iter().flat_map(|tip| tip.tags.iter().map(|&tag| (tag, tip.commit)));
        let mut tags: IdMap<ObjectId> = tags.collect();
        for known in before.iter().flat_map(|before| &before.tags) {
            tags.remove(known);
        }
        let commits = |revisions: Vec<Revision>| revisions.into_iter().map(|revision| revision.commit).collect();
        Self { repository, before: commits(before), tips: commits(tips), tags }
    }
}

impl Source for Range {
    fn describe(&self) -> String {
        let name = &self.repository.name;
        match (&self.before[..], &self.tips[..]) {
            ([before], [last]) => format!("commits {}..{} of {name}", short(*before), short(*last)),
            ([], [last]) => format!("commits up to {} of {name}", short(*last)),
            _ => format!("new commits of {name}"),
        }
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector) = (&self.repository, context.collector);
        let store = match repository.open_objects() {
            Ok(store) => store,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let reader = store.reader();
        let commits = commits_between(repository, &reader, &self.before, &self.tips, collector);
        if commits.iter().any(|(id, _)| repository.shallow.contains(id)) {
            // More is scanned than those commits brought in, but commits of the range may lie behind the edge.
            let reason = "the range reaches the edge of a shallow clone: what lies behind it is not there to be scanned, \
                          and all files at the edge count as brought in";
            collector.diagnose(Diagnostic::gap("shallow-clone", &*repository.name, reason));
        }
        let introduced = introduced(repository, &store, commits, collector);
        let mut ids: Vec<ObjectId> =
            introduced.blobs.keys().chain(&introduced.commits).chain(self.tags.keys()).copied().collect();
        ids.sort_unstable();
        let paths = introduced.blobs.iter().flat_map(|(id, at)| at.iter().map(|(path, _)| (*id, path.as_slice())));
        let found = Visitor::new(repository, context, paths).read_all(&store, &ids);
        if found.is_empty() {
            return;
        }
        let head_commit = References::head(repository);
        let mut head = Snapshot::of(&reader, head_commit);
        let mut head_history = None;
        let mut authors = Authors::new(&reader);
        for found in found {
            let oid: Arc<str> = found.id.to_string().into();
            let mut place = |commit, in_head| {
                let (repository, object) = (repository.name.clone(), found.object);
                let commit = match object {
                    GitObject::Tag => authors.of_tag(found.id, commit),
                    GitObject::Blob | GitObject::Commit => authors.of_commit(commit),
                };
                // Whoever names a range holds its last commit in hand, with or without a reference.
                Place::Git(GitPlace {
                    repository,
                    object,
                    oid: oid.clone(),
                    commit,
                    in_head: Some(in_head),
                    reachable: Some(true),
                    branches: None,
                })
            };
            let places: Vec<(Place, SourcePath)> = match found.object {
                GitObject::Blob => {
                    let at = introduced.blobs.get(&found.id).map_or(&[][..], Vec::as_slice);
                    at.iter()
                        .map(|(path, commit)| {
                            (place(*commit, head.blob(path) == Some(found.id)), SourcePath::new(path))
                        })
                        .collect()
                }
                GitObject::Tag => {
                    let commit = self.tags.get(&found.id).copied().unwrap_or(found.id);
                    vec![(place(commit, false), SourcePath::default())]
                }
                GitObject::Commit => {
                    let history = head_history.get_or_insert_with(|| ancestors(&reader, head_commit));
                    vec![(place(found.id, history.contains(&found.id)), SourcePath::default())]
                }
            };
            found.emit(&places, collector);
        }
    }
}

fn short(id: ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(10);
    text
}
