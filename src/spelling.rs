//! How things are spelt: the nearest valid spelling of a mistyped name, for errors about rules and configuration, and bytes as
//! digits.

use std::fmt::Write as _;

/// The candidate most similar to `name`, if one is similar enough that the two could be the same word.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()).div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over bytes: names are ASCII, and a wrong answer for others only costs a hint.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(x != y);
            diagonal = *above;
            left = substituted.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A moment of RFC 3339 without the fraction of its second, for people.
pub(crate) fn to_the_second(moment: &str) -> String {
    match moment.split_once('.') {
        Some((whole, rest)) => whole.to_owned() + rest.trim_start_matches(|digit: char| digit.is_ascii_digit()),
        None => moment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_for_people() {
        for (moment, expected) in [
            ("2026-11-22T06:39:54.750062139Z", "2026-11-22T06:39:54Z"),
            ("2026-11-22T06:39:54.7+01:00", "2026-11-22T06:39:54+01:00"),
            ("2026-11-22T06:39:54Z", "2026-11-22T06:39:54Z"),
            ("", ""),
        ] {
            assert_eq!(to_the_second(moment), expected);
        }
    }

    #[test]
    fn nearest_spelling() {
        let names = ["anchors", "pattern", "window", "confidence"];
        for (name, expected) in [
            ("anchor", Some("anchors")),
            ("patern", Some("pattern")),
            ("windows", Some("window")),
            ("confidance", Some("confidence")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }
}
