//! [`Session`]: a client's secret and the tokens of a sign-in, in the files that a developer has leaked them into, and an operator
//! who knows their [`Issuer`].

use serde_json::{Value, json};

use crate::env::{Env, Run};
use crate::leak::{AUTO, OPERATOR_SECRET, finding_at, is_plain, text as path_text};
use crate::samples::random;
use crate::server::{Server, text};

/// A server whose script registers clients and signs in through them. All tests share it: each names its own clients.
pub(crate) struct Issuer {
    pub(crate) server: Server,
    /// Its issuer identifier.
    pub(crate) url: String,
}

/// What was issued to a client.
pub(crate) struct Issued {
    pub(crate) client: String,
    /// `None` if the developer has kept it to themselves.
    pub(crate) secret: Option<String>,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
}

impl Issuer {
    pub(crate) fn new(server: Server) -> Self {
        let url = text(&server.ready, "issuer");
        Self { server, url }
    }

    /// Registers a confidential client, and gives its secret.
    pub(crate) fn client(&self, id: &str) -> String {
        self.client_with(id, json!({}))
    }

    /// [`Self::client`] with more to say of it, as the script describes it.
    pub(crate) fn client_with(&self, id: &str, mut more: Value) -> String {
        let secret = random(&format!("secret of {id}"), 40);
        more["do"] = "client".into();
        more["id"] = id.into();
        more["secret"] = secret.as_str().into();
        self.server.ask(&more);
        secret
    }

    /// Signs in through a client that keeps its secret; `how` as the script describes it.
    pub(crate) fn grant(&self, client: &str, mut how: Value) -> Issued {
        how["do"] = "grant".into();
        how["id"] = client.into();
        let grants = std::iter::repeat_with(|| {
            let answer = self.server.ask(&how);
            (text(&answer, "refresh_token"), text(&answer, "access_token"))
        });
        let mut plain = grants.filter(|(refresh, access)| is_plain(refresh) && is_plain(access));
        let (refresh_token, access_token) = plain.next().expect("the server goes on granting");
        Issued { client: client.to_owned(), secret: None, refresh_token, access_token }
    }

    /// Registers a client and signs in through it.
    pub(crate) fn issue(&self, client: &str) -> Issued {
        let secret = Some(self.client(client));
        Issued { secret, ..self.grant(client, json!({})) }
    }

    /// Whether the server itself would still honour a token.
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        self.server.ask(&json!({"do": "alive", "token": token}))["alive"] == true
    }
}

/// What has leaked of it, and where.
pub(crate) struct Session {
    pub(crate) env: Env,
    issuer: String,
}

impl Session {
    /// Writes `.env`, if there is a secret, and `session.json`.
    pub(crate) fn leak(url: &str, issued: &Issued) -> Self {
        let env = Env::new();
        if let Some(secret) = &issued.secret {
            env.write(
                ".env",
                format!("OIDC_ISSUER={url}\nOIDC_CLIENT_ID={}\nOIDC_CLIENT_SECRET={secret}\n", issued.client),
            );
            env.plant([secret.as_str()]);
        }
        let session = Self { env, issuer: url.to_owned() };
        session.leak_more("session.json", issued);
        session
    }

    /// Writes the tokens to another file.
    pub(crate) fn leak_more(&self, path: &str, issued: &Issued) {
        let response = json!({
            "issuer": self.issuer,
            "client_id": issued.client,
            "token_type": "Bearer",
            "access_token": issued.access_token,
            "refresh_token": issued.refresh_token,
        });
        self.env.write(path, format!("{response:#}\n"));
        self.env.plant([&*issued.refresh_token, &issued.access_token]);
    }

    /// Writes the configuration of an operator whose client is that one; `rest` goes on in the issuer's section.
    pub(crate) fn configure(&self, client: &str, secret: &str, rest: &str) -> String {
        self.env.plant([secret]);
        self.env.set(OPERATOR_SECRET, secret);
        let issuer = &self.issuer;
        let policy = AUTO.replace("[policy]\n", "[policy]\nproof_window_seconds = 1\n");
        let text = format!(
            "providers = []\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"{client}\"\n\
             client_secret_env = \"{OPERATOR_SECRET}\"\n{rest}{policy}"
        );
        path_text(&self.env.write_work("rescind.toml", text)).to_owned()
    }

    /// Scans both files and asks the issuer.
    pub(crate) fn scan(&self, config: &str, more: &[&str]) -> Run {
        self.verify("--verify", config, more)
    }

    /// [`Self::scan`] with another sort of checks.
    pub(crate) fn verify(&self, checks: &str, config: &str, more: &[&str]) -> Run {
        let arguments = ["scan", "--format", "jsonl", checks, "--config", config];
        self.env.run(arguments.iter().chain(more).copied().chain([path_text(&self.env.input())])).exits(1)
    }

    /// [`Self::scan`], which revokes what the policy lets it.
    pub(crate) fn revoke(&self, config: &str) -> Run {
        self.scan(config, &["--revoke", "auto", "--ledger", self.ledger().as_str()])
    }

    /// Plans the end of everything that may be alive, and approves of it: the kinds of the tokens, and what became
    /// of each.
    pub(crate) fn revoke_all(&self, config: &str) -> Vec<String> {
        let (report, plan) = (self.env.work().join("report.jsonl"), self.env.work().join("plan.json"));
        let (report, plan) = (path_text(&report), path_text(&plan));
        self.scan(config, &["--output", report]);
        let arguments = ["revoke", "plan", report, "--include-unknown", "--output", plan, "--config", config];
        self.env.run(arguments).exits(0);
        let document = serde_json::from_str(&fs_err::read_to_string(plan).expect("the plan")).expect("JSON");
        let (hash, ledger) = (text(&document, "hash"), self.ledger());
        let arguments = ["revoke", "apply", plan, "--hash", &hash, "--format", "jsonl", "--config", config];
        let run = self.env.run(arguments.iter().chain(&["--ledger", &*ledger]));
        self.env.run(["revoke", "status", "--check", "--ledger", &*ledger]);
        let tokens = run.lines().into_iter().filter(|line| line["kind"] != "client_secret");
        tokens.map(|line| format!("{} {}", text(&line, "kind"), text(&line, "state"))).collect()
    }

    pub(crate) fn ledger(&self) -> String {
        path_text(&self.env.work().join("ledger.jsonl")).to_owned()
    }
}

/// What is said of the three credentials: client secret, refresh token, access token.
pub(crate) fn states(run: &Run) -> [String; 3] {
    [(".env", "client_secret"), ("session.json", "refresh_token"), ("session.json", "access_token")]
        .map(|(path, kind)| text(&finding_at(run, path, kind)["liveness"], "state"))
}

/// What is said of the end of a token.
pub(crate) fn revocation(run: &Run, kind: &str) -> Value {
    finding_at(run, "session.json", kind)["revocation"].clone()
}
