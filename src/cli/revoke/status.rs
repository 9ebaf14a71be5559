//! `rescind revoke status`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

use crate::cli::CommandResult;
use crate::cli::exit::Exit;
use crate::cli::mandate::ledger_file;
use crate::cli::pending_file::PendingFile;
use crate::config::environment::Environment;
use crate::finding::escape;
use crate::revoke::ledger::{Chain, LedgerState, Standing};

/// Show what was revoked, what failed, and what is not known
///
/// Exit codes: 0 everything in the ledger is revoked and its chain holds, 1 otherwise, 2 the ledger cannot be read. With
/// --check or --export, the chain and the receipt alone decide.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Check that nothing was changed in the ledger, whatever came of the revocations
    #[arg(long)]
    check: bool,

    /// Check that the ledger holds this receipt, such as the newest one that you have kept: a ledger that was cut off at its end
    /// still chains
    #[arg(long, value_name = "HASH")]
    receipt: Option<String>,

    /// Read this ledger [default: `rescind/ledger.jsonl` in the user's state directory]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Show the status in this form
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Show the ledger itself instead, for another program
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "format")]
    export: Option<Export>,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Export {
    /// A table (RFC 4180) with a row for every entry
    Csv,
    /// Events of the Open Cybersecurity Schema Framework 1.8.0, Remediation Activity (7001), in JSON Lines
    Ocsf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

pub(super) fn run(args: &Args, environment: &Environment) -> CommandResult {
    let path = ledger_file(args.ledger.as_ref(), environment)?;
    // The usual ledger begins with the first revocation. One that was named, or has to be proven, must be there.
    if args.ledger.is_none() && args.receipt.is_none() && !args.check && !path.exists() {
        writeln!(
            anstream::stderr().lock(),
            "nothing has been revoked: there is no ledger at `{}` yet",
            path.display()
        )?;
        return Ok(Exit::Clean);
    }
    let chain = Chain::read(&path)?;
    // What is open stands first: that is what somebody has to act on.
    let mut standings: Vec<Standing> = chain.standings().into_values().collect();
    standings.sort_by(|a, b| urgency(a.state).cmp(&urgency(b.state)).then_with(|| a.at.cmp(&b.at)));
    match &args.output {
        Some(name) => {
            let mut file = PendingFile::create(name, true)?;
            show(args, &path, &chain, &standings, &mut file)?;
            file.commit()?;
        }
        None => show(args, &path, &chain, &standings, &mut anstream::stdout().lock())?,
    }
    if args.export.is_some() && !chain.is_intact() {
        writeln!(anstream::stderr().lock(), "rescind: the chain of the ledger `{}` does not hold", path.display())?;
    }
    let has_receipt = args.receipt.as_ref().is_none_or(|receipt| chain.holds(receipt));
    if !has_receipt {
        writeln!(anstream::stderr().lock(), "rescind: the ledger `{}` does not hold that receipt", path.display())?;
    }
    let is_done = standings.iter().all(|standing| standing.state == LedgerState::Revoked);
    let is_proof_asked = args.check || args.export.is_some();
    Ok(if chain.is_intact() && has_receipt && (is_proof_asked || is_done) { Exit::Clean } else { Exit::Findings })
}

fn show(
    args: &Args,
    path: &Path,
    chain: &Chain,
    standings: &[Standing],
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    match (args.export, args.format) {
        (Some(Export::Csv), _) => chain.write_csv(out)?,
        (Some(Export::Ocsf), _) => chain.write_ocsf(out)?,
        (None, Format::Text) => print_text(path, chain, standings, out)?,
        (None, Format::Json) => print_json(path, chain, standings, out)?,
    }
    Ok(())
}

fn urgency(state: LedgerState) -> u8 {
    match state {
        LedgerState::Unknown => 0,
        LedgerState::StillLive => 1,
        LedgerState::Failed => 2,
        LedgerState::Refused => 3,
        LedgerState::Accepted => 4,
        LedgerState::Revoked => 5,
    }
}

fn print_text(path: &Path, chain: &Chain, standings: &[Standing], out: &mut impl std::io::Write) -> anyhow::Result<()> {
    for standing in standings {
        writeln!(out, "{:<10} {}  {}", standing.state.as_str(), shown(&standing.finding), shown(&standing.at))?;
        if let Some(intent) = &standing.intent {
            writeln!(out, "           {} at {}", shown(&intent.kind), shown(&intent.endpoint))?;
        }
        writeln!(out, "           {}", shown(&standing.detail))?;
        writeln!(out, "           receipt sha256:{}", shown(&standing.receipt))?;
    }
    if !standings.is_empty() {
        writeln!(out)?;
    }
    for broken in &chain.breaks {
        writeln!(out, "broken at line {}: {}", broken.line, broken.reason)?;
    }
    if let Some(torn) = &chain.torn_tail {
        writeln!(out, "the last line was cut off after {} bytes; the next run closes it off", torn.bytes)?;
    }
    let verdict = if chain.is_intact() { "holds" } else { "does not hold" };
    let entries = chain.entries.len();
    writeln!(out, "{}: {entries} entries, the chain {verdict}, head sha256:{}", path.display(), chain.head())?;
    Ok(())
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    ledger: String,
    entries: usize,
    intact: bool,
    head: &'a str,
    breaks: Vec<Break>,
    torn_bytes: Option<usize>,
    findings: Vec<FindingStatus<'a>>,
}

#[derive(Serialize)]
struct Break {
    line: usize,
    reason: &'static str,
}

#[derive(Serialize)]
struct FindingStatus<'a> {
    finding: &'a str,
    state: &'static str,
    detail: &'a str,
    at: &'a str,
    receipt: &'a str,
    kind: Option<&'a str>,
    issuer: Option<&'a str>,
    endpoint: Option<&'a str>,
    plan: Option<&'a str>,
}

fn print_json(path: &Path, chain: &Chain, standings: &[Standing], out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let findings = standings.iter().map(|standing| {
        let intent = standing.intent.as_ref();
        FindingStatus {
            finding: &standing.finding,
            state: standing.state.as_str(),
            detail: &standing.detail,
            at: &standing.at,
            receipt: &standing.receipt,
            kind: intent.map(|intent| intent.kind.as_str()),
            issuer: intent.map(|intent| intent.issuer.as_str()),
            endpoint: intent.map(|intent| intent.endpoint.as_str()),
            plan: intent.map(|intent| intent.plan.as_str()),
        }
    });
    let document = Document {
        schema: 1,
        ledger: path.display().to_string(),
        entries: chain.entries.len(),
        intact: chain.is_intact(),
        head: chain.head(),
        breaks: chain.breaks.iter().map(|broken| Break { line: broken.line, reason: broken.reason }).collect(),
        torn_bytes: chain.torn_tail.as_ref().map(|torn| torn.bytes),
        findings: findings.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}

/// A ledger is a file that somebody may have written into: nothing in it may steer the terminal.
fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    escape(text.as_bytes())
}
