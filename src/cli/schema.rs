//! `rescind schema`: the shape of the JSON and JSON Lines reports.

use std::io::Write as _;

use super::CommandResult;
use super::exit::Exit;
use crate::report;

/// Print the JSON schema of the `json` and `jsonl` reports
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    std::io::stdout().write_all(report::SCHEMA.as_bytes())?;
    Ok(Exit::Clean)
}
