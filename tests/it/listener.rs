//! [`Listener`]: a port of 127.0.0.1 that counts who comes, for hosts that must never be asked.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

/// Accepts every connection, answers `{}`, counts, and keeps what was sent.
pub(crate) struct Listener {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    /// By name, in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Listener {
    /// Listens on a free port until the test process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (counter, kept) = (Arc::clone(&connections), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, SeqCst);
                let Ok(mut stream) = stream else { continue };
                let request = read(&stream);
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(request);
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
                );
            }
        });
        Self { url, connections, requests }
    }

    /// What has been sent so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections have been made. The kernel completes a connection before the program that made it can go on,
    /// but this thread may count it later: the own connection made here is counted behind all of them.
    pub(crate) fn connections(&self) -> usize {
        let address = self.url.strip_prefix("http://").expect("the URL made above");
        let mut own = std::net::TcpStream::connect(address).expect("the listener listens");
        let _ = own.write_all(b"GET / HTTP/1.1\r\n\r\n");
        let _ = own.read_to_end(&mut Vec::new());
        self.connections.fetch_sub(1, SeqCst) - 1
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut request = Request { line: line.rsplit_once(' ')?.0.to_owned(), ..Request::default() };
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

#[test]
fn connections_are_counted() {
    let listener = Listener::start();
    let address = listener.url.strip_prefix("http://").expect("a URL");
    drop(std::net::TcpStream::connect(address).expect("the listener listens"));
    assert_eq!((listener.connections(), listener.connections()), (1, 1));
}
