//! One candidate for the same bytes: where rules meet, the one that knows most wins.

use std::collections::BTreeMap;
use std::ops::Range;

/// How much a rule knows about a match: compared in the order of the fields, greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Whether the rule belongs to a provider.
    pub(super) is_of_provider: bool,
    /// How much of the match is proof: a pattern more than a scanner, a scanner more than the name of a key, a long name more
    /// than a short one.
    pub(super) specificity: usize,
    /// Length of the value.
    pub(super) length: usize,
}

/// Keeps the best of all items that share bytes, in the order of their spans. Equal ranks: the first in `items` stays.
pub(super) fn best<T>(items: Vec<T>, span: impl Fn(&T) -> Range<usize>, rank: impl Fn(&T) -> Rank) -> Vec<T> {
    let mut order: Vec<(Rank, usize, T)> =
        items.into_iter().enumerate().map(|(index, item)| (rank(&item), index, item)).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: BTreeMap<usize, (usize, T)> = BTreeMap::new();
    for (_, _, item) in order {
        let Range { start, end } = span(&item);
        // Those kept do not overlap, so only the last that starts before the end can reach in.
        let is_free = kept.range(..end).next_back().is_none_or(|(_, (other_end, _))| *other_end <= start);
        if is_free {
            kept.insert(start, (end, item));
        }
    }
    kept.into_values().map(|(_, item)| item).collect()
}

/// The same bytes as the spans, in ascending spans that do not overlap.
pub(super) fn joined(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| span.start);
    spans.dedup_by(|span, last| {
        let overlaps = span.start < last.end;
        if overlaps {
            last.end = last.end.max(span.end);
        }
        overlaps
    });
    spans
}

/// Whether one of such spans shares bytes with another.
pub(super) fn has(joined: &[Range<usize>], span: &Range<usize>) -> bool {
    let before = joined.partition_point(|one| one.start < span.end);
    before.checked_sub(1).and_then(|last| joined.get(last)).is_some_and(|last| last.end > span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_joined_where_they_overlap() {
        let spans = joined(vec![10..20, 2..4, 15..30, 4..6, 16..18]);
        assert_eq!(spans, [2..4, 4..6, 10..30]);
        for (span, expected) in
            [(0..2, false), (0..3, true), (6..10, false), (5..7, true), (29..40, true), (30..31, false)]
        {
            assert_eq!(has(&spans, &span), expected, "{span:?}");
        }
        assert!(!has(&[], &(0..1)));
    }

    fn rank(is_of_provider: bool, specificity: usize) -> Rank {
        Rank { is_of_provider, specificity, length: 0 }
    }

    #[test]
    fn the_best_of_overlapping_items_stays() {
        let items = vec![
            ("generic", 0..10, rank(false, 9)),
            ("provider", 4..8, rank(true, 1)),
            ("beside", 10..12, rank(false, 1)),
            ("around", 0..20, rank(false, 5)),
            ("same", 10..12, rank(false, 1)),
        ];
        let kept = best(items, |item| item.1.clone(), |item| item.2);
        let names: Vec<&str> = kept.iter().map(|item| item.0).collect();
        assert_eq!(names, ["provider", "beside"]);
    }
}
