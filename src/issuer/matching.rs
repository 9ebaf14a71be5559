//! Which trusted issuer a finding belongs to, from the hints that stood with it.
//!
//! A hint only ever selects among issuers that the operator trusts; it never adds one.

use std::sync::Arc;

use url::Url;

use super::{Endpoint, Issuers};
use crate::config::Issuer;
use crate::egress::shown_origin;
use crate::finding::{Finding, Part, PartValue, TokenFacts, escape};

/// The most trusted issuers that one finding is taken to; more hints than that are noise or an attack.
const MAX_ISSUERS: usize = 4;

/// The parts that name an issuer or one of its endpoints.
const HINTS: [&str; 6] =
    ["issuer", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri", "discovery_url"];

/// The suffixes under which an issuer's metadata is named instead of the issuer.
const WELL_KNOWN: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// The issuers that a finding may belong to.
pub struct Matches {
    /// Those that the operator trusts.
    pub trusted: Vec<Arc<Issuer>>,
    /// What is named, but not trusted: origins, fit to show.
    pub untrusted: Vec<String>,
}

impl Issuers {
    /// Matches the hints of a finding, and its client ids, with the trusted issuers. Metadata of trusted issuers is fetched
    /// when a hint names an endpoint on their host; no other packet is sent.
    pub async fn matching(&self, finding: &Finding) -> Matches {
        self.matching_hints(finding.token.as_ref(), &finding.parts).await
    }

    /// The same for what is known of a finding whose value is not at hand.
    pub async fn matching_hints(&self, token: Option<&TokenFacts>, parts: &[Part]) -> Matches {
        let mut matches = Matches { trusted: Vec::new(), untrusted: Vec::new() };
        if let Some(issuer) = token.and_then(|token| token.iss.as_deref()) {
            // A token names its issuer itself and exactly; what stands beside it does not count.
            match self.trusted(issuer) {
                Ok(trusted) => matches.trusted.push(Arc::clone(trusted)),
                Err(_) => matches.untrusted.push(shown(issuer)),
            }
            return matches;
        }
        for hint in HINTS.iter().flat_map(|name| public_parts(parts, name)) {
            let mut is_known = false;
            for issuer in &self.0.trusted {
                if names_issuer(hint, issuer) || self.names_endpoint(hint, issuer).await {
                    matches.add(issuer);
                    is_known = true;
                }
            }
            if !is_known {
                matches.untrusted.push(shown(hint));
            }
        }
        for client_id in public_parts(parts, "client_id") {
            for issuer in self.0.trusted.iter().filter(|issuer| has_client(issuer, client_id)) {
                matches.add(issuer);
            }
        }
        matches.untrusted.sort_unstable();
        matches.untrusted.dedup();
        matches
    }

    /// Whether the hint is an endpoint of the issuer, letter for letter. The issuer is only asked when its host agrees.
    async fn names_endpoint(&self, hint: &str, issuer: &Issuer) -> bool {
        let Ok(hint) = Url::parse(hint) else { return false };
        let pinned =
            [&issuer.token_endpoint, &issuer.introspection_endpoint, &issuer.revocation_endpoint, &issuer.jwks_uri];
        if pinned.into_iter().flatten().any(|pinned| *pinned == hint) {
            return true;
        }
        let is_own_host = issuer.url.as_ref().is_some_and(|own| own.origin() == hint.origin());
        if !is_own_host && !issuer.endpoint_hosts.iter().any(|host| host.is_origin_of(&hint)) {
            return false;
        }
        // Without its metadata nothing is sent to it; that it could not be asked is then told as the reason.
        let Ok(metadata) = self.metadata(&issuer.issuer).await else { return is_own_host };
        [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation, Endpoint::KeySet]
            .into_iter()
            .filter_map(|endpoint| metadata.endpoint(endpoint).ok())
            .any(|destination| *destination.url() == hint)
    }
}

impl Matches {
    fn add(&mut self, issuer: &Arc<Issuer>) {
        if self.trusted.len() < MAX_ISSUERS && !self.trusted.iter().any(|other| other.issuer == issuer.issuer) {
            self.trusted.push(Arc::clone(issuer));
        }
    }
}

/// What a finding names as its issuer, fit to show, without asking whether it is trusted.
pub fn hints(finding: &Finding) -> Vec<String> {
    let token = finding.token.as_ref().and_then(|token| token.iss.as_deref()).map(shown);
    let mut hints: Vec<String> = match token {
        Some(issuer) => vec![issuer],
        None => HINTS.iter().flat_map(|name| finding.parts_named(name)).map(shown).collect(),
    };
    hints.sort_unstable();
    hints.dedup();
    hints
}

/// The values of the public parts of that name.
fn public_parts<'a>(parts: &'a [Part], name: &'a str) -> impl Iterator<Item = &'a str> {
    parts.iter().filter_map(move |part| match &part.value {
        PartValue::Public(value) if part.name == name => Some(value.as_str()),
        _ => None,
    })
}

/// Whether the operator says that the client is this issuer's.
fn has_client(issuer: &Issuer, client_id: &str) -> bool {
    issuer.client_ids.iter().any(|id| id == client_id)
        || issuer.credentials.as_ref().is_some_and(|own| own.client_id == client_id)
}

/// Whether a hint means that issuer: its identifier or its metadata's address, give or take a closing slash. That is enough
/// here, because what is sent goes to the trusted issuer in any case; a token's own `iss` is compared exactly.
fn names_issuer(hint: &str, issuer: &Issuer) -> bool {
    let hint = WELL_KNOWN.iter().find_map(|suffix| hint.strip_suffix(suffix)).unwrap_or(hint);
    hint.trim_end_matches('/') == issuer.issuer.trim_end_matches('/')
}

/// An issuer's identifier made fit to show: the origin of a URL, otherwise the beginning of the text, escaped.
pub(super) fn shown(identifier: &str) -> String {
    shown_origin(identifier).unwrap_or_else(|| {
        let beginning: String = identifier.chars().take(80).collect();
        escape(beginning.as_bytes()).into_owned()
    })
}
