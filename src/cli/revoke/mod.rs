//! `rescind revoke`: plan what would end the credentials of a report, carry out an approved plan, tell what was done.

mod apply;
mod plan;
mod reread;
mod status;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;

use super::exit::Hint;
use super::{CommandResult, Global, logging};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::egress::{Egress, EgressPolicy};
use crate::finding::FingerprintKey;
use crate::issuer::Issuers;
use crate::revoke::{Policy, REPROBE_WINDOW, RevokeContext};
use crate::rules::RuleSet;
use crate::verify::VerifyContext;

/// Plan revocations, carry out an approved plan, show what was done
///
/// A plan is made by `revoke plan` from a JSON Lines report, or by `scan --revoke plan --plan FILE`. It holds no secret: the
/// values are read again from where they lie when it is carried out. Nothing runs that the policy in your configuration
/// forbids, and only at issuers that it has with `revoke = true`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Args),
    Apply(apply::Args),
    Status(status::Args),
}

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    let environment = Environment::of_process();
    logging::start(global.verbose, &environment)?;
    match &args.command {
        Command::Plan(args) => plan::run(args, global, &environment),
        Command::Apply(args) => apply::run(args, global, &environment),
        Command::Status(args) => status::run(args, &environment),
    }
}

/// What may be asked, and by which rules and policy.
#[derive(clap::Args)]
struct IssuerArgs {
    /// Allow connections to a loopback or private address, as HOST:PORT (can be repeated)
    #[arg(long, value_name = "HOST:PORT")]
    allow_host: Vec<String>,

    /// Load rules from a file or a directory of `.toml` files as well (can be repeated)
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

/// Everything that planning and execution need, ready before anything is asked.
struct Mandate {
    verify: VerifyContext,
    policy: Policy,
    key: FingerprintKey,
    rules: Arc<RuleSet>,
}

impl Mandate {
    fn prepare(args: &IssuerArgs, global: &Global, environment: &Environment) -> anyhow::Result<Self> {
        let mut config = Config::load(global.config.as_deref(), environment)?;
        for host in &args.allow_host {
            config.allow_host(host)?;
        }
        let egress = Egress::new(EgressPolicy::from(&config))?;
        Ok(Self {
            policy: config.policy_section()?.unwrap_or_default(),
            key: config.fingerprint_key()?,
            rules: Arc::new(RuleSet::load(&args.rules)?),
            verify: VerifyContext::new(&config, Issuers::new(&config, egress.clone()), egress),
        })
    }

    fn context(&self) -> RevokeContext<'_> {
        let (verify, policy, key, rules) = (&self.verify, &self.policy, &self.key, &self.rules);
        RevokeContext { verify, policy, key, rules, window: &REPROBE_WINDOW }
    }
}

/// The ledger that the user named, or the usual one.
fn ledger_file(named: Option<&PathBuf>, environment: &Environment) -> anyhow::Result<PathBuf> {
    let file = named.cloned().or_else(|| environment.usual_ledger_file());
    let file = file.context("there is no home directory to keep a ledger in");
    file.map_err(|error| Hint::attach(error, "name the ledger with --ledger FILE"))
}
