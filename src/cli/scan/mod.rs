//! `rescind scan`: open the targets, scan them, ask and act as far as allowed, report.

mod args;
mod gather;
mod judge;
mod state;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::exit::{Exit, Hint};
use super::{CommandResult, Global, logging};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::detect::Detector;
use crate::diagnostic::Diagnostic;
use crate::finding::{self, Baseline, Confidence, Finding, Fingerprint, LivenessState};
use crate::progress;
use crate::report::{self, Format, Report, Summary};
use crate::rules::RuleSet;
use crate::source::Excluded;
use crate::source::target::Scope;

pub(crate) use args::Args;
use args::{AttributionExtent, DetectionArgs, FailOn, OutputArgs};
use judge::Judge;
use state::State;

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
    let rules = Arc::new(load_rules(&args.detection)?);
    let mut baseline = read_baseline(&args.detection)?;
    if !args.detection.no_suppressions {
        read_ignore_files(&gather::paths(args), &mut baseline)?;
    }
    // With a state file, what is still there was not looked at again.
    let is_whole = matches!(scope, Scope::Everything) && args.history.state.is_none();
    let sources = gather::open(args, scope, &environment)?;
    let judge = Judge::prepare(args, &config, &rules, &environment)?;
    let reports = write::prepare(&args.output)?;
    let memory = State::open(args, &rules)?;
    let excluded = Excluded::new(&args.detection.exclude)?;

    let detector = Detector::new(Arc::clone(&rules), config.fingerprint_key()?);
    let seen = memory.as_ref().map(|state| &state.seen);
    let mut gathered = gather::scan(&sources, &detector, seen, excluded, args, global)?;
    gathered.diagnostics.extend(memory.as_ref().and_then(State::diagnostic));
    finding::lower_findings_of_tests(&mut gathered.findings);
    let below_min_confidence = withhold_unsure(&mut gathered.findings, args.detection.min_confidence.into());
    baseline.extend(allowed);
    let roots = gather::paths(args);
    let roots: Vec<&str> = roots.iter().filter_map(|root| root.to_str()).collect();
    let (suppressed, stale) = baseline.suppress(&roots, &mut gathered.findings);
    if is_whole && !gathered.is_interrupted() {
        gathered.diagnostics.extend(stale.into_iter().map(|stale| {
            let reason = "the baseline or an ignore file lists a finding that is no longer there";
            Diagnostic::note("stale-suppression", stale, reason)
        }));
    }

    judge.judge(&mut gathered, global)?;
    report::sort(&mut gathered.findings);
    let summary = Summary {
        targets: sources.iter().map(|source| source.describe()).collect(),
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

fn load_rules(args: &DetectionArgs) -> anyhow::Result<RuleSet> {
    let mut rules = RuleSet::load(&args.rules)?;
    rules.select(&args.only, &args.except)?;
    Ok(rules)
}

fn read_baseline(args: &DetectionArgs) -> anyhow::Result<Baseline> {
    let Some(path) = &args.baseline else { return Ok(Baseline::default()) };
    let text = fs_err::read(path).context("cannot read the baseline")?;
    let baseline = Baseline::parse(&text);
    if baseline.is_empty() && !text.trim_ascii().is_empty() {
        anyhow::bail!(
            "the baseline `{}` names no finding: ids look like `rsc1_` and 32 hexadecimal digits, places like `path:rule:line`",
            path.display()
        );
    }
    Ok(baseline)
}

/// Files at the root of a target that list what is known there: ours, and that of gitleaks.
const IGNORE_FILES: [&str; 2] = [".rescindignore", ".gitleaksignore"];

/// Larger ones are no lists that anybody wrote.
const LARGEST_IGNORE_FILE: u64 = 16 << 20;

/// Adds what the targets themselves say is known.
fn read_ignore_files(targets: &[PathBuf], baseline: &mut Baseline) -> anyhow::Result<()> {
    for path in targets.iter().flat_map(|target| IGNORE_FILES.map(|name| target.join(name))) {
        // What is scanned is hostile: no link, device or pipe is followed.
        let Ok(metadata) = fs_err::symlink_metadata(&path) else { continue };
        if !metadata.is_file() {
            continue;
        }
        if metadata.len() > LARGEST_IGNORE_FILE {
            anyhow::bail!("the ignore file `{}` is larger than {LARGEST_IGNORE_FILE} bytes", path.display());
        }
        baseline.unite(Baseline::parse(&fs_err::read(&path).context("cannot read an ignore file")?));
    }
    Ok(())
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
