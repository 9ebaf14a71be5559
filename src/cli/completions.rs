//! `rescind completions`: shell completions, made from the same definitions as `--help`.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::CommandResult;
use super::exit::Exit;

/// Print a completion script for a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "rescind", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Clean)
}
