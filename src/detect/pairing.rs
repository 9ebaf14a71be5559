//! Pairing: the client id, issuer and other secrets that belong to a match, looked for in the bytes around it.
//!
//! Two things belong together by the stem of their names (`GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`), then by standing in the
//! same object or section, then by the lines between them. What these do not decide is listed in full, not guessed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use super::assignment::{self, Assignment};
use super::filter::{self, Filter};
use super::judge::Match;
use super::key::distinctive;
use super::{block, jwt, value};
use crate::finding::{Fingerprint, Kind, Part, PartValue};
use crate::rules::{self, PartSpec, RuleSet};

/// How far from a match its companions may stand, in bytes.
pub(super) const REACH: usize = 4096;

/// The longest public value that is taken.
const LONGEST_VALUE: usize = 512;

/// What pairing needs, built once.
pub(super) struct Pairing {
    words: AhoCorasick,
    patterns: BTreeMap<(usize, usize), OnceLock<Option<Regex>>>,
}

/// How badly a companion fits: compared in the order of the fields, less fits better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Misfit {
    stem: u8,
    is_outside_block: bool,
    lines: usize,
}

impl Pairing {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut patterns = BTreeMap::new();
        for (index, rule) in rules.rules.iter().enumerate() {
            for (number, part) in rule.parts.iter().enumerate() {
                words.extend(
                    part.keys.iter().filter_map(|key| key.iter().max_by_key(|word| word.len())).map(String::as_str),
                );
                if part.pattern.is_some() {
                    patterns.insert((index, number), OnceLock::new());
                }
            }
        }
        words.sort_unstable();
        words.dedup();
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&words)
            .expect("a few hundred short words are far below the automaton's limits");
        Self { words, patterns }
    }

    /// The parts of each match.
    pub(super) fn parts(
        &self,
        bytes: &[u8],
        rules: &RuleSet,
        matches: &[Match],
        ids: &[Fingerprint],
    ) -> Vec<Vec<Part>> {
        let specs = |found: &Match| rules.rules.get(found.rule).map(|rule| rule.parts.as_slice()).unwrap_or_default();
        let assignments = self.assignments(bytes, matches, |found| !specs(found).is_empty());
        let parts = |found: &Match| {
            let own = found
                .parts
                .iter()
                .map(|(name, value)| Part { name: name.clone(), value: PartValue::Public(value.clone()) });
            let mut parts: Vec<Part> = own.collect();
            let specs = specs(found);
            if specs.is_empty() {
                parts.sort_unstable();
                return parts;
            }
            let context = Context::new(bytes, found);
            for (number, spec) in specs.iter().enumerate() {
                // A second way to find the same part is for when the first finds none.
                if parts.iter().any(|part| part.name == spec.name) {
                    continue;
                }
                if spec.name == "client_secret" {
                    parts
                        .extend(context.secrets(matches, ids).into_iter().map(|id| part(spec, PartValue::Finding(id))));
                    continue;
                }
                let pattern = self.pattern(rules, found.rule, number);
                let mut values = context.assigned(spec, pattern, &assignments);
                if let (true, false, Some(pattern)) = (values.is_empty(), spec.needs_key, pattern) {
                    values = context.shaped(pattern, matches);
                }
                parts.extend(values.into_iter().map(|value| part(spec, PartValue::Public(value))));
            }
            parts.sort_unstable();
            parts.dedup();
            parts
        };
        matches.iter().map(parts).collect()
    }

    /// The assignments around the matches, each once, none of which assigns a match.
    fn assignments(&self, bytes: &[u8], matches: &[Match], wants: impl Fn(&Match) -> bool) -> Vec<Assignment> {
        let mut regions: Vec<Range<usize>> = Vec::new();
        for found in matches.iter().filter(|found| wants(found)) {
            let region = around(bytes, &found.span);
            match regions.last_mut() {
                Some(last) if region.start <= last.end => last.end = last.end.max(region.end),
                _ => regions.push(region),
            }
        }
        let mut assignments: BTreeMap<usize, Assignment> = BTreeMap::new();
        for region in regions {
            let Some(text) = bytes.get(region.clone()) else { continue };
            for word in self.words.find_iter(text) {
                let word = region.start + word.start()..region.start + word.end();
                let is_read =
                    assignments.range(..=word.start).next_back().is_some_and(|(_, a)| word.start < a.key_span.end);
                if is_read {
                    continue;
                }
                if let Some(assignment) = assignment::at(bytes, word)
                    && !is_secret(&assignment.span, matches)
                {
                    assignments.insert(assignment.key_span.start, assignment);
                }
            }
        }
        assignments.into_values().collect()
    }

    fn pattern(&self, rules: &RuleSet, rule: usize, number: usize) -> Option<&Regex> {
        let compile = || {
            let pattern = rules.rules.get(rule)?.parts.get(number)?.pattern.as_deref()?;
            rules::compile(pattern).ok()
        };
        self.patterns.get(&(rule, number))?.get_or_init(compile).as_ref()
    }
}

fn part(spec: &PartSpec, value: PartValue) -> Part {
    Part { name: spec.name.clone(), value }
}

fn around(bytes: &[u8], span: &Range<usize>) -> Range<usize> {
    span.start.saturating_sub(REACH)..span.end.saturating_add(REACH).min(bytes.len())
}

/// Whether a span shares bytes with a match. Matches are in the order of their spans and do not overlap.
fn is_secret(span: &Range<usize>, matches: &[Match]) -> bool {
    let after = matches.partition_point(|found| found.span.end <= span.start);
    matches.get(after).is_some_and(|found| found.span.start < span.end)
}

/// A match whose companions are looked for.
struct Context<'a> {
    bytes: &'a [u8],
    found: &'a Match,
    region: Range<usize>,
    block: Range<usize>,
    stem: Vec<&'a str>,
}

impl<'a> Context<'a> {
    fn new(bytes: &'a [u8], found: &'a Match) -> Self {
        let region = around(bytes, &found.span);
        let block = block::around(bytes, &found.span, &region);
        Self { bytes, found, region, block, stem: distinctive(&found.stem) }
    }

    /// The best of the assignments whose name and value fit.
    fn assigned(&self, spec: &PartSpec, pattern: Option<&Regex>, assignments: &[Assignment]) -> Vec<String> {
        let from = assignments.partition_point(|assignment| assignment.key_span.start < self.region.start);
        let nearby = assignments.iter().skip(from).take_while(|assignment| assignment.span.end <= self.region.end);
        let fitting = nearby.filter_map(|assignment| {
            let name = assignment.key(self.bytes);
            let keys = spec.keys.iter().filter_map(|key| Some((name.ends_with(key)?, key)));
            let (stem, _) = keys.max_by_key(|(_, key)| key.iter().map(String::len).sum::<usize>())?;
            let value = value::normalised(self.bytes, assignment);
            let value = public_value(spec, &value)?;
            if pattern
                .is_some_and(|pattern| pattern.find(value.as_bytes()).is_none_or(|whole| whole.len() != value.len()))
            {
                return None;
            }
            let misfit = self.misfit(&assignment.span, &distinctive(name.stem(stem)))?;
            Some((misfit, value))
        });
        best(fitting)
    }

    /// The best of the values whose shape alone tells what they are.
    fn shaped(&self, pattern: &Regex, matches: &[Match]) -> Vec<String> {
        let text = self.bytes.get(self.region.clone()).unwrap_or_default();
        let fitting = pattern.find_iter(text).filter_map(|value| {
            let span = self.region.start + value.start()..self.region.start + value.end();
            let text = std::str::from_utf8(value.as_bytes()).ok()?;
            let is_whole =
                !is_name_at(self.bytes, span.start.checked_sub(1)) && !is_name_at(self.bytes, Some(span.end));
            if !is_whole || is_secret(&span, matches) || filter::token(value.as_bytes()).is_some() {
                return None;
            }
            Some((self.misfit(&span, &[])?, text.to_owned()))
        });
        best(fitting)
    }

    /// The best of the client secrets around, by their findings.
    fn secrets(&self, matches: &[Match], ids: &[Fingerprint]) -> Vec<Fingerprint> {
        // All matches of a large file for each of them would take the square of their number.
        let from = matches.partition_point(|other| other.span.start < self.region.start);
        let nearby = matches.iter().zip(ids).skip(from).take_while(|(other, _)| other.span.end <= self.region.end);
        let fitting = nearby.filter_map(|(other, id)| {
            if other.kind != Kind::ClientSecret || other.span == self.found.span {
                return None;
            }
            Some((self.misfit(&other.span, &distinctive(&other.stem))?, *id))
        });
        best(fitting)
    }

    /// How badly a companion at `span` fits. `None` if its name says that it belongs to something else.
    fn misfit(&self, span: &Range<usize>, stem: &[&str]) -> Option<Misfit> {
        let stem = if self.stem == stem {
            0
        } else if self.stem.is_empty() || stem.is_empty() || stem.iter().any(|word| self.stem.contains(word)) {
            1
        } else {
            return None;
        };
        let between = if span.end <= self.found.span.start {
            span.end..self.found.span.start
        } else {
            self.found.span.end..span.start
        };
        let lines = memchr::memchr_iter(b'\n', self.bytes.get(between).unwrap_or_default()).count();
        Some(Misfit { stem, is_outside_block: !self.block.contains(&span.start), lines })
    }
}

fn is_name_at(bytes: &[u8], index: Option<usize>) -> bool {
    index.and_then(|index| bytes.get(index)).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

/// All values of the least misfit, each once.
fn best<T: Ord>(fitting: impl Iterator<Item = (Misfit, T)>) -> Vec<T> {
    let mut fitting: Vec<(Misfit, T)> = fitting.collect();
    fitting.sort_unstable_by(|a, b| b.cmp(a));
    let Some(least) = fitting.last().map(|(misfit, _)| *misfit) else { return Vec::new() };
    let mut values: Vec<T> =
        fitting.into_iter().filter(|(misfit, _)| *misfit == least).map(|(_, value)| value).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The value as text, if it may be shown and can be what the part's name says.
fn public_value(spec: &PartSpec, value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if text.is_empty() || text.len() > LONGEST_VALUE || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    // What is no secret may still be a name: a URL, a word, a short one.
    let refused = [Filter::Template, Filter::Placeholder, Filter::Expression, Filter::Encrypted];
    if filter::assigned(text.as_bytes(), true).is_some_and(|filter| refused.contains(&filter)) {
        return None;
    }
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    let is_host =
        text.contains('.') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:/".contains(&byte));
    let fits = match spec.name.as_str() {
        "issuer" => (is_url || is_host) && !jwt::is_example_issuer(text),
        "token_endpoint" => is_url && !jwt::is_example_issuer(text),
        "host" => is_url || is_host,
        "client_id" => !is_url && !text.contains(['(', ')', '{', '[']),
        _ => !is_url,
    };
    // Whoever writes a password into a URL has made the URL a secret.
    let holds_password = is_url && url::Url::parse(text).is_ok_and(|url| url.password().is_some());
    (fits && !holds_password).then(|| text.to_owned())
}
