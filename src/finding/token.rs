//! What a JWT says about itself, decoded without believing any of it.

/// The header and claims of a JWT (RFC 7519) that matter to a judgement. Every field is the token's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// Header `alg`.
    pub alg: String,
    /// Header `typ`.
    pub typ: Option<String>,
    /// Header `kid`.
    pub kid: Option<String>,
    /// Claim `iss`.
    pub iss: Option<String>,
    /// Claim `sub`.
    pub sub: Option<String>,
    /// Claim `aud`, one or several.
    pub aud: Vec<String>,
    /// Claim `exp`, in seconds since the epoch; `None` means that the token never expires.
    pub exp: Option<i64>,
    /// Claim `nbf`, in seconds since the epoch.
    pub nbf: Option<i64>,
    /// Claim `iat`, in seconds since the epoch.
    pub iat: Option<i64>,
    /// Claim `scope` or `scp`, joined with spaces.
    pub scope: Option<String>,
    /// Claim `client_id`, `azp` or `cid`.
    pub client_id: Option<String>,
    /// Claim `jti`.
    pub jti: Option<String>,
    /// Claim `cnf`: the token is worth nothing without a key.
    pub cnf: Option<SenderConstraint>,
}

/// How a token is bound to its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderConstraint {
    /// `cnf.jkt`: DPoP (RFC 9449), thumbprint of the proof key.
    Dpop(String),
    /// `cnf.x5t#S256`: mutual TLS (RFC 8705), thumbprint of the certificate.
    MutualTls(String),
    /// Another `cnf` member.
    Other(String),
}
