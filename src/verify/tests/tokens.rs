//! Refresh tokens and opaque access tokens.

use super::*;
use LivenessState::{Dead, Live, LiveRestricted, NotChecked, Unknown};

/// An issuer that knows these tokens, and the client `app` with its secret.
fn issuer(live: &[&str]) -> (Server, Arc<Mutex<HashSet<String>>>) {
    let tokens: HashSet<String> = live.iter().map(|token| (*token).to_owned()).collect();
    let tokens = Arc::new(Mutex::new(tokens));
    let shared = Arc::clone(&tokens);
    let server = Server::issuer(move |request| {
        let known = [("app", "app-secret-1234"), ("ops", "operators-secret")];
        let (id, secret) = request.client();
        match (known.contains(&(id.as_str(), secret.as_str())), request.path.as_str()) {
            (false, _) => error(401, "invalid_client"),
            (true, "/token") => error(400, "invalid_grant"),
            (true, _) => {
                let token = request.form().get("token").cloned().unwrap_or_default();
                let active = shared.lock().expect("not poisoned").contains(&token);
                Reply::json(200, &json!({"active": active}))
            }
        }
    });
    (server, tokens)
}

fn refresh(value: &str, server: &Server) -> Finding {
    finding(Kind::RefreshToken, value, &[("client_id", "app"), ("issuer", &server.origin())])
}

fn secret(value: &str, server: &Server) -> Finding {
    finding(Kind::ClientSecret, value, &[("client_id", "app"), ("issuer", &server.origin())])
}

#[test]
fn inactive_is_dead_once_the_issuer_has_been_seen_to_tell() {
    let (server, _) = issuer(&["live"]);
    let found = || secret("app-secret-1234", &server);
    let mut alone = [refresh("altered", &server), found()];
    assert_eq!(verify(&mut alone, &server.trusted(""))[0], (Unknown, Some("introspection")));
    // Whichever is asked first.
    let mut both = [refresh("altered", &server), refresh("live", &server), found()];
    let states = verify(&mut both, &server.trusted(""));
    assert_eq!((states[0].0, states[1].0), (Dead, Live));
    let mut configured = [refresh("altered", &server), found()];
    assert_eq!(verify(&mut configured, &server.trusted("introspects_refresh_tokens = true"))[0].0, Dead);
    let redeemed = |request: &Received| request.form().get("refresh_token").is_some_and(|token| token == "live");
    assert!(!server.received().iter().any(redeemed), "a refresh token is never redeemed");
}

#[test]
fn a_client_that_may_not_own_the_token_proves_nothing() {
    let (server, _) = issuer(&["live"]);
    let origin = server.origin();
    let ambiguous = [("client_id", "app"), ("client_id", "other"), ("issuer", origin.as_str())];
    let mut findings = [
        refresh("live", &server),
        finding(Kind::RefreshToken, "of-the-other", &ambiguous),
        secret("app-secret-1234", &server),
    ];
    let states = verify(&mut findings, &server.trusted(""));
    assert_eq!((states[0].0, states[1].0), (Live, Unknown));
}

#[test]
fn one_of_several_issuers_cannot_call_a_token_dead() {
    let (first, _) = issuer(&[]);
    let (second, _) = issuer(&[]);
    let section = |server: &Server| {
        format!(
            "[[issuer]]\nissuer = '{}'\nzone = 'loopback'\nintrospects_refresh_tokens = true\nclient_id = 'ops'\n\
             client_secret_env = 'OPERATORS_SECRET'\n",
            server.origin()
        )
    };
    let config = crate::egress::loopback::config(&(section(&first) + &section(&second)));
    let alone = [("issuer", first.origin())];
    let both = [("issuer", first.origin()), ("issuer", second.origin())];
    for (parts, state) in [(&alone[..], Dead), (&both[..], Unknown)] {
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(verify(&mut [finding(Kind::RefreshToken, "token", &parts)], &config)[0].0, state);
    }
}

#[test]
fn refused_secrets_are_not_tried_again() {
    let (server, _) = issuer(&["live"]);
    let mut findings =
        [refresh("live", &server), secret("old-secret-12345", &server), secret("app-secret-1234", &server)];
    let states = verify(&mut findings, &server.trusted(""));
    assert_eq!([states[0].0, states[1].0, states[2].0], [Live, Dead, Live]);
    let is_about_the_token = |request: &&Received| request.form().get("token").is_some_and(|token| token == "live");
    let asked = server.received();
    assert!(!asked.iter().filter(is_about_the_token).any(|request| request.client().1 == "old-secret-12345"));
}

#[test]
fn without_proof_nothing_is_claimed() {
    let (server, _) = issuer(&["live"]);
    let mut nobody = [refresh("live", &server)];
    assert_eq!(verify(&mut nobody, &server.trusted("")), [(Unknown, None)], "no client to ask with");

    let yes = Server::issuer(|_| Reply::json(200, &json!({"active": true})));
    let operator = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
    let mut anything = [refresh("live", &yes)];
    assert_eq!(verify(&mut anything, &yes.trusted(operator)), [(Unknown, None)], "it calls everything active");

    let mut switched_off = [refresh("live", &server)];
    assert_eq!(verify(&mut switched_off, &server.trusted("verify = false")), [(NotChecked, None)]);
    let mut other = [finding(Kind::Password, "hunter2", &[("issuer", &server.origin())])];
    assert_eq!(verify(&mut other, &server.trusted("")), [(NotChecked, None)]);
}

#[test]
fn an_opaque_access_token_is_introspected() {
    let (server, _) = issuer(&["live"]);
    let operator = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
    let mut findings = [finding(Kind::AccessToken, "live", &[("issuer", &server.origin())])];
    assert_eq!(verify(&mut findings, &server.trusted(operator)), [(Live, Some("introspection"))]);
}

#[test]
fn the_owner_of_a_token_is_asked_for_with_it() {
    let user = json!({"sub": "alice"});
    for (name, right, wrong, expected) in [
        ("accepted", (200, user.clone()), (401, json!({})), (Live, Some("userinfo"))),
        (
            "no openid",
            (403, json!({"error": "insufficient_scope"})),
            (401, json!({})),
            (LiveRestricted, Some("userinfo")),
        ),
        ("anybody is told", (200, user.clone()), (200, user.clone()), (Unknown, None)),
        ("anybody is forbidden", (403, json!({"error": "insufficient_scope"})), (403, json!({})), (Unknown, None)),
        ("a page for people", (200, json!("hello")), (401, json!({})), (Unknown, None)),
        ("refused", (401, json!({"error": "invalid_token"})), (401, json!({})), (Unknown, None)),
        ("out of order", (500, user.clone()), (401, json!({})), (Unknown, None)),
    ] {
        let server = Server::issuer(move |request| {
            let is_right = request.headers.get("authorization").is_some_and(|value| value == "Bearer some-token");
            let (status, body) = if is_right { &right } else { &wrong };
            if request.path == "/me" { Reply::json(*status, body) } else { Reply::empty(404) }
        });
        let mut findings = [finding(Kind::AccessToken, "some-token", &[("issuer", &server.origin())])];
        assert_eq!(verify(&mut findings, &server.trusted("")), [expected], "{name}");
        let mut refresh = [finding(Kind::RefreshToken, "some-token", &[("issuer", &server.origin())])];
        assert_eq!(verify(&mut refresh, &server.trusted(""))[0].0, Unknown, "{name}: only access tokens are used");
    }
}

#[test]
fn a_planted_issuer_gets_no_packet() {
    let (server, _) = issuer(&["live"]);
    let planted = Server::issuer(|_| Reply::json(200, &json!({"access_token": "x", "active": true})));
    let hint = planted.origin();
    let endpoint = format!("{hint}/token");
    let parts = [("client_id", "app"), ("issuer", hint.as_str()), ("token_endpoint", endpoint.as_str())];
    let mut findings =
        [finding(Kind::ClientSecret, "app-secret-1234", &parts), finding(Kind::RefreshToken, "live", &parts)];
    assert_eq!(verify(&mut findings, &server.trusted("")), [(Unknown, None); 2]);
    let reason = findings[0].liveness.reason.clone().unwrap_or_default();
    assert!(reason.starts_with(&format!("untrusted issuer: {hint}")), "{reason}");

    // Beside the right issuer it changes nothing.
    let mixed = [("client_id", "app"), ("issuer", hint.as_str()), ("issuer", &server.origin())];
    let mut findings = [finding(Kind::ClientSecret, "app-secret-1234", &mixed)];
    assert_eq!(verify(&mut findings, &server.trusted(""))[0].0, Live);
    assert!(planted.requests().is_empty());
}

#[test]
fn a_reprobe_proves_a_revocation() {
    let (server, tokens) = issuer(&["live"]);
    let context = context(&server.trusted(""));
    let mut findings = [refresh("live", &server), secret("app-secret-1234", &server)];
    verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
    assert_eq!(findings[0].liveness.state, Live);
    let probe = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        runtime.expect("a runtime").block_on(reprobe(&findings[0], &findings, &context)).state
    };
    assert_eq!(probe(), Live, "asked again, and still live");
    tokens.lock().expect("not poisoned").clear();
    assert_eq!(probe(), Dead);
}

#[test]
fn nothing_to_ask_starts_no_runtime() {
    let config = crate::egress::loopback::config("");
    let mut findings = [
        finding(Kind::ClientSecret, "some-secret", &[("client_id", "app"), ("issuer", "https://issuer.example/path")]),
        finding(Kind::RefreshToken, "some-token", &[]),
    ];
    assert!(engine::settle_locally(&mut findings, &context(&config)));
    let reasons: Vec<_> = findings.iter().map(|finding| finding.liveness.reason.clone().unwrap_or_default()).collect();
    assert!(reasons[0].starts_with("untrusted issuer: https://issuer.example ("), "{}", reasons[0]);
    assert_eq!(reasons[1], "no trusted issuer is known for it");
}

#[test]
fn an_end_of_time_or_patience_keeps_what_is_known() {
    for is_cancelled in [false, true] {
        let stalled = Server::issuer(|_| Reply::Stall(Vec::new()));
        let server = stalled.origin();
        let mut context = context(&stalled.trusted(""));
        context.concurrency = 1;
        let expected = if is_cancelled { "verification was interrupted" } else { "the time for verification was over" };
        if !is_cancelled {
            context.budget = Duration::from_millis(200);
        }
        let cancel = || is_cancelled && stalled.requests().len() == 2;
        let mut findings = [
            finding(Kind::Password, "hunter2", &[]),
            finding(Kind::ClientSecret, "first-secret-1", &[("client_id", "a"), ("issuer", &server)]),
            finding(Kind::ClientSecret, "second-secret", &[("client_id", "b"), ("issuer", &server)]),
            finding(Kind::RefreshToken, "token", &[("client_id", "b"), ("issuer", &server)]),
        ];
        let observer = Observer { progress: &|_, _| {}, is_cancelled: &cancel };
        verify_findings(&mut findings, &context, &observer).expect("a runtime");
        let states: Vec<LivenessState> = findings.iter().map(|finding| finding.liveness.state).collect();
        assert_eq!(states, [NotChecked, Unknown, NotChecked, NotChecked]);
        let reasons: HashSet<_> =
            findings.iter().skip(1).filter_map(|finding| finding.liveness.reason.clone()).collect();
        assert_eq!(reasons, HashSet::from([expected.to_owned()]));
    }
}
