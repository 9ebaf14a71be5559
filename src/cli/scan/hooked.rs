//! The scans that `rescind hook run` asks for: offline, one line per place, and nothing to read where all is well.

use std::ffi::OsString;

use super::args::{Args, DetectionArgs, HistoryArgs, OutputArgs, Pushed};
use crate::cli::{CommandResult, Global};
use crate::finding::Fingerprint;
use crate::progress;
use crate::report::Format;

/// Scans the index: all of the named files as they are staged, or with none named what the commit would change. Findings in
/// `allowed` are left out and counted as suppressed.
pub(crate) fn staged(files: Vec<OsString>, allowed: Vec<Fingerprint>, global: &Global) -> CommandResult {
    let history = HistoryArgs { staged: true, ..HistoryArgs::default() };
    super::run(&Args { targets: files, history, ..short(allowed) }, global)
}

/// Scans what a push sends.
pub(crate) fn pushed(pushed: Pushed, allowed: Vec<Fingerprint>, global: &Global) -> CommandResult {
    let history = HistoryArgs { pushed: Some(pushed), ..HistoryArgs::default() };
    super::run(&Args { history, ..short(allowed) }, global)
}

fn short(allowed: Vec<Fingerprint>) -> Args {
    Args {
        detection: DetectionArgs { allowed, ..DetectionArgs::default() },
        output: OutputArgs { format: Format::Short, progress: progress::Mode::Never, ..OutputArgs::default() },
        ..Args::default()
    }
}
