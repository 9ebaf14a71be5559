//! `rescind scan`: open the targets, scan them, ask and act as far as allowed, report.

mod args;
mod gather;
mod judge;
mod state;
mod suppressions;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use super::exit::{Exit, Hint};
use super::{CommandResult, Global, logging};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::detect::Detector;
use crate::diagnostic::Diagnostic;
use crate::finding::{self, Confidence, Finding, Fingerprint, LivenessState};
use crate::progress;
use crate::report::{self, Format, Report, Summary};
use crate::rules::{RuleSet, UNUSED_RULES};
use crate::source::target::Scope;
use crate::source::{Collector, Excluded, owners};

pub(crate) use args::Args;
use args::{AttributionExtent, DetectionArgs, FailOn, OutputArgs};
use judge::Judge;
use state::State;
pub(crate) use suppressions::read_allowlists;

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    scan(args, gather::scope(args), Vec::new(), global)
}

/// Scans the index for a hook: all of the named files as they are staged, or with none named what the commit would change.
/// Findings in `allowed` are left out and counted as suppressed.
pub(crate) fn staged(files: Vec<PathBuf>, allowed: Vec<Fingerprint>, global: &Global) -> CommandResult {
    scan(&terse(), Scope::Staged { files }, allowed, global)
}

/// Scans the commits that `tips` reach and `known` do not, for a hook.
pub(crate) fn pushed(
    tips: Vec<String>,
    known: Vec<String>,
    allowed: Vec<Fingerprint>,
    global: &Global,
) -> CommandResult {
    scan(&terse(), Scope::Pushed { tips, known }, allowed, global)
}

/// How a hook scans: one line per place, and nothing to read where all is well.
fn terse() -> Args {
    let output = OutputArgs { format: Format::Short, progress: progress::Mode::Never, ..OutputArgs::default() };
    Args { output, ..Args::default() }
}

fn scan(args: &Args, scope: Scope, allowed: Vec<Fingerprint>, global: &Global) -> CommandResult {
    let environment = Environment::of_process();
    logging::start(global.verbose, &environment)?;

    // Everything that can be wrong with the call is told before anything is read.
    if args.online.revoke.is_some() && args.history.attribution != AttributionExtent::Full {
        let error = anyhow::anyhow!("`--revoke` cannot be used with an `--attribution` other than `full`");
        return Err(Hint::attach(error, "policies decide by all places of a credential: scan without `--attribution`"));
    }
    let config = configure(args, global, &environment)?;
    let mut rules = load_rules(&args.detection, &config)?;
    let mut notes = std::mem::take(&mut rules.notes);
    let mut baseline = suppressions::read_baseline(&args.detection)?;
    let roots = gather::roots(args, &scope);
    if !args.detection.no_suppressions {
        suppressions::read_ignore_files(&roots, &mut baseline)?;
        let mut told = suppressions::read_allowlists(&roots, &args.detection.rules, &mut rules);
        // Whoever commits does not want to hear at every commit what is the same as before.
        told.retain(|note| args.output.format != Format::Short || note.code != UNUSED_RULES);
        notes.extend(told);
    }
    let rules = Arc::new(rules);
    // With a state file, what is still there was not looked at again.
    let is_whole = matches!(scope, Scope::Everything) && args.history.state.is_none();
    let sources = gather::open(args, scope, &environment)?;
    let judge = Judge::prepare(args, &config, &rules, &environment)?;
    let reports = write::prepare(&args.output)?;
    let memory = State::open(args, &rules)?;
    let excluded = Excluded::new(&args.detection.exclude)?;

    let detector = Detector::new(Arc::clone(&rules), config.fingerprint_key()?);
    let seen = memory.as_ref().map(|state| &state.seen);
    let collector = Collector::without(excluded)
        .disobeying_comments(args.detection.no_suppressions)
        .obeying(Arc::clone(&rules), roots.iter().map(|root| root.as_os_str().as_encoded_bytes().to_vec()).collect());
    let mut gathered = gather::scan(&sources, &detector, seen, collector, args, global)?;
    gathered.diagnostics.extend(notes);
    gathered.diagnostics.extend(memory.as_ref().and_then(State::diagnostic));
    finding::lower_findings_of_tests(&mut gathered.findings);
    let below_min_confidence = withhold_unsure(&mut gathered.findings, args.detection.min_confidence.into());
    baseline.extend(allowed);
    let named: Vec<&str> = roots.iter().filter_map(|root| root.to_str()).collect();
    let (suppressed, stale) = baseline.suppress(&named, &mut gathered.findings);
    if is_whole && !gathered.is_interrupted() {
        gathered.diagnostics.extend(stale.into_iter().map(|stale| {
            let reason = "the baseline or an ignore file lists a finding that is no longer there";
            Diagnostic::note("stale-suppression", stale, reason)
        }));
    }

    let told = owners::assign(&mut gathered.findings, &roots);
    gathered.diagnostics.extend(told);
    judge.judge(&mut gathered, global)?;
    report::sort(&mut gathered.findings);
    let summary = Summary {
        targets: sources.iter().map(|(_, source)| source.describe()).collect(),
        items: gathered.items,
        bytes: gathered.bytes,
        duration: gathered.duration,
        interrupted: gathered.is_interrupted(),
        below_min_confidence,
        suppressed: suppressed + gathered.allowed,
    };
    let report = Report {
        findings: &gathered.findings,
        rules: &rules,
        diagnostics: &gathered.diagnostics,
        summary: &summary,
        show_secrets: args.output.show_secrets,
        version: env!("CARGO_PKG_VERSION"),
    };
    write::write(&report, reports, global)?;
    if let Some(state) = memory.filter(|_| !gathered.is_interrupted()) {
        state.save()?;
    }
    Ok(outcome(&report, args.output.fail_on))
}

fn configure(args: &Args, global: &Global, environment: &Environment) -> anyhow::Result<Config> {
    let mut config = Config::load(global.config.as_deref(), environment)?;
    config.refuse_inside(gather::paths(args))?;
    for host in &args.online.allow_host {
        config.allow_host(host)?;
    }
    Ok(config)
}

fn load_rules(args: &DetectionArgs, config: &Config) -> anyhow::Result<RuleSet> {
    let mut rules = RuleSet::load(&args.rules)?;
    config.check_instances(&rules)?;
    rules.select(&args.only, &args.except)?;
    Ok(rules)
}

/// Takes out what is below the confidence asked for, and counts it.
fn withhold_unsure(findings: &mut Vec<Finding>, least: Confidence) -> u64 {
    let before = findings.len();
    findings.retain(|finding| finding.confidence >= least);
    (before - findings.len()) as u64
}

/// The exit code of the contract: an interruption outranks findings, findings outrank incompleteness.
fn outcome(report: &Report<'_>, fail_on: FailOn) -> Exit {
    let fails = |finding: &Finding| match fail_on {
        FailOn::Any => true,
        FailOn::Unknown => finding.liveness.state != LivenessState::Dead,
        FailOn::Live => matches!(finding.liveness.state, LivenessState::Live | LivenessState::LiveRestricted),
        FailOn::Never => false,
    };
    if report.summary.interrupted {
        Exit::Interrupted
    } else if report.findings.iter().any(fails) {
        Exit::Findings
    } else if !report.is_complete() {
        Exit::Incomplete
    } else {
        Exit::Clean
    }
}
