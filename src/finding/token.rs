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
    /// Claim `tfp`, or `acr` where it names a user flow: the policy of Azure AD B2C that the token was issued by.
    pub policy: Option<String>,
    /// Claim `cnf`: the token is worth nothing without a key.
    pub cnf: Option<SenderConstraint>,
    /// What it is for, as far as header and claims tell.
    pub usage: Option<TokenUse>,
}

/// What a JWT is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Opens an API (RFC 9068 where it says so).
    Access,
    /// Tells a client who has logged in (OpenID Connect Core §2).
    Id,
    /// Gets new access tokens while the session lasts.
    Refresh,
    /// Gets new access tokens after the session has ended.
    Offline,
    /// Names a service account of Kubernetes.
    ServiceAccount,
    /// Names a workload (SPIFFE).
    Svid,
    /// Authenticates a client to its server (RFC 7523).
    ClientAssertion,
    /// Tells that somebody has logged out (OpenID Connect Back-Channel Logout).
    Logout,
    /// Tells what has happened (RFC 8417).
    SecurityEvent,
    /// Proves for one request that the sender holds a key (RFC 9449).
    DpopProof,
}

impl TokenUse {
    /// The spelling of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
            Self::Refresh => "refresh",
            Self::Offline => "offline",
            Self::ServiceAccount => "service_account",
            Self::Svid => "svid",
            Self::ClientAssertion => "client_assertion",
            Self::Logout => "logout",
            Self::SecurityEvent => "security_event",
            Self::DpopProof => "dpop_proof",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Access => "access token",
            Self::Id => "ID token",
            Self::Refresh => "refresh token",
            Self::Offline => "offline token",
            Self::ServiceAccount => "service account token",
            Self::Svid => "SPIFFE identity",
            Self::ClientAssertion => "client assertion",
            Self::Logout => "logout token",
            Self::SecurityEvent => "security event",
            Self::DpopProof => "DPoP proof",
        }
    }
}

impl TokenFacts {
    /// The provider that the issuer's name belongs to, by the name that rules call it. The token's word, as all of this.
    pub fn provider(&self) -> Option<&'static str> {
        provider_of_issuer(self.iss.as_deref()?)
    }
}

/// The provider that an issuer's name belongs to, by the name that rules call it.
pub(crate) fn provider_of_issuer(issuer: &str) -> Option<&'static str> {
    let host = host_of_issuer(issuer);
    let is_on = |name: &str| is_at_or_below(&host, name);
    let by_host = PROVIDERS.iter().find(|(_, names)| names.iter().any(|name| is_on(name)));
    match by_host {
        Some((provider, _)) => Some(provider),
        None if host.starts_with("cognito-idp.") && is_on("amazonaws.com") => Some("cognito"),
        None if host.starts_with("oidc.eks.") || issuer == "kubernetes/serviceaccount" => Some("kubernetes"),
        None if issuer.ends_with(".iam.gserviceaccount.com") => Some("google"),
        None if issuer == "supabase" => Some("supabase"),
        None if issuer.contains("/realms/") => Some("keycloak"),
        None if issuer.contains("/application/o/") => Some("authentik"),
        None => None,
    }
}

/// The host that an issuer's name begins with, with or without a scheme, in lower case.
pub(crate) fn host_of_issuer(issuer: &str) -> String {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a host has that name, or one below it.
pub(crate) fn is_at_or_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|start| start.is_empty() || start.ends_with('.'))
}

/// Providers by the hosts of their issuers, and of those below them.
const PROVIDERS: &[(&str, &[&str])] = &[
    (
        "google",
        &[
            "accounts.google.com",
            "cloud.google.com",
            "securetoken.google.com",
            "session.firebase.google.com",
            "iam.gserviceaccount.com",
        ],
    ),
    (
        "entra",
        &["login.microsoftonline.com", "sts.windows.net", "b2clogin.com", "ciamlogin.com", "login.microsoftonline.us"],
    ),
    ("okta", &["okta.com", "oktapreview.com", "okta-emea.com"]),
    ("auth0", &["auth0.com"]),
    (
        "kubernetes",
        &[
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "container.googleapis.com",
            "oic.prod-aks.azure.com",
        ],
    ),
    ("github", &["token.actions.githubusercontent.com", "github.com"]),
    ("gitlab", &["gitlab.com"]),
    ("supabase", &["supabase.co"]),
    ("pingone", &["pingone.com", "pingone.eu", "pingone.asia", "pingone.ca"]),
    ("onelogin", &["onelogin.com"]),
    ("jumpcloud", &["jumpcloud.com"]),
    ("zitadel", &["zitadel.cloud"]),
    ("ory", &["oryapis.com"]),
    ("stytch", &["stytch.com"]),
    ("fusionauth", &["fusionauth.io"]),
    ("salesforce", &["salesforce.com", "force.com"]),
    ("slack", &["slack.com"]),
    ("zoom", &["zoom.us"]),
    ("vercel", &["oidc.vercel.com"]),
    ("circleci", &["oidc.circleci.com"]),
    ("buildkite", &["agent.buildkite.com"]),
    ("terraform", &["app.terraform.io"]),
    ("cloudflare", &["cloudflareaccess.com"]),
    ("atlassian", &["api.atlassian.com", "id.atlassian.com", "api.bitbucket.org"]),
    ("azure", &["vstoken.dev.azure.com", "token.dev.azure.com"]),
    ("docusign", &["account.docusign.com", "account-d.docusign.com"]),
    ("facebook", &["www.facebook.com", "limited.facebook.com"]),
    ("fly", &["oidc.fly.io"]),
    ("line", &["access.line.me"]),
    ("quickbooks", &["oauth.platform.intuit.com"]),
    ("twitch", &["id.twitch.tv"]),
    ("xero", &["identity.xero.com"]),
    ("linkedin", &["www.linkedin.com"]),
    ("paypal", &["www.paypal.com"]),
    ("ibm-cloud", &["iam.cloud.ibm.com", "appid.cloud.ibm.com"]),
    ("openai", &["auth.openai.com"]),
    ("apple", &["appleid.apple.com"]),
    ("clerk", &["clerk.accounts.dev"]),
    ("workos", &["api.workos.com"]),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_of_providers() {
        for (issuer, expected) in [
            ("https://accounts.google.com", Some("google")),
            ("accounts.google.com", Some("google")),
            ("https://login.microsoftonline.com/0000/v2.0", Some("entra")),
            ("https://acme.eu.auth0.com/", Some("auth0")),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x", Some("cognito")),
            ("https://sso.acme.dev/auth/realms/acme", Some("keycloak")),
            ("kubernetes/serviceaccount", Some("kubernetes")),
            ("https://okta.com.acme.dev", None),
            ("https://notokta.com", None),
            ("https://sso.acme.dev", None),
            ("", None),
        ] {
            let facts = TokenFacts { iss: Some(issuer.to_owned()), ..TokenFacts::default() };
            assert_eq!(facts.provider(), expected, "{issuer}");
        }
    }
}
