//! [`KeySet`]: an issuer's public keys (RFC 7517), and the check of a signature against them.
//!
//! Only asymmetric keys are kept, and a key is only used with algorithms of its own type, so that an issuer's public key can
//! never serve as an HMAC secret. Keys of a token's own header (`jwk`, `jku`, `x5c`, `x5u`) never get here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// Sets with more keys are refused: each costs a signature check when a token names none.
const MAX_KEYS: usize = 64;

/// Bytes of an RSA modulus: 2048 to 8192 bits. Smaller ones prove nothing, larger ones are a waste of time.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The public keys of an issuer.
pub struct KeySet {
    keys: Vec<PublicKey>,
    /// `kid` of keys that cannot be used here: unknown types and curves, sizes out of bounds.
    unusable: Vec<Option<String>>,
}

struct PublicKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// What a key set says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// One of the issuer's keys made it.
    Good,
    /// None of the issuer's keys made it, although the one that it names is published.
    Bad,
    /// The key that it names is not published.
    UnknownKey,
    /// The key is published, but cannot be used here.
    Undecidable,
}

impl KeySet {
    /// Takes the usable keys out of a key set; what is wrong with the whole set is an error.
    pub(super) fn from_document(document: &Value) -> Result<Self, &'static str> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no `keys`")?;
        if keys.len() > MAX_KEYS {
            return Err("it has more than 64 keys");
        }
        let mut set = Self { keys: Vec::new(), unusable: Vec::new() };
        for key in keys {
            let text = |member: &str| key.get(member).and_then(Value::as_str);
            if text("use") == Some("enc") {
                continue;
            }
            let kid = text("kid").map(str::to_owned);
            match public_key(key) {
                Some((key, mut algorithms)) => {
                    if let Some(only) = text("alg") {
                        algorithms.retain(|algorithm| algorithm_of(only) == Some(*algorithm));
                    }
                    set.keys.push(PublicKey { kid, algorithms, key });
                }
                None => set.unusable.push(kid),
            }
        }
        Ok(set)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Checks the signature (base64url) of a JWS signing input. Without `kid` every fitting key is tried; key ids need not be
    /// unique.
    pub fn check(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &str,
    ) -> SignatureCheck {
        let named = |key: &Option<String>| kid.is_none() || key.as_deref() == kid;
        let mut is_published = false;
        for key in self.keys.iter().filter(|key| named(&key.kid)) {
            is_published = true;
            let fits = key.algorithms.contains(&algorithm);
            if fits && jsonwebtoken::crypto::verify(signature, signing_input, &key.key, algorithm).unwrap_or(false) {
                return SignatureCheck::Good;
            }
        }
        // An issuer without any usable key proves nothing about a token, except that something is wrong with the issuer.
        if self.keys.is_empty() || self.unusable.iter().any(|key| named(key) || key.is_none()) {
            SignatureCheck::Undecidable
        } else if is_published {
            SignatureCheck::Bad
        } else {
            SignatureCheck::UnknownKey
        }
    }
}

/// The asymmetric signature algorithm of that name, if it is supported here.
pub(crate) fn algorithm_of(name: &str) -> Option<Algorithm> {
    name.parse::<Algorithm>()
        .ok()
        .filter(|algorithm| !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
}

fn public_key(key: &Value) -> Option<(DecodingKey, Vec<Algorithm>)> {
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
            let significant = modulus.iter().position(|byte| *byte != 0)?;
            let exponent = URL_SAFE_NO_PAD.decode(text("e")?).ok()?;
            if !RSA_MODULUS_BYTES.contains(&(modulus.len() - significant)) || exponent.len() > 8 {
                return None;
            }
            let algorithms = vec![
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ];
            let modulus = modulus.get(significant..)?;
            Some((DecodingKey::from_rsa_raw_components(modulus, &exponent), algorithms))
        }
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let (algorithm, size) = if curve == "P-256" { (Algorithm::ES256, 32) } else { (Algorithm::ES384, 48) };
            let coordinate = |member| URL_SAFE_NO_PAD.decode(text(member)?).ok().filter(|bytes| bytes.len() == size);
            coordinate("x")?;
            coordinate("y")?;
            Some((DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?, vec![algorithm]))
        }
        ("OKP", Some("Ed25519")) => {
            URL_SAFE_NO_PAD.decode(text("x")?).ok().filter(|bytes| bytes.len() == 32)?;
            Some((DecodingKey::from_ed_components(text("x")?).ok()?, vec![Algorithm::EdDSA]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A published example key (RFC 7515 A.3), and the signature that the RFC makes with it.
    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    const SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn signing_input() -> Vec<u8> {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"ES256"}"#);
        let claims = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims)).into_bytes()
    }

    fn set(keys: Value) -> KeySet {
        KeySet::from_document(&json!({ "keys": keys })).unwrap_or(KeySet { keys: Vec::new(), unusable: Vec::new() })
    }

    #[test]
    fn signatures() {
        use SignatureCheck::{Bad, Good, Undecidable, UnknownKey};
        let key = |kid: &str| json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "kid": kid});
        let foreign = json!({"kty": "EC", "crv": "P-521", "x": X, "y": Y, "kid": "foreign"});
        let altered = SIGNATURE.replacen("DtEh", "DtEi", 1);
        for (keys, kid, algorithm, signature, expected) in [
            (json!([key("a")]), Some("a"), Algorithm::ES256, SIGNATURE, Good),
            (json!([key("a")]), None, Algorithm::ES256, SIGNATURE, Good),
            (json!([foreign, key("a")]), None, Algorithm::ES256, SIGNATURE, Good),
            (json!([key("a")]), Some("a"), Algorithm::ES256, &altered, Bad),
            (json!([key("a")]), Some("a"), Algorithm::RS256, SIGNATURE, Bad),
            (json!([key("a")]), Some("a"), Algorithm::HS256, SIGNATURE, Bad),
            (json!([key("a")]), Some("a"), Algorithm::ES256, "", Bad),
            (json!([key("a")]), Some("a"), Algorithm::ES256, "not base64 ~", Bad),
            (json!([key("a")]), Some("b"), Algorithm::ES256, SIGNATURE, UnknownKey),
            (json!([foreign]), Some("foreign"), Algorithm::ES256, SIGNATURE, Undecidable),
            (json!([foreign]), None, Algorithm::ES256, SIGNATURE, Undecidable),
            (json!([]), Some("a"), Algorithm::ES256, SIGNATURE, Undecidable),
        ] {
            let got = set(keys.clone()).check(kid, algorithm, &signing_input(), signature);
            assert_eq!(got, expected, "{keys} {kid:?} {algorithm:?}");
        }
    }

    #[test]
    fn unfit_keys_are_left_out() {
        let rsa = |bytes: usize| json!({"kty": "RSA", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes])});
        for (key, usable) in [
            (rsa(256), 1),
            (rsa(1024), 1),
            (rsa(255), 0),
            (rsa(2048), 0),
            (json!({"kty": "oct", "k": "AAAA"}), 0),
            (json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y, "use": "enc"}), 0),
            (json!({"kty": "EC", "crv": "P-256", "x": X}), 0),
            (json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), 0),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": X}), 1),
            (json!("text"), 0),
        ] {
            assert_eq!(set(json!([key])).len(), usable, "{key}");
        }
        assert!(KeySet::from_document(&json!({"keys": vec![json!({}); 65]})).is_err());
        assert!(KeySet::from_document(&json!([])).is_err());
    }

    proptest! {
        #[test]
        fn any_key_and_signature_are_survived(
            kty in "RSA|EC|OKP|oct|", crv in "P-256|P-384|Ed25519|secp256k1", x in "[A-Za-z0-9_=-]{0,64}",
            n in "[A-Za-z0-9_-]{0,400}", signature in "\\PC{0,100}", input in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let key = json!({"kty": kty, "crv": crv, "x": x, "y": x, "n": n, "e": x});
            for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS512] {
                let check = set(json!([key])).check(None, algorithm, &input, &signature);
                prop_assert_ne!(check, SignatureCheck::Good);
            }
        }
    }
}
