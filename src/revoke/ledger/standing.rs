//! Where every finding stands according to the ledger.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::entry::{Entry, Event, Intent, LedgerState};

/// How far the revocation of one finding came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Id of the finding.
    pub finding: String,
    /// What is known: `unknown` where an intent has no outcome.
    pub state: LedgerState,
    /// Why, in words.
    pub detail: String,
    /// When that was written down, in RFC 3339.
    pub at: String,
    /// Hash of the entry that says so.
    pub receipt: String,
    /// The last request, if one was meant to be sent.
    pub intent: Option<Intent>,
    /// Hash of the last intent's entry.
    pub intent_hash: Option<String>,
}

/// How all findings stand, brought forward entry by entry.
#[derive(Default)]
pub(super) struct Standings {
    by_finding: BTreeMap<String, Standing>,
    /// How they stood before the last attempt to take them back.
    before: BTreeMap<String, Standing>,
}

impl Chain {
    /// The findings of the ledger by their ids.
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        Standings::of(self).by_finding
    }
}

impl Standings {
    /// Where the entries of a ledger lead.
    pub(super) fn of(chain: &Chain) -> Self {
        let mut standings = Self::default();
        for (entry, hash) in &chain.entries {
            standings.accept(entry, hash);
        }
        standings
    }

    /// How a finding stands, if the ledger knows it.
    pub(super) fn get(&self, finding: &str) -> Option<&Standing> {
        self.by_finding.get(finding)
    }

    /// Goes on to the next entry.
    pub(super) fn accept(&mut self, entry: &Entry, hash: &str) {
        let (finding, state, detail) = match &entry.event {
            Event::Intent(intent) => {
                (&intent.finding, LedgerState::Unknown, "a request was about to be sent, and no outcome is recorded")
            }
            Event::Outcome { finding, state, detail, .. } | Event::Proof { finding, state, detail } => {
                (finding, *state, detail.as_str())
            }
            Event::UndoIntent(intent) => {
                if let Some(standing) = self.by_finding.get(&intent.finding) {
                    self.before.insert(intent.finding.clone(), standing.clone());
                }
                let detail = "a request to undo it was about to be sent, and no outcome is recorded";
                (&intent.finding, LedgerState::Unknown, detail)
            }
            Event::UndoOutcome { finding, state, detail, .. } => {
                let state = match state {
                    LedgerState::Undone | LedgerState::Accepted => LedgerState::Undone,
                    LedgerState::Refused | LedgerState::Failed => {
                        // It stands as it stood.
                        if let Some(standing) = self.before.remove(finding) {
                            self.by_finding.insert(finding.clone(), standing);
                        }
                        return;
                    }
                    LedgerState::Revoked | LedgerState::StillLive | LedgerState::Unknown => LedgerState::Unknown,
                };
                (finding, state, detail.as_str())
            }
            Event::Approved { .. } | Event::Recovered { .. } => return,
        };
        let standing = self.by_finding.entry(finding.clone()).or_insert_with(|| Standing {
            finding: finding.clone(),
            state,
            detail: String::new(),
            at: String::new(),
            receipt: String::new(),
            intent: None,
            intent_hash: None,
        });
        // A later refusal to send does not undo what an earlier request may have done.
        let sends_nothing = matches!(&entry.event, Event::Outcome { intent: None, .. });
        if sends_nothing && standing.intent.is_some() {
            return;
        }
        standing.state = state;
        detail.clone_into(&mut standing.detail);
        standing.at.clone_from(&entry.at);
        hash.clone_into(&mut standing.receipt);
        if let Event::Intent(intent) = &entry.event {
            standing.intent = Some(intent.clone());
            standing.intent_hash = Some(hash.to_owned());
        }
    }
}
