//! A JWT that a private key signs for itself, instead of being sent: the service finds the public half by the key's id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::key_material::{KeyMaterial, spoilt};
use crate::secret::Secret;

/// How long it is good, in seconds. It is used at once.
const LIFETIME: i64 = 300;

/// What it says.
pub(super) struct Claims<'a> {
    /// Who the key stands for.
    pub(super) issuer: &'a str,
    /// The key's id.
    pub(super) key_id: &'a str,
    /// The only service that it is for.
    pub(super) audience: &'a str,
    /// Whether it is to be refused by whoever looks at its signature.
    pub(super) is_spoilt: bool,
}

/// The JWT; `None` where the value is no key that signs tokens.
pub(super) fn self_signed_jwt(private_key: &[u8], claims: &Claims<'_>, now: OffsetDateTime) -> Option<Secret> {
    let key = KeyMaterial::read(private_key);
    // What it signs with is known when it has signed.
    let (algorithm, _) = key.sign(b"")?;
    let header = json!({"alg": format!("{algorithm:?}"), "typ": "JWT", "kid": claims.key_id});
    let issued = now.unix_timestamp();
    let body = json!({
        "iss": claims.issuer,
        "sub": claims.issuer,
        "aud": claims.audience,
        "iat": issued,
        "exp": issued + LIFETIME,
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(&header), encode(&body));
    let (_, signature) = key.sign(input.as_bytes())?;
    let signature = if claims.is_spoilt { spoilt(&signature) } else { signature };
    Some(Secret::new(format!("{input}.{signature}")))
}
