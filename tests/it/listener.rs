//! [`Listener`]: a port of 127.0.0.1 that counts who comes, for hosts that must never be asked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Accepts every connection, answers `{}`, and counts.
pub(crate) struct Listener {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl Listener {
    /// Listens on a free port until the test process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, SeqCst);
                let Ok(mut stream) = stream else { continue };
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
                );
            }
        });
        Self { url, connections }
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

#[test]
fn connections_are_counted() {
    let listener = Listener::start();
    let address = listener.url.strip_prefix("http://").expect("a URL");
    drop(std::net::TcpStream::connect(address).expect("the listener listens"));
    assert_eq!((listener.connections(), listener.connections()), (1, 1));
}
