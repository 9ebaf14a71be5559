//! [`Metadata`]: what an issuer publishes about itself (OpenID Connect Discovery 1.0, RFC 8414), cut down to what is used and
//! checked against the operator's trust.

use serde_json::Value;
use url::Url;

use super::{ClientAuthentication, IssuerError};
use crate::config::Issuer;
use crate::config::checked_url;
use crate::egress::{Destination, origin};

/// Where an issuer can be asked what, and how.
pub struct Metadata {
    issuer: String,
    endpoints: [Published; 5],
    /// Where clients with a certificate go instead (RFC 8705 §5).
    aliases: [Published; 5],
    methods: [AuthenticationMethods; 3],
}

/// The endpoints that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `token_endpoint` (RFC 6749 §3.2).
    Token,
    /// `introspection_endpoint` (RFC 7662).
    Introspection,
    /// `revocation_endpoint` (RFC 7009).
    Revocation,
    /// `jwks_uri` (RFC 7517 §5).
    KeySet,
    /// `userinfo_endpoint` (OpenID Connect Core §5.3).
    UserInfo,
}

/// The methods by which a client may authenticate at an endpoint, as far as they are supported here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationMethods {
    /// In the order to try them.
    pub methods: Vec<ClientAuthentication>,
    /// Whether the issuer or the operator names them; otherwise they are what RFC 8414 presumes, and what is common.
    pub listed: bool,
}

/// What became of an endpoint's URL.
enum Published {
    Nothing,
    Usable(Destination),
    NotTrusted(String),
}

impl Metadata {
    /// Takes what is usable out of a document that has been found to be this issuer's, `Null` when there is none.
    pub(super) fn from_document(issuer: &Issuer, document: &Value) -> Self {
        let token_methods = methods(issuer, document, "token_endpoint_auth_methods_supported");
        let presumed = || AuthenticationMethods {
            methods: vec![ClientAuthentication::SecretBasic, ClientAuthentication::SecretPost],
            listed: false,
        };
        let or_token =
            |member| methods(issuer, document, member).or_else(|| token_methods.clone()).unwrap_or_else(presumed);
        let may_use = |endpoint| endpoint == Endpoint::KeySet || !issuer.keys_only;
        let usable = |endpoint: Endpoint, pinned: Option<&Url>, document: &Value| {
            if may_use(endpoint) { published(issuer, document, endpoint, pinned) } else { Published::Nothing }
        };
        Self {
            issuer: issuer.issuer.clone(),
            endpoints: Endpoint::ALL.map(|endpoint| usable(endpoint, endpoint.pinned(issuer), document)),
            aliases: match document.get("mtls_endpoint_aliases") {
                Some(aliases) => Endpoint::ALL.map(|endpoint| usable(endpoint, None, aliases)),
                None => std::array::from_fn(|_| Published::Nothing),
            },
            methods: [
                token_methods.clone().unwrap_or_else(presumed),
                or_token("introspection_endpoint_auth_methods_supported"),
                or_token("revocation_endpoint_auth_methods_supported"),
            ],
        }
    }

    /// The issuer's identifier.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where tokens are obtained.
    pub fn token_endpoint(&self) -> Result<&Destination, IssuerError> {
        self.endpoint(Endpoint::Token)
    }

    /// Where the state of a token is asked for.
    pub fn introspection_endpoint(&self) -> Result<&Destination, IssuerError> {
        self.endpoint(Endpoint::Introspection)
    }

    /// Where a token is revoked.
    pub fn revocation_endpoint(&self) -> Result<&Destination, IssuerError> {
        self.endpoint(Endpoint::Revocation)
    }

    /// Where the public keys are.
    pub fn jwks_uri(&self) -> Result<&Destination, IssuerError> {
        self.endpoint(Endpoint::KeySet)
    }

    /// Where the owner of an access token can be asked for with it.
    pub fn userinfo_endpoint(&self) -> Result<&Destination, IssuerError> {
        self.endpoint(Endpoint::UserInfo)
    }

    /// An endpoint, if it is there and trusted.
    pub fn endpoint(&self, endpoint: Endpoint) -> Result<&Destination, IssuerError> {
        let published = endpoint.of(&self.endpoints);
        let (issuer, endpoint) = (self.issuer.clone(), endpoint.as_str());
        match published {
            Published::Usable(destination) => Ok(destination),
            Published::NotTrusted(origin) => {
                Err(IssuerError::EndpointNotTrusted { issuer, endpoint, origin: origin.clone() })
            }
            Published::Nothing => Err(IssuerError::NoEndpoint { issuer, endpoint }),
        }
    }

    /// The same for a client that proves itself by that method: one with a certificate may have to go elsewhere.
    pub fn endpoint_for(&self, endpoint: Endpoint, method: ClientAuthentication) -> Result<&Destination, IssuerError> {
        match endpoint.of(&self.aliases) {
            Published::Usable(alias) if method == ClientAuthentication::Certificate => Ok(alias),
            _ => self.endpoint(endpoint),
        }
    }

    /// How clients authenticate at an endpoint. Introspection and revocation fall back on the token endpoint's list: some
    /// servers (oidc-provider 9) publish those endpoints without a list of their own.
    pub fn authentication_methods(&self, endpoint: Endpoint) -> &AuthenticationMethods {
        let [token, introspection, revocation] = &self.methods;
        match endpoint {
            Endpoint::Token | Endpoint::KeySet | Endpoint::UserInfo => token,
            Endpoint::Introspection => introspection,
            Endpoint::Revocation => revocation,
        }
    }
}

impl Endpoint {
    /// In the order in which [`Metadata`] keeps them.
    const ALL: [Self; 5] = [Self::Token, Self::Introspection, Self::Revocation, Self::KeySet, Self::UserInfo];

    /// The name of its member in the metadata, and of its key in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::KeySet => "jwks_uri",
            Self::UserInfo => "userinfo_endpoint",
        }
    }

    fn of(self, [token, introspection, revocation, key_set, userinfo]: &[Published; 5]) -> &Published {
        match self {
            Self::Token => token,
            Self::Introspection => introspection,
            Self::Revocation => revocation,
            Self::KeySet => key_set,
            Self::UserInfo => userinfo,
        }
    }

    fn pinned(self, issuer: &Issuer) -> Option<&Url> {
        match self {
            Self::Token => issuer.token_endpoint.as_ref(),
            Self::Introspection => issuer.introspection_endpoint.as_ref(),
            Self::Revocation => issuer.revocation_endpoint.as_ref(),
            Self::KeySet => issuer.jwks_uri.as_ref(),
            Self::UserInfo => None,
        }
    }
}

/// Whether the operator configured any endpoint, so that metadata is not indispensable.
pub(super) fn has_pinned_endpoint(issuer: &Issuer) -> bool {
    Endpoint::ALL.into_iter().any(|endpoint| endpoint.pinned(issuer).is_some())
}

/// Whether a document, with what the operator configured, names all that is asked of an issuer.
pub(super) fn is_complete(issuer: &Issuer, document: &Value) -> bool {
    let is_named = |endpoint: Endpoint| endpoint.pinned(issuer).is_some() || document.get(endpoint.as_str()).is_some();
    let wanted: &[Endpoint] =
        if issuer.keys_only { &[Endpoint::KeySet] } else { &[Endpoint::Introspection, Endpoint::Revocation] };
    wanted.iter().copied().all(is_named)
}

/// Where metadata may lie, in the order to try: OpenID Connect appends its suffix to the issuer, RFC 8414 §3.1 inserts its own
/// between host and path and allows that for the former as well.
pub(super) fn well_known_urls(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let paths = [
        format!("{path}/.well-known/openid-configuration"),
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
    ];
    let mut urls: Vec<Url> = Vec::with_capacity(paths.len());
    for path in paths {
        let mut url = issuer.clone();
        url.set_path(&path);
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

fn published(issuer: &Issuer, document: &Value, endpoint: Endpoint, pinned: Option<&Url>) -> Published {
    let Some(text) = pinned.map(Url::as_str).or_else(|| document.get(endpoint.as_str()).and_then(Value::as_str)) else {
        return Published::Nothing;
    };
    match Destination::within(issuer, text) {
        Ok(destination) => Published::Usable(destination),
        Err(_) => {
            Published::NotTrusted(checked_url(text).map_or_else(|_| "an unusable URL".to_owned(), |url| origin(&url)))
        }
    }
}

fn methods(issuer: &Issuer, document: &Value, member: &str) -> Option<AuthenticationMethods> {
    let known = |name: &str| ClientAuthentication::from_name(name);
    if !issuer.client_authentication.is_empty() {
        let methods = issuer.client_authentication.iter().filter_map(|name| known(name)).collect();
        return Some(AuthenticationMethods { methods, listed: true });
    }
    let listed = document.get(member)?.as_array()?;
    let mut methods: Vec<_> = listed.iter().filter_map(|name| known(name.as_str()?)).collect();
    methods.sort_unstable();
    methods.dedup();
    Some(AuthenticationMethods { methods, listed: true })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn issuer(identifier: &str) -> std::sync::Arc<Issuer> {
        let mut config = Config::default();
        config.trust_issuer(identifier).expect("an issuer of this test");
        config.issuers.remove(0)
    }

    #[test]
    fn places_of_metadata() {
        let check = |issuer: &str, expected: &[&str]| {
            let urls = well_known_urls(&Url::parse(issuer).expect("a URL"));
            assert_eq!(urls.iter().map(Url::as_str).collect::<Vec<_>>(), expected, "{issuer}");
        };
        check(
            "https://h.example/a/b/",
            &[
                "https://h.example/a/b/.well-known/openid-configuration",
                "https://h.example/.well-known/oauth-authorization-server/a/b",
                "https://h.example/.well-known/openid-configuration/a/b",
            ],
        );
        check(
            "https://h.example",
            &[
                "https://h.example/.well-known/openid-configuration",
                "https://h.example/.well-known/oauth-authorization-server",
            ],
        );
    }

    #[test]
    fn endpoints_elsewhere_are_not_usable() {
        let document = json!({
            "token_endpoint": "https://h.example/token",
            "introspection_endpoint": "https://evil.example/introspect",
            "revocation_endpoint": "http://169.254.169.254/",
            "jwks_uri": 7,
            "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
        });
        let metadata = Metadata::from_document(&issuer("https://h.example"), &document);
        assert!(metadata.token_endpoint().is_ok());
        let origin_of = |endpoint| match metadata.endpoint(endpoint).err() {
            Some(IssuerError::EndpointNotTrusted { origin, .. }) => origin,
            _ => String::new(),
        };
        assert_eq!(origin_of(Endpoint::Introspection), "https://evil.example");
        assert_eq!(origin_of(Endpoint::Revocation), "http://169.254.169.254");
        assert!(matches!(metadata.jwks_uri(), Err(IssuerError::NoEndpoint { .. })));
        let methods = metadata.authentication_methods(Endpoint::Revocation);
        let (basic, post) = (ClientAuthentication::SecretBasic, ClientAuthentication::SecretPost);
        assert_eq!(methods.methods, [basic, post, ClientAuthentication::PrivateKeyJwt]);
        assert!(methods.listed && !metadata.authentication_methods(Endpoint::Introspection).listed);
    }

    proptest! {
        #[test]
        fn any_document_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
            let issuer = issuer("https://h.example");
            if let Ok(document) = crate::egress::parse_json(&bytes) {
                Metadata::from_document(&issuer, &document);
            }
            let document = json!({"token_endpoint": text, "token_endpoint_auth_methods_supported": [text, 1, null]});
            let metadata = Metadata::from_document(&issuer, &document);
            prop_assert!(metadata.token_endpoint().is_err() || text.to_lowercase().starts_with("https://h.example"));
        }
    }
}
