//! A client secret that leaked into a repository ends with its client's registration (RFC 7592), at a real server: npm
//! `oidc-provider`, which deletes registrations, and keeps secrets on an update.

use serde_json::Value;

use crate::authorization_server::AuthorizationServer;
use crate::env::{Env, Run};
use crate::leak::{finding_at, text};
use crate::samples::random;

const CLIENT: &str = "billing-service";
const BYSTANDER: &str = "shipping-service";
const TOKEN: &str = "REGISTRATION_TOKEN";

/// A secret in a repository, and an operator who has the registration access token of its client.
struct Registered {
    env: Env,
    server: AuthorizationServer,
    secret: String,
    repository: String,
    config: String,
}

impl Registered {
    fn new(end: &str) -> Self {
        let (env, server) = (Env::new(), AuthorizationServer::start());
        let secret = random("client secret", 40);
        server.confidential_client(CLIENT, &secret);
        server.confidential_client(BYSTANDER, &random("another secret", 40));
        let (url, token) = server.registration(CLIENT);
        env.plant([&*secret, &token]);
        env.set(TOKEN, &token);
        let repository = env.repository("shop");
        repository.write(
            "deploy/prod.env",
            format!("OIDC_ISSUER={}\nOIDC_CLIENT_ID={CLIENT}\nOIDC_CLIENT_SECRET={secret}\n", server.issuer),
        );
        repository.commit("Deploy");
        let config = env.write_work(
            "rescind.toml",
            format!(
                "providers = []\n[[issuer]]\nissuer = \"{}\"\nzone = \"loopback\"\nrevoke = true\n[issuer.administration]\n\
                 kind = \"registration\"\nend = \"{end}\"\n[[issuer.administration.client]]\nclient_id = \"{CLIENT}\"\n\
                 url = \"{url}\"\ntoken_env = \"{TOKEN}\"\n[policy]\nproof_window_seconds = 1\n",
                server.issuer
            ),
        );
        let (repository, config) = (text(&repository.path).to_owned(), text(&config).to_owned());
        Self { env, server, secret, repository, config }
    }

    /// Scans, verifies, plans, and carries the plan out once it is approved. Gives the plan's text and what came of it.
    fn end(&self) -> (String, Run) {
        let (report, plan) = (self.env.work().join("report.jsonl"), self.env.work().join("plan.json"));
        let (report, plan, config) = (text(&report), text(&plan), &*self.config);
        let scan = ["scan", "--format", "jsonl", "--verify", "--config", config, &self.repository];
        let found = self.env.run(scan).exits(1);
        assert_eq!(finding_at(&found, "prod.env", "client_secret")["liveness"]["state"], "live", "{}", found.stdout);
        self.env.run(scan.into_iter().chain(["--output", report])).exits(1);
        let planned = self.env.run(["revoke", "plan", report, "--config", config, "--output", plan]).exits(0);
        assert_eq!(self.server.client_has(CLIENT, &self.secret), (true, true), "a plan changes nothing");
        let document: Value =
            serde_json::from_str(&fs_err::read_to_string(plan).expect("the plan")).expect("a plan of JSON");
        let hash = document["hash"].as_str().expect("a hash");
        let apply = ["revoke", "apply", plan, "--hash", hash, "--config", config, "--format", "jsonl"];
        self.server.take_requests();
        let applied = self.env.run(apply);
        self.env.run(["revoke", "status", "--check"]).exits(0);
        (planned.stdout, applied)
    }
}

#[test]
fn a_leaked_client_secret_ends_with_its_registration() {
    let registered = Registered::new("delete");
    let (plan, run) = registered.end();
    for words in ["DELETE http://127.0.0.1:", "/reg/billing-service", "client (cannot be undone)", "registered anew"] {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    let line = &run.lines()[0];
    assert_eq!((&line["state"], &line["method"]), (&"revoked".into(), &"administration".into()), "{}", run.stdout);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains("register another")), "{line}");
    // The server's own word.
    assert_eq!(registered.server.client_has(CLIENT, &registered.secret), (false, false));
    assert!(registered.server.client_has(BYSTANDER, "").0);
    let requests = registered.server.take_requests();
    assert_eq!(requests.iter().filter(|request| request.contains("/reg/")).count(), 1, "{requests:?}");
}

#[test]
fn a_secret_that_outlives_the_update_of_its_registration_is_not_called_revoked() {
    let registered = Registered::new("rotate");
    let (plan, run) = registered.end();
    assert!(plan.contains("PUT http://127.0.0.1:"), "{plan}");
    let line = &run.lines()[0];
    assert_eq!((&line["state"], run.code), (&"still_live".into(), Some(1)), "{}", run.stdout);
    let detail = line["detail"].as_str().expect("a detail");
    for words in ["keeps the secret", "replaced the registration access token", "it still works"] {
        assert!(detail.contains(words), "{words}: {detail}");
    }
    assert_eq!(registered.server.client_has(CLIENT, &registered.secret), (true, true));
}

#[test]
fn without_the_registration_access_token_nothing_is_sent() {
    let registered = Registered::new("delete");
    // A run that only looks does not need it.
    registered.env.set(TOKEN, "");
    let (_, run) = registered.end();
    let line = &run.lines()[0];
    assert_eq!(line["state"], "refused", "{}", run.stdout);
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains("REGISTRATION_TOKEN")), "{line}");
    let requests = registered.server.take_requests();
    assert!(!requests.iter().any(|request| request.contains("/reg/")), "{requests:?}");
}
