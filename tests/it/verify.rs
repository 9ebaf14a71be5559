//! Verification as a user meets it: what steers it from outside, and what must not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::leak::{CLIENT, Leak, finding_at, text};
use crate::listener::Listener;
use crate::samples::{altered, random};

#[test]
fn a_proxy_of_the_environment_gets_nothing() {
    let leak = Leak::new();
    let proxy = Listener::start();
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        leak.env.set(name, &proxy.url);
    }
    let config = leak.configure(CLIENT, "");
    let run = leak.scan(&config, &[text(&leak.repository)], &[]).exits(1);
    let secret = finding_at(&run, ".env", "client_secret");
    assert_eq!(secret["liveness"]["state"], "live", "{secret:#}\n{}", run.stderr);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn key_addresses_in_a_token_are_not_followed() {
    let leak = Leak::new();
    let keys = Listener::start();
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "kid": "theirs", "jku": keys.url, "x5u": keys.url, "typ": "JWT"});
    let claims = json!({"iss": leak.server.issuer, "sub": "service", "client_id": CLIENT, "exp": 4_000_000_000_u64});
    let token = format!("{}.{}.{}", encode(&header), encode(&claims), URL_SAFE_NO_PAD.encode([7; 256]));
    let file = leak.env.write("forged.http", format!("Authorization: Bearer {token}\n"));
    let config = leak.configure(CLIENT, "");
    let run = leak.scan(&config, &[text(&file)], &[]);
    let jwt = run.finding("jwt");
    assert_eq!((&jwt["liveness"]["state"], &jwt["liveness"]["method"]), (&json!("dead"), &json!("jwt-signature")));
    assert_eq!(keys.connections(), 0);
}

/// A key that its issuer still publishes is the worst that can leak. It is found out without sending anything of it.
#[test]
fn the_key_that_an_issuer_signs_with_is_known_by_what_it_publishes() {
    let leak = Leak::new();
    let config = leak.configure(CLIENT, "");
    for form in ["pkcs1", "pkcs8"] {
        let key = leak.server.signing_key(form);
        let path = format!("keys/{form}.pem");
        let file = leak.env.write(&path, key);
        leak.server.take_requests();
        let run = leak.scan(&config, &[text(&file)], &[]).exits(1);
        let found = finding_at(&run, &format!("{form}.pem"), "private_key");
        assert_eq!((&found["liveness"]["state"], &found["liveness"]["method"]), (&json!("live"), &json!("key-set")));
        let reason = found["liveness"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("RSA key of 2048 bits") && reason.contains("can mint its tokens"), "{reason}");
        let asked = leak.server.take_requests();
        assert!(asked.len() == 2 && asked.iter().all(|request| request.starts_with("GET /")), "{asked:?}");
    }
}

/// Such a secret is refused wherever it is sent; that it signs is what proves it.
#[test]
fn a_secret_that_only_signs_is_live() {
    let leak = Leak::new();
    let secret = random("a secret that only signs", 48);
    leak.server.signing_client("signer", &secret);
    leak.env.plant([&*secret]);
    let config = leak.configure(CLIENT, "");
    for (value, state) in [(secret.clone(), "live"), (altered(&secret), "dead")] {
        leak.env.plant([&*value]);
        let text_of_file =
            format!("OIDC_ISSUER={}\nOIDC_CLIENT_ID=signer\nOIDC_CLIENT_SECRET={value}\n", leak.server.issuer);
        let file = leak.env.write("signer/.env", text_of_file);
        let found = finding_at(&leak.scan(&config, &[text(&file)], &[]).exits(1), ".env", "client_secret");
        assert_eq!(found["liveness"]["state"], state, "{found:#}");
    }
}

#[test]
fn this_machine_is_closed_unless_it_is_opened() {
    let leak = Leak::new();
    let issuer = &leak.server.issuer;
    let config = leak.env.write_work("closed.toml", format!("providers = []\n[[issuer]]\nissuer = \"{issuer}\"\n"));
    let scan = |more: &[&str]| {
        let arguments = ["scan", "--format", "jsonl", "--verify", "--config", text(&config)];
        leak.env.run(arguments.iter().chain(more).copied().chain([text(&leak.repository)])).exits(1)
    };
    let closed = finding_at(&scan(&[]), ".env", "client_secret");
    assert_eq!(closed["liveness"]["state"], "unknown", "{closed:#}");
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
    let other = finding_at(&scan(&["--allow-host", "127.0.0.1:1"]), ".env", "client_secret");
    assert_eq!(other["liveness"]["state"], "unknown", "{other:#}");
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
    let opened = finding_at(&scan(&["--allow-host", leak.server.host()]), ".env", "client_secret");
    assert_eq!(opened["liveness"]["state"], "live", "{opened:#}");
}

#[test]
fn what_is_scanned_does_not_configure_its_scanner() {
    let leak = Leak::new();
    let text_of_config =
        format!("providers = []\n[[issuer]]\nissuer = \"{}\"\nzone = \"loopback\"\n", leak.server.issuer);
    let inside = leak.env.write("home/rescind/config.toml", text_of_config);
    let home = leak.env.input().join("home");
    leak.env.set("XDG_CONFIG_HOME", text(&home));

    let refused = leak.env.run(["scan", "--verify", text(&leak.env.input())]).exits(2);
    assert!(refused.stderr.contains("config.toml") && refused.stderr.contains("--config"), "{}", refused.stderr);
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());

    // Elsewhere, or named, it is the operator's word.
    let repository = text(&leak.repository);
    let elsewhere = leak.env.run(["scan", "--format", "jsonl", "--verify", repository]).exits(1);
    assert_eq!(finding_at(&elsewhere, ".env", "client_secret")["liveness"]["state"], "live");
    let input = leak.env.input();
    let named = ["scan", "--format", "jsonl", "--verify", "--config", text(&inside), text(&input)];
    assert_eq!(finding_at(&leak.env.run(named).exits(1), ".env", "client_secret")["liveness"]["state"], "live");
}

#[test]
fn what_was_said_a_moment_ago_is_not_asked_again() {
    let leak = Leak::new();
    let config = leak.configure(CLIENT, "");
    let verdicts = leak.env.work().join("verdicts.jsonl");
    let scan = |config: &str, more: &[&str]| {
        leak.server.take_requests();
        let arguments: Vec<&str> = ["--verdicts", text(&verdicts)].iter().chain(more).copied().collect();
        let run = leak.scan(config, &[text(&leak.repository)], &arguments).exits(1);
        let states: Vec<String> =
            run.findings().iter().map(|found| format!("{} {}", found["id"], found["liveness"])).collect();
        (states, leak.server.take_requests().len())
    };
    let (first, asked) = scan(&config, &[]);
    assert!(asked > 5, "{asked}");
    let (second, asked_again) = scan(&config, &[]);
    assert_eq!((asked_again, &second), (0, &first), "the same is said, at the time of the first");

    let (_, asked_to_revoke) = scan(&config, &["--revoke", "plan"]);
    // Not exactly as often: what two questions at once need to know is asked once or twice.
    assert!(asked_to_revoke > 5, "what is to be revoked is asked about now: {asked_to_revoke}");

    let other = leak.configure(CLIENT, "introspects_refresh_tokens = true\n");
    let (_, asked_with_another) = scan(&other, &[]);
    assert!(asked_with_another > 5, "another configuration may say something else");

    fs_err::write(&verdicts, "nonsense\n").expect("written");
    let refused = leak.scan(&other, &[text(&leak.repository)], &["--verdicts", text(&verdicts)]).exits(2);
    assert!(refused.stderr.contains("line 1 is not a verdict"), "{}", refused.stderr);
    let unasked = leak.env.run(["scan", "--verdicts", text(&verdicts), text(&leak.repository)]).exits(2);
    assert!(unasked.stderr.contains("add `--verify`"), "{}", unasked.stderr);
}

#[test]
fn five_hundred_tokens_of_an_issuer_cost_two_documents() {
    let leak = Leak::new();
    let tokens = leak.server.jwts(CLIENT, 500);
    let lines: Vec<String> =
        tokens.iter().map(|token| format!("curl -H 'Authorization: Bearer {token}' $API")).collect();
    let file = leak.env.write("requests.sh", lines.join("\n"));
    let text_of_config =
        format!("providers = []\n[[issuer]]\nissuer = \"{}\"\nzone = \"loopback\"\n", leak.server.issuer);
    let config = leak.env.write_work("rescind.toml", text_of_config);
    leak.server.take_requests();
    let run = leak.scan(text(&config), &[text(&file)], &[]).exits(1);
    let live = run.findings().iter().filter(|found| found["liveness"]["state"] == "live").count();
    assert_eq!(live, 500);
    let (documents, questions): (Vec<String>, Vec<String>) =
        leak.server.take_requests().into_iter().partition(|request| request.starts_with("GET "));
    assert_eq!(documents, ["GET /.well-known/openid-configuration 200", "GET /jwks 200"]);
    // Their client has no secret to introspect with. It is refused as often as it asks at once, and then asks no more.
    assert!(questions.len() <= 8, "{questions:?}");
}
