//! How an OAuth client proves who it is (RFC 6749 §2.3.1).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use time::OffsetDateTime;

use crate::egress::{Field, Request};
use crate::secret::Secret;

/// A method of client authentication, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAuthentication {
    /// `client_secret_basic`: HTTP Basic, id and secret form-encoded first.
    SecretBasic,
    /// HTTP Basic without that encoding: no method of its own, but what many clients and servers do instead.
    SecretBasicVerbatim,
    /// `client_secret_post`: fields of the form.
    SecretPost,
    /// `client_secret_jwt`: a JWT that the secret signs by HMAC, so that the secret is not sent (OpenID Connect Core §9).
    SecretJwt,
    /// `none`: a public client names itself.
    None,
}

/// What says that a client authenticates by a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client, and its secret if it has one.
pub struct ClientCredentials {
    /// The `client_id`.
    pub client_id: String,
    /// The secret; `None` for a public client.
    pub client_secret: Option<Secret>,
}

impl ClientAuthentication {
    /// The method of that registered name (RFC 8414 §2), if it is supported here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "client_secret_basic" => Some(Self::SecretBasic),
            "client_secret_post" => Some(Self::SecretPost),
            "client_secret_jwt" => Some(Self::SecretJwt),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretBasic | Self::SecretBasicVerbatim => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
            Self::SecretJwt => "client_secret_jwt",
            Self::None => "none",
        }
    }

    /// Whether it takes a client secret.
    pub fn takes_secret(self) -> bool {
        self != Self::None
    }
}

impl ClientCredentials {
    /// A client with a secret.
    pub fn confidential(client_id: impl Into<String>, client_secret: Secret) -> Self {
        Self { client_id: client_id.into(), client_secret: Some(client_secret) }
    }

    /// A client without one.
    pub fn public(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), client_secret: None }
    }

    /// Adds the client's proof to a request; a client without a secret can only name itself.
    #[must_use]
    pub fn authenticate(&self, request: Request, method: ClientAuthentication) -> Request {
        let id = Field::Text(&self.client_id);
        match (method, &self.client_secret) {
            (ClientAuthentication::SecretBasic, Some(secret)) => request.basic(&self.client_id, secret),
            (ClientAuthentication::SecretBasicVerbatim, Some(secret)) => {
                request.basic_verbatim(&self.client_id, secret)
            }
            (ClientAuthentication::SecretPost, Some(secret)) => {
                request.field("client_id", id).field("client_secret", secret)
            }
            (ClientAuthentication::SecretJwt, Some(secret)) => {
                let assertion = assertion(&self.client_id, secret, request.destination().url().as_str());
                request
                    .field("client_id", id)
                    .field("client_assertion_type", ASSERTION_TYPE)
                    .field("client_assertion", &assertion)
            }
            (ClientAuthentication::None, _) | (_, None) => request.field("client_id", id),
        }
    }

    /// Whether form-encoding changes the id or the secret, so that the two ways of HTTP Basic differ.
    pub fn basic_encodings_differ(&self) -> bool {
        let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_');
        let changes = |bytes: &[u8]| !bytes.iter().all(is_kept);
        changes(self.client_id.as_bytes()) || self.client_secret.as_ref().is_some_and(|secret| changes(secret.expose()))
    }

    /// A second owner of the same credentials.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { client_id: self.client_id.clone(), client_secret: self.client_secret.as_ref().map(Secret::duplicate) }
    }
}

/// A JWT by which a client proves at an endpoint that it has the secret (RFC 7523 §3). It is good once, and for a minute.
fn assertion(client_id: &str, secret: &Secret, audience: &str) -> Secret {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut unique = [0; 16];
    // Without chance two of a second are alike, and the second one is refused: no harm is done.
    let _ = getrandom::fill(&mut unique);
    let claims = serde_json::json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": format!("{:032x}", u128::from_be_bytes(unique)),
        "iat": now,
        "exp": now + 60,
    });
    let key = EncodingKey::from_secret(secret.expose());
    Secret::new(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_differ_for_reserved_characters_only() {
        for (id, secret, differ) in
            [("client", "secret_-.*", false), ("client", "a b", true), ("a:b", "secret", true), ("client", "a~b", true)]
        {
            let credentials = ClientCredentials::confidential(id, Secret::new(secret));
            assert_eq!(credentials.basic_encodings_differ(), differ, "{id}");
        }
    }
}
