//! [`VerdictMemory`]: what issuers said a short while ago, so that the next scan does not ask again about the same secrets.
//!
//! A file of JSON Lines: one line that names the format and what the verdicts rest on, then one verdict each. It holds keyed hashes
//! and verdicts, no secret. What issuers are trusted with, the rules and the version all count: where one of them is another, the file
//! counts for nothing. It is never used where something is to be revoked.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{client_secret, introspection, jwt, private_key, provider, redeem, userinfo};
use crate::finding::{Finding, Identity, Liveness, LivenessState, PartValue};
use crate::spelling::hex;

/// Names the format and its version.
const FORMAT: &str = "rescind verdicts 1";

/// Larger files are none of ours.
const MAX_BYTES: u64 = 64 << 20;

/// The methods by which issuers are asked; others are judged anew.
const METHODS: [&str; 10] = [
    introspection::METHOD,
    jwt::SIGNATURE,
    private_key::METHOD,
    provider::METHOD,
    redeem::METHOD,
    userinfo::METHOD,
    client_secret::BOGUS_REFRESH,
    client_secret::BOGUS_CODE,
    client_secret::REVOCATION,
    client_secret::INTROSPECTION,
];

/// Why a file of verdicts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be read.
    #[error("cannot read the verdicts")]
    Read(#[source] io::Error),
    /// It is something else, or damaged.
    #[error("`{}` line {line} is not a verdict: name another file, or delete it and everything is asked again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
}

/// Verdicts of earlier scans, by what was asked about.
pub struct VerdictMemory {
    basis: String,
    max_age: Duration,
    known: BTreeMap<String, Remembered>,
    is_recalled: bool,
    is_outdated: bool,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    basis: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    key: String,
    state: String,
    method: String,
    #[serde(with = "time::serde::rfc3339")]
    checked_at: OffsetDateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl VerdictMemory {
    /// Reads the file; one that is not there yet is empty. `basis` stands for all that verdicts rest on. What is known is only
    /// kept for others where it is not `is_recalled`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is something else.
    pub fn load(path: &Path, basis: &str, max_age: Duration, is_recalled: bool) -> Result<Self, MemoryError> {
        let known = BTreeMap::new();
        let mut memory = Self { basis: basis.to_owned(), max_age, known, is_recalled, is_outdated: false };
        let damaged = |line: usize| MemoryError::Damaged { path: path.to_owned(), line };
        let text = match fs_err::metadata(path) {
            Ok(file) if file.len() > MAX_BYTES => return Err(damaged(1)),
            Ok(_) => fs_err::read(path).map_err(MemoryError::Read)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(memory),
            Err(error) => return Err(MemoryError::Read(error)),
        };
        let mut lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        let Some((_, head)) = lines.next() else { return Ok(memory) };
        let head: Head = serde_json::from_slice(head).map_err(|_| damaged(1))?;
        if head.format != FORMAT {
            return Err(damaged(1));
        }
        if head.basis != basis {
            memory.is_outdated = true;
            return Ok(memory);
        }
        for (index, line) in lines {
            let verdict: Remembered = serde_json::from_slice(line).map_err(|_| damaged(index + 1))?;
            memory.known.insert(verdict.key.clone(), verdict);
        }
        Ok(memory)
    }

    /// Whether the file rests on something else, and is not used.
    pub fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// What was said of a finding, if that is not too long ago.
    pub(super) fn verdict(&self, finding: &Finding, now: OffsetDateTime) -> Option<Liveness> {
        let known = self.known.get(&key_of(finding)).filter(|known| self.is_recalled && self.is_fresh(known, now))?;
        known.to_liveness()
    }

    /// Writes what is known of the findings now, and what was known before and is not too old.
    pub fn write(mut self, findings: &[Finding], now: OffsetDateTime, out: &mut impl Write) -> io::Result<()> {
        for finding in findings {
            if let Some(verdict) = Remembered::of(finding) {
                self.known.insert(verdict.key.clone(), verdict);
            }
        }
        let head = Head { format: FORMAT.to_owned(), basis: self.basis.clone() };
        writeln!(out, "{}", serde_json::to_string(&head)?)?;
        for verdict in self.known.values().filter(|verdict| self.is_fresh(verdict, now)) {
            writeln!(out, "{}", serde_json::to_string(verdict)?)?;
        }
        Ok(())
    }

    fn is_fresh(&self, verdict: &Remembered, now: OffsetDateTime) -> bool {
        // What was said in the future was said by another clock.
        Duration::try_from(now - verdict.checked_at).is_ok_and(|age| age < self.max_age)
    }
}

impl Remembered {
    /// What an issuer has decided; nothing else is worth keeping.
    fn of(finding: &Finding) -> Option<Self> {
        let Liveness { state, reason, method, host, checked_at, identity } = &finding.liveness;
        let is_decided = matches!(state, LivenessState::Live | LivenessState::LiveRestricted | LivenessState::Dead);
        let identity = identity.as_deref().cloned().unwrap_or_default();
        Some(Self {
            key: key_of(finding),
            state: state.as_str().to_owned(),
            method: method.filter(|method| is_decided && METHODS.contains(method))?.to_owned(),
            checked_at: checked_at.filter(|_| host.is_some())?,
            reason: reason.clone(),
            host: host.clone(),
            account: identity.account,
            scopes: identity.scopes,
            expires: identity.expires,
        })
    }

    fn to_liveness(&self) -> Option<Liveness> {
        let identity =
            Identity { account: self.account.clone(), scopes: self.scopes.clone(), expires: self.expires.clone() };
        Some(Liveness {
            state: LivenessState::from_word(&self.state)?,
            reason: self.reason.clone(),
            method: Some(METHODS.into_iter().find(|method| *method == self.method)?),
            host: self.host.clone(),
            checked_at: Some(self.checked_at),
            identity: (identity != Identity::default()).then(|| Box::new(identity)),
        })
    }
}

/// Stands for a secret and for all that decides whom it is taken to: its rule and its parts.
fn key_of(finding: &Finding) -> String {
    let mut parts: Vec<String> = finding
        .parts
        .iter()
        .map(|part| match &part.value {
            PartValue::Public(value) => format!("{}={value}", part.name),
            PartValue::Finding(id) => format!("{}:{id}", part.name),
        })
        .collect();
    parts.sort_unstable();
    let mut digest = Sha256::new_with_prefix(format!("{}\0{}\0{}", finding.id, finding.rule, finding.provider));
    for part in parts {
        digest.update([0]);
        digest.update(part);
    }
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Kind, Part};
    use crate::issuer::tests::finding;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).expect("a time")
    }

    fn judged(value: &str, state: LivenessState, method: &'static str) -> Finding {
        let mut finding = finding(Kind::ApiKey, value, &[("tenant", "acme")]);
        finding.liveness = Liveness {
            state,
            reason: Some("because".to_owned()),
            method: Some(method),
            host: Some("api.example".to_owned()),
            checked_at: Some(at(1000)),
            identity: Some(Box::new(Identity { account: Some("acme".to_owned()), ..Identity::default() })),
        };
        finding
    }

    fn load(text: &str, basis: &str) -> Result<VerdictMemory, MemoryError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs_err::write(file.path(), text).expect("written");
        VerdictMemory::load(file.path(), basis, HOUR, true)
    }

    #[test]
    fn what_was_decided_is_remembered_for_its_time() {
        let findings = [
            judged("the first value", LivenessState::Live, provider::METHOD),
            judged("the second value", LivenessState::Dead, introspection::METHOD),
            judged("the third value", LivenessState::Unknown, introspection::METHOD),
            judged("the fourth value", LivenessState::Dead, "jwt-expiry"),
        ];
        let mut text = Vec::new();
        let empty = load("", "basis").expect("an empty memory");
        empty.write(&findings, at(1001), &mut text).expect("written");
        let text = String::from_utf8(text).expect("text");
        assert!(!findings.iter().any(|finding| text.contains(finding.secret.expose_str().expect("text"))), "{text}");
        let memory = load(&text, "basis").expect("what was written");
        let known: Vec<bool> = findings.iter().map(|finding| memory.verdict(finding, at(1500)).is_some()).collect();
        assert_eq!(known, [true, true, false, false]);
        assert_eq!(memory.verdict(&findings[0], at(1500)).as_ref(), Some(&findings[0].liveness));
        assert!(memory.verdict(&findings[0], at(1000 + 3600)).is_none(), "too old");
        assert!(memory.verdict(&findings[0], at(999)).is_none(), "from the future");
        let mut elsewhere = judged("the first value", LivenessState::Live, provider::METHOD);
        elsewhere.parts = vec![Part::public("tenant", "another")];
        assert!(memory.verdict(&elsewhere, at(1500)).is_none(), "another place to ask at");

        let other = load(&text, "another basis").expect("readable");
        assert!(other.is_outdated() && other.verdict(&findings[0], at(1500)).is_none());
    }

    #[test]
    fn damage_is_told_by_its_line() {
        let head = format!("{{\"format\":\"{FORMAT}\",\"basis\":\"basis\"}}\n");
        for (text, line) in [
            ("nonsense".to_owned(), 1),
            ("{\"format\":\"another\",\"basis\":\"basis\"}\n".to_owned(), 1),
            (format!("{head}\n{{\"key\":1}}\n"), 3),
            (format!("{head}{{\"key\":\"a\",\"state\":\"live\""), 2),
        ] {
            let error = load(&text, "basis").err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(&format!("line {line} is not a verdict")), "{text}: {error}");
        }
        assert!(load(&head, "basis").is_ok());
    }
}
