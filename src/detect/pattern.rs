//! Patterns, run where their anchors stand and nowhere else.

use std::ops::Range;

use regex::bytes::Regex;

use crate::rules::Window;

/// Where a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
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

/// Every match that lies within the window of one of the anchors, which are ascending.
pub(super) fn find(regex: &Regex, bytes: &[u8], anchors: &[usize], window: Window) -> Vec<Found> {
    let mut found = Vec::new();
    for region in regions(anchors, window, bytes.len()) {
        // One more byte on the right, and all on the left, let the pattern see what its matches border on.
        let Some(haystack) = bytes.get(..(region.end + 1).min(bytes.len())) else { continue };
        let mut position = region.start;
        while let Some(captures) = (position < region.end).then(|| regex.captures_at(haystack, position)).flatten() {
            let Some(whole) = captures.get(0) else { break };
            let secret = captures.name("secret").map(|secret| secret.range());
            // What stands behind the secret may be what the next match begins with.
            position = secret.as_ref().map_or(whole.end(), |secret| secret.end).max(whole.start() + 1);
            if !lies_in_window(&whole.range(), anchors, window) {
                continue;
            }
            if let Some(secret) = secret {
                let others = regex.capture_names().flatten().filter(|name| *name != "secret");
                let named = others.filter_map(|name| Some((name.to_owned(), captures.name(name)?.range()))).collect();
                found.push(Found { secret, named });
            }
        }
    }
    found
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
        let regex = crate::rules::compile(r"\btok_(?P<secret>[a-z]{2,})\b").unwrap();
        let anchors: Vec<usize> = text.match_indices("tok_").map(|(index, _)| index).collect();
        let found: Vec<&str> =
            find(&regex, text.as_bytes(), &anchors, WINDOW).into_iter().map(|found| &text[found.secret]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn matches_stay_in_their_window() {
        check("tok_ab", &["ab"]);
        check("x tok_ab, tok_cd tok_ef", &["ab", "cd", "ef"]);
        check("xtok_ab", &[]);
        check("tok_abcdefghijklmnop", &["abcdefghijklmnop"]);
        check("tok_abcdefghijklmnopq", &[]);
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
