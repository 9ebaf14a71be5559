//! Judges the values that rules find, and keeps those that no filter refuses.

use std::borrow::Cow;
use std::ops::Range;

use super::filter::{self, Filter};
use super::overlap::Rank;
use super::{Refusal, jwt, shape};
use crate::finding::{Confidence, Kind, Severity, TokenFacts};
use crate::rules::{Borrowed, Matcher, Rule, Scanner};
use crate::secret::Secret;

/// Proof by a pattern outweighs any name.
pub(super) const OF_PATTERN: usize = 1000;

/// What was decoded outweighs what only looks right, unless the name of its key tells what it is for.
pub(super) const OF_SCANNER: usize = 2000;

/// A value that a rule found and no filter refused.
pub(super) struct Match {
    /// The rule, by its place in the rule set.
    pub(super) rule: usize,
    pub(super) kind: Kind,
    pub(super) confidence: Confidence,
    pub(super) severity: Severity,
    pub(super) secret: Secret,
    pub(super) span: Range<usize>,
    /// All that the rule matched, its name too.
    pub(super) whole: Range<usize>,
    pub(super) token: Option<TokenFacts>,
    /// The words before those that make its key a secret's: what it belongs to.
    pub(super) stem: Vec<String>,
    /// Public parts that the rule's pattern itself holds, by name.
    pub(super) parts: Vec<(String, String)>,
    rank: Rank,
}

impl Match {
    /// Whether more than the name of a key tells what it is.
    pub(super) fn is_proven(&self) -> bool {
        self.rank.is_of_provider || self.rank.specificity >= OF_PATTERN
    }

    /// How much its rule knows about it.
    pub(super) fn rank(&self) -> Rank {
        self.rank
    }
}

/// A value before it is judged.
pub(super) struct Raw<'a> {
    pub(super) span: Range<usize>,
    /// All that the rule matched, its name too.
    pub(super) whole: Range<usize>,
    pub(super) value: Cow<'a, [u8]>,
    /// Whether only its place tells it to be a secret.
    pub(super) is_assigned: bool,
    /// Whether it cannot be an expression of a program.
    pub(super) is_literal: bool,
    pub(super) stem: Vec<String>,
    pub(super) parts: Vec<(String, String)>,
    pub(super) specificity: usize,
}

impl<'a> Raw<'a> {
    /// A value that no program could be, found without a name.
    pub(super) fn literal(span: Range<usize>, value: Cow<'a, [u8]>, specificity: usize) -> Self {
        let (stem, parts) = (Vec::new(), Vec::new());
        Self { whole: span.clone(), span, value, is_assigned: false, is_literal: true, stem, parts, specificity }
    }
}

/// Collects what passes, and tells what does not.
pub(super) struct Judge<'a> {
    pub(super) matches: Vec<Match>,
    refuse: &'a mut dyn FnMut(Refusal),
}

impl<'a> Judge<'a> {
    pub(super) fn new(refuse: &'a mut dyn FnMut(Refusal)) -> Self {
        Self { matches: Vec::new(), refuse }
    }

    /// Tells what refused a value that was not judged.
    pub(super) fn refuse(&mut self, rule: &Rule, span: Range<usize>, filter: Filter) {
        (self.refuse)(Refusal { rule: rule.id.clone(), span, filter });
    }

    /// Takes what was kept, and leaves nothing.
    pub(super) fn take(&mut self) -> Vec<Match> {
        std::mem::take(&mut self.matches)
    }

    /// Keeps the match or tells what refused it. Gives whether it was kept.
    pub(super) fn keep(&mut self, index: usize, rule: &Rule, raw: Raw<'_>) -> bool {
        let (confidence, token) = match judge(rule, &raw) {
            Ok(judged) => judged,
            Err(filter) => {
                self.refuse(rule, raw.span, filter);
                return false;
            }
        };
        let tells_use = raw.is_assigned && rule.kind == Kind::RefreshToken;
        let (kind, severity, facts) = match token {
            Some(token) => {
                let kind = if token.kind == Kind::RefreshToken { token.kind } else { rule.kind };
                let severity = if rule.kind == Kind::Jwt { token.severity } else { rule.severity };
                (kind, severity, Some(token.facts))
            }
            None => (rule.kind, rule.severity, None),
        };
        let specificity = if tells_use { raw.specificity + OF_SCANNER } else { raw.specificity };
        self.matches.push(Match {
            rule: index,
            kind,
            confidence,
            severity,
            secret: Secret::new(raw.value.into_owned()),
            rank: rank(rule, specificity, raw.span.len()),
            span: raw.span,
            whole: raw.whole,
            token: facts,
            stem: raw.stem,
            parts: raw.parts,
        });
        true
    }
}

/// A rule that was written for gitleaks knows no provider, and that of one tells more.
fn rank(rule: &Rule, specificity: usize, length: usize) -> Rank {
    match rule.borrowed.as_deref() {
        None => Rank { is_of_provider: rule.provider != "generic", specificity, length },
        Some(Borrowed { gives_way: true, .. }) => Rank { is_of_provider: false, specificity: 0, length },
        Some(Borrowed { gives_way: false, .. }) => Rank { is_of_provider: false, specificity, length },
    }
}

/// Whether no filter of the rule refuses the value.
pub(super) fn passes(rule: &Rule, raw: &Raw<'_>) -> bool {
    token_behind(rule, raw).is_ok()
}

fn judge(rule: &Rule, raw: &Raw<'_>) -> Result<(Confidence, Option<jwt::Token>), Filter> {
    let token = token_behind(rule, raw)?;
    let confidence = shape::confidence(&rule.shape, &raw.value, rule.confidence);
    let is_encrypted = token.as_ref().is_some_and(|token| token.is_encrypted);
    let is_unsure = is_encrypted && matches!(rule.matcher, Matcher::Scanner(Scanner::Jwt));
    Ok((if is_unsure { confidence.min(Confidence::Medium) } else { confidence }, token))
}

/// The token that the value is, if it is one, or what refuses it.
fn token_behind(rule: &Rule, raw: &Raw<'_>) -> Result<Option<jwt::Token>, Filter> {
    let value: &[u8] = &raw.value;
    let is_jwt_rule = matches!(rule.matcher, Matcher::Scanner(Scanner::Jwt));
    let token = if is_jwt_rule || value.starts_with(b"ey") { jwt::decode(value) } else { None };
    if rule.borrowed.is_some() {
        shape::test(&rule.shape, value)?;
        return if filter::is_published(value) { Err(Filter::Published) } else { Ok(token) };
    }
    if token.as_ref().is_some_and(|token| token.is_sample) {
        return Err(Filter::Published);
    }
    if raw.is_assigned && token.is_none() && jwt::is_header(value) {
        return Err(Filter::Structure);
    }
    shape::test(&rule.shape, value)?;
    if is_jwt_rule {
        let token = token.ok_or(Filter::Structure)?;
        return if filter::is_published(value) { Err(Filter::Published) } else { Ok(Some(token)) };
    }
    if raw.parts.iter().any(|(name, value)| name == "host" && jwt::is_example_issuer(value)) {
        return Err(Filter::Placeholder);
    }
    // A pattern that belongs to no provider proves a place, not a value.
    let is_assigned = raw.is_assigned || rule.provider == "generic";
    let refused = if is_assigned { filter::assigned(value, raw.is_literal) } else { filter::token(value) };
    match refused {
        Some(filter) => Err(filter),
        None => Ok(token),
    }
}
