//! Example findings that an operator writes down to see what their policy says of them, with what they expect.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use time::{Duration, OffsetDateTime};

use super::{Decision, Policy, PolicyAction, Question, SourceKind};
use crate::config::{ConfigError, parse_toml};
use crate::finding::{
    Confidence, Fingerprint, FingerprintKey, GitObject, GitPlace, ImagePlace, Kind, LivenessState, Location, Place,
    SourcePath, TextSpan,
};
use crate::revoke::Subject;
use crate::rules::{BlastRadius, RevokeMethod, RuleSet};

/// What a [`Policy`] is tried with.
pub struct Example {
    /// Its name, or its place in the file.
    pub name: String,
    /// What the policy should decide, if the operator says.
    pub expect: Option<PolicyAction>,
    subject: Subject,
    issuer: String,
    shared: bool,
    blast_radius: BlastRadius,
}

/// Why examples cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExampleError {
    /// TOML that is none, or says something that does not exist.
    #[error(transparent)]
    Toml(#[from] ConfigError),
    /// A line of JSON Lines that is no example.
    #[error("`{path}` line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An example that leaves out what nothing else tells.
    #[error("`{path}`, {name}: {reason}")]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The example.
        name: String,
        /// What is missing, in words.
        reason: &'static str,
    },
}

/// A file in TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    example: Vec<Written>,
}

/// One example as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    id: Option<String>,
    rule: Option<String>,
    provider: Option<String>,
    kind: Option<Kind>,
    issuer: Option<String>,
    account: Option<String>,
    shared: Option<bool>,
    confidence: Option<Confidence>,
    liveness: Option<String>,
    source: Option<SourceKind>,
    path: Option<String>,
    reachable: Option<bool>,
    age_days: Option<u32>,
    blast_radius: Option<BlastRadius>,
    expect: Option<PolicyAction>,
}

/// What is known besides the file.
#[derive(Clone, Copy)]
pub struct ExampleContext<'a> {
    /// What a rule finds need not be said of an example of it.
    pub rules: &'a RuleSet,
    /// The providers that are the same for everybody and where credentials may be revoked.
    pub revoke_providers: &'a [String],
    /// The time that ages are counted from.
    pub now: OffsetDateTime,
}

impl Example {
    /// Reads `[[example]]` of a file in TOML.
    ///
    /// # Errors
    /// When it is no such file; the error names the place.
    pub fn read_toml(text: &str, path: &Path, context: ExampleContext<'_>) -> Result<Vec<Self>, ExampleError> {
        let document: Document = parse_toml(text, path)?;
        document.example.into_iter().zip(1..).map(|(written, number)| written.validate(number, path, context)).collect()
    }

    /// Reads JSON Lines, an example each.
    ///
    /// # Errors
    /// When a line is none; the error names it.
    pub fn read_json_lines(text: &str, path: &Path, context: ExampleContext<'_>) -> Result<Vec<Self>, ExampleError> {
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let read = |(line, number): (&str, usize)| {
            // Of the error only what is wrong is told, without the value.
            let wrong = |error: serde_json::Error| {
                let reason = if error.is_data() { "not an example: a key or value is unknown" } else { "not JSON" };
                ExampleError::Line { path: path.to_owned(), line: number, reason: reason.to_owned() }
            };
            serde_json::from_str::<Written>(line).map_err(wrong)?.validate(number, path, context)
        };
        lines.map(read).collect()
    }

    /// What the policy says of it. Caps are not counted: each example stands for itself.
    pub fn decide(&self, policy: &Policy, now: OffsetDateTime) -> Decision {
        let Self { subject, issuer, shared, blast_radius, .. } = self;
        policy.decide(&Question { subject, issuer, shared: *shared, blast_radius: *blast_radius, now })
    }
}

impl Written {
    fn validate(self, number: usize, path: &Path, context: ExampleContext<'_>) -> Result<Example, ExampleError> {
        let name = self.name.clone().unwrap_or_else(|| format!("example {number}"));
        let incomplete = |reason| ExampleError::Incomplete { path: path.to_owned(), name: name.clone(), reason };
        let rule = match self.rule.as_deref().map(|id| context.rules.get(id)) {
            Some(None) => return Err(incomplete("there is no rule of that id")),
            Some(Some(rule)) => Some(rule),
            None => None,
        };
        let kind =
            self.kind.or(rule.map(|rule| rule.kind)).ok_or_else(|| incomplete("its `kind` or `rule` is missing"))?;
        let id = match &self.id {
            Some(id) => Fingerprint::parse(id).ok_or_else(|| incomplete("its `id` is not that of a finding"))?,
            // An empty value is nobody's: no list can name it.
            None => Fingerprint::of(&FingerprintKey::default(), kind, b""),
        };
        if self.reachable.is_some() && self.source_kind() != SourceKind::Git {
            return Err(incomplete("only what lies in `git` can be `reachable` or not"));
        }
        let liveness = match self.liveness.as_deref() {
            Some(word) => LivenessState::from_word(word).filter(|state| *state != LivenessState::Dead),
            None => Some(LivenessState::Live),
        };
        let liveness = liveness
            .ok_or_else(|| incomplete("`liveness` is `live`, `live_restricted`, `unknown` or `not_checked`"))?;
        let provider = self.provider.clone().or(rule.map(|rule| rule.provider.clone()));
        let provider = provider.unwrap_or_else(|| "generic".to_owned());
        let by_rule =
            rule.filter(|rule| rule.revoke.method != RevokeMethod::Rfc7009).map(|rule| rule.revoke.blast_radius);
        let usual = if kind == Kind::RefreshToken { BlastRadius::Family } else { BlastRadius::Token };
        let at_everybodys = self.issuer.is_none() && context.revoke_providers.contains(&provider);
        Ok(Example {
            expect: self.expect,
            issuer: self.issuer.clone().unwrap_or_default(),
            shared: self.shared.unwrap_or(at_everybodys),
            blast_radius: self.blast_radius.or(by_rule).unwrap_or(usual),
            subject: Subject {
                id,
                rule: self.rule.clone().unwrap_or_default(),
                provider,
                kind,
                confidence: self.confidence.or(rule.map(|rule| rule.confidence)).unwrap_or(Confidence::High),
                redacted: String::new(),
                parts: Vec::new(),
                token: None,
                liveness,
                liveness_method: None,
                liveness_host: None,
                account: self.account.clone(),
                checked_at: None,
                oldest: self.age_days.map(|days| context.now.saturating_sub(Duration::days(days.into()))),
                locations: vec![self.location()],
                owners: Vec::new(),
            },
            name,
        })
    }

    fn source_kind(&self) -> SourceKind {
        let usual = if self.reachable.is_some() { SourceKind::Git } else { SourceKind::File };
        self.source.unwrap_or(usual)
    }

    fn location(&self) -> Location {
        let place = match self.source_kind() {
            SourceKind::File => Place::File,
            SourceKind::Git => Place::Git(GitPlace {
                repository: "".into(),
                object: GitObject::Blob,
                oid: "".into(),
                commit: None,
                in_head: None,
                reachable: self.reachable,
                branches: None,
            }),
            SourceKind::Staged => Place::Staged { repository: "".into(), blob: "".into() },
            SourceKind::Image => {
                Place::Image(ImagePlace { image: "".into(), layer: None, instruction: None, shadowed_by: None })
            }
            SourceKind::Stdin => Place::Stdin,
        };
        let path = SourcePath::new(self.path.as_deref().unwrap_or_default().as_bytes());
        Location { place, path, span: TextSpan::default() }
    }
}
