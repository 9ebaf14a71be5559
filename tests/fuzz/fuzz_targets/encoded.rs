//! Arbitrary bytes within encodings, one in the other: what is found stands within the text that is there, and the same whether all of
//! it is searched or only what was added to an earlier version.

#![no_main]

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use rescind::detect::{Candidate, Run};
use rescind::finding::FingerprintKey;
use rescind::rules::expand;
use rescind::{Detector, RuleSet};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::load(&[]).expect("the rules of the binary");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

/// What there is to find.
static SETTINGS: LazyLock<String> =
    LazyLock::new(|| expand("CLIENT_SECRET=<<base62:24>>\n", "fuzz").expect("a template that exists"));

/// How deep encodings are put into each other.
const DEEPEST: usize = 5;

fn encoded(coding: u8, bytes: &[u8]) -> Vec<u8> {
    let hexadecimal = |prefix: &str| bytes.iter().map(|byte| format!("{prefix}{byte:02x}")).collect::<String>();
    match coding % 8 {
        0 => STANDARD.encode(bytes).into_bytes(),
        1 => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        2 => hexadecimal("").into_bytes(),
        3 => hexadecimal("%").into_bytes(),
        4 => hexadecimal("\\u00").into_bytes(),
        5 => bytes.iter().flat_map(|byte| format!("&#{byte};").into_bytes()).collect(),
        6 => bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
        _ => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(bytes).expect("memory can be written to");
            STANDARD.encode(packed.finish().expect("memory can be written to")).into_bytes()
        }
    }
}

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (codings, inner, around) = input;
    let mut text = [SETTINGS.as_bytes(), inner].concat();
    for coding in codings.iter().take(DEEPEST) {
        text = encoded(*coding, &text);
        if text.len() > 1 << 16 {
            return;
        }
    }
    let (start, end) = ([around, b"\nvalue: "].concat(), [b"\n", around].concat());
    let before = [start.clone(), end.clone()].concat();
    let bytes = [start.clone(), text, end.clone()].concat();
    let found = DETECTOR.detect(&bytes);
    for candidate in &found {
        assert!(candidate.span.start <= candidate.span.end && candidate.span.end <= bytes.len());
    }
    let (from, to) = (start.len(), bytes.len() - end.len());
    let runs = [Run { from: 0, to: 0, length: start.len() }, Run { from, to, length: end.len() }];
    let trace = DETECTOR.retrace(&bytes, &DETECTOR.trace(&before), &runs);
    let spans = |found: Vec<Candidate>| found.into_iter().map(|found| found.span).collect::<Vec<_>>();
    assert_eq!(spans(DETECTOR.judge(&bytes, &trace)), spans(found));
});
