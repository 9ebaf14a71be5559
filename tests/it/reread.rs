//! Places are read again: what stands there is what was found, and a place that changed does not pass for it.

use std::sync::Arc;

use rescind::detect::Detector;
use rescind::finding::{Finding, FingerprintKey, Location};
use rescind::rules::RuleSet;
use rescind::source::Collector;
use rescind::source::target::{self, Scope, TargetOptions};
use rescind::source::{ScanContext, reread};

use crate::env::Env;
use crate::leak::text;
use crate::samples::{environment_file, random};

fn scan(target: &str, scope: Scope) -> Vec<Finding> {
    let rules = RuleSet::load(&[]).expect("the rules of the binary");
    let detector = Detector::new(Arc::new(rules), FingerprintKey::default());
    let collector = Collector::default();
    let context = ScanContext { max_file_size: 1 << 20, ..ScanContext::new(&detector, &collector) };
    let options = TargetOptions { scope, ..TargetOptions::default() };
    for source in target::open(target, &options).expect("a target") {
        source.scan(&context);
    }
    collector.finish().0
}

/// What stands at the place now.
fn again(location: &Location) -> Option<Vec<u8>> {
    let range = usize::try_from(location.span.byte_start).ok()?..usize::try_from(location.span.byte_end).ok()?;
    reread::bytes(location).ok()?.get(range).map(<[u8]>::to_vec)
}

#[test]
fn every_place_can_be_read_again() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("deleted"));
    repository.commit("Start");
    repository.delete("a.env");
    repository.commit(&format!("Clean\n\n{}", environment_file("message")));
    repository.git(["tag", "-a", "v1", "-m", &environment_file("tag")]);
    let file = repository.write("b.env", environment_file("file"));
    repository.git(["add", "b.env"]);
    let target = text(&repository.path);

    let mut findings = scan(target, Scope::Everything);
    findings.extend(scan(target, Scope::Staged { files: Vec::new() }));
    let mut seen = Vec::new();
    for finding in &findings {
        for location in &finding.locations {
            assert!(again(location).is_some_and(|bytes| bytes == finding.secret.expose()), "{location:?}");
            seen.push(finding.secret.expose_str().expect("text").to_owned());
        }
    }
    seen.sort();
    // The file is told as itself, as a blob, and as staged.
    let mut expected = ["deleted", "message", "tag", "file", "file", "file"].map(|seed| random(seed, 40));
    expected.sort();
    assert_eq!(seen, expected);

    fs_err::remove_file(file).expect("the file");
    let gone = findings.iter().flat_map(|finding| &finding.locations).filter(|location| again(location).is_none());
    assert_eq!(gone.count(), 1);
}
