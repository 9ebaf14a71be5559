//! JSON Web Keys (RFC 7517) that hold a private member.

use std::ops::Range;

use serde_json::Value;

/// How far from `kty` the braces of its object are looked for: an RSA key of 8192 bits with all its members.
const REACH: usize = 12 * 1024;

/// Names of the keys that RFC 7515, 7517 and 7520 print.
const PUBLISHED_IDS: &[&str] =
    &["bilbo.baggins@hobbiton.example", "frodo.baggins@hobbiton.example", "2011-04-29", "juliet@capulet.lit"];

/// If `kty` at `anchor` belongs to a private or symmetric key: the span of the object, and of the private member's value.
pub(crate) fn private_member(bytes: &[u8], anchor: usize) -> Option<(Range<usize>, Range<usize>)> {
    let object = object_around(bytes, anchor)?;
    let text = bytes.get(object.clone())?;
    let Ok(Value::Object(members)) = serde_json::from_slice(text) else { return None };
    if members.get("kid").and_then(Value::as_str).is_some_and(|id| PUBLISHED_IDS.contains(&id)) {
        return None;
    }
    let name = match members.get("kty")?.as_str()? {
        "RSA" | "EC" | "OKP" | "AKP" => "d",
        "oct" => "k",
        _ => return None,
    };
    let value = members.get(name).or_else(|| members.get("priv"))?.as_str()?;
    let needle = format!("\"{value}\"");
    let start = object.start + memchr::memmem::find(text, needle.as_bytes())? + 1;
    Some((object, start..start + value.len()))
}

/// The innermost braces around a position, as far as they are near. Base64url holds no braces, so counting them is enough.
fn object_around(bytes: &[u8], position: usize) -> Option<Range<usize>> {
    let mut depth = 0usize;
    let first = position.saturating_sub(REACH);
    let before = bytes.get(first..position)?;
    let open = before.iter().rposition(|byte| match byte {
        b'}' => {
            depth += 1;
            false
        }
        b'{' if depth > 0 => {
            depth -= 1;
            false
        }
        byte => *byte == b'{',
    })? + first;
    let mut depth = 0usize;
    let after = bytes.get(open..)?;
    let length = after.iter().take(REACH).position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })? + 1;
    Some(open..open + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let anchor = text.find("kty").unwrap();
        let found = private_member(text.as_bytes(), anchor).map(|(_, private)| &text[private]);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn private_members() {
        check(r#"{"keys":[{"kty":"RSA","n":"abc","e":"AQAB","d":"private"}]}"#, Some("private"));
        check(r#"{"kty":"oct","k":"symmetric"}"#, Some("symmetric"));
        check(r#"{"d":"private","meta":{"a":1},"kty":"EC"}"#, Some("private"));
        check(r#"{"kty":"RSA","n":"abc","e":"AQAB"}"#, None);
        check(r#"{"kty":"EC","d":"private","kid":"2011-04-29"}"#, None);
        check(r#"{"kty":"EC","d":"private""#, None);
        check("kty", None);
    }
}
