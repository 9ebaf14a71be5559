//! Client secrets that end by an administrator's word: the interfaces of Keycloak, Auth0, Okta and Microsoft Entra, and client
//! registration management (RFC 7592).
//!
//! The client's id stands beside the secret, where anybody can write it; so nothing is changed before it is certain that the
//! secret is that client's: the interface itself tells the same value, or the issuer has just accepted it. What an interface
//! answers may hold a new secret: it is looked at and dropped, never told.

mod auth0;
mod desk;
mod entra;
mod keycloak;
mod okta;
mod registration;

use std::time::Duration;

use self::desk::Desk;
use super::rfc7009::{Answer, classify_failure};
use crate::config::Issuer;
use crate::config::administration::{Administration, Interface};
use crate::egress::{Egress, Request, Response, origin};
use crate::issuer::Issuers;
use crate::secret::Secret;

/// What a plan says of a client at its issuer's administration interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdministrationTerms {
    /// The interface, as the configuration has it.
    pub interface: &'static str,
    /// Method and address, with `{id}` where only the interface knows what stands there.
    pub request: String,
    /// Whether what it does can be undone.
    pub reversible: bool,
    /// What it brings about.
    pub expected: &'static str,
    /// Whether only a secret that is proven to work may be ended: nothing else ties it to the client.
    pub needs_proof: bool,
}

/// Who asks for the end of what.
pub(super) struct Case<'a> {
    /// The issuer, whose configuration has the interface.
    pub(super) issuer: &'a Issuer,
    /// The client.
    pub(super) client_id: &'a str,
    /// The leaked secret.
    pub(super) secret: &'a Secret,
    /// Whether the issuer has just accepted it.
    pub(super) is_live: bool,
}

/// Requests that are ready to be sent.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub(super) enum Ready {
    /// One that ends the secret, and one that may follow it.
    Requests {
        first: Request,
        /// What is sent once the first one is accepted, and what has not been done if that fails.
        then: Option<(Request, &'static str)>,
        /// What the owner of the client has to know afterwards.
        note: &'static str,
        /// How long the issuer may take to make it take effect.
        settles_within: Option<Duration>,
    },
    /// The update of a registration, which has to be read first. Reading it may change it already (RFC 7592 §2.1).
    Update(registration::Update),
}

/// That its owner has to see to a new secret.
const FETCH: &str = "the new secret is not kept: the client's owner must fetch it from the issuer";

/// What is planned for a client of that issuer.
///
/// # Errors
/// In words, why the interface cannot be asked about that client.
pub(super) fn terms(issuer: &Issuer, client_id: &str) -> Option<Result<AdministrationTerms, String>> {
    let administration = issuer.administration.as_ref()?;
    Some(planned(administration, client_id))
}

fn planned(administration: &Administration, client_id: &str) -> Result<AdministrationTerms, String> {
    let id = segment(client_id)?;
    let base = administration.url.as_ref().map(|url| {
        let path = url.path().trim_end_matches('/');
        format!("{}{path}", origin(url))
    });
    let base = base.unwrap_or_default();
    let delete = administration.delete;
    let terms = match &administration.interface {
        Interface::Keycloak => AdministrationTerms {
            interface: "keycloak",
            request: format!("POST {base}/clients/{{id}}/client-secret"),
            reversible: false,
            expected: "the client gets another secret, and everything that uses the old one stops working",
            needs_proof: false,
        },
        Interface::Auth0 => AdministrationTerms {
            interface: "auth0",
            request: format!("POST {base}/clients/{id}/rotate-secret"),
            reversible: false,
            expected: "the client gets another secret, and everything that uses the old one stops working",
            needs_proof: false,
        },
        Interface::Okta => AdministrationTerms {
            interface: "okta",
            request: if delete {
                format!("DELETE {base}/apps/{id}/credentials/secrets/{{id}}, deactivated first")
            } else {
                format!("POST {base}/apps/{id}/credentials/secrets/{{id}}/lifecycle/deactivate")
            },
            reversible: !delete,
            expected: "this secret of the client stops working; another one that it has goes on working",
            needs_proof: false,
        },
        Interface::Entra => AdministrationTerms {
            interface: "entra",
            request: format!("POST {base}/applications(appId='{}')/removePassword", entra::app_id(client_id)?),
            reversible: false,
            expected: "this secret of the application stops working; another one that it has goes on working",
            needs_proof: false,
        },
        Interface::Registration(_) => {
            let registration = administration.registration(client_id);
            let registration = registration.ok_or("the configuration has no registration of this client")?;
            let place = format!("{}{}", origin(&registration.url), registration.url.path());
            AdministrationTerms {
                interface: "registration",
                request: format!("{} {place}", if delete { "DELETE" } else { "PUT" }),
                reversible: false,
                expected: if delete {
                    "the client ceases to exist at the issuer, with its secret and its tokens, and has to be registered anew"
                } else {
                    "the client's registration is updated, upon which many issuers give it another secret; one that also gives \
                     another registration access token takes the configured one out of service"
                },
                needs_proof: true,
            }
        }
    };
    Ok(terms)
}

/// Finds out at the interface what has to be ended, and makes the requests for it. Changes nothing.
///
/// # Errors
/// In words, why nothing may be sent.
pub(super) async fn prepare(case: &Case<'_>, issuers: &Issuers, egress: &Egress) -> Result<Ready, String> {
    let administration = case.issuer.administration.as_ref();
    let administration = administration.ok_or("the configuration does not say how clients are administered there")?;
    if let Interface::Registration(_) = administration.interface {
        return registration::prepare(case, administration);
    }
    let desk = Desk::open(case.issuer, administration, issuers, egress).await?;
    match administration.interface {
        Interface::Keycloak => keycloak::prepare(case, &desk).await,
        Interface::Auth0 => auth0::prepare(case, &desk).await,
        Interface::Okta => okta::prepare(case, &desk, administration.delete).await,
        Interface::Entra | Interface::Registration(_) => entra::prepare(case, &desk).await,
    }
}

/// Sends what was prepared. Gives what the answer means, and what the client's owner has to know.
pub(super) async fn execute(egress: &Egress, ready: Ready) -> (Answer, String) {
    let (first, then, note) = match ready {
        Ready::Requests { first, then, note, .. } => (first, then, note),
        Ready::Update(update) => return registration::execute_update(egress, update).await,
    };
    let answer = match egress.send(first).await {
        Ok(response) => classify(&response),
        Err(error) => classify_failure(&error),
    };
    let mut note = note.to_owned();
    match then {
        _ if answer != Answer::Accepted => note.clear(),
        None => {}
        Some((request, undone)) => {
            let response = egress.send(request).await;
            if !response.is_ok_and(|response| (200..300).contains(&response.status)) {
                note = [&*note, undone].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
            }
        }
    }
    (answer, note)
}

impl Ready {
    /// How long the issuer may take to make it take effect, where that is known to be longer than a moment.
    pub(super) fn settles_within(&self) -> Option<Duration> {
        match self {
            Self::Requests { settles_within, .. } => *settles_within,
            Self::Update(_) => None,
        }
    }
}

/// What an answer means, by its status: the bodies of these interfaces say nothing that would change it.
fn classify(response: &Response) -> Answer {
    match response.status {
        200..=299 => Answer::Accepted,
        429 | 503 => Answer::Postponed {
            reason: "the administration interface takes no requests now",
            retry_after: response.retry_after,
        },
        400 | 409 | 422 => Answer::Refused("the administration interface does not accept the request"),
        401 => Answer::Refused("the administration interface does not accept the configured credential (401)"),
        403 => Answer::Refused("the administration interface does not let the configured credential do it (403)"),
        404 | 410 => Answer::Refused("the administration interface does not know the client"),
        405 => Answer::Refused("the administration interface has no such request"),
        status => Answer::Unknown(format!("the administration interface answered with status {status}")),
    }
}

/// Text that may stand as one segment of a path: in URLs, dots alone would lead elsewhere.
fn segment(text: &str) -> Result<&str, String> {
    if matches!(text, "" | "." | "..") || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("its client id is none that could stand in an address".to_owned());
    }
    Ok(text)
}

/// That the secret is the client's, when the interface does not tell: only what works is certain to be.
fn proven(case: &Case<'_>) -> Result<(), String> {
    if case.is_live {
        return Ok(());
    }
    Err("nothing proves that the secret is this client's: its issuer has not accepted it".to_owned())
}

/// The interface tells that the client has another secret.
const ANOTHER: &str = "the client has another secret at its issuer by now";
