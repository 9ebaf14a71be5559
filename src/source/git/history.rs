//! [`History`]: a scan of every blob, commit message and tag message in the object database, reachable or not.

use std::time::Instant;

use super::Repository;
use super::attribution::Attribution;
use super::id::ObjectKind;
use super::inspection::{Inspection, Notes};
use super::objects;
use super::refs::References;
use super::seen::SeenObjects;
use super::settle::Settlement;
use super::store::{Inventory, ObjectStore};
use super::sweep::{self, Plan};
use crate::diagnostic::Diagnostic;
use crate::source::tree::shown;
use crate::source::{Collector, ScanContext, Source, SourceError};

/// All history of a repository.
pub struct History {
    repository: Repository,
}

impl History {
    /// The history of a repository. Tells whether its object database can be opened.
    pub fn open(repository: Repository) -> Result<Self, SourceError> {
        repository.check_objects()?;
        Ok(Self { repository })
    }
}

impl Source for History {
    fn describe(&self) -> String {
        format!("git history of {}", self.repository.name)
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector, started) = (&self.repository, context.collector, Instant::now());
        let done = |what: &str| tracing::debug!("{what} after {} ms", started.elapsed().as_millis());
        // References first: what they reach now is among the objects listed then, whoever commits or fetches meanwhile.
        let references = References::read(repository, collector);
        let store = match repository.open_objects() {
            Ok(store) => store,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        tell_shallow(repository, collector);
        let inventory = Inventory::take(&store);
        for (path, reason) in store.troubles.iter().chain(&inventory.troubles) {
            collector.diagnose(Diagnostic::gap("corrupt-object", shown(path), reason));
        }
        done("objects listed");
        let is_new = context.seen.map(|seen| new_objects(seen, &store, &inventory));
        if is_new.as_ref().is_some_and(|is_new| !is_new.contains(&true)) {
            return;
        }
        let stock = inventory.stock();
        done("entries located");
        let inspection = Inspection { context, repository, inventory: &inventory, is_new: is_new.as_deref() };
        let are_trees_wanted = context.attribution != Attribution::None;
        let plan_of_trees = || are_trees_wanted.then(|| Plan::for_all(&stock, ObjectKind::Tree));
        stock.make_ready();
        let (plan, plan_of_trees) = rayon::join(|| Plan::of(&stock, &inspection), plan_of_trees);
        done("sweeps planned");
        let swept = sweep::sweep_as_planned(&plan, &stock, &inspection);
        drop(plan);
        done("objects searched");
        let mut notes = Notes::unite(swept.workers);
        notes.tell(collector);
        let failed: Vec<u32> =
            swept.troubles.iter().map(|trouble| trouble.number).chain(notes.passed_over.iter().copied()).collect();
        objects::diagnose(inventory.name(swept.troubles), &repository.name, collector);
        if let Some(is_new) = &is_new {
            // What was seen before takes part in telling where the new stands.
            let is_old: Vec<bool> = is_new.iter().map(|is_new| !is_new).collect();
            let headers = inspection.of_headers(&is_old);
            notes.add_headers(Notes::unite(sweep::sweep(&stock, &headers).workers));
        }
        let settlement = Settlement {
            repository,
            references: &references,
            store: &store,
            inventory: &inventory,
            stock: &stock,
            plan_of_trees,
            is_new: is_new.as_deref(),
            context,
        };
        let is_complete = settlement.settle(notes);
        done("findings attributed");
        // Where something is missing, the next scan has to tell it again.
        if let Some(seen) = context.seen.filter(|_| is_complete && !collector.is_cancelled()) {
            remember(seen, &store, &inventory, failed);
        }
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

/// Whether each object, by number, was not seen by an earlier scan.
fn new_objects(seen: &SeenObjects, store: &ObjectStore, inventory: &Inventory<'_>) -> Vec<bool> {
    if store.packs().iter().all(|pack| seen.contains_pack(pack.checksum())) {
        // Nothing but loose objects can be new.
        let mut is_new = vec![false; inventory.count() as usize];
        for &number in inventory.loose() {
            let is_seen = inventory.id_bytes(number).is_some_and(|id| seen.contains(id));
            if let Some(is_new) = is_new.get_mut(number as usize) {
                *is_new = !is_seen;
            }
        }
        return is_new;
    }
    let is_seen = |number| inventory.id_bytes(number).is_some_and(|id| seen.contains(id));
    (0..inventory.count()).map(|number| !is_seen(number)).collect()
}

/// Notes that all objects were seen but for those that could not be, or were not to be, looked through.
fn remember(seen: &SeenObjects, store: &ObjectStore, inventory: &Inventory<'_>, mut failed: Vec<u32>) {
    failed.sort_unstable();
    let is_seen = |number: &u32| failed.binary_search(number).is_err();
    seen.add((0..inventory.count()).filter(is_seen).filter_map(|number| inventory.id_bytes(number)));
    if failed.is_empty() {
        store.packs().iter().for_each(|pack| seen.add_pack(pack.checksum()));
    }
}
