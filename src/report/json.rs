//! JSON: the records of JSON Lines, schema 1, in one document.

use std::io;

use serde::Serialize;

use super::{Redactor, Report, encode, record};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    findings: Vec<record::Finding<'a>>,
    diagnostics: Vec<record::Diagnostic<'a>>,
    summary: record::Summary<'a>,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    let document = Document {
        schema: record::SCHEMA,
        findings: report
            .findings
            .iter()
            .map(|finding| record::Finding::new(finding, &redactor, report.show_secrets))
            .collect(),
        diagnostics: report
            .diagnostics
            .iter()
            .map(|diagnostic| record::Diagnostic::new(diagnostic, &redactor))
            .collect(),
        summary: record::Summary::new(report, &redactor),
    };
    encode::pretty(out, &document)
}
