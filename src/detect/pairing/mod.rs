//! Pairing: the client id, issuer and other secrets that belong to a match, looked for in the bytes around it.
//!
//! Two things belong together by what their names and those of the objects around them begin with (`GOOGLE_CLIENT_ID`,
//! `GOOGLE_CLIENT_SECRET`; `registration.okta`, `provider.okta`), then by their places in the tree of these objects, then by standing
//! in the same paragraph, then by the lines between them. What these do not decide is listed in full, not guessed.

mod elsewhere;
mod fit;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::Regex;

use super::assignment::{self, Assignment};
use super::filter::{self, Filter};
use super::judge::Match;
use super::key::Key;
use super::{block, jwt, value};
use crate::finding::{Fingerprint, Kind, Pairing, PartValue};
use crate::rules::{self, PartSpec, RuleSet};
pub use elsewhere::Elsewhere;
use fit::{Misfit, Standpoint, Surroundings};

/// How far from a match its companions may stand, in bytes.
pub(super) const REACH: usize = 4096;

/// The longest public value that is taken.
const LONGEST_VALUE: usize = 512;

/// Something that was paired with a match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Companion {
    /// What it is, in the words of [`crate::finding::Part::name`].
    pub name: String,
    /// Its value.
    pub value: PartValue,
    /// What joins the two.
    pub pairing: Pairing,
    /// How many lines it stands below the first line of the match; above it if negative.
    pub line: i64,
}

/// What pairing found out about a match.
#[derive(Default)]
pub(super) struct Paired {
    pub(super) companions: Vec<Companion>,
    /// As [`super::Candidate::names`].
    pub(super) names: Vec<String>,
}

/// Pairs matches with what belongs to them.
pub(super) struct Pairer {
    /// By the places of the rules.
    wanted: Vec<OnceLock<Box<Wanted>>>,
}

/// What a rule looks for around its matches, compiled when the first of them is found.
struct Wanted {
    /// A word of each key under which companions stand. Nothing else is read around a match: most of what is assigned in a text is
    /// nobody's companion.
    words: Option<AhoCorasick>,
    /// What the value of each part looks like, where that is known.
    patterns: Vec<Option<Regex>>,
}

impl Wanted {
    fn of(parts: &[PartSpec]) -> Self {
        let keys = parts.iter().flat_map(|part| &part.keys);
        let words: BTreeSet<&String> = keys.filter_map(|key| key.iter().max_by_key(|word| word.len())).collect();
        let words = (!words.is_empty()).then(|| {
            let mut builder = AhoCorasick::builder();
            // Few words make a small table, and all around every match is read.
            builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
            let words = builder.build(words);
            words.expect("a few dozen short words are far below the automaton's limits")
        });
        let patterns = parts.iter().map(|part| rules::compile(part.pattern.as_deref()?).ok()).collect();
        Self { words, patterns }
    }
}

impl Pairer {
    /// For so many rules.
    pub(super) fn new(rules: usize) -> Self {
        Self { wanted: std::iter::repeat_with(OnceLock::new).take(rules).collect() }
    }

    fn wanted(&self, rule: usize, parts: &[PartSpec]) -> Option<&Wanted> {
        self.wanted.get(rule).map(|wanted| wanted.get_or_init(|| Box::new(Wanted::of(parts))).as_ref())
    }

    /// What belongs to each match.
    pub(super) fn companions(
        &self,
        bytes: &[u8],
        rules: &RuleSet,
        matches: &[Match],
        ids: &[Fingerprint],
    ) -> Vec<Paired> {
        let specs = |found: &Match| rules.rules.get(found.rule).map(|rule| rule.parts.as_slice()).unwrap_or_default();
        let provider = |found: &Match| rules.rules.get(found.rule).map(|rule| rule.provider.as_str());
        // By the place of the rule that wants them.
        let mut neighbours: BTreeMap<usize, Vec<Neighbour>> = BTreeMap::new();
        let secrets: Vec<Secret<'_>> = matches.iter().zip(ids).map(|(found, id)| Secret::new(found, *id)).collect();
        let companions = |found: &Match| {
            let own = found.parts.iter().map(|(name, value)| {
                let value = PartValue::Public(value.clone());
                Companion { name: name.clone(), value, pairing: Pairing::Text, line: 0 }
            });
            let mut companions: Vec<Companion> = own.collect();
            let specs = specs(found);
            if specs.is_empty() {
                companions.sort_unstable();
                return Paired { companions, names: Vec::new() };
            }
            let Some(wanted) = self.wanted(found.rule, specs) else { return Paired::default() };
            let context = Context::new(bytes, found);
            let neighbours =
                neighbours.entry(found.rule).or_insert_with(|| wanted.assignments(bytes, matches, found.rule));
            for (spec, pattern) in specs.iter().zip(&wanted.patterns) {
                // A second way to find the same part is for when the first finds none.
                if companions.iter().any(|companion| companion.name == spec.name) {
                    continue;
                }
                if let Some(kind) = kind_of_part(&spec.name) {
                    // Any client secret may be meant; another provider's token is none.
                    let fits = |other: &Match| {
                        other.kind == kind && (kind == Kind::ClientSecret || provider(other) == provider(found))
                    };
                    companions.extend(context.secrets(spec, fits, &secrets));
                    continue;
                }
                let mut values = context.assigned(spec, pattern.as_ref(), neighbours);
                if let (true, false, Some(pattern)) = (values.is_empty(), spec.needs_key, pattern) {
                    values = context.shaped(spec, pattern, matches);
                }
                companions.append(&mut values);
            }
            companions.sort_unstable();
            companions.dedup_by(|a, b| a.name == b.name && a.value == b.value);
            Paired { companions, names: fit::names(&found.stem, Some(&context.surroundings)) }
        };
        matches.iter().map(companions).collect()
    }
}

impl Wanted {
    /// The assignments around the matches of a rule, each once, none of which assigns a match.
    fn assignments(&self, bytes: &[u8], matches: &[Match], rule: usize) -> Vec<Neighbour> {
        let mut regions: Vec<Range<usize>> = Vec::new();
        for found in matches.iter().filter(|found| found.rule == rule) {
            let region = around(bytes, &found.span);
            match regions.last_mut() {
                Some(last) if region.start <= last.end => last.end = last.end.max(region.end),
                _ => regions.push(region),
            }
        }
        self.assignments_in(bytes, regions.into_iter(), matches)
    }

    /// The assignments in some regions, each once, none of which assigns a match.
    fn assignments_in(
        &self,
        bytes: &[u8],
        regions: impl Iterator<Item = Range<usize>>,
        matches: &[Match],
    ) -> Vec<Neighbour> {
        let Some(words) = &self.words else { return Vec::new() };
        let mut assignments: BTreeMap<usize, Neighbour> = BTreeMap::new();
        for region in regions {
            let Some(text) = bytes.get(region.clone()) else { continue };
            for word in words.find_iter(text) {
                let word = region.start + word.start()..region.start + word.end();
                let is_read = assignments
                    .range(..=word.start)
                    .next_back()
                    .is_some_and(|(_, a)| word.start < a.assigned.key_span.end);
                if is_read {
                    continue;
                }
                if let Some(assignment) = assignment::at(bytes, word)
                    && !is_secret(&assignment.span, matches)
                {
                    assignments.insert(assignment.key_span.start, Neighbour::new(bytes, assignment));
                }
            }
        }
        assignments.into_values().collect()
    }
}

/// An assignment in whose value a companion may stand.
struct Neighbour {
    assigned: Assignment,
    name: Key,
    /// Told when its name fits.
    surroundings: OnceCell<Surroundings>,
}

impl Neighbour {
    fn new(bytes: &[u8], assigned: Assignment) -> Self {
        Self { name: assigned.key(bytes), assigned, surroundings: OnceCell::new() }
    }

    /// Where it stands, if its name has such a stem.
    fn standpoint(&self, bytes: &[u8], stem: usize) -> Standpoint<'_> {
        let start = self.assigned.key_span.start;
        Standpoint {
            stem: self.name.stem(stem),
            around: Some(self.surroundings.get_or_init(|| Surroundings::new(bytes, start))),
        }
    }
}

/// The kind of the parts of that name that are secrets of their own; they are told by their findings, never in clear.
fn kind_of_part(name: &str) -> Option<Kind> {
    match name {
        "client_secret" => Some(Kind::ClientSecret),
        "session_token" => Some(Kind::AccessToken),
        _ => None,
    }
}

/// A match that may be the companion of another.
struct Secret<'a> {
    found: &'a Match,
    id: Fingerprint,
    surroundings: OnceCell<Surroundings>,
}

impl<'a> Secret<'a> {
    fn new(found: &'a Match, id: Fingerprint) -> Self {
        Self { found, id, surroundings: OnceCell::new() }
    }

    fn standpoint(&self, bytes: &[u8]) -> Standpoint<'_> {
        let start = self.found.span.start;
        Standpoint {
            stem: &self.found.stem,
            around: Some(self.surroundings.get_or_init(|| Surroundings::new(bytes, start))),
        }
    }
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
    surroundings: Surroundings,
}

impl<'a> Context<'a> {
    fn new(bytes: &'a [u8], found: &'a Match) -> Self {
        let region = around(bytes, &found.span);
        let block = block::around(bytes, &found.span, &region);
        Self { bytes, found, region, block, surroundings: Surroundings::new(bytes, found.span.start) }
    }

    /// The best of the assignments whose name and value fit.
    fn assigned(&self, spec: &PartSpec, pattern: Option<&Regex>, neighbours: &[Neighbour]) -> Vec<Companion> {
        let from = neighbours.partition_point(|neighbour| neighbour.assigned.key_span.start < self.region.start);
        let nearby =
            neighbours.iter().skip(from).take_while(|neighbour| neighbour.assigned.span.end <= self.region.end);
        best(nearby.filter_map(|neighbour| {
            let (stem, value) = fitting(self.bytes, spec, pattern, neighbour)?;
            let span = &neighbour.assigned.span;
            let misfit = self.misfit(span, &neighbour.standpoint(self.bytes, stem))?;
            Some((misfit, self.companion(spec, PartValue::Public(value), span, misfit)))
        }))
    }

    /// The best of the values whose shape alone tells what they are.
    fn shaped(&self, spec: &PartSpec, pattern: &Regex, matches: &[Match]) -> Vec<Companion> {
        let text = self.bytes.get(self.region.clone()).unwrap_or_default();
        best(pattern.find_iter(text).filter_map(|value| {
            let span = self.region.start + value.start()..self.region.start + value.end();
            let text = std::str::from_utf8(value.as_bytes()).ok()?;
            let is_whole =
                !is_name_at(self.bytes, span.start.checked_sub(1)) && !is_name_at(self.bytes, Some(span.end));
            if !is_whole || is_secret(&span, matches) || filter::token(value.as_bytes()).is_some() {
                return None;
            }
            let misfit = self.misfit(&span, &Standpoint::UNKNOWN)?;
            Some((misfit, self.companion(spec, PartValue::Public(text.to_owned()), &span, misfit)))
        }))
    }

    /// The best of the secrets around that may be meant, by their findings.
    fn secrets(&self, spec: &PartSpec, fits: impl Fn(&Match) -> bool, secrets: &[Secret<'_>]) -> Vec<Companion> {
        // All matches of a large file for each of them would take the square of their number.
        let from = secrets.partition_point(|other| other.found.span.start < self.region.start);
        let nearby = secrets.iter().skip(from).take_while(|other| other.found.span.end <= self.region.end);
        best(nearby.filter_map(|other| {
            let span = &other.found.span;
            if !fits(other.found) || *span == self.found.span {
                return None;
            }
            let misfit = self.misfit(span, &other.standpoint(self.bytes))?;
            Some((misfit, self.companion(spec, PartValue::Finding(other.id), span, misfit)))
        }))
    }

    /// How badly a companion at `span` fits. `None` if its name says that it belongs to something else.
    fn misfit(&self, span: &Range<usize>, other: &Standpoint<'_>) -> Option<Misfit> {
        let own = Standpoint { stem: &self.found.stem, around: Some(&self.surroundings) };
        let lines = self.lines_to(span.start).unsigned_abs();
        Misfit::new(&own, other, !self.block.contains(&span.start), lines)
    }

    fn companion(&self, spec: &PartSpec, value: PartValue, span: &Range<usize>, misfit: Misfit) -> Companion {
        Companion { name: spec.name.clone(), value, pairing: misfit.pairing(), line: self.lines_to(span.start) }
    }

    /// How many lines below the first line of the match a position is.
    fn lines_to(&self, position: usize) -> i64 {
        let start = self.found.span.start;
        let between = start.min(position)..start.max(position);
        let lines = memchr::memchr_iter(b'\n', self.bytes.get(between).unwrap_or_default()).count();
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        if position < start { -lines } else { lines }
    }
}

/// The value of an assignment whose name and value fit, and how many words of the name stand before those that say so.
fn fitting(bytes: &[u8], spec: &PartSpec, pattern: Option<&Regex>, neighbour: &Neighbour) -> Option<(usize, String)> {
    let keys = spec.keys.iter().filter_map(|key| Some((neighbour.name.ends_with(key)?, key)));
    let (stem, _) = keys.max_by_key(|(_, key)| key.iter().map(String::len).sum::<usize>())?;
    let value = value::normalised(bytes, &neighbour.assigned);
    let value = public_value(spec, &value)?;
    let is_whole = |pattern: &Regex| pattern.find(value.as_bytes()).is_some_and(|whole| whole.len() == value.len());
    pattern.is_none_or(is_whole).then_some((stem, value))
}

fn is_name_at(bytes: &[u8], index: Option<usize>) -> bool {
    index.and_then(|index| bytes.get(index)).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

/// All companions of the least misfit, each value once.
fn best(fitting: impl Iterator<Item = (Misfit, Companion)>) -> Vec<Companion> {
    let mut fitting: Vec<(Misfit, Companion)> = fitting.collect();
    fitting.sort_unstable();
    let Some(least) = fitting.first().map(|(misfit, _)| *misfit) else { return Vec::new() };
    let best = fitting.into_iter().take_while(|(misfit, _)| *misfit == least).map(|(_, companion)| companion);
    let mut best: Vec<Companion> = best.collect();
    best.dedup_by(|a, b| a.value == b.value);
    best
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
