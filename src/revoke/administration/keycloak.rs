//! Keycloak: `GET` and `POST /admin/realms/{realm}/clients/{id}/client-secret`, and `…/client-secret/rotated` for the secret
//! that a rotation policy keeps good for a while (Keycloak Admin REST API, "Clients").

use serde_json::Value;

use super::desk::Desk;
use super::{ANOTHER, Case, FETCH, Ready, proven};
use crate::egress::Method;

/// Finds the client and which of its secrets leaked.
pub(super) async fn prepare(case: &Case<'_>, desk: &Desk<'_>) -> Result<Ready, String> {
    let found = desk.read(&["clients"], &[("clientId", case.client_id)]).await?;
    let is_it = |client: &&Value| client.get("clientId").and_then(Value::as_str) == Some(case.client_id);
    let mut clients = found.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter(is_it);
    let (Some(client), None) = (clients.next(), clients.next()) else {
        return Err("the administration interface does not know the client".to_owned());
    };
    let id = client.get("id").and_then(Value::as_str);
    let id = id.ok_or("the administration interface does not tell the client's own id")?;
    let secret = ["clients", id, "client-secret"];
    let rotated = ["clients", id, "client-secret", "rotated"];
    let is_ours = |found: &Value| {
        found.get("value").and_then(Value::as_str).map(|value| value.as_bytes() == case.secret.expose())
    };
    let current = desk.read(&secret, &[]).await?;
    match is_ours(&current) {
        Some(true) => {}
        Some(false) => {
            // Where secrets rotate, the one before goes on working for a while.
            let before = desk.find(&rotated, &[]).await?;
            if before.as_ref().and_then(is_ours) != Some(true) {
                return Err(ANOTHER.to_owned());
            }
            let first = desk.request(Method::Delete, &rotated)?;
            return Ok(Ready::Requests { first, then: None, note: "", settles_within: None });
        }
        None => proven(case)?,
    }
    let first = desk.request(Method::Post, &secret)?;
    let then = desk.request(Method::Delete, &rotated)?;
    let then = Some((then, "a rotation policy of the realm may keep the old secret good for a while"));
    Ok(Ready::Requests { first, then, note: FETCH, settles_within: None })
}
