//! A receiver is told what came of revocations: by a signed webhook, or by a Security Event Token that its library verifies. The
//! issuer is real; the receiver is a port of ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::leak::{AUTO, CLIENT, Leak, finding_at, text};
use crate::listener::Listener;

const KEY: &str = "NOTIFY_KEY";
const TOKEN: &str = "NOTIFY_TOKEN";

/// A policy that revokes by itself, and a receiver.
fn configure(leak: &Leak, url: &str, section: &str) -> String {
    let rest = format!("[notify]\nurl = \"{url}\"\nzone = \"loopback\"\n{section}\n{AUTO}");
    leak.configure(CLIENT, &rest)
}

/// No event holds a secret.
fn assert_no_secret(leak: &Leak, body: &str) {
    for secret in [&leak.client_secret, &leak.refresh_token, &leak.access_token, &leak.jwt_in_repository] {
        assert!(!body.contains(secret.as_str()), "{body}");
    }
}

#[test]
fn a_webhook_tells_of_each_outcome_and_is_signed() {
    let (leak, receiver) = (Leak::new(), Listener::start());
    leak.env.set(KEY, &format!("whsec_{}", STANDARD.encode("a key of the receiver")));
    leak.env.set(TOKEN, "bearer-token-of-the-receiver");
    let section = format!("key_env = \"{KEY}\"\ntoken_env = \"{TOKEN}\"\n");
    let config = configure(&leak, &format!("{}/hooks/rescind", receiver.url), &section);
    let ledger = leak.ledger();
    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);

    let requests = receiver.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}");
    for request in &requests {
        assert_eq!(request.line, "POST /hooks/rescind");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["authorization"], "Bearer bearer-token-of-the-receiver");
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of the receiver").expect("a key");
        let (id, time) = (&request.headers["webhook-id"], &request.headers["webhook-timestamp"]);
        mac.update(format!("{id}.{time}.{}", request.body).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(request.headers["webhook-signature"], signature);
        assert_no_secret(&leak, &request.body);
    }
    let event: Value = serde_json::from_str(&requests[0].body).expect("JSON");
    let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
    assert_eq!((&event["type"], &event["data"]["finding"]), (&json!("revocation.revoked"), &refresh["id"]));
    for (name, value) in [
        ("kind", json!("refresh_token")),
        ("state", json!("revoked")),
        ("method", json!("rfc7009")),
        ("issuer", json!(leak.server.issuer)),
        ("client_id", json!(CLIENT)),
        ("receipt", refresh["revocation"]["receipt"].clone()),
        ("owners", refresh["owners"].clone()),
    ] {
        assert_eq!(event["data"][name], value, "{name}: {event:#}");
    }
}

#[test]
fn a_security_event_token_tells_what_is_proven() {
    for (algorithm, sort) in [(Algorithm::EdDSA, "ed25519"), (Algorithm::ES256, "ec"), (Algorithm::RS256, "rsa")] {
        let (leak, receiver) = (Leak::new(), Listener::start());
        let (private, public) = leak.server.key_pair(sort);
        leak.env.set(KEY, &private);
        let section = format!(
            "format = \"caep\"\nalgorithm = \"{algorithm:?}\"\nkey_env = \"{KEY}\"\nkey_id = \"key-1\"\n\
             issuer = \"https://rescind.acme.test.invalid\"\naudience = \"https://siem.acme.test.invalid\"\n"
        );
        let config = configure(&leak, &receiver.url, &section);
        let ledger = leak.ledger();
        let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
        let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);
        let requests = receiver.requests();
        assert_eq!(requests.len(), 2, "{requests:#?}\n{}", run.stderr);
        let request = &requests[0];
        assert_eq!(request.headers["content-type"], "application/secevent+jwt");
        let key = match algorithm {
            Algorithm::EdDSA => DecodingKey::from_ed_pem(public.as_bytes()),
            Algorithm::ES256 => DecodingKey::from_ec_pem(public.as_bytes()),
            _ => DecodingKey::from_rsa_pem(public.as_bytes()),
        };
        let mut validation = Validation::new(algorithm);
        // RFC 8417 §2.2: these tokens do not expire.
        validation.required_spec_claims.clear();
        validation.set_issuer(&["https://rescind.acme.test.invalid"]);
        validation.set_audience(&["https://siem.acme.test.invalid"]);
        let token = decode::<Value>(&request.body, &key.expect("a public key"), &validation);
        let token = token.unwrap_or_else(|error| panic!("{error}: {}", request.body));
        assert_eq!((token.header.typ.as_deref(), token.header.kid.as_deref()), (Some("secevent+jwt"), Some("key-1")));
        let claims = token.claims;
        assert_no_secret(&leak, &claims.to_string());
        assert!(claims.get("exp").is_none() && claims.get("sub").is_none() && claims["jti"].is_string(), "{claims:#}");
        let application = json!({"format": "iss_sub", "iss": leak.server.issuer, "sub": CLIENT});
        assert_eq!(claims["sub_id"], json!({"format": "complex", "application": application}));
        let event = &claims["events"]["https://schemas.openid.net/secevent/caep/event-type/credential-change"];
        assert_eq!((&event["change_type"], &event["credential_type"]), (&json!("revoke"), &json!("refresh_token")));
        let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
        assert_eq!((&event["friendly_name"], &claims["txn"]), (&refresh["id"], &refresh["revocation"]["receipt"]));
    }
}

#[test]
fn a_receiver_that_is_not_there_changes_nothing() {
    let leak = Leak::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}/", closed.expect("a free port"));
    let config = configure(&leak, &url, "");
    let (report, plan, ledger) = (leak.env.work().join("r.jsonl"), leak.env.work().join("p.json"), leak.ledger());
    leak.scan(&config, &[text(&leak.repository)], &["--output", text(&report)]).exits(1);
    let allow = ["--config", &config, "--allow-host", leak.server.host()];
    let arguments = ["revoke", "plan", text(&report), "--output", text(&plan)];
    leak.env.run(arguments.iter().chain(&allow)).exits(0);
    let document: Value = serde_json::from_str(&fs_err::read_to_string(&plan).expect("the plan")).expect("JSON");
    let hash = document["hash"].as_str().expect("a hash");
    let arguments = ["revoke", "apply", text(&plan), "--hash", hash, "--ledger", text(&ledger), "--format", "jsonl"];
    let run = leak.env.run(arguments.iter().chain(&allow)).exits(1);
    assert_eq!(run.lines()[0]["state"], "revoked", "{}", run.stdout);
    assert!(!leak.server.is_alive(&leak.refresh_token));
    assert!(run.stderr.contains("could not be told of") && run.stderr.contains("the ledger has all"), "{}", run.stderr);
}

#[test]
fn a_mistake_in_it_is_told_before_anything_is_revoked() {
    let leak = Leak::new();
    let config = configure(&leak, "https://siem.test.invalid/", "token_env = \"UNSET_VARIABLE\"");
    let ledger = leak.ledger();
    leak.server.take_requests();
    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(2);
    assert!(run.stderr.contains("UNSET_VARIABLE"), "{}", run.stderr);
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
    // A run that does not revoke has nothing to tell.
    leak.scan(&config, &[text(&leak.repository)], &[]).exits(1);
    let config = configure(&leak, "https://siem.test.invalid/", "format = \"caep\"");
    let run = leak.scan(&config, &[text(&leak.repository)], &[]).exits(2);
    assert!(run.stderr.contains("needs an `issuer`"), "{}", run.stderr);
}
