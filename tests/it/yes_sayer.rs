//! npm `oauth2-mock-server` on 127.0.0.1, the negative control: it lets every client in, calls every token active, and says of each
//! that it has been withdrawn. Nothing of that may become a verdict.

use std::sync::LazyLock;

use serde_json::json;

use crate::leak::finding_at;
use crate::samples::random;
use crate::server::{Server, call, text};
use crate::session::{Issued, Issuer, Session, revocation, states};

static YES_SAYER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new(Server::node("oauth2-mock-server.js")));

/// A pair that it lets in, as it would any other, and tokens that it has never seen; and the configuration of an operator.
fn leaked(rest: &str) -> (Session, String) {
    let issued = Issued {
        client: "billing".to_owned(),
        secret: Some(random("mocked secret", 40)),
        refresh_token: random("mocked refresh token", 64),
        access_token: random("mocked access token", 64),
    };
    let session = Session::leak(&YES_SAYER.url, &issued);
    // It says that no client authenticates.
    let rest = format!("client_authentication = [\"client_secret_basic\"]\n{rest}");
    let config = session.configure("operator", &random("operator of the mock", 40), &rest);
    (session, config)
}

#[test]
fn who_accepts_everything_tells_nothing() {
    for rest in ["", "introspects_refresh_tokens = true\nintrospects_access_tokens = true\n"] {
        let (session, config) = leaked(rest);
        let run = session.scan(&config, &[]);
        assert_eq!(states(&run), ["unknown"; 3], "{rest}: {}\n{}", run.stdout, run.stderr);
    }
}

#[test]
fn who_says_that_everything_is_withdrawn_is_not_believed() {
    let form = "content-type: application/x-www-form-urlencoded";
    let body = format!("token={}", random("no token of anybody", 40));
    let post = |path: &str| call(&format!("{}{path}", YES_SAYER.url), "POST", &[form], &body);
    assert_eq!(post("/introspect").json(), json!({"active": true}));
    assert_eq!(post("/revoke").status, 200);

    let (session, config) = leaked("");
    let run = session.revoke(&config);
    for kind in ["refresh_token", "access_token"] {
        assert_eq!(revocation(&run, kind)["state"], "none", "nobody knows whether it lives: {}", run.stdout);
    }
    // On the operator's word it is sent; the answer proves nothing.
    assert_eq!(session.revoke_all(&config), ["refresh_token accepted", "access_token accepted"]);
}

/// It mints a token for a refresh token that does not exist: no further question is put to such an issuer.
#[test]
fn who_mints_for_nothing_is_called_a_trap() {
    let (session, config) = leaked("");
    let run = session.scan(&config, &[]);
    let liveness = finding_at(&run, ".env", "client_secret")["liveness"].clone();
    assert_eq!((&liveness["state"], &liveness["method"]), (&json!("unknown"), &json!("bogus-refresh-twin")));
    assert!(text(&liveness, "reason").contains("a trap, or broken"), "{liveness:#}");
    assert!(YES_SAYER.server.requests(false).contains(&"POST /token 200".to_owned()));
}
