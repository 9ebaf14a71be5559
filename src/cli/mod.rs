//! The command line: one file per subcommand, each its arguments first, then `run`.
//!
//! Only this module and `report` write to standard output and standard error.

mod completions;
pub mod exit;
mod hook;
mod interrupt;
mod issuers;
mod logging;
mod man;
mod mandate;
mod pending_file;
mod policy;
mod revoke;
mod rules;
mod scan;
mod schema;

use std::path::PathBuf;

use clap::{ColorChoice, Parser, Subcommand};

use exit::Exit;

/// Find leaked OAuth client secrets, JWTs, refresh tokens and other machine credentials, ask their issuers which are alive,
/// and revoke those under a policy, with proof
#[derive(Parser)]
#[command(name = "rescind", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Try `rescind scan` in any directory. Nothing is sent anywhere without --verify.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    global: Global,
}

/// The options that every subcommand has.
#[derive(clap::Args)]
struct Global {
    /// Read the configuration from this file instead of `rescind/config.toml` in the user's configuration directory
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Colour the output
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: ColorChoice,

    /// Print data only: no progress, diagnostics or summary on standard error
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,

    /// Log what is done; twice for details (can be repeated)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Whether to colour a stream: what `--color` says, or else the environment and whether the stream is a terminal.
fn colors(stream: &impl anstream::stream::RawStream) -> bool {
    matches!(anstream::AutoStream::choice(stream), anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi)
}

#[derive(Subcommand)]
enum Command {
    Scan(Box<scan::Args>),
    Revoke(revoke::Args),
    Policy(policy::Args),
    Rules(rules::Args),
    Issuers(issuers::Args),
    Hook(hook::Args),
    Completions(completions::Args),
    Man(man::Args),
    Schema(schema::Args),
}

/// The forms of what is listed or shown.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Parses the arguments, runs the subcommand, prints its error if there is one, and gives the exit code of the contract.
pub fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    exit::report(run(&cli)).into()
}

fn run(cli: &Cli) -> CommandResult {
    match cli.global.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    match &cli.command {
        Command::Scan(args) => scan::run(args, &cli.global),
        Command::Revoke(args) => revoke::run(args, &cli.global),
        Command::Policy(args) => policy::run(args, &cli.global),
        Command::Rules(args) => rules::run(args),
        Command::Issuers(args) => issuers::run(args, &cli.global),
        Command::Hook(args) => hook::run(args, &cli.global),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
        Command::Schema(args) => schema::run(args),
    }
}

/// What every subcommand returns: an exit code, or an error that means exit code 2.
pub(crate) type CommandResult = anyhow::Result<Exit>;
