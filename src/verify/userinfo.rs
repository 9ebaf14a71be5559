//! UserInfo (OpenID Connect Core §5.3): whoever holds an access token may ask whose it is. Read-only, and needs no client.
//!
//! A refusal proves little: the token may lack the scope `openid`, be bound to its sender, or be meant for somebody else.

use serde_json::Value;

use super::VerifyContext;
use super::calibration::SeenActive;
use super::client_secret::random_token;
use super::verdict::{TokenSort, asked};
use crate::config::Issuer;
use crate::egress::{Destination, Request, Response};
use crate::finding::{Finding, Liveness, LivenessState};
use crate::secret::Secret;

/// The name of this method in verdicts.
pub(super) const METHOD: &str = "userinfo";

/// What stands for the caller in what is remembered: the token asks for itself.
const SELF: &str = "";

/// What an answer says of the token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Its owner is told.
    Accepted,
    /// It is known, and may not ask this.
    Restricted,
    /// It is refused.
    Refused,
    /// Nothing.
    Useless,
}

/// Asks for the owner of an access token. `None` when that decides nothing.
pub(super) async fn ask(finding: &Finding, issuer: &Issuer, context: &VerifyContext) -> Option<Liveness> {
    let metadata = context.issuers.metadata_of(issuer).await.ok()?;
    let endpoint = metadata.userinfo_endpoint().ok()?;
    let verdict = |state, reason| Some(asked(state, METHOD, reason, endpoint, context.now()));
    let calibration = &context.calibration;
    match put(&finding.secret, endpoint, context).await {
        answer @ (Answer::Accepted | Answer::Restricted) => {
            let refuses_others = match calibration.discriminates(&issuer.issuer, SELF) {
                Some(known) => known,
                None => put(&random_token(), endpoint, context).await == Answer::Refused,
            };
            calibration.saw_control(&issuer.issuer, SELF, refuses_others);
            if !refuses_others {
                return None;
            }
            let seen = SeenActive { sort: TokenSort::Access, token: finding.id, names_audience: false };
            calibration.saw_active(&issuer.issuer, SELF, &seen);
            if answer == Answer::Accepted {
                verdict(LivenessState::Live, "the issuer tells its owner")
            } else {
                verdict(LivenessState::LiveRestricted, "the issuer knows it, but it may not ask for its owner")
            }
        }
        Answer::Refused if calibration.has_seen_active(&issuer.issuer, SELF, finding.id) => {
            verdict(LivenessState::Dead, "the issuer refuses it, and has accepted it before")
        }
        Answer::Refused | Answer::Useless => None,
    }
}

async fn put(token: &Secret, endpoint: &Destination, context: &VerifyContext) -> Answer {
    let Ok(request) = Request::get(endpoint).bearer(token) else { return Answer::Useless };
    match context.egress.send(request).await {
        Ok(response) => read(&response),
        Err(_) => Answer::Useless,
    }
}

fn read(response: &Response) -> Answer {
    let document = response.json().ok();
    let text = |name: &str| document.as_ref().and_then(|document| document.get(name)).and_then(Value::as_str);
    match (response.status, text("error")) {
        (200, None) if text("sub").is_some_and(|subject| !subject.is_empty()) => Answer::Accepted,
        (403, Some("insufficient_scope")) => Answer::Restricted,
        (401, _) => Answer::Refused,
        _ => Answer::Useless,
    }
}
