//! What earlier runs have proven of the findings of this one.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::chain::Chain;
use super::entry::LedgerState;
use crate::finding::{Finding, Liveness, LivenessState, Revocation, RevocationState};

/// The name of this method in verdicts.
const METHOD: &str = "ledger";

impl Chain {
    /// Tells of findings that were revoked before, with proof: of those that nobody says anything about today, that they are dead.
    /// What answers today is what it is. A ledger that was changed says nothing.
    pub fn recall(&self, findings: &mut [Finding]) {
        if !self.is_intact() {
            return;
        }
        let standings = self.standings();
        for finding in findings {
            let standing = standings.get(&finding.id.to_string());
            let Some(standing) = standing.filter(|standing| standing.state == LedgerState::Revoked) else { continue };
            match finding.liveness.state {
                LivenessState::Live | LivenessState::LiveRestricted => continue,
                LivenessState::Dead => {}
                LivenessState::Unknown | LivenessState::NotChecked => {
                    finding.liveness = Liveness {
                        state: LivenessState::Dead,
                        reason: Some("it was revoked, and the ledger holds the proof".to_owned()),
                        method: Some(METHOD),
                        host: None,
                        checked_at: OffsetDateTime::parse(&standing.at, &Rfc3339).ok(),
                        identity: None,
                    };
                }
            }
            finding.revocation = Revocation {
                state: RevocationState::Revoked,
                method: standing.intent.as_ref().map(|intent| intent.method.clone()),
                receipt: Some(standing.receipt.clone()),
                detail: None,
            };
        }
    }
}
