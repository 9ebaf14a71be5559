//! The prefilter: one pass over the bytes for the anchors of all rules.
//!
//! Each anchor is looked for by a `window` of its rarest bytes. A filter (`bloom` in the registers of AVX-512, elsewhere `sums`)
//! tells where windows may be, for many places at once (`simd`); those are collected (`candidates`), judged by what stands beside them
//! (`neighbours`), and looked up (`dictionary`).

#[cfg(target_arch = "x86_64")]
mod bloom;
mod candidates;
mod chance;
mod common;
mod dictionary;
mod neighbours;
mod search;
mod simd;
mod sums;
mod window;

use std::borrow::Cow;
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
        let mut asked: Vec<Asked<'a>> = Vec::new();
        for (index, rule) in rules.enumerate() {
            let is_exact = rule.anchors_are_case_sensitive;
            let mut ask = |owner, text: &'a str| asked.push(Asked { text: text.into(), owner, is_exact });
            let anchors = rule.anchors.iter().map(AsRef::as_ref);
            match &rule.matcher {
                Matcher::Pattern(_) => anchors.for_each(|anchor| ask(Owner::Pattern(index), anchor)),
                Matcher::Scanner(scanner) => anchors.for_each(|anchor| ask(Owner::Scanner(index, *scanner), anchor)),
                Matcher::Keys(_) => anchors.for_each(|anchor| ask(Owner::Assignment, anchor)),
                Matcher::Vendor(key) => {
                    key.names(&rule.anchors).for_each(|anchor| ask(Owner::Assignment, anchor));
                }
                // Nothing is looked for in the bytes.
                Matcher::File => {}
            }
        }
        asked.extend(encoded::anchors().into_iter().map(|(anchor, coding)| {
            let is_exact = coding != Coding::Hex;
            Asked { text: anchor.into(), owner: Owner::Encoded(coding), is_exact }
        }));
        asked.push(Asked { text: OWN_MARK.into(), owner: Owner::Mark, is_exact: true });
        let (anchors, claims) = by_anchor(&asked);
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

/// An anchor as somebody asks for it.
struct Asked<'a> {
    text: Cow<'a, str>,
    owner: Owner,
    /// Whether its case matters.
    is_exact: bool,
}

impl Asked<'_> {
    /// Its first bytes in lower case, which mostly are enough to tell which of two comes first.
    fn beginning(&self) -> u64 {
        let mut beginning = [0; 8];
        beginning.iter_mut().zip(self.text.bytes()).for_each(|(to, byte)| *to = byte.to_ascii_lowercase());
        u64::from_be_bytes(beginning)
    }

    fn lower_case(&self) -> impl Iterator<Item = u8> {
        self.text.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

/// All anchors in lower case, ascending, and who asks for each, once and in their order.
fn by_anchor(asked: &[Asked<'_>]) -> (Vec<Vec<u8>>, Vec<Vec<Claim>>) {
    // What is moved around while it is sorted is small: the beginning of each, and the others only where two begin alike.
    let mut order: Vec<(u64, &Asked<'_>)> = asked.iter().map(|asked| (asked.beginning(), asked)).collect();
    order.sort_by(|(a_begins, a), (b_begins, b)| {
        a_begins.cmp(b_begins).then_with(|| a.lower_case().cmp(b.lower_case()))
    });
    let is_same = |(a_begins, a): &(u64, &Asked<'_>), (b_begins, b): &(u64, &Asked<'_>)| {
        a_begins == b_begins && a.text.eq_ignore_ascii_case(&b.text)
    };
    let claims = |asked: &[(u64, &Asked<'_>)]| {
        let mut claims: Vec<Claim> = Vec::with_capacity(1);
        for (_, Asked { text, owner, is_exact }) in asked {
            let exact = is_exact.then(|| text.as_bytes());
            if !claims.iter().any(|(other, others)| other == owner && others.as_deref() == exact) {
                claims.push((*owner, exact.map(Into::into)));
            }
        }
        claims
    };
    let of_one = |asked: &[(u64, &Asked<'_>)]| Some((asked.first()?.1.lower_case().collect(), claims(asked)));
    order.chunk_by(is_same).filter_map(of_one).unzip()
}

impl AnchorSearch {
    /// The search for all anchors that a detector with these rules looks for.
    pub fn of_rules(rules: &RuleSet) -> Self {
        Prefilter::new(rules.rules.iter().map(AsRef::as_ref)).search
    }
}

#[cfg(test)]
mod tests;
