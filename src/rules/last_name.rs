//! What a regular expression for paths asks of the last name of a path.

use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::PATTERN_SIZE_LIMIT;

/// A pattern that the last name of every path matches which a pattern for paths matches: its end, as far as that cannot reach into
/// the names before. `None` if it could be any name.
pub(crate) fn pattern_of_last_name(pattern: &str) -> Option<String> {
    let hir = super::parse(pattern).ok()?;
    end_of(&hir).map(|end| end.to_string())
}

/// Compiles such patterns together.
///
/// # Errors
/// They are too large together.
pub(crate) fn compile_set(patterns: &[String]) -> Result<RegexSet, regex::Error> {
    let mut builder = RegexSetBuilder::new(patterns);
    builder.unicode(false).size_limit(PATTERN_SIZE_LIMIT).dfa_size_limit(PATTERN_SIZE_LIMIT).build()
}

fn end_of(hir: &Hir) -> Option<Hir> {
    match hir.kind() {
        HirKind::Capture(group) => end_of(&group.sub),
        HirKind::Alternation(branches) => {
            Some(Hir::alternation(branches.iter().map(end_of).collect::<Option<Vec<Hir>>>()?))
        }
        HirKind::Concat(pieces) => {
            let (last, rest) = pieces.split_last()?;
            if !matches!(last.kind(), HirKind::Look(Look::End)) {
                return None;
            }
            let within_name = rest.iter().rev().take_while(|piece| !may_hold_slash(piece)).count();
            let kept = pieces.get(rest.len() - within_name..).filter(|kept| kept.len() > 1)?;
            Some(Hir::concat(kept.to_vec()))
        }
        _ => None,
    }
}

/// Whether something can match a slash, or asks what stands around it.
fn may_hold_slash(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => false,
        HirKind::Literal(literal) => literal.0.contains(&b'/'),
        HirKind::Class(Class::Bytes(class)) => class.iter().any(|range| (range.start()..=range.end()).contains(&b'/')),
        HirKind::Class(Class::Unicode(class)) => class.iter().any(|range| (range.start()..=range.end()).contains(&'/')),
        HirKind::Look(_) => true,
        HirKind::Repetition(repetition) => may_hold_slash(&repetition.sub),
        HirKind::Capture(group) => may_hold_slash(&group.sub),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => pieces.iter().any(may_hold_slash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_matches_ends_with_a_name_that_matches() {
        for (pattern, meant, others) in [
            (r"\.pfx$", &["a.pfx", ".pfx"][..], &["a.pfxs", "pfx"][..]),
            (r"(?i)\.(?:p12|pfx)$", &["a.P12"], &["a.p13"]),
            (r"(^|/)id_(rsa|ed25519)$", &["id_rsa", "my_id_rsa"], &["id_dsa", "id_rsa.pub"]),
            (r"(\.pem|/key)$", &[], &[]),
            (r"\.pem$|^etc/[^/]+\.key$", &["a.pem", "a.key"], &["key"]),
            (r"^\.env", &[], &[]),
            (r"\.env(\..+)?$", &[], &[]),
            (r"secrets/.*", &[], &[]),
            (r"a$|b", &[], &[]),
            (r"\bkey$", &["key", "monkey"], &["keys"]),
            ("$", &[], &[]),
        ] {
            let Some(end) = pattern_of_last_name(pattern) else {
                assert!(meant.is_empty(), "{pattern}");
                continue;
            };
            assert!(!meant.is_empty(), "{pattern}: {end}");
            let set = compile_set(&[end]).unwrap();
            for (names, expected) in [(meant, true), (others, false)] {
                for name in names {
                    assert_eq!(set.is_match(name.as_bytes()), expected, "{pattern}: {name}");
                }
            }
        }
    }
}
