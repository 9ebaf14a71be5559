//! What stands in every match of a pattern from its anchor on: mostly a few bytes tell that there is no match.

use regex_automata::Anchored;
use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton, StartKind};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::start;
use regex_syntax::hir::{Class, Hir, HirKind, Literal, Repetition};

use crate::rules;

/// An automaton of more bytes is not built: it would cost more than it saves.
const LARGEST: usize = 64 * 1024;

/// So many repetitions are counted. What matches that often is looked at by the pattern itself, and few texts get so far; to count to
/// hundreds would take an automaton as many states.
const MOST_COUNTED: u32 = 20;

/// The rest of a pattern from its anchor on.
pub(super) struct Tail {
    automaton: DFA<Vec<u32>>,
}

/// What some bytes tell of a match that may begin there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// There may be one.
    Open,
    /// There is none, as this many bytes show, whatever follows them.
    Dead(usize),
}

impl Tail {
    /// The whole of a pattern whose matches begin with the anchor. `None` if its automaton would be large.
    pub(super) fn of_whole(pattern: &str) -> Option<Self> {
        Self::of(&relaxed(rules::parse(pattern).ok()?))
    }

    fn of(rest: &Hir) -> Option<Self> {
        let nfa = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None).nfa_size_limit(Some(LARGEST));
        let nfa = thompson::Compiler::new().configure(nfa).build_from_hir(rest).ok()?;
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .minimize(false)
            .accelerate(false)
            .dfa_size_limit(Some(LARGEST))
            .determinize_size_limit(Some(LARGEST));
        let automaton = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        Some(Self { automaton })
    }

    /// What follows in a pattern from its anchors on, wherever one of them stands in it as it is. `None` if matches are thinkable in
    /// which none does. Where a match holds an anchor several times, one of them is enough to find it.
    pub(super) fn of_part(pattern: &str, anchors: &[impl AsRef<str>], are_exact: bool) -> Option<Self> {
        let anchors = Anchors { texts: anchors.iter().map(|anchor| anchor.as_ref().as_bytes()).collect(), are_exact };
        let rests = rests(&relaxed(rules::parse(pattern).ok()?), &anchors);
        if rests.is_certain { Self::of(&Hir::alternation(rests.rests)) } else { None }
    }

    /// Reads bytes from the anchor on, as far as they could belong to a match.
    pub(super) fn read(&self, text: &[u8]) -> Outlook {
        let begin = start::Config::new().anchored(Anchored::Yes);
        let Ok(mut state) = self.automaton.start_state(&begin) else { return Outlook::Open };
        for (index, byte) in text.iter().enumerate() {
            state = self.automaton.next_state(state, *byte);
            if self.automaton.is_special_state(state) {
                if self.automaton.is_dead_state(state) {
                    return Outlook::Dead(index + 1);
                }
                return Outlook::Open;
            }
        }
        // The end itself may be what a match asks for.
        let end = self.automaton.next_eoi_state(state);
        if self.automaton.is_match_state(end) { Outlook::Open } else { Outlook::Dead(usize::MAX) }
    }
}

/// A pattern without groups that matches whatever this one does, and counts no further than to [`MOST_COUNTED`].
fn relaxed(pattern: Hir) -> Hir {
    match pattern.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(Literal(bytes)) => Hir::literal(bytes),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let (min, max) = (min.min(MOST_COUNTED), max.filter(|max| *max <= MOST_COUNTED));
            Hir::repetition(Repetition { min, max, greedy, sub: Box::new(relaxed(*sub)) })
        }
        HirKind::Capture(group) => relaxed(*group.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(relaxed).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(relaxed).collect()),
    }
}

/// The anchors of a rule.
struct Anchors<'a> {
    texts: Vec<&'a [u8]>,
    /// Whether their case matters.
    are_exact: bool,
}

impl Anchors<'_> {
    /// Whether one of them stands at the beginning of some parts that follow each other.
    fn stand_in(&self, parts: &[Hir]) -> bool {
        self.texts.iter().any(|text| {
            text.len() <= parts.len() && text.iter().zip(parts).all(|(byte, part)| self.is_always(part, *byte))
        })
    }

    /// Whether a part is nothing but one byte of an anchor.
    fn is_always(&self, part: &Hir, byte: u8) -> bool {
        let is_it = |other: u8| if self.are_exact { other == byte } else { other.eq_ignore_ascii_case(&byte) };
        match part.kind() {
            HirKind::Literal(Literal(bytes)) => matches!(**bytes, [other] if is_it(other)),
            HirKind::Class(Class::Bytes(class)) => {
                class.ranges().iter().all(|range| range.len() == 1 && is_it(range.start()))
            }
            _ => false,
        }
    }
}

/// What may follow in a pattern from anchors on.
struct Rests {
    /// For each place where one stands: it and all that follows.
    rests: Vec<Hir>,
    /// Whether one stands in every match.
    is_certain: bool,
}

fn rests(pattern: &Hir, anchors: &Anchors<'_>) -> Rests {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Rests { rests: Vec::new(), is_certain: false },
        HirKind::Literal(_) | HirKind::Class(_) => rests_of_row(&single_bytes(std::slice::from_ref(pattern)), anchors),
        HirKind::Concat(parts) => rests_of_row(&single_bytes(parts), anchors),
        HirKind::Alternation(parts) => {
            let all: Vec<Rests> = parts.iter().map(|part| rests(part, anchors)).collect();
            let is_certain = all.iter().all(|part| part.is_certain);
            Rests { rests: all.into_iter().flat_map(|part| part.rests).collect(), is_certain }
        }
        HirKind::Capture(group) => rests(&group.sub, anchors),
        HirKind::Repetition(repetition) => {
            let inner = rests(&repetition.sub, anchors);
            let again = Hir::repetition(Repetition { min: 0, max: None, ..repetition.clone() });
            let rests = inner.rests.into_iter().map(|rest| Hir::concat(vec![rest, again.clone()])).collect();
            Rests { rests, is_certain: inner.is_certain && repetition.min > 0 }
        }
    }
}

/// Of parts that follow each other.
fn rests_of_row(parts: &[Hir], anchors: &Anchors<'_>) -> Rests {
    let mut found = Rests { rests: Vec::new(), is_certain: false };
    for (place, part) in parts.iter().enumerate() {
        let (from_here, behind) = (parts.get(place..).unwrap_or_default(), parts.get(place + 1..).unwrap_or_default());
        if anchors.stand_in(from_here) {
            found.rests.push(Hir::concat(from_here.to_vec()));
            found.is_certain = true;
        }
        if !matches!(part.kind(), HirKind::Literal(_) | HirKind::Class(_)) {
            let inner = rests(part, anchors);
            found.is_certain |= inner.is_certain;
            found.rests.extend(inner.rests.into_iter().map(|rest| Hir::concat([&[rest], behind].concat())));
        }
    }
    found
}

/// The parts with literals taken apart, so that an anchor may begin and end anywhere.
fn single_bytes(parts: &[Hir]) -> Vec<Hir> {
    let mut single = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Literal(Literal(bytes)) => single.extend(bytes.iter().map(|byte| Hir::literal([*byte]))),
            _ => single.push(part.clone()),
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_told_only_where_they_are_certain() {
        for (pattern, anchors, expected) in [
            ("[a-z]+://(?P<secret>[a-z]+)@", &["://"][..], true),
            ("[a-z]+://(?P<secret>a|b)@", &["://"], true),
            ("[a-z]+(?P<secret>://a|b://)@", &["://"], true),
            ("[a-z]+(?:://|b)@", &["://"], false),
            ("(?:[a-z]+://)?(?P<secret>[a-z]+)", &["://"], false),
            ("(?:[a-z]+://){1,2}(?P<secret>[a-z]+)", &["://"], true),
            ("[a-z]+://?(?P<secret>[a-z]+)", &["://"], false),
            ("(?P<secret>[x://y]+)", &["://"], false),
            ("(?P<secret>[a-z]+)", &["://"], false),
            ("(?:auth(?:Token)?|pass)=(?P<secret>[a-z]+)", &["auth"], false),
            ("(?:auth(?:Token)?|pass)=(?P<secret>[a-z]+)", &["auth", "pass"], true),
            ("(?i:auth)=(?P<secret>[a-z]+)", &["auth"], false),
        ] {
            assert_eq!(Tail::of_part(pattern, anchors, true).is_some(), expected, "{pattern}");
        }
        assert!(Tail::of_part("(?i:auth)=(?P<secret>[a-z]+)", &["auth"], false).is_some());
        assert!(Tail::of_part("(?i:auth)=(?P<secret>[a-z]+)", &["auth="], false).is_some());
    }

    #[test]
    fn any_of_the_places_of_an_anchor_begins_a_tail() {
        let tail =
            Tail::of_part("(?i:basic |x-auth: ){1,2}(?P<secret>[a-z]{4})(?:;|$)", &["basic", "auth"], false).unwrap();
        for (text, expected) in [
            ("Basic abcd;", Outlook::Open),
            ("BASIC AUTH: abcd", Outlook::Dead(7)),
            ("auth: basic abcd", Outlook::Open),
            ("auth: abc;", Outlook::Dead(10)),
            ("basics", Outlook::Dead(6)),
        ] {
            assert_eq!(tail.read(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_first_byte_that_fits_no_match_ends_it() {
        let tail = Tail::of_whole("://(?:[a-z]{1,9})?:[a-z]{2,4}@(?:[^a-z]|$)").unwrap();
        for (text, expected) in [
            ("://acme.dev/path", Outlook::Dead(8)),
            ("://user:pass@", Outlook::Open),
            ("://user:pass@/", Outlook::Open),
            ("://user:pass@a", Outlook::Dead(14)),
            ("://user:passwd", Outlook::Dead(13)),
            ("://user:pas", Outlook::Dead(usize::MAX)),
            ("", Outlook::Dead(usize::MAX)),
        ] {
            assert_eq!(tail.read(text.as_bytes()), expected, "{text}");
        }
        assert!(Tail::of_whole("(?s)x(?:.*[ab].{30}){3}").is_none());
    }

    #[test]
    fn what_repeats_often_is_left_to_the_pattern() {
        for (pattern, text, expected) in [
            ("x_[a-z]{40}", "x_abcdefgh-", Outlook::Dead(11)),
            ("x_[a-z]{40}", "x_abcdefghijklmnopqrst-", Outlook::Open),
            ("x_[a-z]{2,40}-", "x_abcdefghijklmnopqrstuvw.", Outlook::Dead(26)),
            ("x_(?:[a-z]{30}|[0-9]{40,})", "x_012345678x", Outlook::Dead(12)),
            ("x_[a-z]{3,20}-", "x_abcdefghijklmnopqrstuvw-", Outlook::Dead(23)),
        ] {
            assert_eq!(Tail::of_whole(pattern).unwrap().read(text.as_bytes()), expected, "{pattern}");
        }
    }
}
