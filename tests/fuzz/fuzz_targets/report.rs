//! Arbitrary bytes as a report to plan from, and as a baseline: they are refused or read, and never panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::finding::Baseline;
use rescind::revoke::report_input::read_report;

fuzz_target!(|bytes: &[u8]| {
    Baseline::parse(bytes);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    // Most inputs should get past the check for a cut-off report.
    let report = [bytes, b"\n{\"type\":\"summary\",\"schema\":1}\n"].concat();
    std::fs::write(file.path(), report).expect("a writable file");
    for subject in read_report(file.path()).unwrap_or_default() {
        let _ = subject.client_id();
    }
});
