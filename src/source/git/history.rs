//! [`History`]: a scan of every blob, commit message and tag message in the object database, reachable or not.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use git2::{ObjectType, Oid};

use super::Repository;
use super::attribution::{self, Occurrence};
use super::forest::Forest;
use super::graph::Graph;
use super::messages::Authors;
use super::objects::{self, Object, OidMap, OidSet, Wish};
use super::raw::{self, CommitHeader};
use super::refs::References;
use crate::detect::Candidate;
use crate::diagnostic::Diagnostic;
use crate::finding::{Collector, GitObject, GitPlace, Location, Place, SourcePath, TextSpan};
use crate::source::{ScanContext, Source, SourceError, locate};

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
        let collector = context.collector;
        let ids = match objects::list(&self.repository, collector) {
            Ok(ids) => ids,
            Err(error) => return collector.diagnose(unopened(&self.repository, &error)),
        };
        collector.expect(ids.len() as u64);
        let swept = Swept::default();
        let unread = objects::sweep(
            &self.repository,
            &ids,
            collector,
            |id, kind, size| swept.wish(&self.repository, context, id, kind, size),
            |object| swept.visit(context, &object),
        );
        if !self.repository.shallow.is_empty() {
            let reason = "a shallow clone: commits before its edge were not scanned, and what they introduced is attributed to the edge";
            collector.diagnose(Diagnostic::note("shallow-clone", &*self.repository.name, reason));
        }
        swept.settle(&self.repository, &ids, unread > 0, collector);
    }
}

/// A scan that could not even begin.
fn unopened(repository: &Repository, error: &SourceError) -> Diagnostic {
    Diagnostic::gap("corrupt-object", &*repository.name, error)
}

/// What one pass over the object database leaves behind.
#[derive(Default)]
struct Swept {
    trees: Mutex<Vec<Oid>>,
    commits: Mutex<Vec<(Oid, CommitHeader)>>,
    tags: Mutex<OidMap<Oid>>,
    found: Mutex<Vec<Found>>,
}

/// An object with credentials in it.
struct Found {
    id: Oid,
    object: GitObject,
    candidates: Vec<(Candidate, TextSpan)>,
}

impl Swept {
    fn wish(&self, repository: &Repository, context: &ScanContext<'_>, id: Oid, kind: ObjectType, size: u64) -> Wish {
        let is_oversize = size > context.max_file_size;
        if kind == ObjectType::Tree {
            lock(&self.trees).push(id);
        } else if is_oversize {
            let reason = format!("{size} bytes are more than the limit of {} bytes", context.max_file_size);
            let place = format!("{}: {id}", repository.name);
            context.collector.diagnose(Diagnostic::gap("file-too-large", place, reason));
        } else {
            return Wish::Read;
        }
        context.collector.counters.expected.fetch_sub(1, Relaxed);
        Wish::Leave
    }

    fn visit(&self, context: &ScanContext<'_>, object: &Object<'_>) {
        let (kind, text) = match object.kind {
            ObjectType::Blob => (GitObject::Blob, object.bytes),
            ObjectType::Commit => {
                match CommitHeader::parse(object.bytes) {
                    Some(header) => lock(&self.commits).push((object.id, header)),
                    None => context.collector.diagnose(malformed(object.id)),
                }
                (GitObject::Commit, raw::message(object.bytes))
            }
            ObjectType::Tag => {
                match raw::tag_target(object.bytes) {
                    Some(target) => {
                        lock(&self.tags).insert(object.id, target);
                    }
                    None => context.collector.diagnose(malformed(object.id)),
                }
                (GitObject::Tag, raw::message(object.bytes))
            }
            _ => return,
        };
        context.collector.count(text.len() as u64);
        let candidates = context.detector.detect(text);
        if candidates.is_empty() {
            return;
        }
        let candidates = candidates.into_iter().map(|candidate| {
            let span = locate(text, &candidate);
            (candidate, span)
        });
        lock(&self.found).push(Found { id: object.id, object: kind, candidates: candidates.collect() });
    }

    /// Attributes what was found, hands it over, and tells what is missing.
    fn settle(self, repository: &Repository, ids: &[Oid], is_damaged: bool, collector: &Collector) {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let trees = self.trees.into_inner().unwrap_or_else(PoisonError::into_inner);
        let commits = self.commits.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tags = self.tags.into_inner().unwrap_or_else(PoisonError::into_inner);

        let references = References::read(repository, collector);
        let graph = Graph::new(commits, &repository.shallow);
        let present: OidSet = ids.iter().copied().collect();
        let wanted: OidSet = found.iter().filter(|f| f.object == GitObject::Blob).map(|f| f.id).collect();
        let is_suspect = is_damaged || repository.is_partial || !graph.missing.is_empty();
        let forest = if collector.is_cancelled() || (wanted.is_empty() && !is_suspect) {
            Forest::default()
        } else {
            Forest::grow(repository, &trees, &wanted, &present, collector)
        };
        tell_missing(repository, &graph, &forest, collector);
        if found.is_empty() {
            return;
        }
        let tips: Vec<Oid> = references.tips.iter().map(|&tip| peel(&tags, tip)).collect();
        let places = attribution::attribute(&graph, &forest, &references, &tips, &repository.name, collector);
        let odb = match repository.open_objects() {
            Ok(odb) => odb,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let mut emitter = Emitter {
            repository,
            tags: &tags,
            authors: Authors::new(&odb),
            is_reachable: graph.reached_from(tips.iter().copied()),
            is_in_head: graph.reached_from(references.head.map(|head| peel(&tags, head))),
            named_objects: named_objects(&tags, &references),
            graph: &graph,
            places,
        };
        for found in found {
            let places = emitter.places(found.id, found.object);
            for (candidate, span) in found.candidates {
                let location =
                    |(place, path): &(Place, SourcePath)| Location { place: place.clone(), path: path.clone(), span };
                collector.add(candidate, places.iter().map(location).collect());
            }
        }
    }
}

/// Turns occurrences into locations.
struct Emitter<'a> {
    repository: &'a Repository,
    graph: &'a Graph,
    tags: &'a OidMap<Oid>,
    authors: Authors<'a>,
    is_reachable: Vec<bool>,
    is_in_head: Vec<bool>,
    /// Objects that references name directly or through tags.
    named_objects: OidSet,
    places: OidMap<Vec<Occurrence>>,
}

impl Emitter<'_> {
    fn places(&mut self, id: Oid, object: GitObject) -> Vec<(Place, SourcePath)> {
        let flag = |flags: &[bool], number: Option<u32>| {
            number.and_then(|number| flags.get(number as usize)).copied().unwrap_or(false)
        };
        let oid: std::sync::Arc<str> = id.to_string().into();
        let place = |commit, in_head, reachable| {
            let repository = self.repository.name.clone();
            Place::Git(GitPlace { repository, object, oid: oid.clone(), commit, in_head, reachable })
        };
        match object {
            GitObject::Blob => {
                let occurrences = self.places.remove(&id).unwrap_or_default();
                if occurrences.is_empty() {
                    return vec![(place(None, false, self.named_objects.contains(&id)), SourcePath::default())];
                }
                let located = occurrences.into_iter().map(|at| {
                    let commit = at.commit.and_then(|commit| self.authors.of_commit(commit));
                    (place(commit, at.in_head, at.is_reachable), at.path)
                });
                located.collect()
            }
            GitObject::Commit => {
                let number = self.graph.number(id);
                let commit = self.authors.of_commit(id);
                let (in_head, reachable) = (flag(&self.is_in_head, number), flag(&self.is_reachable, number));
                vec![(place(commit, in_head, reachable), SourcePath::default())]
            }
            GitObject::Tag => {
                let commit = self.authors.of_tag(id, peel(self.tags, id));
                vec![(place(commit, false, self.named_objects.contains(&id)), SourcePath::default())]
            }
        }
    }
}

/// How many tags may point to tags.
const TAG_DEPTH: usize = 64;

/// What a tag stands for in the end; anything else stands for itself.
fn peel(tags: &OidMap<Oid>, mut id: Oid) -> Oid {
    for _ in 0..TAG_DEPTH {
        match tags.get(&id) {
            Some(&target) => id = target,
            None => break,
        }
    }
    id
}

fn named_objects(tags: &OidMap<Oid>, references: &References) -> OidSet {
    let mut named = OidSet::default();
    for &tip in &references.tips {
        let mut id = tip;
        while named.insert(id) {
            match tags.get(&id) {
                Some(&target) => id = target,
                None => break,
            }
        }
    }
    named
}

fn tell_missing(repository: &Repository, graph: &Graph, forest: &Forest, collector: &Collector) {
    for (missing, what) in [
        (graph.missing.iter().min(), "commits"),
        (forest.missing_trees.iter().min(), "trees"),
        (forest.missing_blobs.iter().min(), "blobs"),
    ]
    .map(|(first, what)| (first.copied(), what))
    {
        let Some(first) = missing else { continue };
        let count = match what {
            "commits" => graph.missing.len(),
            "trees" => forest.missing_trees.len(),
            _ => forest.missing_blobs.len(),
        };
        let reason = if repository.is_partial {
            format!(
                "{count} {what} were left out by the partial clone, {first} among them; fetch them with `git backfill` or clone without `--filter`"
            )
        } else {
            format!("{count} {what} are referred to but not there, {first} among them")
        };
        collector.diagnose(Diagnostic::gap("missing-object", &*repository.name, reason));
    }
}

fn malformed(id: Oid) -> Diagnostic {
    Diagnostic::gap("corrupt-object", id.to_string(), "its header cannot be read")
}

/// A panic in one thread must not hide what the others found.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
