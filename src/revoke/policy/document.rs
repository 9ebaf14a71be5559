//! `[policy]` as it is written. Everything is checked while it is read, so that the reader of the configuration can tell file,
//! line and column of what is wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::de::{self, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, de::IntoDeserializer};

use super::{Policy, PolicyAction, PolicyRule, SourceKind};
use crate::finding::{Confidence, Fingerprint, Kind, LivenessState};
use crate::rules::BlastRadius;

/// The section `[policy]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnvalidatedPolicy {
    halt: bool,
    default: DefaultAction,
    protect: Vec<FindingId>,
    max_per_run: Option<usize>,
    max_per_issuer: Option<usize>,
    max_per_hour: Option<usize>,
    proof_window_seconds: Option<u16>,
    rule: Vec<UnvalidatedRule>,
}

/// Without a rule that says so, nothing runs by itself: `auto` is not among the defaults.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DefaultAction {
    #[default]
    Approve,
    Never,
}

/// One `[[policy.rule]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnvalidatedRule {
    name: Option<String>,
    provider: Option<OneOrMany<String>>,
    kind: Option<OneOrMany<Kind>>,
    issuer: Option<OneOrMany<String>>,
    rule: Option<OneOrMany<String>>,
    min_confidence: Option<Confidence>,
    liveness: Option<OneOrMany<PlannedState>>,
    source: Option<OneOrMany<SourceKind>>,
    reachable: Option<bool>,
    path: Option<OneOrMany<PathGlob>>,
    account: Option<OneOrMany<AccountGlob>>,
    min_age_days: Option<u32>,
    max_age_days: Option<u32>,
    max_blast_radius: Option<BlastRadius>,
    action: PolicyAction,
}

/// The liveness that a planned finding can have: `dead` is none of them.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlannedState {
    Live,
    LiveRestricted,
    Unknown,
    NotChecked,
}

/// One value, or a list that is not empty: an empty one would match nothing, which is hardly what its author means.
struct OneOrMany<T>(Vec<T>);

/// A finding's id.
struct FindingId(Fingerprint);

/// A glob over paths; `*` does not cross a `/`.
struct PathGlob(Glob);

/// A glob over the names of accounts.
struct AccountGlob(Glob);

impl TryFrom<UnvalidatedPolicy> for Policy {
    type Error = globset::Error;

    fn try_from(written: UnvalidatedPolicy) -> Result<Self, Self::Error> {
        let without = Self::default();
        Ok(Self {
            halt: written.halt,
            default: match written.default {
                DefaultAction::Approve => PolicyAction::Approve,
                DefaultAction::Never => PolicyAction::Never,
            },
            protect: written.protect.into_iter().map(|id| id.0).collect(),
            max_per_run: written.max_per_run.unwrap_or(without.max_per_run),
            max_per_issuer: written.max_per_issuer.unwrap_or(without.max_per_issuer),
            max_per_hour: written.max_per_hour.unwrap_or(without.max_per_hour),
            proof_window: written
                .proof_window_seconds
                .map_or(without.proof_window, |seconds| Duration::from_secs(seconds.into())),
            rules: written
                .rule
                .into_iter()
                .zip(1..)
                .map(|(rule, number)| rule.validate(number))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl UnvalidatedRule {
    fn validate(self, number: usize) -> Result<PolicyRule, globset::Error> {
        Ok(PolicyRule {
            label: match self.name {
                Some(name) => format!("rule {number} `{name}`"),
                None => format!("rule {number}"),
            },
            providers: self.provider.map(set),
            kinds: self.kind.map(set),
            issuers: self.issuer.map(set),
            rules: self.rule.map(set),
            min_confidence: self.min_confidence,
            liveness: self.liveness.map(|states| states.0.into_iter().map(LivenessState::from).collect()),
            sources: self.source.map(set),
            reachable: self.reachable,
            paths: self.path.map(|globs| glob_set(globs.0.into_iter().map(|glob| glob.0))).transpose()?,
            accounts: self.account.map(|globs| glob_set(globs.0.into_iter().map(|glob| glob.0))).transpose()?,
            min_age_days: self.min_age_days,
            max_age_days: self.max_age_days,
            max_blast_radius: self.max_blast_radius,
            action: self.action,
        })
    }
}

fn glob_set(globs: impl Iterator<Item = Glob>) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(glob);
    }
    set.build()
}

fn set<T: Ord>(values: OneOrMany<T>) -> BTreeSet<T> {
    values.0.into_iter().collect()
}

impl From<PlannedState> for LivenessState {
    fn from(state: PlannedState) -> Self {
        match state {
            PlannedState::Live => Self::Live,
            PlannedState::LiveRestricted => Self::LiveRestricted,
            PlannedState::Unknown => Self::Unknown,
            PlannedState::NotChecked => Self::NotChecked,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(|value| OneOrMany(vec![value]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let values = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                if values.is_empty() {
                    return Err(de::Error::custom("an empty list matches nothing"));
                }
                Ok(OneOrMany(values))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fingerprint::parse(&String::deserialize(deserializer)?)
            .map(Self)
            .ok_or_else(|| de::Error::custom("the id of a finding is `rsc1_` and 32 hexadecimal digits"))
    }
}

impl<'de> Deserialize<'de> for PathGlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        glob(&String::deserialize(deserializer)?, true).map(Self)
    }
}

impl<'de> Deserialize<'de> for AccountGlob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        glob(&String::deserialize(deserializer)?, false).map(Self)
    }
}

fn glob<E: de::Error>(text: &str, has_separators: bool) -> Result<Glob, E> {
    let glob = GlobBuilder::new(text).literal_separator(has_separators).build();
    glob.map_err(|error| E::custom(format!("bad glob: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a policy and the line that it points to.
    #[track_caller]
    fn check(policy: &str, line: usize, expected: &str) {
        let error = toml::from_str::<Policy>(policy).expect_err(policy);
        let start = error.span().expect("points into the text").start;
        assert_eq!(policy[..start].matches('\n').count() + 1, line, "{error}");
        assert!(error.message().starts_with(expected), "{}", error.message());
    }

    #[test]
    fn errors_point_to_what_is_wrong() {
        check("max_per_rum = 3", 1, "unknown field `max_per_rum`, expected one of `halt`, `default`");
        check("max_per_run = -1", 1, "invalid value: integer `-1`, expected usize");
        check("max_per_hour = -1", 1, "invalid value: integer `-1`, expected usize");
        check("[[rule]]\nmin_age_days = \"30\"\naction = \"auto\"", 2, "invalid type: string \"30\", expected u32");
        check("halt = \"yes\"", 1, "invalid type: string \"yes\", expected a boolean");
        check("halt = true\ndefault = \"auto\"", 2, "unknown variant `auto`, expected `approve` or `never`");
        check("[[rule]]\nkind = \"jwt\"", 1, "missing field `action`");
        check("[[rule]]\naction = \"auto\"\n[[rule]]\nissuers = []", 4, "unknown field `issuers`, expected one of");
        check("[[rule]]\naction = \"autO\"", 2, "unknown variant `autO`, expected one of `auto`, `approve`, `never`");
        check("[[rule]]\nkind = []\naction = \"auto\"", 2, "an empty list matches nothing");
        check("[[rule]]\nkind = [\"jwt\", \"jwe\"]\naction = \"auto\"", 2, "unknown variant `jwe`");
        check("[[rule]]\npath = \"a[\"\naction = \"auto\"", 2, "bad glob: unclosed character class");
        check("protect = [\"rsc1_12\"]", 1, "the id of a finding is");
    }
}
