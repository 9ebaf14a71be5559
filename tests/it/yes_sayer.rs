//! npm `oauth2-mock-server` on 127.0.0.1, the negative control: it lets every client in, calls every token active, and says of each
//! that it has been withdrawn. Nothing of that may become a verdict.

use std::sync::LazyLock;

use serde_json::json;

use crate::env::{Env, Run};
use crate::leak::{AUTO, OPERATOR_SECRET, finding_at, text as path_text};
use crate::samples::random;
use crate::server::{Server, call, text};

static YES_SAYER: LazyLock<Server> = LazyLock::new(|| Server::node("oauth2-mock-server.js"));

/// A pair that it lets in, as it would any other, and tokens that it has never seen.
fn leaked(introspects: &str) -> (Env, String) {
    let env = Env::new();
    let issuer = text(&YES_SAYER.ready, "issuer");
    let (secret, operators) = (random("mocked secret", 40), random("operator of the mock", 40));
    let (refresh, access) = (random("mocked refresh token", 64), random("mocked access token", 64));
    env.write(".env", format!("OIDC_ISSUER={issuer}\nOIDC_CLIENT_ID=billing\nOIDC_CLIENT_SECRET={secret}\n"));
    let session = json!({
        "issuer": issuer,
        "client_id": "billing",
        "token_type": "Bearer",
        "access_token": access,
        "refresh_token": refresh,
    });
    env.write("session.json", format!("{session:#}\n"));
    env.plant([&*secret, &operators, &refresh, &access]);
    env.set(OPERATOR_SECRET, &operators);
    let policy = AUTO.replace("[policy]\n", "[policy]\nproof_window_seconds = 1\n");
    let config = env.write_work(
        "rescind.toml",
        format!(
            "providers = []\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"operator\"\n\
             client_authentication = [\"client_secret_basic\"]\n\
             client_secret_env = \"{OPERATOR_SECRET}\"\n{introspects}{policy}"
        ),
    );
    let config = path_text(&config).to_owned();
    (env, config)
}

fn scan(env: &Env, config: &str, more: &[&str]) -> Run {
    let arguments = ["scan", "--format", "jsonl", "--verify", "--config", config];
    env.run(arguments.iter().chain(more).copied().chain([path_text(&env.input())])).exits(1)
}

const LEAKS: [(&str, &str); 3] =
    [(".env", "client_secret"), ("session.json", "refresh_token"), ("session.json", "access_token")];

#[test]
fn who_accepts_everything_tells_nothing() {
    let introspects = "introspects_refresh_tokens = true\nintrospects_access_tokens = true\n";
    for introspects in ["", introspects] {
        let (env, config) = leaked(introspects);
        let run = scan(&env, &config, &[]);
        for (path, kind) in LEAKS {
            let finding = finding_at(&run, path, kind);
            assert_eq!(finding["liveness"]["state"], "unknown", "{finding:#}\n{}", run.stderr);
        }
    }
}

#[test]
fn who_says_that_everything_is_withdrawn_is_not_believed() {
    let issuer = text(&YES_SAYER.ready, "issuer");
    let form = "content-type: application/x-www-form-urlencoded";
    let body = format!("token={}", random("no token of anybody", 40));
    assert_eq!(call(&format!("{issuer}/introspect"), "POST", &[form], &body).json(), json!({"active": true}));
    assert_eq!(call(&format!("{issuer}/revoke"), "POST", &[form], &body).status, 200);

    let (env, config) = leaked("");
    let ledger = env.work().join("ledger.jsonl");
    let run = scan(&env, &config, &["--revoke", "auto", "--ledger", path_text(&ledger)]);
    for (path, kind) in LEAKS {
        let finding = finding_at(&run, path, kind);
        let state = &finding["revocation"]["state"];
        assert!(*state == "none" || *state == "planned", "nothing is sent for what nobody knows: {finding:#}");
    }

    // On the operator's word it is sent; the answer proves nothing.
    let (report, plan) = (env.work().join("report.jsonl"), env.work().join("plan.json"));
    scan(&env, &config, &["--output", path_text(&report)]);
    let arguments = ["revoke", "plan", path_text(&report), "--include-unknown", "--output", path_text(&plan)];
    env.run(arguments.iter().chain(&["--config", &config])).exits(0);
    let document = serde_json::from_str(&fs_err::read_to_string(&plan).expect("the plan")).expect("JSON");
    let hash = text(&document, "hash");
    let arguments = ["revoke", "apply", path_text(&plan), "--hash", &hash, "--format", "jsonl", "--config", &config];
    let run = env.run(arguments.iter().chain(&["--ledger", path_text(&ledger)])).exits(1);
    let states: Vec<_> = run.lines().iter().map(|line| text(line, "state")).collect();
    assert!(states.contains(&"accepted".to_owned()), "{}\n{}", run.stdout, run.stderr);
    assert!(!states.contains(&"revoked".to_owned()), "{}\n{}", run.stdout, run.stderr);
}

/// It mints a token for a refresh token that does not exist: no further question is put to such an issuer.
#[test]
fn who_mints_for_nothing_is_called_a_trap() {
    let (env, config) = leaked("");
    let run = scan(&env, &config, &[]);
    let liveness = finding_at(&run, ".env", "client_secret")["liveness"].clone();
    assert_eq!((&liveness["state"], &liveness["method"]), (&json!("unknown"), &json!("bogus-refresh-twin")));
    assert!(text(&liveness, "reason").contains("a trap, or broken"), "{liveness:#}");
    assert!(YES_SAYER.requests(false).contains(&"POST /token 200".to_owned()));
}
