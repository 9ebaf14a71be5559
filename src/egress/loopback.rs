//! A small HTTP server on this machine, for tests: it plays an issuer, honest or hostile, and counts what reaches it. What is
//! shown with it is simulated, not verified against a real issuer.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::environment::Environment;
use crate::config::{Config, ConfigFile};

/// A running server. It ends with the test process.
pub(crate) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A request that reached it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What it answers.
pub(crate) enum Reply {
    /// A status, headers, and a body of known length.
    Http(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// These bytes, then nothing until the client goes away.
    Stall(Vec<u8>),
    /// These bytes, then these others again and again until the client goes away.
    Endless(Vec<u8>, Vec<u8>),
}

impl Reply {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Http(status, vec![("Content-Type", "application/json".to_owned())], body.to_string().into_bytes())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::Http(status, Vec::new(), Vec::new())
    }
}

impl Received {
    pub(crate) fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// The client that the request names, and its secret: from HTTP Basic, decoded as RFC 6749 says, or from the form.
    pub(crate) fn client(&self) -> (String, String) {
        let form = self.form();
        let basic = self.headers.get("authorization").and_then(|value| value.strip_prefix("Basic "));
        let Some(basic) = basic else {
            let field = |name: &str| form.get(name).cloned().unwrap_or_default();
            return (field("client_id"), field("client_secret"));
        };
        let pair = String::from_utf8(STANDARD.decode(basic).unwrap_or_default()).unwrap_or_default();
        let (id, secret) = pair.split_once(':').unwrap_or_default();
        let decode = |text: &str| {
            url::form_urlencoded::parse(format!("x={text}").as_bytes())
                .next()
                .map_or_else(String::new, |(_, v)| v.into_owned())
        };
        (decode(id), decode(secret))
    }
}

impl Server {
    /// Starts a server. The handler gets the server's own origin, too, which its metadata must name.
    pub(crate) fn start(handler: impl Fn(&str, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let origin = format!("http://{address}");
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (log, handler) = (Arc::clone(&received), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, handler, origin) = (Arc::clone(&log), Arc::clone(&handler), origin.clone());
                std::thread::spawn(move || serve(stream, &origin, &log, &*handler));
            }
        });
        Self { address, received }
    }

    /// An issuer with complete metadata; `handler` answers the rest.
    pub(crate) fn issuer(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(move |origin, request| match request.path.as_str() {
            "/.well-known/openid-configuration" => Reply::json(200, &metadata(origin)),
            _ => handler(request),
        })
    }

    /// Its host and port, as `allow_hosts` has them.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything that reached it, in order.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `METHOD /path` of everything that reached it.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.received().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// A configuration that trusts this server as an issuer, with further lines for its section.
    pub(crate) fn trusted(&self, lines: &str) -> Config {
        config(&format!("[[issuer]]\nissuer = '{}'\nzone = 'loopback'\n{lines}\n", self.origin()))
    }
}

/// A configuration from text.
pub(crate) fn config(text: &str) -> Config {
    let file = ConfigFile { path: "test.toml".into(), named: true };
    Config::parse(text.to_owned(), file, &Environment::fixed([("OPERATORS_SECRET", "operators-secret")]))
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The metadata of an issuer at that origin.
pub(crate) fn metadata(origin: &str) -> serde_json::Value {
    serde_json::json!({
        "issuer": origin,
        "token_endpoint": format!("{origin}/token"),
        "introspection_endpoint": format!("{origin}/introspect"),
        "revocation_endpoint": format!("{origin}/revoke"),
        "jwks_uri": format!("{origin}/keys"),
        "userinfo_endpoint": format!("{origin}/me"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}

fn serve(stream: TcpStream, origin: &str, log: &Mutex<Vec<Received>>, handler: &dyn Fn(&str, &Received) -> Reply) {
    let Some(request) = read(&stream) else { return };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let reply = handler(origin, &request);
    let mut stream = stream;
    // A client that goes away is what several tests are about.
    let _ = match reply {
        Reply::Http(status, headers, body) => {
            let headers = headers.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\r\n");
            let head = format!(
                "HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body))
        }
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::Stall(bytes) => stream.write_all(&bytes).and_then(|()| stream.read_to_end(&mut Vec::new()).map(drop)),
        Reply::Endless(head, chunk) => {
            let mut result = stream.write_all(&head);
            while result.is_ok() {
                result = stream.write_all(&chunk);
            }
            result
        }
    };
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut request =
        Received { method: words.next()?.to_owned(), path: words.next()?.to_owned(), ..Received::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}
