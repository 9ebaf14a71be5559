//! Execution: the only irreversible code of the program.
//!
//! Every call is written to the ledger before it leaves and after it returned; what comes of it is decided by asking about the
//! credential again, since an issuer's 200 proves nothing. Whatever is not certain is recorded as unknown, and asked about
//! before it is ever sent again. Entries run one after the other, so that no issuer sees two calls at once; where one request can
//! end several credentials, those of the plan go together.

pub(super) mod prepare;
mod send;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use thiserror::Error;
use time::OffsetDateTime;

use super::approval::ApprovedPlan;
use super::ledger::{Event, Intent, Ledger, LedgerError, LedgerState, Receipt, Standing};
use super::plan::{PlanEntry, PlannedAction, PlannedLocation};
use super::policy::{CapCounter, Policy, PolicyAction, Question};
use super::undo;
use crate::egress::Egress;
use crate::finding::{Finding, Fingerprint, FingerprintKey, Kind, Liveness, LivenessState, Revocation};
use crate::issuer::Issuers;
use crate::provider::Providers;
use crate::rules::RuleSet;
use crate::secret::Secret;
use send::{Ready, Series};
use words::{executed, proof};
pub(super) use words::{outcome, planned, proof_of_death, told};

/// Why an execution stopped before its end. What was done until then stands in the ledger.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The ledger cannot be written, so nothing more may be sent.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Reads the value of a finding again from one of its places. `None` when it is not there any more.
pub type Reread<'a> = dyn Fn(Fingerprint, Kind, &PlannedLocation) -> Option<Secret> + 'a;

/// What execution works with.
pub struct Execution<'a> {
    /// Sends.
    pub egress: &'a Egress,
    /// The trusted issuers.
    pub issuers: &'a Issuers,
    /// Which providers' accounts are the operator's.
    pub providers: &'a Providers,
    /// The rules, which know how providers revoke.
    pub rules: &'a RuleSet,
    /// The operator's policy as it is now: what it forbids since the plan was made does not run.
    pub policy: &'a Policy,
    /// Checks values that were read again.
    pub key: &'a FingerprintKey,
    /// Keeps the record.
    pub ledger: &'a mut Ledger,
    /// The time.
    pub clock: &'a dyn Fn() -> OffsetDateTime,
    /// Reads values again.
    pub reread: &'a Reread<'a>,
    /// The pauses between two looks at a credential that still answers: the window that an issuer has to make a revocation
    /// take effect.
    pub window: &'a [Duration],
    /// Whether to stop before the next call.
    pub is_cancelled: &'a dyn Fn() -> bool,
    /// Whether the liveness in the plan is of another run. Every credential is then asked about before its call: what is dead
    /// by now needs none, and only an issuer that has called a token active proves something by calling it inactive.
    pub look_first: bool,
}

/// What came of one entry of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The finding.
    pub finding: Fingerprint,
    /// What came of it.
    pub revocation: Revocation,
    /// What the last look at it showed, if that decides anything.
    pub liveness: Option<Liveness>,
}

/// A credential for another look at it, and what is needed for asking: the finding itself and its client's secret.
pub struct ProbeSubject {
    /// The credential.
    pub finding: Finding,
    /// The client secret that was found with it, if that is what authorises.
    pub companions: Vec<Finding>,
}

/// Executes an approved plan, entry by entry, in its order, and appends what came of each to `results`. `probe` asks about a
/// credential without changing anything.
///
/// # Errors
/// When the ledger cannot be written: nothing is sent without a record. `results` then tells of the entries until there.
pub async fn execute_plan<P>(
    approved: &ApprovedPlan,
    execution: Execution<'_>,
    probe: P,
    results: &mut Vec<Executed>,
) -> Result<(), ExecuteError>
where
    P: AsyncFn(&ProbeSubject) -> Liveness,
{
    let begun = results.len();
    let mut run = Run {
        approved,
        execution,
        probe,
        refused: BTreeSet::new(),
        looks: BTreeMap::new(),
        counter: CapCounter::default(),
        in_flight: Vec::new(),
    };
    run.record(Event::Approved {
        plan: approved.hash().to_string(),
        by: approved.approval().as_str().to_owned(),
        calls: approved.calls(),
    })?;
    if run.execution.look_first {
        run.look_first().await;
    }
    let mut ended = Ok(());
    for group in run.groups() {
        let stop = (run.execution.is_cancelled)();
        if stop {
            results.extend(group.into_iter().map(planned));
        } else if let Err(error) = run.execute_group(group, results).await {
            let detail = "a request was sent, and what came of it could not be recorded";
            let unknown = run
                .in_flight
                .iter()
                .map(|(entry, intent)| executed(entry, LedgerState::Unknown, intent.as_str(), detail.to_owned(), None));
            results.extend(unknown);
            ended = Err(error);
            break;
        }
    }
    // Those of one request were done together: they are told in the order of the plan.
    let order: HashMap<Fingerprint, usize> =
        approved.plan().entries.iter().enumerate().map(|(index, entry)| (entry.finding, index)).collect();
    if let Some(results) = results.get_mut(begun..) {
        results.sort_by_key(|result| order.get(&result.finding).copied());
    }
    ended
}

impl ProbeSubject {
    /// What the ledger may keep of a text into which an issuer has had its say: a redirection can lead to a host whose name is
    /// the token.
    pub(super) fn without_values(&self, text: String) -> String {
        let folded = text.to_ascii_lowercase();
        let holds = |finding: &Finding| {
            let value = String::from_utf8_lossy(finding.secret.expose()).to_ascii_lowercase();
            !value.is_empty() && folded.contains(&value)
        };
        if std::iter::once(&self.finding).chain(&self.companions).any(holds) {
            return "the issuer's answer repeats what it was sent, so it is not told here".to_owned();
        }
        text
    }
}

/// One execution under way.
struct Run<'a, P> {
    approved: &'a ApprovedPlan,
    execution: Execution<'a>,
    probe: P,
    /// Which kinds an issuer does not revoke for a client: the first one that it refuses, or accepts without effect, stops the
    /// rest of them.
    refused: BTreeSet<Series>,
    /// What a look at each credential before the first call showed.
    looks: BTreeMap<Fingerprint, Liveness>,
    counter: CapCounter,
    /// The intents of requests of which no outcome is recorded yet.
    in_flight: Vec<(&'a PlanEntry, Receipt)>,
}

/// What may come of the way to a request.
enum Step<'a> {
    /// Nothing is to be sent.
    Done(Executed),
    /// It may be sent.
    Ready(Box<Ready<'a>>),
}

impl<'a, P> Run<'a, P>
where
    P: AsyncFn(&ProbeSubject) -> Liveness,
{
    /// The entries of the plan by the requests that end them: most have one of their own.
    fn groups(&self) -> Vec<Vec<&'a PlanEntry>> {
        let mut groups: Vec<Vec<&PlanEntry>> = Vec::new();
        let mut open: HashMap<(&str, &str), usize> = HashMap::new();
        for entry in &self.approved.plan().entries {
            let most = self.batch(entry);
            let PlannedAction::Provider { call, request, .. } = &entry.action else {
                groups.push(vec![entry]);
                continue;
            };
            let known = open.get(&(call, request)).and_then(|index| groups.get_mut(*index));
            if let Some(group) = known.filter(|group| most > 1 && group.len() < most) {
                group.push(entry);
            } else {
                open.insert((call, request), groups.len());
                groups.push(vec![entry]);
            }
        }
        groups
    }

    /// How many credentials the request of an entry may end.
    fn batch(&self, entry: &PlanEntry) -> usize {
        let rule = self.execution.rules.get(&entry.rule);
        rule.and_then(|rule| rule.revoke.call.as_deref()).map_or(1, |call| call.batch)
    }

    /// Does what can be done for entries that one request ends.
    async fn execute_group(
        &mut self,
        group: Vec<&'a PlanEntry>,
        results: &mut Vec<Executed>,
    ) -> Result<(), ExecuteError> {
        let mut ready = Vec::new();
        for entry in group {
            match self.approach(entry).await? {
                Step::Done(result) => results.push(result),
                Step::Ready(entry) => ready.push(*entry),
            }
        }
        if ready.is_empty() { Ok(()) } else { self.execute_ready(ready, results).await }
    }

    /// Everything that comes before the intent to send.
    async fn approach(&mut self, entry: &'a PlanEntry) -> Result<Step<'a>, ExecuteError> {
        let Some(issuer) = entry.action.issuer() else { return Ok(Step::Done(planned(entry))) };
        if !self.approved.covers(entry) {
            return Ok(Step::Done(planned(entry)));
        }
        if let Some(done) = self.done_before(entry) {
            return Ok(Step::Done(done));
        }
        if let Err(reason) = self.is_still_allowed(entry, issuer) {
            return self.refuse(entry, reason).map(Step::Done);
        }
        let mut prepared = match self.prepare(entry).await {
            Ok(prepared) => prepared,
            Err(reason) => return self.refuse(entry, reason).map(Step::Done),
        };
        if let Some(standing) = self.open_standing(entry)
            && let Some(settled) = self.settle(entry, &standing, &prepared.subject).await?
        {
            return Ok(Step::Done(settled));
        }
        let look = self.looks.remove(&entry.finding);
        if let Some(liveness) = look.as_ref().filter(|look| look.state == LivenessState::Dead) {
            return self.settle_dead(entry, liveness.clone()).map(Step::Done);
        }
        let series = (issuer.to_owned(), entry.rule.clone(), entry.kind, entry.action.client_id().map(str::to_owned));
        if self.refused.contains(&series) {
            let reason = format!("not sent: the issuer has just not revoked another {}", entry.kind.as_str());
            return self.refuse(entry, reason).map(Step::Done);
        }
        let is_live = match &look {
            Some(look) => is_live(look.state),
            // What this very run has found out.
            None => !self.execution.look_first && LivenessState::from_word(&entry.liveness.state).is_some_and(is_live),
        };
        if let Err(reason) = prepared.find(is_live, self.execution.issuers, self.execution.egress).await {
            return self.refuse(entry, prepared.subject.without_values(reason)).map(Step::Done);
        }
        if let Err(cap) = self.count(issuer) {
            return self.refuse(entry, format!("not sent: {cap} is reached")).map(Step::Done);
        }

        Ok(Step::Ready(Box::new(Ready { entry, prepared, series })))
    }

    /// Counts a call against the caps: those of this run, and that of the last hour, in which other runs may have sent some.
    fn count(&mut self, issuer: &str) -> Result<(), String> {
        let hour_ago = (self.execution.clock)().saturating_sub(time::Duration::HOUR);
        let policy = self.execution.policy;
        policy.hour_has_room(self.execution.ledger.chain().intents_since(hour_ago))?;
        policy.count(&mut self.counter, issuer)
    }

    /// What the operator may have changed their mind about since the plan was made.
    fn is_still_allowed(&self, entry: &PlanEntry, issuer: &str) -> Result<(), String> {
        let policy = self.execution.policy;
        let shared = matches!(entry.action, PlannedAction::Provider { shared: true, .. });
        let (subject, blast_radius, now) = (entry.subject(), entry.blast_radius, (self.execution.clock)());
        let decision = policy.decide(&Question { subject: &subject, issuer, shared, blast_radius, now });
        if decision.action == PolicyAction::Never {
            return Err(format!("not sent: the policy forbids it now ({})", decision.decided_by));
        }
        if let PlannedAction::Provider { .. } = entry.action {
            // Preparing the call asks for the operator's word again.
            return Ok(());
        }
        match self.execution.issuers.trusted(issuer) {
            Ok(trusted) if trusted.revoke => Ok(()),
            Ok(_) => Err(format!("not sent: the configuration does not say `revoke = true` for `{issuer}`")),
            Err(error) => Err(format!("not sent: {error}")),
        }
    }

    /// Asks about every credential before the first call, which may end more of them than its own.
    async fn look_first(&mut self) {
        for entry in &self.approved.plan().entries {
            let Some(issuer) = entry.action.issuer() else { continue };
            let is_cancelled = (self.execution.is_cancelled)();
            if is_cancelled || !self.approved.covers(entry) || self.is_still_allowed(entry, issuer).is_err() {
                continue;
            }
            let Ok(prepared) = self.prepare(entry).await else { continue };
            let liveness = (self.probe)(&prepared.subject).await;
            self.looks.insert(entry.finding, liveness);
        }
    }

    /// What an earlier run made of the entry, if that was an end and nothing shows that the credential works again: carrying out
    /// a plan twice does nothing the second time. What was accepted and is found dead now is not at its end: the proof is missing.
    fn done_before(&self, entry: &PlanEntry) -> Option<Executed> {
        let look = self.looks.get(&entry.finding);
        if !self.execution.look_first || look.is_some_and(|look| is_live(look.state)) {
            return None;
        }
        let standing = self.standing(entry)?;
        let is_done = match standing.state {
            LedgerState::Revoked => true,
            LedgerState::Accepted => look.is_none_or(|look| look.state != LivenessState::Dead),
            _ => false,
        };
        is_done.then(|| executed(entry, standing.state, &standing.receipt, standing.detail.clone(), None))
    }

    /// Records that a credential was dead before this run sent anything for it.
    fn settle_dead(&mut self, entry: &PlanEntry, liveness: Liveness) -> Result<Executed, ExecuteError> {
        let is_sent = self.standing(entry).is_some_and(|standing| standing.intent.is_some());
        let detail = if is_sent {
            format!("after an earlier request: {}", told(&liveness))
        } else {
            format!("not sent: {} already", told(&liveness))
        };
        let receipt = self.record(proof(entry, LedgerState::Revoked, &detail))?;
        Ok(executed(entry, LedgerState::Revoked, receipt.as_str(), detail, Some(liveness)))
    }

    /// How the finding stands, if an earlier request for it has no known end.
    fn open_standing(&self, entry: &PlanEntry) -> Option<Standing> {
        self.standing(entry).filter(|standing| standing.state == LedgerState::Unknown).cloned()
    }

    fn standing(&self, entry: &PlanEntry) -> Option<&Standing> {
        self.execution.ledger.standing(&entry.finding.to_string())
    }

    /// Looks at what became of an earlier request. `None` when the credential is proven to work still: the request had no
    /// effect, and sending another is not blind.
    async fn settle(
        &mut self,
        entry: &PlanEntry,
        standing: &Standing,
        subject: &ProbeSubject,
    ) -> Result<Option<Executed>, ExecuteError> {
        let liveness = (self.probe)(subject).await;
        let (state, detail) = match liveness.state {
            LivenessState::Live | LivenessState::LiveRestricted => {
                let detail = format!("an earlier request had no effect: {}", told(&liveness));
                self.record(proof(entry, LedgerState::Failed, &detail))?;
                return Ok(None);
            }
            LivenessState::Dead => (LedgerState::Revoked, format!("after an earlier request: {}", told(&liveness))),
            LivenessState::Unknown | LivenessState::NotChecked => {
                let detail = format!("not sent again: {}; {}", standing.detail, told(&liveness));
                return Ok(Some(executed(entry, LedgerState::Unknown, &standing.receipt, detail, None)));
            }
        };
        let receipt = self.record(proof(entry, state, &detail))?;
        Ok(Some(executed(entry, state, receipt.as_str(), detail, Some(liveness))))
    }

    /// Records that nothing was sent, and why.
    fn refuse(&mut self, entry: &PlanEntry, reason: String) -> Result<Executed, ExecuteError> {
        let event = Event::Outcome {
            finding: entry.finding.to_string(),
            plan: self.approved.hash().to_string(),
            intent: None,
            state: LedgerState::Refused,
            detail: reason.clone(),
        };
        let receipt = self.record(event)?;
        Ok(executed(entry, LedgerState::Refused, receipt.as_str(), reason, None))
    }

    fn record(&mut self, event: Event) -> Result<Receipt, ExecuteError> {
        Ok(self.execution.ledger.append(event, (self.execution.clock)())?)
    }

    fn intent(&self, entry: &PlanEntry, issuer: &str) -> Intent {
        let (endpoint, authority) = match &entry.action {
            PlannedAction::Rfc7009 { endpoint, authority, .. } => (endpoint.as_str(), authority.as_str()),
            PlannedAction::Provider { request, .. } => (request.as_str(), "itself"),
            PlannedAction::Administration { request, .. } => (request.as_str(), "administrator"),
            PlannedAction::Manual { .. } => ("", "person"),
        };
        Intent {
            finding: entry.finding.to_string(),
            plan: self.approved.hash().to_string(),
            kind: entry.kind.as_str().to_owned(),
            provider: entry.provider.clone(),
            issuer: issuer.to_owned(),
            method: entry.action.method().to_owned(),
            endpoint: endpoint.to_owned(),
            authority: authority.to_owned(),
            client_id: entry.action.client_id().map(str::to_owned),
            blast_radius: entry.blast_radius.as_str().to_owned(),
            policy: format!("{}: {}", entry.policy.action.as_str(), entry.policy.decided_by),
            reversal: undo::reversal(self.execution.rules, entry),
        }
    }
}

/// Whether the issuer said that the credential works.
fn is_live(state: LivenessState) -> bool {
    matches!(state, LivenessState::Live | LivenessState::LiveRestricted)
}
