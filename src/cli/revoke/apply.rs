//! `rescind revoke apply`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use super::reread::reread;
use super::{IssuerArgs, prepare_to_revoke};
use crate::cli::exit::{Exit, Hint};
use crate::cli::interrupt::set_on_interrupt;
use crate::cli::mandate::ledger_file;
use crate::cli::{CommandResult, Global};
use crate::config::environment::Environment;
use crate::detect::Detector;
use crate::finding::RevocationState;
use crate::revoke::execute::Executed;
use crate::revoke::plan::PlanEntry;
use crate::revoke::{self, ApprovedPlan, RevocationPlan, RevokeContext};

/// Carry out an approved plan
///
/// The approval is the plan's hash, which `revoke plan` prints. Every request is recorded in the ledger before it leaves, and
/// what came of it after that; then the issuer is asked whether the credential is dead. Safe to interrupt and to repeat: what
/// was begun is carried to its end, and what is not certain is asked about, never sent again blindly.
///
/// Exit codes: 0 everything in the plan is revoked, 1 something is not, 2 usage or configuration, 130 interrupted.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// The hash of the plan that is approved
    #[arg(long, value_name = "HASH")]
    hash: String,

    /// Do not ask on the terminal
    #[arg(long)]
    yes: bool,

    /// Record revocations in this ledger [default: `rescind/ledger.jsonl` in the user's state directory]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Show the results in this form
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,

    #[command(flatten)]
    issuers: IssuerArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object for each entry of the plan
    Jsonl,
}

pub(super) fn run(args: &Args, global: &Global, environment: &Environment) -> CommandResult {
    let name = || format!("cannot apply `{}`", args.plan.display());
    let stored = fs_err::read(&args.plan).context("cannot read the plan")?;
    let plan = RevocationPlan::from_json(&stored).with_context(name)?;
    let approved = ApprovedPlan::by_hash(plan, &args.hash).with_context(name).map_err(|error| {
        Hint::attach(error, "read the plan again with care, and approve the hash that it has now if you agree")
    })?;
    let ledger = ledger_file(args.ledger.as_ref(), environment)?;
    let mandate = prepare_to_revoke(&args.issuers, global, environment)?;
    if !confirm(&approved, args.yes)? {
        anyhow::bail!("not confirmed: nothing was sent");
    }
    let detector = Detector::new(Arc::clone(&mandate.rules), mandate.key.clone());
    let reread = |id, kind, location: &_| reread(&detector, &mandate.key, id, kind, location);
    let stop = Arc::new(AtomicBool::new(false));
    set_on_interrupt(Arc::clone(&stop))?;
    let context = RevokeContext { is_cancelled: &|| stop.load(Relaxed), ..mandate.context() };
    let (results, recovered) = revoke::execute_approved(&approved, &context, &ledger, &reread)?;
    if let Some(torn) = recovered
        && !global.quiet
    {
        let mut stderr = anstream::stderr().lock();
        writeln!(
            stderr,
            "The last run was cut off while writing {} bytes of the ledger; it goes on behind them.",
            torn.bytes
        )?;
    }
    print(&results, approved.plan(), args.format)?;
    if let Some(untold) = mandate.tell(approved.plan(), &results) {
        writeln!(anstream::stderr().lock(), "rescind: {untold}; the ledger has all of them")?;
    }
    let all = results.iter().all(|result| result.revocation.state == RevocationState::Revoked);
    Ok(match (all, stop.load(Relaxed)) {
        (true, _) => Exit::Clean,
        (false, true) => Exit::Interrupted,
        (false, false) => Exit::Findings,
    })
}

/// Asks a person at the terminal. Elsewhere the hash is the whole approval.
fn confirm(approved: &ApprovedPlan, is_confirmed: bool) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    if is_confirmed || approved.calls() == 0 || !stdin.is_terminal() {
        return Ok(true);
    }
    let mut stderr = anstream::stderr().lock();
    let is_final = approved.plan().entries.iter().any(|entry| approved.covers(entry) && !entry.reversible);
    let warning = if is_final { "This cannot be undone." } else { "An administrator can undo this." };
    write!(stderr, "{}\n{warning} Type `revoke` to go on: ", approved.plan().to_text(false))?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(answer.trim() == "revoke")
}

/// One line of `--format jsonl`.
#[derive(Serialize)]
struct Record<'a> {
    r#type: &'static str,
    schema: u32,
    finding: String,
    kind: &'static str,
    state: &'static str,
    method: Option<&'a str>,
    receipt: Option<&'a str>,
    detail: Option<&'a str>,
}

fn print(results: &[Executed], plan: &RevocationPlan, format: Format) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    for (result, entry) in results.iter().zip(&plan.entries) {
        match format {
            Format::Text => print_text(&mut stdout, result, entry)?,
            Format::Jsonl => {
                let revocation = &result.revocation;
                let record = Record {
                    r#type: "revocation",
                    schema: 1,
                    finding: result.finding.to_string(),
                    kind: entry.kind.as_str(),
                    state: revocation.state.as_str(),
                    method: revocation.method.as_deref(),
                    receipt: revocation.receipt.as_deref(),
                    detail: revocation.detail.as_deref(),
                };
                serde_json::to_writer(&mut stdout, &record)?;
                writeln!(stdout)?;
            }
        }
    }
    Ok(())
}

fn print_text(out: &mut impl std::io::Write, result: &Executed, entry: &PlanEntry) -> std::io::Result<()> {
    let revocation = &result.revocation;
    let shown = |text: &str| crate::finding::escape(text.as_bytes()).into_owned();
    writeln!(
        out,
        "{:<10} {} {}  {}",
        revocation.state.as_str(),
        entry.kind.as_str(),
        shown(&entry.redacted),
        result.finding
    )?;
    if let Some(detail) = &revocation.detail {
        writeln!(out, "           {}", shown(detail))?;
    }
    if let Some(receipt) = &revocation.receipt {
        writeln!(out, "           receipt sha256:{receipt}")?;
    }
    Ok(())
}
