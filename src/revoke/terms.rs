//! [`IssuerTerms`]: what the operator's configuration and the issuer's metadata allow at an issuer.

use std::collections::BTreeMap;

use url::Url;

/// One issuer, as far as revocation is concerned. Made from the operator's trust policy, never from scanned content.
#[derive(Clone, Debug, Default)]
pub struct IssuerTerms {
    /// Whether the operator declared the issuer as owned: `revoke = true`.
    pub revoke: bool,
    /// The revocation endpoint from the configuration or the issuer's metadata, already held against the trust policy.
    pub revocation_endpoint: Option<Url>,
    /// The token endpoint, by which an opaque token's neighbour may name the issuer.
    pub token_endpoint: Option<Url>,
    /// The client authentication methods that hold at the revocation endpoint.
    pub authentication_methods: Vec<String>,
    /// The client of the operator's configuration.
    pub client_id: Option<String>,
    /// Further clients that the configuration names as this issuer's.
    pub client_ids: Vec<String>,
}

impl IssuerTerms {
    /// Whether the configuration names that client as this issuer's.
    pub(super) fn has_client(&self, client: &str) -> bool {
        self.client_id.as_deref() == Some(client) || self.client_ids.iter().any(|known| known == client)
    }
}

/// The trusted issuers by their exact issuer identifier.
pub type TermsByIssuer = BTreeMap<String, IssuerTerms>;
