//! [`Survey`]: which trusted issuers findings belong to, and what the operator and the issuers allow there.

use std::collections::BTreeMap;

use url::Url;

use super::Subject;
use super::administration::{self, AdministrationTerms};
use crate::finding::{Fingerprint, Kind};
use crate::issuer::{ClientAuthentication, Endpoint, Issuers};

/// What is known of the issuers of some findings.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The trusted issuers by their exact identifiers.
    pub terms: BTreeMap<String, IssuerTerms>,
    /// The issuers that each finding may belong to.
    pub matches: BTreeMap<Fingerprint, IssuerMatch>,
    /// What can be done about a client at an issuer whose clients the operator administers, or why it cannot.
    pub administration: BTreeMap<(String, String), Result<AdministrationTerms, String>>,
}

/// One issuer, as far as revocation is concerned. Made from the operator's trust policy, never from scanned content.
#[derive(Clone, Debug)]
pub struct IssuerTerms {
    /// Whether the operator declared the issuer as owned: `revoke = true`.
    pub revoke: bool,
    /// The revocation endpoint, already held against the trust policy, or why there is none.
    pub revocation_endpoint: Result<Url, String>,
    /// Whether clients without a secret may ask for a revocation.
    pub accepts_public_clients: bool,
    /// Whether the operator administers its clients.
    pub is_administered: bool,
    /// The client of the operator's configuration.
    pub client_id: Option<String>,
}

/// The issuers that one finding may belong to.
#[derive(Clone, Debug, Default)]
pub struct IssuerMatch {
    /// Identifiers of those that the operator trusts.
    pub trusted: Vec<String>,
    /// What it names besides, fit to show.
    pub untrusted: Vec<String>,
}

/// Asks the trusted issuers of the findings for their metadata; nobody else is asked anything, and nothing secret is sent.
pub async fn survey(issuers: &Issuers, subjects: &[Subject]) -> Survey {
    let mut survey = Survey::default();
    for subject in subjects.iter().filter(|subject| is_asked_about(subject.kind)) {
        let matches = issuers.matching_hints(subject.token.as_ref(), &subject.parts).await;
        let trusted: Vec<String> = matches.trusted.iter().map(|issuer| issuer.issuer.clone()).collect();
        for issuer in matches.trusted {
            if let Some(client_id) = subject.client_id().filter(|_| subject.kind == Kind::ClientSecret)
                && let Some(terms) = administration::terms(&issuer, client_id)
            {
                survey.administration.insert((issuer.issuer.clone(), client_id.to_owned()), terms);
            }
            if survey.terms.contains_key(&issuer.issuer) {
                continue;
            }
            let metadata = issuers.metadata(&issuer.issuer).await;
            let endpoint = metadata.as_ref().map_err(ToString::to_string).and_then(|metadata| {
                metadata.revocation_endpoint().map(|at| at.url().clone()).map_err(|error| error.to_string())
            });
            let accepts_public_clients = metadata.as_ref().is_ok_and(|metadata| {
                metadata.authentication_methods(Endpoint::Revocation).methods.contains(&ClientAuthentication::None)
            });
            let terms = IssuerTerms {
                revoke: issuer.revoke,
                revocation_endpoint: endpoint,
                accepts_public_clients,
                is_administered: issuer.administration.is_some(),
                client_id: issuer.credentials.as_ref().map(|own| own.client_id.clone()),
            };
            survey.terms.insert(issuer.issuer.clone(), terms);
        }
        survey.matches.insert(subject.id, IssuerMatch { trusted, untrusted: matches.untrusted });
    }
    survey
}

/// What is ended by a call: tokens, and client secrets by administration, which also tell the issuer of the tokens beside them.
fn is_asked_about(kind: Kind) -> bool {
    matches!(kind, Kind::RefreshToken | Kind::AccessToken | Kind::Jwt | Kind::ClientSecret)
}
