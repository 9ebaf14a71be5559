//! README's "See it work" is what `tests/demo` shows, but for what is another in every run.

use std::path::Path;

use regex::Regex;

use crate::env::Env;

/// What no two runs share, and what stands for it here.
const CHANGING: [(&str, &str); 9] = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"rsc1_[0-9a-f]{32}", "rsc1_ID"),
    (r"commit [0-9a-f]{12}", "commit ID"),
    (r"\d{4}-\d{2}-\d{2}(T[0-9:.]+Z)?", "DATE"),
    (r"\S{4}…\S{4}", "SECRET"),
    (r"in \d+(\.\d+)? m?s", "in TIME"),
    (r"\S*/state/rescind", "STATE"),
    (r"[0-9.]+ (K|M)?i?B\b", "SIZE"),
];

fn settled(text: &str) -> String {
    let text = CHANGING.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).expect("a pattern of this test").replace_all(&text, *name).into_owned()
    });
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn readme_shows_what_the_demonstration_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory");
    let env = Env::new();
    let mut demo = env.command(root.join("tests/demo"));
    demo.env("RESCIND", env!("CARGO_BIN_EXE_rescind")).env("CARGO_TARGET_DIR", target);
    let output = demo.output().expect("the demonstration starts");
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));

    let readme = fs_err::read_to_string(root.join("README.md")).expect("README");
    let section = readme.split("\n## See it work\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let block: Vec<&str> = section.expect("the section").lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let (told, run) = (settled(&block.join("\n")), settled(&shown));
    assert!(told == run, "README tells another run than this one:\n{shown}");
}
