//! From anchors to matches: runs each kind of rule at its anchors.
//!
//! What an anchor gives depends on the bytes in its window alone, and anchors that give nothing leave no trace: the matches are
//! the same whether or not those are among the hits. The one thing that is remembered from hit to hit is what was kept.

use std::borrow::Cow;
use std::ops::Range;

use regex::bytes::Regex;

use super::assignment::{self, Assignment, PlainRun, Quote};
use super::filter::Filter;
use super::judge::{Judge, OF_PATTERN, OF_SCANNER, Raw};
use super::key::{Key, KeyMatch};
use super::pattern::{self, Found};
use super::prefilter::{Hit, Owner};
use super::{Detector, boundary, jwk, jwt, nearby, value};
use crate::rules::{Matcher, Rule, Scanner};

/// A name in its context outweighs the same name alone, but not a longer one.
const OF_CONTEXT: usize = 2;

/// In a kept unquoted value longer than this, nothing is assigned: it is an encoding of something.
const LONGEST_PLAIN: usize = 1024;

/// Words in a name that tell that the value itself is of no use: `encrypted password`.
const SAYS_ENCRYPTED: &[&str] = &["encrypted", "enc", "hashed", "sealed", "masked", "redacted", "crypted"];

impl Detector {
    /// Every match around the anchors, also those of several rules for the same bytes. Where the anchors are crowded, patterns
    /// read the windows that overlap as one.
    pub(super) fn match_rules(&self, bytes: &[u8], mut hits: Vec<Hit>, is_crowded: bool, judge: &mut Judge<'_>) {
        hits.sort_unstable_by_key(|hit| (hit.owner, hit.start));
        for group in hits.chunk_by(|a, b| a.owner == b.owner) {
            let Some(owner) = group.first().map(|hit| hit.owner) else { continue };
            match owner {
                Owner::Pattern(rule) if is_crowded => self.match_joined(bytes, rule, group, judge),
                Owner::Pattern(rule) => self.match_pattern(bytes, rule, group, judge),
                Owner::Scanner(rule, Scanner::Jwt) => self.match_jwt(bytes, rule, group, judge),
                Owner::Scanner(rule, Scanner::Jwk) => self.match_jwk(bytes, rule, group, judge),
                Owner::Assignment => self.match_assignments(bytes, group, judge),
                // What stands within encodings is matched as the bytes that it decodes to.
                Owner::Encoded(_) | Owner::Mark => {}
            }
        }
    }

    /// What the pattern of a rule finds around one anchor.
    pub(super) fn found_at(&self, bytes: &[u8], index: usize, anchor: usize) -> Vec<Found> {
        let (Some(rule), Some(pattern)) = (self.rules.rules.get(index), self.pattern(index)) else { return Vec::new() };
        // Where nothing before the anchor belongs to the window, the anchor begins the value.
        let is_tried = rule.window.before > 0 || boundary::starts_value(bytes, anchor);
        if is_tried { pattern.find(bytes, anchor) } else { Vec::new() }
    }

    fn match_pattern(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let mut end = 0;
        for hit in hits {
            for found in self.found_at(bytes, index, hit.start) {
                // What two anchors stand beside is one match.
                if found.secret.start >= end && keep_found(bytes, index, rule, &found, judge) {
                    end = found.secret.end;
                }
            }
        }
    }

    fn match_joined(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let (Some(rule), Some(regex)) = (self.rules.rules.get(index), self.joined_pattern(index)) else { return };
        let begins_value = rule.window.before == 0;
        let hits = hits.iter().filter(|hit| !begins_value || boundary::starts_value(bytes, hit.start));
        let anchors: Vec<usize> = hits.map(|hit| hit.start).collect();
        for found in pattern::find_joined(regex, bytes, &anchors, rule.window) {
            keep_found(bytes, index, rule, &found, judge);
        }
    }

    fn match_jwt(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let mut scanner = jwt::Scanner::default();
        let mut end = 0;
        for hit in hits {
            if hit.start < end {
                continue;
            }
            let Some(mut raw) = raw_of_token(bytes, hit.start, &mut scanner) else { continue };
            raw.stem = words_before(bytes, raw.span.start);
            let token_end = raw.span.end;
            if judge.keep(index, rule, raw) {
                end = token_end;
            }
        }
    }

    fn match_jwk(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let anchors: Vec<usize> =
            hits.iter().map(|hit| hit.start).filter(|anchor| jwk::names_type(bytes, *anchor)).collect();
        for private in jwk::private_members(bytes, &anchors) {
            let Some(text) = bytes.get(private.clone()) else { continue };
            judge.keep(index, rule, Raw::literal(private, Cow::Borrowed(text), OF_SCANNER));
        }
    }

    fn match_assignments(&self, bytes: &[u8], hits: &[Hit], judge: &mut Judge<'_>) {
        let mut plain = PlainRun::default();
        let mut plain_end = 0;
        let mut kept = None;
        for hit in hits {
            if hit.start < plain_end {
                continue;
            }
            let Some((assignment, found)) = self.assignment_at(bytes, hit.start..hit.end, &mut plain) else { continue };
            let spans = Some((assignment.key_span.start, assignment.span.start));
            // A name may hold several of the words: it counts once.
            if kept == spans {
                continue;
            }
            for assignment in assignment.each() {
                if self.match_assignment(bytes, &assignment, &found, judge) {
                    kept = spans;
                    if assignment.quote == Quote::None && assignment.span.len() > LONGEST_PLAIN {
                        plain_end = assignment.span.end;
                    }
                }
            }
        }
    }

    /// Tells whether one of the rules that look for the name keeps the value.
    fn match_assignment(
        &self,
        bytes: &[u8],
        assignment: &Assignment,
        found: &[KeyMatch],
        judge: &mut Judge<'_>,
    ) -> bool {
        let value = value::normalised(bytes, assignment);
        let key = assignment.key(bytes);
        let mut is_kept = false;
        for found in found {
            let Some(rule) = self.rules.rules.get(found.rule) else { continue };
            let stem = key.stem(found.stem);
            if !self.gate(found.rule).admits(&value) {
                // What asks for a context is not told of where nobody knows of that.
                if rule.near.is_empty() && rule.under.is_empty() {
                    judge.refuse(rule, assignment.span.clone(), Filter::Shape);
                }
                continue;
            }
            let refusal = if is_digest_of(bytes, assignment) {
                Some(Filter::Public)
            } else if names_itself(&key, &value) {
                Some(Filter::Word)
            } else if stem.iter().any(|word| SAYS_ENCRYPTED.contains(&word.as_str())) {
                Some(Filter::Encrypted)
            } else if !self.may_hold(found.rule, rule, &value) {
                Some(Filter::Shape)
            } else if !nearby::is_near(bytes, rule, &assignment.key_span, &assignment.span, stem)
                || !nearby::is_under(bytes, rule, &assignment.key_span, stem)
            {
                Some(Filter::Context)
            } else {
                None
            };
            if let Some(filter) = refusal {
                judge.refuse(rule, assignment.span.clone(), filter);
            } else {
                let raw = raw_of_assignment(assignment, &value, stem, *found, rule);
                is_kept |= judge.keep(found.rule, rule, raw);
            }
        }
        is_kept
    }

    /// The rules that look for a name.
    pub(super) fn rules_for(&self, name: &[u8]) -> Vec<KeyMatch> {
        let mut found = self.key_rules.matches(name);
        if found.iter().any(|found| found.stem > 0 && self.gate(found.rule).has_exceptions) {
            let key = Key::parse(name);
            let except =
                |found: &KeyMatch| self.rules.rules.get(found.rule).map_or(&[][..], |rule| rule.except.as_slice());
            found.retain(|found| !key.stem(found.stem).iter().any(|word| except(found).contains(word)));
        }
        found
    }

    /// What is assigned to the name that a word belongs to, and the rules that look for that name.
    pub(super) fn assignment_at(
        &self,
        bytes: &[u8],
        word: Range<usize>,
        plain: &mut PlainRun,
    ) -> Option<(Assignment, Vec<KeyMatch>)> {
        let bytes = bytes.get(..word.start.saturating_add(assignment::REACH.after)).unwrap_or(bytes);
        let name = assignment::name(bytes, word);
        let found = self.rules_for(bytes.get(name.words.clone())?);
        if found.is_empty() || plain.swallows(bytes, name.span.start) {
            return None;
        }
        Some((assignment::assigned(bytes, &name)?, found))
    }

    /// Whether the value has the form and the shape that a rule asks for, where it asks for more than a name.
    pub(super) fn may_hold(&self, index: usize, rule: &Rule, value: &[u8]) -> bool {
        let is_whole = |regex: &Regex| regex.find(value).is_some_and(|found| found.len() == value.len());
        let is_vendor = matches!(rule.matcher, Matcher::Vendor(_));
        let has_form =
            || (rule.shape.pattern.is_none() && !is_vendor) || self.value_pattern(index).is_some_and(is_whole);
        // The shape is tested first because it costs less than looking around, and than the pattern.
        let has_shape = || super::shape::test(&rule.shape, value).is_ok();
        (rule.near.is_empty() || has_shape()) && has_form()
    }
}

fn keep_found(bytes: &[u8], index: usize, rule: &Rule, found: &Found, judge: &mut Judge<'_>) -> bool {
    if !nearby::is_near(bytes, rule, &found.secret, &found.secret, &[]) {
        judge.refuse(rule, found.secret.clone(), Filter::Context);
        return false;
    }
    let Some(mut raw) = raw_of_pattern(bytes, rule, found) else { return false };
    raw.stem = words_before(bytes, found.secret.start);
    judge.keep(index, rule, raw)
}

/// The value that a pattern found. `None` if it is not encoded as its rule says.
pub(super) fn raw_of_pattern<'a>(bytes: &'a [u8], rule: &Rule, found: &Found) -> Option<Raw<'a>> {
    let text = bytes.get(found.secret.clone())?;
    let named = found.named.iter().filter_map(|(name, span)| Some((name.clone(), public(bytes.get(span.clone())?)?)));
    let mut parts: Vec<(String, String)> = named.collect();
    let value = match rule.encoding {
        Some(encoding) => {
            let (value, username) = value::decoded(encoding, text)?;
            parts.extend(username.map(|name| ("username".to_owned(), name)));
            Cow::Owned(value)
        }
        None if text.contains(&b'\\') => value::unescaped(text),
        None => Cow::Borrowed(text),
    };
    let value = value::canonical_pem(&value).map_or(value, Cow::Owned);
    Some(Raw { whole: found.whole.clone(), parts, ..Raw::literal(found.secret.clone(), value, OF_PATTERN) })
}

/// What has the form of a token and starts at an anchor.
pub(super) fn raw_of_token<'a>(bytes: &'a [u8], start: usize, scanner: &mut jwt::Scanner) -> Option<Raw<'a>> {
    let span = scanner.span(bytes, start)?;
    let (text, span) = jwt::trimmed(bytes.get(span.clone())?, span);
    Some(Raw::literal(span, Cow::Borrowed(text), OF_SCANNER))
}

/// The value of an assignment, for one of the rules that look for its name, and the words of the name that stand before the key.
pub(super) fn raw_of_assignment<'a>(
    assignment: &Assignment,
    value: &'a [u8],
    stem: &[String],
    found: KeyMatch,
    rule: &Rule,
) -> Raw<'a> {
    Raw {
        span: assignment.span.clone(),
        whole: assignment.key_span.start.min(assignment.span.start)..assignment.span.end,
        value: Cow::Borrowed(value),
        is_assigned: true,
        is_literal: assignment.is_literal,
        stem: stem.to_vec(),
        parts: Vec::new(),
        // What asks for more than a name knows more than a name.
        specificity: found.length + if rule.near.is_empty() && rule.under.is_empty() { 0 } else { OF_CONTEXT },
    }
}

/// Whether the value is the end of its own name, written in another way: `SN_revPassphrase = "revPassphrase"`.
fn names_itself(key: &Key, value: &[u8]) -> bool {
    let mut name = key.words().iter().rev().flat_map(|word| word.bytes().rev());
    let value = value.iter().rev().filter(|byte| byte.is_ascii_alphanumeric());
    value.map(u8::to_ascii_lowercase).all(|byte| name.next() == Some(byte))
}

/// Whether the value is a digest of what the name says, as annotations of Helm charts write it: `checksum/secret`.
fn is_digest_of(bytes: &[u8], assignment: &Assignment) -> bool {
    bytes.get(..assignment.key_span.start).is_some_and(|before| before.ends_with(b"checksum/"))
}

/// The words of the name that a value at `start` is assigned to.
fn words_before(bytes: &[u8], start: usize) -> Vec<String> {
    assignment::key_before(bytes, start).map(|key| key.words().to_vec()).unwrap_or_default()
}

/// What a named group of a pattern holds, as far as it can be shown.
fn public(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty() && !text.contains(char::is_control))
        .map(str::to_owned)
}
