//! Microsoft Entra: `POST /applications(appId='…')/removePassword` of Microsoft Graph
//! (learn.microsoft.com/graph/api/application-removepassword).
//!
//! Graph never tells a secret again, only its first three characters, the `hint`. The one to remove must be the only one that
//! begins so.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::desk::Desk;
use super::{Case, Ready};
use crate::egress::Method;

/// How much of a secret a `hint` tells, in characters.
const HINT: usize = 3;

/// The id of an application as it may stand in an address.
pub(super) fn app_id(client_id: &str) -> Result<&str, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if client_id.is_empty() || client_id.len() > 64 || !client_id.bytes().all(is_plain) {
        return Err("its client id is not that of an application in Microsoft Entra".to_owned());
    }
    Ok(client_id)
}

/// Finds the key id of the secret.
pub(super) async fn prepare(case: &Case<'_>, desk: &Desk<'_>) -> Result<Ready, String> {
    let application = format!("applications(appId='{}')", app_id(case.client_id)?);
    let found = desk.read(&[&application], &[("$select", "appId,passwordCredentials")]).await?;
    let passwords = found.get("passwordCredentials").and_then(Value::as_array);
    let passwords = passwords.ok_or("the administration interface does not tell the application's secrets")?;
    let text = |password: &Value, name: &str| password.get(name).and_then(Value::as_str).map(str::to_owned);
    let hints: Vec<Option<String>> = passwords.iter().map(|password| text(password, "hint")).collect();
    let is_ours = |hint: &String| hint.chars().count() == HINT && case.secret.expose().starts_with(hint.as_bytes());
    let mut ours = passwords.iter().zip(&hints).filter(|(_, hint)| hint.as_ref().is_some_and(is_ours));
    let password = match (ours.next(), ours.next()) {
        (Some((password, _)), None) if hints.iter().all(Option::is_some) => password,
        (None, _) if hints.iter().all(Option::is_some) => {
            return Err("none of the application's secrets begins like it".to_owned());
        }
        _ => {
            let reason = "which of the application's secrets it is cannot be told for certain: remove the right one by hand, \
                          under \"Certificates & secrets\" of the app registration";
            return Err(reason.to_owned());
        }
    };
    let key_id = text(password, "keyId").ok_or("the administration interface does not tell the secret's key id")?;
    let body = serde_json::to_vec(&json!({"keyId": key_id})).map_err(|_| "the key id cannot be written")?;
    let first = desk.request(Method::Post, &[&application, "removePassword"])?.json(Zeroizing::new(body));
    Ok(Ready::Requests { first, then: None, note: "", settles_within: None })
}
