//! What is found by looking only at what each version of a file changed is what is found by looking at all of it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rescind::detect::Detector;
use rescind::finding::{FingerprintKey, Place, TextSpan};
use rescind::rules::RuleSet;
use rescind::source::target::{self, Scope, TargetOptions};
use rescind::source::{Collector, ScanContext};

use crate::env::Env;
use crate::packed::{Delta, Entry, Instruction, PackFile};
use crate::samples::{environment_file, jwt, random};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a temporary file");
    file.write_all(GITLEAKS.as_bytes()).expect("a writable file");
    let rules = RuleSet::load(&[file.path().to_owned()]).expect("the rules of the binary and of the file");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

/// Rules of gitleaks, one of which requires another: one whose keyword may stand far from what it finds, one that gives way to others, one without an end.
const GITLEAKS: &str = r#"
[[rules]]
id = "far"
regex = '\b[0-9A-Za-z]{24}\b'
keywords = ["okta"]
[[rules]]
id = "giving-way"
regex = '(?i)api_key\W+(\w{8,})'
[[rules.allowlists]]
stopwords = ["x"]
[[rules]]
id = "endless"
regex = '(?s)glpat-.*example\.org'
[[rules]]
id = "accompanied"
regex = '(?i)secret\W+(\w{8,})'
[[rules.required]]
id = "any"
withinLines = 2
[[rules]]
id = "any"
regex = '\b[0-9A-Za-z]{24}\b|example'
skipReport = true
[allowlist]
regexTarget = "line"
regexes = ["comment"]
"#;

/// One place of one secret: its id, the rule, the object, and where in it.
type Leak = (String, String, String, TextSpan);

/// Everything in the history of a repository, at any confidence.
fn scan(repository: &Path, reuses_deltas: bool) -> BTreeSet<Leak> {
    let collector = Collector::default();
    let context = ScanContext { reuses_deltas, ..ScanContext::new(&DETECTOR, &collector) };
    let options = TargetOptions { scope: Scope::History, ..TargetOptions::default() };
    for source in target::open(repository, &options).expect("a repository") {
        source.scan(&context);
    }
    let (findings, diagnostics) = collector.finish();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let leaks = findings.iter().flat_map(|finding| {
        finding.locations.iter().map(|location| {
            let Place::Git(place) = &location.place else { panic!("history holds nothing but git's objects") };
            (finding.id.to_string(), finding.rule.clone(), place.oid.to_string(), location.span)
        })
    });
    leaks.collect()
}

/// The same, told by the detector from the expanded contents, without any repository. Which rule names a finding depends on
/// all of its places, and is left to the comparison of the scans.
fn leaks_of(pack: &PackFile) -> BTreeSet<(String, String, TextSpan)> {
    let leaks = pack.ids.iter().zip(&pack.contents).flat_map(|(oid, content)| {
        DETECTOR.detect(content).into_iter().map(move |found| {
            let span = TextSpan::locate(content, found.span.start, found.span.end);
            (found.id.to_string(), oid.clone(), span)
        })
    });
    leaks.collect()
}

fn without_rules(leaks: &BTreeSet<Leak>) -> BTreeSet<(String, String, TextSpan)> {
    leaks.iter().map(|(id, _, oid, span)| (id.clone(), oid.clone(), *span)).collect()
}

/// What the texts are made of: names, marks, values, and pieces of all of them, which edits join and tear apart.
fn pieces() -> Vec<Vec<u8>> {
    let key = ["-----BEGIN ", "PRIVATE KEY-----\n", "-----END ", "PRIVATE KEY-----\n"];
    let mut pieces: Vec<String> = [
        "client_secret",
        "_secret",
        "CLIENT_ID=",
        "password",
        "token: ",
        "api_key",
        "auth",
        "\"",
        "\": \"",
        "'",
        " = ",
        "=",
        "\n",
        "\n",
        "\n\n",
        "  ",
        "{",
        "}",
        "# comment",
        "value: ",
        "- name: ",
        "https://",
        "user:",
        "@example.org/",
        "eyJ",
        "key",
        "Authorization: Bearer ",
        "Basic ",
        ",",
        ";\n",
        "\\n",
        "\\\"",
        "<ClientSecret>",
        "</ClientSecret>",
        "okta",
    ]
    .map(str::to_owned)
    .into();
    pieces.extend(key.map(str::to_owned));
    pieces.extend([8, 24, 32, 40, 64, 500].map(|length| random(&format!("piece {length}"), length)));
    pieces
        .extend(["AIza", "ghp_", "GOCSPX-", "1//0", "glpat-"].map(|prefix| format!("{prefix}{}", random(prefix, 36))));
    pieces.push(environment_file("piece"));
    pieces.push(jwt(&serde_json::json!({"iss": "https://id.shop.internal", "sub": "someone"})));
    pieces.push("int main(void) { return 0; }\n".repeat(12));
    pieces.into_iter().map(String::into_bytes).chain([vec![0, 0xff, 0x80]]).collect()
}

fn text(pieces: &'static [Vec<u8>], most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(pieces), 0..most).prop_map(|pieces| pieces.concat())
}

/// One step of an edit, by shares of the base: what is there when the edit is made, nobody knows yet.
#[derive(Clone, Debug)]
enum Step {
    Copy(prop::sample::Index, prop::sample::Index),
    /// The base from here to its end, and from its start to here.
    Tail(prop::sample::Index),
    Head(prop::sample::Index),
    Insert(Vec<u8>),
}

fn step(pieces: &'static [Vec<u8>]) -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(from, to)| Step::Copy(from, to)),
        1 => any::<prop::sample::Index>().prop_map(Step::Tail),
        2 => any::<prop::sample::Index>().prop_map(Step::Head),
        3 => text(pieces, 4).prop_map(Step::Insert),
    ]
}

fn delta(base: &[u8], steps: &[Step]) -> Delta {
    let place = |index: &prop::sample::Index| index.index(base.len() + 1);
    let instructions = steps.iter().map(|step| match step {
        Step::Copy(from, to) => {
            let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
            Instruction::Copy(from, to - from)
        }
        Step::Tail(from) => Instruction::Copy(place(from), base.len() - place(from)),
        Step::Head(to) => Instruction::Copy(0, place(to)),
        Step::Insert(bytes) => Instruction::Insert(bytes.clone()),
    });
    let is_something = |instruction: &Instruction| match instruction {
        Instruction::Copy(_, length) => *length > 0,
        Instruction::Insert(bytes) => !bytes.is_empty(),
    };
    Delta(instructions.filter(is_something).collect())
}

/// How one entry is made: from nothing, or from an earlier one.
#[derive(Clone, Debug)]
enum Making {
    Whole(Vec<u8>),
    Delta { base: prop::sample::Index, is_near: bool, is_reference: bool, steps: Vec<Step> },
}

fn making(pieces: &'static [Vec<u8>]) -> impl Strategy<Value = Making> {
    let steps = prop::collection::vec(step(pieces), 0..8);
    let delta = (any::<prop::sample::Index>(), any::<bool>(), any::<bool>(), steps)
        .prop_map(|(base, is_near, is_reference, steps)| Making::Delta { base, is_near, is_reference, steps });
    prop_oneof![1 => text(pieces, 60).prop_map(Making::Whole), 6 => delta]
}

/// The entries and their contents. Where `is_reversed`, every entry stands before its base.
fn pack(makings: &[Making], is_reversed: bool) -> (Vec<Entry>, Vec<Vec<u8>>) {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    let place = |number: usize| if is_reversed { makings.len() - 1 - number } else { number };
    for making in makings {
        let (entry, content) = match making {
            Making::Delta { base, is_near, is_reference, steps } if !contents.is_empty() => {
                let base = if *is_near { contents.len() - 1 } else { base.index(contents.len()) };
                let delta = delta(&contents[base], steps);
                let content = delta.apply(&contents[base]);
                let entry = if *is_reference || is_reversed {
                    Entry::ReferenceDelta(place(base), delta)
                } else {
                    Entry::OffsetDelta(base, delta)
                };
                (entry, content)
            }
            Making::Delta { .. } => (Entry::Whole(Vec::new()), Vec::new()),
            Making::Whole(content) => (Entry::Whole(content.clone()), content.clone()),
        };
        entries.push(entry);
        contents.push(content);
    }
    if is_reversed {
        entries.reverse();
        contents.reverse();
    }
    (entries, contents)
}

#[test]
fn packs_of_any_deltas_give_the_same_either_way() {
    let pieces: &'static [Vec<u8>] = Vec::leak(pieces());
    let config = ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let made = tempfile::tempdir().expect("a temporary directory");
    let mut number = 0;
    let mut found = 0;
    let packs = (prop::collection::vec(making(pieces), 1..24), any::<bool>());
    let number_and_found = (&mut number, &mut found);
    let cell = std::cell::RefCell::new(number_and_found);
    runner
        .run(&packs, |(makings, is_reversed)| {
            let mut counts = cell.borrow_mut();
            *counts.0 += 1;
            let repository = made.path().join(counts.0.to_string());
            let (entries, contents) = pack(&makings, is_reversed);
            let pack = PackFile::write(&repository, &entries, contents);
            let by_deltas = scan(&repository, true);
            prop_assert_eq!(&by_deltas, &scan(&repository, false));
            prop_assert_eq!(without_rules(&by_deltas), leaks_of(&pack));
            *counts.1 += by_deltas.len();
            fs_err::remove_dir_all(&repository).expect("a directory of ours");
            Ok(())
        })
        .expect("the same either way");
    assert!(found > 2000, "the packs hold next to nothing: {found}");
}

/// Versions of a file as people write them, packed by git with windows and depths of all kinds.
#[test]
fn packs_of_git_give_the_same_either_way() {
    let env = Env::new();
    for (window, depth) in [(10, 50), (50, 4000), (250, 1), (3, 7), (0, 0)] {
        let repository = env.repository(&format!("shop-{window}"));
        let mut lines: Vec<String> = (0..120).map(|line| format!("setting_{line} = \"{line}\"")).collect();
        for version in 0..60 {
            let seed = format!("{window} {version}");
            match version % 4 {
                0 => lines[version] = environment_file(&seed),
                1 => lines.insert(version, format!("apiToken: \"{}\"", random(&seed, 40))),
                2 => drop(lines.remove(version / 2)),
                _ => lines.rotate_left(version),
            }
            repository.write("settings", lines.join("\n"));
            repository.write(&format!("copies/{}", version % 7), lines[version..].join("\n"));
            repository.commit("Change");
        }
        repository.git(["config", "pack.threads", "1"]);
        let (options, depth) = (format!("--window={window}"), format!("--depth={depth}"));
        repository.git(["repack", "-a", "-d", "-f", "-q", &options, &depth]);
        let by_deltas = scan(&repository.path, true);
        assert!(by_deltas.len() > 100, "{}", by_deltas.len());
        assert_eq!(by_deltas, scan(&repository.path, false), "{options}");
    }
}
