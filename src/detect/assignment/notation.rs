//! Punctuation that stands in a notation of its own, because the text was put into something else: a URL, JSON, HTML.

/// What a value does not go beyond.
const ENDS: &[u8] = b"&\"',;}<> \t\r\n";

/// How punctuation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// `%3D` (RFC 3986 §2.1).
    Percent,
    /// `\u003d` and `\x3d`.
    Escape,
    /// `&quot;` and `&#34;`.
    Entity,
}

/// The entities of punctuation that stands around names and values.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"&quot;", b'"'),
    (b"&#34;", b'"'),
    (b"&#x22;", b'"'),
    (b"&apos;", b'\''),
    (b"&#39;", b'\''),
    (b"&#x27;", b'\''),
    (b"&amp;", b'&'),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
];

/// A character that is written in a notation at the beginning of `text`, and how long that is.
pub(super) fn mark(text: &[u8]) -> Option<(u8, Notation, usize)> {
    let hex = |digits: Option<&[u8]>| u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok();
    match text {
        [b'%', ..] => Some((hex(text.get(1..3))?, Notation::Percent, 3)),
        [b'\\', b'u', b'0', b'0', ..] => Some((hex(text.get(4..6))?, Notation::Escape, 6)),
        [b'\\', b'x', ..] => Some((hex(text.get(2..4))?, Notation::Escape, 4)),
        [b'&', ..] => {
            let (entity, byte) = ENTITIES.iter().find(|(entity, _)| text.starts_with(entity))?;
            Some((*byte, Notation::Entity, entity.len()))
        }
        _ => None,
    }
}

/// Reads what assigns behind a name, if some of it is written in a notation: how long it is, and the notation.
pub(super) fn assigns(text: &[u8]) -> Option<(usize, Notation)> {
    let mut position = 0;
    let mut notation = None;
    let mut read = |accepted: &[u8], notation: &mut Option<Notation>| {
        let rest = text.get(position..).unwrap_or_default();
        let (byte, length) = match mark(rest) {
            Some((byte, of, length)) if accepted.contains(&byte) => {
                *notation = Some(of);
                (Some(byte), length)
            }
            Some(_) => (None, 0),
            None => (rest.first().copied().filter(|byte| accepted.contains(byte)), 1),
        };
        if byte.is_some() {
            position += length;
        }
        byte.is_some()
    };
    read(b"\"'", &mut notation);
    while read(b" \t", &mut notation) {}
    if !read(b"=:", &mut notation) {
        return None;
    }
    while read(b" \t", &mut notation) {}
    read(b"\"'", &mut notation);
    Some((position, notation?))
}

/// The length of a value that ends where a notation ends it, or whatever ends any.
pub(super) fn value_length(text: &[u8]) -> usize {
    let mut position = 0;
    while let Some(byte) = text.get(position) {
        let (byte, length) = match text.get(position..).and_then(mark) {
            Some((byte, _, length)) => (byte, length),
            None => (*byte, 1),
        };
        if ENDS.contains(&byte) || !byte.is_ascii_graphic() {
            break;
        }
        position += length;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_assigns_and_what_it_assigns() {
        for (text, expected) in [
            ("%3Dvalue%26x", Some(("value", Notation::Percent))),
            ("%22%3A%20%22value%22%7D", Some(("value", Notation::Percent))),
            ("%3Dva%2Blue%3D%3D&x", Some(("va%2Blue%3D%3D", Notation::Percent))),
            ("\\u003dvalue\\u0026x", Some(("value", Notation::Escape))),
            ("\\x22:\\x22value\\x22", Some(("value", Notation::Escape))),
            ("&quot;: &quot;value&quot;", Some(("value", Notation::Entity))),
            ("&#34; = &#34;value&#34;", Some(("value", Notation::Entity))),
            ("=value", None),
            ("\": \"value\"", None),
            ("%20value", None),
            ("%", None),
            ("&quot;", None),
        ] {
            let found = assigns(text.as_bytes()).map(|(start, notation)| {
                let length = value_length(&text.as_bytes()[start..]);
                (&text[start..start + length], notation)
            });
            assert_eq!(found, expected, "{text}");
        }
    }
}
