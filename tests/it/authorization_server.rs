//! [`AuthorizationServer`]: npm `oidc-provider` on 127.0.0.1, a certified implementation that knows nothing of this program.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running server; it ends with this value.
pub(crate) struct AuthorizationServer {
    child: Child,
    pipes: RefCell<Option<Pipes>>,
    /// Its issuer identifier, `http://127.0.0.1:PORT`.
    pub(crate) issuer: String,
}

struct Pipes {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What the token endpoint gives after a sign-in.
pub(crate) struct Grant {
    pub(crate) refresh_token: String,
    /// Opaque; dies with the refresh token.
    pub(crate) access_token: String,
}

impl AuthorizationServer {
    /// Starts one that has no clients.
    pub(crate) fn start() -> Self {
        let tools =
            Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory").join("tools/issuers");
        assert!(
            tools.join("node_modules/oidc-provider").is_dir(),
            "no `oidc-provider` in `{}`: run `tests/run`, which installs it",
            tools.display()
        );
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/issuers/authorization-server.js"))
            .arg(tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`node` starts: `tests/run` installs it");
        let input = child.stdin.take().expect("a piped standard input");
        let output = BufReader::new(child.stdout.take().expect("a piped standard output"));
        let mut pipes = Pipes { input, output };
        let issuer = text(&pipes.read(), "issuer");
        Self { child, pipes: RefCell::new(Some(pipes)), issuer }
    }

    /// `HOST:PORT` of the issuer.
    pub(crate) fn host(&self) -> &str {
        self.issuer.strip_prefix("http://").expect("an issuer on loopback")
    }

    /// Registers a client that authenticates with a secret.
    pub(crate) fn confidential_client(&self, id: &str, secret: &str) {
        self.ask(&json!({"do": "client", "id": id, "secret": secret}));
    }

    /// Registers a client without a secret.
    pub(crate) fn public_client(&self, id: &str) {
        self.ask(&json!({"do": "client", "id": id}));
    }

    /// Signs in through a client.
    pub(crate) fn grant(&self, client: &str) -> Grant {
        let answer = self.ask(&json!({"do": "grant", "id": client}));
        Grant { refresh_token: text(&answer, "refresh_token"), access_token: text(&answer, "access_token") }
    }

    /// A JWT access token of a client, valid for so many seconds.
    pub(crate) fn jwt(&self, client: &str, seconds: u64) -> String {
        text(&self.ask(&json!({"do": "jwt", "id": client, "expires_in": seconds})), "access_token")
    }

    /// The key that it signs with, in PEM: `pkcs1` or `pkcs8`.
    pub(crate) fn signing_key(&self, form: &str) -> String {
        text(&self.ask(&json!({"do": "signing_key", "type": form})), "pem")
    }

    /// Whether the server itself would still honour an opaque token.
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        self.ask(&json!({"do": "alive", "token": token}))["alive"] == true
    }

    /// The status that the UserInfo endpoint gives for an access token: what a thief would see.
    pub(crate) fn userinfo_status(&self, token: &str) -> u16 {
        let mut stream = std::net::TcpStream::connect(self.host()).expect("the server listens");
        let request = format!(
            "GET /me HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
            self.host()
        );
        stream.write_all(request.as_bytes()).expect("the server reads");
        let answer = std::io::read_to_string(stream).expect("the server answers");
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line")
    }

    /// Resets every connection from now on, as a host does whose service is down; the port stays taken.
    pub(crate) fn stop(&self) {
        self.ask(&json!({"do": "stop"}));
    }

    /// What has been asked since the last [`Self::take_requests`], as `METHOD PATH STATUS`; the status is 0 as long as there is
    /// no answer.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests_and(false)
    }

    /// [`Self::requests`], which are forgotten.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        self.requests_and(true)
    }

    fn requests_and(&self, forget: bool) -> Vec<String> {
        let answer = self.ask(&json!({"do": "requests", "forget": forget}));
        let words =
            |request: &Value| format!("{} {} {}", text(request, "method"), text(request, "path"), request["status"]);
        answer["requests"].as_array().expect("a list of requests").iter().map(words).collect()
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
        let mut pipes = self.pipes.borrow_mut();
        let pipes = pipes.as_mut().expect("open until it is dropped");
        writeln!(pipes.input, "{command}").expect("the server reads its standard input");
        let answer = pipes.read();
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }
}

impl Pipes {
    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server writes lines");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: the authorization server said `{line}`"))
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        // The end of its standard input ends the server.
        drop(self.pipes.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {object}")).to_owned()
}
