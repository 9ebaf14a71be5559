//! Private keys, held against what a server on this machine publishes (simulated).

use base64::engine::general_purpose::STANDARD;

use super::*;
use LivenessState::{Live, NotChecked, Unknown};

/// The key of RFC 7515, appendix A.3: everybody's.
const EC_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64")
}

fn pem(label: &str, der: &[u8]) -> String {
    let dashes = "-----";
    format!("{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}", STANDARD.encode(der))
}

/// An element of DER of less than 128 bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).expect("short")], content].concat()
}

/// The key as OpenSSL writes it (RFC 5915), with or without what names its curve.
fn sec1() -> Vec<u8> {
    let curve = element(0xa0, &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    let point = [&[0, 4][..], &decoded(EC_X), &decoded(EC_Y)].concat();
    let public = element(0xa1, &element(3, &point));
    element(0x30, &[&[2, 1, 1][..], &element(4, &decoded(EC_D)), &curve, &public].concat())
}

fn pkcs8_of_ed25519() -> Vec<u8> {
    let algorithm = element(0x30, &[6, 3, 0x2b, 0x65, 0x70]);
    let seed = element(4, &element(4, &decoded(published_key::SEED)));
    element(0x30, &[&[2, 1, 0][..], &algorithm, &seed].concat())
}

fn judge(value: &str, more: Vec<Finding>, config: &Config) -> (LivenessState, String) {
    let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
    let mut key = finding(Kind::PrivateKey, value, &[]);
    key.rule = "private-key-pem".to_owned();
    let mut findings: Vec<Finding> = std::iter::once(key).chain(more).collect();
    let context = VerifyContext::open(config, rules).expect("a client");
    verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
    let liveness = findings.swap_remove(0).liveness;
    (liveness.state, liveness.reason.unwrap_or_default())
}

#[test]
fn a_key_whose_public_half_an_issuer_publishes_can_mint_its_tokens() {
    let ed25519 = pem("PRIVATE KEY", &pkcs8_of_ed25519());
    let ec = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y, "kid": "theirs"}]});
    for (value, keys, state, words) in [
        (ed25519.clone(), key_set(), Live, "an Ed25519 key, whose public half `http://127.0.0.1"),
        (ed25519.replace('\n', "\\n"), key_set(), Live, "an Ed25519 key, whose public half"),
        (published_key::SEED.to_owned(), key_set(), Live, "an Ed25519 key, whose public half"),
        (pem("EC PRIVATE KEY", &sec1()), ec.clone(), Live, "an elliptic curve key on P-256, whose public half"),
        (STANDARD.encode(sec1()), ec.clone(), Live, "an elliptic curve key on P-256"),
        (ed25519.clone(), ec, NotChecked, "an Ed25519 key; no trusted issuer publishes its public half"),
        (pem("EC PRIVATE KEY", &sec1()), key_set(), NotChecked, "no trusted issuer publishes its public half"),
        (pem("PGP PRIVATE KEY BLOCK", b"x"), key_set(), NotChecked, "it is a PGP key; no key set has such keys"),
        (pem("RSA PRIVATE KEY", b"rubbish"), key_set(), NotChecked, "a key of an unknown form"),
    ] {
        let server = Server::issuer(move |_| Reply::json(200, &keys));
        let (got, reason) = judge(&value, Vec::new(), &server.trusted(""));
        assert!(got == state && reason.contains(words), "{value}: {got:?} {reason}");
        // Nothing of the key leaves: its issuer is only asked for what everybody may see.
        let sent = server.requests();
        assert!(sent.iter().all(|request| request.starts_with("GET /")), "{sent:?}");
    }
}

#[test]
fn without_an_answer_nothing_is_known() {
    let server = Server::issuer(|_| Reply::empty(500));
    let (state, reason) = judge(&pem("PRIVATE KEY", &pkcs8_of_ed25519()), Vec::new(), &server.trusted(""));
    assert!(state == Unknown && reason.contains("does not answer 200"), "{reason}");
    let (state, reason) = judge(&pem("PRIVATE KEY", &pkcs8_of_ed25519()), Vec::new(), &Config::default());
    assert!(state == NotChecked && reason.contains("no trusted issuer has keys"), "{reason}");
}

#[test]
fn a_key_is_known_by_the_tokens_it_signed() {
    let claims = json!({"iss": "https://elsewhere.test.invalid", "exp": NOW + 600});
    let token = jwt(&json!({"alg": "EdDSA"}), &claims, Algorithm::EdDSA, &ed25519());
    let id = token.id;
    let (_, reason) = judge(&pem("PRIVATE KEY", &pkcs8_of_ed25519()), vec![token], &Config::default());
    assert!(reason.contains(&format!("it has signed the token of finding {id}")), "{reason}");
}
