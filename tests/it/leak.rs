//! [`Leak`]: credentials that a real authorization server has issued, and the repository, the environment file and the image
//! that a developer has leaked them into.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::env::{Env, Run};
use crate::oci_layout::OciLayout;
use crate::samples::random;

/// A policy that lets tokens be revoked without a person.
pub(crate) const AUTO: &str =
    "[policy]\n[[policy.rule]]\nname = \"tokens\"\nkind = [\"refresh_token\", \"access_token\"]\naction = \"auto\"\n";

pub(crate) const CLIENT: &str = "billing-service";
/// The environment variable that holds the operator's client secret.
pub(crate) const OPERATOR_SECRET: &str = "OPERATOR_CLIENT_SECRET";

/// A server, and what it has issued and a developer has leaked.
pub(crate) struct Leak {
    pub(crate) env: Env,
    pub(crate) server: AuthorizationServer,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
    pub(crate) jwt_in_repository: String,
    pub(crate) jwt_in_image: String,
    pub(crate) repository: PathBuf,
    /// The commit that adds the token response, and the one that adds the JWT.
    pub(crate) session_commit: String,
    pub(crate) script_commit: String,
    pub(crate) layout: OciLayout,
}

impl Leak {
    pub(crate) fn new() -> Self {
        let env = Env::new();
        let server = AuthorizationServer::start();
        let client_secret = random("client secret", 40);
        server.confidential_client(CLIENT, &client_secret);
        let grants = std::iter::repeat_with(|| server.grant(CLIENT));
        let mut plain = grants.filter(|grant| is_plain(&grant.refresh_token) && is_plain(&grant.access_token));
        let grant = plain.next().expect("the server goes on granting");
        let jwt_in_repository = server.jwt(CLIENT, 3600);
        let jwt_in_image = server.jwt(CLIENT, 1800);

        let repository = env.repository("shop");
        repository.write(".gitignore", ".env\n");
        repository.write("README.md", "# Shop\n");
        repository.commit("Start");
        let response = json!({
            "issuer": server.issuer,
            "client_id": CLIENT,
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": grant.refresh_token,
        });
        repository.write("deploy/session.json", format!("{response:#}\n"));
        let session_commit = repository.commit("Keep the session");
        repository.delete("deploy/session.json");
        repository.commit("Do not keep the session");
        repository.write(
            "scripts/smoke.sh",
            format!("#!/bin/sh\ncurl -H 'Authorization: Bearer {jwt_in_repository}' https://api.test.invalid/\n"),
        );
        let script_commit = repository.commit("Test by hand");
        repository.write(
            ".env",
            format!("OIDC_ISSUER={}\nOIDC_CLIENT_ID={CLIENT}\nOIDC_CLIENT_SECRET={client_secret}\n", server.issuer),
        );
        let path = repository.path.clone();
        let layout =
            env.oci_layout("image", "/app/config.yaml", format!("api:\n  authorization: \"Bearer {jwt_in_image}\"\n"));

        let (refresh_token, access_token) = (grant.refresh_token, grant.access_token);
        env.plant([&*client_secret, &refresh_token, &access_token, &jwt_in_repository, &jwt_in_image]);
        env.set(OPERATOR_SECRET, &client_secret);
        Self {
            env,
            server,
            client_secret,
            refresh_token,
            access_token,
            jwt_in_repository,
            jwt_in_image,
            repository: path,
            session_commit,
            script_commit,
            layout,
        }
    }

    /// Writes the operator's configuration, which trusts the server and lets `client` speak for the operator.
    /// `rest` goes on in the issuer's section.
    pub(crate) fn configure(&self, client: &str, rest: &str) -> String {
        let issuer = &self.server.issuer;
        let text = format!(
            "providers = []\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nverify = true\nrevoke = true\nclient_id = \"{client}\"\n\
             client_secret_env = \"{OPERATOR_SECRET}\"\n{rest}"
        );
        self.env.write_work("rescind.toml", text).display().to_string()
    }

    /// Runs `rescind scan` on what the arguments name, with the configuration, asking the server.
    pub(crate) fn scan(&self, config: &str, targets: &[&str], arguments: &[&str]) -> Run {
        let common = ["scan", "--format", "jsonl", "--verify", "--config", config, "--allow-host", self.server.host()];
        self.env.run(common.iter().chain(arguments).chain(targets))
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.env.work().join("ledger.jsonl")
    }
}

/// Once in ten thousand times, chance makes a token that looks like words, and the program is less sure of it.
pub(crate) fn is_plain(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let capitals = token.bytes().filter(u8::is_ascii_uppercase).count();
    digits >= 4 && (10..=30).contains(&capitals)
}

/// The finding of a given secret: told by where it stands, because a report does not hold it.
pub(crate) fn finding_at(run: &Run, path: &str, kind: &str) -> Value {
    let mut found = run.findings();
    found.retain(|finding| {
        let locations = finding["locations"].as_array().expect("a list of locations");
        finding["kind"] == kind && locations.iter().any(|location| is_at(location, path))
    });
    assert_eq!(found.len(), 1, "one `{kind}` in `{path}`:\n{}\n{}", run.stdout, run.stderr);
    found.remove(0)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Whether a location's path is `path`, or ends with it: files have the path that the target was named by.
fn is_at(location: &Value, path: &str) -> bool {
    let at = location["path"].as_str().unwrap_or_default();
    at.strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}
