//! What detection costs per byte: ordinary source text, text full of anchors, text full of matches, hostile text; what it costs
//! for another version of a text that is known; and what each rule costs where its anchors stand.
//!
//! `cargo bench --bench detect`, or of one group alone: `cargo bench --bench detect -- "another version"`

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rescind::detect::Run;
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

fn rules() -> RuleSet {
    RuleSet::load(&[]).expect("the rules of the binary are checked by a test")
}

fn detector() -> Detector {
    Detector::new(Arc::new(rules()), FingerprintKey::default())
}

fn detect(criterion: &mut Criterion) {
    let detector = detector();
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

/// The same text with a line more in some places, and what it has in common with the text.
fn edited(text: &str, edits: usize) -> (String, Vec<Run>) {
    let (mut copy, mut runs, mut from) = (String::new(), Vec::new(), 0);
    for edit in 1..=edits {
        let near = text.len() * edit / (edits + 1);
        let end = near + text[near..].find('\n').map_or(0, |newline| newline + 1);
        runs.push(Run { from, to: copy.len(), length: end - from });
        copy.push_str(&text[from..end]);
        let _ = writeln!(copy, "    // Another line with a token in it, number {edit}.");
        from = end;
    }
    runs.push(Run { from, to: copy.len(), length: text.len() - from });
    copy.push_str(&text[from..]);
    (copy, runs)
}

/// Versions of a text as deltas have them, against versions that are looked through in full.
fn another_version(criterion: &mut Criterion) {
    let detector = detector();
    let mut group = criterion.benchmark_group("another version");
    for (name, text) in [("plain", plain(64 << 10)), ("wordy", wordy(64 << 10))] {
        let base = detector.trace(text.as_bytes());
        for edits in [1, 10, 100] {
            let (copy, runs) = edited(&text, edits);
            group.throughput(Throughput::Bytes(copy.len() as u64));
            group.bench_function(BenchmarkId::new(format!("{name}, in full"), edits), |bencher| {
                bencher.iter(|| detector.trace(black_box(copy.as_bytes())));
            });
            group.bench_function(BenchmarkId::new(format!("{name}, with its base"), edits), |bencher| {
                bencher.iter(|| detector.retrace(black_box(copy.as_bytes()), &base, &runs));
            });
        }
    }
    group.finish();
}

/// A line for each anchor of a rule, over and over, with what its tokens begin with and mostly without any token.
fn each_rule(criterion: &mut Criterion) {
    let detector = detector();
    let mut group = criterion.benchmark_group("rule");
    group.sample_size(10).warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(200));
    for rule in rules().rules.iter().filter(|rule| !rule.anchors.is_empty()) {
        let text = repeat(16 << 10, |text, number| {
            for anchor in &rule.anchors {
                let _ =
                    writeln!(text, "value_{number} = call(\"{anchor}{number}\"); // and what follows {anchor} here");
            }
        });
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(&*rule.id, |bencher| bencher.iter(|| detector.trace(black_box(text.as_bytes()))));
    }
    group.finish();
}

fn start(criterion: &mut Criterion) {
    criterion.bench_function("load the rules", |bencher| bencher.iter(detector));
}

criterion_group!(benches, detect, another_version, each_rule, start);
criterion_main!(benches);
