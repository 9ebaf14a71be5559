//! Auth0: `POST /api/v2/clients/{id}/rotate-secret` (auth0.com/docs/api/management/v2/clients/post-rotate-secret).

use std::time::Duration;

use super::desk::Desk;
use super::{ANOTHER, Case, FETCH, Ready, proven};
use crate::egress::Method;

/// How long Auth0 may take ("New secrets may be delayed up to thirty seconds while rotating").
const DELAY: Duration = Duration::from_secs(30);

/// Looks whether the client still has the secret. The interface tells it only to those who may `read:client_keys`.
pub(super) async fn prepare(case: &Case<'_>, desk: &Desk<'_>) -> Result<Ready, String> {
    let wanted = [("fields", "client_id,client_secret"), ("include_fields", "true")];
    let client = desk.read(&["clients", case.client_id], &wanted).await?;
    match client.get("client_secret").and_then(serde_json::Value::as_str) {
        Some(value) if value.as_bytes() == case.secret.expose() => {}
        Some(_) => return Err(ANOTHER.to_owned()),
        None => proven(case)?,
    }
    let first = desk.request(Method::Post, &["clients", case.client_id, "rotate-secret"])?;
    Ok(Ready::Requests { first, then: None, note: FETCH, settles_within: Some(DELAY) })
}
