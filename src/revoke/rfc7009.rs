//! OAuth 2.0 Token Revocation (RFC 7009): the request, and what its answer means.

use std::time::Duration;

use crate::egress::{Destination, Egress, EgressError, Field, Request, Response};
use crate::issuer::{AuthenticationMethods, ClientAuthentication, ClientCredentials, Endpoint, Metadata};
use crate::secret::Secret;

/// How many methods of client authentication are tried before the client counts as refused: a server can list one that it does
/// not take, and more attempts look like guessing.
const MAX_METHODS: usize = 2;

/// What an issuer's answer to a revocation says. None of these proves that the token is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// 200: the token is revoked, or was unknown, or the issuer does not care who asks.
    Accepted,
    /// The issuer will not do it.
    Refused(&'static str),
    /// The issuer did not do it, and may later.
    Postponed {
        /// Why.
        reason: &'static str,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The request did not leave.
    NotSent(String),
    /// Nobody knows whether it was done.
    Unknown(String),
}

/// What is sent.
pub(super) struct Revocation<'a> {
    pub(super) endpoint: &'a Destination,
    pub(super) token: &'a Secret,
    pub(super) token_type_hint: &'a str,
    /// Whose token it is; none where the issuer asks for no client.
    pub(super) client: Option<&'a ClientCredentials>,
    pub(super) metadata: &'a Metadata,
}

/// Sends the request. A rejected client is authenticated once more by the next method that the issuer lists; nothing else is
/// ever repeated: a rejection is certain to have had no effect, and nothing else is.
pub(super) async fn execute_revocation(egress: &Egress, revocation: &Revocation<'_>) -> Answer {
    let mut answer = Answer::Refused("no way of client authentication is left that the issuer lists");
    let methods = revocation.metadata.authentication_methods(Endpoint::Revocation);
    for method in attempts(revocation.client, methods) {
        let fields =
            [("token", Field::Secret(revocation.token)), ("token_type_hint", Field::Text(revocation.token_type_hint))];
        let alias = method.and_then(|method| revocation.metadata.endpoint_for(Endpoint::Revocation, method).ok());
        let mut request = Request::post_form(alias.unwrap_or(revocation.endpoint), fields);
        if let (Some(client), Some(method)) = (revocation.client, method) {
            request = client.authenticate(request, method);
        }
        let (next, is_client_rejected) = match egress.send(request).await {
            Ok(response) => (classify(&response), error_code(&response).as_deref() == Some("invalid_client")),
            Err(error) => (classify_failure(&error), false),
        };
        answer = next;
        if !is_client_rejected {
            break;
        }
    }
    answer
}

/// The ways of authentication to try; a single `None` where there is no client.
fn attempts(client: Option<&ClientCredentials>, methods: &AuthenticationMethods) -> Vec<Option<ClientAuthentication>> {
    let Some(client) = client else { return vec![None] };
    if client.is_public() {
        return vec![Some(ClientAuthentication::None)];
    }
    let mut attempts = Vec::new();
    for method in methods.methods.iter().copied().filter(|method| client.can(*method)).take(MAX_METHODS) {
        attempts.push(Some(method));
        // Where the encoding of RFC 6749 §2.3.1 makes a difference, servers are divided on it.
        if method == ClientAuthentication::SecretBasic && client.basic_encodings_differ() {
            attempts.push(Some(ClientAuthentication::SecretBasicVerbatim));
        }
    }
    attempts
}

/// What an answer means. The body is read for its `error` alone, and only codes that a standard defines are told: the rest of
/// it is the server's and might repeat the token.
fn classify(response: &Response) -> Answer {
    let error = error_code(response);
    match (response.status, error.as_deref()) {
        // Some providers answer 200 to everything and tell the error in the body.
        (200..=299, None) => Answer::Accepted,
        (503, _) => Answer::Postponed { reason: "the issuer is unavailable (503)", retry_after: response.retry_after },
        (429, _) => Answer::Postponed {
            reason: "the issuer takes no more requests now (429)",
            retry_after: response.retry_after,
        },
        // An error of the server itself may come after the deed.
        (status @ 500.., _) => Answer::Unknown(format!("the issuer answered with status {status}")),
        (_, Some(code)) => Answer::Refused(meaning(code)),
        (401, None) => Answer::Refused("the issuer does not accept the client (401)"),
        (403, None) => Answer::Refused("the issuer forbids it (403)"),
        (404 | 405 | 410, None) => Answer::Refused("there is no revocation endpoint at that address"),
        (400..=499, None) => Answer::Refused("the issuer refused the request without a reason it can be held to"),
        (status, None) => Answer::Unknown(format!("the issuer answered with status {status}")),
    }
}

pub(super) fn classify_failure(error: &EgressError) -> Answer {
    if error.may_have_been_delivered() {
        Answer::Unknown(error.to_string())
    } else {
        Answer::NotSent(error.to_string())
    }
}

/// The `error` of RFC 6749 §5.2, if the body has one.
fn error_code(response: &Response) -> Option<String> {
    response.json_text("error").filter(|code| !code.is_empty())
}

/// What an error code says about a revocation.
fn meaning(code: &str) -> &'static str {
    match code {
        "invalid_client" => "the issuer does not accept the client (invalid_client)",
        "invalid_grant" => "the issuer does not let this client revoke the token (invalid_grant)",
        "invalid_request" => {
            "the issuer does not accept the request, as for a token of another client (invalid_request)"
        }
        "invalid_token" => "the issuer does not know the token (invalid_token)",
        "unauthorized_client" => "the issuer does not let this client revoke tokens (unauthorized_client)",
        "unsupported_token_type" => "the issuer cannot revoke tokens of this type (unsupported_token_type)",
        "access_denied" => "the issuer denies it (access_denied)",
        _ => "the issuer refused with an error of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(names: &[&str]) -> AuthenticationMethods {
        let methods = names.iter().filter_map(|name| ClientAuthentication::from_name(name)).collect();
        AuthenticationMethods { methods, listed: true }
    }

    #[test]
    fn at_most_two_ways_of_authentication_are_tried() {
        use ClientAuthentication::{None as Public, PrivateKeyJwt, SecretBasic, SecretBasicVerbatim, SecretPost};

        let confidential = ClientCredentials::confidential("web", Secret::new("secret"));
        let reserved = ClientCredentials::confidential("web", Secret::new("sec+ret"));
        let public = ClientCredentials::public("web");
        let signing = ClientCredentials::with_key("web", b"", None);
        for (client, listed, expected) in [
            (Some(&confidential), &["client_secret_basic"][..], vec![Some(SecretBasic)]),
            (
                Some(&confidential),
                &["client_secret_post", "none", "client_secret_basic", "client_secret_post"],
                vec![Some(SecretPost), Some(SecretBasic)],
            ),
            (
                Some(&reserved),
                &["client_secret_basic", "client_secret_post"],
                vec![Some(SecretBasic), Some(SecretBasicVerbatim), Some(SecretPost)],
            ),
            (Some(&confidential), &["private_key_jwt"], vec![]),
            (Some(&signing), &["client_secret_basic", "private_key_jwt"], vec![Some(PrivateKeyJwt)]),
            (Some(&public), &["client_secret_basic"], vec![Some(Public)]),
            (None, &["client_secret_basic"], vec![None]),
        ] {
            assert_eq!(attempts(client, &methods(listed)), expected, "{listed:?}");
        }
    }
}
