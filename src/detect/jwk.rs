//! JSON Web Keys (RFC 7517) that hold a private member.

use std::ops::Range;

use serde_json::Value;

/// The longest object that is read: an RSA key of 8192 bits with all its members.
pub(super) const LONGEST: usize = 12 * 1024;

/// Names of the keys that RFC 7515, 7517 and 7520 print.
const PUBLISHED_IDS: &[&str] =
    &["bilbo.baggins@hobbiton.example", "frodo.baggins@hobbiton.example", "2011-04-29", "juliet@capulet.lit"];

/// How far behind the start of an anchor its value is read.
const TYPE_REACH: usize = 48;

/// Whether the member whose name begins at the anchor (`kty`) says that the object is a key.
pub(crate) fn names_type(bytes: &[u8], anchor: usize) -> bool {
    let text = bytes.get(anchor..).unwrap_or_default();
    let text = text.get(..TYPE_REACH).unwrap_or(text);
    let value = text
        .strip_prefix(b"kty\"")
        .and_then(|text| text.trim_ascii_start().strip_prefix(b":"))
        .and_then(|text| text.trim_ascii_start().strip_prefix(b"\""));
    let types = [&b"RSA\""[..], b"EC\"", b"OKP\"", b"AKP\"", b"oct\""];
    value.is_some_and(|value| types.iter().any(|name| value.starts_with(name)))
}

/// The spans of the private members' values of the objects around the anchors (`kty`), which are ascending.
///
/// One pass with a stack of open braces, so that nesting costs nothing; base64url holds no braces, so counting them is enough.
pub(crate) fn private_members(bytes: &[u8], anchors: &[usize]) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (anchors.first(), anchors.last()) else { return Vec::new() };
    let start = first.saturating_sub(LONGEST);
    let end = last.saturating_add(LONGEST).min(bytes.len());
    let mut anchors = anchors.iter().copied().peekable();
    let mut open: Vec<Brace> = Vec::new();
    let mut found = Vec::new();
    for (index, byte) in bytes.get(start..end).unwrap_or_default().iter().enumerate() {
        let index = start + index;
        while anchors.next_if(|anchor| *anchor <= index).is_some() {
            if let Some(brace) = open.last_mut() {
                brace.holds_anchor = true;
            }
        }
        match byte {
            b'{' => open.push(Brace { start: index, holds_anchor: false }),
            b'}' => {
                if let Some(Brace { start, holds_anchor: true }) = open.pop()
                    && index - start < LONGEST
                {
                    found.extend(private_member(bytes, start..index + 1));
                }
            }
            _ => {}
        }
    }
    found
}

struct Brace {
    start: usize,
    holds_anchor: bool,
}

fn private_member(bytes: &[u8], object: Range<usize>) -> Option<Range<usize>> {
    let text = bytes.get(object.clone())?;
    let Ok(Value::Object(members)) = serde_json::from_slice(text) else { return None };
    if members.get("kid").and_then(Value::as_str).is_some_and(|id| PUBLISHED_IDS.contains(&id)) {
        return None;
    }
    let name = match members.get("kty")?.as_str()? {
        "RSA" | "EC" | "OKP" => "d",
        "AKP" => "priv",
        "oct" => "k",
        _ => return None,
    };
    let value = members.get(name)?.as_str()?;
    let needle = format!("\"{value}\"");
    let start = object.start + memchr::memmem::find(text, needle.as_bytes())? + 1;
    Some(start..start + value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let anchors: Vec<usize> = text.match_indices("kty").map(|(index, _)| index).collect();
        let found: Vec<&str> = private_members(text.as_bytes(), &anchors).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn private_values() {
        check(r#"{"keys":[{"kty":"RSA","n":"abc","e":"AQAB","d":"private"}]}"#, &["private"]);
        check(r#"{"kty":"oct","k":"symmetric"}"#, &["symmetric"]);
        check(r#"{"d":"one","meta":{"a":1},"kty":"EC"} {"kty":"OKP","d":"two"}"#, &["one", "two"]);
        check(r#"{{{ } {"kty":"AKP","priv":"private"}"#, &["private"]);
        check(r#"{"kty":"RSA","n":"abc","e":"AQAB"}"#, &[]);
        check(r#"{"kty":"EC","d":"private","kid":"2011-04-29"}"#, &[]);
        check(r#"{"kty":"EC","d":"private""#, &[]);
        check("}kty{", &[]);
    }
}
