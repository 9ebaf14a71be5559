//! What the search for anchors costs: by kind of text and number of anchors, in small zones, and before it begins.
//!
//! `cargo bench --bench prefilter`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rescind::RuleSet;
use rescind::detect::AnchorSearch;
use rescind::rules::Matcher;

/// How many bytes of each kind of text are searched.
const SIZE: usize = 16 << 20;

/// How many anchors there are when there are many.
const MANY: usize = 900;

/// The anchors of the rules in the binary.
fn anchors() -> Vec<Vec<u8>> {
    let rules = RuleSet::load(&[]).expect("the rules of the binary are checked by a test");
    // Those of vendors are looked for only where something was found.
    let sought = rules.rules.iter().filter(|rule| !matches!(rule.matcher, Matcher::Vendor(_)));
    let anchors = sought.flat_map(|rule| &rule.anchors);
    let anchors: BTreeSet<Vec<u8>> = anchors.map(|anchor| anchor.to_ascii_lowercase().into_bytes()).collect();
    anchors.into_iter().collect()
}

/// The same with prefixes and names as other providers might have.
fn many_anchors() -> Vec<Vec<u8>> {
    let mut anchors: BTreeSet<Vec<u8>> = anchors().into_iter().collect();
    let mut numbers = numbers();
    let mut syllable = || ["ra", "on", "la", "bi", "ze", "pix", "tor", "mu", "ky", "dat", "flo", "gen"][numbers() % 12];
    let mut is_prefix = false;
    while anchors.len() < MANY {
        let (first, second, third) = (syllable(), syllable(), syllable());
        is_prefix = !is_prefix;
        anchors.insert(
            if is_prefix { format!("{first}{second}_") } else { format!("{first}{second}{third}") }.into_bytes(),
        );
    }
    anchors.into_iter().collect()
}

fn numbers() -> impl FnMut() -> usize {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).expect("24 bits")
    }
}

/// The sources of this program over and over.
fn sources() -> Vec<u8> {
    let mut text = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs_err::read_dir(folder)
            .expect("the sources are there")
            .map(|entry| entry.expect("an entry of a folder can be read").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else {
                text.extend(fs_err::read(path).expect("a source can be read"));
            }
        }
    }
    text.iter().copied().cycle().take(SIZE).collect()
}

/// The sources without anything that a minifier leaves out.
fn minified(sources: &[u8]) -> Vec<u8> {
    let text: Vec<u8> = sources.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    text.iter().copied().cycle().take(SIZE).collect()
}

fn random() -> Vec<u8> {
    let mut numbers = numbers();
    std::iter::repeat_with(|| numbers().to_le_bytes()[1]).take(SIZE).collect()
}

/// Three anchors in each line.
fn dense() -> Vec<u8> {
    let mut text = String::new();
    for number in 0_u64.. {
        if text.len() >= SIZE / 8 {
            break;
        }
        let value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let _ = writeln!(text, "APP_{number}_CLIENT_SECRET={value:016x} token=https://{value:x}");
    }
    text.into_bytes()
}

fn search(criterion: &mut Criterion) {
    let sources = sources();
    let inputs = [("minified", minified(&sources)), ("sources", sources), ("random", random()), ("dense", dense())];
    let mut group = criterion.benchmark_group("anchors");
    for anchors in [anchors(), many_anchors()] {
        let search = AnchorSearch::new(&anchors, |_| Vec::new());
        for (name, bytes) in &inputs {
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            let mut sightings = Vec::new();
            group.bench_function(BenchmarkId::new(*name, anchors.len()), |bencher| {
                bencher.iter(|| {
                    sightings.clear();
                    search.scan(black_box(bytes), 0..bytes.len(), &mut sightings);
                    sightings.len()
                });
            });
        }
    }
    group.finish();
}

fn zones(criterion: &mut Criterion) {
    let search = AnchorSearch::new(&anchors(), |_| Vec::new());
    let bytes = sources();
    let mut group = criterion.benchmark_group("a thousand zones");
    for size in [16, 48, 64, 100, 1000] {
        group.throughput(Throughput::Elements(1000));
        let mut sightings = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                sightings.clear();
                for zone in 0..1000 {
                    let start = zone * (size + 37);
                    search.scan(black_box(&bytes), start..start + size, &mut sightings);
                }
                sightings.len()
            });
        });
    }
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    for anchors in [anchors(), many_anchors()] {
        group.bench_function(BenchmarkId::from_parameter(anchors.len()), |bencher| {
            bencher.iter(|| AnchorSearch::new(black_box(&anchors), |_| Vec::new()));
        });
    }
    group.finish();
}

criterion_group!(benches, search, zones, build);
criterion_main!(benches);
