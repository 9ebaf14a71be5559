//! Issuers: trust, metadata (OIDC Discovery, RFC 8414), key sets, client authentication.
//!
//! For `verify` and `revoke`. Only issuers of the operator's configuration are ever sent anything, and the key sets of those that
//! the program lists are fetched; for every other one the answer is [`IssuerError::Untrusted`], and no packet leaves. What an
//! issuer publishes about itself is checked against the same trust again: its metadata may not lead a secret to a host that the
//! operator did not name.

pub mod client_authentication;
pub mod key_set;
mod matching;
mod metadata;
mod pairing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use url::Url;

use crate::config::{Config, Issuer, KnownIssuer};
use crate::egress::{DOCUMENT_BODY_LIMIT, Destination, Egress, EgressError, Request};
use crate::finding::provider_of_issuer;
use crate::provider::Providers;
use crate::rules::RuleSet;
pub use client_authentication::{ClientAuthentication, ClientCredentials};
pub use key_set::KeySet;
pub use matching::{Matches, hints};
pub use metadata::{AuthenticationMethods, Endpoint, Metadata};
pub use pairing::client_credentials;

/// The trusted issuers of a run, and what they publish, fetched once each. Cheap to clone.
#[derive(Clone)]
pub struct Issuers(Arc<Inner>);

struct Inner {
    egress: Egress,
    trusted: Vec<Arc<Issuer>>,
    /// Providers that are the same for everybody, by the rule that pins them.
    pinned: HashMap<String, Arc<Issuer>>,
    documents: HashMap<String, Arc<Documents>>,
    providers: Option<Providers>,
    /// Those of the program's list that tokens named, each with what it publishes.
    known: Mutex<HashMap<String, Known>>,
}

type Known = (Arc<Issuer>, Arc<Documents>);

/// The most issuers of the program's list that one run fetches from: whoever writes what is scanned chooses how many it names.
const MOST_KNOWN: usize = 100;

#[derive(Default)]
struct Documents {
    metadata: OnceCell<Result<Arc<Metadata>, IssuerError>>,
    key_set: OnceCell<Result<Arc<KeySet>, IssuerError>>,
}

/// Why an issuer cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// It is not in the operator's configuration. Nothing was sent.
    #[error("untrusted issuer: {shown}")]
    Untrusted {
        /// Its origin, or its identifier made fit to show.
        shown: String,
    },
    /// Its identifier is no URL, so that it has no metadata.
    #[error("issuer `{issuer}` is not a URL; its endpoints must be configured")]
    NotDiscoverable {
        /// Its identifier.
        issuer: String,
    },
    /// None of the well-known places holds its metadata.
    #[error("issuer `{issuer}` publishes no metadata (status {status})")]
    NoMetadata {
        /// Its identifier.
        issuer: String,
        /// The last answer.
        status: u16,
    },
    /// What it publishes cannot be read as what it should be.
    #[error("issuer `{issuer}` publishes a {document} that cannot be used: {reason}")]
    Malformed {
        /// Its identifier.
        issuer: String,
        /// `metadata` or `key set`.
        document: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It says that it is another one: RFC 8414 §3.3 forbids to use such metadata.
    #[error("the metadata of issuer `{issuer}` names another issuer")]
    Mismatch {
        /// Its identifier.
        issuer: String,
    },
    /// It does not offer what is needed.
    #[error("issuer `{issuer}` has no `{endpoint}`")]
    NoEndpoint {
        /// Its identifier.
        issuer: String,
        /// What is needed.
        endpoint: &'static str,
    },
    /// Its metadata names an endpoint on a host that the operator did not name.
    #[error("the `{endpoint}` of issuer `{issuer}` is at `{origin}`, which is not among its `endpoint_hosts`")]
    EndpointNotTrusted {
        /// Its identifier.
        issuer: String,
        /// Which endpoint.
        endpoint: &'static str,
        /// Where it is.
        origin: String,
    },
    /// It cannot be reached, or its answer cannot be used.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

impl Issuers {
    /// The issuers that the operator trusts. Asks nothing yet.
    pub fn new(config: &Config, egress: Egress) -> Self {
        Self::with_pinned(config, egress, HashMap::new(), None)
    }

    /// The issuers that the operator trusts, and those that rules pin by a token endpoint and the operator lets be asked.
    pub fn with_rules(config: &Config, egress: Egress, rules: &RuleSet) -> Self {
        let providers = Providers::from(config);
        let allowed = rules.rules.iter().filter(|rule| providers.may_ask(rule));
        let pinned = allowed.filter_map(|rule| Some((rule.id.clone(), Arc::new(Issuer::pinned_by_rule(rule)?))));
        let pinned = pinned.collect();
        Self::with_pinned(config, egress, pinned, Some(providers))
    }

    fn with_pinned(
        config: &Config,
        egress: Egress,
        pinned: HashMap<String, Arc<Issuer>>,
        providers: Option<Providers>,
    ) -> Self {
        let issuers = config.issuers.iter().chain(pinned.values());
        let documents = issuers.map(|issuer| (issuer.issuer.clone(), Arc::default())).collect();
        let trusted = config.issuers.clone();
        Self(Arc::new(Inner { egress, trusted, pinned, documents, providers, known: Mutex::default() }))
    }

    /// The trusted issuer of exactly that identifier.
    pub fn trusted(&self, identifier: &str) -> Result<&Arc<Issuer>, IssuerError> {
        let found = self.0.trusted.iter().find(|issuer| issuer.issuer == identifier);
        found.ok_or_else(|| IssuerError::Untrusted { shown: matching::shown(identifier) })
    }

    /// The provider that the rule of that id pins, if the operator lets it be asked.
    pub fn pinned_by_rule(&self, rule: &str) -> Option<&Arc<Issuer>> {
        self.0.pinned.get(rule)
    }

    /// An issuer of the program's list, whose key set may be fetched and nothing else; `policy` is what the token says that it was
    /// issued by, where keys depend on that. `None` where the operator does not let its
    /// provider be asked, has named it themselves, or where a run has met too many.
    pub fn known(&self, identifier: &str, policy: Option<&str>) -> Option<Arc<Issuer>> {
        let issuer = self.may_know(identifier).then(|| Issuer::known(identifier, policy)).flatten()?;
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name_of_known(&issuer);
        if !known.contains_key(&name) && known.len() >= MOST_KNOWN {
            return None;
        }
        let (issuer, _) = known.entry(name).or_insert_with(|| (Arc::new(issuer), Arc::default()));
        Some(Arc::clone(issuer))
    }

    /// Whether [`Issuers::known`] may give an issuer of that identifier.
    pub fn may_know(&self, identifier: &str) -> bool {
        let provider = provider_of_issuer(identifier).unwrap_or_default();
        let may_fetch = || self.0.providers.as_ref().is_some_and(|all| all.may_fetch_from(provider));
        KnownIssuer::of(identifier).is_some() && self.trusted(identifier).is_err() && may_fetch()
    }

    /// The trusted issuers that credentials may be verified with.
    pub fn to_verify(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.0.trusted.iter().filter(|issuer| issuer.verify)
    }

    /// Whether the operator trusts no issuer at all.
    pub fn is_empty(&self) -> bool {
        self.0.trusted.is_empty()
    }

    /// The metadata of a trusted issuer, with configured endpoints in place of published ones. Fetched once per run; a
    /// failure lasts as long.
    pub async fn metadata(&self, identifier: &str) -> Result<Arc<Metadata>, IssuerError> {
        self.metadata_of(self.trusted(identifier)?).await
    }

    /// The same for an issuer at hand, trusted or pinned by a rule.
    pub async fn metadata_of(&self, issuer: &Issuer) -> Result<Arc<Metadata>, IssuerError> {
        let cell = &self.documents(issuer)?.metadata;
        cell.get_or_init(|| async { self.fetch_metadata(issuer).await.map(Arc::new) }).await.clone()
    }

    /// The key set of an issuer. Fetched once per run; a failure lasts as long.
    pub async fn key_set(&self, issuer: &Issuer) -> Result<Arc<KeySet>, IssuerError> {
        let cell = &self.documents(issuer)?.key_set;
        cell.get_or_init(|| async { self.fetch_key_set(issuer).await.map(Arc::new) }).await.clone()
    }

    /// Where the key set of an issuer is.
    pub async fn key_set_host(&self, issuer: &Issuer) -> Result<Destination, IssuerError> {
        match &issuer.jwks_uri {
            Some(url) => Ok(Destination::within(issuer, url.as_str())?),
            None => Ok(self.metadata_of(issuer).await?.jwks_uri()?.clone()),
        }
    }

    fn documents(&self, issuer: &Issuer) -> Result<Arc<Documents>, IssuerError> {
        let documents = if issuer.keys_only {
            let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&name_of_known(issuer)).map(|(_, documents)| Arc::clone(documents))
        } else {
            self.0.documents.get(&issuer.issuer).map(Arc::clone)
        };
        documents.ok_or_else(|| IssuerError::Untrusted { shown: matching::shown(&issuer.issuer) })
    }

    async fn fetch_metadata(&self, issuer: &Issuer) -> Result<Metadata, IssuerError> {
        match self.discover(issuer).await {
            Ok(document) => Ok(Metadata::from_document(issuer, &document)),
            // What the operator configured is enough to go on with.
            Err(_) if metadata::has_pinned_endpoint(issuer) => Ok(Metadata::from_document(issuer, &Value::Null)),
            Err(error) => Err(error),
        }
    }

    /// Tries the well-known places until one holds metadata that names this very issuer. What that leaves out is taken from the
    /// next: OpenID Connect knows nothing of revocation and introspection, and some issuers tell of them in their other document.
    async fn discover(&self, issuer: &Issuer) -> Result<Value, IssuerError> {
        let identifier = || issuer.issuer.clone();
        let url = issuer.url.as_ref().ok_or_else(|| IssuerError::NotDiscoverable { issuer: identifier() })?;
        let mut failure = None;
        let mut found: Option<Value> = None;
        for (number, place) in metadata::well_known_urls(url).into_iter().enumerate() {
            // The third is the first in another place.
            if found.as_ref().is_some_and(|document| number == 2 || metadata::is_complete(issuer, document)) {
                break;
            }
            let destination = Destination::within(issuer, place.as_str())?;
            let request = Request::get(&destination).limit(DOCUMENT_BODY_LIMIT);
            let response = match self.0.egress.send(request).await {
                Ok(response) => response,
                Err(redirect @ EgressError::Redirect { .. }) => {
                    failure.get_or_insert(redirect.into());
                    continue;
                }
                Err(error) if found.is_none() => return Err(error.into()),
                Err(_) => break,
            };
            if response.status != 200 {
                failure.get_or_insert(IssuerError::NoMetadata { issuer: identifier(), status: response.status });
                continue;
            }
            match response.json() {
                Ok(document) if document.get("issuer").and_then(Value::as_str) == Some(&issuer.issuer) => {
                    let known = found.get_or_insert_with(|| Value::Object(Map::new()));
                    if let (Some(known), Value::Object(document)) = (known.as_object_mut(), document) {
                        for (name, value) in document {
                            known.entry(name).or_insert(value);
                        }
                    }
                }
                // What is wrong with a document that is there says more than the absence of others.
                Ok(_) => failure = Some(IssuerError::Mismatch { issuer: identifier() }),
                Err(_) => failure = Some(malformed(issuer, "metadata", "it is not JSON of bounded depth")),
            }
        }
        found.ok_or_else(|| failure.unwrap_or_else(|| IssuerError::NoMetadata { issuer: identifier(), status: 404 }))
    }

    async fn fetch_key_set(&self, issuer: &Issuer) -> Result<KeySet, IssuerError> {
        let destination = self.key_set_host(issuer).await?;
        let response = self.0.egress.send(Request::get(&destination).limit(DOCUMENT_BODY_LIMIT)).await?;
        if response.status != 200 {
            return Err(malformed(issuer, "key set", "its address does not answer 200"));
        }
        let document = response.json().map_err(|_| malformed(issuer, "key set", "it is not JSON of bounded depth"))?;
        KeySet::from_document(&document).map_err(|reason| malformed(issuer, "key set", reason))
    }
}

/// What tells a listed issuer from others: one identifier may have several key sets.
fn name_of_known(issuer: &Issuer) -> String {
    format!("{} {}", issuer.issuer, issuer.jwks_uri.as_ref().map_or("", Url::as_str))
}

fn malformed(issuer: &Issuer, document: &'static str, reason: &'static str) -> IssuerError {
    IssuerError::Malformed { issuer: issuer.issuer.clone(), document, reason }
}

#[cfg(test)]
pub(crate) mod tests;
