//! [`AuthorizationServer`]: npm `oidc-provider` on 127.0.0.1, a certified implementation that knows nothing of this program.

use serde_json::{Value, json};

use crate::leak::is_plain;
use crate::server::{Server, call, text};

/// A running server; it ends with this value.
pub(crate) struct AuthorizationServer {
    server: Server,
    /// Its issuer identifier, `http://127.0.0.1:PORT`.
    pub(crate) issuer: String,
}

/// What the token endpoint gives after a sign-in.
pub(crate) struct Grant {
    pub(crate) refresh_token: String,
    /// Opaque; dies with the refresh token.
    pub(crate) access_token: String,
}

/// A client that shows a certificate.
pub(crate) struct CertificateClient {
    /// Its certificate and its private key, in PEM.
    pub(crate) certificate: String,
    /// The certificate of who has issued it, and the server's, in PEM.
    pub(crate) authority: String,
    /// `HOST:PORT` where it has to go.
    pub(crate) host: String,
}

impl AuthorizationServer {
    /// Starts one that has no clients.
    pub(crate) fn start() -> Self {
        let server = Server::node("authorization-server.js");
        let issuer = text(&server.ready, "issuer");
        Self { server, issuer }
    }

    /// `HOST:PORT` of the issuer.
    pub(crate) fn host(&self) -> &str {
        self.issuer.strip_prefix("http://").expect("an issuer on loopback")
    }

    /// Registers a client that authenticates with a secret.
    pub(crate) fn confidential_client(&self, id: &str, secret: &str) {
        self.ask(&json!({"do": "client", "id": id, "secret": secret}));
    }

    /// Registers a client that signs with its secret, and sends it nowhere.
    pub(crate) fn signing_client(&self, id: &str, secret: &str) {
        self.ask(&json!({"do": "client", "id": id, "secret": secret, "method": "client_secret_jwt"}));
    }

    /// Registers a client that signs with a private key, of type `rsa` or `ec`, which is given in PEM.
    pub(crate) fn key_client(&self, id: &str, form: &str) -> String {
        text(&self.ask(&json!({"do": "key_client", "id": id, "method": "private_key_jwt", "type": form})), "pem")
    }

    /// Registers a client that shows a certificate, and serves TLS for it.
    pub(crate) fn certificate_client(&self, id: &str) -> CertificateClient {
        let answer = self.ask(&json!({"do": "key_client", "id": id, "method": "tls_client_auth"}));
        CertificateClient {
            certificate: text(&answer, "certificate"),
            authority: text(&answer, "authority"),
            host: text(&answer, "tls").trim_start_matches("https://").to_owned(),
        }
    }

    /// Registers a client without a secret.
    pub(crate) fn public_client(&self, id: &str) {
        self.ask(&json!({"do": "client", "id": id}));
    }

    /// What manages the registration of a client (RFC 7592): its address, and its registration access token.
    pub(crate) fn registration(&self, id: &str) -> (String, String) {
        let answer = self.ask(&json!({"do": "registration", "id": id}));
        (text(&answer, "url"), text(&answer, "token"))
    }

    /// Whether the client exists, and whether that is its secret, in the server's own store.
    pub(crate) fn client_has(&self, id: &str, secret: &str) -> (bool, bool) {
        let answer = self.ask(&json!({"do": "client_has", "id": id, "secret": secret}));
        (answer["exists"] == true, answer["has"] == true)
    }

    /// Signs in through a client.
    pub(crate) fn grant(&self, client: &str) -> Grant {
        let answer = self.ask(&json!({"do": "grant", "id": client}));
        Grant { refresh_token: text(&answer, "refresh_token"), access_token: text(&answer, "access_token") }
    }

    /// So many refresh tokens of a client, each of a sign-in of its own.
    pub(crate) fn refresh_tokens(&self, client: &str, count: usize) -> Vec<String> {
        let mut tokens = Vec::new();
        while tokens.len() < count {
            let answer = self.ask(&json!({"do": "grants", "id": client, "count": count - tokens.len()}));
            tokens.extend(texts(&answer["refresh_tokens"]).into_iter().filter(|token| is_plain(token)));
        }
        tokens
    }

    /// A JWT access token of a client, valid for so many seconds.
    pub(crate) fn jwt(&self, client: &str, seconds: u64) -> String {
        text(&self.ask(&json!({"do": "jwt", "id": client, "expires_in": seconds})), "access_token")
    }

    /// So many of them, each another one.
    pub(crate) fn jwts(&self, client: &str, count: usize) -> Vec<String> {
        texts(&self.ask(&json!({"do": "jwts", "id": client, "count": count}))["access_tokens"])
    }

    /// The key that it signs with, in PEM: `pkcs1` or `pkcs8`.
    pub(crate) fn signing_key(&self, form: &str) -> String {
        text(&self.ask(&json!({"do": "signing_key", "type": form})), "pem")
    }

    /// A key pair in PEM, private and public, that has nothing to do with the server: `rsa`, `ec` or `ed25519`.
    pub(crate) fn key_pair(&self, sort: &str) -> (String, String) {
        let answer = self.ask(&json!({"do": "key_pair", "type": sort}));
        (text(&answer, "private"), text(&answer, "public"))
    }

    /// Whether the server itself would still honour an opaque token.
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        self.ask(&json!({"do": "alive", "token": token}))["alive"] == true
    }

    /// How many of these tokens the server itself would still honour.
    pub(crate) fn count_alive(&self, tokens: &[String]) -> u64 {
        self.ask(&json!({"do": "count_alive", "tokens": tokens}))["count"].as_u64().expect("a number")
    }

    /// The tokens of all revocation requests that it has answered with 200, each as often as it was in one.
    pub(crate) fn revocations(&self) -> Vec<String> {
        self.revocations_from(0)
    }

    /// [`Self::revocations`] as soon as there are so many.
    pub(crate) fn revocations_from(&self, count: usize) -> Vec<String> {
        texts(&self.ask(&json!({"do": "revocations", "count": count}))["tokens"])
    }

    /// When the requests with `POST` since the last [`Self::take_requests`] have come, in milliseconds; those are forgotten.
    pub(crate) fn take_times(&self) -> Vec<f64> {
        let answer = self.ask(&json!({"do": "requests", "forget": true}));
        let requests = answer["requests"].as_array().expect("a list of requests");
        let posted = requests.iter().filter(|request| request["method"] == "POST");
        posted.map(|request| request["at"].as_f64().expect("a time")).collect()
    }

    /// The status that the UserInfo endpoint gives for an access token: what a thief would see.
    pub(crate) fn userinfo_status(&self, token: &str) -> u16 {
        call(&format!("{}/me", self.issuer), "GET", &[&format!("authorization: Bearer {token}")], "").status
    }

    /// Resets every connection from now on, as a host does whose service is down; the port stays taken.
    pub(crate) fn stop(&self) {
        self.ask(&json!({"do": "stop"}));
    }

    /// What has been asked since the last [`Self::take_requests`], as `METHOD PATH STATUS`; the status is 0 as long as there is
    /// no answer.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.server.requests(false)
    }

    /// [`Self::requests`], which are forgotten.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        self.server.requests(true)
    }

    /// Answers a path with something else from now on; `how` as the script describes it.
    pub(crate) fn disturb(&self, path: &str, how: Value) {
        let mut command = json!({"do": "disturb", "path": path});
        for (name, value) in how.as_object().expect("an object") {
            command[name] = value.clone();
        }
        self.ask(&command);
    }

    fn ask(&self, command: &Value) -> Value {
        self.server.ask(command)
    }
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
