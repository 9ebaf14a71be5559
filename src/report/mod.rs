//! Report formats, one file each, with their own serialisable types.
//!
//! Everything a report shows passes through [`Redactor`]: without `show_secrets` no output holds a value that was found,
//! not even where it stands in a path, a build instruction or a commit's author. Nothing here reads the environment, the
//! clock or a file; the caller gives the writer.

mod advice;
mod encode;
mod evidence;
mod json;
mod jsonl;
mod record;
mod redact;
mod replacement;
mod sarif;
pub mod text;

use std::io::{self, Write as _};
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::finding::{Finding, LivenessState, Location, Place, RevocationState, Severity};
use crate::rules::RuleSet;

pub use evidence::write_evidence;
pub use redact::Redactor;

/// The JSON schema of [`Format::Json`] and [`Format::Jsonl`], schema 1.
pub const SCHEMA: &str = include_str!("schema.json");

/// What a run has to say, for any format.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The findings to show, in the order to show them.
    pub findings: &'a [Finding],
    /// What could not be scanned, and notes.
    pub diagnostics: &'a [Diagnostic],
    /// The rules of the run, for what they know of remedies.
    pub rules: &'a RuleSet,
    /// How much was covered.
    pub summary: &'a Summary,
    /// Whether values are written in full: `--show-secrets`.
    pub show_secrets: bool,
    /// The version of rescind that made the report.
    pub version: &'a str,
}

/// What a run covered. Counts of findings are not here: they are counted from the findings themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// What was scanned, in words, such as `git history of repo`.
    pub targets: Vec<String>,
    /// Files, blobs, messages and configuration values scanned.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
    /// Whether the user stopped it; an interrupted scan is never complete.
    pub interrupted: bool,
    /// Findings left out for being below `--min-confidence`.
    pub below_min_confidence: u64,
    /// Findings left out because a baseline, an ignore file or an inline comment names them.
    pub suppressed: u64,
}

/// A format of `--format` and `--report`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One line for each place, as compilers write them, and no summary
    Short,
    /// One JSON document
    Json,
    /// One JSON object per line: findings, diagnostics, and the summary last
    Jsonl,
    /// SARIF 2.1.0, as code scanning services read it
    Sarif,
}

/// How many findings there are of each liveness and severity, in the order of the vocabulary.
pub(crate) struct Counts {
    pub(crate) liveness: [(LivenessState, u64); 5],
    pub(crate) severity: [(Severity, u64); 5],
}

impl Report<'_> {
    /// Whether everything that should have been scanned was.
    pub fn is_complete(&self) -> bool {
        !self.summary.interrupted && !self.diagnostics.iter().any(|diagnostic| diagnostic.gap)
    }

    pub(crate) fn counts(&self) -> Counts {
        let of_liveness = |state| (state, count(self.findings, |finding| finding.liveness.state == state));
        let of_severity = |severity| (severity, count(self.findings, |finding| finding.severity == severity));
        Counts {
            liveness: [
                LivenessState::Live,
                LivenessState::LiveRestricted,
                LivenessState::Unknown,
                LivenessState::NotChecked,
                LivenessState::Dead,
            ]
            .map(of_liveness),
            severity: [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info]
                .map(of_severity),
        }
    }
}

/// Sorts findings for showing: what works first, what no longer does last, and within each as they were.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| match (finding.liveness.state, finding.revocation.state) {
        (LivenessState::Live | LivenessState::LiveRestricted, _) | (_, RevocationState::StillLive) => 0,
        (LivenessState::Unknown | LivenessState::NotChecked, _) => 1,
        (LivenessState::Dead, _) => 2,
    });
}

/// Writes the report. `color` is for [`Format::Text`] and [`Format::Short`] alone. A failed write is the only error.
pub fn write(format: Format, report: &Report<'_>, out: &mut dyn io::Write, color: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    match format {
        Format::Text => text::write(report, &mut out, color),
        Format::Short => text::write_short(report, &mut out, color),
        Format::Json => json::write(report, &mut out),
        Format::Jsonl => jsonl::write(report, &mut out),
        Format::Sarif => sarif::write(report, &mut out),
    }?;
    out.flush()
}

/// Sorts places for showing: what stands in files, in the index or at HEAD now, then history, then what no reference reaches.
fn by_presence(location: &Location) -> u8 {
    match &location.place {
        Place::Git(git) if git.reachable == Some(false) => 3,
        Place::Image(image) if image.shadowed_by.is_some() => 2,
        Place::Git(git) if git.in_head != Some(true) => 2,
        Place::Image(_) => 1,
        Place::File | Place::Stdin | Place::Staged { .. } | Place::Git(_) => 0,
    }
}

/// Whether the place is not merely one of the past.
fn is_current(location: &Location) -> bool {
    by_presence(location) < 2
}

fn count(findings: &[Finding], is_counted: impl Fn(&Finding) -> bool) -> u64 {
    findings.iter().filter(|finding| is_counted(finding)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Confidence, Fingerprint, FingerprintKey, Kind, Liveness, Revocation};
    use crate::secret::Secret;

    #[test]
    fn what_works_comes_first() {
        let states = [LivenessState::Dead, LivenessState::NotChecked, LivenessState::Live, LivenessState::Unknown];
        let mut findings: Vec<Finding> = states
            .map(|state| {
                let mut finding = finding(state.as_str());
                finding.liveness.state = state;
                finding
            })
            .into();
        sort(&mut findings);
        let order: Vec<&str> = findings.iter().map(|finding| finding.liveness.state.as_str()).collect();
        assert_eq!(order, ["live", "not_checked", "unknown", "dead"]);
    }

    /// A finding of that value and nothing else.
    pub(super) fn finding(value: &str) -> Finding {
        Finding {
            id: Fingerprint::of(&FingerprintKey::default(), Kind::ApiKey, value.as_bytes()),
            rule: "test-key".to_owned(),
            provider: "generic".to_owned(),
            title: "Test key".to_owned(),
            kind: Kind::ApiKey,
            confidence: Confidence::High,
            severity: Severity::High,
            secret: Secret::new(value),
            parts: Vec::new(),
            token: None,
            liveness: Liveness::not_checked(),
            revocation: Revocation::none(),
            locations: Vec::new(),
            owners: Vec::new(),
        }
    }
}
