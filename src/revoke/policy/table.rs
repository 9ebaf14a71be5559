//! Reads `[policy]`: every key and word is checked, and an error names it and the nearest valid one.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use thiserror::Error;
use toml::{Table, Value};

use super::{Policy, PolicyAction, PolicyRule, SourceKind};
use crate::finding::{Confidence, Fingerprint, Kind, LivenessState};
use crate::revoke::plan::BlastRadius;

/// Why `[policy]` is not valid. Keys are named as in the file: `policy.rule[2].kind`, counted from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A key that does not exist.
    #[error("unknown key `{key}`{}", did_you_mean(.nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// The valid key that is most like it.
        nearest: Option<&'static str>,
    },
    /// A word outside a key's vocabulary.
    #[error("`{key}` cannot be `{value}`{}; it is one of {}", did_you_mean(.nearest), .allowed.join(", "))]
    UnknownWord {
        /// The key.
        key: String,
        /// What it was set to.
        value: String,
        /// The valid word that is most like it.
        nearest: Option<&'static str>,
        /// All valid words.
        allowed: Vec<&'static str>,
    },
    /// A value of the wrong type.
    #[error("`{key}` must be {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// What it must be, in words.
        expected: &'static str,
    },
    /// A rule that says nothing.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// A glob that does not parse.
    #[error("`{key}` is not a valid glob")]
    Glob {
        /// The key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
}

const POLICY_KEYS: &[&str] = &["default", "halt", "max_per_issuer", "max_per_run", "protect", "rule"];

const RULE_KEYS: &[&str] = &[
    "action",
    "issuer",
    "kind",
    "liveness",
    "max_blast_radius",
    "min_confidence",
    "name",
    "path",
    "provider",
    "reachable",
    "rule",
    "source",
];

const ACTIONS: &[(&str, PolicyAction)] =
    &[("auto", PolicyAction::Auto), ("approve", PolicyAction::Approve), ("never", PolicyAction::Never)];

/// Without a rule that says so, nothing runs by itself: `auto` is not among the defaults.
const DEFAULTS: &[(&str, PolicyAction)] = &[("approve", PolicyAction::Approve), ("never", PolicyAction::Never)];

const KINDS: &[(&str, Kind)] = &[
    ("client_secret", Kind::ClientSecret),
    ("refresh_token", Kind::RefreshToken),
    ("access_token", Kind::AccessToken),
    ("jwt", Kind::Jwt),
    ("api_key", Kind::ApiKey),
    ("signing_key", Kind::SigningKey),
    ("private_key", Kind::PrivateKey),
    ("password", Kind::Password),
    ("registration_token", Kind::RegistrationToken),
    ("session_cookie", Kind::SessionCookie),
    ("webhook_url", Kind::WebhookUrl),
];

const CONFIDENCES: &[(&str, Confidence)] =
    &[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];

const LIVENESS: &[(&str, LivenessState)] = &[
    ("live", LivenessState::Live),
    ("live_restricted", LivenessState::LiveRestricted),
    ("unknown", LivenessState::Unknown),
    ("not_checked", LivenessState::NotChecked),
];

const SOURCES: &[(&str, SourceKind)] = &[
    ("file", SourceKind::File),
    ("git", SourceKind::Git),
    ("staged", SourceKind::Staged),
    ("image", SourceKind::Image),
    ("stdin", SourceKind::Stdin),
];

/// Reads the table that the configuration has under `policy`.
pub(super) fn read(table: &Table) -> Result<Policy, PolicyError> {
    let section = Section { table, name: "policy".to_owned() };
    section.check_keys(POLICY_KEYS)?;
    let without = Policy::default();
    let mut rules = Vec::new();
    for (index, rule) in section.tables("rule")?.into_iter().enumerate() {
        rules.push(read_rule(rule, index + 1)?);
    }
    Ok(Policy {
        halt: section.boolean("halt")?.unwrap_or(without.halt),
        default: section.word("default", DEFAULTS)?.unwrap_or(without.default),
        protect: section.fingerprints("protect")?,
        max_per_run: section.count("max_per_run")?.unwrap_or(without.max_per_run),
        max_per_issuer: section.count("max_per_issuer")?.unwrap_or(without.max_per_issuer),
        rules,
    })
}

fn read_rule(table: &Table, number: usize) -> Result<PolicyRule, PolicyError> {
    let section = Section { table, name: format!("policy.rule[{number}]") };
    section.check_keys(RULE_KEYS)?;
    let label = match section.texts("name")?.and_then(|names| names.into_iter().next()) {
        Some(name) => format!("rule {number} `{name}`"),
        None => format!("rule {number}"),
    };
    Ok(PolicyRule {
        label,
        providers: section.texts("provider")?,
        kinds: section.words("kind", KINDS)?,
        issuers: section.texts("issuer")?,
        rules: section.texts("rule")?,
        min_confidence: section.word("min_confidence", CONFIDENCES)?,
        liveness: section.words("liveness", LIVENESS)?,
        sources: section.words("source", SOURCES)?,
        reachable: section.boolean("reachable")?,
        paths: section.globs("path")?,
        max_blast_radius: section.word("max_blast_radius", BlastRadius::WORDS)?,
        action: section.word("action", ACTIONS)?.ok_or_else(|| PolicyError::Missing { key: section.key("action") })?,
    })
}

/// A table and how its keys are named in errors.
struct Section<'a> {
    table: &'a Table,
    name: String,
}

impl<'a> Section<'a> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn check_keys(&self, known: &'static [&'static str]) -> Result<(), PolicyError> {
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(PolicyError::UnknownKey { key: self.key(key), nearest: most_similar(key, known) }),
            None => Ok(()),
        }
    }

    fn wrong_type<T>(&self, key: &str, expected: &'static str) -> Result<T, PolicyError> {
        Err(PolicyError::WrongType { key: self.key(key), expected })
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, PolicyError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(*value)),
            Some(_) => self.wrong_type(key, "`true` or `false`"),
        }
    }

    fn count(&self, key: &str) -> Result<Option<usize>, PolicyError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => match value.as_integer().and_then(|count| usize::try_from(count).ok()) {
                Some(count) => Ok(Some(count)),
                None => self.wrong_type(key, "a whole number of at least 0"),
            },
        }
    }

    fn tables(&self, key: &str) -> Result<Vec<&'a Table>, PolicyError> {
        let tables = match self.table.get(key) {
            None => Some(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(Value::as_table).collect(),
            Some(_) => None,
        };
        match tables {
            Some(tables) => Ok(tables),
            None => self.wrong_type(key, "a list of tables: `[[policy.rule]]`"),
        }
    }

    /// One text, or a list of them.
    fn texts(&self, key: &str) -> Result<Option<BTreeSet<String>>, PolicyError> {
        let texts = match self.table.get(key) {
            None => return Ok(None),
            Some(Value::String(text)) => Some(BTreeSet::from([text.clone()])),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        match texts {
            // An empty list would match nothing, which is hardly what its author means.
            Some(texts) if !texts.is_empty() => Ok(Some(texts)),
            _ => self.wrong_type(key, "a text or a list of texts, not empty"),
        }
    }

    fn words<T: Copy + Ord>(
        &self,
        key: &str,
        words: &'static [(&'static str, T)],
    ) -> Result<Option<BTreeSet<T>>, PolicyError> {
        let Some(texts) = self.texts(key)? else { return Ok(None) };
        texts.iter().map(|text| self.meaning(key, text, words)).collect::<Result<_, _>>().map(Some)
    }

    fn word<T: Copy>(&self, key: &str, words: &'static [(&'static str, T)]) -> Result<Option<T>, PolicyError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => self.meaning(key, text, words).map(Some),
            Some(_) => self.wrong_type(key, "a text"),
        }
    }

    fn meaning<T: Copy>(&self, key: &str, text: &str, words: &'static [(&'static str, T)]) -> Result<T, PolicyError> {
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let allowed: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
        let nearest = most_similar(text, &allowed);
        Err(PolicyError::UnknownWord { key: self.key(key), value: text.to_owned(), nearest, allowed })
    }

    fn fingerprints(&self, key: &str) -> Result<BTreeSet<Fingerprint>, PolicyError> {
        if self.table.get(key).and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return Ok(BTreeSet::new());
        }
        let texts = self.texts(key)?.unwrap_or_default();
        match texts.iter().map(|text| Fingerprint::parse(text)).collect() {
            Some(ids) => Ok(ids),
            None => self.wrong_type(key, "a list of finding ids, `rsc1_` and 32 hexadecimal digits each"),
        }
    }

    fn globs(&self, key: &str) -> Result<Option<GlobSet>, PolicyError> {
        let Some(texts) = self.texts(key)? else { return Ok(None) };
        let glob_error = |source| PolicyError::Glob { key: self.key(key), source };
        let mut globs = GlobSetBuilder::new();
        for text in &texts {
            globs.add(GlobBuilder::new(text).literal_separator(true).build().map_err(glob_error)?);
        }
        globs.build().map(Some).map_err(glob_error)
    }
}

/// The word that was probably meant.
fn most_similar(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let distance = |word: &&'static str| strsim::damerau_levenshtein(written, word);
    known.iter().copied().min_by_key(distance).filter(|word| distance(word) <= written.len().div_ceil(3))
}

#[expect(clippy::ref_option_ref, reason = "called by the derived `Display`, which has references to the fields")]
fn did_you_mean(word: &Option<&'static str>) -> String {
    word.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &str, expected: &str) {
        let table: Table = policy.parse().expect("TOML");
        let error = read(&table).expect_err(policy);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn errors_name_the_key_and_the_nearest_spelling() {
        check("max_per_rum = 3", "unknown key `policy.max_per_rum`, did you mean `max_per_run`?");
        check("colour = 3", "unknown key `policy.colour`");
        check("max_per_run = -1", "`policy.max_per_run` must be a whole number of at least 0");
        check("halt = \"yes\"", "`policy.halt` must be `true` or `false`");
        check("default = \"auto\"", "`policy.default` cannot be `auto`; it is one of approve, never");
        check("rule = 1", "`policy.rule` must be a list of tables: `[[policy.rule]]`");
        check("[[rule]]\nkind = \"jwt\"", "`policy.rule[1].action` is missing");
        check(
            "[[rule]]\naction = \"auto\"\n[[rule]]\nissuers = []",
            "unknown key `policy.rule[2].issuers`, did you mean `issuer`?",
        );
        check(
            "[[rule]]\naction = \"autO\"",
            "`policy.rule[1].action` cannot be `autO`, did you mean `auto`?; it is one of auto, approve, never",
        );
        check(
            "[[rule]]\nkind = []\naction = \"auto\"",
            "`policy.rule[1].kind` must be a text or a list of texts, not empty",
        );
        check("[[rule]]\npath = \"a[\"\naction = \"auto\"", "`policy.rule[1].path` is not a valid glob");
        check(
            "protect = [\"rsc1_12\"]",
            "`policy.protect` must be a list of finding ids, `rsc1_` and 32 hexadecimal digits each",
        );
    }
}
