//! Credentials made at run time, so that none stands in this repository, and the forms in which one may leak.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Letters and digits that look random and are the same in every run, different for every seed.
pub(crate) fn random(seed: &str, length: usize) -> String {
    let mut text = String::new();
    for round in 0_u32.. {
        let digest = Sha256::new().chain_update(round.to_be_bytes()).chain_update(seed).finalize();
        text.extend(URL_SAFE_NO_PAD.encode(digest).chars().filter(char::is_ascii_alphanumeric));
        if text.len() >= length {
            break;
        }
    }
    text.truncate(length);
    text
}

/// An unsigned part and a signature of the right shape: a JWT by nobody.
pub(crate) fn jwt(claims: &serde_json::Value) -> String {
    let header = serde_json::json!({"alg": "RS256", "typ": "at+jwt", "kid": "test"});
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature: Vec<u8> = (0..8).flat_map(|round| Sha256::digest([round]).to_vec()).collect();
    format!("{}.{}.{}", part(&header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

/// An environment file with a client secret that should be found by any scan; it belongs to nobody.
pub(crate) fn environment_file(seed: &str) -> String {
    format!("OIDC_CLIENT_ID=shop-{}\nOIDC_CLIENT_SECRET={}\n", random(&format!("{seed} id"), 8), random(seed, 40))
}

/// The same token with one character of it changed: of the same shape, and known to nobody.
pub(crate) fn altered(token: &str) -> String {
    let place = token.len() - 6;
    let replacement = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{replacement}{}", &token[..place], &token[place + 1..])
}

/// How many characters in a row are told apart from chance; redaction shows fewer.
const TELLING: usize = 12;

/// In which form a text holds a secret, or a telling part of one: as it is, in Base64 wherever it starts within a larger
/// value (so also in a `Basic` header), percent-encoded, or in hexadecimal.
pub(crate) fn leaked_form(text: &str, secret: &str) -> Option<&'static str> {
    let bytes = secret.as_bytes();
    // The parts before the signature of a JWT are names and numbers that a report may tell; the signature is what proves.
    let (_, telling) = secret.rsplit_once('.').unwrap_or(("", secret));
    let telling: Vec<char> = telling.chars().collect();
    let parts: Vec<String> = telling.windows(TELLING).map(|window| window.iter().collect()).collect();
    if text.contains(secret) || parts.iter().any(|part| text.contains(part)) {
        return Some("as it is");
    }
    for skipped in 0..3 {
        // Three bytes make four characters: the middle of the encoding does not depend on what stands around.
        let Some(aligned) = bytes.get(skipped..) else { continue };
        let whole = aligned.len() / 3 * 3;
        let encoded = STANDARD.encode(&aligned[..whole]);
        let url_safe = URL_SAFE_NO_PAD.encode(&aligned[..whole]);
        if encoded.len() >= TELLING && (text.contains(&encoded) || text.contains(&url_safe)) {
            return Some("in Base64");
        }
    }
    let percent: String = url::form_urlencoded::byte_serialize(bytes).collect();
    if text.contains(&percent) {
        return Some("percent-encoded");
    }
    text.to_ascii_lowercase().contains(&hexadecimal(bytes)).then_some("in hexadecimal")
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[test]
fn leaks_are_seen_in_every_form() {
    let secret = random("leak", 40);
    let basic = STANDARD.encode(format!("client:{secret}"));
    for (text, expected) in [
        (format!("token={secret}&"), Some("as it is")),
        (format!("…{}…", &secret[9..9 + TELLING]), Some("as it is")),
        (format!("{}…{}", &secret[..4], &secret[36..]), None),
        (format!("Authorization: Basic {basic}"), Some("in Base64")),
        (hexadecimal(secret.as_bytes()).to_ascii_uppercase(), Some("in hexadecimal")),
        (random("another", 400), None),
    ] {
        assert_eq!(leaked_form(&text, &secret), expected, "{text}");
    }
    assert_eq!(leaked_form("a%2Fb%2Bc%3D%3Dd%2F", "a/b+c==d/"), Some("percent-encoded"));
}
