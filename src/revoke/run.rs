//! The way through planning and execution for `cli`: from findings or a report to a plan, and from an approved plan to receipts.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use thiserror::Error;

use super::Subject;
use super::approval::ApprovedPlan;
use super::execute::{ExecuteError, Executed, Execution, ProbeSubject, Reread, execute_plan, planned, proof_of_death};
use super::ledger::{Chain, Ledger, LedgerError, LedgerState, Standing, TornTail};
use super::plan::{PlanInput, PlannedLocation, RevocationPlan, plan};
use super::policy::Policy;
use super::terms::survey;
use crate::finding::{Finding, Fingerprint, FingerprintKey, LivenessState, Revocation, RevocationState};
use crate::report::Redactor;
use crate::rules::RuleSet;
use crate::secret::Secret;
use crate::verify::{VerifyContext, reprobe};

/// What planning and execution work with.
#[derive(Clone, Copy)]
pub struct RevokeContext<'a> {
    /// Asks issuers; the one that verified the findings, if they were verified in this run.
    pub verify: &'a VerifyContext,
    /// The operator's policy.
    pub policy: &'a Policy,
    /// The key of the findings' ids.
    pub key: &'a FingerprintKey,
    /// The rules that found the credentials.
    pub rules: &'a RuleSet,
    /// Whether to stop; asked before each call. What was begun is carried to its end.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// Why revocation could not be begun or carried to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The machinery for asking issuers does not start.
    #[error("cannot start to ask issuers")]
    Runtime(#[source] io::Error),
    /// The ledger cannot be opened: nothing was sent.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger failed on the way. What was sent until then stands in it.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

/// What [`run_auto`] did.
pub struct AutoRun {
    /// The whole plan.
    pub plan: RevocationPlan,
    /// What is left of it: what needs approval or a person.
    pub rest: RevocationPlan,
    /// What came of the entries, in the order of the plan.
    pub results: Vec<Executed>,
    /// What an earlier crash had left of the ledger's last line.
    pub recovered: Option<TornTail>,
}

/// Plans for the findings of this run and marks those in the plan as planned.
///
/// # Errors
/// When the machinery for asking issuers does not start.
pub fn plan_findings(findings: &mut [Finding], context: &RevokeContext<'_>) -> Result<RevocationPlan, RevokeError> {
    let redactor = Redactor::new(findings, false);
    let subjects: Vec<Subject> =
        findings.iter().map(|finding| Subject::from(finding).without_values(&redactor)).collect();
    let mut plan = plan_subjects(&subjects, false, context)?;
    let is_clean = |location: &PlannedLocation| {
        serde_json::to_string(location).is_ok_and(|written| redactor.place(&written) == written)
    };
    plan.retain_locations(is_clean);
    update(findings, plan.entries.iter().map(planned));
    Ok(plan)
}

/// Plans for findings of which the values are not at hand.
///
/// # Errors
/// When the machinery for asking issuers does not start.
pub fn plan_subjects(
    subjects: &[Subject],
    include_unknown: bool,
    context: &RevokeContext<'_>,
) -> Result<RevocationPlan, RevokeError> {
    let survey = runtime()?.block_on(survey(&context.verify.issuers, subjects));
    let (policy, rules) = (context.policy, context.rules);
    let providers = context.verify.providers();
    let now = (context.verify.clock)();
    Ok(plan(&PlanInput { subjects, survey: &survey, policy, include_unknown, rules, providers, now }))
}

/// Plans for the findings of this run, settles what earlier runs left open, does what the policy marks `auto`, and writes into
/// the findings what came of it. The ledger is not touched where nothing may run.
///
/// # Errors
/// When the ledger cannot be written, or the machinery for asking issuers does not start.
pub fn run_auto(findings: &mut [Finding], context: &RevokeContext<'_>, ledger: &Path) -> Result<AutoRun, RevokeError> {
    let plan = plan_findings(findings, context)?;
    settle_earlier(findings, context, ledger)?;
    let approved = ApprovedPlan::by_policy(&plan);
    let mut rest = plan.clone();
    rest.entries.retain(|entry| !approved.covers(entry));
    let values: HashMap<Fingerprint, &Secret> = findings.iter().map(|finding| (finding.id, &finding.secret)).collect();
    let reread: &Reread<'_> = &|id, _, _| values.get(&id).map(|secret| secret.duplicate());
    let mut results = Vec::new();
    let recovered = execute(&approved, context, ledger, reread, false, &mut results);
    // Even where the ledger failed on the way, the report tells what was done until then.
    update(findings, results.clone());
    Ok(AutoRun { plan, rest, results, recovered: recovered? })
}

/// Closes what earlier runs left open where this run has proof: a credential whose revocation had no certain end and that is
/// dead now. What the ledger calls revoked is told in the findings again. A ledger that does not exist is not made.
fn settle_earlier(findings: &mut [Finding], context: &RevokeContext<'_>, path: &Path) -> Result<(), RevokeError> {
    let dead: Vec<&mut Finding> =
        findings.iter_mut().filter(|finding| finding.liveness.state == LivenessState::Dead).collect();
    if dead.is_empty() || !path.exists() {
        return Ok(());
    }
    let chain = Chain::read(path)?;
    if !chain.breaks.is_empty() {
        // Nothing can be told from it, and nothing will be appended to it.
        return Ok(());
    }
    let standings = chain.standings();
    let mut ledger = None;
    for finding in dead {
        // What was undone was ended by somebody else since.
        let is_open = |standing: &&Standing| standing.intent.is_some() && standing.state != LedgerState::Undone;
        let Some(standing) = standings.get(&finding.id.to_string()).filter(is_open) else { continue };
        let receipt = if standing.state == LedgerState::Revoked {
            standing.receipt.clone()
        } else {
            let now = (context.verify.clock)();
            let ledger = match &mut ledger {
                Some(ledger) => ledger,
                none => none.insert(Ledger::open(path, now)?),
            };
            ledger.append(proof_of_death(finding), now)?.as_str().to_owned()
        };
        let detail = Some("it is dead after the request of an earlier run".to_owned());
        let method = standing.intent.as_ref().map(|intent| intent.method.clone());
        let state = RevocationState::Revoked;
        finding.revocation = Revocation { state, method, receipt: Some(receipt), detail };
    }
    Ok(())
}

/// Carries out a plan that somebody approved by its hash. Values are read again with `reread`.
///
/// # Errors
/// When the ledger cannot be written, or the machinery for asking issuers does not start.
pub fn execute_approved(
    approved: &ApprovedPlan,
    context: &RevokeContext<'_>,
    ledger: &Path,
    reread: &Reread<'_>,
) -> Result<(Vec<Executed>, Option<TornTail>), RevokeError> {
    let mut results = Vec::new();
    let recovered = execute(approved, context, ledger, reread, true, &mut results)?;
    Ok((results, recovered))
}

fn execute(
    approved: &ApprovedPlan,
    context: &RevokeContext<'_>,
    ledger: &Path,
    reread: &Reread<'_>,
    look_first: bool,
    results: &mut Vec<Executed>,
) -> Result<Option<TornTail>, RevokeError> {
    if approved.calls() == 0 {
        results.extend(approved.plan().entries.iter().map(planned));
        return Ok(None);
    }
    let window = context.policy.pauses();
    let verify = context.verify;
    let clock = &*verify.clock;
    let mut ledger = Ledger::open(ledger, clock())?;
    let recovered = ledger.recovered().cloned();
    let execution = Execution {
        egress: &verify.egress,
        issuers: &verify.issuers,
        providers: verify.providers(),
        rules: context.rules,
        policy: context.policy,
        key: context.key,
        ledger: &mut ledger,
        clock,
        reread,
        window: &window,
        is_cancelled: context.is_cancelled,
        look_first,
    };
    let probe = async |subject: &ProbeSubject| reprobe(&subject.finding, &subject.companions, verify).await;
    runtime()?.block_on(execute_plan(approved, execution, probe, results))?;
    Ok(recovered)
}

fn update(findings: &mut [Finding], results: impl IntoIterator<Item = Executed>) {
    let mut results: HashMap<Fingerprint, Executed> =
        results.into_iter().map(|result| (result.finding, result)).collect();
    for finding in findings {
        if let Some(result) = results.remove(&finding.id) {
            finding.revocation = result.revocation;
            if let Some(liveness) = result.liveness {
                finding.liveness = liveness;
            }
        }
    }
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, RevokeError> {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(RevokeError::Runtime)
}
