//! `rescind scan`.

use std::path::PathBuf;

use super::CommandResult;
use super::exit::Exit;
use crate::finding::Fingerprint;

/// (scan)
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> CommandResult {
    Ok(Exit::Clean)
}

/// Scans the index for a hook: all of the named files as they are staged, or with none named what the commit would change.
/// Findings in `allowed` are left out and counted as suppressed.
pub(crate) fn staged(_files: Vec<PathBuf>, _allowed: Vec<Fingerprint>) -> CommandResult {
    Ok(Exit::Clean)
}

/// Scans the commits that `tips` reach and `known` do not, for a hook.
pub(crate) fn pushed(_tips: Vec<String>, _known: Vec<String>, _allowed: Vec<Fingerprint>) -> CommandResult {
    Ok(Exit::Clean)
}
