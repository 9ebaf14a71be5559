//! JSON Web Tokens: where they stand in text, and what they say about themselves.
//!
//! Nothing here is believed or checked against anybody: `verify` does that. A candidate counts only if its header decodes to a
//! JSON object with `alg` (RFC 7515 §4.1.1), and its payload to a JSON object unless it is encrypted (RFC 7516).

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::boundary;
use crate::finding::{Kind, SenderConstraint, Severity, TokenFacts};

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
            Some(signed(facts, &claims))
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

fn signed(mut facts: TokenFacts, claims: &Map<String, Value>) -> Token {
    facts.iss = text(claims, "iss");
    facts.sub = text(claims, "sub");
    facts.aud = texts(claims.get("aud"));
    facts.exp = seconds(claims, "exp");
    facts.nbf = seconds(claims, "nbf");
    facts.iat = seconds(claims, "iat");
    let scopes = [claims.get("scope"), claims.get("scp")].into_iter().map(texts).find(|scopes| !scopes.is_empty());
    facts.scope = scopes.map(|scopes| scopes.join(" "));
    facts.client_id = ["client_id", "azp", "cid", "appid"].into_iter().find_map(|name| text(claims, name));
    facts.jti = text(claims, "jti");
    facts.cnf = sender_constraint(claims);
    let kind = kind(claims);
    let severity = severity(&facts, claims, kind);
    let is_sample = is_sample(&facts, claims);
    Token { facts, kind, severity, is_sample, is_encrypted: false }
}

/// Keycloak says `typ`, Cognito and others say `token_use` or `token_type`.
fn kind(claims: &Map<String, Value>) -> Kind {
    let says = |name: &str, values: &[&str]| {
        text(claims, name).is_some_and(|text| values.iter().any(|value| text.eq_ignore_ascii_case(value)))
    };
    if says("typ", &["Refresh", "Offline"])
        || ["token_use", "token_type", "type", "tokenType"]
            .iter()
            .any(|name| says(name, &["refresh", "refresh_token", "RefreshToken"]))
    {
        return Kind::RefreshToken;
    }
    Kind::Jwt
}

fn severity(facts: &TokenFacts, claims: &Map<String, Value>, kind: Kind) -> Severity {
    let typ = facts.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    let is_proof = claims.contains_key("htm") && claims.contains_key("htu");
    if facts.alg.eq_ignore_ascii_case("none") || is_proof || claims.contains_key("events") || typ.starts_with("dpop") {
        return Severity::Info;
    }
    match text(claims, "role").as_deref() {
        Some("anon") if facts.iss.as_deref() == Some("supabase") => return Severity::Info,
        Some("service_role") => return Severity::Critical,
        _ => {}
    }
    let is_identity = ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name));
    let severity = match kind {
        Kind::RefreshToken => Severity::Critical,
        _ if is_identity => Severity::Medium,
        _ => Severity::High,
    };
    let severity = if facts.exp.is_none() { raised(severity) } else { severity };
    if facts.cnf.is_some() { lowered(severity) } else { severity }
}

fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

fn lowered(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

/// Tokens that specifications, tutorials and debuggers print with their keys.
fn is_sample(facts: &TokenFacts, claims: &Map<String, Value>) -> bool {
    let john = facts.sub.as_deref() == Some("1234567890") && text(claims, "name").as_deref() == Some("John Doe");
    let joe = facts.iss.as_deref() == Some("joe") && claims.contains_key("http://example.com/is_root");
    let issuer = facts.iss.as_deref().unwrap_or_default();
    john || joe || issuer == "supabase-demo" || is_example_issuer(issuer)
}

/// Whether an issuer is one that cannot exist (RFC 2606, RFC 6761) or that nobody has filled in.
pub(crate) fn is_example_issuer(issuer: &str) -> bool {
    let lower = issuer.to_ascii_lowercase();
    if ["your_domain", "your-domain", "yourdomain", "your-tenant", "your_tenant", "<"]
        .iter()
        .any(|text| lower.contains(text))
    {
        return true;
    }
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let is_below = |name: &str| host == name || host.strip_suffix(name).is_some_and(|start| start.ends_with('.'));
    ["example.com", "example.org", "example.net", "example", "test", "invalid"]
        .iter()
        .any(|name| is_below(name) && (name.contains('.') || host.contains('.')))
}

fn sender_constraint(claims: &Map<String, Value>) -> Option<SenderConstraint> {
    let confirmation = claims.get("cnf")?.as_object()?;
    if let Some(thumbprint) = text(confirmation, "jkt") {
        return Some(SenderConstraint::Dpop(thumbprint));
    }
    if let Some(thumbprint) = text(confirmation, "x5t#S256") {
        return Some(SenderConstraint::MutualTls(thumbprint));
    }
    confirmation.keys().next().map(|name| SenderConstraint::Other(name.clone()))
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A NumericDate (RFC 7519 §2) may have a fraction, and some issuers write it as text.
fn seconds(object: &Map<String, Value>, name: &str) -> Option<i64> {
    match object.get(name)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole_seconds)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and a fraction of a second is meant to go")]
fn whole_seconds(number: f64) -> Option<i64> {
    (-1e15..=1e15).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "c2lnbmF0dXJlIG9mIG5vYm9keSB3aGF0c29ldmVyISE";

    fn token(header: &str, claims: &str) -> String {
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

    #[test]
    fn claims_become_facts() {
        let claims = r#"{"iss":"https://i.dev","sub":"s","aud":["a","b"],"exp":1.5e9,"nbf":"12","scp":["x","y"],
            "azp":"c","jti":"j","cnf":{"jkt":"thumb"},"typ":"Offline"}"#;
        let token = decode(token(r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#, claims).as_bytes()).unwrap();
        let expected = TokenFacts {
            alg: "RS256".into(),
            typ: Some("at+jwt".into()),
            kid: Some("k".into()),
            iss: Some("https://i.dev".into()),
            sub: Some("s".into()),
            aud: vec!["a".into(), "b".into()],
            exp: Some(1_500_000_000),
            nbf: Some(12),
            iat: None,
            scope: Some("x y".into()),
            client_id: Some("c".into()),
            jti: Some("j".into()),
            cnf: Some(SenderConstraint::Dpop("thumb".into())),
        };
        assert_eq!(token.facts, expected);
        assert_eq!((token.kind, token.severity), (Kind::RefreshToken, Severity::High));
    }

    #[test]
    fn samples_are_told() {
        for (claims, expected) in [
            (r#"{"sub":"1234567890","name":"John Doe"}"#, true),
            (r#"{"sub":"1234567890","name":"Jane Roe"}"#, false),
            (r#"{"iss":"joe","http://example.com/is_root":true}"#, true),
            (r#"{"iss":"https://server.example.com"}"#, true),
            (r#"{"iss":"https://example.company.io"}"#, false),
            (r#"{"iss":"https://YOUR_DOMAIN/"}"#, true),
            (r#"{"iss":"test"}"#, false),
        ] {
            assert_eq!(decode(token(r#"{"alg":"RS256"}"#, claims).as_bytes()).unwrap().is_sample, expected, "{claims}");
        }
    }
}
