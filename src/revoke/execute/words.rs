//! What execution records and reports of an entry, in words.

use super::Executed;
use crate::finding::{Finding, Liveness, LivenessState, Revocation, RevocationState};
use crate::revoke::ledger::{Event, LedgerState};
use crate::revoke::plan::{PlanEntry, PlannedAction};
use crate::revoke::rfc7009::Answer;

/// The state of an entry that is not executed.
pub(in crate::revoke) fn planned(entry: &PlanEntry) -> Executed {
    let detail = match &entry.action {
        PlannedAction::Manual { why, .. } => format!("by hand: {why}"),
        PlannedAction::Rfc7009 { .. } | PlannedAction::Provider { .. } | PlannedAction::Administration { .. } => {
            format!("policy: {} ({})", entry.policy.action.as_str(), entry.policy.decided_by)
        }
    };
    let revocation = Revocation {
        state: RevocationState::Planned,
        method: Some(entry.action.method().to_owned()),
        receipt: None,
        detail: Some(detail),
    };
    Executed { finding: entry.finding, revocation, liveness: None }
}

/// The state that an answer alone leads to.
pub(in crate::revoke) fn outcome(answer: &Answer) -> (LedgerState, String) {
    match answer {
        Answer::Accepted => (LedgerState::Accepted, "the issuer accepted the request".to_owned()),
        Answer::Refused(reason) => (LedgerState::Refused, (*reason).to_owned()),
        // RFC 7009 §2.2.1: the token has to be taken for existing still.
        Answer::Postponed { reason, retry_after } => {
            let pause = retry_after.map(|pause| format!(", to be asked again in {} s", pause.as_secs()));
            (LedgerState::Failed, format!("{reason}{}", pause.unwrap_or_default()))
        }
        Answer::NotSent(reason) => (LedgerState::Failed, format!("not sent: {reason}")),
        Answer::Unknown(reason) => (LedgerState::Unknown, reason.clone()),
    }
}

/// What the ledger keeps of a credential that a later run finds dead.
pub(in crate::revoke) fn proof_of_death(finding: &Finding) -> Event {
    let detail = format!("after the request of an earlier run: {}", told(&finding.liveness));
    Event::Proof { finding: finding.id.to_string(), state: LedgerState::Revoked, detail }
}

pub(super) fn proof(entry: &PlanEntry, state: LedgerState, detail: &str) -> Event {
    Event::Proof { finding: entry.finding.to_string(), state, detail: detail.to_owned() }
}

pub(super) fn executed(
    entry: &PlanEntry,
    state: LedgerState,
    receipt: &str,
    detail: String,
    liveness: Option<Liveness>,
) -> Executed {
    let revocation = Revocation {
        state: state.into(),
        method: Some(entry.action.method().to_owned()),
        receipt: Some(receipt.to_owned()),
        detail: Some(detail),
    };
    let decides = |liveness: &Liveness| !matches!(liveness.state, LivenessState::Unknown | LivenessState::NotChecked);
    Executed { finding: entry.finding, revocation, liveness: liveness.filter(decides) }
}

/// What a look at the credential showed, in words.
pub(in crate::revoke) fn told(liveness: &Liveness) -> String {
    let by = liveness.method.map(|method| format!(" by {method}")).unwrap_or_default();
    let reason = liveness.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    match liveness.state {
        LivenessState::Dead => format!("it is dead{by}{reason}"),
        LivenessState::Live | LivenessState::LiveRestricted => format!("it still works{by}{reason}"),
        LivenessState::Unknown | LivenessState::NotChecked => {
            format!("whether it still works is not known{by}{reason}")
        }
    }
}
