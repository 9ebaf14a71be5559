//! The ledger entry by entry, each with the request that it is about: what exports tell.

use std::collections::{BTreeMap, BTreeSet};

use super::Chain;
use super::entry::{Entry, Event, Intent};

/// An entry and what it rests on.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// The entry.
    pub(super) entry: &'a Entry,
    /// Its hash.
    pub(super) hash: &'a str,
    /// The last request for its finding until there, and the hash of that entry.
    pub(super) intent: Option<(&'a Intent, &'a str)>,
    /// Whether it is an intent that no outcome follows.
    pub(super) is_open: bool,
}

impl Chain {
    /// The entries in their order.
    pub(super) fn told(&self) -> Vec<Told<'_>> {
        let closed: BTreeSet<&str> = self
            .entries
            .iter()
            .filter_map(|(entry, _)| match &entry.event {
                Event::Outcome { intent, .. } => intent.as_deref(),
                Event::UndoOutcome { intent, .. } => Some(intent.as_str()),
                _ => None,
            })
            .collect();
        let mut intents: BTreeMap<&str, (&Intent, &str)> = BTreeMap::new();
        let mut told = Vec::with_capacity(self.entries.len());
        for (entry, hash) in &self.entries {
            let mut is_open = false;
            if let Event::Intent(intent) = &entry.event {
                intents.insert(&intent.finding, (intent, hash));
                is_open = !closed.contains(hash.as_str());
            }
            if let Event::UndoIntent(_) = &entry.event {
                is_open = !closed.contains(hash.as_str());
            }
            // An outcome without a request is not about the one before.
            let sends_nothing = matches!(&entry.event, Event::Outcome { intent: None, .. });
            let intent = entry.event.finding().filter(|_| !sends_nothing).and_then(|id| intents.get(id).copied());
            told.push(Told { entry, hash, intent, is_open });
        }
        told
    }
}
