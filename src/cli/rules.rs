//! `rescind rules`.

use super::CommandResult;
use super::exit::Exit;

/// (rules)
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    Ok(Exit::Clean)
}
