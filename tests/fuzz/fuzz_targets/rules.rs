//! Arbitrary text as an operator's rule file: it is refused or can be worked with, its examples too.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::{RuleSet, expand};

fuzz_target!(|text: &str| {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("a writable file");
    let Ok((rules, examples)) = RuleSet::with_examples(&[file.path().to_owned()]) else { return };
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    detector.detect(text.as_bytes());
    for example in examples.iter().flat_map(|examples| examples.matches.iter().chain(&examples.rejects)) {
        if let Ok(example) = expand(example, "fuzz") {
            detector.detect(example.as_bytes());
        }
    }
});
