//! The prefilter: one pass over the bytes for the anchors of all rules.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::rules::{Matcher, Rule, Scanner};

/// What an anchor was found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A rule with a pattern, by its place in the rule set.
    Pattern(usize),
    /// A rule with a scanner, by its place in the rule set.
    Scanner(usize, Scanner),
    /// All rules that look for the value of a key.
    Assignment,
}

/// An anchor in the bytes, however it is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sighting {
    /// Where it begins.
    pub(super) start: u32,
    /// Which anchor it is.
    pub(super) anchor: u16,
}

/// An anchor in the bytes, spelled as its owner wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) owner: Owner,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Who asked for an anchor, and how exactly it must be spelled if its case matters.
pub(super) type Claim = (Owner, Option<Box<[u8]>>);

/// So many bytes make it worth to build the automaton that is faster and takes longer to build.
const WORTHWHILE: usize = 4 << 20;

/// Finds anchors.
pub(super) struct Prefilter {
    /// Ready in a fraction of a millisecond, for the few files of a commit.
    automaton: AhoCorasick,
    /// Built when a scan turns out to be a long one.
    fast_automaton: OnceLock<AhoCorasick>,
    /// How many bytes have been looked through, until the fast automaton is there.
    seen: AtomicUsize,
    anchors: Vec<Vec<u8>>,
    claims: Vec<Vec<Claim>>,
}

fn build<'a>(kind: AhoCorasickKind, anchors: impl IntoIterator<Item = &'a Vec<u8>>) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(anchors)
        .expect("rule files of two gigabytes would be needed to exceed the automaton's limits")
}

impl Prefilter {
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut anchors: BTreeMap<Vec<u8>, Vec<Claim>> = BTreeMap::new();
        for (index, rule) in rules.enumerate() {
            let owner = match rule.matcher {
                Matcher::Pattern(_) => Owner::Pattern(index),
                Matcher::Scanner(scanner) => Owner::Scanner(index, scanner),
                Matcher::Keys(_) => Owner::Assignment,
            };
            for anchor in &rule.anchors {
                let exact = rule.anchors_are_case_sensitive.then(|| anchor.as_bytes().into());
                let owners = anchors.entry(anchor.to_ascii_lowercase().into_bytes()).or_default();
                if !owners.contains(&(owner, exact.clone())) {
                    owners.push((owner, exact));
                }
            }
        }
        let automaton = build(AhoCorasickKind::ContiguousNFA, anchors.keys());
        let (anchors, claims) = anchors.into_iter().unzip();
        Self { automaton, fast_automaton: OnceLock::new(), seen: AtomicUsize::new(0), anchors, claims }
    }

    fn automaton_for(&self, size: usize) -> &AhoCorasick {
        if self.fast_automaton.get().is_none() && self.seen.fetch_add(size, Relaxed).saturating_add(size) < WORTHWHILE {
            return &self.automaton;
        }
        self.fast_automaton.get_or_init(|| build(AhoCorasickKind::DFA, &self.anchors))
    }

    /// Every anchor that lies wholly inside `zone`, ascending. Nothing is found beyond the first four gigabytes.
    pub(super) fn scan(&self, bytes: &[u8], zone: Range<usize>, sightings: &mut Vec<Sighting>) {
        let text = bytes.get(zone.clone()).unwrap_or_default();
        let first = sightings.len();
        for found in self.automaton_for(text.len()).find_overlapping_iter(text) {
            let start = u32::try_from(zone.start.saturating_add(found.start()));
            if let (Ok(start), Ok(anchor)) = (start, u16::try_from(found.pattern().as_usize())) {
                sightings.push(Sighting { start, anchor });
            }
        }
        if let Some(new) = sightings.get_mut(first..) {
            new.sort_unstable();
        }
    }

    /// Who asked for an anchor.
    pub(super) fn claims(&self, anchor: u16) -> &[Claim] {
        self.claims.get(usize::from(anchor)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Length of an anchor in bytes.
    pub(super) fn length(&self, anchor: u16) -> usize {
        self.anchors.get(usize::from(anchor)).map_or(0, Vec::len)
    }

    /// Every anchor in the bytes, as its owners spell it.
    pub(super) fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut sightings = Vec::new();
        self.scan(bytes, 0..bytes.len(), &mut sightings);
        let mut hits = Vec::new();
        for Sighting { start, anchor } in sightings {
            let start = start as usize;
            let end = start + self.length(anchor);
            for (owner, exact) in self.claims(anchor) {
                if exact.as_deref().is_none_or(|exact| bytes.get(start..end) == Some(exact)) {
                    hits.push(Hit { owner: *owner, start, end });
                }
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    #[test]
    fn both_automata_find_the_same() {
        let rules = RuleSet::load(&[]).expect("the rules of the binary");
        let prefilter = Prefilter::new(rules.rules.iter().map(AsRef::as_ref));
        let text = b"CLIENT_SECRET=a Authorization: bearer eyJ ghp_ GHP_ -----BEGIN xoxb- password";
        let first = prefilter.hits(text);
        assert!(first.len() > 5);
        assert!(prefilter.fast_automaton.get().is_none());
        assert_eq!(prefilter.hits(&vec![b' '; WORTHWHILE]), []);
        assert!(prefilter.fast_automaton.get().is_some());
        assert_eq!(prefilter.hits(text), first);
    }
}
