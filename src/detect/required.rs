//! What rules that were written for gitleaks require beside what they find.
//!
//! Looked for once something was found that needs it, and in the bytes around that alone: a part of what the judge does, so that
//! it is the same however the sightings came about.

use std::collections::BTreeMap;
use std::ops::Range;

use super::filter::Filter;
use super::judge::{Judge, Match};
use super::{Detector, allow, pattern, shape};
use crate::rules::{Content, Required, RequiredCompanion};

/// What is required may begin so far from what requires it, in bytes. Gitleaks looks at pieces of about 100 KB.
const FARTHEST: usize = 128 << 10;

/// How far bytes have a say in whether something is accompanied: what is required may have some length.
pub(super) const REACH: usize = FARTHEST + (16 << 10);

/// Of what was found on either side, so much is looked at: columns may fit anywhere.
const MOST_TRIED: usize = 1000;

/// Where something begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: usize,
    /// Counted from the start of the bytes.
    line: usize,
    /// In bytes.
    column: usize,
}

impl Detector {
    /// Drops what lacks something that its rule requires beside it.
    pub(super) fn keep_accompanied(&self, bytes: &[u8], judge: &mut Judge<'_>) {
        let mut seekers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for found in judge.matches.iter().filter(|found| !self.required_by(found.rule).is_empty()) {
            seekers.entry(found.rule).or_default().push(found.whole.start);
        }
        if seekers.is_empty() {
            return;
        }
        // Of each rule that requires something, where what it requires stands.
        let mut companions: BTreeMap<usize, Vec<Vec<Place>>> = BTreeMap::new();
        for (rule, starts) in seekers {
            let required = self.required_by(rule).iter();
            let places = required.map(|required| places(bytes, self.starts_of(bytes, required, &starts, judge)));
            companions.insert(rule, places.collect());
        }
        for found in judge.take() {
            let is_accompanied = companions.get(&found.rule).is_none_or(|companions| {
                let place = places(bytes, vec![found.whole.start]);
                let required = self.required_by(found.rule).iter().zip(companions);
                place
                    .first()
                    .is_some_and(|place| required.clone().all(|(required, all)| has_near(place, required, all)))
            });
            match self.rules.rules.get(found.rule) {
                Some(rule) if !is_accompanied => judge.refuse(rule, found.span, Filter::Context),
                _ => judge.matches.push(found),
            }
        }
    }

    fn required_by(&self, rule: usize) -> &[Required] {
        let borrowed = self.rules.rules.get(rule).and_then(|rule| rule.borrowed.as_ref());
        borrowed.map_or(&[], |borrowed| borrowed.required.as_slice())
    }

    /// Where something required begins, as far as it could be near one of these places.
    fn starts_of(&self, bytes: &[u8], required: &Required, around: &[usize], judge: &Judge<'_>) -> Vec<usize> {
        let (name, pattern, shape) = match &required.companion {
            RequiredCompanion::Pattern { rule, pattern, shape } => (rule, pattern, shape),
            RequiredCompanion::Rules(ids) => {
                let is_of_them =
                    |found: &&Match| self.rules.rules.get(found.rule).is_some_and(|rule| ids.contains(&rule.id));
                return judge.matches.iter().filter(is_of_them).map(|found| found.whole.start).collect();
            }
        };
        let allowlists = &self.rules.allowlists;
        let counts = |found: &pattern::Found| {
            let Some(secret) = bytes.get(found.secret.clone()) else { return false };
            let matched = bytes.get(found.whole.clone()).unwrap_or_default();
            let lines = bytes.get(allow::lines(bytes, &found.secret)).unwrap_or_default();
            // Nobody needs to be sure of it: that it stands there is what counts.
            shape::test(shape, secret).is_ok()
                && !allowlists.allows_anywhere(&Content { rule: name, secret, matched, lines })
        };
        let found =
            regions(around, bytes.len()).into_iter().flat_map(|region| pattern::find_in(pattern, bytes, region));
        found.filter(counts).map(|found| found.whole.start).collect()
    }
}

/// What lies near enough to one of the places, as ranges that do not overlap.
fn regions(around: &[usize], length: usize) -> Vec<Range<usize>> {
    let mut around = around.to_vec();
    around.sort_unstable();
    let mut regions: Vec<Range<usize>> = Vec::new();
    for start in around {
        let region = start.saturating_sub(FARTHEST)..start.saturating_add(REACH).min(length);
        match regions.last_mut() {
            Some(last) if region.start <= last.end => last.end = region.end.max(last.end),
            _ => regions.push(region),
        }
    }
    regions
}

/// The lines and columns of some positions, ascending and each once. No line is followed back further than bytes have a say.
fn places(bytes: &[u8], mut starts: Vec<usize>) -> Vec<Place> {
    starts.sort_unstable();
    starts.dedup();
    let (mut line, mut counted) = (0, 0);
    let place = |start: usize| {
        line += memchr::memchr_iter(b'\n', bytes.get(counted..start).unwrap_or_default()).count();
        counted = start;
        let before = bytes.get(start.saturating_sub(FARTHEST)..start).unwrap_or_default();
        let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        Place { start, line, column }
    };
    starts.into_iter().map(place).collect()
}

/// Whether one of the places, which ascend, is as near as is required.
fn has_near(place: &Place, required: &Required, all: &[Place]) -> bool {
    let is_within =
        |limit: Option<usize>, one: usize, other: usize| limit.is_none_or(|limit| one.abs_diff(other) <= limit);
    let in_reach = |other: &&Place| {
        other.start.abs_diff(place.start) <= FARTHEST && is_within(required.within_lines, other.line, place.line)
    };
    let fits = |other: &Place| is_within(required.within_columns, other.column, place.column);
    let (before, after) = all.split_at(all.partition_point(|other| other.start < place.start));
    before.iter().rev().take(MOST_TRIED).take_while(in_reach).any(fits)
        || after.iter().take(MOST_TRIED).take_while(in_reach).any(fits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Whether one of the letters `a` is near enough to the letter `p`.
    fn check(text: &str, [within_lines, within_columns]: [Option<usize>; 2], expected: bool) {
        let companion = RequiredCompanion::Rules(BTreeSet::new());
        let required = Required { name: "a".to_owned(), companion, within_lines, within_columns };
        let of = |letter| places(text.as_bytes(), text.match_indices(letter).map(|(start, _)| start).collect());
        assert_eq!(has_near(&of('p')[0], &required, &of('a')), expected, "{text:?}");
    }

    #[test]
    fn lines_and_columns_bound_a_rectangle() {
        for (text, limits, expected) in [
            ("p\n\n\na", [None, None], true),
            ("p", [None, None], false),
            ("p\n\n\na", [Some(3), None], true),
            ("p\n\n\na", [Some(2), None], false),
            ("a\n\n\np", [Some(3), None], true),
            ("a\n\n\np", [Some(2), None], false),
            ("a p", [Some(0), None], true),
            ("p....a", [None, Some(5)], true),
            ("p....a", [None, Some(4)], false),
            ("a....p", [None, Some(5)], true),
            ("a....p", [None, Some(4)], false),
            // Columns count on whatever line.
            (".....p\n\n\n...a", [None, Some(2)], true),
            (".....p\n\n\n..a", [None, Some(2)], false),
            (".....p\n\n\n...a", [Some(2), Some(2)], false),
            (".....p\n\n...a", [Some(2), Some(2)], true),
            // The nearest does not fit, another one does.
            ("...p...a\n...a", [Some(1), Some(1)], true),
        ] {
            check(text, limits, expected);
        }
    }

    #[test]
    fn distance_and_number_are_bounded() {
        let far = |length: usize| format!("p{}a", " ".repeat(length));
        check(&far(FARTHEST - 1), [None, None], true);
        check(&far(FARTHEST), [None, None], false);
        let many = format!(".{}", "a\n".repeat(3 * MOST_TRIED));
        check(&format!("{many}......p\n......a"), [None, Some(0)], true);
        check(&format!("......a\n{many}......p"), [None, Some(0)], false);
    }
}
