//! Detection: bytes in, candidates out.
//!
//! Pure and total: no I/O, no clock, no failure. The same bytes give the same candidates whatever the source, so nothing
//! here knows a path. A match is a function of a bounded window around its anchor.
//!
//! The way of the bytes has three stages:
//! 1. `prefilter` sights anchors: literals of which one stands in or near every match.
//! 2. `standing` tells from a bounded window around each sighting whether it can contribute anything. Both together are a
//!    [`Trace`], and most of a trace can be taken over from that of an earlier version of the same bytes. What was seen to contribute
//!    nothing is remembered (`refused`).
//! 3. The judge looks at the whole bytes around the sightings that are alive: `pattern`, `assignment`, `jwt` and `jwk` find
//!    values; `gate` leaves out the rules that a value's length rules out; `nearby` looks for what must stand beside them;
//!    `shape` and `filter` judge the values; `vendor` tells whose they are; `required` drops what lacks its companions; `overlap` leaves one match for the same bytes;
//!    `pairing` looks for what belongs to them.

mod allow;
mod assignment;
mod block;
mod borrowed;
mod boundary;
mod encoded;
mod examples;
mod filter;
mod gate;
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
mod refused;
mod required;
mod shape;
mod standing;
mod tail;
mod trace;
mod value;
mod vendor;
mod whole_file;
mod words;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex::bytes::Regex;

use crate::finding::{Confidence, Fingerprint, FingerprintKey, Kind, Severity, TokenFacts};
use crate::rules::{self, Matcher, Rule, RuleSet, Window};
use crate::secret::Secret;
use gate::Gate;
use judge::{Judge, Match};
use key::KeyIndex;
use pairing::{Paired, Pairer};
use pattern::Pattern;
use prefilter::{Hit, Owner, Prefilter};
use refused::Refused;
use standing::{NARROW, Reach};
use vendor::Vendors;
use whole_file::FileRules;

pub use examples::{ExampleFailure, check_examples};
pub use filter::Filter;
pub use pairing::{Companion, Elsewhere};
pub use prefilter::{AnchorSearch, Sighting};
pub use trace::{Run, Trace};

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
    pub companions: Vec<Companion>,
    /// What its name and those of the objects around it tell of what it belongs to, where companions are looked for.
    pub names: Vec<String>,
    /// What it says about itself, if it is a JWT.
    pub token: Option<TokenFacts>,
    /// Whether a comment beside it allows it to stand there.
    pub is_allowed: bool,
    /// The allowlists that its content agrees with; whether one of them allows it, its place decides.
    pub agreeing: Vec<usize>,
}

impl Candidate {
    /// The provider of the rule; where that is nobody's, the one that a token names as its issuer.
    pub fn provider(&self) -> &str {
        let of_rule = self.rule.provider.as_str();
        let of_token = self.token.as_ref().and_then(TokenFacts::provider);
        of_token.filter(|_| of_rule == "generic").unwrap_or(of_rule)
    }
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
    /// What is known beforehand about the sightings of each anchor.
    reaches: Vec<Reach>,
    /// The letters that follow each anchor in a name which some rule looks for, where no new word begins; a bit for each, told when
    /// the anchor is first seen.
    letters: Vec<OnceLock<u32>>,
    /// The reach of all of them together.
    widest: Window,
    /// Length of the longest anchor.
    longest_anchor: usize,
    /// What tells most rules to be out of the question.
    gates: Vec<Gate>,
    /// What none of them keeps.
    refused: Refused,
    /// The least length of a value that is told by its name alone, in bytes.
    shortest_assigned: usize,
    /// The anchor that is our mark.
    mark: Option<u16>,
    /// What is compiled of each rule, when it is first needed. A scan needs few, and all together are a megabyte.
    compiled: Vec<OnceLock<Box<Compiled>>>,
    /// The rules that look for the value of a key.
    key_rules: KeyIndex,
    /// The rules that look for files by their paths.
    files: FileRules,
    /// Told once: it is asked for with every file.
    reach: usize,
    /// Built when the first candidate is found.
    pairer: OnceLock<Pairer>,
    /// Likewise.
    vendors: OnceLock<Vendors>,
}

/// What is compiled of a rule when it is first needed. What does not compile finds nothing: [`RuleSet`] has refused it before.
#[derive(Default)]
struct Compiled {
    /// Its pattern at single anchors.
    pattern: OnceLock<Option<Pattern>>,
    /// The same over the joined windows of anchors that are crowded.
    joined: OnceLock<Option<Regex>>,
    /// The form of its values.
    value: OnceLock<Option<Regex>>,
}

/// As [`Detector::reach`].
fn reach(rules: &RuleSet) -> usize {
    let windows = rules.rules.iter().map(|rule| rule.window.before.max(rule.window.after));
    let longest =
        windows.chain([encoded::REACH, jwt::LONGEST, jwk::LONGEST, assignment::REACH.after, value::OBJECT_REACH]).max();
    let reach = longest.unwrap_or_default().saturating_mul(4).saturating_add(pairing::REACH.max(allow::REACH));
    let requires = |rule: &Arc<Rule>| rule.borrowed.as_ref().is_some_and(|borrowed| !borrowed.required.is_empty());
    if rules.rules.iter().any(requires) { reach.saturating_add(required::REACH) } else { reach }
}

impl Detector {
    /// A detector for a set of rules. Cheap: patterns are compiled when their anchor is first seen.
    pub fn new(rules: Arc<RuleSet>, key: FingerprintKey) -> Self {
        let prefilter = Prefilter::new(rules.rules.iter().map(AsRef::as_ref));
        let key_rules = KeyIndex::of_rules(&rules);
        let reaches = standing::reaches(&prefilter, &rules);
        let longest_anchor = reaches.iter().map(|reach| reach.length).max().unwrap_or_default();
        let widest = reaches.iter().map(|reach| reach.window).fold(NARROW, Window::united);
        let compiled = rules.rules.iter().map(|_| OnceLock::new()).collect();
        let mark = prefilter.mark();
        let letters = reaches.iter().map(|_| OnceLock::new()).collect();
        let gates = rules.rules.iter().map(|rule| Gate::of(rule)).collect();
        let is_assigned = |rule: &Arc<Rule>| matches!(rule.matcher, Matcher::Keys(_) | Matcher::Vendor(_));
        let assigned = rules.rules.iter().zip(&gates).filter(|(rule, _)| is_assigned(rule));
        let shortest_assigned = assigned.map(|(_, gate): (_, &Gate)| gate.shortest).min().unwrap_or_default();
        let reach = reach(&rules);
        let files = FileRules::of(&rules);
        Self {
            rules,
            key,
            prefilter,
            reach,
            reaches,
            letters,
            widest,
            longest_anchor,
            gates,
            refused: Refused::new(),
            shortest_assigned,
            mark,
            compiled,
            key_rules,
            files,
            pairer: OnceLock::new(),
            vendors: OnceLock::new(),
        }
    }

    /// Every candidate in `bytes`, in the order of their spans. Of more than 4 GiB, only the first are looked at: whoever has
    /// more hands it over in pieces.
    pub fn detect(&self, bytes: &[u8]) -> Vec<Candidate> {
        self.judge(bytes, &self.trace(bytes))
    }

    /// As [`Detector::detect`], and also what the filters refused.
    pub fn explain(&self, bytes: &[u8]) -> (Vec<Candidate>, Vec<Refusal>) {
        let mut refusals = Vec::new();
        let candidates = self.find_in(bytes, 0, &mut |refusal| refusals.push(refusal));
        // What two anchors stand beside is refused twice.
        refusals.sort_unstable_by(|a: &Refusal, b| {
            (a.span.start, a.span.end, &a.rule, a.filter).cmp(&(b.span.start, b.span.end, &b.rule, b.filter))
        });
        refusals.dedup();
        (candidates, refusals)
    }

    /// How far from its start bytes have a say in a candidate, before and after.
    ///
    /// A match is a function of its rule's window, or of what the longest token, key or assignment spans. What is paired with it
    /// stands within the reach of pairing behind its end, and is a match too. The same bytes may be claimed by another match, and
    /// some of those by a third: each is as long, and has a window of its own.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// The rules of this detector.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Every candidate around the hits, in bytes that stand so deep within encodings.
    fn find(
        &self,
        bytes: &[u8],
        hits: Vec<Hit>,
        is_crowded: bool,
        depth: usize,
        refuse: &mut dyn FnMut(Refusal),
    ) -> Vec<Candidate> {
        let mut judge = Judge::new(refuse);
        let mut encoded = self.encoded(bytes, &hits, depth);
        self.match_rules(bytes, hits, is_crowded, &mut judge);
        self.name_vendors(bytes, &mut judge);
        self.keep_accompanied(bytes, &mut judge);
        // What is encoded names itself better than the name that the encoding is assigned to.
        judge
            .matches
            .retain(|found| found.is_proven() || !encoded.iter().any(|inner| overlaps(&inner.span, &found.span)));
        encoded.retain(|inner| !judge.matches.iter().any(|found| overlaps(&inner.span, &found.span)));
        let mut candidates = self.paired(bytes, judge);
        if !encoded.is_empty() {
            for inner in &mut encoded {
                inner.is_allowed |= allow::is_allowed(bytes, &inner.span);
                let encoded = inner.span.clone();
                let around = self.agreeing(bytes, &inner.rule, inner.secret.expose(), &inner.span, &encoded);
                inner.agreeing.extend(around);
            }
            candidates.append(&mut encoded);
            candidates.sort_by_key(|candidate| (candidate.span.start, candidate.span.end));
        }
        candidates
    }

    /// What stands within encodings.
    fn encoded(&self, bytes: &[u8], hits: &[Hit], depth: usize) -> Vec<Candidate> {
        let mut decoded = Vec::new();
        let mut candidates: Vec<Candidate> = Vec::new();
        for hit in hits {
            if let Owner::Encoded(coding) = hit.owner {
                candidates.extend(self.find_encoded(bytes, std::slice::from_ref(hit), coding, depth, &mut decoded));
            }
        }
        // Two pieces may share their ends.
        candidates.sort_by_key(|candidate| (candidate.span.start, candidate.span.end));
        candidates.dedup_by(|a, b| a.span == b.span && a.id == b.id);
        candidates
    }

    /// The best of the matches, with what belongs to each.
    fn paired(&self, bytes: &[u8], mut judge: Judge<'_>) -> Vec<Candidate> {
        if judge.matches.is_empty() {
            return Vec::new();
        }
        self.give_way(&mut judge);
        let found: Vec<(usize, Range<usize>)> =
            judge.matches.iter().map(|found| (found.rule, found.span.clone())).collect();
        let matches = overlap::best(judge.take(), |found| found.span.clone(), Match::rank);
        for (rule, span) in found {
            let is_kept = matches.iter().any(|kept| kept.rule == rule && kept.span == span);
            if let (false, Some(rule)) = (is_kept, self.rules.rules.get(rule)) {
                judge.refuse(rule, span, Filter::Outranked);
            }
        }
        let ids: Vec<Fingerprint> =
            matches.iter().map(|found| Fingerprint::of(&self.key, found.kind, found.secret.expose())).collect();
        let pairer = self.pairer.get_or_init(|| Pairer::new(self.rules.rules.len()));
        let companions = pairer.companions(bytes, &self.rules, &matches, &ids);
        let candidate = |((found, id), paired): ((Match, Fingerprint), Paired)| {
            let Paired { companions, names } = paired;
            let rule = Arc::clone(self.rules.rules.get(found.rule)?);
            let agreeing = self.agreeing(bytes, &rule, found.secret.expose(), &found.span, &found.whole);
            Some(Candidate {
                rule,
                id,
                kind: found.kind,
                confidence: found.confidence,
                severity: found.severity,
                secret: found.secret,
                is_allowed: allow::is_allowed(bytes, &found.span),
                agreeing,
                span: found.span,
                companions,
                names,
                token: found.token,
            })
        };
        matches.into_iter().zip(ids).zip(companions).filter_map(candidate).collect()
    }

    fn gate(&self, rule: usize) -> Gate {
        self.gates.get(rule).copied().unwrap_or(Gate::CLOSED)
    }

    fn compiled(&self, rule: usize) -> Option<&Compiled> {
        self.compiled.get(rule).map(|compiled| &**compiled.get_or_init(Box::default))
    }

    /// The pattern of a rule, at single anchors.
    fn pattern(&self, rule: usize) -> Option<&Pattern> {
        let compile = || {
            let rule = self.rules.rules.get(rule)?;
            let (anchors, are_exact) = (&rule.anchors, rule.anchors_are_case_sensitive);
            match &rule.matcher {
                Matcher::Pattern(pattern) => Some(Pattern::new(pattern, anchors, are_exact, rule.window)),
                Matcher::Vendor(key) => Some(Pattern::without_tail(&key.pattern(anchors), rule.window)),
                Matcher::Keys(_) | Matcher::Scanner(_) | Matcher::File => None,
            }
        };
        self.compiled(rule)?.pattern.get_or_init(compile).as_ref()
    }

    /// The pattern of a rule, over joined windows.
    fn joined_pattern(&self, rule: usize) -> Option<&Regex> {
        let compile = || {
            let Matcher::Pattern(pattern) = &self.rules.rules.get(rule)?.matcher else { return None };
            rules::compile(pattern).ok()
        };
        self.compiled(rule)?.joined.get_or_init(compile).as_ref()
    }

    /// The form of the values of a rule that finds them by their key.
    fn value_pattern(&self, rule: usize) -> Option<&Regex> {
        let compile = || {
            let rule = self.rules.rules.get(rule)?;
            match &rule.matcher {
                Matcher::Vendor(key) => rules::compile(&key.form()).ok(),
                _ => rules::compile(rule.shape.pattern.as_ref()?).ok(),
            }
        };
        self.compiled(rule)?.value.get_or_init(compile).as_ref()
    }
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests;
