//! `rescind revoke status`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::CommandResult;
use crate::cli::exit::Exit;
use crate::cli::mandate::ledger_file;
use crate::cli::pending_file::PendingFile;
use crate::config::environment::Environment;
use crate::finding::escape;
use crate::revoke::ledger::{Chain, Checkpoint, CheckpointError, LedgerState, Standing, VerifyingKey};
use crate::spelling::to_the_second;

/// Show what was revoked, what failed, and what is not known
///
/// Exit codes: 0 everything in the ledger is revoked and its chain holds, 1 otherwise, 2 the ledger cannot be read. With
/// --check or --export, the chain, the receipt and the checkpoint alone decide.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Check that nothing was changed in the ledger, whatever came of the revocations
    #[arg(long)]
    check: bool,

    /// Check that the ledger holds this receipt, such as the newest one that you have kept: a ledger that was cut off at its end
    /// still chains
    #[arg(long, value_name = "HASH")]
    receipt: Option<String>,

    /// Check that the ledger holds what it held when `rescind revoke checkpoint` signed this
    #[arg(long, value_name = "FILE", requires = "public_key")]
    checkpoint: Option<PathBuf>,

    /// The public key of the checkpoint (Ed25519, PEM)
    #[arg(long, value_name = "FILE", requires = "checkpoint")]
    public_key: Option<PathBuf>,

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
    let must_exist = args.check || args.ledger.is_some() || args.receipt.is_some() || args.checkpoint.is_some();
    if !must_exist && !path.exists() {
        writeln!(
            anstream::stderr().lock(),
            "nothing has been revoked: there is no ledger at `{}` yet",
            path.display()
        )?;
        return Ok(Exit::Clean);
    }
    let signed = signed_checkpoint(args)?;
    let chain = Chain::read(&path)?;
    // What is open stands first: that is what somebody has to act on.
    let mut standings: Vec<Standing> = chain.standings().into_values().collect();
    standings.sort_by(|a, b| urgency(a.state).cmp(&urgency(b.state)).then_with(|| a.at.cmp(&b.at)));
    let held = signed.as_ref().map(|checkpoint| checkpoint.check(&chain));
    let shown =
        Shown { path: &path, chain: &chain, standings: &standings, signed: signed.as_ref(), held: held.as_ref() };
    match &args.output {
        Some(name) => {
            let mut file = PendingFile::create(name, true)?;
            shown.write(args, &mut file)?;
            file.commit()?;
        }
        None => shown.write(args, &mut anstream::stdout().lock())?,
    }
    if args.export.is_some() && !chain.is_intact() {
        writeln!(anstream::stderr().lock(), "rescind: the chain of the ledger `{}` does not hold", path.display())?;
    }
    let has_receipt = args.receipt.as_ref().is_none_or(|receipt| chain.holds(receipt));
    if !has_receipt {
        writeln!(anstream::stderr().lock(), "rescind: the ledger `{}` does not hold that receipt", path.display())?;
    }
    if let Some(Err(error)) = &held {
        writeln!(
            anstream::stderr().lock(),
            "rescind: the ledger `{}` is not what was signed: {error}",
            path.display()
        )?;
    }
    let is_proven = chain.is_intact() && has_receipt && held.is_none_or(|held| held.is_ok());
    let is_done = standings.iter().all(|standing| standing.state == LedgerState::Revoked);
    let is_proof_asked = args.check || args.export.is_some();
    Ok(if is_proven && (is_proof_asked || is_done) { Exit::Clean } else { Exit::Findings })
}

/// The checkpoint that the user named, if it is signed with their key.
fn signed_checkpoint(args: &Args) -> anyhow::Result<Option<Checkpoint>> {
    let (Some(note), Some(key)) = (&args.checkpoint, &args.public_key) else { return Ok(None) };
    let pem = fs_err::read(key).context("cannot read the key")?;
    let key = VerifyingKey::from_pem(&pem).with_context(|| format!("`{}`", key.display()))?;
    let bytes = fs_err::read(note).context("cannot read the checkpoint")?;
    let checkpoint = Checkpoint::open(&bytes, &key).with_context(|| format!("`{}`", note.display()))?;
    Ok(Some(checkpoint))
}

/// What is shown of a ledger.
struct Shown<'a> {
    path: &'a Path,
    chain: &'a Chain,
    standings: &'a [Standing],
    signed: Option<&'a Checkpoint>,
    /// How many entries it has got since the checkpoint.
    held: Option<&'a Result<usize, CheckpointError>>,
}

impl Shown<'_> {
    fn write(&self, args: &Args, out: &mut impl std::io::Write) -> anyhow::Result<()> {
        match (args.export, args.format) {
            (Some(Export::Csv), _) => self.chain.write_csv(out)?,
            (Some(Export::Ocsf), _) => self.chain.write_ocsf(out)?,
            (None, Format::Text) => print_text(self, out)?,
            (None, Format::Json) => print_json(self, out)?,
        }
        Ok(())
    }
}

fn urgency(state: LedgerState) -> u8 {
    match state {
        LedgerState::Unknown => 0,
        LedgerState::StillLive => 1,
        LedgerState::Failed => 2,
        LedgerState::Refused => 3,
        LedgerState::Accepted => 4,
        LedgerState::Undone => 5,
        LedgerState::Revoked => 6,
    }
}

fn print_text(subject: &Shown<'_>, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let Shown { path, chain, standings, signed, held } = *subject;
    for standing in standings {
        writeln!(
            out,
            "{:<10} {}  {}",
            standing.state.as_str(),
            shown(&standing.finding),
            shown(&to_the_second(&standing.at))
        )?;
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
    if let (Some(signed), Some(Ok(more))) = (signed, held) {
        writeln!(out, "it holds the {} entries that were signed at {}, and {more} more", signed.entries, signed.at)?;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<CheckpointStatus<'a>>,
    findings: Vec<FindingStatus<'a>>,
}

#[derive(Serialize)]
struct CheckpointStatus<'a> {
    entries: usize,
    at: &'a str,
    held: bool,
    reason: Option<String>,
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

fn print_json(subject: &Shown<'_>, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let Shown { path, chain, standings, signed, held } = *subject;
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
        checkpoint: signed.zip(held).map(|(signed, held)| CheckpointStatus {
            entries: signed.entries,
            at: &signed.at,
            held: held.is_ok(),
            reason: held.as_ref().err().map(ToString::to_string),
        }),
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
