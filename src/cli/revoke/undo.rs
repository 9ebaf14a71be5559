//! `rescind revoke undo`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::IssuerArgs;
use super::reread::reread;
use crate::cli::exit::{Exit, Hint};
use crate::cli::mandate::{Mandate, ledger_file};
use crate::cli::{CommandResult, Global};
use crate::config::environment::Environment;
use crate::config::{AdministratorKey, Config};
use crate::detect::Detector;
use crate::finding::escape;
use crate::revoke::ledger::{Chain, LedgerState};
use crate::revoke::plan::PlannedLocation;
use crate::revoke::report_input::read_report;
use crate::revoke::{Confirmation, Probed, Subject, UndoTarget, execute_undo};
use crate::secret::Secret;

/// Take a revocation back, where its provider can
///
/// Only some revocations can be undone, such as that of an access key of AWS, which is set inactive and not deleted; for all others
/// this says why not. A credential that was ended cannot ask for it: an administrator's credential does, which the configuration
/// names. The request is recorded in the ledger before it leaves, and its outcome after. `policy.halt` stops revocations and not this.
///
/// Asks on the terminal. Elsewhere it needs the exact receipt that tells how the finding stands now, or --yes.
///
/// Exit codes: 0 the credential is proven to work again, 1 it is not, 2 usage or configuration.
#[derive(clap::Args)]
#[command(after_long_help = ADMINISTRATOR_HELP)]
pub(super) struct Args {
    /// Id of the finding, or a receipt of it
    #[arg(value_name = "ID|RECEIPT")]
    named: String,

    /// Read the value again from a place of this JSON Lines report, and ask whether it works again
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Do not ask on the terminal
    #[arg(long)]
    yes: bool,

    /// The ledger that holds the revocation [default: `rescind/ledger.jsonl` in the user's state directory]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    #[command(flatten)]
    issuers: IssuerArgs,
}

/// What an operator has to write before anything is undone.
const ADMINISTRATOR_HELP: &str = "\
Who may undo is said in the configuration, beside `revoke_providers` or the `[[instance]]` that let it be revoked:

  [[administrator]]
  provider = \"aws\"
  account = \"arn:aws:iam::123456789012:*\"   # whose credentials, as the provider tells it
  id_env = \"AWS_ACCESS_KEY_ID\"              # or id; a token, as Google's, has none
  secret_env = \"AWS_SECRET_ACCESS_KEY\"      # or secret_file
  session_token_env = \"AWS_SESSION_TOKEN\"   # or session_token_file, for a temporary one";

pub(super) fn run(args: &Args, global: &Global, environment: &Environment) -> CommandResult {
    let path = ledger_file(args.ledger.as_ref(), environment)?;
    let chain = Chain::read(&path)?;
    if !chain.breaks.is_empty() {
        anyhow::bail!("the chain of the ledger `{}` does not hold: nothing can be told from it", path.display());
    }
    let target = UndoTarget::find(&chain, &args.named)?;
    let (config, rules) = args.issuers.load(global, environment)?;
    let administrator = administrator(&config, &target, environment)?;
    let mandate = Mandate::new(&config, rules)?;
    let subject = args.report.as_deref().map(|report| subject_of(report, &target)).transpose()?;
    let probed = subject.as_ref().map(|subject| probed(subject, &mandate)).transpose()?;
    let Some(confirmation) = confirm(args, &target)? else {
        anyhow::bail!("not confirmed: nothing was sent");
    };
    let undone = execute_undo(&target, &administrator, probed, confirmation, &mandate.context(), &path)?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "{:<10} {}  {}", undone.state.as_str(), shown(&target.intent.kind), target.finding)?;
    writeln!(out, "           {}", shown(&undone.detail))?;
    writeln!(out, "           receipt sha256:{}", undone.receipt)?;
    if undone.state == LedgerState::Accepted && args.report.is_none() && !global.quiet {
        writeln!(
            anstream::stderr().lock(),
            "With --report FILE it is asked about; `rescind scan --verify` tells as well."
        )?;
    }
    Ok(if undone.state == LedgerState::Undone { Exit::Clean } else { Exit::Findings })
}

/// The credential of the operator's that may undo it.
fn administrator(config: &Config, target: &UndoTarget, environment: &Environment) -> anyhow::Result<AdministratorKey> {
    let (provider, account) = (&target.intent.provider, &target.reversal.account);
    let found = config.administrators.iter().find(|one| one.administers(provider, account));
    let Some(found) = found else {
        let error = anyhow::anyhow!(
            "not sent: the configuration has no `[[administrator]]` of `{}` for `{}`",
            shown(provider),
            shown(account)
        );
        return Err(Hint::attach(error, "`rescind revoke undo --help` shows how one is written"));
    };
    Ok(found.read(environment)?)
}

/// The finding of the report.
fn subject_of(report: &Path, target: &UndoTarget) -> anyhow::Result<Subject> {
    let subjects = read_report(report)?;
    let subject = subjects.into_iter().find(|subject| subject.id == target.finding);
    subject.with_context(|| format!("`{}` does not hold {}", report.display(), target.finding))
}

/// Its value, from the first place that still holds it.
fn probed<'a>(subject: &'a Subject, mandate: &Mandate) -> anyhow::Result<Probed<'a>> {
    let detector = Detector::new(Arc::clone(&mandate.rules), mandate.key.clone());
    let read = |location| reread(&detector, &mandate.key, subject.id, subject.kind, &PlannedLocation::of(location));
    let value: Option<Secret> = subject.locations.iter().find_map(read);
    let value = value.context("not sent: the value is not to be read in any place of the report any more")?;
    Ok(Probed { subject, value })
}

/// Asks a person at the terminal. Elsewhere, who names the exact receipt knows what is undone.
fn confirm(args: &Args, target: &UndoTarget) -> anyhow::Result<Option<Confirmation>> {
    if args.yes {
        return Ok(Some(Confirmation::Yes));
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        if target.is_named_exactly(&args.named) {
            return Ok(Some(Confirmation::Receipt));
        }
        let error = anyhow::anyhow!("not confirmed: nothing was sent");
        return Err(Hint::attach(
            error,
            "where there is no terminal, name the receipt that `rescind revoke status` tells, or say --yes",
        ));
    }
    let mut stderr = anstream::stderr().lock();
    let UndoTarget { finding, intent, reversal, .. } = target;
    writeln!(stderr, "{} {finding} of {}", shown(&intent.kind), shown(&reversal.account))?;
    // What is sent is told: a ledger that somebody has written anew may name another credential.
    for (name, value) in &reversal.parts {
        writeln!(stderr, "  {}: {}", shown(name), shown(value))?;
    }
    write!(stderr, "It works again for everybody who has it. Type `undo` to go on: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok((answer.trim() == "undo").then_some(Confirmation::Terminal))
}

/// A ledger is a file that somebody may have written into: nothing in it may steer the terminal.
fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    escape(text.as_bytes())
}
