//! Answers as vendors document them: what a request must make of each.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Answer, Check, Ending, Place, Taken};
use crate::finding::LivenessState;

/// An answer as the vendor documents it, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerExample {
    /// HTTP status.
    pub status: u16,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// Headers that are looked at.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What it means.
    pub state: Meaning,
    /// Whose the credential is.
    pub account: Option<String>,
    /// What it may do.
    pub scopes: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
    /// All that is taken of it. Where the credential stands in a list, the body has `{secret}`.
    pub take: Option<BTreeMap<String, String>>,
}

/// What an [`AnswerExample`] means: of a check or of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of reports")]
pub enum Meaning {
    Live,
    #[serde(alias = "restricted")]
    LiveRestricted,
    Dead,
    Accepted,
    Refused,
    Unknown,
}

impl AnswerExample {
    pub(super) fn judged<T>(&self, judge: impl FnOnce(&Answer<'_>) -> T) -> T {
        let json = serde_json::from_str(&self.body).ok();
        judge(&Answer { status: self.status, body: self.body.as_bytes(), json })
    }

    pub(super) fn state_by(&self, check: &Check) -> Meaning {
        self.judged(|answer| match check.judge(answer).map(|(state, _)| state) {
            Some(LivenessState::Live) => Meaning::Live,
            Some(LivenessState::LiveRestricted) => Meaning::LiveRestricted,
            Some(LivenessState::Dead) => Meaning::Dead,
            Some(LivenessState::Unknown | LivenessState::NotChecked) | None => Meaning::Unknown,
        })
    }

    pub(super) fn ending_by(&self, ending: &Ending) -> Meaning {
        self.judged(|answer| match ending.judge(answer) {
            Some(true) => Meaning::Accepted,
            Some(false) => Meaning::Refused,
            None => Meaning::Unknown,
        })
    }

    pub(super) fn read(&self, place: Option<&Place>) -> Option<String> {
        self.judged(|answer| place?.read(answer, |name| self.header(name)))
    }

    /// What is taken of it; `{secret}` stands for the credential.
    pub(super) fn taken_by(&self, check: &Check) -> BTreeMap<String, String> {
        let read = |answer: &Answer<'_>, taken: &Taken| taken.read(answer, b"{secret}", |name| self.header(name)).ok();
        self.judged(|answer| {
            let taken = check.take.iter().filter_map(|(name, taken)| Some((name.clone(), read(answer, taken)?)));
            taken.collect()
        })
    }

    fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        headers.next().map(|(_, value)| value.clone())
    }
}
