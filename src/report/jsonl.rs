//! JSON Lines, schema 1: one object per line, the last one is the summary.

use std::io;

use serde::Serialize;

use super::{Redactor, Report, record};

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    for finding in report.findings {
        line(&record::Finding::new(finding, &redactor, report.show_secrets), out)?;
    }
    for diagnostic in report.diagnostics {
        line(&record::Diagnostic::new(diagnostic, &redactor), out)?;
    }
    line(&record::Summary::new(report, &redactor), out)
}

fn line(record: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}
