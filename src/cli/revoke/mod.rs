//! `rescind revoke`: plan what would end the credentials of a report, carry out an approved plan, tell what was done.

mod apply;
mod plan;
mod reread;
mod status;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;

use super::mandate::Mandate;
use super::{CommandResult, Global, logging};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::rules::RuleSet;

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
fn prepare(args: &IssuerArgs, global: &Global, environment: &Environment) -> anyhow::Result<Mandate> {
    let mut config = Config::load(global.config.as_deref(), environment)?;
    for host in &args.allow_host {
        config.allow_host(host)?;
    }
    Mandate::new(&config, Arc::new(RuleSet::load(&args.rules)?))
}
