//! Webhooks as Standard Webhooks has them (standardwebhooks.com): a JSON document with `type`, `timestamp` and `data`, and three
//! headers of which one is an HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::Event;
use crate::egress::Request;
use crate::finding::Owner;
use crate::secret::Secret;

/// What stands before a key that is written in base64.
const PREFIX: &[u8] = b"whsec_";

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    timestamp: String,
    data: Data<'a>,
}

/// What is told of an outcome.
#[derive(Serialize)]
struct Data<'a> {
    finding: String,
    rule: &'a str,
    provider: &'a str,
    kind: &'static str,
    state: &'static str,
    method: Option<&'a str>,
    issuer: Option<&'a str>,
    client_id: Option<&'a str>,
    blast_radius: &'static str,
    reversible: bool,
    detail: Option<&'a str>,
    receipt: Option<&'a str>,
    plan: &'a str,
    owners: &'a [Owner],
}

/// The bytes of a key: decoded where it is written as the specification has it.
pub(super) fn key(written: &Secret) -> Result<Secret, String> {
    let Some(encoded) = written.expose().strip_prefix(PREFIX) else { return Ok(written.duplicate()) };
    let key = STANDARD.decode(encoded).map_err(|_| "the key begins with `whsec_` and is not base64 behind that")?;
    Ok(Secret::new(key))
}

/// Writes and signs an event.
pub(super) fn write(request: Request, event: &Event<'_>, key: Option<&Secret>) -> Result<Request, String> {
    let (entry, revocation) = (event.entry, event.revocation);
    let state = revocation.state.as_str();
    let document = Document {
        r#type: format!("revocation.{state}"),
        timestamp: event.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default(),
        data: Data {
            finding: entry.finding.to_string(),
            rule: &entry.rule,
            provider: &entry.provider,
            kind: entry.kind.as_str(),
            state,
            method: revocation.method.as_deref(),
            issuer: entry.action.issuer(),
            client_id: entry.breaks.client_id.as_deref(),
            blast_radius: entry.blast_radius.as_str(),
            reversible: entry.reversible,
            detail: revocation.detail.as_deref(),
            receipt: revocation.receipt.as_deref(),
            plan: event.plan,
            owners: &entry.owners,
        },
    };
    let body = serde_json::to_vec(&document).map_err(|_| "the event cannot be written")?;
    let (id, timestamp) = (event.id(), event.at.unix_timestamp().to_string());
    let mut headers = vec![("webhook-id", id.clone()), ("webhook-timestamp", timestamp.clone())];
    if let Some(key) = key {
        headers.push(("webhook-signature", signature(key, &id, &timestamp, &body)));
    }
    let request = request.json(Zeroizing::new(body));
    headers.into_iter().try_fold(request, |request, (name, value)| {
        request.header(name, value.as_bytes()).map_err(|error| error.to_string())
    })
}

/// `v1,` and the HMAC-SHA256 of id, time and body, joined by dots.
fn signature(key: &Secret, id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the libraries of Standard Webhooks test with.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let written = ["whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].concat();
        let key = key(&Secret::new(written)).unwrap_or_else(|error| panic!("{error}"));
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = signature(&key, id, "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn keys_as_written() {
        assert_eq!(key(&Secret::new("plain")).map(|key| key.expose().to_vec()), Ok(b"plain".to_vec()));
        assert_eq!(key(&Secret::new("whsec_cGxhaW4=")).map(|key| key.expose().to_vec()), Ok(b"plain".to_vec()));
        assert!(key(&Secret::new("whsec_?")).is_err());
    }
}
