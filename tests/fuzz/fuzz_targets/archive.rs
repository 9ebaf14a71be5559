//! Arbitrary bytes as an archive of any kind, and as the settings beside it: it is opened, or told to be broken, or searched as it
//! stands, and what is found in it has a place.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rescind::finding::FingerprintKey;
use rescind::rules::expand;
use rescind::source::tree::Tree;
use rescind::source::{Collector, ScanContext};
use rescind::{Detector, RuleSet, Source};

/// What archives begin with.
const BEGINNINGS: [&[u8]; 6] =
    [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"app/.env\0\0\0\0\0\0\0\0"];

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::load(&[]).expect("the rules of the binary");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

/// A secret whose client is named nowhere, or beside it.
static SETTINGS: LazyLock<String> =
    LazyLock::new(|| expand("CLIENT_SECRET=<<base62:24>>\n", "fuzz").expect("a template that exists"));

fuzz_target!(|input: (u8, &[u8], &[u8])| {
    let (kind, archive, settings) = input;
    let beginning = BEGINNINGS[usize::from(kind) % BEGINNINGS.len()];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, parts: &[&[u8]]| std::fs::write(directory.path().join(name), parts.concat());
    write("archive", &[beginning, archive]).expect("a writable file");
    write("a.env", &[settings]).expect("a writable file");
    write("b.env", &[SETTINGS.as_bytes()]).expect("a writable file");

    let collector = Collector::default();
    let context =
        ScanContext { max_stream_size: 1 << 20, max_file_size: 1 << 20, ..ScanContext::new(&DETECTOR, &collector) };
    Tree::open(directory.path()).expect("a directory that is there").scan(&context);
    let (findings, _) = collector.finish();
    for finding in findings {
        assert!(!finding.locations.is_empty());
        for location in &finding.locations {
            assert!(location.span.byte_start <= location.span.byte_end && location.span.line > 0);
        }
        for part in &finding.parts {
            assert!(part.place.as_ref().is_some_and(|place| place.line > 0), "{}", part.name);
        }
    }
});
