//! An issuer that attacks who asks it (simulated: no real server does). Each attack ends in `unknown` with its reason, within the time
//! and the memory that the run has.

use std::fmt::Write as _;
use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::env::{Env, Run};
use crate::samples::random;

/// How much address space the program gets, in KiB: less than what the attacks send.
const MEMORY_KIB: u32 = 900_000;

/// Answers one request; the arguments are the connection, the issuer's own URL and the path that was asked for.
type Attack = fn(&mut TcpStream, &str, &str) -> std::io::Result<()>;

/// Starts an issuer that answers so, and gives its URL. It ends with the tests.
fn start(attack: Attack) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let own = url.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let own = own.clone();
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap_or_default();
                let head = String::from_utf8_lossy(&request[..length]).into_owned();
                // Whoever asks goes away in the middle of it.
                let _ = attack(&mut stream, &own, head.split(' ').nth(1).unwrap_or_default());
            });
        }
    });
    url
}

fn answer(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}")
}

/// Complete and honest, but for the keys.
fn metadata(own: &str) -> String {
    json!({"issuer": own, "jwks_uri": format!("{own}/keys"), "token_endpoint": format!("{own}/token")}).to_string()
}

/// Sends the same bytes until the other side has had enough.
fn pour(stream: &mut TcpStream, piece: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(piece)?;
    }
}

fn endless_body(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"issuer\":\"")?;
    pour(stream, &[b'a'; 1 << 12])
}

fn endless_chunks(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    pour(stream, b"1\r\n \r\n")
}

fn gigabyte(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1u64 << 30)?;
    pour(stream, &[b' '; 1 << 12])
}

fn endless_headers(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
    pour(stream, b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
}

fn endless_status(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 ")?;
    pour(stream, &[b'O'; 1 << 12])
}

/// A gigabyte of zeros, which gzip makes small. Who inflates what it has not asked for pays for it.
fn gzip_bomb(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..16 {
        encoder.write_all(&vec![0; 1 << 20])?;
    }
    let body = encoder.finish()?.repeat(64);
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn one_byte_a_second(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")?;
    loop {
        stream.write_all(b"{")?;
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

fn to_the_metadata_service(stream: &mut TcpStream, _: &str, _: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n")
}

fn deep(stream: &mut TcpStream, own: &str, path: &str) -> std::io::Result<()> {
    match path {
        "/keys" => answer(stream, &format!("{{\"keys\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000))),
        _ => answer(stream, &metadata(own)),
    }
}

fn huge_key(stream: &mut TcpStream, own: &str, path: &str) -> std::io::Result<()> {
    match path {
        // A modulus of 131072 bits, all ones.
        "/keys" => {
            let key = json!({"kty": "RSA", "kid": "one", "alg": "RS256", "e": "AQAB", "n": "_".repeat(21_846)});
            answer(stream, &json!({"keys": [key]}).to_string())
        }
        _ => answer(stream, &metadata(own)),
    }
}

fn many_keys(stream: &mut TcpStream, own: &str, path: &str) -> std::io::Result<()> {
    match path {
        "/keys" => {
            let mut keys = String::new();
            for number in 0..5000 {
                let _ = write!(keys, "{{\"kty\":\"EC\",\"kid\":\"{number}\"}},");
            }
            answer(stream, &format!("{{\"keys\":[{}]}}", keys.trim_end_matches(',')))
        }
        _ => answer(stream, &metadata(own)),
    }
}

/// A JWT that is good for an hour, as far as it says itself.
fn token(issuer: &str) -> String {
    use base64::Engine as _;
    let encode = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() + 3600;
    let header = encode(&json!({"alg": "RS256", "kid": "one", "typ": "JWT"}));
    let claims = encode(&json!({"iss": issuer, "sub": "service", "exp": soon}));
    format!("{header}.{claims}.{}", random("a signature", 342))
}

#[test]
fn every_attack_ends_in_a_reason() {
    for (name, attack, reason) in [
        ("endless body", endless_body as Attack, "more than 262144 bytes"),
        ("endless chunks", endless_chunks, ""),
        ("gigabyte", gigabyte, "more than 262144 bytes"),
        ("endless headers", endless_headers, ""),
        ("endless status", endless_status, ""),
        ("gzip bomb", gzip_bomb, ""),
        ("one byte a second", one_byte_a_second, "did not answer in time"),
        ("metadata service", to_the_metadata_service, "redirect"),
        ("deep keys", deep, "not JSON of bounded depth"),
        ("huge key", huge_key, "type or size that is not supported"),
        ("many keys", many_keys, "more than 64 keys"),
    ] {
        let env = Env::new();
        let issuer = start(attack);
        let file = env.write("request.sh", format!("curl -H 'Authorization: Bearer {}' $API\n", token(&issuer)));
        let config = env.write_work(
            "rescind.toml",
            format!("providers = []\n[egress]\ntimeout_seconds = 2\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\n"),
        );
        let mut command = env.command("bash");
        command.args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rescind")]);
        command.args(["scan", "--format", "jsonl", "--verify", "--config"]).args([&config, &file]);
        let output = command.output().expect("the program starts");
        let found = Run::of(output).exits(1).finding("jwt");
        let told = found["liveness"]["reason"].as_str().unwrap_or_default();
        assert_eq!(found["liveness"]["state"], "unknown", "{name}: {told}");
        assert!(!told.is_empty() && told.contains(reason), "{name}: {told}");
    }
}
