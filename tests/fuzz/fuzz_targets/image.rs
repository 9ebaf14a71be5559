//! Arbitrary bytes as an image archive, or as one file of an image layout: nothing panics, hangs or grows without bound.
//!
//! The first byte tells what the others are.

#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::RuleSet;
use rescind::source::Collector;
use rescind::source::{ScanContext, image};

/// Larger files would slow the search and show nothing new.
const MAX_FILE_SIZE: u64 = 64 * 1024;

/// The files of a layout whose digests are easy to name, and wrong.
const FILES: [(&str, &str); 4] = [
    ("index.json", r#"{"manifests":[{"digest":"sha256:0"}]}"#),
    ("blobs/sha256/0", r#"{"config":{"digest":"sha256:1"},"layers":[{"digest":"sha256:2","mediaType":"layer.tar"}]}"#),
    ("blobs/sha256/1", r#"{"config":{"Env":["A=b"]},"history":[{"created_by":"COPY"}]}"#),
    ("blobs/sha256/2", ""),
];

/// Without rules: what is searched for trouble here is the way to the bytes.
static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(Arc::new(RuleSet::default()), FingerprintKey::default()));

fuzz_target!(|input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = usize::from(*what) % (FILES.len() + 1);
    let path = if place == FILES.len() {
        let path = directory.path().join("image.tar");
        write(&path, bytes);
        path
    } else {
        write(&directory.path().join("oci-layout"), b"{}");
        for (position, (name, content)) in FILES.iter().enumerate() {
            write(&directory.path().join(name), if position == place { bytes } else { content.as_bytes() });
        }
        directory.path().to_owned()
    };
    if let Ok(source) = image::open(&path, "image") {
        let collector = Collector::default();
        source.scan(&ScanContext { max_file_size: MAX_FILE_SIZE, ..ScanContext::new(&DETECTOR, &collector) });
        collector.finish();
    }
});

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a writable directory");
    std::fs::write(path, bytes).expect("a writable file");
}
