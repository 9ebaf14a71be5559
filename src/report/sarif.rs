//! SARIF 2.1.0 (OASIS), with what code scanning services need of it and within their limits.
//!
//! Such a service shows the first location of a result and knows an alert again by `primaryLocationLineHash`: the finding's
//! id, so that an alert survives moved lines and renamed files. Locations in history or in images have paths that may not
//! exist in the work tree; they come last, and are marked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::record::timestamp;
use super::{Redactor, Report, by_presence, encode, is_current};
use crate::diagnostic::Diagnostic;
use crate::finding::{Confidence, Finding, LivenessState, Location, Place, RevocationState, Severity, escape};
use crate::rules::RuleSet;

/// A file with more results than this is rejected as a whole by code scanning.
const MAX_RESULTS: usize = 25_000;
/// Further places of one secret that a result carries; the total is in its properties.
const MAX_RELATED: usize = 100;

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let redactor = Redactor::new(report.findings, report.show_secrets);
    let shown = report.findings.get(..MAX_RESULTS).unwrap_or(report.findings);
    let rules = rules(shown, report.rules);
    let index: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(index, rule)| (rule.id, index)).collect();
    let mut notifications: Vec<Notification> =
        report.diagnostics.iter().map(|diagnostic| Notification::new(diagnostic, &redactor)).collect();
    if shown.len() < report.findings.len() {
        let text = format!("{} findings do not fit into this format", report.findings.len() - shown.len());
        notifications.push(Notification::of("too-many-results", "warning", text));
    }
    if report.summary.interrupted {
        notifications.push(Notification::of("interrupted", "error", "the scan was interrupted".to_owned()));
    }
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "rescind",
                    semantic_version: report.version,
                    information_uri: option_env!("CARGO_PKG_REPOSITORY").filter(|uri| !uri.is_empty()),
                    rules,
                },
            },
            automation_details: AutomationDetails { id: "rescind/" },
            column_kind: "unicodeCodePoints",
            invocations: [Invocation {
                execution_successful: report.is_complete(),
                tool_execution_notifications: notifications,
            }],
            results: shown
                .iter()
                .map(|finding| Outcome::new(finding, index.get(finding.rule.as_str()).copied(), &redactor))
                .collect(),
            properties: RunProperties { complete: report.is_complete() },
        }],
    };
    encode::pretty(out, &log)
}

/// Where leaked credentials stand in the catalogues that reports are filed by: CWE (hard-coded credentials, spelt as code scanning
/// services read it), OWASP's Non-Human Identities Top 10 of 2025 (secret leakage), NIST CSF 2.0 (credentials are managed).
const CLASSES: [&str; 3] = ["external/cwe/cwe-798", "owasp-nhi2-2025", "nist-csf-2.0-pr.aa-01"];

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    automation_details: AutomationDetails,
    column_kind: &'static str,
    invocations: [Invocation; 1],
    results: Vec<Outcome<'a>>,
    properties: RunProperties,
}

#[derive(Serialize)]
struct RunProperties {
    complete: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<&'static str>,
    rules: Vec<RuleDescriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDescriptor<'a> {
    id: &'a str,
    name: &'a str,
    short_description: Message,
    full_description: Message,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    tags: Vec<&'a str>,
    precision: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: String,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    descriptor: Descriptor,
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
struct Descriptor {
    id: &'static str,
}

/// A `result`; the name would be confused with the standard library's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: Vec<SarifLocation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    partial_fingerprints: PartialFingerprints,
    properties: OutcomeProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartialFingerprints {
    primary_location_line_hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeProperties<'a> {
    provider: &'a str,
    kind: &'static str,
    confidence: &'static str,
    severity: &'static str,
    liveness: &'static str,
    revocation: &'static str,
    places: usize,
    /// No place is in the work tree, the index or HEAD.
    only_in_history: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_expires: Option<String>,
    #[serde(rename = "security-severity")]
    security_severity: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

/// The rules that found something. A rule's severity is that of its worst finding: services read it from the rule alone.
fn rules<'a>(findings: &'a [Finding], known: &'a RuleSet) -> Vec<RuleDescriptor<'a>> {
    let mut by_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_rule.entry(&finding.rule).or_default().push(finding);
    }
    by_rule.into_values().filter_map(|findings| RuleDescriptor::new(&findings, known)).collect()
}

impl<'a> RuleDescriptor<'a> {
    /// `None` for no findings at all.
    fn new(findings: &[&'a Finding], known: &RuleSet) -> Option<Self> {
        let first = *findings.first()?;
        let worst = findings.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)))?;
        let surest = findings.iter().map(|finding| finding.confidence).max()?;
        let title = if first.title.is_empty() { &first.rule } else { &first.title };
        let explanation = format!("{title}: a credential that whoever can read this place can use.");
        let mut help = "Take the credential out of service at its issuer first, then remove it from the code: removing \
                        it alone leaves it in history, images and clones. `rescind scan --verify` asks whether it still \
                        works, `rescind scan --verify --revoke plan` plans its revocation."
            .to_owned();
        let steps = known.get(&first.rule).map_or(&[][..], |rule| &rule.revoke.steps);
        if !steps.is_empty() {
            help.push_str("\n\nBy hand:\n");
        }
        for (number, step) in (1..).zip(steps) {
            let _ = write!(help, "\n{number}. {step}");
        }
        Some(Self {
            id: &first.rule,
            name: &first.rule,
            short_description: Message { text: title.clone() },
            full_description: Message { text: explanation.clone() },
            help: Help { text: format!("{explanation} {help}"), markdown: format!("**{explanation}**\n\n{help}") },
            default_configuration: Configuration { level: level(worst) },
            properties: RuleProperties {
                tags: ["security", "secret", &*first.provider].into_iter().chain(CLASSES).collect(),
                precision: precision(surest),
                security_severity: format!("{:.1}", score(worst)),
            },
        })
    }
}

impl Notification {
    fn of(id: &'static str, level: &'static str, text: String) -> Self {
        Self { descriptor: Descriptor { id }, level, message: Message { text } }
    }

    fn new(diagnostic: &Diagnostic, redactor: &Redactor) -> Self {
        let level = if diagnostic.gap { "error" } else { "note" };
        let place = redactor.place(&diagnostic.place);
        Self::of(diagnostic.code, level, format!("{place}: {}", redactor.text(&diagnostic.reason)))
    }
}

impl<'a> Outcome<'a> {
    fn new(finding: &'a Finding, rule_index: Option<usize>, redactor: &Redactor) -> Self {
        let mut places: Vec<&Location> = finding.locations.iter().collect();
        places.sort_by_key(|location| by_presence(location));
        let mut locations = places.iter().enumerate().map(|(index, location)| {
            let id = (index > 0).then_some(index);
            SarifLocation::new(location, id, redactor)
        });
        let locations_shown = locations.by_ref().take(1).collect();
        Self {
            rule_id: &finding.rule,
            rule_index,
            level: level(finding),
            message: Message { text: message(finding, redactor) },
            locations: locations_shown,
            related_locations: locations.take(MAX_RELATED).collect(),
            partial_fingerprints: PartialFingerprints { primary_location_line_hash: finding.id.to_string() },
            properties: OutcomeProperties {
                provider: &finding.provider,
                kind: finding.kind.as_str(),
                confidence: finding.confidence.as_str(),
                severity: finding.severity.as_str(),
                liveness: finding.liveness.state.as_str(),
                revocation: finding.revocation.state.as_str(),
                places: finding.locations.len(),
                only_in_history: !finding.locations.iter().any(is_current),
                token_expires: finding.token.as_ref().and_then(|token| token.exp).map(timestamp),
                security_severity: format!("{:.1}", score(finding)),
            },
        }
    }
}

impl SarifLocation {
    fn new(location: &Location, id: Option<usize>, redactor: &Redactor) -> Self {
        let span = location.span;
        let line = span.line.max(1);
        let column = span.column.max(1);
        let end_line = span.end_line.max(line);
        let end_column = if end_line == line { span.end_column.max(column) } else { span.end_column.max(1) };
        let artifact_location = match &location.place {
            Place::Stdin => {
                let path = redactor.path(&location.path);
                let member = path.strip_prefix(b"-").unwrap_or_default();
                let named = ArtifactLocation::new(&[&b"stdin"[..], member].concat());
                ArtifactLocation { uri_base_id: None, ..named }
            }
            _ => ArtifactLocation::new(&redactor.path(&location.path)),
        };
        let region = Region { start_line: line, start_column: column, end_line, end_column };
        Self {
            id,
            physical_location: PhysicalLocation { artifact_location, region },
            logical_locations: LogicalLocation::of(&location.place, redactor).into_iter().collect(),
        }
    }
}

impl ArtifactLocation {
    /// A relative reference, or a `file` URI for an absolute path. Any byte that could be read as something other than a
    /// part of a path is percent-encoded (RFC 3986 §2.1), a colon too, which could pass for the end of a scheme.
    fn new(path: &[u8]) -> Self {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let mut uri = String::with_capacity(path.len());
        for &byte in path {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
                uri.push(char::from(byte));
            } else {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
        if path.starts_with(b"/") {
            return Self { uri: format!("file://{uri}"), uri_base_id: None };
        }
        if uri.is_empty() {
            uri.push('.');
        }
        Self { uri, uri_base_id: Some("%SRCROOT%") }
    }
}

impl LogicalLocation {
    /// The commit or layer, which an artifact's URI cannot tell.
    fn of(place: &Place, redactor: &Redactor) -> Option<Self> {
        let (kind, name) = match place {
            Place::File | Place::Stdin | Place::Staged { .. } => return None,
            Place::Git(git) => match &git.commit {
                Some(commit) => ("commit", format!("{}@{}", git.repository, commit.id)),
                None => ("object", format!("{}@{}", git.repository, git.oid)),
            },
            Place::Image(image) => match &image.layer {
                Some(layer) => ("layer", format!("{}@{layer}", image.image)),
                None => ("image", image.image.to_string()),
            },
        };
        Some(Self { fully_qualified_name: escape(redactor.place(&name).as_bytes()).into_owned(), kind })
    }
}

/// What an alert says. The redacted form is all it shows of the value.
fn message(finding: &Finding, redactor: &Redactor) -> String {
    let title = if finding.title.is_empty() { &finding.rule } else { &finding.title };
    let mut text = format!("{title} {}: {}", finding.redacted(), words(finding.liveness.state));
    if let Some(reason) = &finding.liveness.reason {
        let _ = write!(text, " ({})", redactor.text(reason));
    }
    match finding.revocation.state {
        RevocationState::None => {}
        state => {
            let _ = write!(text, "; revocation {}", state.as_str().replace('_', " "));
        }
    }
    match finding.locations.len() {
        0 | 1 => {}
        n => {
            let _ = write!(text, "; in {n} places");
        }
    }
    text
}

fn words(state: LivenessState) -> &'static str {
    match state {
        LivenessState::NotChecked => "not checked",
        LivenessState::Live => "live",
        LivenessState::LiveRestricted => "live, with restricted rights",
        LivenessState::Dead => "dead",
        LivenessState::Unknown => "liveness not known",
    }
}

fn is_out_of_service(finding: &Finding) -> bool {
    finding.liveness.state == LivenessState::Dead || finding.revocation.state == RevocationState::Revoked
}

fn level(finding: &Finding) -> &'static str {
    match finding.severity {
        _ if is_out_of_service(finding) => "note",
        Severity::Info => "note",
        Severity::Low => "warning",
        Severity::Medium | Severity::High | Severity::Critical => "error",
    }
}

/// `security-severity`, above 0 and at most 10: from 9 critical, from 7 high, from 4 medium. What is proven to work outranks
/// what nobody asked about.
fn score(finding: &Finding) -> f64 {
    let is_live = matches!(finding.liveness.state, LivenessState::Live | LivenessState::LiveRestricted);
    match finding.severity {
        _ if is_out_of_service(finding) => 3.0,
        Severity::Critical if is_live => 9.9,
        Severity::High | Severity::Medium if is_live => 9.5,
        Severity::Low | Severity::Info if is_live => 7.0,
        Severity::Critical => 7.5,
        Severity::High => 7.0,
        Severity::Medium => 6.0,
        Severity::Low => 3.5,
        Severity::Info => 1.0,
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "very-high",
        Confidence::Medium => "high",
        Confidence::Low => "medium",
    }
}
