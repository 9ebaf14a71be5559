//! The prefilter: one pass over the bytes for the anchors of all rules.
//!
//! Each anchor is looked for by a `window` of its rarest bytes. A filter in the registers of the processor (`bloom` or `nibble`)
//! tells where windows may be, for many places at once (`simd`); those are collected (`candidates`) and looked up (`dictionary`).

mod bloom;
mod candidates;
mod common;
mod dictionary;
mod nibble;
mod search;
mod simd;
mod window;

use std::collections::BTreeMap;
use std::ops::Range;

pub use search::AnchorSearch;

use super::allow::OWN_MARK;
use super::encoded::{self, Coding};
use crate::rules::{Matcher, Rule, RuleSet, Scanner};

/// What an anchor was found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    /// A rule with a pattern, by its place in the rule set.
    Pattern(usize),
    /// A rule with a scanner, by its place in the rule set.
    Scanner(usize, Scanner),
    /// All rules that look for the value of a key.
    Assignment,
    /// All rules, within an encoding.
    Encoded(Coding),
    /// Nobody: it is our mark that allows secrets, of which it may be told that there is none.
    Mark,
}

/// An anchor in the bytes, spelled as at least one of its owners wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Where it begins.
    pub start: u32,
    /// Which anchor it is.
    pub anchor: u16,
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

/// Finds anchors.
pub(super) struct Prefilter {
    search: AnchorSearch,
    anchors: Vec<Vec<u8>>,
    claims: Vec<Vec<Claim>>,
}

impl Prefilter {
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let texts = |rule: &'a Rule| rule.anchors.iter().map(AsRef::as_ref).collect();
        let mut anchors: BTreeMap<Vec<u8>, Vec<Claim>> = BTreeMap::new();
        for (index, rule) in rules.enumerate() {
            let (owner, texts): (Owner, Vec<&str>) = match &rule.matcher {
                Matcher::Pattern(_) => (Owner::Pattern(index), texts(rule)),
                Matcher::Scanner(scanner) => (Owner::Scanner(index, *scanner), texts(rule)),
                Matcher::Keys(_) => (Owner::Assignment, texts(rule)),
                Matcher::Vendor(key) => (Owner::Assignment, key.names(&rule.anchors).collect()),
                // Nothing is looked for in the bytes.
                Matcher::File => continue,
            };
            for anchor in texts {
                let exact = rule.anchors_are_case_sensitive.then(|| anchor.as_bytes().into());
                let owners = anchors.entry(anchor.to_ascii_lowercase().into_bytes()).or_default();
                if !owners.contains(&(owner, exact.clone())) {
                    owners.push((owner, exact));
                }
            }
        }
        for (anchor, coding) in encoded::anchors() {
            let exact = (coding != Coding::Hex).then(|| anchor.as_bytes().into());
            anchors.entry(anchor.to_ascii_lowercase().into_bytes()).or_default().push((Owner::Encoded(coding), exact));
        }
        anchors.entry(OWN_MARK.into()).or_default().push((Owner::Mark, Some(OWN_MARK.as_bytes().into())));
        let (anchors, claims): (Vec<Vec<u8>>, Vec<Vec<Claim>>) = anchors.into_iter().unzip();
        let spellings = |anchor: u16| {
            // An anchor that somebody wants however it is spelled is wanted however it is spelled.
            let claims = claims.get(usize::from(anchor)).map(Vec::as_slice).unwrap_or_default();
            claims.iter().map(|(_, exact)| exact.clone()).collect::<Option<Vec<_>>>().unwrap_or_default()
        };
        let search = AnchorSearch::new(&anchors, spellings);
        Self { search, anchors, claims }
    }

    /// Every anchor that lies wholly inside `zone`, ascending. Nothing is found beyond the first four gigabytes.
    pub(super) fn scan(&self, bytes: &[u8], zone: Range<usize>, sightings: &mut Vec<Sighting>) {
        self.search.scan(bytes, zone, sightings);
    }

    /// All anchors by their numbers.
    pub(super) fn anchors(&self) -> impl ExactSizeIterator<Item = u16> {
        0..u16::try_from(self.anchors.len()).unwrap_or(u16::MAX)
    }

    /// Who asked for an anchor.
    pub(super) fn claims(&self, anchor: u16) -> &[Claim] {
        self.claims.get(usize::from(anchor)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The anchor that is our mark.
    pub(super) fn mark(&self) -> Option<u16> {
        let index = self.anchors.binary_search_by(|anchor| anchor.as_slice().cmp(OWN_MARK.as_bytes()));
        index.ok().and_then(|index| u16::try_from(index).ok())
    }

    /// An anchor, in lower case.
    pub(super) fn text(&self, anchor: u16) -> &[u8] {
        self.anchors.get(usize::from(anchor)).map(Vec::as_slice).unwrap_or_default()
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

impl AnchorSearch {
    /// The search for all anchors that a detector with these rules looks for.
    pub fn of_rules(rules: &RuleSet) -> Self {
        Prefilter::new(rules.rules.iter().map(AsRef::as_ref)).search
    }
}

#[cfg(test)]
mod tests;
