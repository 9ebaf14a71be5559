//! [`Server`]: a real server on 127.0.0.1 that a script of `tests/issuers` runs and that takes commands, one line each.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// A running server. It ends with this value or with the tests, whichever is first: the end of its standard input ends it.
pub(crate) struct Server {
    child: Child,
    pipes: Mutex<Option<Pipes>>,
    /// What it said when it listened.
    pub(crate) ready: Value,
}

struct Pipes {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a server has answered over HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Server {
    /// Runs a script in JavaScript.
    pub(crate) fn node(script: &str) -> Self {
        Self::start("node".as_ref(), script, &tools("issuers-node"))
    }

    /// Runs a script in Python.
    pub(crate) fn python(script: &str) -> Self {
        let tools = tools("issuers-venv");
        Self::start(tools.join("bin/python").as_os_str(), script, &tools)
    }

    fn start(program: &OsStr, script: &str, tools: &Path) -> Self {
        assert!(tools.is_dir(), "no `{}`: run `tests/run`, which installs the servers", tools.display());
        let mut child = Command::new(program)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/issuers").join(script))
            .arg(tools)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("`{}` does not start ({error}); `tests/run` installs it", program.display())
            });
        let input = child.stdin.take().expect("a piped standard input");
        let output = BufReader::new(child.stdout.take().expect("a piped standard output"));
        let mut pipes = Pipes { input, output };
        let ready = pipes.read(script);
        Self { child, pipes: Mutex::new(Some(pipes)), ready }
    }

    /// Has the script do something, and gives its answer.
    pub(crate) fn ask(&self, command: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let pipes = pipes.as_mut().expect("open until it is dropped");
        writeln!(pipes.input, "{command}").expect("the server reads its standard input");
        let answer = pipes.read("the server");
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer
    }

    /// What has been asked over HTTP so far, or since it was forgotten last, as `METHOD PATH STATUS`; the status is 0 as long as
    /// there is no answer.
    pub(crate) fn requests(&self, forget: bool) -> Vec<String> {
        let answer = self.ask(&json!({"do": "requests", "forget": forget}));
        let words =
            |request: &Value| format!("{} {} {}", text(request, "method"), text(request, "path"), request["status"]);
        answer["requests"].as_array().expect("a list of requests").iter().map(words).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.pipes.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pipes {
    fn read(&mut self, who: &str) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server writes lines");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {who} said `{line}`"))
    }
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Asks a server over HTTP, as anybody could: what it answers is what a thief would see.
pub(crate) fn call(url: &str, method: &str, headers: &[&str], body: &str) -> Reply {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL on loopback");
    let mut stream = TcpStream::connect(host).expect("the server listens");
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let length = body.len();
    // Before HTTP/1.1, an answer comes in one piece.
    let request =
        format!("{method} /{path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let answer = std::io::read_to_string(stream).expect("the server answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    let (_, body) = answer.split_once("\r\n\r\n").expect("the end of the header");
    Reply { status, body: body.to_owned() }
}

/// A member that is text.
pub(crate) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {object}")).to_owned()
}

/// A directory of what `tests/run` has installed.
pub(crate) fn tools(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory").join("tools").join(name)
}
