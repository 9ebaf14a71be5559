//! Writing the reports: each appears whole or not at all.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::args::OutputArgs;
use crate::cli::Global;
use crate::report::{self, Format, Report, text};

/// How many diagnostics are shown on standard error before the rest is counted only.
const SHOWN_DIAGNOSTICS: usize = 20;

/// A report to be written.
pub(super) struct Destination {
    format: Format,
    /// Standard output when there is none.
    file: Option<PendingFile>,
}

/// A file that takes its name when it is complete.
struct PendingFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

/// Opens every destination, so that a directory that cannot be written to is told before the scan and not after it.
pub(super) fn prepare(args: &OutputArgs) -> anyhow::Result<Vec<Destination>> {
    let create = |path: &Path| PendingFile::create(path, args.show_secrets);
    let main = Destination { format: args.format, file: args.output.as_deref().map(create).transpose()? };
    let mut destinations = vec![main];
    for target in &args.report {
        let file = Some(create(&target.file)?);
        destinations.push(Destination { format: target.format, file });
    }
    Ok(destinations)
}

/// Writes all reports, then what belongs on standard error.
pub(super) fn write(report: &Report<'_>, destinations: Vec<Destination>, global: &Global) -> anyhow::Result<()> {
    let is_short = destinations.first().is_some_and(|main| main.format == Format::Short);
    for destination in destinations {
        match destination.file {
            Some(file) => file.write(destination.format, report)?,
            None => to_standard_output(destination.format, report, global)?,
        }
    }
    if !global.quiet {
        let color = global.colors(&io::stderr());
        let mut stderr = io::stderr().lock();
        // A closed standard error is no reason to fail: the report has been written.
        let _ = write!(stderr, "{}", text::diagnostics(report, SHOWN_DIAGNOSTICS, color));
        if !is_short {
            let _ = write!(stderr, "{}", text::summary(report, color));
        }
    }
    Ok(())
}

fn to_standard_output(format: Format, report: &Report<'_>, global: &Global) -> anyhow::Result<()> {
    let stdout = io::stdout();
    let color = global.colors(&stdout);
    let mut out = io::BufWriter::new(stdout.lock());
    report::write(format, report, &mut out, color)?;
    out.flush()?;
    Ok(())
}

impl PendingFile {
    fn create(path: &Path, show_secrets: bool) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".rescind-");
        #[cfg(unix)]
        if !show_secrets {
            // Other programs of a pipeline read the report; the umask decides, as it does for any file.
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let temporary = builder.tempfile_in(folder).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    fn write(self, format: Format, report: &Report<'_>) -> anyhow::Result<()> {
        let name = || format!("cannot write `{}`", self.path.display());
        let mut out = io::BufWriter::new(self.temporary.as_file());
        report::write(format, report, &mut out, false).with_context(name)?;
        out.flush().with_context(name)?;
        drop(out);
        self.temporary
            .persist(&self.path)
            .map_err(|error| error.error)
            .with_context(|| format!("cannot write `{}`", self.path.display()))?;
        Ok(())
    }
}
