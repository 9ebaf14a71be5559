//! Client secrets, by how each sort of server answers.

use super::*;
use LivenessState::{Dead, Live, Unknown};

const RIGHT: &str = "right-secret-0123456789";
const WRONG: &str = "wrong-secret-0123456789";

type Handler = fn(&str, bool) -> Reply;

/// Verifies a right and a wrong secret with an issuer that answers by path and by whether the secret is right.
fn check(name: &str, provider: &str, handler: Handler, right: (LivenessState, &str), wrong: (LivenessState, &str)) {
    for (secret, expected) in [(RIGHT, right), (WRONG, wrong)] {
        let server = Server::issuer(move |request: &Received| {
            let (client_id, client_secret) = request.client();
            handler(&request.path, client_id == "app" && client_secret == RIGHT)
        });
        let mut findings = [finding(Kind::ClientSecret, secret, &[("client_id", "app"), ("issuer", &server.origin())])];
        findings[0].provider = provider.to_owned();
        let verdicts = verify(&mut findings, &server.trusted(""));
        let reason = findings[0].liveness.reason.clone().unwrap_or_default();
        assert_eq!(verdicts, [(expected.0, Some(expected.1))], "{name}, {secret}: {reason}");
        assert!(!reason.contains(secret) && !reason.contains("because"), "{name}: {reason}");
        assert!(findings[0].liveness.host.is_some() && findings[0].liveness.checked_at.is_some(), "{name}");
        for request in server.received() {
            let form = request.form();
            assert_ne!(form.get("grant_type").map(String::as_str), Some("client_credentials"), "{name}: mints");
            assert!(form.get("refresh_token").is_none_or(|token| token.starts_with("probe-")), "{name}");
        }
    }
}

#[test]
fn what_each_server_proves() {
    const REFRESH: &str = "bogus-refresh-twin";
    const REVOKE: &str = "revocation-twin";
    const INTROSPECT: &str = "introspection-twin";
    check(
        "conformant: oidc-provider, django-oauth-toolkit, Canaille",
        "generic",
        |_, right| if right { error(400, "invalid_grant") } else { error(401, "invalid_client") },
        (Live, REFRESH),
        (Dead, REFRESH),
    );
    check(
        "the client may not refresh",
        "generic",
        |_, right| if right { error(400, "unauthorized_client") } else { error(400, "invalid_client") },
        (Live, REFRESH),
        (Dead, REFRESH),
    );
    check(
        "Auth0",
        "auth0",
        |_, right| if right { error(403, "invalid_grant") } else { error(401, "access_denied") },
        (Live, REFRESH),
        (Dead, REFRESH),
    );
    check(
        "Keycloak",
        "keycloak",
        |_, right| if right { error(400, "invalid_grant") } else { error(401, "unauthorized_client") },
        (Live, REFRESH),
        (Dead, REFRESH),
    );
    check(
        "GitHub",
        "github",
        |_, right| if right { error(400, "invalid_grant") } else { error(200, "incorrect_client_credentials") },
        (Live, REFRESH),
        (Dead, REFRESH),
    );
    check(
        "the token is looked at before the client: Entra",
        "entra",
        |_, _| error(400, "invalid_grant"),
        (Unknown, REFRESH),
        (Unknown, REFRESH),
    );
    check(
        "anybody gets a token: oauth2-mock-server",
        "generic",
        |_, _| Reply::json(200, &json!({"access_token": "new", "active": true})),
        (Unknown, REFRESH),
        (Unknown, REFRESH),
    );
    check(
        "the grant is looked at first, revocation tells",
        "generic",
        |path, right| match (path, right) {
            ("/token", _) => error(400, "unsupported_grant_type"),
            (_, true) => Reply::empty(200),
            (_, false) => error(401, "invalid_client"),
        },
        (Live, REVOKE),
        (Dead, REVOKE),
    );
    check(
        "only introspection tells, and hides why it refuses",
        "generic",
        |path, right| match (path, right) {
            ("/introspect", true) => Reply::json(200, &json!({"active": false})),
            ("/introspect", false) => Reply::empty(403),
            _ => Reply::empty(404),
        },
        (Live, INTROSPECT),
        (Unknown, REFRESH),
    );
    check(
        "introspection lets nobody in whom revocation would",
        "generic",
        |path, right| match (path, right) {
            ("/revoke", true) => Reply::empty(200),
            ("/introspect" | "/revoke", _) => error(401, "invalid_client"),
            _ => Reply::empty(404),
        },
        (Live, REVOKE),
        (Dead, REVOKE),
    );
    check(
        "revocation is open to all: a public client",
        "generic",
        |path, _| if path == "/revoke" { Reply::empty(200) } else { error(400, "unsupported_grant_type") },
        (Unknown, REFRESH),
        (Unknown, REFRESH),
    );
}

#[test]
fn where_nothing_is_refreshed_a_code_tells() {
    for (value, state) in [("right-secret-0123", LivenessState::Live), ("wrong-secret-0123", LivenessState::Dead)] {
        let server = Server::issuer(|request| {
            let grant = request.form().remove("grant_type").unwrap_or_default();
            match (request.path.as_str(), grant.as_str(), request.client().1 == "right-secret-0123") {
                ("/token", "authorization_code", true) => error(400, "invalid_grant"),
                ("/token", "authorization_code", false) => error(401, "invalid_client"),
                ("/token", _, _) => error(400, "unsupported_grant_type"),
                _ => Reply::empty(404),
            }
        });
        let mut findings = [finding(Kind::ClientSecret, value, &[("client_id", "app"), ("issuer", &server.origin())])];
        assert_eq!(verify(&mut findings, &server.trusted("")), [(state, Some("bogus-code-twin"))]);
    }
    // The address to come back to is looked at first: that says nothing about the client.
    let server = Server::issuer(|request| match request.form().get("grant_type").map(String::as_str) {
        Some("authorization_code") => error(400, "invalid_request"),
        _ => error(400, "unsupported_grant_type"),
    });
    let parts = [("client_id", "app"), ("issuer", &*server.origin())];
    let states = verify(&mut [finding(Kind::ClientSecret, "any-secret-0123", &parts)], &server.trusted(""));
    assert_eq!(states[0].0, LivenessState::Unknown);
}

#[test]
fn trouble_is_never_death() {
    let replies: [(&str, Handler); 10] = [
        ("429", |_, _| Reply::empty(429)),
        ("429 with a code", |_, _| error(429, "invalid_client")),
        ("500", |_, _| error(500, "invalid_client")),
        ("503", |_, _| Reply::empty(503)),
        ("403", |_, _| Reply::empty(403)),
        ("401 of a gateway", |_, _| Reply::Http(401, Vec::new(), b"<html>sign in</html>".to_vec())),
        ("404", |_, _| Reply::empty(404)),
        ("HTML", |_, _| Reply::Http(200, Vec::new(), b"<html>hello</html>".to_vec())),
        ("redirect", |_, _| Reply::Http(302, vec![("Location", "/login".to_owned())], Vec::new())),
        ("hang-up", |_, _| Reply::Raw(Vec::new())),
    ];
    for (name, handler) in replies {
        check(name, "generic", handler, (Unknown, "bogus-refresh-twin"), (Unknown, "bogus-refresh-twin"));
    }
    // The wrong secret meets the trouble: no proof either.
    check(
        "trouble for the twin",
        "generic",
        |_, right| if right { error(400, "invalid_grant") } else { Reply::empty(429) },
        (Unknown, "bogus-refresh-twin"),
        (Unknown, "bogus-refresh-twin"),
    );
}

#[test]
fn a_short_pause_is_waited_out_once() {
    for (pause, answers, state) in [("0", 1, Live), ("0", 100, Unknown), ("3600", 1, Unknown)] {
        let refused = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::issuer(move |request| {
            if refused.fetch_add(1, Relaxed) < answers {
                return Reply::Http(503, vec![("Retry-After", pause.to_owned())], Vec::new());
            }
            let right = request.client().1 == RIGHT;
            if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
        });
        let parts = [("client_id", "app"), ("issuer", &server.origin())];
        let verdicts = verify(&mut [finding(Kind::ClientSecret, RIGHT, &parts)], &server.trusted(""));
        assert_eq!(verdicts.map_states(), [state], "{pause} {answers}");
    }
}

#[test]
fn every_way_to_authenticate_is_tried_before_death() {
    let server = Server::issuer(|request| {
        let is_post = request.form().contains_key("client_secret");
        let right = is_post && request.client() == ("app".to_owned(), RIGHT.to_owned());
        if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
    });
    let parts = [("client_id", "app"), ("issuer", &server.origin())];
    let mut findings = [finding(Kind::ClientSecret, RIGHT, &parts), finding(Kind::ClientSecret, WRONG, &parts)];
    let verdicts = verify(&mut findings, &server.trusted(""));
    assert_eq!(verdicts.map_states(), [Live, Dead]);
    // Basic, post, and post with the twin; basic and post.
    assert_eq!(server.requests().iter().filter(|request| *request == "POST /token").count(), 5);
}

#[test]
fn a_guess_among_several_clients_is_no_proof_of_death() {
    let server = Server::issuer(|request| {
        let right = request.client() == ("second".to_owned(), RIGHT.to_owned());
        if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
    });
    let parts = [("client_id", "first"), ("client_id", "second"), ("issuer", &server.origin())];
    let mut findings = [finding(Kind::ClientSecret, RIGHT, &parts), finding(Kind::ClientSecret, WRONG, &parts)];
    assert_eq!(verify(&mut findings, &server.trusted("")).map_states(), [Live, Unknown]);
}

trait States {
    fn map_states(&self) -> Vec<LivenessState>;
}

impl States for Vec<(LivenessState, Option<&'static str>)> {
    fn map_states(&self) -> Vec<LivenessState> {
        self.iter().map(|(state, _)| *state).collect()
    }
}
