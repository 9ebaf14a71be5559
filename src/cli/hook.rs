//! `rescind hook`.

use super::CommandResult;
use super::exit::Exit;

/// (hook)
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    Ok(Exit::Clean)
}
