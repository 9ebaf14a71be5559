//! What is found within encodings, and where.

use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::detect::Detector;
use crate::finding::FingerprintKey;
use crate::rules::RuleSet;

fn secret() -> String {
    ["Zn4hVXCtXkz0PlSJ", "zFJdoYq4tXaPFaBN", "1MvsVCTE"].concat()
}

fn detector() -> Detector {
    Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), FingerprintKey::default())
}

fn env() -> String {
    format!("OIDC_CLIENT_ID=portal\nOIDC_CLIENT_SECRET={}\nLOG_LEVEL=info\n", secret())
}

/// The text around the only secret that is found.
fn found(detector: &Detector, bytes: &[u8]) -> Vec<u8> {
    let candidates = detector.detect(bytes);
    let values: Vec<String> =
        candidates.iter().map(|found| String::from_utf8_lossy(found.secret.expose()).into_owned()).collect();
    assert_eq!(values, [secret()], "{}", String::from_utf8_lossy(bytes));
    bytes[candidates[0].span.clone()].to_vec()
}

fn lines(text: &str, width: usize, end: &str) -> String {
    text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned() + end).collect()
}

fn hex(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("{byte:02X}").into_bytes()).map(char::from).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn base64_around_its_anchors() {
    let detector = detector();
    let long = format!("{}\n{}{}", "# words of no meaning ".repeat(400), env(), "and words again ".repeat(400));
    for before in ["", "x", "xy"] {
        for text in [env(), long.clone()] {
            let encoded = STANDARD.encode(format!("{before}{text}"));
            for file in [
                encoded.clone(),
                format!("config: {encoded}\n"),
                format!("{{\"config\":\"{}\"}}", URL_SAFE_NO_PAD.encode(format!("{before}{text}"))),
                lines(&encoded, 76, "\n"),
                lines(&encoded, 64, "\r\n"),
                format!("data: |\n{}", lines(&encoded, 60, "\n    ")),
                format!("\"{}\"", lines(&encoded, 64, "\\n")),
                STANDARD.encode(format!("data={encoded};")),
            ] {
                found(&detector, file.as_bytes());
            }
        }
    }
}

#[test]
fn positions_are_those_of_the_encoded_text() {
    let detector = detector();
    let file = format!("config: {}\n", STANDARD.encode(env()));
    let place = String::from_utf8(found(&detector, file.as_bytes())).unwrap();
    let decoded = STANDARD.decode(format!("{place}{}", "A".repeat((4 - place.len() % 4) % 4)));
    let near = STANDARD.encode(secret());
    assert!(place.len() <= near.len() + 2, "{place} {decoded:?}");
    let file = format!("payload={}\n", hex(&env()));
    let place = String::from_utf8(found(&detector, file.as_bytes())).unwrap();
    assert_eq!(place, hex(&secret()));
}

#[test]
fn compressed_streams_in_base64() {
    let detector = detector();
    let stream = STANDARD.encode(gzip(env().as_bytes()));
    found(&detector, format!("release: {stream}\n").as_bytes());
    // Helm keeps its releases so.
    found(&detector, format!("data:\n  release: {}\n", STANDARD.encode(&stream)).as_bytes());
    // A stream that is cut off, and one that inflates without end.
    detector.detect(format!("x: {}\n", &stream[..stream.len() / 2]).as_bytes());
    let bomb = gzip(&vec![b' '; 16 << 20]);
    assert!(detector.detect(format!("x: {}\n", STANDARD.encode(bomb)).as_bytes()).is_empty());
}

#[test]
fn utf16_of_both_orders() {
    let detector = detector();
    for mark in ["\u{feff}", ""] {
        let text = format!("{mark}# Größe 😀 of the portal\r\n{}", env());
        let text = if mark.is_empty() { format!("{:64}\n{text}", "[portal]") } else { text };
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let expected: Vec<u8> = secret().encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(found(&detector, &little), expected);
        found(&detector, &big);
        let trace = detector.trace(&little);
        assert_eq!(detector.judge(&little, &trace).len(), 1);
    }
}

#[test]
fn tokens_within_base64_are_named_by_themselves() {
    let detector = detector();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#);
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://login.corp-idp.net/","sub":"x","exp":1999999999}"#);
    let token = format!("{header}.{claims}.{}", secret().repeat(8));
    let file = format!("apiVersion: v1\nkind: Secret\ndata:\n  token: {}\n", STANDARD.encode(&token));
    let candidates = detector.detect(file.as_bytes());
    let rules: Vec<&str> = candidates.iter().map(|found| found.rule.id.as_str()).collect();
    assert_eq!(rules, ["jwt"]);
    assert_eq!(candidates[0].secret.expose(), token.as_bytes());
}

#[test]
fn encodings_within_encodings_end() {
    let detector = detector();
    let mut text = env();
    for _ in 0..8 {
        text = STANDARD.encode(&text);
        detector.detect(text.as_bytes());
    }
    // Nothing of it is a credential, and all of it looks as if something were encoded.
    for word in ["secret", "token", "password"] {
        let text = STANDARD.encode(word.repeat(20_000));
        assert!(detector.detect(text.as_bytes()).is_empty());
    }
}
