//! Arbitrary bytes within a commit, a tag, trees, `packed-refs` and the files of loose objects: neither all history nor a range of it
//! panics or hangs.
//!
//! libgit2 never frees a reference whose object it cannot read: run it with `ASAN_OPTIONS=detect_leaks=0`.

#![no_main]

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::ObjectType;
use libfuzzer_sys::fuzz_target;
use rescind::detect::Detector;
use rescind::finding::FingerprintKey;
use rescind::rules::RuleSet;
use rescind::source::git::{History, Range, Repository};
use rescind::source::{Collector, ScanContext, Source};

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(Arc::new(RuleSet::load(&[]).expect("valid rules")), FingerprintKey::default()));

/// Found in the blob and in every message, so that all of them have to be attributed.
const SECRET: &str = concat!("client_sec", "ret = \"Vq3k9TzL0wXe7RbN2mYhU5sJc8Dg1PfA\"\n");

fuzz_target!(|input: [&[u8]; 5]| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| directory.path().join(name);
    let made = git2::Repository::init_bare(directory.path()).expect("a repository");
    let odb = made.odb().expect("objects");
    let write = |kind, parts: &[&[u8]]| odb.write(kind, &parts.concat()).expect("a writable directory");
    let [entries, header, message, references, loose] = input;
    let blob = write(ObjectType::Blob, &[SECRET.as_bytes()]);
    let inner = write(ObjectType::Tree, &[b"100644 a\0", blob.as_bytes(), entries]);
    let tree = write(ObjectType::Tree, &[b"40000 b\0", inner.as_bytes(), entries, b"40000 c\0", inner.as_bytes()]);
    let commit = write(ObjectType::Commit, &[format!("tree {tree}\n").as_bytes(), header, b"\n\n", SECRET.as_bytes()]);
    let object = format!("object {commit}\n{SECRET}");
    write(ObjectType::Tag, &[object.as_bytes(), message]);
    std::fs::write(at("HEAD"), commit.to_string()).expect("a writable file");
    std::fs::write(at("packed-refs"), references).expect("a writable file");
    // As the file itself, and as what it inflates to.
    for (fan, content) in [("11", loose.to_vec()), ("22", deflated(loose))] {
        let directory = at("objects").join(fan);
        std::fs::create_dir_all(&directory).expect("a writable directory");
        std::fs::write(directory.join("0".repeat(38)), content).expect("a writable file");
    }
    let open = || Repository::at(directory.path()).expect("readable").expect("a repository");
    scan(&History::open(open()).expect("objects"));
    Range::parse(open(), "0..HEAD").iter().for_each(|range| scan(range));
});

fn scan(source: &dyn Source) {
    let collector = Collector::default();
    source.scan(&ScanContext { max_file_size: 1 << 16, ..ScanContext::new(&DETECTOR, &collector) });
    collector.finish();
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory takes everything")
}
