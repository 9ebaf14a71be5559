//! PyPI `canaille` on 127.0.0.1, an identity provider on Authlib: it refuses to revoke another client's token, and tells of a token
//! only whom it is meant for.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::leak::finding_at;
use crate::samples::altered;
use crate::server::{Server, call};
use crate::session::{Issued, Issuer, Session, revocation, states};

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(Server::python("identity-provider.py")));

#[test]
fn what_lives_is_called_live() {
    let issued = ISSUER.issue("shop");
    let session = Session::leak(&ISSUER.url, &issued);
    let config = session.configure("shop", issued.secret.as_deref().expect("a secret"), "");
    let run = session.scan(&config, &[]);
    assert_eq!(states(&run), ["live"; 3], "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn an_altered_secret_is_called_dead_and_nothing_is_said_of_altered_tokens() {
    let issued = ISSUER.issue("altered-shop");
    let right = issued.secret.clone().expect("a secret");
    let wrong = Issued {
        client: issued.client.clone(),
        secret: Some(altered(&right)),
        refresh_token: altered(&issued.refresh_token),
        access_token: altered(&issued.access_token),
    };
    let session = Session::leak(&ISSUER.url, &wrong);
    let run = session.scan(&session.configure("altered-shop", &right, ""), &[]);
    assert_eq!(states(&run), ["dead", "unknown", "unknown"], "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn the_owner_ends_the_tokens() {
    let issued = ISSUER.issue("owner");
    let session = Session::leak(&ISSUER.url, &issued);
    let run = session.revoke(&session.configure("owner", issued.secret.as_deref().expect("a secret"), ""));
    for kind in ["refresh_token", "access_token"] {
        assert_eq!(revocation(&run, kind)["state"], "revoked", "{}\n{}", run.stdout, run.stderr);
    }
    assert!(!ISSUER.is_alive(&issued.refresh_token));
    assert!(!ISSUER.is_alive(&issued.access_token));
}

#[test]
fn a_refusal_to_another_client_is_told() {
    let mut issued = ISSUER.issue("victim");
    issued.secret = None;
    let operator = ISSUER.client("bystander");
    let session = Session::leak(&ISSUER.url, &issued);
    let config = session.configure("bystander", &operator, "");
    let run = session.revoke(&config);
    assert_eq!(revocation(&run, "access_token")["state"], "refused", "{}\n{}", run.stdout, run.stderr);
    assert_eq!(revocation(&run, "refresh_token")["state"], "none", "nobody knows whether it lives: {}", run.stdout);

    let ended = session.revoke_all(&config);
    assert_eq!(ended, ["refresh_token refused", "access_token refused"]);
    assert!(ISSUER.server.requests(false).contains(&"POST /oauth/revoke 400".to_owned()));
    assert!(ISSUER.is_alive(&issued.refresh_token));
    assert!(ISSUER.is_alive(&issued.access_token));
}

/// Each token has an audience of its own: that the same client is told of one does not mean that it is told of another.
#[test]
fn a_token_for_another_audience_is_not_called_dead() {
    let told = ISSUER.issue("gateway");
    ISSUER.client("warehouse");
    let other = ISSUER.grant("gateway", json!({"audience": "warehouse"}));
    let session = Session::leak(&ISSUER.url, &told);
    session.leak_more("other.json", &other);
    let run = session.scan(&session.configure("gateway", told.secret.as_deref().expect("a secret"), ""), &[]);
    let finding = finding_at(&run, "other.json", "refresh_token");
    assert!(ISSUER.is_alive(&other.refresh_token));
    assert_ne!(finding["liveness"]["state"], "dead", "{finding:#}");
}

/// Such a client signs at the token endpoint; elsewhere, its secret goes on letting it in.
#[test]
fn a_secret_that_lets_in_elsewhere_is_not_called_dead() {
    for method in ["client_secret_jwt", "private_key_jwt"] {
        let client = format!("signs-by-{method}");
        let secret = ISSUER.client_with(&client, json!({"method": method}));
        let issued = Issued { secret: Some(secret.clone()), ..ISSUER.grant(&client, json!({})) };
        let basic = format!("authorization: Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        let form = "content-type: application/x-www-form-urlencoded";
        let url = format!("{}/oauth/introspect", ISSUER.url);
        let introspected = call(&url, "POST", &[&basic, form], &format!("token={}", issued.access_token));
        assert_eq!(introspected.json()["active"], true, "{introspected:?}");

        let session = Session::leak(&ISSUER.url, &issued);
        let run = session.scan(&session.configure("nobody", "a-secret-of-nobody-0123", ""), &[]);
        assert_ne!(states(&run)[0], "dead", "{method}: {}\n{}", run.stdout, run.stderr);
    }
}
