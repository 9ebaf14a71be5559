//! Okta: `/api/v1/apps/{appId}/credentials/secrets`, and `…/{secretId}/lifecycle/deactivate` in it
//! (developer.okta.com, "Application Client Auth Credentials"). The app's id is its client id.
//!
//! An app has up to two secrets. The leaked one is told by its value and by nothing else: never by its place in the list.

use serde_json::Value;

use super::desk::Desk;
use super::{ANOTHER, Case, Ready};
use crate::egress::Method;

/// Finds the secret among those of the app. Okta deletes only what is deactivated.
pub(super) async fn prepare(case: &Case<'_>, desk: &Desk<'_>, delete: bool) -> Result<Ready, String> {
    let secrets = ["apps", case.client_id, "credentials", "secrets"];
    let list = desk.read(&secrets, &[]).await?;
    let list = list.as_array().ok_or("the administration interface gives no list of secrets")?;
    let text = |secret: &Value, name: &str| secret.get(name).and_then(Value::as_str).map(str::to_owned);
    if list.iter().any(|secret| text(secret, "client_secret").is_none()) {
        let reason =
            "the administration interface does not tell which of the client's secrets it is: deactivate it by hand";
        return Err(reason.to_owned());
    }
    let is_ours =
        |secret: &&Value| text(secret, "client_secret").is_some_and(|value| value.as_bytes() == case.secret.expose());
    let mut ours = list.iter().filter(is_ours);
    let (Some(secret), None) = (ours.next(), ours.next()) else { return Err(ANOTHER.to_owned()) };
    let id = text(secret, "id").ok_or("the administration interface does not tell the secret's own id")?;
    let deactivate = [&secrets[..], &[&*id, "lifecycle", "deactivate"]].concat();
    let is_active = text(secret, "status").as_deref() != Some("INACTIVE");
    let removal = if delete { Some(desk.request(Method::Delete, &[&secrets[..], &[&*id]].concat())?) } else { None };
    match (is_active, removal) {
        (true, removal) => Ok(Ready::Requests {
            first: desk.request(Method::Post, &deactivate)?,
            note: if delete { "" } else { "the secret is deactivated and can be activated again" },
            then: removal.map(|request| (request, "the secret is deactivated, and could not be deleted")),
            settles_within: None,
        }),
        (false, Some(first)) => Ok(Ready::Requests { first, then: None, note: "", settles_within: None }),
        (false, None) => Err("the secret is deactivated already".to_owned()),
    }
}
