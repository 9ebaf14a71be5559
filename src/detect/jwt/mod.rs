//! JSON Web Tokens: where they stand in text, and what they say about themselves.
//!
//! Nothing here is believed or checked against anybody: `verify` does that. A candidate counts only if its header decodes to a
//! JSON object with `alg` (RFC 7515 §4.1.1), and its payload to a JSON object unless it is encrypted (RFC 7516).

mod claims;

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::boundary;
use crate::finding::{Kind, Severity, TokenFacts};
use claims::text;

pub(crate) use claims::is_example_issuer;

/// The longest token that is looked at: more than any server accepts in a header.
pub(crate) const LONGEST: usize = 16 * 1024;

/// Shorter signatures are of no algorithm: the text was cut off.
const SHORTEST_SIGNATURE: usize = 22;

/// Some encoders leave bits behind the last byte, and some leave padding; issuers accept both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A token that was found.
pub(crate) struct Token {
    /// What it says about itself.
    pub(crate) facts: TokenFacts,
    /// What its claims make of it.
    pub(crate) kind: Kind,
    /// How bad it is if it works.
    pub(crate) severity: Severity,
    /// Whether it is one of those that specifications and tutorials print.
    pub(crate) is_sample: bool,
    /// Whether it is encrypted, so that nothing but its header is known.
    pub(crate) is_encrypted: bool,
}

/// How far from its first byte a token is read: so far that one byte too many is seen.
pub(crate) const REACH: usize = LONGEST + 2;

/// Finds where a token that starts at a position ends. Remembers the last run of base64url, so that a megabyte of anchors
/// costs no more than its length.
#[derive(Default)]
pub(crate) struct Scanner {
    run: Range<usize>,
}

impl Scanner {
    /// The span of what has the form of a token (three parts, or five) and starts at `start`.
    pub(crate) fn span(&mut self, bytes: &[u8], start: usize) -> Option<Range<usize>> {
        if !boundary::starts_value(bytes, start) {
            return None;
        }
        let limit = start.saturating_add(REACH).min(bytes.len());
        let mut ends = [0; 5];
        let mut count = 0;
        let mut position = start;
        for slot in &mut ends {
            let end = self.run_end(bytes, position, limit);
            *slot = end;
            count += 1;
            if end + 1 >= limit || bytes.get(end) != Some(&b'.') {
                break;
            }
            position = end + 1;
        }
        let end = match count {
            5 if ends[3] > ends[2] + 1 && ends[4] > ends[3] + 1 => ends[4],
            3.. => ends[2],
            _ => return None,
        };
        (end - start <= LONGEST).then_some(start..end)
    }

    /// The end of the run of base64url that holds the position, as far as it reaches before the limit.
    fn run_end(&mut self, bytes: &[u8], position: usize, limit: usize) -> usize {
        if !(self.run.start..=self.run.end).contains(&position) {
            self.run = position..position;
        }
        if self.run.end < limit {
            let rest = bytes.get(self.run.end..limit).unwrap_or_default();
            self.run.end += rest.iter().take_while(|byte| is_base64url(**byte)).count();
        }
        self.run.end.min(limit)
    }
}

/// Three parts followed by two that do not belong to them look like five: keeps the three unless the header says it is
/// encrypted.
pub(crate) fn trimmed(text: &[u8], span: Range<usize>) -> (&[u8], Range<usize>) {
    let mut dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(index, _)| index).skip(2);
    match dots.next().and_then(|end| text.get(..end)) {
        Some(three) if decode(text).is_none() => (three, span.start..span.start + three.len()),
        _ => (text, span),
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Decodes a token. `None` if it is none.
pub(crate) fn decode(token: &[u8]) -> Option<Token> {
    if token.len() > LONGEST {
        return None;
    }
    let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
    let header = parts.first().filter(|header| may_be_object(header)).and_then(|header| object(header))?;
    let alg = header.get("alg")?.as_str()?.to_owned();
    let facts = TokenFacts { alg, typ: text(&header, "typ"), kid: text(&header, "kid"), ..TokenFacts::default() };
    match parts.as_slice() {
        [_, payload, signature] => {
            let claims = object(payload)?;
            if !facts.alg.eq_ignore_ascii_case("none") && signature.len() < SHORTEST_SIGNATURE {
                return None;
            }
            Some(claims::signed(facts, &claims))
        }
        [_, ..] if parts.len() == 5 && header.contains_key("enc") => {
            Some(Token { facts, kind: Kind::Jwt, severity: Severity::High, is_sample: false, is_encrypted: true })
        }
        _ => None,
    }
}

/// Whether this is the header of a token, and nothing else.
pub(crate) fn is_header(value: &[u8]) -> bool {
    value.starts_with(b"ey") && !value.contains(&b'.') && object(value).is_some_and(|header| header.contains_key("alg"))
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let json = BASE64.decode(part).ok()?;
    match serde_json::from_slice(&json).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Whether the beginning of a part is that of a JSON object. Most of what begins like a token is not, and shows it early.
fn may_be_object(part: &[u8]) -> bool {
    let mut length = 128;
    while let Some(start) = part.get(..length) {
        let Ok(json) = BASE64.decode(start) else { return false };
        match serde_json::from_slice::<serde::de::IgnoredAny>(&json) {
            // A number that is cut off in the middle is no number.
            Err(error) if !error.is_eof() && !json.last().is_some_and(|byte| b"+-.eE".contains(byte)) => return false,
            _ => length *= 4,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "c2lnbmF0dXJlIG9mIG5vYm9keSB3aGF0c29ldmVyISE";

    /// A token with a header and claims.
    pub(super) fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.{SIGNATURE}", BASE64.encode(header), BASE64.encode(claims)).replace('=', "")
    }

    fn span(text: &str) -> Option<&str> {
        let start = text.find("eyJ").or_else(|| text.find("ewo")).unwrap();
        Scanner::default().span(text.as_bytes(), start).map(|span| &text[span])
    }

    #[test]
    fn spans_end_at_any_neighbour() {
        let token = token(r#"{"alg":"RS256"}"#, r#"{"iss":"a"}"#);
        for (before, after) in [
            ("", ""),
            ("\"", "\""),
            ("=", "&x"),
            (">", "<"),
            ("(", ")"),
            ("[", "]"),
            (" ", ","),
            ("\\n", "\\n"),
            ("%20", "%3B"),
            ("\\u0022", "\\u0022"),
            ("\t", "."),
            ("_", "\n"),
        ] {
            assert_eq!(span(&format!("{before}{token}{after}")), Some(token.as_str()), "{before} {after}");
        }
        for broken in [format!("x{token}"), "eyJhbGciOiJub25lIn0".to_owned(), "eyJ.eyJ".to_owned()] {
            assert_eq!(span(&broken), None, "{broken}");
        }
        assert_eq!(span("eyJ.b.c.d.e "), Some("eyJ.b.c.d.e"));
        assert_eq!(span("eyJ..c.d.e "), Some("eyJ..c.d.e"));
        assert_eq!(span("eyJ.b.c. "), Some("eyJ.b.c"));
    }

    #[test]
    fn headers_with_white_space_and_any_algorithm() {
        for (header, expected) in [
            (r#"{"alg":"HS256"}"#, Some("HS256")),
            ("{\n  \"alg\": \"EdDSA\"\n}", Some("EdDSA")),
            ("{\r\n\"alg\":\"ES512\"}", Some("ES512")),
            (r#"{ "alg":"PS384"}"#, Some("PS384")),
            (r#"{"typ":"JWT"}"#, None),
            (r#"{"alg":7}"#, None),
            (r#"["alg"]"#, None),
            ("{", None),
        ] {
            let decoded = decode(token(header, r#"{"iss":"a"}"#).as_bytes());
            assert_eq!(decoded.map(|token| token.facts.alg).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn unsecured_tokens_have_no_signature() {
        for alg in ["none", "None", "NONE", "nOnE"] {
            let unsigned =
                format!("{}.{}.", BASE64.encode(format!(r#"{{"alg":"{alg}"}}"#)), BASE64.encode("{}")).replace('=', "");
            let decoded = decode(unsigned.as_bytes()).unwrap();
            assert_eq!(decoded.severity, Severity::Info, "{alg}");
        }
        let cut = format!("{}.{}.c2ln", BASE64.encode(r#"{"alg":"RS256"}"#), BASE64.encode("{}")).replace('=', "");
        assert!(decode(cut.as_bytes()).is_none());
    }

    #[test]
    fn encrypted_tokens_have_five_parts() {
        let header = BASE64.encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#).replace('=', "");
        assert!(decode(format!("{header}.a.b.c.d").as_bytes()).is_some_and(|token| token.is_encrypted));
        assert!(decode(format!("{header}.a.b.c").as_bytes()).is_none());
    }
}
