//! Liveness: asks issuers whether what was found still works.
//!
//! For `cli` and `revoke`. Everything that can be decided locally is (an expired token costs no packet); only issuers that the
//! operator trusts are asked, through `egress`; every question is read-only: nothing is minted, redeemed or revoked, but for
//! refresh tokens where the operator asks for active checks twice, on the command line and at the issuer. An answer
//! that does not decide is `unknown`, never `dead`. A verdict names its method, host and time.

mod calibration;
mod canary;
mod client_secret;
mod engine;
mod introspection;
mod jwt;
mod memory;
mod private_key;
mod provider;
mod redeem;
mod refresh_token;
mod userinfo;
mod verdict;
mod weak_keys;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::config::Config;
use crate::egress::{Egress, EgressError, EgressPolicy, Request, Response};
use crate::finding::{Finding, Liveness, LivenessState, Severity};
use crate::issuer::Issuers;
use crate::provider::Providers;
use crate::rules::RuleSet;
use calibration::Calibration;
pub use engine::run;
pub use memory::{MemoryError, VerdictMemory};

/// Tells the time; tests give their own.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The longest pause that is waited out for one question.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a verification works with. Kept for a whole run: it remembers what was learnt of the issuers, which a
/// [`reprobe`] after a revocation needs.
pub struct VerifyContext {
    /// The trusted issuers.
    pub issuers: Issuers,
    /// The client to them.
    pub egress: Egress,
    /// The time by which tokens expire.
    pub clock: Clock,
    /// Findings that are asked about at once.
    pub concurrency: usize,
    /// Longest time for all questions together.
    pub budget: Duration,
    /// What earlier scans were told; never where something is to be revoked.
    pub memory: Option<VerdictMemory>,
    /// Whether refresh tokens may be redeemed at the issuers that the operator opened to it.
    pub is_active: bool,
    rules: Arc<RuleSet>,
    providers: Providers,
    calibration: Calibration,
    controls: provider::Controls,
}

/// How a caller watches a verification, and ends it.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// Is told after each finding how many are done, and how many there are.
    pub progress: &'a dyn Fn(usize, usize),
    /// Whether to stop; asked several times per second. What is known until then is kept.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

impl VerifyContext {
    /// A context for one run, by the system's clock.
    pub fn new(config: &Config, issuers: Issuers, egress: Egress) -> Self {
        Self {
            issuers,
            egress,
            clock: Arc::new(OffsetDateTime::now_utc),
            concurrency: config.egress.concurrency,
            budget: config.egress.budget,
            memory: None,
            is_active: false,
            rules: Arc::default(),
            providers: Providers::from(config),
            calibration: Calibration::default(),
            controls: provider::Controls::default(),
        }
    }

    /// A context with a client and issuers of its own. The rules tell what must not be asked, and where providers are asked
    /// that are the same for everybody.
    pub fn open(config: &Config, rules: Arc<RuleSet>) -> Result<Self, EgressError> {
        let egress = Egress::new(EgressPolicy::from(config))?;
        let issuers = Issuers::with_rules(config, egress.clone(), &rules);
        Ok(Self { rules, ..Self::new(config, issuers, egress) })
    }

    /// Sends a question. A host that asks for a short pause gets it, and then the question once more; questions change nothing,
    /// so that asking again is safe.
    async fn ask(&self, question: impl Fn() -> Request) -> Result<Response, EgressError> {
        self.ask_again(question(), || Ok(question())).await
    }

    /// The same for a question that is made already, and can be made once more.
    async fn ask_again(
        &self,
        first: Request,
        again: impl Fn() -> Result<Request, EgressError>,
    ) -> Result<Response, EgressError> {
        let response = self.egress.send(first).await?;
        let is_short = |pause: Duration| pause <= LONGEST_PAUSE;
        if matches!(response.status, 429 | 503) && response.retry_after.is_some_and(is_short) {
            return self.egress.send(again()?).await;
        }
        Ok(response)
    }

    /// What the operator says of providers.
    pub(crate) fn providers(&self) -> &Providers {
        &self.providers
    }

    fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }
}

impl Observer<'_> {
    /// Watches nothing and never ends.
    pub fn idle() -> Self {
        Self { progress: &|_, _| {}, is_cancelled: &|| false }
    }
}

/// Judges what the findings say about themselves, and asks nobody: an expired token is dead whatever its issuer thinks, and of a
/// token that is signed with a known key, everybody can make more. The first matters less than any other, the second more.
pub fn judge_offline(findings: &mut [Finding], now: OffsetDateTime) {
    for index in 0..findings.len() {
        let Some(finding) = findings.get(index) else { continue };
        let Some(token) = &finding.token else { continue };
        let by_claims = jwt::judge_locally(token, now);
        let is_dead = by_claims.as_ref().is_some_and(|verdict| verdict.state == LivenessState::Dead);
        let by_key = if is_dead { None } else { jwt::judge_symmetric(finding, token, findings, now) };
        let severity = match (&by_claims, &by_key) {
            (_, Some(_)) => finding.severity.raised(),
            (Some(_), None) if is_dead => finding.severity.min(Severity::Low),
            _ => finding.severity,
        };
        if let (Some(finding), Some(verdict)) = (findings.get_mut(index), by_key.or(by_claims)) {
            finding.liveness = verdict;
            finding.severity = severity;
        }
    }
}

/// Judges all findings, from threads that run no async code. A runtime is only started when an issuer is to be asked; the error
/// is that of starting it.
pub fn verify_findings(findings: &mut [Finding], context: &VerifyContext, observer: &Observer<'_>) -> io::Result<()> {
    if engine::settle_locally(findings, context) {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(run(findings, context, observer));
    // A name server that does not answer must not hold up somebody who has just interrupted the run.
    runtime.shutdown_background();
    Ok(())
}

/// Asks again about one finding, whatever is known of it: the proof after a revocation. `findings` are those of the same run,
/// among which its client's secret is looked for.
pub async fn reprobe(finding: &Finding, findings: &[Finding], context: &VerifyContext) -> Liveness {
    engine::judge(finding, findings, context).await.settle(context)
}

#[cfg(test)]
mod tests;
