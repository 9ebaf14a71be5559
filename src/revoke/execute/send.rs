//! From entries that may be sent to what came of them: the intents, the request, its outcome, and the proof.

use std::time::Duration;

use super::prepare::PreparedCall;
use super::words::{executed, outcome, proof, told};
use super::{ExecuteError, Executed, ProbeSubject, Run, is_live};
use crate::finding::{Kind, Liveness, LivenessState, RevocationState};
use crate::revoke::ledger::{Event, LedgerState, Receipt};
use crate::revoke::plan::PlanEntry;
use crate::revoke::rfc7009::Answer;

/// What one issuer does or does not revoke for a client.
pub(super) type Series = (String, String, Kind, Option<String>);

/// An entry that nothing forbids to be sent.
pub(super) struct Ready<'a> {
    pub(super) entry: &'a PlanEntry,
    pub(super) prepared: PreparedCall,
    pub(super) series: Series,
}

/// An entry whose request was answered.
struct Answered<'a> {
    entry: &'a PlanEntry,
    series: Series,
    subject: ProbeSubject,
    state: LedgerState,
    receipt: Receipt,
    detail: String,
}

impl<'a, P> Run<'a, P>
where
    P: AsyncFn(&ProbeSubject) -> Liveness,
{
    /// Sends one request for all of them, which is recorded of each before and after, and asks about each afterwards.
    pub(super) async fn execute_ready(
        &mut self,
        ready: Vec<Ready<'a>>,
        results: &mut Vec<Executed>,
    ) -> Result<(), ExecuteError> {
        let rule = ready.first().and_then(|first| self.execution.rules.get(&first.entry.rule));
        let (mut entries, mut calls) = (Vec::new(), Vec::new());
        for Ready { entry, prepared, series } in ready {
            entries.push((entry, series));
            calls.push(prepared);
        }
        let (call, subjects) = match PreparedCall::join(calls, rule.map(AsRef::as_ref)) {
            Ok(joined) => joined,
            Err(reason) => {
                for (entry, _) in entries {
                    results.push(self.refuse(entry, reason.clone())?);
                }
                return Ok(());
            }
        };
        for (entry, _) in &entries {
            let issuer = entry.action.issuer().unwrap_or_default();
            let intent = self.record(Event::Intent(self.intent(entry, issuer)))?;
            self.in_flight.push((entry, intent));
        }
        let settles_within = call.settles_within();
        let Some(first) = subjects.first() else { return Ok(()) };
        let (answer, note) = call.execute(self.execution.egress, &first.finding.secret).await;
        let mut answered = Vec::new();
        for ((entry, series), subject) in entries.into_iter().zip(subjects) {
            let recorded = self.record_outcome(entry, &subject, &answer, &note);
            let (state, receipt, detail) = match recorded {
                Ok(recorded) => recorded,
                Err(error) => {
                    // Of those before it, at least what was answered is known.
                    results.extend(answered.iter().map(Answered::told));
                    return Err(error);
                }
            };
            self.in_flight.retain(|(other, _)| other.finding != entry.finding);
            answered.push(Answered { entry, series, subject, state, receipt, detail });
        }
        if matches!(answer, Answer::Refused(_) | Answer::NotSent(_)) {
            for one in answered {
                let result = one.told();
                self.remember(&result, one.series);
                results.push(result);
            }
            return Ok(());
        }
        self.prove(answered, settles_within, results).await
    }

    /// Writes down what an answer alone says of one entry.
    fn record_outcome(
        &mut self,
        entry: &PlanEntry,
        subject: &ProbeSubject,
        answer: &Answer,
        note: &str,
    ) -> Result<(LedgerState, Receipt, String), ExecuteError> {
        let (state, mut detail) = outcome(answer);
        if !note.is_empty() {
            detail = format!("{detail}; {note}");
        }
        let detail = subject.without_values(detail);
        let intent = self.in_flight.iter().find(|(other, _)| other.finding == entry.finding);
        let receipt = self.record(Event::Outcome {
            finding: entry.finding.to_string(),
            plan: self.approved.hash().to_string(),
            intent: intent.map(|(_, receipt)| receipt.as_str().to_owned()),
            state,
            detail: detail.clone(),
        })?;
        Ok((state, receipt, detail))
    }

    /// Asks about the credentials until they are dead or the window is over, and records what that shows.
    async fn prove(
        &mut self,
        answered: Vec<Answered<'a>>,
        settles_within: Option<Duration>,
        results: &mut Vec<Executed>,
    ) -> Result<(), ExecuteError> {
        let mut looks = Vec::with_capacity(answered.len());
        for one in &answered {
            looks.push((self.probe)(&one.subject).await);
        }
        for pause in self.execution.window {
            // What cannot be told now cannot be told in a moment either: only a credential that works is waited for.
            if !looks.iter().any(|look| is_live(look.state)) {
                break;
            }
            tokio::time::sleep(*pause).await;
            for (one, look) in answered.iter().zip(&mut looks).filter(|(_, look)| is_live(look.state)) {
                *look = (self.probe)(&one.subject).await;
            }
        }
        for (one, look) in answered.into_iter().zip(looks) {
            let result = self.conclude(&one, look, settles_within)?;
            self.remember(&result, one.series);
            results.push(result);
        }
        Ok(())
    }

    /// What the last look at a credential makes of the answer.
    fn conclude(
        &mut self,
        one: &Answered<'_>,
        liveness: Liveness,
        settles_within: Option<Duration>,
    ) -> Result<Executed, ExecuteError> {
        let Answered { entry, subject, state, receipt, detail, .. } = one;
        let proven = match (liveness.state, *state) {
            (LivenessState::Dead, _) => LedgerState::Revoked,
            // It says that it takes longer than anybody waits here.
            (LivenessState::Live | LivenessState::LiveRestricted, LedgerState::Accepted)
                if settles_within.is_some() =>
            {
                *state
            }
            (LivenessState::Live | LivenessState::LiveRestricted, LedgerState::Accepted) => LedgerState::StillLive,
            (LivenessState::Live | LivenessState::LiveRestricted, _) => LedgerState::Failed,
            (LivenessState::Unknown | LivenessState::NotChecked, _) => *state,
        };
        let later = settles_within.filter(|_| proven == LedgerState::Accepted).map_or_else(String::new, |limit| {
            format!("; it may take up to {} s to take effect: verify it again then", limit.as_secs())
        });
        let detail = subject.without_values(format!("{detail}; {}{later}", told(&liveness)));
        if proven == *state && proven != LedgerState::Failed {
            // Nothing was proven: the outcome stays the last word.
            return Ok(executed(entry, *state, receipt.as_str(), detail, Some(liveness)));
        }
        let receipt = self.record(proof(entry, proven, &detail))?;
        Ok(executed(entry, proven, receipt.as_str(), detail, Some(liveness)))
    }

    /// Stops the rest of a series whose first was refused, or accepted without effect.
    fn remember(&mut self, result: &Executed, series: Series) {
        if matches!(result.revocation.state, RevocationState::Refused | RevocationState::StillLive) {
            self.refused.insert(series);
        }
    }
}

impl Answered<'_> {
    /// What is known without a proof.
    fn told(&self) -> Executed {
        executed(self.entry, self.state, self.receipt.as_str(), self.detail.clone(), None)
    }
}
