//! Verification against servers on this machine that play an issuer (simulated).

mod anything;
mod client_secrets;
mod jwts;
mod private_keys;
mod providers;
mod rules;
mod tokens;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;
use crate::egress::EgressPolicy;
use crate::egress::loopback::{Received, Reply, Server};
use crate::finding::{Kind, LivenessState, TokenFacts};
use crate::issuer::tests::finding;

const NOW: i64 = 1_800_000_000;

fn context(config: &Config) -> VerifyContext {
    let clock: Clock = Arc::new(|| OffsetDateTime::from_unix_timestamp(NOW).expect("a time"));
    VerifyContext { clock, ..VerifyContext::open(config, Arc::default()).expect("a client") }
}

/// Verifies the findings, and gives state and method of each.
fn verify(findings: &mut [Finding], config: &Config) -> Vec<(LivenessState, Option<&'static str>)> {
    verify_findings(findings, &context(config), &Observer::idle()).expect("a runtime");
    findings.iter().map(|finding| (finding.liveness.state, finding.liveness.method)).collect()
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"error": code, "error_description": "because"}))
}

/// The key pair of RFC 8037, appendix A: everybody's.
mod published_key {
    pub(super) const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    pub(super) const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
}

fn ed25519() -> EncodingKey {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(published_key::SEED).expect("base64"));
    EncodingKey::from_ed_der(&der)
}

fn key_set() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": published_key::PUBLIC, "kid": "ours", "use": "sig"}]})
}

/// A finding that is a JWT with that header and those claims, decoded as detection does.
fn jwt(header: &Value, claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> Finding {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, algorithm).expect("signed");
    let mut token = finding(Kind::Jwt, &format!("{input}.{signature}"), &[]);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    token.token = Some(TokenFacts {
        alg: text(header, "alg").unwrap_or_default(),
        typ: text(header, "typ"),
        kid: text(header, "kid"),
        iss: text(claims, "iss"),
        exp: claims.get("exp").and_then(Value::as_i64),
        nbf: claims.get("nbf").and_then(Value::as_i64),
        scope: text(claims, "scope"),
        client_id: text(claims, "client_id"),
        ..TokenFacts::default()
    });
    token
}
