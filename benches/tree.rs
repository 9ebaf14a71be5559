//! What a directory tree costs: the walk and the reading alone (without any rule), and with the complete rule set.
//!
//! `cargo bench --bench tree`

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fs_err as fs;
use rescind::finding::FingerprintKey;
use rescind::source::tree::Tree;
use rescind::source::{Collector, ScanContext, Source};
use rescind::{Detector, RuleSet};

/// Text like that of source files, of about that size.
fn text(size: usize) -> String {
    let lines = (0..)
        .map(|number| format!("    let total_{number} = items.iter().map(|item| item.weight * {number}).sum();\n"));
    let mut text = String::with_capacity(size + 128);
    for line in lines {
        if text.len() >= size {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// So many files of that size, a hundred in each directory. Tells how many bytes they hold together.
fn files(root: &Path, count: usize, size: usize) -> u64 {
    let text = text(size);
    for number in 0..count {
        let directory = root.join(format!("directory-{}", number / 100));
        fs::create_dir_all(&directory).expect("a directory can be made");
        fs::write(directory.join(format!("file-{number}.rs")), &text).expect("a file can be written");
    }
    (text.len() * count) as u64
}

fn scan(tree: &Tree, detector: &Detector) -> u64 {
    let collector = Collector::default();
    tree.scan(&ScanContext::new(detector, &collector));
    collector.counters.items.load(std::sync::atomic::Ordering::Relaxed)
}

fn trees(criterion: &mut Criterion) {
    let without_rules = Detector::new(Arc::default(), FingerprintKey::default());
    let rules = RuleSet::load(&[]).expect("the rules of the binary are checked by a test");
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    let scratch = tempfile::tempdir().expect("a temporary directory can be made");
    for (name, count, size) in [
        ("sources: 2000 files of 12 KB", 2000, 12 << 10),
        ("tiny: 10000 files of 100 bytes", 10_000, 100),
        ("large: one file of 128 MB", 1, 128 << 20),
    ] {
        let root = scratch.path().join(count.to_string());
        let bytes = files(&root, count, size);
        let tree = Tree::open(&root).expect("the tree was just made");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes)).sample_size(10);
        group.bench_function("walk and read", |bencher| bencher.iter(|| scan(&tree, &without_rules)));
        group.bench_function("scan", |bencher| bencher.iter(|| scan(&tree, &detector)));
        group.finish();
    }
}

criterion_group!(benches, trees);
criterion_main!(benches);
