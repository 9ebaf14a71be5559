//! Detection: bytes in, candidates out.
//!
//! Pure and total: no I/O, no clock, no failure. The same bytes give the same candidates whatever the source, so nothing
//! here knows a path. A match is a function of a bounded window around its anchor.
//!
//! The way of the bytes: `prefilter` finds anchors; `pattern`, `assignment` and `jwt` find values around them; `shape` and
//! `filter` judge the values; `overlap` leaves one match for the same bytes; `pairing` looks for what belongs to them.

mod assignment;
mod block;
mod boundary;
mod examples;
mod filter;
mod judge;
mod jwk;
mod jwt;
mod key;
mod matching;
mod nearby;
mod overlap;
mod pairing;
mod pattern;
mod prefilter;
mod randomness;
mod shape;
mod value;
mod words;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::bytes::Regex;

use crate::finding::{Confidence, Fingerprint, FingerprintKey, Kind, Part, Severity, TokenFacts};
use crate::rules::{self, Matcher, Rule, RuleSet};
use crate::secret::Secret;
use judge::{Judge, Match};
use key::KeyIndex;
use pairing::Pairing;
use prefilter::Prefilter;

pub use examples::{ExampleFailure, check_examples};
pub use filter::Filter;

/// A credential found in some bytes.
pub struct Candidate {
    /// The rule that found it.
    pub rule: Arc<Rule>,
    /// Fingerprint of `kind` and the normalised value.
    pub id: Fingerprint,
    /// The rule's kind, or a closer one that the value itself tells (a JWT with `typ: Refresh` is a refresh token).
    pub kind: Kind,
    /// The rule's confidence, changed by what the shape checks found.
    pub confidence: Confidence,
    /// The rule's severity, changed by what the value tells.
    pub severity: Severity,
    /// The normalised value: as its issuer would accept it, escapes undone.
    pub secret: Secret,
    /// Where the value stands in the bytes.
    pub span: Range<usize>,
    /// What was paired with it in the same bytes.
    pub parts: Vec<Part>,
    /// What it says about itself, if it is a JWT.
    pub token: Option<TokenFacts>,
}

/// Something that a rule matched and a filter refused. Holds no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Id of the rule.
    pub rule: String,
    /// Where the value stands.
    pub span: Range<usize>,
    /// What refused it.
    pub filter: Filter,
}

/// Finds credentials in bytes. One for a whole run, shared between threads.
pub struct Detector {
    rules: Arc<RuleSet>,
    key: FingerprintKey,
    prefilter: Prefilter,
    /// The pattern of each rule, compiled when its anchor is first seen.
    patterns: Vec<OnceLock<Option<Regex>>>,
    /// The rules that look for the value of a key.
    key_rules: KeyIndex,
    /// Built when the first candidate is found.
    pairing: OnceLock<Pairing>,
}

impl Detector {
    /// A detector for a set of rules. Cheap: patterns are compiled when their anchor is first seen.
    pub fn new(rules: Arc<RuleSet>, key: FingerprintKey) -> Self {
        let prefilter = Prefilter::new(rules.rules.iter().map(AsRef::as_ref));
        let patterns = rules.rules.iter().map(|_| OnceLock::new()).collect();
        let mut key_rules = KeyIndex::default();
        for (index, rule) in rules.rules.iter().enumerate() {
            if let Matcher::Keys(keys) = &rule.matcher {
                key_rules.insert(index, keys);
            }
        }
        Self { rules, key, prefilter, patterns, key_rules, pairing: OnceLock::new() }
    }

    /// Every candidate in `bytes`, in the order of their spans.
    pub fn detect(&self, bytes: &[u8]) -> Vec<Candidate> {
        self.find(bytes, &mut |_| {})
    }

    /// As [`Detector::detect`], and also what the filters refused.
    pub fn explain(&self, bytes: &[u8]) -> (Vec<Candidate>, Vec<Refusal>) {
        let mut refusals = Vec::new();
        let candidates = self.find(bytes, &mut |refusal| refusals.push(refusal));
        (candidates, refusals)
    }

    /// How far from its start bytes have a say in a candidate, before and after.
    ///
    /// A match is a function of its rule's window, or of what the longest token, key or assignment spans. What is paired with it
    /// stands within the reach of pairing behind its end, and is a match too. The same bytes may be claimed by another match, and
    /// some of those by a third: each is as long, and has a window of its own.
    pub fn reach(&self) -> usize {
        let windows = self.rules.rules.iter().map(|rule| rule.window.before.max(rule.window.after));
        let longest = windows.chain([jwt::LONGEST, jwk::LONGEST, assignment::REACH, value::OBJECT_REACH]).max();
        longest.unwrap_or_default().saturating_mul(4).saturating_add(pairing::REACH)
    }

    /// The rules of this detector.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    fn find(&self, bytes: &[u8], refuse: &mut dyn FnMut(Refusal)) -> Vec<Candidate> {
        let hits = self.prefilter.hits(bytes);
        if hits.is_empty() {
            return Vec::new();
        }
        let mut judge = Judge::new(refuse);
        self.match_rules(bytes, hits, &mut judge);
        if judge.matches.is_empty() {
            return Vec::new();
        }
        let matches = overlap::best(judge.matches, |found| found.span.clone(), Match::rank);
        let ids: Vec<Fingerprint> =
            matches.iter().map(|found| Fingerprint::of(&self.key, found.kind, found.secret.expose())).collect();
        let pairing = self.pairing.get_or_init(|| Pairing::new(&self.rules));
        let parts = pairing.parts(bytes, &self.rules, &matches, &ids);
        let candidate = |((found, id), parts): ((Match, Fingerprint), Vec<Part>)| {
            let rule = Arc::clone(self.rules.rules.get(found.rule)?);
            Some(Candidate {
                rule,
                id,
                kind: found.kind,
                confidence: found.confidence,
                severity: found.severity,
                secret: found.secret,
                span: found.span,
                parts,
                token: found.token,
            })
        };
        matches.into_iter().zip(ids).zip(parts).filter_map(candidate).collect()
    }

    /// The pattern of a rule. A pattern that does not compile finds nothing: [`RuleSet`] has refused it before.
    fn pattern(&self, rule: usize) -> Option<&Regex> {
        let compile = || {
            let rule = self.rules.rules.get(rule)?;
            let pattern =
                if let Matcher::Pattern(pattern) = &rule.matcher { Some(pattern) } else { rule.shape.pattern.as_ref() };
            rules::compile(pattern?).ok()
        };
        self.patterns.get(rule)?.get_or_init(compile).as_ref()
    }
}

#[cfg(test)]
mod tests;
