//! JSON Lines, schema 1: one object per line, the last one is the summary.

use std::io;

use super::{Redactor, Report, encode, record};

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    for finding in report.findings {
        encode::compact(out, &record::Finding::new(finding, &redactor, report.show_secrets))?;
    }
    for diagnostic in report.diagnostics {
        encode::compact(out, &record::Diagnostic::new(diagnostic, &redactor))?;
    }
    encode::compact(out, &record::Summary::new(report, &redactor))
}
