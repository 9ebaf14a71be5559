//! The records of schema 1, which JSON Lines and JSON share. Field names and their order are the contract's; a field that
//! is added does not change the schema's number, one that is removed or changes its meaning does.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::replacement::replacement;
use super::{Redactor, Report};
use crate::diagnostic;
use crate::finding::{self, GitObject, Kind, PartValue, Place, SenderConstraint, SourcePath, TokenFacts, TokenUse};

/// The number of this schema.
pub(super) const SCHEMA: u32 = 1;

/// A secret and everything known of it.
#[derive(Serialize)]
pub(super) struct Finding<'a> {
    r#type: &'static str,
    schema: u32,
    id: String,
    rule: &'a str,
    provider: &'a str,
    title: &'a str,
    kind: &'static str,
    confidence: &'static str,
    severity: &'static str,
    secret: Secret,
    parts: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Token<'a>>,
    liveness: Liveness<'a>,
    revocation: Revocation<'a>,
    locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<Owner<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<&'static str>,
}

/// Whom to tell.
#[derive(Serialize)]
struct Owner<'a> {
    name: Cow<'a, str>,
    source: &'static str,
}

#[derive(Serialize)]
struct Secret {
    redacted: String,
    length: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// Instead of `value` where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    /// The id of the finding that this part is, where it is a secret of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<String>,
    /// Where it stands, and what joins it with the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paired_by: Option<&'static str>,
}

#[derive(Serialize)]
struct Token<'a> {
    alg: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<Cow<'a, str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<Cow<'a, str>>,
    iss: Option<Cow<'a, str>>,
    aud: Option<Audience<'a>>,
    sub: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<String>,
    exp: Option<String>,
    scope: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Cow<'a, str>>,
    cnf: Option<Confirmation<'a>>,
}

/// One audience or several, as in the claim itself.
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
}

#[derive(Serialize)]
enum Confirmation<'a> {
    #[serde(rename = "jkt")]
    Dpop(Cow<'a, str>),
    #[serde(rename = "x5t#S256")]
    MutualTls(Cow<'a, str>),
    #[serde(rename = "other")]
    Other(Cow<'a, str>),
}

#[derive(Serialize)]
struct Liveness<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Revocation<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

/// One place. Which of the optional fields are there follows from `source`.
#[derive(Default, Serialize)]
struct Location<'a> {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a str>,
    path: String,
    /// The raw path, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadowed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    byte_start: u64,
    byte_end: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_head: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branches: Option<Vec<Cow<'a, str>>>,
    /// How many branches are left out of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_branches: Option<usize>,
}

/// Something that was not scanned, or a note.
#[derive(Serialize)]
pub(super) struct Diagnostic<'a> {
    r#type: &'static str,
    schema: u32,
    code: &'static str,
    place: Cow<'a, str>,
    reason: Cow<'a, str>,
    gap: bool,
}

/// The last record.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    r#type: &'static str,
    schema: u32,
    tool: Tool<'a>,
    complete: bool,
    interrupted: bool,
    targets: Vec<Cow<'a, str>>,
    items: u64,
    bytes: u64,
    duration_ms: u64,
    findings: usize,
    liveness: serde_json::Map<String, serde_json::Value>,
    severity: serde_json::Map<String, serde_json::Value>,
    below_min_confidence: u64,
    suppressed: u64,
    diagnostics: usize,
    gaps: usize,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

impl<'a> Finding<'a> {
    pub(super) fn new(finding: &'a finding::Finding, redactor: &Redactor, show_secrets: bool) -> Self {
        let text = |text: &'a str| redactor.text(text);
        let identity = finding.liveness.identity.as_deref();
        Self {
            r#type: "finding",
            schema: SCHEMA,
            id: finding.id.to_string(),
            rule: &finding.rule,
            provider: &finding.provider,
            title: &finding.title,
            kind: finding.kind.as_str(),
            confidence: finding.confidence.as_str(),
            severity: finding.severity.as_str(),
            secret: Secret::new(finding, show_secrets),
            parts: finding.parts.iter().map(|part| Part::new(part, redactor)).collect(),
            token: finding.token.as_ref().map(|token| Token::new(token, redactor)),
            liveness: Liveness {
                state: finding.liveness.state.as_str(),
                reason: finding.liveness.reason.as_deref().map(text),
                method: finding.liveness.method,
                host: finding.liveness.host.as_deref().map(text),
                checked_at: finding.liveness.checked_at.and_then(|at| at.format(&Rfc3339).ok()),
                account: identity.and_then(|identity| identity.account.as_deref()).map(text),
                scopes: identity.and_then(|identity| identity.scopes.as_deref()).map(text),
                expires: identity.and_then(|identity| identity.expires.as_deref()).map(text),
            },
            revocation: Revocation {
                state: finding.revocation.state.as_str(),
                method: finding.revocation.method.as_deref(),
                receipt: finding.revocation.receipt.as_deref(),
                detail: finding.revocation.detail.as_deref().map(text),
            },
            locations: finding.locations.iter().map(|location| Location::new(location, redactor)).collect(),
            owners: finding
                .owners
                .iter()
                .map(|owner| Owner { name: text(&owner.name), source: owner.source.as_str() })
                .collect(),
            replacement: replacement(finding),
        }
    }
}

impl Secret {
    fn new(finding: &finding::Finding, show_secrets: bool) -> Self {
        let secret = &finding.secret;
        let is_shown = show_secrets && finding.kind != Kind::File;
        let value = secret.expose_str().filter(|_| is_shown).map(str::to_owned);
        let value_base64 = (is_shown && value.is_none()).then(|| STANDARD.encode(secret.expose()));
        Self { redacted: finding.redacted(), length: finding.length(), value, value_base64 }
    }
}

impl<'a> Part<'a> {
    fn new(part: &'a finding::Part, redactor: &Redactor) -> Self {
        let (value, finding) = match &part.value {
            PartValue::Public(value) => (Some(redactor.text(value)), None),
            PartValue::Finding(id) => (None, Some(id.to_string())),
        };
        let place = part.place.as_ref();
        Self {
            name: &part.name,
            value,
            finding,
            path: place.map(|place| spelled(&place.path, redactor).0),
            line: place.map(|place| place.line),
            paired_by: place.map(|place| place.pairing.as_str()),
        }
    }
}

impl<'a> Token<'a> {
    fn new(token: &'a TokenFacts, redactor: &Redactor) -> Self {
        let text = |text: &'a str| redactor.text(text);
        Self {
            alg: text(&token.alg),
            typ: token.typ.as_deref().map(text),
            r#use: token.usage.map(TokenUse::as_str),
            kid: token.kid.as_deref().map(text),
            iss: token.iss.as_deref().map(text),
            aud: match token.aud.as_slice() {
                [] => None,
                [only] => Some(Audience::One(text(only))),
                several => Some(Audience::Several(several.iter().map(|one| text(one)).collect())),
            },
            sub: token.sub.as_deref().map(text),
            iat: token.iat.map(timestamp),
            nbf: token.nbf.map(timestamp),
            exp: token.exp.map(timestamp),
            scope: token.scope.as_deref().map(text),
            client_id: token.client_id.as_deref().map(text),
            jti: token.jti.as_deref().map(text),
            cnf: token.cnf.as_ref().map(|constraint| match constraint {
                SenderConstraint::Dpop(thumbprint) => Confirmation::Dpop(text(thumbprint)),
                SenderConstraint::MutualTls(thumbprint) => Confirmation::MutualTls(text(thumbprint)),
                SenderConstraint::Other(member) => Confirmation::Other(text(member)),
            }),
        }
    }
}

impl<'a> Location<'a> {
    fn new(location: &'a finding::Location, redactor: &Redactor) -> Self {
        let (path, path_bytes) = spelled(&location.path, redactor);
        let span = location.span;
        let common = Self {
            path,
            path_bytes,
            line: span.line,
            column: span.column,
            end_line: span.end_line,
            end_column: span.end_column,
            byte_start: span.byte_start,
            byte_end: span.byte_end,
            ..Self::default()
        };
        match &location.place {
            Place::File => Self { source: "file", ..common },
            Place::Stdin => Self { source: "stdin", ..common },
            Place::Staged { repository, blob } => {
                Self { source: "staged", repository: Some(redactor.place(repository)), blob: Some(blob), ..common }
            }
            Place::Git(git) => {
                let (commit, branches) = (git.commit.as_deref(), git.branches.as_deref());
                let is = |object| (git.object == object).then_some(&*git.oid);
                Self {
                    source: "git",
                    repository: Some(redactor.place(&git.repository)),
                    commit: commit.map(|commit| &*commit.id).or(is(GitObject::Commit)),
                    author: commit.map(|commit| redactor.text(&commit.author)),
                    date: commit.map(|commit| commit.date.as_str()),
                    object: Some(match git.object {
                        GitObject::Blob => "blob",
                        GitObject::Commit => "commit",
                        GitObject::Tag => "tag",
                    }),
                    blob: is(GitObject::Blob),
                    tag: is(GitObject::Tag),
                    in_head: git.in_head,
                    reachable: git.reachable,
                    branches: branches.map(|branches| branches.names.iter().map(|name| redactor.text(name)).collect()),
                    more_branches: branches.map(|branches| branches.more).filter(|&more| more > 0),
                    ..common
                }
            }
            Place::Image(image) => Self {
                source: "image",
                image: Some(redactor.place(&image.image)),
                layer: image.layer.as_deref(),
                instruction: image.instruction.as_deref().map(|instruction| redactor.instruction(instruction)),
                shadowed_by: image.shadowed_by.as_deref(),
                ..common
            },
        }
    }
}

impl<'a> Diagnostic<'a> {
    pub(super) fn new(diagnostic: &'a diagnostic::Diagnostic, redactor: &Redactor) -> Self {
        Self {
            r#type: "diagnostic",
            schema: SCHEMA,
            code: diagnostic.code,
            place: redactor.place(&diagnostic.place),
            reason: redactor.text(&diagnostic.reason),
            gap: diagnostic.gap,
        }
    }
}

impl<'a> Summary<'a> {
    pub(super) fn new(report: &Report<'a>, redactor: &Redactor) -> Self {
        let summary = report.summary;
        let counts = report.counts();
        Self {
            r#type: "summary",
            schema: SCHEMA,
            tool: Tool { name: "rescind", version: report.version },
            complete: report.is_complete(),
            interrupted: summary.interrupted,
            targets: summary.targets.iter().map(|target| redactor.place(target)).collect(),
            items: summary.items,
            bytes: summary.bytes,
            duration_ms: u64::try_from(summary.duration.as_millis()).unwrap_or(u64::MAX),
            findings: report.findings.len(),
            liveness: counts.liveness.into_iter().map(|(state, n)| (state.as_str().to_owned(), n.into())).collect(),
            severity: counts.severity.into_iter().map(|(level, n)| (level.as_str().to_owned(), n.into())).collect(),
            below_min_confidence: summary.below_min_confidence,
            suppressed: summary.suppressed,
            diagnostics: report.diagnostics.len(),
            gaps: report.diagnostics.iter().filter(|diagnostic| diagnostic.gap).count(),
        }
    }
}

/// A path as JSON can hold it; one that is not UTF-8 is escaped, with its raw bytes beside it.
fn spelled(path: &SourcePath, redactor: &Redactor) -> (String, Option<String>) {
    let bytes = redactor.path(path);
    match std::str::from_utf8(&bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (finding::escape(&bytes).into_owned(), Some(STANDARD.encode(&bytes))),
    }
}

/// Seconds since the epoch in RFC 3339. A token may claim any number: what no calendar holds becomes the nearest moment that
/// one does, so that the order of moments stays true.
pub(super) fn timestamp(seconds: i64) -> String {
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    OffsetDateTime::from_unix_timestamp(seconds.clamp(0, LAST))
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_becomes_a_moment() {
        for (seconds, expected) in [
            (1_790_000_000, "2026-09-21T14:13:20Z"),
            (0, "1970-01-01T00:00:00Z"),
            (i64::MIN, "1970-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(seconds), expected);
        }
    }
}
