//! The small vocabularies of a finding: kind, confidence, severity.

use serde::{Deserialize, Serialize};

/// What sort of credential a secret is. Spelled in reports as in the contract (`client_secret` …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An OAuth client's secret (RFC 6749 §2.3.1).
    ClientSecret,
    /// A refresh token (RFC 6749 §1.5), opaque or a JWT.
    RefreshToken,
    /// An access token (RFC 6749 §1.4) that is not a JWT, or is known to be one by its place.
    AccessToken,
    /// A JWT whose use is not known, or an ID token.
    Jwt,
    /// A provider's static key or personal token.
    ApiKey,
    /// A symmetric key that signs tokens: whoever has it can forge them.
    SigningKey,
    /// The private half of a key pair, PEM or JWK.
    PrivateKey,
    /// A password, also within a connection string.
    Password,
    /// An RFC 7591 initial or RFC 7592 registration access token, or a runner's.
    RegistrationToken,
    /// A browser session.
    SessionCookie,
    /// A URL that is itself the credential.
    WebhookUrl,
    /// A file that a rule names by its path: its content, whatever that is, is what leaked.
    File,
}

/// How sure the detection is that this is a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Context alone says so.
    Low,
    /// Shape and context agree.
    Medium,
    /// A checksum or an unmistakable shape proves it.
    High,
}

/// How bad it is if the credential works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing, no harm by itself.
    Info,
    /// Little reach, or a short life.
    Low,
    /// Some reach.
    Medium,
    /// One account or service.
    High,
    /// Many accounts, a long life, or the power to make more credentials.
    Critical,
}

impl Kind {
    /// The spelling of reports and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::RefreshToken => "refresh_token",
            Self::AccessToken => "access_token",
            Self::Jwt => "jwt",
            Self::ApiKey => "api_key",
            Self::SigningKey => "signing_key",
            Self::PrivateKey => "private_key",
            Self::Password => "password",
            Self::RegistrationToken => "registration_token",
            Self::SessionCookie => "session_cookie",
            Self::WebhookUrl => "webhook_url",
            Self::File => "file",
        }
    }
}

impl Confidence {
    /// The spelling of reports, rules and `--min-confidence`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl Severity {
    /// The next worse one.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Info => Self::Low,
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }

    /// The next better one.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }

    /// The spelling of reports and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
