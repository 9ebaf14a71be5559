//! How an OAuth client proves who it is (RFC 6749 §2.3.1).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::config::{ClientCertificate, OperatorCredentials, OperatorProof};
use crate::egress::{Field, Request};
use crate::key_material::{KeyMaterial, spoilt};
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
    /// `private_key_jwt`: a JWT that the client's private key signs (OpenID Connect Core §9).
    PrivateKeyJwt,
    /// `tls_client_auth` and `self_signed_tls_client_auth`: the certificate that the connection is opened with (RFC 8705 §2).
    Certificate,
    /// `none`: a public client names itself.
    None,
}

/// What says that a client authenticates by a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion is good, in seconds. It is good once.
const ASSERTION_SECONDS: i64 = 60;

/// A client, and what it proves itself by.
#[derive(Clone)]
pub struct ClientCredentials {
    /// The `client_id`.
    pub client_id: String,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    /// A public client.
    None,
    Secret(Arc<Secret>),
    Key(Arc<ClientKey>),
    Certificate(Arc<ClientCertificate>),
}

/// A private key by which a client signs.
struct ClientKey {
    material: KeyMaterial,
    key_id: Option<String>,
    /// Whether what it signs is spoilt on purpose: what a wrong secret is among keys.
    is_wrong: bool,
}

impl ClientAuthentication {
    /// The method of that registered name (RFC 8414 §2), if it is supported here.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "client_secret_basic" => Some(Self::SecretBasic),
            "client_secret_post" => Some(Self::SecretPost),
            "client_secret_jwt" => Some(Self::SecretJwt),
            "private_key_jwt" => Some(Self::PrivateKeyJwt),
            "tls_client_auth" | "self_signed_tls_client_auth" => Some(Self::Certificate),
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
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Certificate => "tls_client_auth",
            Self::None => "none",
        }
    }
}

impl ClientCredentials {
    /// A client with a secret.
    pub fn confidential(client_id: impl Into<String>, client_secret: Secret) -> Self {
        Self { client_id: client_id.into(), proof: Proof::Secret(Arc::new(client_secret)) }
    }

    /// A client without anything to prove itself by.
    pub fn public(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), proof: Proof::None }
    }

    /// A client with a private key, in any form that `KeyMaterial` reads.
    pub fn with_key(client_id: impl Into<String>, key: &[u8], key_id: Option<String>) -> Self {
        let key = ClientKey { material: KeyMaterial::read(key), key_id, is_wrong: false };
        Self { client_id: client_id.into(), proof: Proof::Key(Arc::new(key)) }
    }

    /// The same client with a key that signs nothing that holds, for the control of a question.
    #[must_use]
    pub fn with_wrong_key(client_id: impl Into<String>, key: &[u8]) -> Self {
        let key = ClientKey { material: KeyMaterial::read(key), key_id: None, is_wrong: true };
        Self { client_id: client_id.into(), proof: Proof::Key(Arc::new(key)) }
    }

    /// Whether it has nothing to prove itself by.
    pub fn is_public(&self) -> bool {
        matches!(self.proof, Proof::None)
    }

    /// Whether it can prove itself by that method.
    pub fn can(&self, method: ClientAuthentication) -> bool {
        match self.proof {
            Proof::None => method == ClientAuthentication::None,
            Proof::Secret(_) => matches!(
                method,
                ClientAuthentication::SecretBasic
                    | ClientAuthentication::SecretBasicVerbatim
                    | ClientAuthentication::SecretPost
                    | ClientAuthentication::SecretJwt
            ),
            Proof::Key(_) => method == ClientAuthentication::PrivateKeyJwt,
            Proof::Certificate(_) => method == ClientAuthentication::Certificate,
        }
    }

    /// Adds the client's proof to a request; a client that cannot prove itself by that method only names itself.
    #[must_use]
    pub fn authenticate(&self, request: Request, method: ClientAuthentication) -> Request {
        let id = Field::Text(&self.client_id);
        let audience = request.destination().url().as_str().to_owned();
        match (method, &self.proof) {
            (ClientAuthentication::SecretBasic, Proof::Secret(secret)) => request.basic(&self.client_id, secret),
            (ClientAuthentication::SecretBasicVerbatim, Proof::Secret(secret)) => {
                request.basic_verbatim(&self.client_id, secret)
            }
            (ClientAuthentication::SecretPost, Proof::Secret(secret)) => {
                request.field("client_id", id).field("client_secret", &**secret)
            }
            (ClientAuthentication::SecretJwt, Proof::Secret(secret)) => {
                let key = EncodingKey::from_secret(secret.expose());
                let sign = |input: &str| jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::HS256).ok();
                let header = json!({"alg": "HS256", "typ": "JWT"});
                self.assert(request, &assertion(&self.client_id, &audience, &header, sign))
            }
            (ClientAuthentication::PrivateKeyJwt, Proof::Key(key)) => {
                self.assert(request, &key.assertion(&self.client_id, &audience))
            }
            (ClientAuthentication::Certificate, Proof::Certificate(certificate)) => {
                request.certificate(certificate).field("client_id", id)
            }
            _ => request.field("client_id", id),
        }
    }

    fn assert(&self, request: Request, assertion: &Secret) -> Request {
        request
            .field("client_id", Field::Text(&self.client_id))
            .field("client_assertion_type", ASSERTION_TYPE)
            .field("client_assertion", assertion)
    }

    /// Whether form-encoding changes the id or the secret, so that the two ways of HTTP Basic differ.
    pub fn basic_encodings_differ(&self) -> bool {
        let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_');
        let changes = |bytes: &[u8]| !bytes.iter().all(is_kept);
        match &self.proof {
            Proof::Secret(secret) => changes(self.client_id.as_bytes()) || changes(secret.expose()),
            _ => false,
        }
    }
}

impl From<&OperatorCredentials> for ClientCredentials {
    fn from(own: &OperatorCredentials) -> Self {
        let client_id = own.client_id.clone();
        match &own.proof {
            OperatorProof::None => Self::public(client_id),
            OperatorProof::Secret(secret) => Self::confidential(client_id, secret.duplicate()),
            OperatorProof::Key { pem, key_id } => Self::with_key(client_id, pem.expose(), key_id.clone()),
            OperatorProof::Certificate(certificate) => {
                Self { client_id, proof: Proof::Certificate(Arc::clone(certificate)) }
            }
        }
    }
}

impl ClientKey {
    fn assertion(&self, client_id: &str, audience: &str) -> Secret {
        let algorithm = self.material.algorithm().map(|algorithm| format!("{algorithm:?}"));
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        if let (Some(members), Some(key_id)) = (header.as_object_mut(), &self.key_id) {
            members.insert("kid".to_owned(), Value::from(key_id.as_str()));
        }
        assertion(client_id, audience, &header, |input| {
            let (_, signature) = self.material.sign(input.as_bytes())?;
            Some(if self.is_wrong { spoilt(&signature) } else { signature })
        })
    }
}

/// A JWT by which a client proves at an endpoint that it has its key (RFC 7523 §3); empty where the key does not sign.
fn assertion(client_id: &str, audience: &str, header: &Value, sign: impl Fn(&str) -> Option<String>) -> Secret {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut unique = [0; 16];
    // Without chance two of a second are alike, and the second one is refused: no harm is done.
    let _ = getrandom::fill(&mut unique);
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": format!("{:032x}", u128::from_be_bytes(unique)),
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(&claims));
    Secret::new(sign(&input).map(|signature| format!("{input}.{signature}")).unwrap_or_default())
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

    #[test]
    fn each_proof_has_its_methods() {
        use ClientAuthentication::{None as Public, PrivateKeyJwt, SecretBasic, SecretJwt};

        let secret = ClientCredentials::confidential("web", Secret::new("secret"));
        let public = ClientCredentials::public("web");
        let key = ClientCredentials::with_key("web", &[7; 32], Some("one".to_owned()));
        for (client, method, expected) in [
            (&secret, SecretBasic, true),
            (&secret, SecretJwt, true),
            (&secret, PrivateKeyJwt, false),
            (&secret, Public, false),
            (&public, Public, true),
            (&public, SecretBasic, false),
            (&key, PrivateKeyJwt, true),
            (&key, SecretBasic, false),
            (&key, Public, false),
        ] {
            assert_eq!(client.can(method), expected, "{method:?}");
        }
    }

    #[test]
    fn an_assertion_names_its_key_and_audience() {
        let seed = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        for (client, is_good) in [
            (ClientCredentials::with_key("web", seed.as_bytes(), Some("one".to_owned())), true),
            (ClientCredentials::with_wrong_key("web", seed.as_bytes()), false),
        ] {
            let Proof::Key(key) = &client.proof else { panic!("a key") };
            let assertion = key.assertion("web", "https://issuer.example/token");
            let text = assertion.expose_str().expect("text");
            let (input, signature) = text.rsplit_once('.').expect("a signature");
            let decode = |part: &str| {
                let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64");
                serde_json::from_slice::<Value>(&bytes).expect("JSON")
            };
            let (header, claims) = input.split_once('.').expect("two parts");
            assert_eq!(decode(header)["alg"], "EdDSA");
            assert_eq!(decode(header).get("kid").is_some(), is_good);
            assert_eq!(decode(claims)["aud"], "https://issuer.example/token");
            let (_, right) = key.material.sign(input.as_bytes()).expect("a signature");
            assert_eq!(signature == right, is_good);
        }
    }
}
