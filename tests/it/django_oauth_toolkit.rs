//! PyPI `django-oauth-toolkit` on 127.0.0.1: a server that answers 200 to whoever revokes another client's token, and calls every
//! refresh token inactive. Its OpenID configuration names neither endpoint; its other document (RFC 8414) does. Both are within the letter of RFC 7009 and RFC 7662; neither proves anything.

use std::sync::LazyLock;

use serde_json::json;

use crate::leak::finding_at;
use crate::samples::altered;
use crate::server::Server;
use crate::session::{Issued, Issuer, Session, revocation, states};

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(Server::python("django-oauth-toolkit.py")));

#[test]
fn a_refresh_token_is_not_called_dead_for_being_inactive() {
    let issued = ISSUER.issue("shop");
    let session = Session::leak(&ISSUER.url, &issued);
    let secret = issued.secret.as_deref().expect("a secret");
    let run = session.scan(&session.configure("shop", secret, ""), &[]);
    assert_eq!(states(&run), ["live", "unknown", "live"], "{}\n{}", run.stdout, run.stderr);
    assert!(ISSUER.is_alive(&issued.refresh_token));
}

#[test]
fn altered_credentials_are_told_from_live_ones() {
    let issued = ISSUER.issue("altered-shop");
    let right = issued.secret.clone().expect("a secret");
    let wrong = Issued {
        client: issued.client.clone(),
        secret: Some(altered(&right)),
        refresh_token: altered(&issued.refresh_token),
        access_token: issued.access_token,
    };
    let session = Session::leak(&ISSUER.url, &wrong);
    let run = session.scan(&session.configure("altered-shop", &right, ""), &[]);
    assert_eq!(states(&run), ["dead", "unknown", "live"], "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn the_owner_ends_the_tokens() {
    let issued = ISSUER.issue("owner");
    let session = Session::leak(&ISSUER.url, &issued);
    let config = session.configure("owner", issued.secret.as_deref().expect("a secret"), "");
    let ended = session.revoke_all(&config);
    // Nothing tells a dead refresh token from a live one there.
    assert_eq!(ended, ["refresh_token accepted", "access_token revoked"]);
    assert!(!ISSUER.is_alive(&issued.refresh_token));
    assert!(!ISSUER.is_alive(&issued.access_token));
}

#[test]
fn a_yes_to_another_client_is_not_believed() {
    let mut issued = ISSUER.issue("victim");
    issued.secret = None;
    let operator = ISSUER.client("bystander");
    let session = Session::leak(&ISSUER.url, &issued);
    let config = session.configure("bystander", &operator, "");
    let run = session.revoke(&config);
    assert_eq!(revocation(&run, "access_token")["state"], "still_live", "{}\n{}", run.stdout, run.stderr);
    assert_eq!(revocation(&run, "refresh_token")["state"], "none", "nobody knows whether it lives: {}", run.stdout);

    let ended = session.revoke_all(&config);
    assert_eq!(ended, ["refresh_token accepted", "access_token still_live"]);
    assert!(ISSUER.server.requests(false).contains(&"POST /o/revoke_token/ 200".to_owned()));
    assert!(ISSUER.is_alive(&issued.refresh_token));
    assert!(ISSUER.is_alive(&issued.access_token));
}

#[test]
fn a_client_secret_is_told_without_naming_an_endpoint() {
    let issued = ISSUER.issue("minimal-shop");
    let session = Session::leak(&ISSUER.url, &issued);
    let run = session.scan(&session.configure("minimal-shop", issued.secret.as_deref().expect("a secret"), ""), &[]);
    // The access token at the UserInfo endpoint.
    assert_eq!(states(&run), ["live", "unknown", "live"], "{}\n{}", run.stdout, run.stderr);
}

/// How many refresh and access tokens of a client the server would still honour.
fn living(client: &str) -> (u64, u64) {
    let answer = ISSUER.server.ask(&json!({"do": "living", "id": client}));
    let count = |name: &str| answer[name].as_u64().expect("a number");
    (count("refresh"), count("access"))
}

#[test]
fn a_refresh_token_is_redeemed_only_where_the_operator_asks_for_it_twice() {
    let issued = ISSUER.issue("twice-asked");
    // More than one of each where the first did not look random.
    let before = living("twice-asked");
    let session = Session::leak(&ISSUER.url, &issued);
    let secret = issued.secret.as_deref().expect("a secret");
    let (closed, opened) = ("", "active_checks = true\n");
    for (checks, rest) in [("--verify=active", closed), ("--verify", opened), ("--verify=read-only", opened)] {
        let run = session.verify(checks, &session.configure("twice-asked", secret, rest), &[]);
        assert_eq!(states(&run), ["live", "unknown", "live"], "{checks} {rest}");
        assert_eq!(living("twice-asked"), before, "{checks} {rest}");
    }
    let run = session.verify("--verify=active", &session.configure("twice-asked", secret, opened), &[]);
    let liveness = &finding_at(&run, "session.json", "refresh_token")["liveness"];
    assert_eq!((&liveness["state"], &liveness["method"]), (&json!("live"), &json!("redemption")), "{liveness:#}");
    let reason = liveness["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("it rotated, and its successor was revoked at once"), "{reason}");
    assert_eq!(living("twice-asked"), (before.0 - 1, before.1 - 1), "nothing that was made is left");

    // Now that it is used up, its own client is refused.
    let run = session.verify("--verify=active", &session.configure("twice-asked", secret, opened), &[]);
    assert_eq!(states(&run)[1], "dead", "{}", run.stdout);
}

/// A token in the hands of another client looks stolen, and some servers then end its family.
#[test]
fn only_its_own_client_redeems_a_token() {
    let mut issued = ISSUER.issue("not-mine");
    issued.secret = None;
    let before = living("not-mine");
    let operator = ISSUER.client("redeemer");
    let session = Session::leak(&ISSUER.url, &issued);
    let config = session.configure("redeemer", &operator, "active_checks = true\n");
    let run = session.verify("--verify=active", &config, &[]);
    let liveness = &finding_at(&run, "session.json", "refresh_token")["liveness"];
    assert_eq!(liveness["state"], "unknown", "{liveness:#}");
    assert_eq!(living("not-mine"), before);
}
