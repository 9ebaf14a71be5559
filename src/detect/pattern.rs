//! Patterns, run where their anchors stand and nowhere else.
//!
//! What a rule finds is what it finds around each of its anchors alone, so that an anchor whose window did not change finds the
//! same again. Where anchors stand so thick that this would cost many times the bytes, their windows are read as one.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Captures, Regex};
use regex_syntax::hir::HirKind;

use super::tail::{Outlook, Tail};
use crate::rules::{self, Window};

/// Where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// All that matched.
    pub(super) whole: Range<usize>,
    /// The group `secret`.
    pub(super) secret: Range<usize>,
    /// All other named groups, which are parts.
    pub(super) named: Vec<(String, Range<usize>)>,
}

/// The windows around the anchors, joined where they overlap: what a pattern reads is never more than the bytes there are,
/// however many anchors stand in them. `anchors` are ascending.
pub(super) fn regions(anchors: &[usize], window: Window, length: usize) -> Vec<Range<usize>> {
    let mut regions: Vec<Range<usize>> = Vec::new();
    for anchor in anchors {
        let region = anchor.saturating_sub(window.before)..anchor.saturating_add(window.after).min(length);
        match regions.last_mut() {
            Some(last) if region.start <= last.end => last.end = last.end.max(region.end),
            _ => regions.push(region),
        }
    }
    regions
}

/// A pattern, and how far from an anchor its matches may reach.
pub(super) struct Pattern {
    source: Box<str>,
    /// Compiled when the bytes behind an anchor are the first to leave a match open: most patterns see none that do.
    regex: OnceLock<Option<Compiled>>,
    window: Window,
    /// Whether every match begins with the anchor, so that it is tried there and nowhere else.
    begins_with_anchor: bool,
    /// What stands in every match from the anchor on, where that can be told.
    tail: Option<Tail>,
}

/// A pattern in the form in which it runs.
struct Compiled {
    regex: Regex,
    /// Whether all that matches is the secret, so that the groups of a match need not be told: that takes many times as long as where it
    /// begins and ends, and keys are long.
    is_all_secret: bool,
}

impl Pattern {
    /// A pattern for use at single anchors. One that is not valid finds nothing.
    pub(super) fn new(pattern: &str, anchors: &[impl AsRef<str>], are_exact: bool, window: Window) -> Self {
        let tail =
            if window.before == 0 { Tail::of_whole(pattern) } else { Tail::of_part(pattern, anchors, are_exact) };
        Self { tail, ..Self::without_tail(pattern, window) }
    }

    /// The same for a pattern that leaves open for hundreds of bytes what follows the anchor: nothing would tell early that there is no
    /// match.
    pub(super) fn without_tail(pattern: &str, window: Window) -> Self {
        let begins_with_anchor = window.before == 0;
        Self { source: pattern.into(), regex: OnceLock::new(), window, begins_with_anchor, tail: None }
    }

    fn compiled(&self) -> Option<&Compiled> {
        let regex = || {
            let pattern = &self.source;
            if !self.begins_with_anchor {
                return rules::compile(pattern).ok();
            }
            // A verbose pattern may end with a comment, which would swallow the parenthesis.
            let anchored = |end: &str| rules::compile(&format!("\\A(?:{pattern}{end})"));
            anchored("").or_else(|_| anchored("\n")).ok()
        };
        let compile = || Some(Compiled { regex: regex()?, is_all_secret: is_all_secret(&self.source) });
        self.regex.get_or_init(compile).as_ref()
    }

    /// What the bytes from an anchor on tell of a match there.
    pub(super) fn outlook(&self, bytes: &[u8], anchor: usize) -> Outlook {
        let Some(tail) = &self.tail else { return Outlook::Open };
        // One more byte is what a match may border on.
        let end = anchor.saturating_add(self.window.after).saturating_add(1).min(bytes.len());
        tail.read(bytes.get(anchor..end).unwrap_or_default())
    }

    /// Every match within the window of one anchor. Reads nothing outside the window but what a match borders on.
    pub(super) fn find(&self, bytes: &[u8], anchor: usize) -> Vec<Found> {
        let end = anchor.saturating_add(self.window.after);
        let haystack = bytes.get(..end.saturating_add(1)).unwrap_or(bytes);
        if self.outlook(bytes, anchor) != Outlook::Open {
            return Vec::new();
        }
        let Some(Compiled { regex, is_all_secret }) = self.compiled() else { return Vec::new() };
        if !self.begins_with_anchor {
            let start = anchor.saturating_sub(self.window.before);
            let is_inside = |whole: &Range<usize>| whole.end <= end;
            return if *is_all_secret {
                find_secrets(regex, haystack, start..end, is_inside)
            } else {
                find(regex, haystack, start..end, is_inside)
            };
        }
        let text = haystack.get(anchor..).unwrap_or_default();
        let mut found = find(regex, text, 0..1, |whole| whole.end <= self.window.after);
        for found in &mut found {
            found.shift(anchor);
        }
        found
    }
}

impl Found {
    fn shift(&mut self, by: usize) {
        let shifted = |range: &Range<usize>| range.start + by..range.end + by;
        self.whole = shifted(&self.whole);
        self.secret = shifted(&self.secret);
        for (_, range) in &mut self.named {
            *range = shifted(range);
        }
    }
}

/// Every match that lies within the window of one of the anchors, which are ascending: the windows that overlap are read as one.
pub(super) fn find_joined(regex: &Regex, bytes: &[u8], anchors: &[usize], window: Window) -> Vec<Found> {
    let mut found = Vec::new();
    for region in regions(anchors, window, bytes.len()) {
        // One more byte on the right, and all on the left, let the pattern see what its matches border on.
        let haystack = bytes.get(..region.end.saturating_add(1)).unwrap_or(bytes);
        found.extend(find(regex, haystack, region, |whole| lies_in_window(whole, anchors, window)));
    }
    found
}

/// All matches that begin in a region, one behind the other.
pub(super) fn find_in(regex: &Regex, bytes: &[u8], region: Range<usize>) -> Vec<Found> {
    let haystack = bytes.get(..region.end.saturating_add(1)).unwrap_or(bytes);
    find(regex, haystack, region, |_| true)
}

/// Whether a pattern is nothing but the group `secret`.
fn is_all_secret(pattern: &str) -> bool {
    rules::parse(pattern).is_ok_and(|parsed| match parsed.kind() {
        HirKind::Capture(group) => {
            group.name.as_deref() == Some("secret") && group.sub.properties().explicit_captures_len() == 0
        }
        _ => false,
    })
}

/// The matches that begin in a region, one behind the other, as far as they are accepted.
fn find(regex: &Regex, haystack: &[u8], region: Range<usize>, accept: impl Fn(&Range<usize>) -> bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut position = region.start;
    // To know whether there is a match costs less than to know its groups.
    while position < region.end && regex.is_match_at(haystack, position) {
        let Some(captures) = regex.captures_at(haystack, position) else { break };
        let Some(whole) = captures.get(0).map(|whole| whole.range()) else { break };
        let secret = secret_of(regex, &captures);
        // What stands behind the secret may be what the next match begins with.
        position = secret.as_ref().map_or(whole.end, |secret| secret.end).max(whole.start + 1);
        if !accept(&whole) {
            continue;
        }
        if let Some(secret) = secret {
            let others = regex.capture_names().flatten().filter(|name| !holds_secret(name));
            let named = others.filter_map(|name| Some((name.to_owned(), captures.name(name)?.range()))).collect();
            found.push(Found { whole, secret, named });
        }
    }
    found
}

/// The same for a pattern of which all that matches is the secret.
fn find_secrets(
    regex: &Regex,
    haystack: &[u8],
    region: Range<usize>,
    accept: impl Fn(&Range<usize>) -> bool,
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut position = region.start;
    while position < region.end
        && let Some(whole) = regex.find_at(haystack, position).map(|whole| whole.range())
    {
        position = whole.end.max(whole.start + 1);
        if accept(&whole) && !whole.is_empty() {
            found.push(Found { secret: whole.clone(), whole, named: Vec::new() });
        }
    }
    found
}

/// The group `secret`; where that is empty, the first of `secret_2`, `secret_3` and so on that is not.
fn secret_of(regex: &Regex, captures: &Captures<'_>) -> Option<Range<usize>> {
    let secret = captures.name("secret").filter(|secret| !secret.is_empty());
    let others = || {
        let names = regex.capture_names().flatten().filter(|name| holds_secret(name));
        names.filter_map(|name| captures.name(name)).find(|other| !other.is_empty())
    };
    secret.or_else(others).map(|secret| secret.range())
}

fn holds_secret(name: &str) -> bool {
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    name == "secret" || name.strip_prefix("secret_").is_some_and(is_number)
}

/// Whether an anchor stands where its window covers the match. The nearest ones before and after decide.
fn lies_in_window(whole: &Range<usize>, anchors: &[usize], window: Window) -> bool {
    // The anchors whose window begins at or before the match are those up to `last`; the greatest reaches furthest.
    let last = anchors.partition_point(|anchor| anchor.saturating_sub(window.before) <= whole.start);
    last.checked_sub(1)
        .and_then(|index| anchors.get(index))
        .is_some_and(|anchor| whole.end <= anchor.saturating_add(window.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window { before: 4, after: 20 };

    fn check(text: &str, expected: &[&str]) {
        let pattern = r"\btok_(?P<secret>[a-z]{2,})\b";
        let anchors: Vec<usize> = text.match_indices("tok_").map(|(index, _)| index).collect();
        let texts = |found: Vec<Found>| found.into_iter().map(|found| &text[found.secret]).collect::<Vec<_>>();
        let joined = find_joined(&rules::compile(pattern).unwrap(), text.as_bytes(), &anchors, WINDOW);
        assert_eq!(texts(joined), expected, "{text}");
        for window in [WINDOW, Window { before: 0, ..WINDOW }] {
            let pattern = Pattern::new(pattern, &["tok_"], true, window);
            let single = anchors.iter().flat_map(|anchor| pattern.find(text.as_bytes(), *anchor));
            let mut single = texts(single.collect());
            single.dedup();
            assert_eq!(single, expected, "{text}");
        }
    }

    #[test]
    fn matches_stay_in_their_window() {
        check("tok_ab", &["ab"]);
        check("x tok_ab, tok_cd tok_ef", &["ab", "cd", "ef"]);
        check("x.tok_ab", &["ab"]);
        check("=xtok", &[]);
        check("tok_abcdefghijklmnop", &["abcdefghijklmnop"]);
        check("tok_abcdefghijklmnopq", &[]);
    }

    #[test]
    fn what_is_all_secret_is_found_without_groups() {
        for (pattern, expected) in [
            ("(?P<secret>tok_(?:a|b)+)", true),
            ("(?P<secret>tok_(a|b)+)", false),
            ("(?P<secret>tok_a)|(?P<secret_2>tok_b)", false),
            ("x(?P<secret>tok_a)", false),
            ("(?P<other>tok_a)", false),
        ] {
            assert_eq!(is_all_secret(pattern), expected, "{pattern}");
        }
        let regex = rules::compile("(?P<secret>tok_[a-z]{2})").unwrap();
        let text = b"tok_abtok_cd tok_x tok_ef";
        for region in [0..text.len(), 1..text.len(), 0..8, 3..3] {
            let groups = find(&regex, text, region.clone(), |whole| whole.end < 25);
            assert_eq!(find_secrets(&regex, text, region, |whole| whole.end < 25), groups);
        }
    }

    #[test]
    fn work_is_bounded_by_the_bytes() {
        let anchors: Vec<usize> = (0..200_000).step_by(4).collect();
        let wide = Window { before: 1000, after: 16_000 };
        let work: usize = regions(&anchors, wide, 200_000).iter().map(ExactSizeIterator::len).sum();
        assert_eq!(work, 200_000);
        let sparse: usize = regions(&[10, 100_000], WINDOW, 200_000).iter().map(ExactSizeIterator::len).sum();
        assert_eq!(sparse, 48);
    }
}
