//! Security Event Tokens (RFC 8417) with the event `credential-change` of the Continuous Access Evaluation Profile
//! (openid.net/specs/openid-caep-1_0.html), pushed as RFC 8935 says.
//!
//! The profile names types of credentials that people have; others are "supported mutually", and are ours here.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::Event;
use crate::config::SignatureAlgorithm;
use crate::secret::Secret;

/// The event's type.
const CREDENTIAL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";

/// The operator's signature.
pub(super) struct Signer {
    key: EncodingKey,
    header: Header,
    issuer: String,
    audience: Option<String>,
}

impl Signer {
    /// Reads the key.
    pub(super) fn new(
        key: &Secret,
        algorithm: SignatureAlgorithm,
        key_id: Option<String>,
        issuer: String,
        audience: Option<String>,
    ) -> Result<Self, String> {
        let pem = key.expose();
        let (algorithm, key, name) = match algorithm {
            SignatureAlgorithm::EdDSA => (Algorithm::EdDSA, EncodingKey::from_ed_pem(pem), "EdDSA"),
            SignatureAlgorithm::ES256 => (Algorithm::ES256, EncodingKey::from_ec_pem(pem), "ES256"),
            SignatureAlgorithm::RS256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(pem), "RS256"),
        };
        let unusable = || format!("the key is no private key for `{name}` in PEM (PKCS #8)");
        let key = key.map_err(|_| unusable())?;
        // RFC 8417 §2.3.
        let header = Header { typ: Some("secevent+jwt".to_owned()), kid: key_id, ..Header::new(algorithm) };
        let signer = Self { key, header, issuer, audience };
        // Whether a key is good is known for certain when it has signed.
        signer.sign_claims(&json!({})).map_err(|_| unusable())?;
        Ok(signer)
    }

    /// The token for an event.
    pub(super) fn sign(&self, event: &Event<'_>) -> Result<String, String> {
        self.sign_claims(&self.claims(event))
    }

    fn sign_claims(&self, claims: &Value) -> Result<String, String> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|_| "the event cannot be signed".to_owned())
    }

    fn claims(&self, event: &Event<'_>) -> Value {
        let (entry, revocation) = (event.entry, event.revocation);
        let seconds = event.at.unix_timestamp();
        let finding = entry.finding.to_string();
        // The client that lost a credential, where it is known; otherwise the finding, by which the ledger knows it.
        let subject = match (entry.action.issuer(), entry.breaks.client_id.as_deref()) {
            (Some(issuer), Some(client)) => json!({
                "format": "complex",
                "application": {"format": "iss_sub", "iss": issuer, "sub": client},
            }),
            _ => json!({"format": "opaque", "id": finding}),
        };
        let mut claims = json!({
            "iss": self.issuer,
            "jti": event.id(),
            "iat": seconds,
            "txn": revocation.receipt,
            "sub_id": subject,
            "events": {
                CREDENTIAL_CHANGE: {
                    "credential_type": entry.kind.as_str(),
                    "change_type": "revoke",
                    "friendly_name": finding,
                    "initiating_entity": if event.by_policy() { "policy" } else { "admin" },
                    "reason_admin": {"en": format!("It leaked (rule {})", entry.rule)},
                    "event_timestamp": seconds,
                },
            },
        });
        if let (Some(audience), Some(claims)) = (&self.audience, claims.as_object_mut()) {
            claims.insert("aud".to_owned(), audience.as_str().into());
        }
        claims
    }
}

impl Event<'_> {
    /// Whether the policy alone has decided on it.
    fn by_policy(&self) -> bool {
        self.entry.policy.action == crate::revoke::policy::PolicyAction::Auto
    }
}
