//! Arbitrary text as a configuration of gitleaks, named by the user and found in the scanned content: it is refused or can be worked
//! with, and what its expressions become compiles or is an error.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rescind::detect::{Candidate, Detector, Run};
use rescind::finding::FingerprintKey;
use rescind::rules::RuleSet;

fuzz_target!(|text: &str| {
    let mut of_content = RuleSet::default();
    of_content.add_gitleaks_of_content(".gitleaks.toml", text, 0);
    Detector::new(Arc::new(of_content), FingerprintKey::default()).detect(text.as_bytes());

    // What it builds on would be looked for on this machine.
    if text.to_ascii_lowercase().contains("path") && text.to_ascii_lowercase().contains("extend") {
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("a writable file");
    let Ok((rules, _)) = RuleSet::with_examples(&[file.path().to_owned()]) else { return };
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    // The file itself, and a version of it with a line more: what is taken over from the one changes nothing in the other.
    let middle = (text.len() / 2..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (start, end) = text.split_at(middle);
    let version = format!("{start}\nkey = 1\n{end}");
    let to = version.len() - end.len();
    let runs = [Run { from: 0, to: 0, length: start.len() }, Run { from: middle, to, length: end.len() }];
    let trace = detector.retrace(version.as_bytes(), &detector.trace(text.as_bytes()), &runs);
    let spans = |found: Vec<Candidate>| found.into_iter().map(|found| found.span).collect::<Vec<_>>();
    let judged = spans(detector.judge(version.as_bytes(), &trace));
    assert_eq!(judged, spans(detector.detect(version.as_bytes())));
});
