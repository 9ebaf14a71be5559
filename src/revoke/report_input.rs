//! Reads the findings of a report in JSON Lines (schema 1) for planning. Members that planning does not need are passed over,
//! so that a report of a later version with the same schema number still reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Subject;
use super::subject::oldest;
use crate::finding::{
    CommitInfo, Confidence, Fingerprint, GitObject, GitPlace, ImagePlace, Kind, LivenessState, Location, Owner, Part,
    PartValue, Place, SourcePath, TextSpan, TokenFacts,
};

/// Why a report cannot be planned from.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It cannot be read.
    #[error("cannot read the report")]
    Unreadable {
        /// Names the path.
        #[source]
        source: std::io::Error,
    },
    /// A line is no record of a report. Its content is not told: it might be anything.
    #[error("`{path}` line {line}: {reason}")]
    Line {
        /// The report.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it, in words.
        reason: &'static str,
    },
    /// It ends without a summary, so findings may be missing.
    #[error("`{path}` is cut off: its last line is not the summary")]
    CutOff {
        /// The report.
        path: PathBuf,
    },
}

/// The findings of the report at `path`.
///
/// # Errors
/// When it cannot be read, is not JSON Lines of schema 1, or is cut off.
pub fn read_report(path: &Path) -> Result<Vec<Subject>, ReportError> {
    let text = fs_err::read_to_string(path).map_err(|source| ReportError::Unreadable { source })?;
    let mut subjects = Vec::new();
    let mut has_summary = false;
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let wrong = |reason| ReportError::Line { path: path.to_owned(), line: number, reason };
        let head: RecordHead = serde_json::from_str(line).map_err(|_| wrong("not a record of a JSON Lines report"))?;
        if head.schema != 1 {
            return Err(wrong("a record of another schema"));
        }
        has_summary = head.r#type == "summary";
        if head.r#type == "finding" {
            let finding: FindingRecord = serde_json::from_str(line).map_err(|_| wrong("not a finding of schema 1"))?;
            subjects.push(finding.subject().ok_or_else(|| wrong("a finding with a value outside of schema 1"))?);
        }
    }
    if !has_summary {
        return Err(ReportError::CutOff { path: path.to_owned() });
    }
    Ok(subjects)
}

#[derive(Deserialize)]
struct RecordHead {
    r#type: String,
    schema: u32,
}

#[derive(Deserialize)]
struct FindingRecord {
    id: String,
    rule: String,
    provider: String,
    kind: Kind,
    confidence: Confidence,
    secret: SecretRecord,
    #[serde(default)]
    parts: Vec<PartRecord>,
    token: Option<TokenRecord>,
    liveness: LivenessRecord,
    #[serde(default)]
    locations: Vec<LocationRecord>,
    #[serde(default)]
    owners: Vec<Owner>,
}

#[derive(Deserialize)]
struct SecretRecord {
    redacted: String,
}

#[derive(Deserialize)]
struct PartRecord {
    name: String,
    value: Option<String>,
    finding: Option<String>,
}

#[derive(Deserialize)]
struct TokenRecord {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct LivenessRecord {
    state: String,
    method: Option<String>,
    checked_at: Option<String>,
    host: Option<String>,
    account: Option<String>,
}

#[derive(Deserialize)]
struct LocationRecord {
    source: String,
    repository: Option<String>,
    image: Option<String>,
    layer: Option<String>,
    #[serde(default)]
    path: String,
    path_bytes: Option<String>,
    object: Option<String>,
    commit: Option<String>,
    author: Option<String>,
    date: Option<String>,
    blob: Option<String>,
    tag: Option<String>,
    #[serde(default)]
    line: u32,
    #[serde(default)]
    column: u32,
    #[serde(default)]
    end_line: u32,
    #[serde(default)]
    end_column: u32,
    #[serde(default)]
    byte_start: u64,
    #[serde(default)]
    byte_end: u64,
    in_head: Option<bool>,
    reachable: Option<bool>,
}

impl FindingRecord {
    fn subject(self) -> Option<Subject> {
        let locations: Vec<Location> =
            self.locations.into_iter().map(LocationRecord::location).collect::<Option<_>>()?;
        Some(Subject {
            id: Fingerprint::parse(&self.id)?,
            rule: self.rule,
            provider: self.provider,
            kind: self.kind,
            confidence: self.confidence,
            redacted: self.secret.redacted,
            parts: self.parts.into_iter().map(PartRecord::part).collect::<Option<_>>()?,
            token: self.token.map(TokenRecord::facts),
            liveness: LivenessState::from_word(&self.liveness.state)?,
            liveness_method: self.liveness.method,
            liveness_host: self.liveness.host,
            account: self.liveness.account,
            checked_at: self.liveness.checked_at.as_deref().and_then(moment),
            oldest: oldest(&locations),
            locations,
            owners: self.owners,
        })
    }
}

impl PartRecord {
    fn part(self) -> Option<Part> {
        let value = match (self.value, self.finding) {
            (_, Some(id)) => PartValue::Finding(Fingerprint::parse(&id)?),
            (Some(value), None) => PartValue::Public(value),
            (None, None) => return None,
        };
        Some(Part::new(&self.name, value))
    }
}

impl TokenRecord {
    fn facts(self) -> TokenFacts {
        TokenFacts {
            iss: self.iss,
            aud: match self.aud {
                None => Vec::new(),
                Some(Audience::One(audience)) => vec![audience],
                Some(Audience::Several(audiences)) => audiences,
            },
            exp: self.exp.as_deref().and_then(moment).map(OffsetDateTime::unix_timestamp),
            scope: self.scope,
            client_id: self.client_id,
            ..TokenFacts::default()
        }
    }
}

impl LocationRecord {
    fn location(self) -> Option<Location> {
        let path = match &self.path_bytes {
            Some(bytes) => SourcePath::new(&STANDARD.decode(bytes).ok()?),
            None => SourcePath::new(self.path.as_bytes()),
        };
        let span = TextSpan {
            line: self.line,
            column: self.column,
            end_line: self.end_line,
            end_column: self.end_column,
            byte_start: self.byte_start,
            byte_end: self.byte_end,
        };
        let place = match self.source.as_str() {
            "file" => Place::File,
            "stdin" => Place::Stdin,
            "staged" => Place::Staged { repository: self.repository?.into(), blob: self.blob?.into() },
            "image" => Place::Image(ImagePlace {
                image: self.image?.into(),
                layer: self.layer.map(Arc::from),
                instruction: None,
                shadowed_by: None,
            }),
            "git" => {
                let (object, oid) = match self.object.as_deref() {
                    Some("commit") => (GitObject::Commit, self.commit.clone()?),
                    Some("tag") => (GitObject::Tag, self.tag?),
                    _ => (GitObject::Blob, self.blob?),
                };
                let commit = self.commit.map(|id| {
                    let (author, date) = (self.author.unwrap_or_default(), self.date.unwrap_or_default());
                    Arc::new(CommitInfo { id: id.into(), author, date })
                });
                Place::Git(GitPlace {
                    repository: self.repository?.into(),
                    object,
                    oid: oid.into(),
                    commit,
                    in_head: self.in_head,
                    reachable: self.reachable,
                    branches: None,
                })
            }
            _ => return None,
        };
        Some(Location { place, path, span })
    }
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SUMMARY: &str = r#"{"type":"summary","schema":1,"complete":true}"#;

    fn read(lines: &[&str]) -> Result<Vec<Subject>, ReportError> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs_err::write(file.path(), lines.join("\n")).expect("writes");
        read_report(file.path())
    }

    fn finding(location: &str) -> String {
        format!(
            r#"{{"type":"finding","schema":1,"id":"rsc1_0123456789abcdef0123456789abcdef","rule":"r","provider":"p",
            "kind":"refresh_token","confidence":"high","secret":{{"redacted":"a…b","length":40}},"later":[],
            "parts":[{{"name":"client_id","value":"web"}},{{"name":"client_secret","finding":"rsc1_00000000000000000000000000000000"}}],
            "token":{{"iss":"https://id.example.com","aud":"api","exp":"2027-01-15T08:00:00Z","scope":null}},
            "liveness":{{"state":"live","method":"introspection"}},"locations":[{location}]}}"#
        )
        .replace('\n', " ")
    }

    #[test]
    fn findings_read_back() {
        let git = r#"{"source":"git","repository":"/r","object":"blob","blob":"abc","path":".env","line":3,"byte_start":5,"byte_end":9,"reachable":true}"#;
        let raw = r#"{"source":"file","path":"a\\xff","path_bytes":"Yf8="}"#;
        let image = r#"{"source":"image","image":"i.tar#v1","layer":"sha256:00","path":"app/.env"}"#;
        let line = finding(&[git, raw, image].join(","));
        let subjects = read(&[&line, SUMMARY]).expect("reads");
        let subject = &subjects[0];
        assert_eq!(subject.client_id(), Some("web"));
        assert_eq!(subject.findings_named("client_secret").count(), 1);
        assert_eq!(subject.token.as_ref().and_then(|token| token.exp), Some(1_800_000_000));
        assert!(
            matches!(&subject.locations[0].place, Place::Git(git) if &*git.oid == "abc" && git.reachable == Some(true))
        );
        assert_eq!(subject.locations[1].path.as_bytes(), b"a\xff");
    }

    #[test]
    fn what_is_no_whole_report_is_an_error() {
        let good = finding("");
        for (lines, expected) in [
            (vec![good.as_str()], "is cut off"),
            (vec![good.as_str(), "{\"type\":\"fin"], "line 2: not a record"),
            (vec!["{\"type\":\"finding\",\"schema\":2}", SUMMARY], "line 1: a record of another schema"),
            (vec!["{\"type\":\"finding\",\"schema\":1}", SUMMARY], "line 1: not a finding"),
            (vec![], "is cut off"),
        ] {
            let error = read(&lines).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
        let odd = good.replace("rsc1_0123", "rsc9_0123");
        assert!(read(&[&odd, SUMMARY]).expect_err("refused").to_string().contains("outside of schema 1"));
    }

    proptest! {
        /// Whatever stands in the fields of a report, reading it ends in findings or an error.
        #[test]
        fn any_report_is_survived(
            text in "\\PC{0,20}",
            number in any::<i64>(),
            source in "(file|git|image|staged|stdin|other)",
        ) {
            let line = json!({
                "type": "finding", "schema": 1, "id": "rsc1_0123456789abcdef0123456789abcdef", "rule": text,
                "provider": text, "kind": "jwt", "confidence": "low", "secret": {"redacted": text},
                "parts": [{"name": text, "value": text}],
                "token": {"iss": text, "aud": [text], "exp": text, "client_id": text},
                "liveness": {"state": "live", "checked_at": text},
                "locations": [{
                    "source": source, "repository": text, "image": text, "blob": text, "path": text,
                    "path_bytes": text, "object": text, "byte_start": number.unsigned_abs(), "byte_end": 0,
                }],
            })
            .to_string();
            let _ = read(&[&line, SUMMARY]);
            let half: String = line.chars().take(line.len() / 2).collect();
            let _ = read(&[&text, &half]);
        }
    }
}
