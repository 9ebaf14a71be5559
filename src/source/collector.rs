//! [`Collector`]: where all sources, on all threads, put what they found.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Excluded;
use super::tree::Siblings;
use crate::detect::{Candidate, Companion};
use crate::diagnostic::Diagnostic;
use crate::finding::{Finding, Fingerprint, Kind, Liveness, Location, Part, PartPlace, Place, Revocation};
use crate::rules::{RuleSet, Whereabouts, names, own_names};

/// Gathers candidates into findings, diagnostics, and counts. Shared by reference between the threads of a scan.
#[derive(Default)]
pub struct Collector {
    findings: Mutex<HashMap<Fingerprint, Finding>>,
    diagnostics: Mutex<Vec<Diagnostic>>,
    /// What comments and allowlists allow somewhere.
    allowed: Mutex<HashSet<Fingerprint>>,
    /// Whether comments that allow secrets are not obeyed.
    disobeys_comments: bool,
    /// Whose allowlists are obeyed, and which target is being scanned.
    rules: Arc<RuleSet>,
    roots: Vec<Vec<u8>>,
    target: AtomicUsize,
    cancelled: Arc<AtomicBool>,
    /// What the user does not want to hear of.
    pub(super) excluded: Excluded,
    /// What is read of other files for the parts of findings.
    pub(super) siblings: Siblings,
    /// What has been covered so far; the progress bar reads it while the scan runs.
    pub counters: Counters,
}

/// How much of the sources has been read.
#[derive(Default)]
pub struct Counters {
    /// Files, blobs, messages and configuration values scanned.
    pub items: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Items known to be ahead, as far as a source can tell; grows while it lists them.
    pub expected: AtomicU64,
}

impl Collector {
    /// One that takes nothing in from these paths.
    pub fn without(excluded: Excluded) -> Self {
        Self { excluded, ..Self::default() }
    }

    /// The same, but secrets that comments allow are taken in like others.
    #[must_use]
    pub fn disobeying_comments(self, disobeys_comments: bool) -> Self {
        Self { disobeys_comments, ..self }
    }

    /// The same, but what the allowlists of the rules allow is left out. `roots` are the paths of the targets.
    #[must_use]
    pub fn obeying(self, rules: Arc<RuleSet>, roots: Vec<Vec<u8>>) -> Self {
        Self { rules, roots, ..self }
    }

    /// Tells that what is added from now on stands in the target of that number.
    pub fn enter(&self, target: usize) {
        self.target.store(target, Relaxed);
    }

    /// Adds one candidate with every place of it. Equal secrets become one finding: the most confident and severe rule
    /// names it, parts and locations are united. Nothing is added when `locations` is empty, or holds
    /// paths only that are excluded or that its rule does not look at, or a comment or an allowlist allows it there.
    pub fn add(&self, candidate: Candidate, locations: Vec<Location>) {
        self.add_with(candidate, locations, Vec::new());
    }

    /// The same with parts that were found elsewhere than in the bytes around it.
    pub fn add_with(&self, candidate: Candidate, mut locations: Vec<Location>, elsewhere: Vec<Part>) {
        locations.retain(|location| !self.excluded.has(&location.path));
        if candidate.rule.borrowed.is_some() {
            let (rule, root) = (&candidate.rule, self.root());
            locations.retain(|location| {
                let path = location.path.as_bytes();
                // What stands in an archive stands in a file of that name; but it is not that file.
                if rule.kind == Kind::File {
                    rule.looks_at(own_names(path, root))
                } else {
                    rule.looks_at(names(path, root))
                }
            });
        }
        if locations.is_empty() {
            return;
        }
        if candidate.is_allowed && !self.disobeys_comments {
            lock(&self.allowed).insert(candidate.id);
            return;
        }
        if !self.rules.allowlists.is_empty() {
            locations.retain(|location| !self.allows(&candidate, location));
            if locations.is_empty() {
                lock(&self.allowed).insert(candidate.id);
                return;
            }
        }
        let companions = candidate.companions.iter().map(|companion| part(companion, &locations));
        let parts: Vec<Part> = companions.chain(elsewhere).collect();
        match lock(&self.findings).entry(candidate.id) {
            Entry::Vacant(vacant) => {
                vacant.insert(Finding {
                    id: candidate.id,
                    rule: candidate.rule.id.clone(),
                    provider: candidate.provider().to_owned(),
                    title: candidate.rule.title.clone(),
                    kind: candidate.kind,
                    confidence: candidate.confidence,
                    severity: candidate.severity,
                    secret: candidate.secret,
                    parts,
                    token: candidate.token,
                    liveness: Liveness::not_checked(),
                    revocation: Revocation::none(),
                    locations,
                    owners: Vec::new(),
                });
            }
            Entry::Occupied(mut occupied) => {
                let finding = occupied.get_mut();
                let rank = (candidate.confidence, candidate.severity);
                let held = (finding.confidence, finding.severity);
                // Threads race: the tie is broken by name, so that every run names the same rule.
                if rank > held || (rank == held && candidate.rule.id < finding.rule) {
                    finding.rule.clone_from(&candidate.rule.id);
                    candidate.provider().clone_into(&mut finding.provider);
                    finding.title.clone_from(&candidate.rule.title);
                    finding.confidence = candidate.confidence;
                    finding.severity = candidate.severity;
                }
                finding.parts.extend(parts);
                finding.locations.extend(locations);
                if finding.token.is_none() {
                    finding.token = candidate.token;
                }
            }
        }
    }

    /// Whether an allowlist allows a candidate in one of its places.
    fn allows(&self, candidate: &Candidate, location: &Location) -> bool {
        let commit = match &location.place {
            Place::Git(place) => place.commit.as_ref().map(|commit| &*commit.id),
            _ => None,
        };
        let target = self.target.load(Relaxed);
        let place = Whereabouts { target, root: self.root(), path: location.path.as_bytes(), commit };
        self.rules.allowlists.allowing(&candidate.rule.id, &candidate.agreeing, &place).is_some()
    }

    /// The path of the target that is being scanned.
    pub(super) fn root(&self) -> &[u8] {
        self.roots.get(self.target.load(Relaxed)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Records something that could not be scanned, or that a reader of the report should know.
    pub fn diagnose(&self, diagnostic: Diagnostic) {
        tracing::debug!(code = diagnostic.code, place = %diagnostic.place, "{}", diagnostic.reason);
        lock(&self.diagnostics).push(diagnostic);
    }

    /// Counts one scanned item of that many bytes.
    pub fn count(&self, bytes: u64) {
        self.count_item();
        self.count_bytes(bytes);
    }

    /// Counts one scanned item whose bytes have been counted.
    pub fn count_item(&self) {
        self.counters.items.fetch_add(1, Relaxed);
    }

    /// Counts bytes of an item.
    pub fn count_bytes(&self, bytes: u64) {
        self.counters.bytes.fetch_add(bytes, Relaxed);
    }

    /// Tells that so many more items are ahead.
    pub fn expect(&self, items: u64) {
        self.counters.expected.fetch_add(items, Relaxed);
    }

    /// The flag that asks all sources to stop soon, for a signal handler. What was found until then is kept.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Whether to stop: sources look between two items.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// How many secrets are left out because comments or allowlists allow them wherever they stand.
    pub fn count_allowed(&self) -> u64 {
        let findings = lock(&self.findings);
        lock(&self.allowed).iter().filter(|id| !findings.contains_key(id)).count() as u64
    }

    /// Everything found, in an order that does not depend on the threads.
    pub fn finish(self) -> (Vec<Finding>, Vec<Diagnostic>) {
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut findings: Vec<Finding> = findings.into_values().collect();
        for finding in &mut findings {
            finding.locations.sort_unstable();
            finding.locations.dedup();
            finding.parts.sort_unstable();
            // The first place of each is kept.
            finding.parts.dedup_by(|a, b| a.name == b.name && a.value == b.value);
        }
        findings.sort_unstable_by(|a, b| {
            (b.severity, b.confidence)
                .cmp(&(a.severity, a.confidence))
                .then_with(|| a.locations.first().cmp(&b.locations.first()))
                .then_with(|| a.id.cmp(&b.id))
        });
        let mut diagnostics = self.diagnostics.into_inner().unwrap_or_else(PoisonError::into_inner);
        diagnostics.sort_unstable();
        diagnostics.dedup();
        (findings, diagnostics)
    }
}

/// A companion of what stands at these locations, which are those of one text.
fn part(companion: &Companion, locations: &[Location]) -> Part {
    let place = locations.iter().min().map(|location| PartPlace {
        path: location.path.clone(),
        line: u32::try_from(i64::from(location.span.line).saturating_add(companion.line)).unwrap_or(location.span.line),
        pairing: companion.pairing,
    });
    Part { name: companion.name.clone(), value: companion.value.clone(), place }
}

/// A panic in one thread must not hide what the others found.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
