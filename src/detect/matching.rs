//! From anchors to matches: runs each kind of rule at its anchors.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::assignment::{self, Quote};
use super::judge::{Judge, OF_PATTERN, OF_SCANNER, Raw};
use super::key::KeyMatch;
use super::prefilter::{Hit, Owner};
use super::{Detector, boundary, jwk, jwt, nearby, pattern, shape, value};
use crate::rules::Scanner;

/// A name in its context outweighs the same name alone, but not a longer one.
const OF_CONTEXT: usize = 2;

/// In an unquoted value longer than this, nothing is assigned: it is an encoding of something, or a program without spaces.
const LONGEST_PLAIN: usize = 1024;

impl Detector {
    /// Every match around the anchors, also those of several rules for the same bytes.
    pub(super) fn match_rules(&self, bytes: &[u8], mut hits: Vec<Hit>, judge: &mut Judge<'_>) {
        hits.sort_unstable_by_key(|hit| (hit.owner, hit.start));
        for group in hits.chunk_by(|a, b| a.owner == b.owner) {
            let Some(owner) = group.first().map(|hit| hit.owner) else { continue };
            match owner {
                Owner::Pattern(rule) => self.match_pattern(bytes, rule, group, judge),
                Owner::Scanner(rule, Scanner::Jwt) => self.match_jwt(bytes, rule, group, judge),
                Owner::Scanner(rule, Scanner::Jwk) => self.match_jwk(bytes, rule, group, judge),
                Owner::Assignment => self.match_assignments(bytes, group, judge),
            }
        }
    }

    fn match_pattern(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let (Some(rule), Some(regex)) = (self.rules.rules.get(index), self.pattern(index)) else { return };
        // Where nothing before the anchor belongs to the window, the anchor begins the value.
        let begins_value = rule.window.before == 0;
        let hits = hits.iter().filter(|hit| !begins_value || boundary::starts_value(bytes, hit.start));
        let anchors: Vec<usize> = hits.map(|hit| hit.start).collect();
        for found in pattern::find(regex, bytes, &anchors, rule.window) {
            let Some(text) = bytes.get(found.secret.clone()) else { continue };
            if !nearby::is_near(bytes, rule, &found.secret, &[]) {
                continue;
            }
            let mut named =
                found.named.iter().filter_map(|(name, span)| Some((name.clone(), public(bytes.get(span.clone())?)?)));
            let mut parts: Vec<(String, String)> = named.by_ref().collect();
            let value = match rule.encoding {
                Some(encoding) => match value::decoded(encoding, text) {
                    Some((value, username)) => {
                        parts.extend(username.map(|name| ("username".to_owned(), name)));
                        Cow::Owned(value)
                    }
                    None => continue,
                },
                None if text.contains(&b'\\') => value::unescaped(text),
                None => Cow::Borrowed(text),
            };
            let value = value::canonical_pem(&value).map_or(value, Cow::Owned);
            let stem = words_before(bytes, found.secret.start);
            let raw = Raw {
                span: found.secret,
                value,
                is_assigned: false,
                is_literal: true,
                stem,
                parts,
                specificity: OF_PATTERN,
            };
            judge.keep(index, rule, raw);
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
            let Some(span) = scanner.span(bytes, hit.start) else { continue };
            let Some(text) = bytes.get(span.clone()) else { continue };
            let (text, span) = jwt::trimmed(text, span);
            let stem = words_before(bytes, span.start);
            let raw = Raw {
                span: span.clone(),
                value: Cow::Borrowed(text),
                is_assigned: false,
                is_literal: true,
                stem,
                parts: Vec::new(),
                specificity: OF_SCANNER,
            };
            if judge.keep(index, rule, raw) {
                end = span.end;
            }
        }
    }

    fn match_jwk(&self, bytes: &[u8], index: usize, hits: &[Hit], judge: &mut Judge<'_>) {
        let Some(rule) = self.rules.rules.get(index) else { return };
        let anchors: Vec<usize> = hits.iter().map(|hit| hit.start).collect();
        for private in jwk::private_members(bytes, &anchors) {
            let Some(text) = bytes.get(private.clone()) else { continue };
            let raw = Raw {
                span: private,
                value: Cow::Borrowed(text),
                is_assigned: false,
                is_literal: true,
                stem: Vec::new(),
                parts: Vec::new(),
                specificity: OF_SCANNER,
            };
            judge.keep(index, rule, raw);
        }
    }

    fn match_assignments(&self, bytes: &[u8], hits: &[Hit], judge: &mut Judge<'_>) {
        let mut name_end = 0;
        let mut plain_end = 0;
        for hit in hits {
            // A name may hold several of the words: it is read once.
            if hit.start < name_end || hit.start < plain_end {
                continue;
            }
            let Some(assignment) = assignment::at(bytes, hit.start..hit.end) else { continue };
            name_end = assignment.key_span.end;
            if assignment.quote == Quote::None && assignment.span.len() > LONGEST_PLAIN {
                plain_end = assignment.span.end;
            }
            let found = self.key_rules.matches(&assignment.key);
            if found.is_empty() {
                continue;
            }
            let value = value::normalised(bytes, &assignment);
            for KeyMatch { rule: index, stem, length } in found {
                let Some(rule) = self.rules.rules.get(index) else { continue };
                // What asks for more than a name knows more than a name.
                let specificity = length + if rule.near.is_empty() { 0 } else { OF_CONTEXT };
                let is_whole = |regex: &Regex| regex.find(&value).is_some_and(|found| found.len() == value.len());
                if rule.shape.pattern.is_some() && !self.pattern(index).is_some_and(is_whole) {
                    continue;
                }
                // The shape is tested first because it costs less than looking around.
                let is_elsewhere = || {
                    shape::check(&rule.shape, &value, rule.confidence).is_err()
                        || !nearby::is_near(bytes, rule, &assignment.key_span, assignment.key.stem(stem))
                };
                if !rule.near.is_empty() && is_elsewhere() {
                    continue;
                }
                let raw = Raw {
                    span: assignment.span.clone(),
                    value: Cow::Borrowed(&*value),
                    is_assigned: true,
                    is_literal: assignment.is_literal,
                    stem: assignment.key.stem(stem).to_vec(),
                    parts: Vec::new(),
                    specificity,
                };
                judge.keep(index, rule, raw);
            }
        }
    }
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
