//! [`Settlement`]: from what a sweep over the objects found to findings with their places.
//!
//! For scans of whole histories. Tells what is missing, too.

use std::sync::{Arc, Mutex, PoisonError};

use super::Repository;
use super::attribution::{self, Attributed, Attribution, Question};
use super::authors::Authors;
use super::branches::BranchTips;
use super::forest::{Forest, Seedlings, Soil};
use super::graph::Graph;
use super::id::{IdMap, IdSet, ObjectId, ObjectKind};
use super::inspection::Notes;
use super::objects::{self, Wish};
use super::refs::References;
use super::store::{Inventory, ObjectStore};
use super::sweep::{Plan, Stock};
use super::visitor::{Found, Hit, lock};
use crate::diagnostic::Diagnostic;
use crate::finding::{GitObject, GitPlace, Place, SourcePath};
use crate::source::{Collector, ScanContext};

/// What the places of findings are told from.
pub(super) struct Settlement<'a> {
    pub(super) repository: &'a Repository,
    pub(super) references: &'a References,
    pub(super) store: &'a ObjectStore,
    pub(super) inventory: &'a Inventory<'a>,
    pub(super) stock: &'a Stock<'a>,
    /// `None` if no tree is to be read.
    pub(super) plan_of_trees: Option<Plan<'a>>,
    /// Whether each object, by number, was not seen by an earlier scan; all of them if there is nothing here.
    pub(super) is_new: Option<&'a [bool]>,
    pub(super) context: &'a ScanContext<'a>,
}

impl Settlement<'_> {
    /// Attributes what was found, hands it over, and tells what is missing. Gives whether nothing is.
    pub(super) fn settle(self, notes: Notes) -> bool {
        let Self { repository, references, store, inventory, stock, context, .. } = self;
        let Notes { mut found, commits, tags, .. } = notes;
        let detector = context.detector;
        let looks_for_files = detector.looks_for_files();
        let tags: IdMap<ObjectId> = tags.into_iter().collect();
        let collector = context.collector;
        let tips: Vec<ObjectId> = references.tips.iter().map(|&tip| peel(&tags, tip)).collect();
        let head = references.head.map(|head| peel(&tags, head));
        let blobs = found.iter().filter(|found| found.object == GitObject::Blob);
        // Found objects are in the order of ids, and so are numbers.
        let blobs: Vec<u32> = blobs.filter_map(|found| inventory.number_of(found.id.as_bytes())).collect();
        let soil = Soil { repository, inventory, stock, found: &blobs, detector, collector };
        let plan_of_trees = self.plan_of_trees.as_ref().filter(|_| !collector.is_cancelled());
        // What one thread does alone is done beside what all can do.
        let (Descent { graph, is_reachable, is_in_head, order }, seedlings) = rayon::join(
            || Descent::of(Graph::new(commits, &repository.shallow), &tips, head, !found.is_empty() || looks_for_files),
            || plan_of_trees.map(|plan| Seedlings::gather(&soil, plan)),
        );
        tracing::debug!("trees read");
        let mut forest = Forest::default();
        let mut is_complete = true;
        if !collector.is_cancelled() {
            let missing_tips = tips.iter().filter(|&tip| inventory.number_of(tip.as_bytes()).is_none()).copied();
            let missing_commits: IdSet = graph.missing(&is_reachable).into_iter().chain(missing_tips).collect();
            is_complete = missing_commits.is_empty();
            tell_missing(repository, &missing_commits, "commits", collector);
        }
        if let Some(seedlings) = seedlings.filter(|_| !collector.is_cancelled()) {
            forest = Forest::grow(&soil, seedlings, &graph.trees(&is_reachable));
            is_complete &= forest.missing.trees.is_empty() && forest.missing.blobs.is_empty();
            tell_missing(repository, &forest.missing.trees, "trees", collector);
            tell_missing(repository, &forest.missing.blobs, "blobs", collector);
        }
        if found.is_empty() && !looks_for_files {
            return is_complete;
        }
        tracing::debug!("trees that lead to findings known");
        let reader = store.reader();
        let mut tips_of_branches = BranchTips::of(references, |tip| peel(&tags, tip));
        let commits: Vec<u32> = found
            .iter()
            .filter(|found| found.object == GitObject::Commit)
            .filter_map(|found| graph.number(found.id))
            .collect();
        tips_of_branches.descend(&graph, &order, &commits);
        let branches: Vec<ObjectId> = tips_of_branches.tips().collect();
        let question = Question {
            graph: &graph,
            order: &order,
            is_reachable: &is_reachable,
            forest: &forest,
            tips: &tips,
            head,
            branches: &branches,
            first_only: context.attribution == Attribution::First,
            place: &repository.name,
            collector,
        };
        let is_any_wanted = (!blobs.is_empty() || looks_for_files) && context.attribution != Attribution::None;
        let attributed = if is_any_wanted { attribution::attribute(&question) } else { Attributed::default() };
        if looks_for_files {
            self.add_files(&attributed, &mut found);
        }
        let mut authors = Authors::new(&reader);
        authors.read_ahead(&introducing(&found, inventory, &attributed), store, collector);
        let mut places = Places {
            repository,
            attribution: context.attribution,
            forest: &forest,
            attributed,
            branches: tips_of_branches,
            is_in_head,
            is_reachable,
            named_objects: named_objects(&tags, references),
            authors,
            graph: &graph,
            tags: &tags,
        };
        for found in found {
            let places = places.of(found.id, found.object);
            found.emit(&places, collector);
        }
        is_complete
    }
}

impl Settlement<'_> {
    /// Adds the blobs that stand at paths which rules look for.
    fn add_files(&self, attributed: &Attributed, found: &mut Vec<Found>) {
        let Self { repository, store, inventory, context, .. } = self;
        if context.attribution == Attribution::None {
            let reason = "rules that look for files by their paths find none: where the objects stand is not told";
            context.collector.diagnose(Diagnostic::note("paths-not-known", &*repository.name, reason));
            return;
        }
        let is_new =
            |number: &u32| self.is_new.is_none_or(|is_new| is_new.get(*number as usize).is_none_or(|&is_new| is_new));
        let numbers = attributed.standing_at(|path| context.looks_for_file(path));
        let ids: Vec<ObjectId> = numbers.into_iter().filter(is_new).filter_map(|number| inventory.id(number)).collect();
        let files: Mutex<Vec<Found>> = Mutex::default();
        objects::read_all(
            store,
            &repository.name,
            &ids,
            context.collector,
            // The sweep has told of those that are too large.
            |_, kind, size| {
                let is_read = kind == ObjectKind::Blob && size <= context.max_file_size;
                if is_read { Wish::Read } else { Wish::Leave }
            },
            |object| {
                let hits =
                    context.whole_file_of(object.bytes).into_iter().map(|file| Hit::of_file(file, None)).collect();
                lock(&files).push(Found { id: object.id, object: GitObject::Blob, hits });
            },
        );
        let mut others = Vec::new();
        for file in files.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let place = found.binary_search_by_key(&file.id, |found| found.id);
            match place.ok().and_then(|place| found.get_mut(place)) {
                Some(found) => found.hits.extend(file.hits),
                None => others.push(file),
            }
        }
        found.extend(others);
        found.sort_unstable_by_key(|found| found.id);
    }
}

/// The commits whose authors are told, each once.
fn introducing(found: &[Found], inventory: &Inventory<'_>, attributed: &Attributed) -> Vec<ObjectId> {
    let mut commits: Vec<ObjectId> = Vec::new();
    for found in found {
        match found.object {
            GitObject::Blob => {
                let number = inventory.number_of(found.id.as_bytes());
                commits.extend(number.into_iter().flat_map(|number| attributed.commits(number)));
            }
            GitObject::Commit => commits.push(found.id),
            GitObject::Tag => {}
        }
    }
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// How the commits descend from each other.
struct Descent {
    graph: Graph,
    /// By number of the commit.
    is_reachable: Vec<bool>,
    is_in_head: Vec<bool>,
    /// Parents first. Empty if it is not wanted.
    order: Vec<u32>,
}

impl Descent {
    fn of(graph: Graph, tips: &[ObjectId], head: Option<ObjectId>, is_order_wanted: bool) -> Self {
        let is_reachable = graph.reached_from(tips.iter().copied());
        let is_in_head = graph.reached_from(head);
        let order = if is_order_wanted { graph.order() } else { Vec::new() };
        Self { graph, is_reachable, is_in_head, order }
    }
}

/// Turns what is known of an object into its places.
struct Places<'a> {
    repository: &'a Repository,
    attribution: Attribution,
    graph: &'a Graph,
    forest: &'a Forest<'a>,
    tags: &'a IdMap<ObjectId>,
    authors: Authors<'a>,
    attributed: Attributed,
    branches: BranchTips,
    /// By number of the commit.
    is_reachable: Vec<bool>,
    is_in_head: Vec<bool>,
    /// Objects that references name directly or through tags.
    named_objects: IdSet,
}

impl Places<'_> {
    fn of(&mut self, id: ObjectId, object: GitObject) -> Vec<(Place, SourcePath)> {
        let oid: Arc<str> = id.to_string().into();
        let repository = self.repository.name.clone();
        let nowhere =
            GitPlace { repository, object, oid, commit: None, in_head: None, reachable: None, branches: None };
        let is_named = self.named_objects.contains(&id);
        let pathless = |place| vec![(Place::Git(place), SourcePath::default())];
        match object {
            GitObject::Blob if self.attribution == Attribution::None => pathless(nowhere),
            GitObject::Blob => {
                let occurrences = self.forest.number(id).and_then(|number| self.attributed.take(number));
                let Some(occurrences) = occurrences else {
                    let (in_head, reachable) = (Some(false), Some(is_named));
                    return pathless(GitPlace { in_head, reachable, branches: Some(Arc::default()), ..nowhere });
                };
                let located = occurrences.into_iter().map(|at| {
                    let set = at.in_branches.and_then(|set| self.attributed.in_branches.set(set));
                    let is_present = |branch: usize| set.is_some_and(|set| set.contains(branch));
                    let place = GitPlace {
                        commit: at.commit.and_then(|commit| self.authors.of_commit(commit)),
                        in_head: Some(at.in_head),
                        reachable: Some(at.is_reachable),
                        branches: Some(self.branches.name(is_present)),
                        ..nowhere.clone()
                    };
                    (Place::Git(place), at.path)
                });
                located.collect()
            }
            GitObject::Commit => {
                let number = self.graph.number(id);
                let flag =
                    |flags: &[bool]| number.and_then(|number| flags.get(number as usize)).is_some_and(|&flag| flag);
                pathless(GitPlace {
                    in_head: Some(flag(&self.is_in_head)),
                    reachable: Some(flag(&self.is_reachable)),
                    branches: number.and_then(|number| self.branches.descending_from(number)),
                    commit: self.authors.of_commit(id),
                    ..nowhere
                })
            }
            GitObject::Tag => {
                let tagger = self.authors.of_tag(id, peel(self.tags, id));
                pathless(GitPlace { commit: tagger, in_head: Some(false), reachable: Some(is_named), ..nowhere })
            }
        }
    }
}

/// How many tags may point to tags.
const TAG_DEPTH: usize = 64;

/// What a tag stands for in the end; anything else stands for itself.
fn peel(tags: &IdMap<ObjectId>, mut id: ObjectId) -> ObjectId {
    for _ in 0..TAG_DEPTH {
        match tags.get(&id) {
            Some(&target) => id = target,
            None => break,
        }
    }
    id
}

fn named_objects(tags: &IdMap<ObjectId>, references: &References) -> IdSet {
    let mut named = IdSet::default();
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

fn tell_missing(repository: &Repository, missing: &IdSet, kind: &str, collector: &Collector) {
    let Some(first) = missing.iter().min() else { return };
    let count = missing.len();
    let reason = if repository.is_partial {
        format!("{count} {kind} were left out by the partial clone, {first} among them; clone without `--filter`")
    } else {
        format!("{count} {kind} are referred to but not there, {first} among them")
    };
    collector.diagnose(Diagnostic::gap("missing-object", &*repository.name, reason));
}
