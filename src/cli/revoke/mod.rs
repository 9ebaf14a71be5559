//! `rescind revoke`: plan what would end the credentials of a report, carry out an approved plan, tell what was done.

mod apply;
mod checkpoint;
mod plan;
mod reread;
mod status;
mod undo;

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
#[command(after_long_help = POLICY_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What an operator has to write before anything is revoked.
const POLICY_HELP: &str = "\
What may be revoked is said in the configuration:

  [[issuer]]
  issuer = \"https://id.example.com\"
  revoke = true                     # it is yours
  client_id = \"rescind\"           # without it, the client secrets that leaked are used
  client_secret_env = \"RESCIND_CLIENT_SECRET\"

  [issuer.administration]           # ends leaked client secrets there
  kind = \"keycloak\"               # auth0, okta, entra, registration (RFC 7592)
  url = \"https://id.example.com/admin/realms/acme\"
  token_env = \"RESCIND_ADMIN_TOKEN\" # or client_id and client_secret_env

  [policy]
  default = \"approve\"             # or \"never\"
  max_per_run = 25
  max_per_issuer = 10
  max_per_hour = 100                # by all runs that write the same ledger
  proof_window_seconds = 20         # how long a revocation may take to show
  protect = []                      # ids of findings that are never revoked
  halt = false                      # true stops everything

  [[policy.rule]]                   # the first rule that matches decides
  name = \"leaked tokens\"
  kind = [\"refresh_token\", \"access_token\"]
  issuer = \"https://id.example.com\"
  min_confidence = \"medium\"
  source = [\"git\", \"image\"]        # file, git, staged, image, stdin
  path = \"services/**\"
  reachable = true
  min_age_days = 1                  # since the oldest commit that has it; also max_age_days; matches nothing without a commit
  max_blast_radius = \"family\"     # token, family, app_user, install, client, sessions, key
  action = \"auto\"                 # or \"approve\", \"never\"

Further conditions: provider, rule (its id), account, liveness (live, live_restricted, unknown, not_checked).
`rescind policy check` tries it with findings that you write down.

Who wants to hear of each outcome is named there as well:

  [notify]
  url = \"https://siem.example.com/hooks/rescind\"
  format = \"json\"                 # a webhook; or \"caep\", a Security Event Token
  key_env = \"RESCIND_NOTIFY_KEY\" # signs it";

#[derive(Subcommand)]
enum Command {
    Plan(plan::Args),
    Apply(apply::Args),
    Status(status::Args),
    Checkpoint(checkpoint::Args),
    Undo(undo::Args),
}

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    let environment = Environment::of_process();
    logging::start(global.verbose, &environment)?;
    match &args.command {
        Command::Plan(args) => plan::run(args, global, &environment),
        Command::Apply(args) => apply::run(args, global, &environment),
        Command::Status(args) => status::run(args, &environment),
        Command::Checkpoint(args) => checkpoint::run(args, &environment),
        Command::Undo(args) => undo::run(args, global, &environment),
    }
}

/// What may be asked, and by which rules and policy.
#[derive(clap::Args)]
pub(super) struct IssuerArgs {
    /// Allow connections to a loopback or private address, as HOST:PORT (can be repeated)
    #[arg(long, value_name = "HOST:PORT")]
    allow_host: Vec<String>,

    /// Load rules from a file or a directory of `.toml` files as well (can be repeated)
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

impl IssuerArgs {
    /// The configuration, with what the user adds to it here, and the rules of the program and of the user, which must know the
    /// providers of its instances.
    pub(super) fn load(&self, global: &Global, environment: &Environment) -> anyhow::Result<(Config, Arc<RuleSet>)> {
        let mut config = Config::load(global.config.as_deref(), environment)?;
        for host in &self.allow_host {
            config.allow_host(host)?;
        }
        let rules = RuleSet::load(&self.rules)?;
        config.check_instances(&rules)?;
        Ok((config, Arc::new(rules)))
    }
}

/// Everything that planning and execution need, ready before anything is asked.
fn prepare(args: &IssuerArgs, global: &Global, environment: &Environment) -> anyhow::Result<Mandate> {
    let (config, rules) = args.load(global, environment)?;
    Mandate::new(&config, rules)
}

/// The same, and what is needed to tell of it.
fn prepare_to_revoke(args: &IssuerArgs, global: &Global, environment: &Environment) -> anyhow::Result<Mandate> {
    let (config, rules) = args.load(global, environment)?;
    Mandate::to_revoke(&config, rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_shows_a_valid_policy() {
        let example: String = POLICY_HELP
            .lines()
            .filter(|line| line.starts_with("  ") || line.is_empty())
            .fold(String::new(), |text, line| text + line.trim() + "\n");
        let environment = Environment::fixed([("RESCIND_CLIENT_SECRET", "value")]);
        let file = crate::config::ConfigFile { path: "example.toml".into(), named: true };
        let config =
            crate::config::Config::parse(example, file, &environment).unwrap_or_else(|error| panic!("{error}"));
        let policy: crate::revoke::Policy =
            config.policy_section().unwrap_or_else(|error| panic!("{error}")).expect("a section");
        assert_eq!(policy.max_per_run, crate::revoke::Policy::default().max_per_run);
        assert_eq!(policy.max_per_hour, crate::revoke::Policy::default().max_per_hour);
        assert_eq!(policy.max_per_issuer, crate::revoke::Policy::default().max_per_issuer);
        assert_eq!(policy.proof_window, crate::revoke::Policy::default().proof_window);
    }
}
