//! Token introspection (RFC 7662): the issuer's own word on a token, read-only.

use serde_json::Value;
use time::OffsetDateTime;

use super::VerifyContext;
use super::calibration::SeenActive;
use super::client_secret::random_token;
use super::userinfo;
use super::verdict::{Caller, Inactive, Judgement, TokenSort, asked, shown, unknown};
use crate::config::Issuer;
use crate::egress::{Destination, Field, Request};
use crate::finding::{Finding, Liveness, LivenessState};
use crate::issuer::{ClientAuthentication, ClientCredentials, Endpoint, Metadata, client_credentials};
use crate::secret::Secret;

/// The name of this method in verdicts.
pub(super) const METHOD: &str = "introspection";

/// What one issuer says of a token.
pub(super) enum Answer {
    /// It is active, and the issuer does not say so of everything.
    Active(Destination),
    /// It is not active, or these callers are not told.
    Inactive(Destination, Vec<Caller>),
    /// It could not be asked, or its answer decides nothing.
    Undecided(String),
}

/// Asks about an opaque token.
pub(super) async fn ask(
    finding: &Finding,
    findings: &[Finding],
    issuers: &[&Issuer],
    sort: TokenSort,
    context: &VerifyContext,
) -> Judgement {
    let mut last = None;
    for issuer in issuers {
        let answer = introspect(finding, findings, issuer, sort, context).await;
        if sort == TokenSort::Access
            && !matches!(answer, Answer::Active(_))
            && let Some(verdict) = userinfo::ask(finding, issuer, context).await
        {
            return verdict.into();
        }
        let judgement = match answer {
            Answer::Active(host) => return active(&host, context.now()).into(),
            Answer::Inactive(host, callers) => {
                let reason = "no read-only proof: the issuer calls it inactive, but is not known to tell this caller of \
                              such tokens";
                let otherwise = asked(LivenessState::Unknown, METHOD, reason, &host, context.now());
                inactive(finding, issuer, sort, callers, &host, otherwise, context.now())
            }
            Answer::Undecided(reason) => unknown(format!("no read-only proof: {reason}"), context.now()).into(),
        };
        last.get_or_insert(judgement);
    }
    if issuers.len() > 1 {
        // The one that calls it inactive may not be the one that made it.
        let count = issuers.len();
        return unknown(format!("no read-only proof: none of {count} possible issuers calls it active"), context.now())
            .into();
    }
    last.unwrap_or_else(|| nobody_to_ask(&[], context.now()).into())
}

/// Asks one issuer as each client that may know: those that stood with the token, then the operator's own.
pub(super) async fn introspect(
    finding: &Finding,
    findings: &[Finding],
    issuer: &Issuer,
    sort: TokenSort,
    context: &VerifyContext,
) -> Answer {
    let metadata = match context.issuers.metadata_of(issuer).await {
        Ok(metadata) => metadata,
        Err(error) => return Answer::Undecided(error.to_string()),
    };
    let endpoint = match metadata.introspection_endpoint() {
        Ok(endpoint) => endpoint,
        Err(error) => return Answer::Undecided(error.to_string()),
    };
    let mut clients = client_credentials(finding, findings);
    clients.extend(issuer.credentials.as_ref().map(ClientCredentials::from));
    let mut callers = Vec::new();
    let mut reason = "there is no client to ask with".to_owned();
    for client in &clients {
        if client.is_public() && context.calibration.has_refused(&issuer.issuer, &client.client_id) {
            reason = format!("the issuer does not let client `{}` ask without a secret", shown(&client.client_id));
            continue;
        }
        let question = Question { context, issuer, metadata: &metadata, endpoint, client, sort };
        match question.put(&finding.secret).await {
            Ok(Told::Active { names_audience }) => match question.discriminates().await {
                Ok(true) => {
                    let seen = SeenActive { sort, token: finding.id, names_audience };
                    context.calibration.saw_active(&issuer.issuer, &client.client_id, &seen);
                    return Answer::Active(endpoint.clone());
                }
                Ok(false) => return Answer::Undecided("the issuer calls any token active".to_owned()),
                Err(Refusal::OfTheClient(reason) | Refusal::Final(reason)) => return Answer::Undecided(reason),
            },
            Ok(Told::Inactive) => {
                let is_owner = is_owner(&client.client_id, finding);
                callers.push(Caller { client_id: client.client_id.clone(), is_owner });
            }
            Err(Refusal::OfTheClient(text)) => {
                if client.is_public() {
                    context.calibration.saw_refusal(&issuer.issuer, &client.client_id);
                }
                reason = text;
            }
            Err(Refusal::Final(text)) => {
                reason = text;
                break;
            }
        }
    }
    if callers.is_empty() { Answer::Undecided(reason) } else { Answer::Inactive(endpoint.clone(), callers) }
}

/// Whether the token was issued to that client: it says so itself, or no other client stood with it.
pub(super) fn is_owner(client_id: &str, finding: &Finding) -> bool {
    match finding.token.as_ref().and_then(|token| token.client_id.as_deref()) {
        Some(owner) => owner == client_id,
        None => {
            finding.part("client_id") == Some(client_id) && finding.parts_named("client_id").all(|id| id == client_id)
        }
    }
}

/// The verdict on an active token.
pub(super) fn active(host: &Destination, now: OffsetDateTime) -> Liveness {
    asked(LivenessState::Live, METHOD, "the issuer calls it active", host, now)
}

/// The verdict on an inactive token, once it is known whether the issuer tells.
pub(super) fn inactive(
    finding: &Finding,
    issuer: &Issuer,
    sort: TokenSort,
    callers: Vec<Caller>,
    host: &Destination,
    otherwise: Liveness,
    now: OffsetDateTime,
) -> Judgement {
    let dead = asked(LivenessState::Dead, METHOD, "the issuer calls it inactive", host, now);
    let configured = match sort {
        TokenSort::Access => issuer.introspects_access_tokens,
        TokenSort::Refresh => issuer.introspects_refresh_tokens,
    };
    let issuer = issuer.issuer.clone();
    Judgement::Inactive(Inactive { token: finding.id, sort, issuer, callers, configured, dead, otherwise })
}

/// The verdict when no issuer may be asked: `untrusted` are those that were named, fit to show.
pub(super) fn nobody_to_ask(untrusted: &[String], now: OffsetDateTime) -> Liveness {
    if untrusted.is_empty() {
        return super::verdict::not_checked("no trusted issuer is known for it");
    }
    let named = untrusted.join(", ");
    unknown(format!("untrusted issuer: {named} (trust it with an `[[issuer]]` section in the configuration)"), now)
}

/// One client's question to one issuer.
struct Question<'a> {
    context: &'a VerifyContext,
    issuer: &'a Issuer,
    metadata: &'a Metadata,
    endpoint: &'a Destination,
    client: &'a ClientCredentials,
    sort: TokenSort,
}

impl Question<'_> {
    /// Whether the token is active, by the first method of client authentication that is accepted.
    async fn put(&self, token: &Secret) -> Result<Told, Refusal> {
        let shown = shown(&self.client.client_id);
        let mut reason = if self.client.is_public() {
            format!("client `{shown}` has no secret to ask with")
        } else {
            format!("the issuer lists no authentication by which client `{shown}` could ask")
        };
        for method in &self.metadata.authentication_methods(Endpoint::Introspection).methods {
            if !self.client.can(*method) {
                continue;
            }
            match self.put_once(token, *method).await {
                Ok(told) => return Ok(told),
                Err(Refusal::OfTheClient(text)) => reason = text,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::OfTheClient(reason))
    }

    async fn put_once(&self, token: &Secret, method: ClientAuthentication) -> Result<Told, Refusal> {
        let fields = [("token", Field::Secret(token)), ("token_type_hint", self.sort.hint().into())];
        let endpoint = self.metadata.endpoint_for(Endpoint::Introspection, method).unwrap_or(self.endpoint);
        let question = || self.client.authenticate(Request::post_form(endpoint, fields), method);
        let response = self.context.ask(question).await.map_err(|error| Refusal::Final(error.to_string()))?;
        let document = response.json().ok();
        let member = |name: &str| document.as_ref().and_then(|document| document.get(name));
        match (response.status, member("active").and_then(Value::as_bool), member("error").and_then(Value::as_str)) {
            (200, Some(true), _) => Ok(Told::Active { names_audience: member("aud").is_some() }),
            (200, Some(false), _) => Ok(Told::Inactive),
            (status @ (401 | 403), ..) | (status @ 400, _, Some("invalid_client" | "unauthorized_client")) => {
                Err(Refusal::OfTheClient(format!("the issuer refuses its client (status {status})")))
            }
            (400, _, Some("unsupported_token_type" | "invalid_request")) => {
                Err(Refusal::Final("the issuer does not introspect such tokens".to_owned()))
            }
            (status, ..) => Err(Refusal::Final(format!("the issuer's answer is no introspection (status {status})"))),
        }
    }

    /// Whether the issuer calls a random token inactive. Asked once per issuer and caller.
    async fn discriminates(&self) -> Result<bool, Refusal> {
        let (issuer, caller) = (&self.issuer.issuer, &self.client.client_id);
        if let Some(known) = self.context.calibration.discriminates(issuer, caller) {
            return Ok(known);
        }
        let is_active = matches!(self.put(&random_token()).await?, Told::Active { .. });
        self.context.calibration.saw_control(issuer, caller, !is_active);
        Ok(!is_active)
    }
}

/// What an issuer says of a token.
enum Told {
    Active { names_audience: bool },
    Inactive,
}

/// Why there is no answer to a question.
enum Refusal {
    /// Another way to authenticate may help.
    OfTheClient(String),
    /// Nothing will.
    Final(String),
}
