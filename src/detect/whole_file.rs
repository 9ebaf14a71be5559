//! Files that rules look for by their paths alone: what leaked is the file, whatever it holds.
//!
//! Detection knows no path. It tells which names can be meant at all, and makes candidates of the identity of a content; whoever
//! knows the path leaves out what the rule does not name.

use std::sync::Arc;

use regex::bytes::RegexSet;

use super::{Candidate, Detector};
use crate::finding::{Fingerprint, Fingerprinter, Kind};
use crate::rules::{self, Matcher, Rule, RuleSet};
use crate::secret::Secret;

/// The rules that look for files.
#[derive(Default)]
pub(super) struct FileRules {
    rules: Vec<Arc<Rule>>,
    /// What the last names of the paths must match that can be meant; any name if there is nothing here.
    names: Option<RegexSet>,
}

impl FileRules {
    pub(super) fn of(set: &RuleSet) -> Self {
        let rules: Vec<Arc<Rule>> =
            set.rules.iter().filter(|rule| matches!(rule.matcher, Matcher::File)).map(Arc::clone).collect();
        let paths = |rule: &Arc<Rule>| rule.borrowed.as_ref().and_then(|borrowed| borrowed.paths.first()).cloned();
        let names: Option<Vec<String>> =
            rules.iter().map(|rule| rules::pattern_of_last_name(paths(rule)?.as_str())).collect();
        let names = names.and_then(|names| rules::compile_set(&names).ok());
        Self { rules, names }
    }
}

impl Detector {
    /// Whether any rule looks for files by their paths.
    pub fn looks_for_files(&self) -> bool {
        !self.files.rules.is_empty()
    }

    /// Whether a rule may look for a file whose path ends with that name. Without knowing the rest of the path, some are told that
    /// no rule looks for.
    pub fn may_look_for_file(&self, name: &[u8]) -> bool {
        self.looks_for_files() && self.files.names.as_ref().is_none_or(|names| names.is_match(name))
    }

    /// Whether a rule looks for a file that goes by these names.
    pub fn looks_for_file<'a>(&self, names: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
        self.files.rules.iter().any(|rule| rule.looks_at(names.clone()))
    }

    /// Takes in the content of a file, for [`Detector::files`].
    pub fn file_fingerprint(&self) -> Fingerprinter {
        self.key.start(Kind::File)
    }

    /// What a file is found as, given the fingerprint of its content: once for each rule that may look for it.
    pub fn files(&self, id: Fingerprint) -> impl Iterator<Item = Candidate> {
        self.files.rules.iter().map(move |rule| Candidate {
            rule: Arc::clone(rule),
            id,
            kind: rule.kind,
            confidence: rule.confidence,
            severity: rule.severity,
            // The content may be of any size, and nothing is ever sent of it.
            secret: Secret::new([]),
            span: 0..0,
            companions: Vec::new(),
            names: Vec::new(),
            token: None,
            is_allowed: false,
            agreeing: Vec::new(),
        })
    }
}
