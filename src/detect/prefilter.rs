//! The prefilter: one pass over the bytes for the anchors of all rules.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::rules::{Matcher, Rule, Scanner};

/// What an anchor was found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A rule with a pattern, by its place in the rule set.
    Pattern(usize),
    /// A rule with a scanner, by its place in the rule set.
    Scanner(usize, Scanner),
    /// All rules that look for the value of a key.
    Assignment,
}

/// An anchor in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) owner: Owner,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Who asked for an anchor, and how exactly it must be spelled if its case matters.
type Claim = (Owner, Option<Box<[u8]>>);

/// Finds anchors.
pub(super) struct Prefilter {
    automaton: AhoCorasick,
    claims: Vec<Vec<Claim>>,
}

impl Prefilter {
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut anchors: BTreeMap<Vec<u8>, Vec<Claim>> = BTreeMap::new();
        for (index, rule) in rules.enumerate() {
            let owner = match rule.matcher {
                Matcher::Pattern(_) => Owner::Pattern(index),
                Matcher::Scanner(scanner) => Owner::Scanner(index, scanner),
                Matcher::Keys(_) => Owner::Assignment,
            };
            for anchor in &rule.anchors {
                let exact = rule.anchors_are_case_sensitive.then(|| anchor.as_bytes().into());
                let owners = anchors.entry(anchor.to_ascii_lowercase().into_bytes()).or_default();
                if !owners.contains(&(owner, exact.clone())) {
                    owners.push((owner, exact));
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(anchors.keys())
            .expect("rule files of two gigabytes would be needed to exceed the automaton's limits");
        Self { automaton, claims: anchors.into_values().collect() }
    }

    /// Every anchor in the bytes, in the order of their ends.
    pub(super) fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for found in self.automaton.find_overlapping_iter(bytes) {
            let Some(claims) = self.claims.get(found.pattern().as_usize()) else { continue };
            for (owner, exact) in claims {
                if exact.as_deref().is_none_or(|exact| bytes.get(found.range()) == Some(exact)) {
                    hits.push(Hit { owner: *owner, start: found.start(), end: found.end() });
                }
            }
        }
        hits
    }
}
