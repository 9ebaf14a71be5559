//! Asking issuers and acting on the answers, as far as the user and the configuration allow.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context as _;
use time::OffsetDateTime;

use super::args::{Args, RevokeMode};
use super::gather::Gathered;
use crate::cli::{Global, mandate, mandate::Mandate};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::diagnostic::Diagnostic;
use crate::finding::Finding;
use crate::progress::{self, Progress};
use crate::revoke::{self, RevocationPlan, RevokeContext};
use crate::rules::RuleSet;
use crate::source::Counters;
use crate::verify::{self, Observer};

/// What is asked and done once the findings are known. Opened before the scan, so that a mistake in it costs no scan.
pub(super) struct Judge {
    /// `None` when no issuer may be asked.
    mandate: Option<Mandate>,
    revoke: Option<RevokeMode>,
    plan_file: Option<PathBuf>,
    ledger: Option<PathBuf>,
    progress: progress::Mode,
}

impl Judge {
    pub(super) fn prepare(
        args: &Args,
        config: &Config,
        rules: &Arc<RuleSet>,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let progress = args.output.progress;
        let args = &args.online;
        let asks = args.verify || args.revoke.is_some();
        let mandate = asks.then(|| Mandate::new(config, Arc::clone(rules))).transpose()?;
        let acts = args.revoke == Some(RevokeMode::Auto);
        let ledger = acts.then(|| mandate::ledger_file(args.ledger.as_ref(), environment)).transpose()?;
        Ok(Self { mandate, revoke: args.revoke, plan_file: args.plan.clone(), ledger, progress })
    }

    /// Judges the findings by what they say themselves, and by their issuers where that was asked for; then plans and revokes.
    pub(super) fn judge(&self, gathered: &mut Gathered, global: &Global) -> anyhow::Result<()> {
        let Some(mandate) = &self.mandate else {
            verify::judge_offline(&mut gathered.findings, OffsetDateTime::now_utc());
            return Ok(());
        };
        let is_cancelled = || gathered.stop.load(Relaxed);
        let counters = Counters::default();
        counters.expected.store(gathered.findings.len() as u64, Relaxed);
        let told = |done: usize, _| counters.items.store(done as u64, Relaxed);
        let observer = Observer { progress: &told, is_cancelled: &is_cancelled };
        std::thread::scope(|scope| {
            let progress = Progress::start(scope, self.progress, global.quiet, "asking issuers", &counters);
            let result = verify::verify_findings(&mut gathered.findings, &mandate.verify, &observer);
            progress.finish();
            result
        })
        .context("cannot start to ask issuers")?;
        // Whoever interrupts a run does not want it to revoke.
        let Some(mode) = self.revoke.filter(|_| !is_cancelled()) else { return Ok(()) };
        let context = RevokeContext { is_cancelled: &is_cancelled, ..mandate.context() };
        let plan = match (mode, &self.ledger) {
            (RevokeMode::Auto, Some(ledger)) => {
                act(&mut gathered.findings, &mut gathered.diagnostics, &context, ledger)
            }
            _ => revoke::plan_findings(&mut gathered.findings, &context).map_err(Into::into),
        };
        // What has been found must be reported even when revoking it fails.
        match plan {
            Ok(plan) => self.hand_over(&plan, global),
            Err(error) => {
                gathered.diagnostics.push(Diagnostic::gap("revocation", "revocation", format!("{error:#}")));
                Ok(())
            }
        }
    }

    /// Saves the plan and shows it.
    fn hand_over(&self, plan: &RevocationPlan, global: &Global) -> anyhow::Result<()> {
        if let Some(path) = &self.plan_file {
            mandate::save_plan(plan, path)?;
        }
        if !global.quiet && !plan.entries.is_empty() {
            let mut stderr = anstream::stderr().lock();
            write!(stderr, "{}", plan.to_text(false))?;
            if let Some(path) = &self.plan_file {
                mandate::tell_how_to_apply(plan, path, &mut stderr)?;
            }
        }
        Ok(())
    }
}

/// Revokes what the policy marks `auto`; what is left is the plan.
fn act(
    findings: &mut [Finding],
    diagnostics: &mut Vec<Diagnostic>,
    context: &RevokeContext<'_>,
    ledger: &std::path::Path,
) -> anyhow::Result<RevocationPlan> {
    let run = revoke::run_auto(findings, context, ledger)?;
    if run.recovered.is_some() {
        let reason = "its last line was cut off by a crash and has been set aside";
        diagnostics.push(Diagnostic::note("ledger-recovered", ledger.display().to_string(), reason));
    }
    Ok(run.rest)
}
