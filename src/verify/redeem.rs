//! `--verify=active`: refresh tokens are redeemed where nothing else tells whether they live.
//!
//! The one check that changes something at an issuer. Where tokens rotate (RFC 9700 §4.14) it uses the token up and makes a
//! successor, so it is done only at issuers that the operator opened to it (`active_checks`), only as the client that the token
//! was issued to, only where there is an endpoint to end the successor at, once, one after the other; and what was made is ended at
//! once. Nothing of it is kept.

use serde_json::Value;
use tokio::time::Instant;

use super::verdict::{asked, unknown};
use super::{Observer, VerifyContext, introspection};
use crate::config::Issuer;
use crate::egress::{Destination, EgressError, Request, Response};
use crate::finding::{Finding, Kind, Liveness, LivenessState};
use crate::issuer::{ClientAuthentication, ClientCredentials, Endpoint, Metadata, client_credentials};
use crate::secret::Secret;

/// The name of this method in verdicts.
pub(super) const METHOD: &str = "redemption";

/// Redeems the refresh tokens that are still undecided. An interruption is heeded between two of them, never within one: a successor
/// that nobody ends is worse than a late end.
pub(super) async fn ask_all(
    findings: &mut [Finding],
    context: &VerifyContext,
    observer: &Observer<'_>,
    deadline: Instant,
) {
    for index in 0..findings.len() {
        if (observer.is_cancelled)() || Instant::now() >= deadline {
            return;
        }
        let Some(finding) = findings.get(index) else { continue };
        let is_undecided = matches!(finding.liveness.state, LivenessState::Unknown | LivenessState::NotChecked);
        if finding.kind != Kind::RefreshToken || !is_undecided {
            continue;
        }
        let matches = context.issuers.matching(finding).await;
        // Of several possible issuers all but one would be sent what is not theirs.
        let [issuer] = matches.trusted.as_slice() else { continue };
        if !issuer.active_checks || !issuer.verify {
            continue;
        }
        let verdict = ask(finding, findings, issuer, context).await;
        if let Some(finding) = findings.get_mut(index) {
            finding.liveness = verdict;
        }
    }
}

async fn ask(finding: &Finding, findings: &[Finding], issuer: &Issuer, context: &VerifyContext) -> Liveness {
    let metadata = match context.issuers.metadata_of(issuer).await {
        Ok(metadata) => metadata,
        Err(error) => return unknown(error, context.now()),
    };
    match Redemption::of(finding, findings, issuer, &metadata, context) {
        Ok(redemption) => redemption.execute(&finding.secret).await,
        Err(reason) => unknown(format!("not redeemed: {reason}"), context.now()),
    }
}

/// Who redeems where, and where what comes of it is ended.
struct Redemption<'a> {
    context: &'a VerifyContext,
    client: ClientCredentials,
    method: ClientAuthentication,
    token_endpoint: &'a Destination,
    revocation_endpoint: &'a Destination,
}

impl<'a> Redemption<'a> {
    fn of(
        finding: &Finding,
        findings: &[Finding],
        issuer: &Issuer,
        metadata: &'a Metadata,
        context: &'a VerifyContext,
    ) -> Result<Self, String> {
        let own = issuer.credentials.as_ref().map(ClientCredentials::from);
        let clients = client_credentials(finding, findings).into_iter().chain(own);
        // A token that somebody else presents is taken for stolen by some servers, and ends its family.
        let client = clients.into_iter().find(|client| introspection::is_owner(&client.client_id, finding));
        let client = client.ok_or("the client that it was issued to is not known")?;
        let methods = &metadata.authentication_methods(Endpoint::Token).methods;
        let method = methods.iter().copied().find(|method| client.can(*method));
        let method = method.ok_or("the issuer lists no authentication by which its client could redeem it")?;
        let endpoint = |endpoint| metadata.endpoint_for(endpoint, method).map_err(|error| error.to_string());
        let (token_endpoint, revocation_endpoint) = (endpoint(Endpoint::Token)?, endpoint(Endpoint::Revocation)?);
        Ok(Self { context, client, method, token_endpoint, revocation_endpoint })
    }

    /// Redeems the token, once: what was not answered may have been done.
    async fn execute(&self, token: &Secret) -> Liveness {
        let fields = [("grant_type", "refresh_token".into()), ("refresh_token", token.into())];
        let request = Request::post_form(self.token_endpoint, fields);
        let response = match self.context.egress.send(self.client.authenticate(request, self.method)).await {
            Ok(response) => response,
            Err(error) if error.may_have_been_delivered() => {
                return unknown(format!("{error}; it may have been used up"), self.context.now());
            }
            Err(error) => return unknown(error, self.context.now()),
        };
        let verdict = |state, reason: String| asked(state, METHOD, reason, self.token_endpoint, self.context.now());
        match (response.status, response.json_text("error").as_deref()) {
            (200, None) => {
                let after = self.end_successors(token, &response).await;
                verdict(LivenessState::Live, format!("the issuer redeemed it; {after}"))
            }
            // Clients are let in before grants are looked at (RFC 6749 §5.2), and this client is the token's own.
            (400, Some("invalid_grant")) => verdict(
                LivenessState::Dead,
                "the issuer does not redeem it for its own client (`invalid_grant`)".into(),
            ),
            (status, _) => verdict(
                LivenessState::Unknown,
                format!("the issuer did not redeem it, for another reason (status {status})"),
            ),
        }
    }

    /// Ends what was made, and tells how that went. The token itself is not: where it did not rotate, it is as it was.
    async fn end_successors(&self, redeemed: &Secret, response: &Response) -> String {
        let document = response.json().unwrap_or_default();
        let member = |name: &str| document.get(name).and_then(Value::as_str).map(|text| Secret::new(text.as_bytes()));
        let successor = member("refresh_token").filter(|token| token.expose() != redeemed.expose());
        let mut failure = None;
        // The refresh token first: with most servers its end is that of the access token as well.
        for (token, hint) in [(&successor, "refresh_token"), (&member("access_token"), "access_token")] {
            let Some(token) = token else { continue };
            let fields = [("token", token.into()), ("token_type_hint", hint.into())];
            let request = Request::post_form(self.revocation_endpoint, fields);
            match self.context.egress.send(self.client.authenticate(request, self.method)).await {
                Ok(answer) if (200..300).contains(&answer.status) && answer.json_text("error").is_none() => {}
                Ok(answer) => failure = failure.or(Some(format!("status {}", answer.status))),
                Err(error) => failure = failure.or(Some(EgressError::to_string(&error))),
            }
        }
        let what =
            if successor.is_some() { "it rotated, and its successor" } else { "it did not rotate; what it gave" };
        match failure {
            None => format!("{what} was revoked at once"),
            Some(failure) => format!("{what} could not be revoked ({failure})"),
        }
    }
}
