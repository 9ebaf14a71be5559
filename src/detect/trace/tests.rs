//! Traces that are taken over are those that would have been made; what is dead has no part in what is found.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::finding::FingerprintKey;
use crate::rules::{self, RuleSet};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::load(&[]).expect("the rules of the binary are valid");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

/// What the rules' examples and the example files say, with made-up values.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let (_, examples) = RuleSet::with_examples(&[]).expect("the rules of the binary are valid");
    let examples = examples.into_iter().flat_map(|examples| [examples.matches, examples.rejects].concat());
    let mut texts: Vec<String> = examples.collect();
    for folder in ["testdata/leaks", "testdata/quiet"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs_err::read_dir(folder).expect("the example files are there") {
            let bytes = fs_err::read(entry.expect("a readable directory").path()).expect("a readable file");
            let text = String::from_utf8_lossy(&bytes);
            texts.extend(text.lines().collect::<Vec<_>>().chunks(40).map(|lines| lines.join("\n")));
        }
    }
    texts.iter().filter_map(|text| rules::expand(text, text).ok()).collect()
});

/// What syntax is made of, and beginnings of what has a window.
const PIECES: &[&str] = &[
    "client_secret",
    "secret",
    "token",
    "password",
    "api_key",
    "Client Secret",
    "clientSecretOld",
    "key",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    ".",
    "eyJzdWIiOiJhIn0",
    ".c2lnbmF0dXJlc2lnbmF0dXJl",
    "=",
    ":",
    ": ",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "\n",
    "  ",
    " ",
    "\"kty\":\"RSA\",",
    "\"d\":\"abc\"",
    "://",
    "app:",
    "@",
    "value",
    "name: ",
    ",",
    "<",
    ">",
    "${",
    "Xq7bT2mKpL9wRz4vN8",
    "aB3xK9pQzR7wmT5vY1cD8fG2hJ6kL0n",
    "bearer ",
    "Authorization: ",
    "basic ",
    "curl -u ",
    "?",
    "&",
    "|",
    "(",
    ")",
    "%41",
    "\u{e9}",
    "clientId",
    "okta",
    "//registry.acme.dev/:_auth",
    "Token=",
    "kind: Secret\ndata:\n",
    "YTlYcTdiVDJtS3BMOXdSejR2Tjg=",
    " <- ",
    " || ",
    " ?: ",
    "[]",
    "{ get; set; }",
    "() { return ",
    "- ",
    ": |\n  ",
    "#define ",
    "os.getenv(",
    ", \"",
    "{\"value\": ",
    "$ENV{",
    "FROM stdin;\n",
    "------------------------",
    "----------------------------------------------",
];

fn text() -> impl Strategy<Value = String> {
    let known = any::<Index>().prop_map(|index| index.get(&TEXTS).clone());
    let cut = (any::<Index>(), any::<Index>()).prop_map(|(index, at)| {
        let text = index.get(&TEXTS);
        let cut = at.index(text.len() + 1);
        text.char_indices().filter(|(index, _)| *index >= cut).map(|(_, c)| c).collect()
    });
    let filling = (select(&["a", "Xq7", " ", "\n", "key=", "x: y\n"][..]), 0..300usize).prop_map(|(s, n)| s.repeat(n));
    let piece = prop_oneof![16 => select(PIECES).prop_map(str::to_owned), 2 => known, 2 => cut, 1 => filling];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// One step of an edit: something from the base, or something new.
#[derive(Clone, Debug)]
enum Step {
    Copy(Index, Index),
    CopyFew(Index, usize),
    Insert(String),
}

/// How a child is made from its base.
#[derive(Clone, Debug)]
enum Edit {
    /// Anything from anywhere.
    Mix(Vec<Step>),
    /// Small changes to the whole: where, how much is left out, what is put there.
    Patch(Vec<(Index, usize, String)>),
    Same,
}

fn edit() -> impl Strategy<Value = Edit> {
    let insert = || prop_oneof![3 => select(PIECES).prop_map(str::to_owned), 1 => text(), 2 => "[a-zA-Z= ]{0,3}"];
    let step = prop_oneof![
        4 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Step::Copy(a, b)),
        2 => (any::<Index>(), 0..40usize).prop_map(|(at, count)| Step::CopyFew(at, count)),
        2 => insert().prop_map(Step::Insert),
    ];
    let patch = (any::<Index>(), 0..12usize, insert());
    prop_oneof![
        4 => proptest::collection::vec(step, 0..10).prop_map(Edit::Mix),
        6 => proptest::collection::vec(patch, 0..6).prop_map(Edit::Patch),
        1 => Just(Edit::Same),
    ]
}

/// A child under construction.
#[derive(Default)]
struct Child {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

impl Child {
    fn copy(&mut self, base: &[u8], range: Range<usize>) {
        let run = Run { from: range.start, to: self.bytes.len(), length: range.len() };
        self.bytes.extend_from_slice(&base[range]);
        match self.runs.last_mut() {
            Some(last) if last.to + last.length == run.to && last.from + last.length == run.from => {
                last.length += run.length;
            }
            _ => self.runs.push(run),
        }
    }
}

impl Edit {
    fn apply(&self, base: &[u8]) -> Child {
        let mut child = Child::default();
        match self {
            Self::Same => child.copy(base, 0..base.len()),
            Self::Mix(steps) => {
                for step in steps {
                    match step {
                        Step::Copy(a, b) => {
                            let (a, b) = (a.index(base.len() + 1), b.index(base.len() + 1));
                            child.copy(base, a.min(b)..a.max(b));
                        }
                        Step::CopyFew(at, count) => {
                            let at = at.index(base.len() + 1);
                            child.copy(base, at..(at + count).min(base.len()));
                        }
                        Step::Insert(text) => child.bytes.extend_from_slice(text.as_bytes()),
                    }
                }
            }
            Self::Patch(patches) => {
                let mut patches: Vec<(usize, usize, &str)> =
                    patches.iter().map(|(at, gone, text)| (at.index(base.len() + 1), *gone, text.as_str())).collect();
                patches.sort_unstable();
                let mut position = 0;
                for (at, gone, text) in patches {
                    if at >= position {
                        child.copy(base, position..at);
                        child.bytes.extend_from_slice(text.as_bytes());
                        position = (at + gone).min(base.len());
                    }
                }
                child.copy(base, position..base.len());
            }
        }
        child
    }
}

/// Everything about candidates that can be compared.
fn describe(candidates: &[Candidate]) -> Vec<String> {
    let describe = |candidate: &Candidate| {
        let Candidate { rule, id, kind, confidence, severity, span, companions, .. } = candidate;
        format!("{} {id} {kind:?} {confidence:?} {severity:?} {span:?} {companions:?}", rule.id)
    };
    candidates.iter().map(describe).collect()
}

/// What is found when no sighting is left out.
fn judged_with_all(bytes: &[u8]) -> Vec<String> {
    describe(&DETECTOR.find_in(bytes, 0, &mut |_| {}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn traces_are_taken_over_unchanged(base in text(), edits in proptest::collection::vec(edit(), 1..4)) {
        let mut bytes = base.into_bytes();
        let mut trace = DETECTOR.trace(&bytes);
        for edit in edits {
            let child = edit.apply(&bytes);
            let retraced = DETECTOR.retrace_runs(&child.bytes, &trace, &child.runs);
            prop_assert_eq!(&retraced, &DETECTOR.trace(&child.bytes), "{:?}", edit);
            prop_assert_eq!(&retraced, &DETECTOR.retrace(&child.bytes, &trace, &child.runs), "{:?}", edit);
            (bytes, trace) = (child.bytes, retraced);
        }
    }

    #[test]
    fn what_is_dead_has_no_part_in_what_is_found(texts in proptest::collection::vec(text(), 1..4)) {
        let bytes = texts.concat().into_bytes();
        let trace = DETECTOR.trace(&bytes);
        let found = judged_with_all(&bytes);
        prop_assert!(found.is_empty() || !trace.is_quiet());
        prop_assert_eq!(describe(&DETECTOR.judge(&bytes, &trace)), found);
    }

    #[test]
    fn runs_that_cannot_be_are_not_believed(
        text in text(),
        runs in proptest::collection::vec((0..3000usize, 0..3000usize, prop_oneof![0..3000usize, Just(usize::MAX)]), 0..4),
    ) {
        let base = DETECTOR.trace(b"token = 1");
        let runs: Vec<Run> = runs.into_iter().map(|(from, to, length)| Run { from, to, length }).collect();
        if copied(text.len(), base.length, &runs).is_none() {
            prop_assert_eq!(DETECTOR.retrace(text.as_bytes(), &base, &runs), DETECTOR.trace(text.as_bytes()));
        }
    }
}

#[test]
fn every_example_is_found_by_what_is_alive() {
    for text in TEXTS.iter() {
        let found = describe(&DETECTOR.detect(text.as_bytes()));
        assert_eq!(found, judged_with_all(text.as_bytes()), "{text}");
    }
}

#[test]
fn every_cut_and_every_changed_byte_of_an_example() {
    let text = rules::expand(
        "a: 1\nACME_CLIENT_SECRET=<<base62:40>>\ncurl -u portal:<<base62:20>> https://as.acme.dev\ntoken gh<<>>p_<<github:30>>\n",
        "cuts",
    )
    .expect("templates of tests exist");
    let bytes = text.as_bytes();
    let base = DETECTOR.trace(bytes);
    assert_eq!(DETECTOR.judge(bytes, &base).len(), 3);
    for cut in 0..bytes.len() {
        for (gone, put) in [(0, &b"x"[..]), (0, b" "), (1, b""), (1, b"\n"), (2, b"=")] {
            let mut child = Child::default();
            child.copy(bytes, 0..cut);
            child.bytes.extend_from_slice(put);
            child.copy(bytes, (cut + gone).min(bytes.len())..bytes.len());
            let retraced = DETECTOR.retrace_runs(&child.bytes, &base, &child.runs);
            assert_eq!(retraced, DETECTOR.trace(&child.bytes), "{cut}");
        }
    }
}

/// Long enough for runs whose middle is taken over at once, whatever the windows.
#[test]
fn a_changed_byte_of_a_long_text() {
    let examples = TEXTS.iter().filter(|example| example.len() < 200).step_by(20);
    let between = "a line of some prose\n".repeat(20);
    let text: Vec<&str> = examples.flat_map(|example| [example, "\n", &between]).collect();
    let text = text.concat();
    let bytes = text.as_bytes();
    let base = DETECTOR.trace(bytes);
    assert!(!base.is_crowded && base.sightings.len() > 100 && bytes.len() > 2 * DETECTOR.widest.after);
    for cut in (0..bytes.len()).step_by(bytes.len() / 37) {
        let mut child = Child::default();
        child.copy(bytes, 0..cut);
        child.bytes.extend_from_slice(b"=");
        child.copy(bytes, (cut + 2).min(bytes.len())..bytes.len());
        assert_eq!(DETECTOR.retrace(&child.bytes, &base, &child.runs), DETECTOR.trace(&child.bytes), "{cut}");
    }
}

/// A sign far behind a name that nobody looks for once made another verdict of it than was taken over from before.
#[test]
fn a_sign_behind_a_name_and_blanks() {
    let text = format!("clientSecretOldkey{}", " ".repeat(80));
    let base = DETECTOR.trace(text.as_bytes());
    for cut in 18..text.len() {
        let mut child = Child::default();
        child.copy(text.as_bytes(), 0..cut);
        child.bytes.extend_from_slice(b".");
        child.copy(text.as_bytes(), cut..text.len());
        assert_eq!(DETECTOR.retrace(&child.bytes, &base, &child.runs), DETECTOR.trace(&child.bytes), "{cut}");
    }
}

#[test]
fn crowds_of_anchors_are_not_kept() {
    for (text, is_crowded) in [
        ("eyJ".repeat(30_000), true),
        ("secret=".repeat(20_000), true),
        ("service_account ".repeat(2_000), true),
        ("the token of a client\n".repeat(500), false),
    ] {
        let trace = DETECTOR.trace(text.as_bytes());
        assert_eq!((trace.is_crowded, trace.sightings.is_empty()), (is_crowded, is_crowded), "{}", &text[..16]);
        let run = Run { from: 0, to: 1, length: text.len() };
        let child = format!(" {text}");
        assert_eq!(DETECTOR.retrace(child.as_bytes(), &trace, &[run]), DETECTOR.trace(child.as_bytes()));
    }
    let line = "the passphrase \n".repeat(2_000);
    let child = line.clone() + &line + &line;
    let runs: Vec<Run> = (0..3).map(|number| Run { from: 0, to: number * line.len(), length: line.len() }).collect();
    let trace = DETECTOR.trace(line.as_bytes());
    assert!(!trace.is_crowded, "{}", DETECTOR.sightings(line.as_bytes()).len());
    assert_eq!(DETECTOR.retrace(child.as_bytes(), &trace, &runs), DETECTOR.trace(child.as_bytes()));
    assert!(DETECTOR.trace(child.as_bytes()).is_crowded);
}

#[test]
fn zones_hold_what_lies_in_no_run() {
    let run = |from, to, length| Run { from, to, length };
    let check = |runs: &[Run], expected: &[(usize, usize)]| {
        let mut zones = Vec::new();
        super::zones(1000, 4, runs, |zone| zones.push((zone.start, zone.end)));
        assert_eq!(zones, expected, "{runs:?}");
    };
    check(&[], &[(0, 1000)]);
    check(&[run(0, 0, 1000)], &[]);
    check(&[run(0, 10, 990)], &[(0, 14)]);
    check(&[run(0, 0, 990)], &[(986, 1000)]);
    check(&[run(0, 0, 500), run(600, 500, 500)], &[(496, 504)]);
    check(&[run(0, 0, 500), run(600, 510, 90), run(0, 700, 300)], &[(496, 514), (596, 704)]);
    check(&[run(0, 0, 500), run(600, 510, 50), run(0, 600, 400)], &[(496, 604)]);
}
