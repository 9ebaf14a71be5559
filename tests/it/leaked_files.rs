//! Files as teams write them: what is found in each, and that their innocent twins stay quiet.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::env::Env;
use crate::leak::text;

/// Writes the files of a folder of `testdata` below the input, their templates expanded, and gives their number.
fn expand_folder(env: &Env, folder: &str) -> usize {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let mut number = 0;
    for entry in fs_err::read_dir(source).expect("a folder of testdata") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let content = fs_err::read_to_string(&path).expect("text");
        env.write(name, rescind::rules::expand(&content, name).expect("templates that exist"));
        number += 1;
    }
    number
}

/// One line for each finding: where, by which rule, as what, and with which parts.
fn lines(findings: &[Value]) -> String {
    let mut lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let place = &finding["locations"][0];
            let name = place["path"].as_str().and_then(|path| path.rsplit('/').next()).expect("a path");
            let mut line = format!("{name}:{} {}", place["line"], finding["rule"].as_str().expect("a rule"));
            let _ = write!(line, " {}", finding["confidence"].as_str().expect("a confidence"));
            let mut names: Vec<&str> =
                finding["parts"].as_array().into_iter().flatten().filter_map(|part| part["name"].as_str()).collect();
            names.dedup();
            if !names.is_empty() {
                let _ = write!(line, " with {}", names.join(", "));
            }
            line
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn credentials_are_found_in_the_files_they_sprawl_to() {
    let env = Env::new();
    let files = expand_folder(&env, "leaks");
    let run = env.run(["scan", "--format", "jsonl", text(&env.input())]).exits(1);
    assert_eq!(run.summary()["items"], files);
    insta::assert_snapshot!(lines(&run.findings()));
}

#[test]
fn files_that_look_alike_stay_quiet() {
    let env = Env::new();
    let files = expand_folder(&env, "quiet");
    let run = env.run(["scan", "--format", "jsonl", text(&env.input())]);
    assert_eq!(lines(&run.findings()), "");
    assert_eq!(run.exits(0).summary()["items"], files);
}
