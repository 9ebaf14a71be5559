//! The issuers that come with the program: what vendors run under names of their own, so that a token of theirs is judged without
//! being configured first.
//!
//! Whose key set may be fetched, and nothing else: a key set is public, and a token is held against it on this machine. Only names
//! that a vendor itself gives away are listed, letter for letter; a tenant's name fills a place of its own. What is sent a
//! credential is still the operator's word. Where an operator trusts a listed issuer, its vendor's other hosts need not be named.

/// An issuer, or all tenants of one.
#[derive(Debug)]
pub(crate) struct KnownIssuer {
    /// The identifier. Each `{}` stands for the name of a tenant, a region or the like: a label of a host or a segment of a path.
    pattern: &'static str,
    /// The vendor's hosts besides the one in the identifier that its metadata names.
    pub(super) hosts: &'static [&'static str],
    keys: Keys,
    /// Whether it signs with keys that it does not publish as well, so that an unknown key says nothing.
    pub(crate) has_other_keys: bool,
}

/// Where the keys are.
#[derive(Clone, Copy, Debug)]
enum Keys {
    /// Where its metadata says.
    InMetadata,
    /// At this address, where it publishes no metadata.
    At(&'static str),
    /// Behind the identifier.
    Behind(&'static str),
    /// In place of the identifier's end, behind the name of the policy that the token was issued by.
    OfPolicy { end: &'static str, behind: &'static str },
}

/// A token does not name the policy on which its keys depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoPolicy;

/// The longest name of a tenant: that of a label in DNS (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 63;

const GOOGLE: &[&str] = &["www.googleapis.com", "oauth2.googleapis.com", "openidconnect.googleapis.com"];

const MICROSOFT: &[&str] = &["login.microsoftonline.com", "login.windows.net", "graph.microsoft.com"];

/// Sorted by vendor. The vendors document these names in their pages on verifying tokens, and publish them in their metadata.
const KNOWN: &[KnownIssuer] = &[
    own("https://appleid.apple.com"),
    own("https://{}.auth0.com/"),
    own("https://{}.{}.auth0.com/"),
    own("https://oidc.eks.{}.amazonaws.com/id/{}"),
    own("https://cognito-idp.{}.amazonaws.com/{}"),
    own("https://api.bitbucket.org/2.0/workspaces/{}/pipelines-config/identity/oidc"),
    own("https://agent.buildkite.com"),
    own("https://oidc.circleci.com/org/{}"),
    own("https://{}.clerk.accounts.dev"),
    with_keys("https://{}.cloudflareaccess.com", Keys::Behind("/cdn-cgi/access/certs")),
    own("https://account.docusign.com/"),
    own("https://account-d.docusign.com/"),
    with_hosts("https://www.facebook.com", &["limited.facebook.com"]),
    with_hosts("https://limited.facebook.com", &["www.facebook.com"]),
    own("https://oidc.fly.io/{}"),
    own("https://token.actions.githubusercontent.com"),
    own("https://token.actions.githubusercontent.com/{}"),
    own("https://gitlab.com"),
    with_hosts("https://accounts.google.com", GOOGLE),
    // Google leaves out the scheme in tokens of old clients.
    with_keys("accounts.google.com", Keys::At("https://www.googleapis.com/oauth2/v3/certs")),
    with_keys("https://cloud.google.com/iap", Keys::At("https://www.gstatic.com/iap/verify/public_key-jwk")),
    with_keys("{}@{}.iam.gserviceaccount.com", Keys::At("https://www.googleapis.com/service_accounts/v1/jwk/{iss}")),
    own("https://container.googleapis.com/v1/projects/{}/locations/{}/clusters/{}"),
    with_hosts("https://securetoken.google.com/{}", GOOGLE),
    with_hosts(
        "https://oauth.platform.intuit.com/op/v1",
        &["developer.api.intuit.com", "accounts.platform.intuit.com"],
    ),
    with_hosts("https://access.line.me", &["api.line.me"]),
    with_hosts("https://www.linkedin.com/oauth", &["api.linkedin.com"]),
    own("https://{}.oic.prod-aks.azure.com/{}/{}/"),
    with_hosts("https://sts.windows.net/{}/", MICROSOFT),
    with_hosts("https://login.microsoftonline.com/{}/v2.0", MICROSOFT),
    own("https://{}.ciamlogin.com/{}/v2.0"),
    // Every user flow of Azure AD B2C has metadata and keys of its own under the same identifier.
    with_keys("https://{}.b2clogin.com/{}/v2.0/", Keys::OfPolicy { end: "v2.0/", behind: "/discovery/v2.0/keys" }),
    own("https://vstoken.dev.azure.com/{}"),
    // The keys of an organisation's own tokens are for Okta alone; those of its authorization servers are for everybody.
    KnownIssuer { has_other_keys: true, ..own("https://{}.okta.com") },
    KnownIssuer { has_other_keys: true, ..own("https://{}.oktapreview.com") },
    KnownIssuer { has_other_keys: true, ..own("https://{}.okta-emea.com") },
    own("https://{}.okta.com/oauth2/{}"),
    own("https://{}.oktapreview.com/oauth2/{}"),
    own("https://{}.okta-emea.com/oauth2/{}"),
    own("https://{}.onelogin.com/oidc/2"),
    own("https://{}.projects.oryapis.com"),
    own("https://auth.pingone.com/{}/as"),
    own("https://auth.pingone.eu/{}/as"),
    own("https://auth.pingone.asia/{}/as"),
    own("https://auth.pingone.ca/{}/as"),
    own("https://login.salesforce.com"),
    own("https://{}.my.salesforce.com"),
    own("https://slack.com"),
    with_keys("https://{}.supabase.co/auth/v1", Keys::Behind("/.well-known/jwks.json")),
    own("https://app.terraform.io"),
    own("https://id.twitch.tv/oauth2"),
    own("https://oidc.vercel.com"),
    own("https://oidc.vercel.com/{}"),
    own("https://identity.xero.com"),
    own("https://{}.zitadel.cloud"),
    own("https://zoom.us"),
];

/// What tests play on this machine.
#[cfg(test)]
const SIMULATED: &[KnownIssuer] = &[
    own("http://127.0.0.1:{}/known/{}"),
    with_keys("http://127.0.0.1:{}/bare/{}", Keys::Behind("/certs")),
    KnownIssuer { has_other_keys: true, ..own("http://127.0.0.1:{}/partly/{}") },
];

#[cfg(not(test))]
const SIMULATED: &[KnownIssuer] = &[];

/// An issuer whose metadata names nothing but its own host.
const fn own(pattern: &'static str) -> KnownIssuer {
    with_hosts(pattern, &[])
}

const fn with_hosts(pattern: &'static str, hosts: &'static [&'static str]) -> KnownIssuer {
    KnownIssuer { pattern, hosts, keys: Keys::InMetadata, has_other_keys: false }
}

const fn with_keys(pattern: &'static str, keys: Keys) -> KnownIssuer {
    KnownIssuer { pattern, hosts: &[], keys, has_other_keys: false }
}

impl KnownIssuer {
    /// The listed issuer of that identifier, which is compared byte for byte but for the names of tenants.
    pub(crate) fn of(identifier: &str) -> Option<&'static Self> {
        KNOWN.iter().chain(SIMULATED).find(|known| fits(known.pattern, identifier))
    }

    /// The patterns of all listed identifiers, `{}` in the place of what tenants are called.
    pub(crate) fn patterns() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|known| known.pattern)
    }

    /// Where the keys of that issuer are, unless its metadata tells. An error where that takes a policy and there is none.
    pub(super) fn jwks_uri(&self, identifier: &str, policy: Option<&str>) -> Result<Option<String>, NoPolicy> {
        Ok(match self.keys {
            Keys::InMetadata => None,
            Keys::At(url) => Some(url.replace("{iss}", identifier)),
            Keys::Behind(path) => Some(format!("{identifier}{path}")),
            Keys::OfPolicy { end, behind } => {
                let policy = policy.filter(|name| fits("{}", name)).ok_or(NoPolicy)?;
                Some(format!("{}{policy}{behind}", identifier.strip_suffix(end).ok_or(NoPolicy)?))
            }
        })
    }
}

/// Whether the text is the pattern with a name in each `{}`.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("{}") else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let end = text.bytes().position(|byte| !is_name(byte)).unwrap_or(text.len());
    (1..=LONGEST_NAME).contains(&end) && fits(rest, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::provider_of_issuer;

    #[test]
    fn identifiers_are_compared_exactly() {
        for (identifier, is_known) in [
            ("https://accounts.google.com", true),
            ("accounts.google.com", true),
            ("https://accounts.google.com/", false),
            ("http://accounts.google.com", false),
            ("https://accounts.google.com.evil.dev", false),
            ("https://user@accounts.google.com", false),
            ("https://accounts.google.com:443", false),
            ("robot@acme-prod.iam.gserviceaccount.com", true),
            ("robot@acme/../prod.iam.gserviceaccount.com", false),
            ("https://acme.auth0.com/", true),
            ("https://acme.eu.auth0.com/", true),
            ("https://acme.eu.auth0.com", false),
            ("https://a.b.eu.auth0.com/", false),
            ("https://evil.dev/.auth0.com/", false),
            ("https://evil.dev#.okta.com", false),
            ("https://evil.dev\\.okta.com", false),
            ("https://.okta.com", false),
            ("https://acme.okta.com/oauth2/default", true),
            ("https://acme.okta.com/oauth2/", false),
            ("https://acme.okta.com/oauth2/default/v1", false),
            ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab3", true),
            ("https://cognito-idp.eu.west.amazonaws.com/eu-west-1_Ab3", false),
            ("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", true),
            ("https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/", true),
            ("https://container.googleapis.com/v1/projects/p/locations/l/clusters/c", true),
            ("https://issuer.example", false),
            ("", false),
        ] {
            assert_eq!(KnownIssuer::of(identifier).is_some(), is_known, "{identifier}");
        }
        assert!(KnownIssuer::of(&format!("https://{}.okta.com", "a".repeat(64))).is_none());
    }

    #[test]
    fn keys_without_metadata() {
        for (identifier, expected) in [
            ("https://accounts.google.com", None),
            ("accounts.google.com", Some("https://www.googleapis.com/oauth2/v3/certs")),
            (
                "robot@acme.iam.gserviceaccount.com",
                Some("https://www.googleapis.com/service_accounts/v1/jwk/robot@acme.iam.gserviceaccount.com"),
            ),
            ("https://acme.cloudflareaccess.com", Some("https://acme.cloudflareaccess.com/cdn-cgi/access/certs")),
        ] {
            let known = KnownIssuer::of(identifier).expect("a listed issuer");
            assert_eq!(known.jwks_uri(identifier, None), Ok(expected.map(str::to_owned)), "{identifier}");
        }
        let identifier = "https://acme.b2clogin.com/775527ff-9a37-4307-8b3d-cc311f58d925/v2.0/";
        let known = KnownIssuer::of(identifier).expect("a listed issuer");
        let keys = "https://acme.b2clogin.com/775527ff-9a37-4307-8b3d-cc311f58d925/b2c_1_sign_in/discovery/v2.0/keys"
            .to_owned();
        for (policy, expected) in [
            (Some("b2c_1_sign_in"), Ok(Some(keys))),
            (Some("../../other"), Err(NoPolicy)),
            (Some("a/b"), Err(NoPolicy)),
            (Some(""), Err(NoPolicy)),
            (None, Err(NoPolicy)),
        ] {
            assert_eq!(known.jwks_uri(identifier, policy), expected, "{policy:?}");
        }
    }

    #[test]
    fn every_listed_issuer_has_a_provider_and_a_place() {
        for known in KNOWN {
            let identifier = known.pattern.replace("{}", "acme");
            assert!(provider_of_issuer(&identifier).is_some(), "{identifier} has no provider");
            assert!(
                super::super::Issuer::known(&identifier, Some("b2c_1_sign_in")).is_some(),
                "{identifier} has no usable place"
            );
        }
    }
}
