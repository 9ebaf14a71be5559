//! npm `verdaccio` on 127.0.0.1: a registry in the words of npm's own, which says yes to the withdrawal of a token and goes on
//! taking it.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::env::{Env, Run};
use crate::leak::text as path_text;
use crate::samples::altered;
use crate::server::{Server, call, text};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let server = Server::node("verdaccio.js");
    let url = text(&server.ready, "url");
    Registry { server, url, signing_up: Mutex::default() }
});

struct Registry {
    server: Server,
    url: String,
    /// Two at the same time get into each other's way in its file of users.
    signing_up: Mutex<()>,
}

impl Registry {
    fn host(&self) -> &str {
        self.url.strip_prefix("http://").expect("a registry on loopback")
    }

    /// Signs a user up as `npm adduser` does, and makes a token as `npm token create` does.
    fn token(&self, user: &str) -> String {
        let json = "content-type: application/json";
        let password = format!("{user} at the registry");
        let account = json!({"name": user, "password": password}).to_string();
        let url = format!("{}/-/user/org.couchdb.user:{user}", self.url);
        let alone = self.signing_up.lock().unwrap_or_else(PoisonError::into_inner);
        let session = text(&call(&url, "PUT", &[json], &account).json(), "token");
        drop(alone);
        let wanted = json!({"password": password, "readonly": false, "cidr_whitelist": []}).to_string();
        let url = format!("{}/-/npm/v1/tokens", self.url);
        text(&call(&url, "POST", &[json, &format!("authorization: Bearer {session}")], &wanted).json(), "token")
    }

    /// Whom the registry takes the bearer of a token for: what a thief would see.
    fn whoami(&self, token: &str) -> Value {
        let url = format!("{}/-/whoami", self.url);
        let reply = call(&url, "GET", &[&format!("authorization: Bearer {token}")], "");
        assert_eq!(reply.status, 200, "to anybody: {reply:?}");
        reply.json()["username"].clone()
    }
}

/// A token in an `.npmrc`, and a configuration of the operator's that names the registry.
struct Leaked {
    env: Env,
    file: PathBuf,
    config: PathBuf,
}

impl Leaked {
    fn new(token: &str) -> Self {
        let env = Env::new();
        let host = REGISTRY.host();
        let file = env.write("app/.npmrc", format!("registry=http://{host}/\n//{host}/:_authToken={token}\n"));
        env.plant([token]);
        let config = env.write_work(
            "rescind.toml",
            format!(
                "providers = []\n[[instance]]\nprovider = \"npm\"\nurl = \"{}\"\nzone = \"loopback\"\nrevoke = true\n\
                 [policy]\nproof_window_seconds = 1\n",
                REGISTRY.url
            ),
        );
        Self { env, file, config }
    }

    fn scan(&self, more: &[&str]) -> Run {
        let arguments = ["scan", "--format", "jsonl", "--verify", "--config", path_text(&self.config)];
        self.env.run(arguments.iter().chain(more).copied().chain([path_text(&self.file)])).exits(1)
    }
}

#[test]
fn a_registry_tells_whose_a_token_is() {
    let leaked = Leaked::new(&REGISTRY.token("jane"));
    let run = leaked.scan(&[]);
    let token = run.finding("api_key");
    assert_eq!(token["rule"], "npmrc-auth-token");
    assert_eq!(token["liveness"]["state"], "live", "{token:#}\n{}", run.stderr);
    assert_eq!(token["liveness"]["account"], "jane", "{token:#}");
}

/// It answers 200 to them as well, without a name.
#[test]
fn a_wrong_token_is_not_called_live_for_a_200() {
    let token = altered(&REGISTRY.token("joan"));
    assert_eq!(REGISTRY.whoami(&token), Value::Null);
    let run = Leaked::new(&token).scan(&[]);
    let token = run.finding("api_key");
    assert_eq!(token["liveness"]["state"], "unknown", "{token:#}\n{}", run.stderr);
}

#[test]
fn a_withdrawal_that_changes_nothing_is_told() {
    let token = REGISTRY.token("judy");
    let leaked = Leaked::new(&token);
    let plan = leaked.env.work().join("plan.json");
    let run = leaked.scan(&["--revoke", "plan", "--plan", path_text(&plan)]);
    assert_eq!(run.finding("api_key")["revocation"]["state"], "planned", "{}\n{}", run.stdout, run.stderr);
    let stored = fs_err::read_to_string(&plan).expect("the plan");
    let document: Value = serde_json::from_str(&stored).expect("JSON");
    let hash = text(&document, "hash");

    let ledger = leaked.env.work().join("ledger.jsonl");
    let ledger = path_text(&ledger);
    let arguments = ["revoke", "apply", path_text(&plan), "--hash", &hash, "--ledger", ledger, "--format", "jsonl"];
    let run = leaked.env.run(arguments.iter().chain(&["--config", path_text(&leaked.config)])).exits(1);
    assert_eq!(run.lines()[0]["state"], "still_live", "{}\n{}", run.stdout, run.stderr);
    // The registry's own word.
    assert_eq!(REGISTRY.whoami(&token), "judy");
    let requests = REGISTRY.server.requests(false);
    let is_sent = |request: &String| request.starts_with("DELETE /-/npm/v1/tokens/token/") && request.ends_with(" 200");
    assert!(requests.iter().any(is_sent), "{requests:#?}");

    let status = leaked.env.run(["revoke", "status", "--check", "--ledger", ledger]);
    assert!(status.stdout.contains("still_live"), "{}\n{}", status.stdout, status.stderr);
}
