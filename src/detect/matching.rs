//! From anchors to matches: runs each kind of rule at its anchors and judges what it finds.

use std::borrow::Cow;
use std::ops::Range;

use super::assignment::{self, Assignment, Quote};
use super::filter::{self, Filter};
use super::key::Key;
use super::overlap::Rank;
use super::prefilter::{Hit, Owner};
use super::{Detector, Refusal, boundary, jwk, jwt, pattern, shape, value};
use crate::finding::{Confidence, Kind, Severity, TokenFacts};
use crate::rules::{Matcher, Rule, Scanner};
use crate::secret::Secret;

/// A value that a rule found and no filter refused.
pub(super) struct Match {
    /// The rule, by its place in the rule set.
    pub(super) rule: usize,
    pub(super) kind: Kind,
    pub(super) confidence: Confidence,
    pub(super) severity: Severity,
    pub(super) secret: Secret,
    pub(super) span: Range<usize>,
    pub(super) token: Option<TokenFacts>,
    /// The words before those that make its key a secret's: what it belongs to.
    pub(super) stem: Vec<String>,
    rank: Rank,
}

/// A name in its context outweighs the same name alone, but not a longer one.
const OF_CONTEXT: usize = 2;

/// Proof by a pattern outweighs any name.
const OF_PATTERN: usize = 1000;

/// What was decoded outweighs what only looks right, unless the name of its key tells what it is for.
const OF_SCANNER: usize = 2000;

impl Match {
    pub(super) fn rank(&self) -> Rank {
        self.rank
    }
}

/// A value before it is judged.
struct Raw<'a> {
    span: Range<usize>,
    value: Cow<'a, [u8]>,
    /// Whether only its place tells it to be a secret.
    is_assigned: bool,
    /// Whether it cannot be an expression of a program.
    is_literal: bool,
    stem: Vec<String>,
    specificity: usize,
}

impl Detector {
    /// Every match around the anchors, also those of several rules for the same bytes.
    pub(super) fn matches(&self, bytes: &[u8], mut hits: Vec<Hit>, refuse: &mut dyn FnMut(Refusal)) -> Vec<Match> {
        hits.sort_unstable_by_key(|hit| (hit.owner, hit.start));
        let mut matches = Vec::new();
        for group in hits.chunk_by(|a, b| a.owner == b.owner) {
            let Some(owner) = group.first().map(|hit| hit.owner) else { continue };
            match owner {
                Owner::Pattern(rule) => self.match_pattern(bytes, rule, group, &mut matches, refuse),
                Owner::Scanner(rule, Scanner::Jwt) => self.match_jwt(bytes, rule, group, &mut matches, refuse),
                Owner::Scanner(rule, Scanner::Jwk) => self.match_jwk(bytes, rule, group, &mut matches, refuse),
                Owner::Assignment => self.match_assignments(bytes, group, &mut matches, refuse),
            }
        }
        matches
    }

    fn match_pattern(
        &self,
        bytes: &[u8],
        index: usize,
        hits: &[Hit],
        matches: &mut Vec<Match>,
        refuse: &mut dyn FnMut(Refusal),
    ) {
        let (Some(rule), Some(regex)) = (self.rules.rules.get(index), self.pattern(index)) else { return };
        // Where nothing before the anchor belongs to the window, the anchor begins the value.
        let begins_value = rule.window.before == 0;
        let hits = hits.iter().filter(|hit| !begins_value || boundary::starts_value(bytes, hit.start));
        let anchors: Vec<usize> = hits.map(|hit| hit.start).collect();
        for found in pattern::find(regex, bytes, &anchors, rule.window) {
            let Some(raw) = bytes.get(found.secret.clone()) else { continue };
            let value = if raw.contains(&b'\\') { value::unescaped(raw) } else { Cow::Borrowed(raw) };
            let stem =
                assignment::key_before(bytes, found.secret.start).map(|key| key.words().to_vec()).unwrap_or_default();
            let raw =
                Raw { span: found.secret, value, is_assigned: false, is_literal: true, stem, specificity: OF_PATTERN };
            keep(index, rule, raw, matches, refuse);
        }
    }

    fn match_jwt(
        &self,
        bytes: &[u8],
        index: usize,
        hits: &[Hit],
        matches: &mut Vec<Match>,
        refuse: &mut dyn FnMut(Refusal),
    ) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let mut scanner = jwt::Scanner::default();
        let mut end = 0;
        for hit in hits {
            if hit.start < end {
                continue;
            }
            let Some(span) = scanner.span(bytes, hit.start) else { continue };
            let Some(text) = bytes.get(span.clone()) else { continue };
            let (text, span) = jwt::trimmed(text, span);
            let stem = assignment::key_before(bytes, span.start).map(|key| key.words().to_vec()).unwrap_or_default();
            let raw = Raw {
                span: span.clone(),
                value: Cow::Borrowed(text),
                is_assigned: false,
                is_literal: true,
                stem,
                specificity: OF_SCANNER,
            };
            if keep(index, rule, raw, matches, refuse) {
                end = span.end;
            }
        }
    }

    fn match_jwk(
        &self,
        bytes: &[u8],
        index: usize,
        hits: &[Hit],
        matches: &mut Vec<Match>,
        refuse: &mut dyn FnMut(Refusal),
    ) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let mut end = 0;
        for hit in hits {
            if hit.start < end {
                continue;
            }
            let Some((object, private)) = jwk::private_member(bytes, hit.start) else { continue };
            end = object.end;
            let Some(text) = bytes.get(private.clone()) else { continue };
            let raw = Raw {
                span: private,
                value: Cow::Borrowed(text),
                is_assigned: false,
                is_literal: true,
                stem: Vec::new(),
                specificity: OF_SCANNER,
            };
            keep(index, rule, raw, matches, refuse);
        }
    }

    fn match_assignments(&self, bytes: &[u8], hits: &[Hit], matches: &mut Vec<Match>, refuse: &mut dyn FnMut(Refusal)) {
        let mut name_end = 0;
        for hit in hits {
            // A name may hold several of the words: it is read once.
            if hit.start < name_end {
                continue;
            }
            let Some(assignment) = assignment::at(bytes, hit.start..hit.end) else { continue };
            name_end = assignment.key_span.end;
            for index in &self.key_rules {
                let Some(rule) = self.rules.rules.get(*index) else { continue };
                let Matcher::Keys(keys) = &rule.matcher else { continue };
                let Some((stem, specificity)) = longest_key(&assignment.key, keys) else { continue };
                let value = value::of_assignment(bytes, &assignment);
                // What asks for more than a name knows more than a name.
                let specificity = specificity + if rule.near.is_empty() { 0 } else { OF_CONTEXT };
                let is_whole =
                    |regex: &regex::bytes::Regex| regex.find(&value).is_some_and(|found| found.len() == value.len());
                if rule.shape.pattern.is_some() && !self.pattern(*index).is_some_and(is_whole) {
                    continue;
                }
                if !is_near(bytes, rule, &assignment) {
                    continue;
                }
                let raw = Raw {
                    span: assignment.span.clone(),
                    value,
                    is_assigned: true,
                    is_literal: assignment.quote != Quote::None,
                    stem: assignment.key.stem(stem).to_vec(),
                    specificity,
                };
                keep(*index, rule, raw, matches, refuse);
            }
        }
    }
}

/// The longest of the rule's keys that the name ends with: the words before it, and how long it is.
fn longest_key(name: &Key, keys: &[Vec<String>]) -> Option<(usize, usize)> {
    keys.iter()
        .filter_map(|key| name.ends_with(key).map(|stem| (stem, key.iter().map(String::len).sum())))
        .max_by_key(|(_, length)| *length)
}

/// Whether one of the words that the rule asks for stands in the window of the name.
fn is_near(bytes: &[u8], rule: &Rule, assignment: &Assignment) -> bool {
    if rule.near.is_empty() {
        return true;
    }
    let start = assignment.key_span.start.saturating_sub(rule.window.before);
    let end = assignment.key_span.start.saturating_add(rule.window.after).min(bytes.len());
    let around = bytes.get(start..end).unwrap_or_default().to_ascii_lowercase();
    rule.near.iter().any(|word| memchr::memmem::find(&around, word.as_bytes()).is_some())
}

/// Judges a value, and keeps the match or tells what refused it. Gives whether it was kept.
fn keep(index: usize, rule: &Rule, raw: Raw<'_>, matches: &mut Vec<Match>, refuse: &mut dyn FnMut(Refusal)) -> bool {
    match judge(rule, &raw) {
        Ok((confidence, token)) => {
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
            matches.push(Match {
                rule: index,
                kind,
                confidence,
                severity,
                secret: Secret::new(raw.value.into_owned()),
                rank: Rank { is_of_provider: rule.provider != "generic", specificity, length: raw.span.len() },
                span: raw.span,
                token: facts,
                stem: raw.stem,
            });
            true
        }
        Err(filter) => {
            refuse(Refusal { rule: rule.id.clone(), span: raw.span, filter });
            false
        }
    }
}

fn judge(rule: &Rule, raw: &Raw<'_>) -> Result<(Confidence, Option<jwt::Token>), Filter> {
    let value: &[u8] = &raw.value;
    let is_jwt_rule = matches!(rule.matcher, Matcher::Scanner(Scanner::Jwt));
    let token = if is_jwt_rule || value.starts_with(b"ey") { jwt::decode(value) } else { None };
    if token.as_ref().is_some_and(|token| token.is_sample) {
        return Err(Filter::Published);
    }
    let confidence = shape::check(&rule.shape, value, rule.confidence)?;
    if is_jwt_rule {
        let token = token.ok_or(Filter::Structure)?;
        if filter::is_published(value) {
            return Err(Filter::Published);
        }
        let confidence = if token.is_encrypted { confidence.min(Confidence::Medium) } else { confidence };
        return Ok((confidence, Some(token)));
    }
    // A pattern that belongs to no provider proves a place, not a value.
    let is_assigned = raw.is_assigned || rule.provider == "generic";
    let refused = if is_assigned { filter::assigned(value, raw.is_literal) } else { filter::token(value) };
    match refused {
        Some(filter) => Err(filter),
        None => Ok((confidence, token)),
    }
}
