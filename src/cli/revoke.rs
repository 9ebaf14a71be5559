//! `rescind revoke`.

use super::CommandResult;
use super::exit::Exit;

/// (revoke)
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    Ok(Exit::Clean)
}
