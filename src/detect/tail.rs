//! What stands in every match of a pattern from its anchor on: mostly a few bytes tell that there is no match.

use regex::bytes::Regex;
use regex_automata::Anchored;
use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton, StartKind};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};

use crate::rules;

/// An automaton of more bytes is not built: it would cost more than it saves.
const LARGEST: usize = 256 * 1024;

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
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .minimize(false)
            .accelerate(false)
            .dfa_size_limit(Some(LARGEST))
            .determinize_size_limit(Some(LARGEST));
        let automaton = dense::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(LARGEST)))
            .build(pattern)
            .ok()?;
        Some(Self { automaton })
    }

    /// What follows in a pattern from its only anchor on, if the anchor stands there once, as it is, and outside any group.
    pub(super) fn of_part(pattern: &str, anchors: &[impl AsRef<str>]) -> Option<Self> {
        let [anchor] = anchors else { return None };
        let anchor = anchor.as_ref();
        let (head, rest) = pattern.split_once(anchor)?;
        let is_literal = regex::escape(anchor) == anchor;
        // What an alternative or a flag makes of the rest is not told by the text behind the anchor alone.
        let is_flag = |group: &str| !["P<", "<", ":"].iter().any(|start| group.starts_with(start));
        let has_flags = pattern.split("(?").skip(1).any(is_flag);
        if !is_literal || rest.contains(anchor) || pattern.contains('|') || has_flags {
            return None;
        }
        let compile = |part: &str| -> Option<Regex> { rules::compile(part).ok() };
        let stands_alone = |part: &str| part.is_empty() || compile(part).is_some();
        if !stands_alone(head) || !stands_alone(rest) || head.ends_with('\\') {
            return None;
        }
        Self::of_whole(&format!("{anchor}{rest}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_told_only_where_they_are_certain() {
        let anchors = ["://".to_owned()];
        for (pattern, expected) in [
            ("[a-z]+://(?P<secret>[a-z]+)@", true),
            ("[a-z]+://(?P<secret>a|b)@", false),
            ("(?s)[a-z]+://(?P<secret>.+)@", false),
            ("(?:[a-z]+://)?(?P<secret>[a-z]+)", false),
            ("[a-z]+://?(?P<secret>[a-z]+)", false),
            ("[a-z]+://(?P<secret>[a-z]+)://", false),
            ("(?P<secret>[x://y]+)", false),
            ("(?P<secret>[a-z]+)", false),
        ] {
            assert_eq!(Tail::of_part(pattern, &anchors).is_some(), expected, "{pattern}");
        }
        assert!(Tail::of_part("a://b", &["://".to_owned(), "b".to_owned()]).is_none());
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
}
