//! Arbitrary bytes as the index of a repository: reading and comparing it never panics, hangs or grows without bound.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::RuleSet;
use rescind::source::git::{Repository, Staged};
use rescind::source::{Collector, ScanContext, Source as _};

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(Arc::new(RuleSet::default()), FingerprintKey::default()));

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for inside in ["objects", "refs"] {
        std::fs::create_dir(directory.path().join(inside)).expect("a writable directory");
    }
    std::fs::write(directory.path().join("HEAD"), "ref: refs/heads/main\n").expect("a writable file");
    std::fs::write(directory.path().join("index"), [bytes, &[0; 20]].concat()).expect("a writable file");
    let repository = Repository::at(directory.path()).expect("readable").expect("a repository");
    if let Ok(staged) = Staged::open(repository, &[]) {
        let collector = Collector::default();
        staged.scan(&ScanContext { max_file_size: 1 << 16, ..ScanContext::new(&DETECTOR, &collector) });
        collector.finish();
    }
});
