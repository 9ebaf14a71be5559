//! Arbitrary bytes through all of detection: nothing panics, spans are ascending and within the bytes, and equal bytes give
//! equal answers. The templates of rule examples are expanded, so that a value with a checksum can be come by.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::{RuleSet, expand};

const MAX_EXPANDED_SIZE: usize = 16 * 1024;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::load(&[]).expect("the rules of the binary are valid");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

fuzz_target!(|bytes: &[u8]| {
    let expanded = std::str::from_utf8(bytes).ok().and_then(|text| expand(text, "fuzz").ok());
    // A template may stand for much more than it is long, which would slow the search and show nothing new.
    let expanded = expanded.filter(|text| text.len() <= MAX_EXPANDED_SIZE);
    let bytes = expanded.as_deref().map_or(bytes, str::as_bytes);
    let found = DETECTOR.detect(bytes);
    let mut end = 0;
    for candidate in &found {
        assert!(candidate.span.start >= end && candidate.span.end <= bytes.len());
        assert!(!candidate.secret.is_empty());
        end = candidate.span.end;
    }
    let again = DETECTOR.detect(bytes);
    assert!(found.iter().map(|candidate| candidate.id).eq(again.iter().map(|candidate| candidate.id)));
});
