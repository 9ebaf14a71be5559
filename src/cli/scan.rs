//! `rescind scan`.

use super::CommandResult;
use super::exit::Exit;

/// (scan)
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    Ok(Exit::Clean)
}
