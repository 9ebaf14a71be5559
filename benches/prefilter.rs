//! What the search for anchors costs: by kind of text and number of anchors, in small zones, and before it begins.
//!
//! `cargo bench --bench prefilter`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rescind::RuleSet;
use rescind::detect::AnchorSearch;

/// How many bytes of each kind of text are searched.
const SIZE: usize = 16 << 20;

/// How many bytes of each package.
const OF_PACKAGE: usize = 64 << 10;

/// How many anchors there are when there are many.
const MANY: usize = 2000;

fn rules() -> RuleSet {
    RuleSet::load(&[]).expect("the rules of the binary are checked by a test")
}

/// The search that a scan makes.
fn search_of_rules() -> AnchorSearch {
    AnchorSearch::of_rules(&rules())
}

/// The anchors of the rules in the binary.
fn anchors() -> BTreeSet<Vec<u8>> {
    let rules = rules();
    let anchors = rules.rules.iter().flat_map(|rule| &rule.anchors);
    anchors.map(|anchor| anchor.to_ascii_lowercase().into_bytes()).collect()
}

/// The same with prefixes and names as other providers might have.
fn many_anchors() -> Vec<Vec<u8>> {
    let mut anchors = anchors();
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

/// The sources of this program, which speak of secrets more than any other, over and over.
fn own_sources() -> Vec<u8> {
    let mut text = Vec::new();
    read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    text.iter().copied().cycle().take(SIZE).collect()
}

/// The first sources of each package that this program is built from, and of whatever else cargo keeps beside them.
fn sources() -> Vec<u8> {
    let home = option_env!("CARGO_HOME").map_or_else(|| Path::new(env!("HOME")).join(".cargo"), PathBuf::from);
    let mut all = Vec::new();
    for package in entries(&home.join("registry").join("src")).iter().flat_map(|registry| entries(registry)) {
        let mut text = Vec::new();
        read_sources(&package, &mut text);
        all.extend(text.iter().take(OF_PACKAGE));
    }
    assert!(!all.is_empty(), "cargo keeps the sources of packages in {}", home.display());
    all.iter().copied().cycle().take(SIZE).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).expect("the sources are there");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry of a folder can be read").path()).collect();
    entries.sort();
    entries
}

/// Adds the sources in a folder.
fn read_sources(folder: &Path, text: &mut Vec<u8>) {
    for path in entries(folder) {
        if path.is_dir() {
            read_sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.extend(fs_err::read(path).expect("a source can be read"));
        }
    }
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
    let inputs = [
        ("minified", minified(&sources)),
        ("sources", sources),
        ("own sources", own_sources()),
        ("random", random()),
        ("dense", dense()),
    ];
    let mut group = criterion.benchmark_group("anchors");
    let many = AnchorSearch::new(&many_anchors(), |_| Vec::new());
    for (anchors, search) in [("rules", search_of_rules()), ("many", many)] {
        for (name, bytes) in &inputs {
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            let mut sightings = Vec::new();
            group.bench_function(BenchmarkId::new(*name, anchors), |bencher| {
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
    let search = search_of_rules();
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
    let (rules, many) = (rules(), many_anchors());
    group.bench_function("rules", |bencher| bencher.iter(|| AnchorSearch::of_rules(black_box(&rules))));
    group.bench_function("many", |bencher| bencher.iter(|| AnchorSearch::new(black_box(&many), |_| Vec::new())));
    group.finish();
}

criterion_group!(benches, search, zones, build);
criterion_main!(benches);
