//! Writing the reports: each appears whole or not at all.

use std::io::{self, Write as _};

use anyhow::Context as _;

use super::args::OutputArgs;
use crate::cli::pending_file::PendingFile;
use crate::cli::{self, Global};
use crate::report::{self, Format, Report, text};

/// How many diagnostics are shown on standard error before the rest is counted only.
const SHOWN_DIAGNOSTICS: usize = 20;

/// A report to be written.
pub(super) struct Destination {
    format: Format,
    /// Standard output when there is none.
    file: Option<PendingFile>,
}

/// Opens every destination, so that a directory that cannot be written to is told before the scan and not after it.
pub(super) fn prepare(args: &OutputArgs) -> anyhow::Result<Vec<Destination>> {
    let create = |path| PendingFile::create(path, args.show_secrets);
    let main = Destination { format: args.format, file: args.output.as_deref().map(create).transpose()? };
    let mut destinations = vec![main];
    for target in &args.report {
        let file = Some(create(&target.file)?);
        destinations.push(Destination { format: target.format, file });
    }
    Ok(destinations)
}

/// Writes all reports, then what belongs on standard error. Files come first: a reader of standard output that goes away
/// must not cost them.
pub(super) fn write(report: &Report<'_>, destinations: Vec<Destination>, global: &Global) -> anyhow::Result<()> {
    // A hook, or a program that reads lines, wants to hear of findings and gaps only.
    let is_short = destinations.first().is_some_and(|main| main.format == Format::Short);
    let (files, streams): (Vec<_>, Vec<_>) =
        destinations.into_iter().partition(|destination| destination.file.is_some());
    for Destination { format, file } in files.into_iter().chain(streams) {
        match file {
            Some(mut file) => {
                report::write(format, report, &mut file, false).context("cannot write a report")?;
                file.commit()?;
            }
            None => to_standard_output(format, report)?,
        }
    }
    if !global.quiet {
        let color = cli::colors(&io::stderr());
        let mut stderr = io::stderr().lock();
        // A closed standard error is no reason to fail: the report has been written.
        let _ = write!(stderr, "{}", text::diagnostics(report, SHOWN_DIAGNOSTICS, color));
        if !is_short {
            let _ = write!(stderr, "{}", text::summary(report, color));
        }
    }
    Ok(())
}

fn to_standard_output(format: Format, report: &Report<'_>) -> anyhow::Result<()> {
    let stdout = io::stdout();
    let color = cli::colors(&stdout);
    let mut out = io::BufWriter::new(stdout.lock());
    report::write(format, report, &mut out, color)?;
    out.flush()?;
    Ok(())
}
