//! Where every finding stands according to the ledger.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::entry::{Event, Intent, LedgerState};

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

impl Chain {
    /// The findings of the ledger by their ids.
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
        // How they stood before the last attempt to take them back.
        let mut before: BTreeMap<&str, Standing> = BTreeMap::new();
        for (entry, hash) in &self.entries {
            let (finding, state, detail) = match &entry.event {
                Event::Intent(intent) => (
                    &intent.finding,
                    LedgerState::Unknown,
                    "a request was about to be sent, and no outcome is recorded",
                ),
                Event::Outcome { finding, state, detail, .. } | Event::Proof { finding, state, detail } => {
                    (finding, *state, detail.as_str())
                }
                Event::UndoIntent(intent) => {
                    if let Some(standing) = standings.get(&intent.finding) {
                        before.insert(&intent.finding, standing.clone());
                    }
                    let detail = "a request to undo it was about to be sent, and no outcome is recorded";
                    (&intent.finding, LedgerState::Unknown, detail)
                }
                Event::UndoOutcome { finding, state, detail, .. } => {
                    let state = match state {
                        LedgerState::Undone | LedgerState::Accepted => LedgerState::Undone,
                        LedgerState::Refused | LedgerState::Failed => {
                            // It stands as it stood.
                            if let Some(standing) = before.remove(finding.as_str()) {
                                standings.insert(finding.clone(), standing);
                            }
                            continue;
                        }
                        LedgerState::Revoked | LedgerState::StillLive | LedgerState::Unknown => LedgerState::Unknown,
                    };
                    (finding, state, detail.as_str())
                }
                Event::Approved { .. } | Event::Recovered { .. } => continue,
            };
            let standing = standings.entry(finding.clone()).or_insert_with(|| Standing {
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
                continue;
            }
            standing.state = state;
            detail.clone_into(&mut standing.detail);
            standing.at.clone_from(&entry.at);
            standing.receipt.clone_from(hash);
            if let Event::Intent(intent) = &entry.event {
                standing.intent = Some(intent.clone());
                standing.intent_hash = Some(hash.clone());
            }
        }
        standings
    }
}
