//! Detection: bytes in, candidates out.
//!
//! Pure and total: no I/O, no clock, no failure. The same bytes give the same candidates whatever the source, so nothing
//! here knows a path. A match is a function of a bounded window around its anchor.

use std::ops::Range;
use std::sync::Arc;

use crate::finding::{Confidence, Fingerprint, FingerprintKey, Kind, Part, Severity, TokenFacts};
use crate::rules::{Rule, RuleSet};
use crate::secret::Secret;

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

/// Finds credentials in bytes. One for a whole run, shared between threads.
pub struct Detector {
    _rules: Arc<RuleSet>,
    _key: FingerprintKey,
}

impl Detector {
    /// A detector for a set of rules. Cheap: patterns are compiled when their anchor is first seen.
    pub fn new(rules: Arc<RuleSet>, key: FingerprintKey) -> Self {
        Self { _rules: rules, _key: key }
    }

    /// Every candidate in `bytes`, in the order of their spans.
    pub fn detect(&self, _bytes: &[u8]) -> Vec<Candidate> {
        Vec::new()
    }
}
