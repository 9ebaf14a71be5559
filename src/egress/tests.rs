//! The client against hostile servers on this machine.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::loopback::{Reply, Server, config};
use super::*;
use crate::secret::Secret;

/// Longer than any test needs, except those that wait for its end.
const TIMEOUT: Duration = Duration::from_secs(20);

fn policy(timeout: Duration) -> EgressPolicy {
    EgressPolicy { timeout, ..EgressPolicy::from(&config("")) }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

fn destination(server: &Server, path: &str) -> Destination {
    let config = server.trusted("");
    Destination::within(&config.issuers[0], &format!("{}{path}", server.origin())).expect("on its own host")
}

/// Sends a read to the server, and gives the error.
fn error_of(server: &Server, timeout: Duration) -> Option<EgressError> {
    let egress = Egress::new(policy(timeout)).expect("a client");
    block_on(egress.send(Request::get(&destination(server, "/")))).err()
}

/// A name, what the server answers, and whether the error is the right one.
type Case = (&'static str, Reply, fn(&EgressError) -> bool);

#[test]
fn hostile_answers_end_in_errors() {
    let endless_chunks = Reply::Endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        [&b"10000\r\n"[..], &vec![b'x'; 0x10000], b"\r\n"].concat(),
    );
    let elsewhere = ("Location", "http://169.254.169.254/latest/meta-data".to_owned());
    let cases: Vec<Case> = vec![
        (
            "redirect",
            Reply::Http(302, vec![elsewhere], Vec::new()),
            |error| matches!(error, EgressError::Redirect { to: Some(to), .. } if to == "http://169.254.169.254"),
        ),
        ("redirect to nowhere", Reply::empty(307), |error| matches!(error, EgressError::Redirect { to: None, .. })),
        ("a GiB announced", Reply::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".to_vec()), |error| {
            matches!(error, EgressError::TooLarge { .. })
        }),
        ("a GiB not announced", endless_chunks, |error| matches!(error, EgressError::TooLarge { .. })),
        ("endless until the end", Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 4096]), |error| {
            matches!(error, EgressError::TooLarge { .. })
        }),
        (
            "endless headers",
            Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-Header: value\r\n".to_vec()),
            |error| matches!(error, EgressError::Protocol { .. }),
        ),
        ("compressed", Reply::Http(200, vec![("Content-Encoding", "gzip".to_owned())], vec![0; 100]), |error| {
            matches!(error, EgressError::Protocol { .. })
        }),
        ("not HTTP", Reply::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), |error| {
            matches!(error, EgressError::Protocol { .. })
        }),
        ("nothing", Reply::Raw(Vec::new()), |error| matches!(error, EgressError::Protocol { .. })),
        ("cut off", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec()), |error| {
            matches!(error, EgressError::Protocol { .. })
        }),
    ];
    for (name, reply, expected) in cases {
        let reply = Mutex::new(Some(reply));
        let server = Server::start(move |_, _| lock(&reply).take().unwrap_or(Reply::empty(200)));
        let error = error_of(&server, TIMEOUT);
        assert!(error.as_ref().is_some_and(expected), "{name}: {error:?}");
        assert!(error.is_some_and(|error| error.may_have_been_delivered()), "{name}");
        assert_eq!(server.requests(), ["GET /"], "{name}: one request, never repeated or followed");
    }
}

#[test]
fn a_server_that_dawdles_is_left() {
    for beginning in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]
    {
        let server = Server::start(move |_, _| Reply::Stall(beginning.to_vec()));
        let error = error_of(&server, Duration::from_millis(200));
        assert!(matches!(error, Some(EgressError::Timeout { .. })), "{error:?}");
    }
}

#[test]
fn nothing_is_sent_when_there_is_no_connection() {
    let free =
        std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port");
    let origin = format!("http://{free}");
    let config = config(&format!("[[issuer]]\nissuer = '{origin}'\nzone = 'loopback'\n"));
    let destination = Destination::within(&config.issuers[0], &origin).expect("its own");
    let egress = Egress::new(policy(TIMEOUT)).expect("a client");
    let error = block_on(egress.send(Request::get(&destination))).err();
    assert_eq!(error, Some(EgressError::Connect { origin }));
    assert!(error.is_some_and(|error| !error.may_have_been_delivered()));
}

#[test]
fn tls_is_refused_without_the_right_certificate() {
    let server = Server::start(|_, _| Reply::Raw(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()));
    let origin = format!("https://127.0.0.1:{}", server.port());
    for (lines, expected) in [
        ("ca_bundle = '/nonexistent'", Some(EgressError::Certificates { bundle: Some("/nonexistent".into()) })),
        ("", Some(EgressError::Tls { origin: origin.clone() })),
    ] {
        let config = config(&format!("[[issuer]]\nissuer = '{origin}'\nzone = 'loopback'\n{lines}\n"));
        let destination = Destination::within(&config.issuers[0], &origin).expect("its own");
        let egress = Egress::new(policy(TIMEOUT)).expect("a client");
        let error = block_on(egress.send(Request::get(&destination))).err();
        // A system without any certificates is refused as well, one step earlier.
        assert!(error == expected || error == Some(EgressError::Certificates { bundle: None }), "{error:?}");
    }
}

/// A client for which names resolve by the table, and how often it looked.
fn with_names(
    policy: EgressPolicy,
    answers: impl Fn(usize) -> Vec<&'static str> + Send + Sync + 'static,
) -> (Egress, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&lookups);
    let names = Names::with_lookup(Arc::new(move |_| {
        let answer = answers(counter.fetch_add(1, Relaxed));
        let addresses = answer.iter().map(|text| text.parse().expect("an address of this test")).collect();
        Box::pin(async move { Ok(addresses) })
    }));
    (Egress::with_names(policy, names).expect("a client"), lookups)
}

#[test]
fn every_address_of_a_name_is_checked() {
    for (zone, scheme, addresses, refused) in [
        ("public", "https", vec!["127.0.0.1"], true),
        ("public", "https", vec!["169.254.169.254"], true),
        ("public", "https", vec!["93.184.216.34", "10.0.0.1"], true),
        ("public", "https", vec!["::ffff:10.0.0.1"], true),
        ("internal", "https", vec!["10.0.0.1", "127.0.0.1"], true),
        ("internal", "https", vec!["fd00:ec2::254"], true),
        ("loopback", "http", vec!["93.184.216.34"], true),
        ("internal", "http", vec!["10.0.0.1"], false),
        ("public", "http", vec!["93.184.216.34"], false),
    ] {
        let (egress, _) = with_names(policy(TIMEOUT), {
            let addresses = addresses.clone();
            move |_| addresses.clone()
        });
        let config = config(&format!("[[issuer]]\nissuer = '{scheme}://issuer.example'\nzone = '{zone}'\n"));
        let destination =
            Destination::within(&config.issuers[0], &format!("{scheme}://issuer.example/")).expect("its own");
        let error = block_on(egress.send(Request::get(&destination))).err();
        let expected = if refused {
            matches!(error, Some(EgressError::AddressRefused { .. }))
        } else {
            matches!(error, Some(EgressError::PlainHttp { .. }))
        };
        assert!(expected, "{zone} {scheme} {addresses:?}: {error:?}");
    }
    let (egress, _) = with_names(policy(TIMEOUT), |_| Vec::new());
    let config = config("[[issuer]]\nissuer = 'https://issuer.example'\n");
    let destination = Destination::within(&config.issuers[0], "https://issuer.example/").expect("its own");
    let error = block_on(egress.send(Request::get(&destination))).err();
    assert_eq!(error, Some(EgressError::Dns { host: "issuer.example".to_owned() }));
}

#[test]
fn a_name_is_resolved_once_and_the_connection_pinned() {
    let server = Server::start(|_, _| Reply::empty(200));
    // The second answer would lead to the metadata service.
    let (egress, lookups) =
        with_names(policy(TIMEOUT), |count| if count == 0 { vec!["127.0.0.1"] } else { vec!["169.254.169.254"] });
    let origin = format!("http://issuer.example:{}", server.port());
    let config = config(&format!("[[issuer]]\nissuer = '{origin}'\nzone = 'loopback'\n"));
    let destination = Destination::within(&config.issuers[0], &origin).expect("its own");
    for _ in 0..3 {
        let response = block_on(egress.send(Request::get(&destination)));
        assert_eq!(response.map(|response| response.status).ok(), Some(200));
    }
    assert_eq!((lookups.load(Relaxed), server.requests().len()), (1, 3));
    let host = server.received().first().and_then(|request| request.headers.get("host").cloned());
    assert_eq!(host, Some(format!("issuer.example:{}", server.port())));
}

#[test]
fn loopback_is_open_only_where_the_operator_says_so() {
    let server = Server::start(|_, _| Reply::empty(200));
    for (lines, status) in [
        ("", None),
        ("[egress]\nallow_hosts = ['127.0.0.1:1']\n", None),
        ("[egress]\nallow_hosts = ['127.0.0.2']\n", None),
        ("[egress]\nallow_hosts = ['127.0.0.1']\n", Some(200)),
    ] {
        let config = config(&format!("{lines}[[issuer]]\nissuer = '{}'\n", server.origin()));
        let egress = Egress::new(EgressPolicy::from(&config)).expect("a client");
        let destination = Destination::within(&config.issuers[0], &server.origin()).expect("its own");
        let response = block_on(egress.send(Request::get(&destination)));
        assert_eq!(response.map(|response| response.status).ok(), status, "{lines}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn values_cannot_become_syntax() {
    let server = Server::start(|_, _| Reply::json(200, &serde_json::json!({"ok": true})));
    let egress = Egress::new(policy(TIMEOUT)).expect("a client");
    let secret = Secret::new("a&b=c d\r\nX-Header: e%\u{e9}+");
    let request = Request::post_form(&destination(&server, "/token"), [("token", Field::Secret(&secret))])
        .field("hint", "x&y")
        .basic("id:with&colon", &secret);
    let response = block_on(egress.send(request)).ok();
    assert_eq!(response.and_then(|response| response.json().ok()), Some(serde_json::json!({"ok": true})));

    let received = server.received();
    let request = received.first().expect("one request");
    let form = request.form();
    assert_eq!(form.get("token").map(String::as_bytes), Some(secret.expose()));
    assert_eq!((form.len(), form.get("hint").map(String::as_str)), (2, Some("x&y")));
    let (id, client_secret) = request.client();
    assert_eq!((id.as_str(), client_secret.as_bytes()), ("id:with&colon", secret.expose()));
    assert!(!request.headers.contains_key("x-header") && !request.headers.contains_key("accept-encoding"));
    assert_eq!(
        request.headers.get("user-agent").map(String::as_str),
        Some(concat!("rescind/", env!("CARGO_PKG_VERSION")))
    );

    assert_eq!(Request::get(&destination(&server, "/")).bearer(&secret).err(), Some(EgressError::Header));
    let evidence = format!("{:?}", egress.exchanges());
    assert!(evidence.contains("/token") && !evidence.contains("X-Header") && !evidence.contains("colon"), "{evidence}");
}

#[test]
fn a_host_is_asked_few_things_at_once() {
    // Each request is answered only when another one is in flight, and the most in flight are counted.
    let in_flight = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let pair = Arc::new(std::sync::Barrier::new(2));
    let (counter, barrier) = (Arc::clone(&in_flight), Arc::clone(&pair));
    let server = Server::start(move |_, _| {
        let now = counter.0.fetch_add(1, Relaxed) + 1;
        counter.1.fetch_max(now, Relaxed);
        barrier.wait();
        counter.0.fetch_sub(1, Relaxed);
        // Both leave the count before either is answered, and makes room for the next.
        barrier.wait();
        Reply::empty(200)
    });
    let egress = Egress::new(policy(TIMEOUT)).expect("a client");
    let send = || egress.send(Request::get(&destination(&server, "/")));
    let results = block_on(async { tokio::join!(send(), send(), send(), send(), send(), send()) });
    let all = [results.0, results.1, results.2, results.3, results.4, results.5];
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(in_flight.1.load(Relaxed), 2);
}

#[test]
fn a_pause_that_a_host_asks_for_is_kept() {
    let server = Server::start(|_, _| Reply::Http(429, vec![("Retry-After", "3600".to_owned())], Vec::new()));
    let egress = Egress::new(policy(TIMEOUT)).expect("a client");
    let first = block_on(egress.send(Request::get(&destination(&server, "/"))));
    assert_eq!(first.ok().and_then(|response| response.retry_after), Some(Duration::from_secs(3600)));
    let second = block_on(egress.send(Request::get(&destination(&server, "/"))));
    assert!(matches!(second, Err(EgressError::Throttled { .. })));
    assert_eq!(server.requests().len(), 1);
}
