//! `rescind policy`: what the policy of the configuration decides, before it does.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use time::OffsetDateTime;

use super::exit::Exit;
use super::mandate::Mandate;
use super::revoke::IssuerArgs;
use super::{CommandResult, Global, ListFormat as Format, logging};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::finding::escape;
use crate::revoke::policy::{Decision, Example, ExampleContext, PolicyAction};
use crate::revoke::report_input::read_report;
use crate::revoke::{self, Policy};
use crate::rules::RuleSet;

/// Try the revocation policy of the configuration
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What examples look like.
const EXAMPLES_HELP: &str = "\
A file of examples is TOML (`.toml`) or JSON Lines with the same keys, all but `kind` or `rule` optional:

  [[example]]
  name = \"a token of our CI\"
  rule = \"github-fine-grained-token\"   # tells provider, kind, confidence and blast radius
  issuer = \"https://id.example.com\"
  account = \"acme-ci\"
  shared = true                        # it is at a host where everybody has an account
  confidence = \"high\"
  liveness = \"live\"                    # live, live_restricted, unknown, not_checked
  source = \"git\"                       # file, git, staged, image, stdin
  path = \"services/a/.env\"
  reachable = true
  age_days = 40                        # none is an unknown age
  expect = \"auto\"                      # or \"approve\", \"never\"

Further keys: id (of a protected finding), provider, kind, blast_radius.";

#[derive(Subcommand)]
enum Command {
    /// Check the policy, and tell what it decides about examples and which rule decides
    ///
    /// Reads examples that you write down, with what you expect of them, or a JSON Lines report of a scan. Examples are decided one by
    /// one, without asking anybody; caps are not counted. The findings of a report are planned as `rescind revoke plan` does, which
    /// asks the trusted issuers where they revoke tokens, and counts caps.
    ///
    /// Exit codes: 0 all is decided as expected, 1 something is not, 2 usage, configuration or an invalid policy.
    #[command(after_long_help = EXAMPLES_HELP)]
    Check {
        /// Examples or a report; without any, only the policy itself is checked
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Choose the form of the answer
        #[arg(long, short, value_enum, default_value_t = Format::Text)]
        format: Format,
        #[command(flatten)]
        issuers: IssuerArgs,
    },
}

/// What is decided about one example.
#[derive(Serialize)]
struct Tried {
    name: String,
    action: &'static str,
    decided_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    /// Left out where nothing is expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<bool>,
}

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    let environment = Environment::of_process();
    logging::start(global.verbose, &environment)?;
    let Command::Check { files, format, issuers } = &args.command;
    let (config, rules) = issuers.load(global, &environment)?;
    let policy: Policy = config.policy_section()?.unwrap_or_default();
    let mut decided = Vec::new();
    for file in files {
        let text = fs_err::read_to_string(file).context("cannot read the examples")?;
        if is_report(&text) {
            decided.extend(plan_report(file, &config, &rules)?);
        } else {
            decided.extend(try_examples(&text, file, &policy, &config, &rules)?);
        }
    }
    print(&decided, *format)?;
    let wrong = decided.iter().filter(|one| one.ok == Some(false)).count();
    if !global.quiet {
        tell(&policy, &config, decided.len(), wrong)?;
    }
    Ok(if wrong == 0 { Exit::Clean } else { Exit::Findings })
}

/// Whether it is what a scan wrote: each of its records tells its type.
fn is_report(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(first).is_ok_and(|record| record.get("type").is_some())
}

fn try_examples(
    text: &str,
    file: &Path,
    policy: &Policy,
    config: &Config,
    rules: &RuleSet,
) -> anyhow::Result<Vec<Tried>> {
    let now = OffsetDateTime::now_utc();
    let context = ExampleContext { rules, revoke_providers: &config.revoke_providers, now };
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let read = if is_toml { Example::read_toml } else { Example::read_json_lines };
    let examples = read(text, file, context)?;
    let decide = |example: Example| {
        let Decision { action, decided_by } = example.decide(policy, now);
        Tried {
            action: action.as_str(),
            decided_by,
            expected: example.expect.map(PolicyAction::as_str),
            ok: example.expect.map(|expected| expected == action),
            name: example.name,
        }
    };
    Ok(examples.into_iter().map(decide).collect())
}

fn plan_report(file: &Path, config: &Config, rules: &Arc<RuleSet>) -> anyhow::Result<Vec<Tried>> {
    let subjects = read_report(file)?;
    let mandate = Mandate::new(config, Arc::clone(rules))?;
    let plan = revoke::plan_subjects(&subjects, true, &mandate.context())?;
    let decide = |entry: revoke::plan::PlanEntry| Tried {
        name: format!("{} {}", entry.finding, entry.rule),
        action: if entry.is_call() { entry.policy.action.as_str() } else { "by hand" },
        decided_by: entry.policy.decided_by,
        expected: None,
        ok: None,
    };
    Ok(plan.entries.into_iter().map(decide).collect())
}

fn print(decided: &[Tried], format: Format) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    if let Format::Json = format {
        serde_json::to_writer_pretty(&mut out, decided)?;
        writeln!(out)?;
        return Ok(());
    }
    for Tried { name, action, decided_by, expected, ok } in decided {
        let mark = match ok {
            Some(true) => "ok     ",
            Some(false) => "WRONG  ",
            None => "",
        };
        let expected = expected.filter(|_| *ok == Some(false)).map(|expected| format!(", expected {expected}"));
        let [name, decided_by] = [name, decided_by].map(|text| escape(text.as_bytes()));
        writeln!(out, "{mark}{action:<7}  {name}  ({decided_by}){}", expected.unwrap_or_default())?;
    }
    Ok(())
}

fn tell(policy: &Policy, config: &Config, examples: usize, wrong: usize) -> anyhow::Result<()> {
    let of = match &config.file {
        Some(file) => format!("of `{}` ", file.path.display()),
        None => String::new(),
    };
    let mut stderr = anstream::stderr().lock();
    writeln!(
        stderr,
        "the policy {of}is valid: {} rules; {examples} examples, {wrong} not decided as expected",
        policy.rule_count()
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_shows_a_valid_example() {
        let text: String = EXAMPLES_HELP
            .lines()
            .filter(|line| line.starts_with("  "))
            .fold(String::new(), |text, line| text + line.trim() + "\n");
        let rules = RuleSet::load(&[]).expect("the rules of the program");
        let context = ExampleContext { rules: &rules, revoke_providers: &[], now: OffsetDateTime::UNIX_EPOCH };
        let examples = Example::read_toml(&text, Path::new("help"), context).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(examples.len(), 1);
    }
}
