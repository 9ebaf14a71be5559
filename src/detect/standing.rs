//! The standing of a sighting: whether it can contribute to what is found, told from a bounded window of bytes around it.
//!
//! A dead sighting contributes nothing, whatever else stands in the bytes: the judge may leave it out. A living one may yet turn
//! out to be nothing, for want of the words that a rule wants nearby. The verdict depends on no byte outside the window, so that
//! it holds wherever the same window stands again.

use std::cell::LazyCell;

use super::assignment::{self, Assignment, PlainRun};
use super::key::KeyMatch;
use super::matching::{raw_of_assignment, raw_of_pattern, raw_of_token};
use super::prefilter::{Claim, Owner, Prefilter};
use super::tail::Outlook;
use super::{Detector, boundary, encoded, filter, judge, jwk, jwt, value};
use crate::rules::{RuleSet, Scanner, Window};

/// The window that most verdicts can do with: the name around a word, what stands before a value.
pub(super) const NARROW: Window = Window { before: 48, after: 48 };

/// What a boundary and the assertions of a pattern look at beyond the window of their rule.
const BORDER: usize = 8;

/// What is known about a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether it can contribute anything.
    pub(super) is_alive: bool,
    /// Whether the window [`NARROW`] decided that it cannot.
    pub(super) is_narrow: bool,
}

/// What is known beforehand about the sightings of an anchor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The window that decides their standing.
    pub(super) window: Window,
    /// How many bytes patterns may read for one of them.
    pub(super) cost: usize,
    /// How long the anchor is.
    pub(super) length: usize,
}

impl Reach {
    /// Of an anchor that nothing looks for.
    pub(super) const NONE: Self = Self { window: NARROW, cost: 0, length: 0 };
}

/// The reach of every anchor, by its number.
pub(super) fn reaches(prefilter: &Prefilter, rules: &RuleSet) -> Vec<Reach> {
    let reach = |owner: Owner| match owner {
        Owner::Pattern(index) => {
            let Window { before, after } =
                rules.rules.get(index).map_or(Window { before: 0, after: 0 }, |rule| rule.window);
            // What begins with its anchor mostly shows within a few bytes that it does not match.
            let cost = if before == 0 { after / 8 } else { before + after };
            (Window { before: before + BORDER, after: after + BORDER }, cost)
        }
        Owner::Scanner(_, Scanner::Jwt) => (Window { before: BORDER, after: jwt::REACH + BORDER }, 0),
        Owner::Scanner(_, Scanner::Jwk) | Owner::Encoded(_) | Owner::Mark => (NARROW, 0),
        Owner::Assignment => (assignment::REACH, 0),
    };
    let united =
        |a: Reach, (window, cost): (Window, usize)| Reach { window: a.window.united(window), cost: a.cost + cost, ..a };
    let of_anchor = |anchor| {
        let claims = prefilter.claims(anchor).iter();
        let none = Reach { length: prefilter.length(anchor), ..Reach::NONE };
        claims.map(|(owner, _)| reach(*owner)).fold(none, united)
    };
    prefilter.anchors().map(of_anchor).collect()
}

/// What makes looking at one sighting after the other cheaper than looking at each; it changes no verdict.
#[derive(Default)]
pub(super) struct Memory {
    tokens: jwt::Scanner,
    plain: PlainRun,
}

/// What a claim makes of a sighting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Alive,
    /// Dead, as [`NARROW`] shows.
    Narrow,
    /// Dead, as the window of the claim shows.
    Wide,
}

impl Detector {
    /// The standing of a sighting: a function of the bytes in the window of its anchor.
    pub(super) fn standing(&self, bytes: &[u8], anchor: u16, start: usize, memory: &mut Memory) -> Standing {
        let end = start + self.prefilter.length(anchor);
        let mut is_narrow = true;
        for claim in self.prefilter.claims(anchor) {
            // `keyboard` is no name that ends with `key`.
            if claim.0 == Owner::Assignment && self.goes_on(bytes, anchor, end) {
                continue;
            }
            match self.verdict(bytes, claim, start, end, memory) {
                Verdict::Alive => return Standing { is_alive: true, is_narrow: false },
                Verdict::Narrow => {}
                Verdict::Wide => is_narrow = false,
            }
        }
        Standing { is_alive: false, is_narrow }
    }

    /// Whether the word that an anchor stands in goes on as in no name that any rule looks for.
    fn goes_on(&self, bytes: &[u8], anchor: u16, end: usize) -> bool {
        let letter = bytes.get(end).filter(|byte| byte.is_ascii_lowercase()).map(|byte| byte - b'a');
        let (Some(letter), Some(letters)) = (letter, self.letters.get(usize::from(anchor))) else { return false };
        let letters = letters.get_or_init(|| self.key_rules.letters_after(self.prefilter.text(anchor)));
        letters >> letter & 1 == 0
    }

    fn verdict(&self, bytes: &[u8], claim: &Claim, start: usize, end: usize, memory: &mut Memory) -> Verdict {
        let (owner, exact) = claim;
        if exact.as_deref().is_some_and(|exact| bytes.get(start..end) != Some(exact)) {
            return Verdict::Narrow;
        }
        let is_alive = match *owner {
            Owner::Pattern(rule) => {
                let begins_value = self.rules.rules.get(rule).is_some_and(|rule| rule.window.before == 0);
                if begins_value && !boundary::starts_value(bytes, start) {
                    return Verdict::Narrow;
                }
                if let Some(Outlook::Dead(read)) = self.pattern(rule).map(|pattern| pattern.outlook(bytes, start)) {
                    // Beyond the bytes stands nothing that would have to stay.
                    return if read <= NARROW.after { Verdict::Narrow } else { Verdict::Wide };
                }
                self.pattern_finds(bytes, rule, start)
            }
            Owner::Scanner(_, Scanner::Jwt) if !boundary::starts_value(bytes, start) => return Verdict::Narrow,
            Owner::Scanner(rule, Scanner::Jwt) => raw_of_token(bytes, start, &mut memory.tokens)
                .is_some_and(|raw| self.rules.rules.get(rule).is_some_and(|rule| judge::passes(rule, &raw))),
            Owner::Scanner(_, Scanner::Jwk) if !jwk::names_type(bytes, start) => return Verdict::Narrow,
            Owner::Encoded(coding) if !encoded::is_among_its_like(bytes, start..end, coding) => return Verdict::Narrow,
            Owner::Scanner(_, Scanner::Jwk) | Owner::Encoded(_) => true,
            Owner::Assignment => return self.verdict_on_name(bytes, start, end, memory),
            Owner::Mark => return Verdict::Narrow,
        };
        if is_alive { Verdict::Alive } else { Verdict::Wide }
    }

    fn pattern_finds(&self, bytes: &[u8], index: usize, start: usize) -> bool {
        let Some(rule) = self.rules.rules.get(index) else { return false };
        let passes = |raw| judge::passes(rule, &raw);
        self.found_at(bytes, index, start).iter().any(|found| raw_of_pattern(bytes, rule, found).is_some_and(passes))
    }

    fn verdict_on_name(&self, bytes: &[u8], start: usize, end: usize, memory: &mut Memory) -> Verdict {
        let bytes = bytes.get(..start.saturating_add(assignment::REACH.after)).unwrap_or(bytes);
        let name = assignment::name(bytes, start..end);
        let Some(words) = bytes.get(name.words.clone()) else { return Verdict::Wide };
        let is_narrow = name.read.start + NARROW.before >= start && name.read.end <= start + NARROW.after;
        let (may_assign, read) = assignment::may_assign(bytes, &name);
        if !may_assign {
            // A name that nobody looks for is dead whatever follows, also where what follows alone would say so.
            let is_told = read <= start + NARROW.after || !self.key_rules.knows(words);
            return if is_narrow && is_told { Verdict::Narrow } else { Verdict::Wide };
        }
        if !self.key_rules.knows(words) {
            return if is_narrow { Verdict::Narrow } else { Verdict::Wide };
        }
        if memory.plain.swallows(bytes, name.span.start) {
            return Verdict::Wide;
        }
        let Some(assignment) = assignment::assigned(bytes, &name) else { return Verdict::Wide };
        let found = LazyCell::new(|| self.rules_for(words));
        let is_alive = assignment.each().any(|assignment| {
            let value = value::of_assignment(bytes, &assignment);
            let mark = self.refused.mark(words, &value, assignment.is_literal);
            if self.refused.holds(mark) {
                return false;
            }
            let is_alive = self.is_assignment_alive(&assignment, &value, &found);
            if !is_alive {
                self.refused.add(mark);
            }
            is_alive
        });
        if is_alive { Verdict::Alive } else { Verdict::Wide }
    }

    /// Whether one of the rules that look for a name may keep what is assigned to it. Nothing tells that but the name, the value, and
    /// whether it is a literal.
    fn is_assignment_alive<F: FnOnce() -> Vec<KeyMatch>>(
        &self,
        assignment: &Assignment,
        value: &[u8],
        found: &LazyCell<Vec<KeyMatch>, F>,
    ) -> bool {
        let passes = |value: &[u8]| {
            // What is refused whatever the rule is refused once, before a hundred rules are asked: those of gitleaks alone are not so
            // particular, and they look for no names.
            value.len() >= self.shortest_assigned
                && !filter::refuses_assigned(value, assignment.is_literal)
                && found.iter().filter(|found| self.gate(found.rule).admits(value)).any(|found| {
                    self.rules.rules.get(found.rule).is_some_and(|rule| {
                        self.may_hold(found.rule, rule, value)
                            && judge::passes(rule, &raw_of_assignment(assignment, value, &[], *found, rule))
                    })
                })
        };
        // Whether the value is one of a Kubernetes secret is told by what stands far away: both readings count.
        passes(value) || value::behind_base64(value).is_some_and(|value| passes(&value))
    }
}
