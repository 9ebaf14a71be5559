//! Comments that allow a secret to stand where it does: `rescind:allow`, and those that other scanners understand and people
//! have written into their files already.
//!
//! A comment counts on the line where the secret begins, on the one where it ends, or, if it speaks of the next line, on the
//! line before. Only lines of a usual length count, so that what is allowed depends on no byte far away.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::words::any_of;

/// Our own mark: as it is, for its line, or with [`NEXT_LINE`] behind it.
pub(super) const OWN_MARK: &str = "rescind:allow";

/// What makes our mark speak of the next line.
const NEXT_LINE: &[u8] = b"-next-line";

/// What a comment begins with that holds our mark and nothing before it.
const COMMENTS: &[&str] = &["#", "//", "/*", "*", "--", "<!--", ";", "%"];

/// What may stand behind our mark in a comment: white space, a reason, the end of the comment.
const BEHIND_MARK: &[&str] = &["\n", "\r", " ", "\t", ":", "*/", "-->"];

/// What allows a secret on its own line: ours, and those of gitleaks, betterleaks, TruffleHog, Kingfisher, ggshield and
/// detect-secrets, the last one under its older name too.
const MARKS: &[&str] = &[
    "rescind:allow",
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "ggignore",
    "pragma: allowlist secret",
    "pragma: whitelist secret",
];

/// What allows a secret on the next line.
const MARKS_OF_NEXT_LINE: &[&str] =
    &["rescind:allow-next-line", "pragma: allowlist nextline secret", "pragma: whitelist nextline secret"];

/// How far from a secret, in bytes, its line and the one before are read.
pub(super) const REACH: usize = 2048;

static ANY_MARK: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(MARKS));
static ANY_MARK_OF_NEXT_LINE: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(MARKS_OF_NEXT_LINE));

/// Whether a comment allows what stands at `span`.
pub(super) fn is_allowed(bytes: &[u8], span: &Range<usize>) -> bool {
    let before = bytes.get(span.start.saturating_sub(REACH)..span.start).unwrap_or_default();
    let after = bytes.get(span.end..span.end.saturating_add(REACH).min(bytes.len())).unwrap_or_default();
    let is_whole = before.len() == span.start;
    let secret = bytes.get(span.clone()).unwrap_or_default();
    // The first and the last line of the secret, as far as they are not secret themselves.
    let (line, above) = match memchr::memrchr(b'\n', before) {
        Some(newline) => (before.get(newline + 1..), before.get(..newline)),
        None => (Some(before), None),
    };
    let rest_of_last_line = after.get(..memchr::memchr(b'\n', after).unwrap_or(after.len()));
    let rest_of_first_line = memchr::memchr(b'\n', secret).and_then(|newline| secret.get(..newline));
    let line_before = above.and_then(|lines| match memchr::memrchr(b'\n', lines) {
        Some(newline) => lines.get(newline + 1..),
        None => is_whole.then_some(lines),
    });
    [line, rest_of_first_line, rest_of_last_line].into_iter().flatten().any(|line| has(&ANY_MARK, line))
        || line_before.is_some_and(|line| has(&ANY_MARK_OF_NEXT_LINE, line))
}

/// The line that our mark at `start` speaks of. `None` if it is not the first word of a comment: then it may be quoted, in a manual or
/// a program that writes such comments.
pub(super) fn line_of_mark(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let line = lines(bytes, &(start..start + OWN_MARK.len()));
    let before = bytes.get(line.start..start)?.trim_ascii_end();
    let behind = bytes.get(start + OWN_MARK.len()..)?;
    let code = COMMENTS.iter().filter_map(|comment| before.strip_suffix(comment.as_bytes()));
    let is_comment = code.into_iter().any(|code| code.last().is_none_or(u8::is_ascii_whitespace));
    let (behind, is_next) = behind.strip_prefix(NEXT_LINE).map_or((behind, false), |behind| (behind, true));
    let is_whole = behind.is_empty() || BEHIND_MARK.iter().any(|text| behind.starts_with(text.as_bytes()));
    if !is_comment || !is_whole {
        return None;
    }
    let next = line.end + 1;
    Some(match is_next {
        false => line,
        true if next < bytes.len() => lines(bytes, &(next..next)),
        true => bytes.len()..bytes.len(),
    })
}

/// The lines that a secret stands on, as far as they are of usual length.
pub(super) fn lines(bytes: &[u8], span: &Range<usize>) -> Range<usize> {
    let least = span.start.saturating_sub(REACH);
    let before = bytes.get(least..span.start).unwrap_or_default();
    let after = bytes.get(span.end..span.end.saturating_add(REACH).min(bytes.len())).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(least, |newline| least + newline + 1);
    start..span.end + memchr::memchr(b'\n', after).unwrap_or(after.len())
}

/// Whether a mark stands there that no longer word goes on from.
fn has(marks: &AhoCorasick, line: &[u8]) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    marks.find_iter(line).any(|mark| !line.get(mark.end()).is_some_and(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_allow_what_they_stand_beside() {
        for (text, expected) in [
            ("KEY=SECRET # rescind:allow", true),
            ("KEY=SECRET // gitleaks:allow", true),
            ("KEY=SECRET /* betterleaks:allow */", true),
            ("KEY=SECRET # trufflehog:ignore", true),
            ("KEY=SECRET # kingfisher:ignore", true),
            ("KEY=SECRET # ggignore", true),
            ("KEY=SECRET # pragma: allowlist secret", true),
            ("KEY=SECRET # Pragma: Whitelist Secret", true),
            ("/* rescind:allow */ KEY=SECRET\r\n", true),
            ("# pragma: allowlist nextline secret\nKEY=SECRET", true),
            ("x\n# rescind:allow-next-line: a fixture\r\nKEY=SECRET\n", true),
            ("KEY=SECRET", false),
            ("# rescind:allow\nKEY=SECRET", false),
            ("KEY=SECRET\n# rescind:allow", false),
            ("# rescind:allow-next-line\n\nKEY=SECRET", false),
            ("KEY=SECRET # rescind:allow-next-line", false),
            ("KEY=SECRET # rescind:allowed", false),
        ] {
            let start = text.find("SECRET").expect("a secret stands in each");
            assert_eq!(is_allowed(text.as_bytes(), &(start..start + 6)), expected, "{text}");
        }
    }

    #[test]
    fn secrets_of_several_lines_are_allowed_at_their_beginning_or_end() {
        for (text, expected) in [
            ("k = '''BEGIN\nbody\nEND''' # rescind:allow\n", true),
            ("# rescind:allow-next-line\nk = '''BEGIN\nbody\nEND'''\n", true),
            ("k = '''BEGIN\nrescind:allow\nEND'''\n", false),
        ] {
            let start = text.find("BEGIN").expect("a beginning");
            let end = text.find("END").expect("an end") + 3;
            assert_eq!(is_allowed(text.as_bytes(), &(start..end)), expected, "{text}");
        }
    }

    #[test]
    fn our_marks_speak_of_a_line_where_they_are_comments() {
        for (text, expected) in [
            ("a\nb = 1 # rescind:allow\nc", Some("b = 1 # rescind:allow")),
            ("b = 1 // rescind:allow", Some("b = 1 // rescind:allow")),
            ("<!-- rescind:allow -->\n", Some("<!-- rescind:allow -->")),
            ("/* rescind:allow*/ b", Some("/* rescind:allow*/ b")),
            ("# rescind:allow: a fixture\r\nb", Some("# rescind:allow: a fixture\r")),
            ("# rescind:allow-next-line\nb = 1\nc", Some("b = 1")),
            ("# rescind:allow-next-line", Some("")),
            ("write `rescind:allow` there", None),
            ("A comment rescind:allow does", None),
            ("\"b = 1 # rescind:allow\"", None),
            ("\"# rescind:allow: a fixture\"", None),
            ("# rescind:allowed", None),
            ("# rescind:allow-nothing", None),
        ] {
            let start = text.find(OWN_MARK).expect("a mark stands in each");
            let line = line_of_mark(text.as_bytes(), start);
            assert_eq!(line.map(|line| &text[line]), expected, "{text}");
        }
    }

    #[test]
    fn comments_far_away_do_not_count() {
        let far = format!("SECRET{}# rescind:allow", " ".repeat(REACH));
        assert!(!is_allowed(far.as_bytes(), &(0..6)));
    }
}
