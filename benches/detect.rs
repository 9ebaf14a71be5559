//! What detection costs per byte: ordinary source text, text full of anchors, text full of matches, hostile text.
//!
//! `cargo bench --bench detect`

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rescind::finding::FingerprintKey;
use rescind::{Detector, RuleSet};

/// Text like that of source files: no anchor stands in it.
fn plain(size: usize) -> String {
    repeat(size, |text, number| {
        let _ =
            writeln!(text, "    let total_{number} = items.iter().map(|item| item.weight * {number}).sum::<u64>();");
    })
}

/// Text full of the words that credentials are named with, and without any credential.
fn wordy(size: usize) -> String {
    repeat(size, |text, number| {
        let _ = writeln!(text, "    /// The token and the secret key of client {number}; see `password_reset(auth)`.");
    })
}

/// One credential a line, all different.
fn dense(size: usize) -> String {
    repeat(size, |text, number| {
        let value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let _ = writeln!(text, "APP_{number}_CLIENT_SECRET={value:016x}{:016x}", value.rotate_left(29) ^ 0x5bd1_e995);
    })
}

/// The first characters of a token, over and over, without a line break.
fn hostile(size: usize) -> String {
    "eyJ".repeat(size / 3)
}

fn repeat(size: usize, mut line: impl FnMut(&mut String, u64)) -> String {
    let mut text = String::with_capacity(size + 128);
    for number in 1.. {
        if text.len() >= size {
            break;
        }
        line(&mut text, number);
    }
    text
}

fn detect(criterion: &mut Criterion) {
    let rules = RuleSet::load(&[]).expect("the rules of the binary are checked by a test");
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    let mut group = criterion.benchmark_group("detect");
    for (name, text) in [
        ("plain", plain(1 << 20)),
        ("wordy", wordy(1 << 20)),
        ("dense", dense(200 << 10)),
        ("hostile", hostile(1 << 20)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| detector.detect(black_box(text.as_bytes()))));
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    criterion.bench_function("load the rules", |bencher| {
        bencher.iter(|| {
            let rules = RuleSet::load(&[]).expect("the rules of the binary are checked by a test");
            Detector::new(Arc::new(rules), FingerprintKey::default())
        });
    });
}

criterion_group!(benches, detect, start);
criterion_main!(benches);
