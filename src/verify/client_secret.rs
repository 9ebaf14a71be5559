//! Client secrets, without minting anything.
//!
//! A question that an authenticated client would be refused for another reason is put twice: with the secret, and with a wrong
//! one of the same length. Different answers prove the secret; equal answers prove nothing, however good they look. The first
//! question is a refresh with a token that does not exist; then, where that says nothing, a code that does not; then revocation and
//! introspection of such a token. A refused client may be the wrong way to authenticate: `dead` needs every way.

use serde_json::Value;

use super::VerifyContext;
use super::verdict::{asked, not_checked, shown, unknown};
use crate::config::Issuer;
use crate::egress::{Destination, Field, Request, Response};
use crate::finding::{Finding, Liveness, LivenessState};
use crate::issuer::{ClientAuthentication, ClientCredentials, Endpoint, Metadata};
use crate::secret::Secret;

/// The most clients that one secret is tried with: each costs its owner two failed logins.
const MAX_CLIENTS: usize = 3;

// The names of the questions in verdicts.
pub(super) const BOGUS_REFRESH: &str = "bogus-refresh-twin";
pub(super) const BOGUS_CODE: &str = "bogus-code-twin";
pub(super) const REVOCATION: &str = "revocation-twin";
pub(super) const INTROSPECTION: &str = "introspection-twin";

/// The questions, in the order of how much they prove.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    BogusRefresh,
    BogusCode,
    Revocation,
    Introspection,
}

/// What an answer says of the client that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It was let in, and then refused for another reason.
    Passed(&'static str),
    /// It was not let in.
    Rejected(&'static str),
    /// 401 or 403 without a reason that OAuth knows.
    Forbidden,
    /// It does not matter who asks.
    Indifferent(&'static str),
    /// A token, for a refresh token that does not exist.
    Minted,
    /// No answer to this question.
    Useless(String),
    /// No answer at all; asking on would not help.
    Unavailable(String),
}

/// What a probe showed.
enum Outcome {
    Accepted,
    Refused(&'static str),
    /// Right and wrong secret get the same answer.
    Alike,
    Undecided(String),
    /// Stop asking.
    Stop(String),
}

/// Asks whether the issuers accept a client secret.
pub(super) async fn ask(finding: &Finding, issuers: &[&Issuer], context: &VerifyContext) -> Liveness {
    let client_ids: Vec<&str> = finding.parts_named("client_id").take(MAX_CLIENTS).collect();
    if client_ids.is_empty() {
        return not_checked("no client id stands with it");
    }
    let mut verdicts = Vec::new();
    for issuer in issuers {
        for client_id in &client_ids {
            let verdict = ask_one(finding, issuer, client_id, context).await;
            if verdict.state == LivenessState::Live {
                return verdict;
            }
            verdicts.push(verdict);
        }
    }
    let asked = verdicts.len();
    // With several candidates a refusal may only mean that the right pair was not among them.
    let undecided = verdicts.iter().position(|verdict| verdict.state != LivenessState::Dead);
    let chosen = verdicts.swap_remove(undecided.unwrap_or_default());
    if asked > 1 && undecided.is_none() {
        let reason = format!("refused for each of {asked} pairs of client and issuer found with it");
        return Liveness { state: LivenessState::Unknown, reason: Some(reason), ..chosen };
    }
    chosen
}

async fn ask_one(finding: &Finding, issuer: &Issuer, client_id: &str, context: &VerifyContext) -> Liveness {
    let right = ClientCredentials::confidential(client_id, finding.secret.duplicate());
    let wrong = ClientCredentials::confidential(client_id, wrong_twin(&finding.secret));
    put_both(finding, issuer, [right, wrong], context).await
}

/// Asks whether an issuer lets a client in that signs with a private key (`private_key_jwt`). The key is not sent.
pub(super) async fn ask_with_key(
    finding: &Finding,
    issuer: &Issuer,
    client_id: &str,
    context: &VerifyContext,
) -> Liveness {
    let right = ClientCredentials::with_key(client_id, finding.secret.expose(), None);
    let wrong = ClientCredentials::with_wrong_key(client_id, finding.secret.expose());
    put_both(finding, issuer, [right, wrong], context).await
}

async fn put_both(
    finding: &Finding,
    issuer: &Issuer,
    [right, wrong]: [ClientCredentials; 2],
    context: &VerifyContext,
) -> Liveness {
    let metadata = match context.issuers.metadata_of(issuer).await {
        Ok(metadata) => metadata,
        Err(error) => return unknown(error, context.now()),
    };
    let is_keycloak = is_keycloak(finding, issuer);
    let inquiry = Inquiry { context, metadata: &metadata, right, wrong, bogus: random_token(), is_keycloak };
    inquiry.judge().await
}

/// Keycloak answers 401 `unauthorized_client` to a wrong secret, which elsewhere means that the client was let in.
fn is_keycloak(finding: &Finding, issuer: &Issuer) -> bool {
    finding.provider == "keycloak" || issuer.url.as_ref().is_some_and(|url| url.path().contains("/realms/"))
}

/// Everything that the questions about one pair of client and secret need.
struct Inquiry<'a> {
    context: &'a VerifyContext,
    metadata: &'a Metadata,
    right: ClientCredentials,
    wrong: ClientCredentials,
    bogus: Secret,
    is_keycloak: bool,
}

impl Inquiry<'_> {
    async fn judge(&self) -> Liveness {
        let now = || self.context.now();
        let client = shown(&self.right.client_id);
        let (mut first, mut refused) = (None, None);
        for probe in [Probe::BogusRefresh, Probe::BogusCode, Probe::Revocation, Probe::Introspection] {
            // The token endpoint has spoken.
            if probe == Probe::BogusCode && refused.is_some() {
                continue;
            }
            let endpoint = match self.metadata.endpoint(probe.endpoint()) {
                Ok(endpoint) => endpoint,
                Err(error) => {
                    first.get_or_insert_with(|| unknown(error, now()));
                    continue;
                }
            };
            let verdict = |state, reason| asked(state, probe.method(), reason, endpoint, now());
            match self.probe(probe, endpoint).await {
                Outcome::Accepted => {
                    let reason = format!("the issuer accepts it for client `{client}`, and refuses a wrong one");
                    return verdict(LivenessState::Live, reason);
                }
                // A client may be let in everywhere else and still be refused at the introspection endpoint.
                // One that must sign at the token endpoint may still be let in by its secret at the others.
                Outcome::Refused(code) if probe != Probe::Introspection => {
                    let reason = format!("the issuer refuses it for client `{client}` (`{code}`)");
                    refused.get_or_insert(verdict(LivenessState::Dead, reason));
                }
                Outcome::Stop(_) if refused.is_some() => {}
                Outcome::Stop(reason) => return verdict(LivenessState::Unknown, reason),
                Outcome::Alike => {
                    let reason = "the issuer answers right and wrong secrets alike".to_owned();
                    first.get_or_insert(verdict(LivenessState::Unknown, reason));
                }
                Outcome::Refused(_) => {}
                Outcome::Undecided(reason) => {
                    first.get_or_insert(verdict(LivenessState::Unknown, reason));
                }
            }
        }
        refused.or(first).unwrap_or_else(|| unknown("the issuer has no endpoint to ask at", now()))
    }

    /// Puts one question by every method of client authentication until one is let in.
    async fn probe(&self, probe: Probe, endpoint: &Destination) -> Outcome {
        let mut refused = None;
        let mut forbidden = false;
        for method in self.methods(probe) {
            let right = self.put(probe, endpoint, &self.right, method).await;
            match right {
                Answer::Rejected(code) => refused = Some(code),
                Answer::Forbidden => forbidden = true,
                Answer::Passed(_) => {
                    return match self.put(probe, endpoint, &self.wrong, method).await {
                        Answer::Rejected(_) | Answer::Forbidden => Outcome::Accepted,
                        Answer::Passed(_) | Answer::Indifferent(_) => Outcome::Alike,
                        Answer::Minted => Outcome::Stop(MINTED.to_owned()),
                        Answer::Useless(reason) => Outcome::Undecided(reason),
                        Answer::Unavailable(reason) => Outcome::Stop(reason),
                    };
                }
                Answer::Indifferent(code) => {
                    return Outcome::Undecided(format!("the issuer answers `{code}` to anybody"));
                }
                Answer::Minted => return Outcome::Stop(MINTED.to_owned()),
                Answer::Useless(reason) => return Outcome::Undecided(reason),
                Answer::Unavailable(reason) => return Outcome::Stop(reason),
            }
        }
        match refused {
            Some(code) if !forbidden => Outcome::Refused(code),
            _ if forbidden => Outcome::Undecided("the issuer refuses without saying why".to_owned()),
            _ => Outcome::Undecided("the issuer lists no client authentication by which it could be shown".to_owned()),
        }
    }

    async fn put(
        &self,
        probe: Probe,
        endpoint: &Destination,
        client: &ClientCredentials,
        method: ClientAuthentication,
    ) -> Answer {
        let bogus = Field::Secret(&self.bogus);
        let question = || match probe {
            Probe::BogusRefresh => {
                Request::post_form(endpoint, [("grant_type", "refresh_token".into()), ("refresh_token", bogus)])
            }
            Probe::BogusCode => {
                let fields =
                    [("grant_type", "authorization_code".into()), ("code", bogus), ("redirect_uri", REDIRECT.into())];
                Request::post_form(endpoint, fields)
            }
            Probe::Revocation => {
                Request::post_form(endpoint, [("token", bogus), ("token_type_hint", "refresh_token".into())])
            }
            Probe::Introspection => Request::post_form(endpoint, [("token", bogus)]),
        };
        match self.context.ask(|| client.authenticate(question(), method)).await {
            Ok(response) => read(probe, &response, self.is_keycloak),
            Err(error) => Answer::Unavailable(error.to_string()),
        }
    }

    /// The methods that send a secret. HTTP Basic is tried without the encoding, too, where that makes a difference.
    fn methods(&self, probe: Probe) -> Vec<ClientAuthentication> {
        let mut methods = Vec::new();
        for method in &self.metadata.authentication_methods(probe.endpoint()).methods {
            methods.extend(self.right.can(*method).then_some(*method));
            if *method == ClientAuthentication::SecretBasic && self.right.basic_encodings_differ() {
                methods.push(ClientAuthentication::SecretBasicVerbatim);
            }
        }
        methods
    }
}

/// Where nobody is sent: the code that would lead there does not exist.
const REDIRECT: &str = "https://localhost/callback";

const MINTED: &str = "the issuer gives a token for what does not exist (a trap, or broken)";

impl Probe {
    fn endpoint(self) -> Endpoint {
        match self {
            Self::BogusRefresh | Self::BogusCode => Endpoint::Token,
            Self::Revocation => Endpoint::Revocation,
            Self::Introspection => Endpoint::Introspection,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::BogusRefresh => BOGUS_REFRESH,
            Self::BogusCode => BOGUS_CODE,
            Self::Revocation => REVOCATION,
            Self::Introspection => INTROSPECTION,
        }
    }
}

/// Reads an answer: the body's error code first, the status second (RFC 6749 §5.2, and what providers make of it).
fn read(probe: Probe, response: &Response, is_keycloak: bool) -> Answer {
    let document = response.json().ok();
    let member = |name: &str| document.as_ref().and_then(|document| document.get(name));
    let status = response.status;
    match (probe, status) {
        (_, 429) => return Answer::Unavailable("the issuer asks for fewer requests (status 429)".to_owned()),
        (_, 500..) => return Answer::Unavailable(format!("the issuer is out of order (status {status})")),
        (Probe::BogusRefresh | Probe::BogusCode, 200..=299) if member("access_token").is_some() => {
            return Answer::Minted;
        }
        // An answer with `error` in it is a refusal whatever its status: GitHub answers 200.
        (Probe::Revocation, 200..=299) if member("error").is_none() => return Answer::Passed("revoked nothing"),
        (Probe::Introspection, 200) if member("active").is_some_and(Value::is_boolean) => {
            return Answer::Passed("introspected");
        }
        _ => {}
    }
    let code = member("error").and_then(Value::as_str).unwrap_or_default();
    match (code, status) {
        ("invalid_client", _) => Answer::Rejected("invalid_client"),
        ("invalid_client_id", _) => Answer::Rejected("invalid_client_id"),
        ("incorrect_client_credentials", _) => Answer::Rejected("incorrect_client_credentials"),
        ("bad_client_secret", _) => Answer::Rejected("bad_client_secret"),
        ("deleted_client", _) => Answer::Rejected("deleted_client"),
        ("disabled_client", _) => Answer::Rejected("disabled_client"),
        ("access_denied", 401) => Answer::Rejected("access_denied"),
        ("unauthorized_client", 401) if is_keycloak => Answer::Rejected("unauthorized_client"),
        ("unauthorized_client", _) => Answer::Passed("unauthorized_client"),
        ("invalid_grant", _) => Answer::Passed("invalid_grant"),
        // GitHub's words, with status 200, for a refresh token or a code that it does not know.
        ("bad_refresh_token", _) => Answer::Passed("bad_refresh_token"),
        ("bad_verification_code", _) => Answer::Passed("bad_verification_code"),
        ("invalid_scope", _) => Answer::Passed("invalid_scope"),
        // The address to come back to may be looked at before the client is.
        ("invalid_request", _) if probe == Probe::BogusCode => Answer::Indifferent("invalid_request"),
        ("invalid_request", _) => Answer::Passed("invalid_request"),
        ("unsupported_token_type", _) => Answer::Passed("unsupported_token_type"),
        ("unsupported_grant_type", _) => Answer::Indifferent("unsupported_grant_type"),
        (_, 401 | 403) => Answer::Forbidden,
        _ => Answer::Useless(format!("the issuer's answer says nothing about the client (status {status})")),
    }
}

/// A token that no issuer has made.
pub(super) fn random_token() -> Secret {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    Secret::new(format!("probe-{:032x}", u128::from_be_bytes(bytes)))
}

/// A secret of the same length and the same sorts of characters, and certainly another one.
pub(super) fn wrong_twin(secret: &Secret) -> Secret {
    let mut random = vec![0; secret.len()];
    fill(&mut random);
    let twin: Vec<u8> = secret
        .expose()
        .iter()
        .zip(random)
        .map(|(byte, random)| match byte {
            b'0'..=b'9' => b'0' + random % 10,
            b'a'..=b'z' => b'a' + random % 26,
            b'A'..=b'Z' => b'A' + random % 26,
            other => *other,
        })
        .collect();
    let twin = Secret::new(twin);
    if twin.expose() != secret.expose() {
        return twin;
    }
    // Nothing to draw from, or the draw was the secret itself: change the first byte.
    let mut twin = twin.expose().to_vec();
    if let Some(first) = twin.first_mut() {
        *first = if *first == b'x' { b'y' } else { b'x' };
    }
    Secret::new(twin)
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has random numbers");
}
