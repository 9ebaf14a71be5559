//! [`History`]: a scan of every blob, commit message and tag message in the object database, reachable or not.

use std::sync::{Arc, Mutex, PoisonError};

use git2::{ObjectType, Oid};

use super::Repository;
use super::attribution::{self, Occurrence};
use super::authors::Authors;
use super::forest::{Forest, Ground};
use super::graph::Graph;
use super::objects::{self, Object, OidMap, OidSet, Wish};
use super::raw::{self, CommitHeader};
use super::refs::References;
use super::visitor::{Found, Visitor, lock};
use crate::diagnostic::Diagnostic;
use crate::finding::{GitObject, GitPlace, Place, SourcePath};
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
        sweep.finish().settle(repository, &references, visitor.finish(), &ids, collector);
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
    trees: Mutex<Vec<Oid>>,
    commits: Mutex<Vec<(Oid, CommitHeader)>>,
    tags: Mutex<OidMap<Oid>>,
}

/// The same, when the pass is over.
struct Swept {
    trees: Vec<Oid>,
    commits: Vec<(Oid, CommitHeader)>,
    tags: OidMap<Oid>,
}

impl Sweep {
    fn wish(&self, visitor: &Visitor<'_>, id: Oid, kind: ObjectType, size: u64) -> Wish {
        if kind == ObjectType::Tree {
            lock(&self.trees).push(id);
        }
        visitor.wish(id, kind, size)
    }

    fn visit(&self, visitor: &Visitor<'_>, object: &Object<'_>, collector: &Collector) {
        let is_well_formed = match object.kind {
            ObjectType::Commit => {
                let header = CommitHeader::parse(object.bytes);
                header.map(|header| lock(&self.commits).push((object.id, header))).is_some()
            }
            ObjectType::Tag => {
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

impl Swept {
    /// Attributes what was found, hands it over, and tells what is missing.
    fn settle(
        self,
        repository: &Repository,
        references: &References,
        found: Vec<Found>,
        ids: &[Oid],
        collector: &Collector,
    ) {
        let tips: Vec<Oid> = references.tips.iter().map(|&tip| peel(&self.tags, tip)).collect();
        let head = references.head.map(|head| peel(&self.tags, head));
        let graph = Graph::new(self.commits, &repository.shallow);
        let is_reachable = graph.reached_from(tips.iter().copied());
        let blobs: OidSet =
            found.iter().filter(|found| found.object == GitObject::Blob).map(|found| found.id).collect();
        let forest = if collector.is_cancelled() {
            Forest::default()
        } else {
            let present: OidSet = ids.iter().copied().collect();
            let reachable_roots = graph.trees(&is_reachable);
            let (trees, present) = (&self.trees[..], &present);
            let ground = Ground { repository, trees, present, reachable_roots: &reachable_roots, collector };
            let forest = Forest::grow(&ground, &blobs);
            let missing_tips = tips.iter().filter(|&tip| !present.contains(tip)).copied();
            let missing_commits = graph.missing(&is_reachable).into_iter().chain(missing_tips).collect();
            tell_missing(repository, &missing_commits, "commits", collector);
            tell_missing(repository, &forest.missing.trees, "trees", collector);
            tell_missing(repository, &forest.missing.blobs, "blobs", collector);
            forest
        };
        if found.is_empty() {
            return;
        }
        let odb = match repository.open_objects() {
            Ok(odb) => odb,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let mut places = Places {
            repository,
            occurrences: attribution::attribute(&graph, &forest, head, &tips, &repository.name, collector),
            is_reachable,
            is_in_head: graph.reached_from(head),
            named_objects: named_objects(&self.tags, references),
            authors: Authors::new(&odb),
            graph: &graph,
            tags: &self.tags,
        };
        for found in found {
            let places = places.of(found.id, found.object);
            found.emit(&places, collector);
        }
    }
}

/// Turns what is known of an object into its places.
struct Places<'a> {
    repository: &'a Repository,
    graph: &'a Graph,
    tags: &'a OidMap<Oid>,
    authors: Authors<'a>,
    occurrences: OidMap<Vec<Occurrence>>,
    /// By number of the commit.
    is_reachable: Vec<bool>,
    is_in_head: Vec<bool>,
    /// Objects that references name directly or through tags.
    named_objects: OidSet,
}

impl Places<'_> {
    fn of(&mut self, id: Oid, object: GitObject) -> Vec<(Place, SourcePath)> {
        let oid: Arc<str> = id.to_string().into();
        let place = |commit, in_head, reachable| {
            let repository = self.repository.name.clone();
            Place::Git(GitPlace { repository, object, oid: oid.clone(), commit, in_head, reachable })
        };
        let is_named = self.named_objects.contains(&id);
        let nowhere = SourcePath::default();
        match object {
            GitObject::Blob => {
                let Some(occurrences) = self.occurrences.remove(&id) else {
                    return vec![(place(None, false, is_named), nowhere)];
                };
                let located = occurrences.into_iter().map(|at| {
                    let commit = at.commit.and_then(|commit| self.authors.of_commit(commit));
                    (place(commit, at.in_head, at.is_reachable), at.path)
                });
                located.collect()
            }
            GitObject::Commit => {
                let number = self.graph.number(id);
                let flag =
                    |flags: &[bool]| number.and_then(|number| flags.get(number as usize)).is_some_and(|&flag| flag);
                let (in_head, reachable) = (flag(&self.is_in_head), flag(&self.is_reachable));
                vec![(place(self.authors.of_commit(id), in_head, reachable), nowhere)]
            }
            GitObject::Tag => {
                let tagger = self.authors.of_tag(id, peel(self.tags, id));
                vec![(place(tagger, false, is_named), nowhere)]
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

fn tell_missing(repository: &Repository, missing: &OidSet, kind: &str, collector: &Collector) {
    let Some(first) = missing.iter().min() else { return };
    let count = missing.len();
    let reason = if repository.is_partial {
        format!("{count} {kind} were left out by the partial clone, {first} among them; clone without `--filter`")
    } else {
        format!("{count} {kind} are referred to but not there, {first} among them")
    };
    collector.diagnose(Diagnostic::gap("missing-object", &*repository.name, reason));
}
