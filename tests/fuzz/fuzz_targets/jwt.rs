//! Arbitrary headers and claims in the form of a token: decoding never panics, and what is told is of that token.

#![no_main]

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::RuleSet;

/// The scanner for tokens alone, so that no other rule hides what it does.
static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let mut rules = RuleSet::load(&[]).expect("the rules of the binary are valid");
    rules.select(&["jwt".to_owned()], &[]).expect("the rule for tokens");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (header, claims, rest) = input;
    // Most inputs should get past the anchor: a header is an object with an algorithm.
    let header = [&br#"{"alg":"RS256""#[..], header, b"}"].concat();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let token = format!("{}.{}.{}", encode(&header), encode(claims), encode(rest));
    for candidate in DETECTOR.detect(token.as_bytes()) {
        assert!(candidate.token.is_some());
        assert!(token.as_bytes().starts_with(candidate.secret.expose()));
    }
});
