//! What each rule costs in the scan of a large source tree: the time that detection takes with all rules, less what it takes
//! without that one, as a share of the former. Rules of the same anchor share what it costs, and leaving out one of them saves
//! little: the second figure is what the rule would cost alone, less what the cheapest of all does.
//!
//! `TREE=DIRECTORY cargo bench --bench rules`; without `TREE`, the sources of the packages that Cargo has unpacked.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a table is what it is for, of a tree that is told by `TREE`"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, hint};

use ignore::WalkBuilder;
use rescind::finding::FingerprintKey;
use rescind::rules::Rule;
use rescind::{Detector, RuleSet};

/// So many bytes are enough to tell a hundredth.
const CORPUS: usize = 128 << 20;
/// Files above this are generated, most of them.
const LARGEST: u64 = 1 << 20;
/// So many rules, the dearest when alone, are left out in turn.
const DEAREST: usize = 60;
/// Each in so many rounds, in turn with all rules; their median counts.
const ROUNDS: usize = 9;
/// A rule that costs more percent than this is measured again, in so many rounds.
const DEAR: f64 = 1.5;
const MORE_ROUNDS: usize = 31;

fn main() {
    let root = env::var_os("TREE").map_or_else(unpacked, PathBuf::from);
    let corpus = read(&root);
    let bytes: usize = corpus.iter().map(Vec::len).sum();
    let rules = RuleSet::load(&[]).expect("the rules of the binary are checked by a test").rules;
    let alone = |index: usize, rule: &Arc<Rule>| (time(&warm([rule], &corpus), &corpus), index);
    let mut costs: Vec<(f64, usize)> = rules.iter().enumerate().map(|(index, rule)| alone(index, rule)).collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let floor = costs.first().map_or(0.0, |(cost, _)| *cost);
    let all = warm(&rules, &corpus);
    let whole = median((0..ROUNDS).map(|_| time(&all, &corpus)));
    println!("{}: {} files, {} MB", root.display(), corpus.len(), bytes / 1_000_000);
    println!("all {} rules: {whole:.3} s; the cheapest alone: {floor:.3} s", rules.len());
    let saved_without = |index: usize, rounds: usize| {
        let others = rules.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, rule)| rule);
        let without = warm(others, &corpus);
        100.0 * median((0..rounds).map(|_| 1.0 - time(&without, &corpus) / time(&all, &corpus)))
    };
    let marginal = |(alone, index): &(f64, usize)| {
        let mut saved = saved_without(*index, ROUNDS);
        // What the machine does besides makes as much of a difference: only what is still dear in more rounds is.
        if saved > DEAR {
            saved = saved_without(*index, MORE_ROUNDS);
        }
        (saved, 100.0 * (alone - floor) / whole, rules.get(*index).map_or("", |rule| &rule.id))
    };
    let mut dearest: Vec<(f64, f64, &str)> = costs.iter().rev().take(DEAREST).map(marginal).collect();
    dearest.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (saved, alone, id) in dearest {
        println!("{saved:6.2} %, alone {alone:5.1} %  {id}");
    }
}

/// A detector with some rules, that has compiled what it needs.
fn warm<'a>(rules: impl IntoIterator<Item = &'a Arc<Rule>>, corpus: &[Vec<u8>]) -> Detector {
    let rules = rules.into_iter().map(Arc::clone).collect();
    let detector = Detector::new(Arc::new(RuleSet { rules, ..RuleSet::default() }), FingerprintKey::default());
    let _ = time(&detector, corpus);
    detector
}

/// Seconds that detection in the whole corpus takes on one thread.
fn time(detector: &Detector, corpus: &[Vec<u8>]) -> f64 {
    let start = Instant::now();
    for bytes in corpus {
        hint::black_box(detector.detect(hint::black_box(bytes)));
    }
    start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Files from all over a tree, in an order that does not depend on the file system.
fn read(root: &Path) -> Vec<Vec<u8>> {
    let is_small =
        |entry: &ignore::DirEntry| entry.metadata().is_ok_and(|data| data.is_file() && data.len() <= LARGEST);
    let walk = WalkBuilder::new(root).standard_filters(false).sort_by_file_name(Ord::cmp).build();
    let paths: Vec<PathBuf> = walk.filter_map(Result::ok).filter(is_small).map(ignore::DirEntry::into_path).collect();
    let mut size = 0;
    let mut corpus = Vec::new();
    // Every seventh first, so that a large tree is not told by its first directories.
    for path in (0..7).flat_map(|first| paths.iter().skip(first).step_by(7)) {
        let Ok(bytes) = fs_err::read(path) else { continue };
        size += bytes.len();
        corpus.push(bytes);
        if size >= CORPUS {
            break;
        }
    }
    assert!(!corpus.is_empty(), "{} has no files", root.display());
    corpus
}

/// Where Cargo unpacks packages.
fn unpacked() -> PathBuf {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    home.expect("HOME or CARGO_HOME is set").join("registry/src")
}
