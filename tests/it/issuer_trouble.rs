//! An issuer that is down, slow, or answers nonsense: the verdict is `unknown` with a reason, never `dead`, and no secret goes
//! where the operator has not sent it.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::env::Run;
use crate::leak::{AUTO, CLIENT, Leak, finding_at, text};
use crate::listener::Listener;

const METADATA: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// What the secrets that the server has issued are called while it misbehaves.
fn states(leak: &Leak, arguments: &[&str], exit: i32) -> Vec<(String, Value)> {
    let config = leak.configure(CLIENT, &format!("{AUTO}\n[egress]\ntimeout_seconds = 2\n"));
    let run = leak.scan(&config, &[text(&leak.repository)], arguments).exits(exit);
    assert_eq!(run.summary()["complete"], true, "all was scanned, whatever the issuer says");
    [(".env", "client_secret"), ("deploy/session.json", "refresh_token"), ("scripts/smoke.sh", "jwt")]
        .map(|(path, kind)| (kind.to_owned(), finding_at(&run, path, kind)["liveness"].clone()))
        .into()
}

/// Checks that nothing is called live or dead, and that each verdict has its reason.
fn assert_unknown(what: &str, states: &[(String, Value)]) {
    for (kind, liveness) in states {
        assert_eq!(liveness["state"], "unknown", "{what}: {kind}: {liveness:#}");
        assert!(liveness["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{what}: {kind}: {liveness:#}");
    }
}

#[test]
fn answers_that_prove_nothing() {
    let leak = Leak::new();
    let elsewhere = Listener::start();
    let html = "<!doctype html><title>Sign in</title>";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let other = json!({
        "issuer": elsewhere.url,
        "token_endpoint": format!("{}/token", elsewhere.url),
        "introspection_endpoint": format!("{}/introspect", elsewhere.url),
        "jwks_uri": format!("{}/jwks", elsewhere.url),
    });
    let stray = json!({
        "issuer": leak.server.issuer,
        "token_endpoint": format!("{}/token", elsewhere.url),
        "introspection_endpoint": format!("{}/introspect", elsewhere.url),
        "jwks_uri": format!("{}/jwks", elsewhere.url),
    });
    for (what, how) in [
        ("an error", json!({"status": 500, "body": "oops"})),
        ("too many requests", json!({"status": 429, "body": "{}", "headers": {"retry-after": "86400"}})),
        ("forbidden", json!({"status": 403, "body": "{}"})),
        ("a page for people", json!({"status": 200, "body": html, "type": "text/html"})),
        ("not JSON", json!({"status": 200, "body": "{\"issuer\":"})),
        ("JSON of another shape", json!({"status": 200, "body": "[1, 2, 3]"})),
        ("deep JSON", json!({"status": 200, "body": deep})),
        ("nothing", json!({"status": 200, "body": ""})),
        ("a redirection", json!({"status": 302, "headers": {"location": format!("{}/x", elsewhere.url)}})),
        ("another issuer", json!({"status": 200, "body": other.to_string()})),
        ("endpoints elsewhere", json!({"status": 200, "body": stray.to_string()})),
    ] {
        for path in METADATA {
            leak.server.disturb(path, how.clone());
        }
        assert_unknown(what, &states(&leak, &[], 1));
        assert_eq!(elsewhere.connections(), 0, "{what}");
    }
}

#[test]
fn endpoints_that_answer_nonsense() {
    let leak = Leak::new();
    let elsewhere = Listener::start();
    let endpoints = ["/token", "/token/introspection", "/token/revocation", "/me", "/jwks"];
    for (what, how) in [
        ("an error", json!({"status": 503, "body": "busy"})),
        ("forbidden", json!({"status": 403, "body": "no"})),
        ("a page for people", json!({"status": 200, "body": "<html>", "type": "text/html"})),
        ("not JSON", json!({"status": 200, "body": "{"})),
        ("a redirection", json!({"status": 307, "headers": {"location": format!("{}/x", elsewhere.url)}})),
    ] {
        for path in endpoints {
            leak.server.disturb(path, how.clone());
        }
        assert_unknown(what, &states(&leak, &[], 1));
        assert_eq!(elsewhere.connections(), 0, "{what}");
    }
}

#[test]
fn an_issuer_that_never_answers_does_not_hold_the_scan_up_for_ever() {
    let leak = Leak::new();
    for path in METADATA {
        leak.server.disturb(path, json!({"silent": true}));
    }
    assert_unknown("silence", &states(&leak, &[], 1));
}

#[test]
fn asking_can_be_interrupted_and_what_was_found_is_reported() {
    let leak = Leak::new();
    for path in METADATA {
        leak.server.disturb(path, json!({"silent": true}));
    }
    let config = leak.configure(CLIENT, "");
    let arguments = ["scan", "--format", "jsonl", "--verify", "--config", &config, "--allow-host", leak.server.host()];
    let child =
        leak.env.rescind().args(arguments).arg(&leak.repository).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    while leak.server.requests().is_empty() {
        assert!(child.try_wait().expect("the own child").is_none(), "it ended without a request");
    }
    leak.env.tool("kill", ["-INT", &child.id().to_string()]);
    let run = Run::of(child.wait_with_output().expect("the program ends")).exits(130);
    assert_eq!((&run.summary()["complete"], &run.summary()["interrupted"]), (&json!(false), &json!(true)));
    let secret = finding_at(&run, ".env", "client_secret");
    assert!(matches!(secret["liveness"]["state"].as_str(), Some("unknown" | "not_checked")), "{secret:#}");
}

#[test]
fn an_issuer_that_is_down() {
    let leak = Leak::new();
    leak.server.stop();
    assert_unknown("down", &states(&leak, &["--fail-on", "unknown"], 1));
    assert_unknown("down", &states(&leak, &["--fail-on", "live"], 0));
    // What cannot be proven alive is not revoked by itself either.
    let ledger = leak.ledger();
    states(&leak, &["--revoke", "auto", "--ledger", text(&ledger)], 1);
    assert!(!ledger.exists() || fs_err::read_to_string(&ledger).expect("the ledger").is_empty(), "nothing was sent");
}
