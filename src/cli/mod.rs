//! The command line: one file per subcommand, each its arguments first, then `run`.
//!
//! Only this module and `report` write to standard output and standard error.

pub mod exit;
mod hook;
mod revoke;
mod rules;
mod scan;

use clap::{Parser, Subcommand};

use exit::Exit;

/// Finds leaked OAuth client secrets, JWTs, refresh tokens and other machine credentials, asks their issuers which are
/// alive, and revokes those under a policy, with proof
#[derive(Parser)]
#[command(name = "rescind", version, arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Scan(scan::Args),
    Revoke(revoke::Args),
    Rules(rules::Args),
    Hook(hook::Args),
}

/// Parses the arguments, runs the subcommand, prints its error if there is one, and gives the exit code of the contract.
pub fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args),
        Command::Revoke(args) => revoke::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Hook(args) => hook::run(&args),
    };
    exit::report(result).into()
}

/// What every subcommand returns: an exit code, or an error that means exit code 2.
pub(crate) type CommandResult = anyhow::Result<Exit>;
