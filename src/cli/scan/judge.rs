//! Asking issuers and acting on the answers, as far as the user and the configuration allow.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::args::{Args, Checks, RevokeMode};
use super::gather::Gathered;
use crate::cli::Global;
use crate::cli::exit::Hint;
use crate::cli::mandate::{self, Mandate};
use crate::cli::pending_file::PendingFile;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::diagnostic::Diagnostic;
use crate::finding::Finding;
use crate::progress::{self, Progress};
use crate::report::{self, Redactor};
use crate::revoke::ledger::Chain;
use crate::revoke::{self, RevocationPlan, RevokeContext};
use crate::rules::RuleSet;
use crate::source::Counters;
use crate::spelling::hex;
use crate::verify::{self, Observer, VerdictMemory};

/// What is asked and done once the findings are known. Opened before the scan, so that a mistake in it costs no scan.
pub(super) struct Judge {
    /// `None` when no issuer may be asked.
    mandate: Option<Mandate>,
    revoke: Option<RevokeMode>,
    plan_file: Option<PendingFile>,
    /// The ledger to write into.
    ledger: Option<PathBuf>,
    /// The ledger that tells what was revoked before.
    earlier: Option<PathBuf>,
    evidence: Option<PendingFile>,
    verdicts: Option<PendingFile>,
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
        let asks = args.verify.is_some() || args.revoke.is_some();
        let acts = args.revoke == Some(RevokeMode::Auto);
        let open = if acts { Mandate::to_revoke } else { Mandate::new };
        let mut mandate = asks.then(|| open(config, Arc::clone(rules))).transpose()?;
        if args.verdicts.is_some() && !asks {
            let error = anyhow::anyhow!("`--verdicts` remembers what issuers say, and none is asked");
            return Err(Hint::attach(error, "add `--verify`"));
        }
        let mut verdicts = None;
        if let Some(mandate) = &mut mandate {
            mandate.verify.is_active = args.verify == Some(Checks::Active);
            if let Some(path) = &args.verdicts {
                let is_recalled = args.revoke.is_none();
                mandate.verify.memory = Some(recall(path, config, rules, is_recalled)?);
                verdicts = Some(PendingFile::create(path, true)?);
            }
        }
        let ledger = acts.then(|| mandate::ledger_file(args.ledger.as_ref(), environment)).transpose()?;
        let earlier = if asks { mandate::ledger_file(args.ledger.as_ref(), environment).ok() } else { None };
        let evidence = args.evidence.as_deref().map(|path| PendingFile::create(path, false)).transpose()?;
        let plan_file = args.plan.as_deref().map(|path| PendingFile::create(path, false)).transpose()?;
        Ok(Self { mandate, revoke: args.revoke, plan_file, ledger, earlier, evidence, verdicts, progress })
    }

    /// Judges the findings by what they say themselves, and by their issuers where that was asked for; then plans and revokes.
    pub(super) fn judge(mut self, gathered: &mut Gathered, global: &Global) -> anyhow::Result<()> {
        verify::judge_offline(&mut gathered.findings, OffsetDateTime::now_utc());
        let evidence = self.evidence.take();
        let exchanges = match self.mandate.take() {
            Some(mut mandate) => {
                let egress = mandate.verify.egress.clone();
                let verdicts = self.verdicts.take();
                self.ask(&mandate, gathered, global)?;
                if let Some((memory, file)) = mandate.verify.memory.take().zip(verdicts) {
                    remember(memory, file, gathered);
                }
                egress.exchanges()
            }
            None => Vec::new(),
        };
        let Some(mut file) = evidence else { return Ok(()) };
        let redactor = Redactor::new(&gathered.findings, false);
        let written = report::write_evidence(&exchanges, &redactor, &mut file).map_err(Into::into);
        if let Err(error) = written.and_then(|()| file.commit()) {
            gathered.diagnostics.push(Diagnostic::gap("evidence", "evidence", format!("{error:#}")));
        }
        Ok(())
    }

    /// Asks the issuers; then plans and revokes.
    fn ask(self, mandate: &Mandate, gathered: &mut Gathered, global: &Global) -> anyhow::Result<()> {
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
        if let Some(ledger) = self.earlier.as_ref().filter(|ledger| ledger.exists()) {
            match Chain::read(ledger) {
                Ok(chain) => chain.recall(&mut gathered.findings),
                Err(error) => {
                    let (place, reason) = (ledger.display().to_string(), format!("{:#}", anyhow::Error::from(error)));
                    gathered.diagnostics.push(Diagnostic::note("unreadable-ledger", place, reason));
                }
            }
        }
        // Whoever interrupts a run does not want it to revoke.
        let Some(mode) = self.revoke.filter(|_| !is_cancelled()) else { return Ok(()) };
        let context = RevokeContext { is_cancelled: &is_cancelled, ..mandate.context() };
        let plan = match (mode, &self.ledger) {
            (RevokeMode::Auto, Some(ledger)) => {
                act(&mut gathered.findings, &mut gathered.diagnostics, &context, mandate, ledger)
            }
            _ => revoke::plan_findings(&mut gathered.findings, &context).map_err(Into::into),
        };
        // What has been found and done must be reported even when revoking it or saving the plan fails.
        if let Err(error) = plan.and_then(|plan| hand_over(&plan, self.plan_file, global)) {
            gathered.diagnostics.push(Diagnostic::gap("revocation", "revocation", format!("{error:#}")));
        }
        Ok(())
    }
}

/// Reads what earlier scans were told. What is to be revoked is asked about now, whatever was said before.
fn recall(path: &Path, config: &Config, rules: &RuleSet, is_recalled: bool) -> anyhow::Result<VerdictMemory> {
    let basis = Sha256::new_with_prefix(rules.digest()).chain_update(config.digest()).finalize();
    Ok(VerdictMemory::load(path, &hex(&basis), config.egress.verdicts_last, is_recalled)?)
}

/// Writes down what was said now. A failure costs the next scan its questions, and nothing else.
fn remember(memory: VerdictMemory, mut file: PendingFile, gathered: &mut Gathered) {
    if memory.is_outdated() {
        let reason =
            "was made by another version, with other rules or another configuration: everything is asked again";
        gathered.diagnostics.push(Diagnostic::note("outdated-verdicts", file.name().display().to_string(), reason));
    }
    let written = memory.write(&gathered.findings, OffsetDateTime::now_utc(), &mut file).map_err(Into::into);
    if let Err(error) = written.and_then(|()| file.commit()) {
        gathered.diagnostics.push(Diagnostic::gap("verdicts", "verdicts", format!("{error:#}")));
    }
}

/// Saves the plan and shows it.
fn hand_over(plan: &RevocationPlan, file: Option<PendingFile>, global: &Global) -> anyhow::Result<()> {
    let command = file.map(|file| mandate::save_plan(plan, file)).transpose()?;
    if !global.quiet && !plan.entries.is_empty() {
        let mut stderr = anstream::stderr().lock();
        // A closed standard error is no reason to fail: the plan is in its file, and its entries are in the report.
        let _ = write!(stderr, "{}", plan.to_text(false));
        if let Some(command) = command {
            let _ = writeln!(stderr, "To carry it out: {command}");
        }
    }
    Ok(())
}

/// Revokes what the policy marks `auto`; what is left is the plan.
fn act(
    findings: &mut [Finding],
    diagnostics: &mut Vec<Diagnostic>,
    context: &RevokeContext<'_>,
    mandate: &Mandate,
    ledger: &std::path::Path,
) -> anyhow::Result<RevocationPlan> {
    let run = revoke::run_auto(findings, context, ledger)?;
    if run.recovered.is_some() {
        let reason = "its last line was cut off by a crash and has been set aside";
        diagnostics.push(Diagnostic::note("ledger-recovered", ledger.display().to_string(), reason));
    }
    if let Some(untold) = mandate.tell(&run.plan, &run.results) {
        diagnostics.push(Diagnostic::note("notification", "revocation", untold));
    }
    Ok(run.rest)
}
