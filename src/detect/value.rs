//! Values as their issuer knows them: the escapes of the file they stand in undone.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::assignment::{Assignment, Quote};
use crate::rules::Encoding;

/// The value of an assignment, as its issuer knows it.
pub(crate) fn normalised<'a>(bytes: &'a [u8], assignment: &Assignment) -> Cow<'a, [u8]> {
    let value = of_assignment(bytes, assignment);
    of_kubernetes_secret(bytes, assignment, &value).map_or(value, Cow::Owned)
}

/// The value of an assignment, whatever it may be part of.
pub(crate) fn of_assignment<'a>(bytes: &'a [u8], assignment: &Assignment) -> Cow<'a, [u8]> {
    let raw = bytes.get(assignment.span.clone()).unwrap_or_default();
    match assignment.quote {
        _ if assignment.is_parameter => percent_decoded(raw),
        Quote::None | Quote::Mark(b'`') => Cow::Borrowed(raw),
        Quote::Mark(_) | Quote::Escaped(_) => unescaped(raw),
    }
}

/// How far from a value the kind of its Kubernetes object is looked for.
pub(super) const OBJECT_REACH: usize = 4096;

/// What a value holds if it is text in base64.
pub(crate) fn behind_base64(value: &[u8]) -> Option<Vec<u8>> {
    // Most values are told by their lengths: whole groups of four, and no fewer than eight bytes take.
    if value.len() < 12 || !value.len().is_multiple_of(4) {
        return None;
    }
    let decoded = STANDARD.decode(value).ok()?;
    let is_text =
        decoded.len() >= 8 && decoded.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    is_text.then(|| decoded.trim_ascii_end().to_vec())
}

/// The value of a Kubernetes Secret's `data`, which is base64. `None` if it stands in no such object, or is none.
fn of_kubernetes_secret(bytes: &[u8], assignment: &Assignment, value: &[u8]) -> Option<Vec<u8>> {
    let decoded = behind_base64(value)?;
    let start = assignment.key_span.start.saturating_sub(OBJECT_REACH);
    let end = assignment.span.end.saturating_add(OBJECT_REACH).min(bytes.len());
    let around = bytes.get(start..end)?;
    let is_object = |kind: &[u8]| memchr::memmem::find(around, kind).is_some();
    if !(is_object(b"kind: Secret") || is_object(b"\"kind\":\"Secret\"") || is_object(b"\"kind\": \"Secret\"")) {
        return None;
    }
    // `stringData` beside `data` holds plain text, which may happen to be base64.
    let before = bytes.get(start..assignment.key_span.start)?;
    let last = |name: &[u8]| memchr::memmem::rfind(before, name);
    (last(b"data:").max(last(b"data\"")) > last(b"stringData")).then_some(decoded)
}

/// The value behind an encoding, and the user name that stands before it, if it holds one. `None` if it is not so encoded.
pub(crate) fn decoded(encoding: Encoding, raw: &[u8]) -> Option<(Vec<u8>, Option<String>)> {
    match encoding {
        Encoding::Percent => Some((percent_decoded(raw).into_owned(), None)),
        Encoding::BasicCredentials => {
            let text = STANDARD.decode(raw).ok()?;
            let colon = text.iter().position(|byte| *byte == b':')?;
            let (name, password) = text.split_at_checked(colon)?;
            let name = std::str::from_utf8(name).ok().filter(|name| !name.contains(char::is_control))?;
            let password = percent_decoded(password.get(1..)?).into_owned();
            Some((password, Some(name.to_owned()).filter(|name| !name.is_empty())))
        }
    }
}

/// A key in PEM (RFC 7468) as a file of its own would hold it, whatever indents, quotes or joins its lines where it stands. `None`
/// if the text is no PEM, or holds headers that may not be touched.
pub(crate) fn canonical_pem(text: &[u8]) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(b"-----BEGIN ")?;
    let (label, rest) = rest.split_at_checked(memchr::memmem::find(rest, b"-----")?)?;
    let rest = rest.get(5..)?;
    let (body, end) = rest.split_at_checked(memchr::memmem::find(rest, b"-----END ")?)?;
    if body.contains(&b':') || end.get(9..9 + label.len()) != Some(label) {
        return None;
    }
    let body: Vec<u8> =
        body.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).collect();
    let mut pem = [b"-----BEGIN ", label, b"-----\n"].concat();
    for line in body.chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(&[b"-----END ", label, b"-----\n"].concat());
    Some(pem)
}

/// Text of a quoted string without its escapes, as JSON and most languages write them.
pub(crate) fn unescaped(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match rest.split_first() {
            Some((b'n', after)) => {
                text.push(b'\n');
                rest = after;
            }
            Some((b'r', after)) => {
                text.push(b'\r');
                rest = after;
            }
            Some((b't', after)) => {
                text.push(b'\t');
                rest = after;
            }
            Some((b'u', after)) => match unicode(after) {
                Some((character, after)) => {
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = after;
                }
                None => text.push(b'\\'),
            },
            Some((b'x', after)) => match hexadecimal(after) {
                Some((byte, after)) => {
                    text.push(byte);
                    rest = after;
                }
                None => text.push(b'\\'),
            },
            Some((escaped @ (b'"' | b'\'' | b'\\' | b'/' | b'$'), after)) => {
                text.push(*escaped);
                rest = after;
            }
            _ => text.push(b'\\'),
        }
    }
    Cow::Owned(text)
}

/// The two digits of `\xXX`, if they stand for something that can be seen: the rest is bytes, not text.
fn hexadecimal(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = after.split_at_checked(2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    byte.is_ascii_graphic().then_some((byte, after))
}

/// The four digits behind `\u`. Surrogates are left as they are: no credential holds them.
fn unicode(after: &[u8]) -> Option<(char, &[u8])> {
    let (digits, after) = after.split_at_checked(4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(number)?, after))
}

fn percent_decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'%') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                text.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => text.push(byte),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_equal_however_they_are_written() {
        let line = "QUJD".repeat(16);
        let expected = format!("-----BEGIN {0}-----\n{line}\nQQ==\n-----END {0}-----\n", "EC PRIVATE KEY");
        for (join, end) in [("\n", ""), ("\r\n", "\r\n"), ("\n    ", ""), ("\"\n  + \"", "")] {
            let text = expected.trim_end().replace('\n', join).replace(" + ", "  ") + end;
            let written = canonical_pem(text.as_bytes()).map(|pem| String::from_utf8(pem).unwrap());
            assert_eq!(written.as_deref(), Some(expected.as_str()), "{text}");
        }
        assert_eq!(canonical_pem(b"-----BEGIN A-----\nVersion: 1\n\nQQ==\n-----END A-----"), None);
        assert_eq!(canonical_pem(b"-----BEGIN A-----\nQQ==\n-----END B-----"), None);
        assert_eq!(canonical_pem(b"QQ=="), None);
    }

    #[test]
    fn escapes_are_undone() {
        for (raw, expected) in [
            (r"plain", "plain"),
            (r#"a\"b\/c\\d"#, r#"a"b/c\d"#),
            (r"a\u0026b\u003D", "a&b="),
            (r"line\nline", "line\nline"),
            (r"\x76\x4f\x00", "vO\\x00"),
            (r"\ud83d \u12 \q \", r"\ud83d \u12 \q \"),
        ] {
            assert_eq!(unescaped(raw.as_bytes()), expected.as_bytes(), "{raw}");
        }
        let basic = decoded(Encoding::BasicCredentials, b"cG9ydGFsOnM6MQ==").unwrap();
        assert_eq!(basic, (b"s:1".to_vec(), Some("portal".to_owned())));
        assert_eq!(decoded(Encoding::BasicCredentials, b"bm8gY29sb24="), None);
        for (raw, expected) in [("a%2Bb%3d", "a+b="), ("100%", "100%"), ("%zz%4", "%zz%4")] {
            assert_eq!(percent_decoded(raw.as_bytes()), expected.as_bytes(), "{raw}");
        }
    }
}
