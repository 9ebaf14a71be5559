//! Dynamic client registration management (RFC 7592): the client's own registration, updated or deleted with its registration
//! access token.
//!
//! An update must not choose a secret; it leaves the secret out, and the issuer may give another one, or keep the old one. Only
//! the question afterwards tells. Both a read and an update may replace the registration access token.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::desk::authorized;
use super::{Case, FETCH, Ready, classify, proven};
use crate::config::administration::Administration;
use crate::egress::{Destination, Egress, Method, Request, Response};
use crate::revoke::rfc7009::{Answer, classify_failure};
use crate::secret::Secret;

/// What an update must not hold (RFC 7592 §2.2), and the secret, which the issuer is to choose.
const NOT_SENT: [&str; 5] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
    "client_secret",
];

/// An update that is ready to be made.
pub(in crate::revoke) struct Update {
    destination: Destination,
    client_id: String,
    token: Secret,
    secret: Secret,
}

/// Makes what is needed; asks nothing, since reading a registration may change it.
pub(super) fn prepare(case: &Case<'_>, administration: &Administration) -> Result<Ready, String> {
    proven(case)?;
    let registration = administration.registration(case.client_id);
    let registration = registration.ok_or("the configuration has no registration of this client any more")?;
    let destination = Destination::for_administration(case.issuer, registration.url.as_str());
    let destination = destination.map_err(|error| error.to_string())?;
    let token = registration.token.read()?;
    if administration.delete {
        let first = authorized(Request::new(Method::Delete, &destination), "Bearer", &token)?;
        let note = "the client is gone: its owner must register another one";
        return Ok(Ready::Requests { first, then: None, note, settles_within: None });
    }
    let (client_id, secret) = (case.client_id.to_owned(), case.secret.duplicate());
    Ok(Ready::Update(Update { destination, client_id, token, secret }))
}

/// Reads the registration and writes it back without its secret.
pub(super) async fn execute_update(egress: &Egress, mut update: Update) -> (Answer, String) {
    let read = match update.send(egress, Method::Get, None).await {
        Ok(response) if response.status == 200 => response,
        Ok(response) => return (unread(&response), String::new()),
        Err(answer) => return (answer, String::new()),
    };
    let Ok(Value::Object(metadata)) = read.json() else {
        return (Answer::Unknown("the issuer answers with what is no client registration".to_owned()), String::new());
    };
    if metadata.get("client_id").and_then(Value::as_str) != Some(&update.client_id) {
        return (Answer::Refused("the registration at that address is another client's"), String::new());
    }
    let mut notes = update.learn(&metadata);
    if update.has_another_secret(&metadata) {
        // Issuers may do so (RFC 7592 §2.1): nothing is left to do.
        notes.push(FETCH);
        return (Answer::Accepted, notes.join("; "));
    }
    let body: Map<String, Value> = metadata.into_iter().filter(|(name, _)| !NOT_SENT.contains(&&**name)).collect();
    let Ok(body) = serde_json::to_vec(&body) else {
        return (Answer::NotSent("the registration cannot be written".to_owned()), String::new());
    };
    let response = match update.send(egress, Method::Put, Some(body)).await {
        Ok(response) => response,
        Err(answer) => return (answer, notes.join("; ")),
    };
    let answer = classify(&response);
    if let (Answer::Accepted, Ok(Value::Object(metadata))) = (&answer, response.json()) {
        notes.extend(update.learn(&metadata));
        notes.dedup();
        let keeps = "the issuer keeps the secret of a client on an update: `end = \"delete\"` would remove the client";
        notes.push(if update.has_another_secret(&metadata) { FETCH } else { keeps });
    }
    (answer, notes.join("; "))
}

/// What it means that the registration cannot be read: nothing has been changed.
fn unread(response: &Response) -> Answer {
    match classify(response) {
        Answer::Accepted | Answer::Unknown(_) => {
            Answer::NotSent(format!("reading the registration was answered with status {}", response.status))
        }
        Answer::Refused(reason) => Answer::NotSent(reason.to_owned()),
        other => other,
    }
}

impl Update {
    async fn send(&self, egress: &Egress, method: Method, body: Option<Vec<u8>>) -> Result<Response, Answer> {
        let mut request =
            authorized(Request::new(method, &self.destination), "Bearer", &self.token).map_err(Answer::NotSent)?;
        if let Some(body) = body {
            request = request.json(Zeroizing::new(body));
        }
        egress.send(request).await.map_err(|error| classify_failure(&error))
    }

    /// Goes on with the registration access token that an answer brings, and tells that the old one is gone.
    fn learn(&mut self, metadata: &Map<String, Value>) -> Vec<&'static str> {
        match metadata.get("registration_access_token").and_then(Value::as_str) {
            Some(token) if token.as_bytes() != self.token.expose() => {
                self.token = Secret::new(token);
                vec!["the issuer has replaced the registration access token: the configured one is no good any more"]
            }
            _ => Vec::new(),
        }
    }

    fn has_another_secret(&self, metadata: &Map<String, Value>) -> bool {
        let secret = metadata.get("client_secret").and_then(Value::as_str);
        secret.is_some_and(|secret| secret.as_bytes() != self.secret.expose())
    }
}
