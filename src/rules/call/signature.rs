//! [`Signature`]: what proves the possession of a secret that is not sent itself.

use serde::Deserialize;

use super::{SECRET, Template};

/// How a request is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Signature Version 4 of AWS.
    Aws(AwsSignature),
    /// A JWT of the secret's own making, as the bearer token.
    SelfSignedJwt(SelfSignedJwt),
}

/// Signature Version 4 of AWS: the secret signs the request and is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSignature {
    /// The service, as in `sts`.
    pub service: String,
    /// The access key's id.
    pub key_id: Template,
    /// The session token, which temporary keys need.
    pub session_token: Option<Template>,
}

/// A JWT that is good for minutes and for one service: the secret is a private key that signs it, and is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfSignedJwt {
    /// Who the key stands for: `iss` and `sub`.
    pub issuer: Template,
    /// The key's id: `kid`.
    pub key_id: Template,
    /// The service that it is for: `aud`, one of the rule's hosts as `https://HOST/`.
    pub audience: String,
}

impl Signature {
    /// The names of the values that it needs.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::Aws(aws) => (&aws.key_id, None),
            Self::SelfSignedJwt(jwt) => (&jwt.key_id, Some(&jwt.issuer)),
        };
        std::iter::once(SECRET).chain(one.names()).chain(other.into_iter().flat_map(Template::names))
    }

    /// The names of the values that it takes if there are any.
    pub(super) fn optional_names(&self) -> impl Iterator<Item = &str> {
        let session_token = match self {
            Self::Aws(aws) => aws.session_token.as_ref(),
            Self::SelfSignedJwt(_) => None,
        };
        session_token.into_iter().flat_map(Template::names)
    }
}
