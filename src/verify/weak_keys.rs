//! HMAC keys that everybody knows: defaults and examples that end up in production, and keys that were found in the same scan.
//! A token that one of them signed can be forged by anybody.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::finding::{Finding, Fingerprint, Kind};

/// The most found keys that are tried.
const MAX_FOUND_KEYS: usize = 200;

/// Keys of documentation, tutorials and templates.
const WELL_KNOWN: &[&str] = &[
    "",
    "secret",
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "secretkey",
    "supersecret",
    "jwt-secret",
    "jwtsecret",
    "myJwtSecret",
    "mysecret",
    "my_secret_key",
    "secret_key",
    "SECRET_KEY",
    "jwt_secret",
    "JWT_SECRET",
    "your_jwt_secret",
    "your-secret-key",
    "hmac-secret",
    "changeme",
    "CHANGE_THIS_TO_SOMETHING_RANDOM",
    "tobemodified",
    "password",
    "some-secret-password",
    "token",
    "testing",
    "test",
    "dev",
    "key",
    "admin",
    "default",
    "qwerty",
    "1qaz2wsx",
    "foo",
    "secret1",
    "secret2",
    "aSecret",
    "mysecretstring",
    "thisisthesecretkey",
    "4YOURSECRETKEY",
    "JWTs are the best!",
    "%kernel.secret%",
    "keyboard cat",
    "shhhhh",
    "shhhhhhared-secret",
    "AllYourBase",
    "bezkoder-secret-key",
    "NxpmDotDevJwtSecret",
    "ofcourseistillloveyou",
    "42isTheAnswer",
    "<random_string_at_least_32_characters_long>",
    "123",
    "1234",
    "12345",
    "123456",
    "12345678",
    "123456789",
    "1234567890",
    "12345678901234567890123456789000",
];

/// Where the key of a token was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KnownKey {
    /// In documentation.
    Published,
    /// In the same scan.
    Found(Fingerprint),
}

/// Looks for the key that made a signature (base64url) with HMAC.
pub(super) fn find(
    algorithm: Algorithm,
    signing_input: &[u8],
    signature: &str,
    findings: &[Finding],
) -> Option<KnownKey> {
    let signs = |key: &[u8]| {
        let key = DecodingKey::from_secret(key);
        jsonwebtoken::crypto::verify(signature, signing_input, &key, algorithm).unwrap_or(false)
    };
    if WELL_KNOWN.iter().any(|key| spellings(key.as_bytes()).iter().any(|key| signs(key))) {
        return Some(KnownKey::Published);
    }
    let may_sign = |finding: &&Finding| {
        matches!(finding.kind, Kind::SigningKey | Kind::ClientSecret | Kind::ApiKey | Kind::Password)
    };
    findings
        .iter()
        .filter(may_sign)
        .take(MAX_FOUND_KEYS)
        .find(|finding| spellings(finding.secret.expose()).iter().any(|key| signs(key)))
        .map(|finding| KnownKey::Found(finding.id))
}

/// The bytes as they are, and as what they decode to: libraries differ in how they read a configured key.
fn spellings(key: &[u8]) -> Vec<zeroize::Zeroizing<Vec<u8>>> {
    let decoded = [STANDARD.decode(key).ok(), URL_SAFE_NO_PAD.decode(key).ok(), decode_hex(key)];
    std::iter::once(key.to_vec()).chain(decoded.into_iter().flatten()).map(zeroize::Zeroizing::new).collect()
}

fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;

    use super::*;

    #[test]
    fn keys_in_every_spelling() {
        for (algorithm, key, expected) in [
            (Algorithm::HS256, &b"secret"[..], Some(KnownKey::Published)),
            (Algorithm::HS512, b"your-256-bit-secret", Some(KnownKey::Published)),
            (Algorithm::HS384, &STANDARD.decode("SECRETKEY123").expect("base64"), None),
            (Algorithm::HS256, &[0x12, 0x34], Some(KnownKey::Published)),
            (Algorithm::HS256, b"not a key that anybody knows", None),
        ] {
            let signature =
                jsonwebtoken::crypto::sign(b"a.b", &EncodingKey::from_secret(key), algorithm).expect("signed");
            assert_eq!(find(algorithm, b"a.b", &signature, &[]), expected, "{algorithm:?}");
        }
    }
}
