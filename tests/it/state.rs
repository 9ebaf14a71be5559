//! `--state`: what an earlier scan has looked through is not looked through again.

use fs_err as fs;

use crate::env::{Env, Run};
use crate::leak::text;
use crate::repository::Repository;
use crate::samples::environment_file;

/// Scans the history with a state file; gives the paths of what was found, and the number of items looked at.
fn scan(env: &Env, arguments: &[&str]) -> Run {
    let state = env.work().join("state");
    env.run(["scan", "--format", "jsonl", "--history-only", "--state", text(&state)].iter().chain(arguments))
}

fn paths(run: &Run) -> Vec<String> {
    let findings = run.findings();
    let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
    locations.map(|location| location["path"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A repository with one leak.
fn shop(env: &Env) -> Repository<'_> {
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    repository.commit("Start");
    repository
}

#[test]
fn only_what_is_new_is_scanned() {
    let env = Env::new();
    let repository = shop(&env);
    let path = text(&repository.path);
    assert_eq!(paths(&scan(&env, &[path]).exits(1)), ["a.env"]);
    let again = scan(&env, &[path]).exits(0);
    assert_eq!(again.summary()["items"], 0);

    repository.write("b.env", environment_file("b"));
    let second = repository.commit("More");
    let run = scan(&env, &[path]).exits(1);
    assert_eq!(paths(&run), ["b.env"]);
    assert_eq!(run.findings()[0]["locations"][0]["commit"], second);
    // The new blob and the new commit's message.
    assert_eq!(run.summary()["items"], 2);

    // Objects that git has moved into packs are the same objects.
    repository.git(["repack", "-q", "-a", "-d", "-f"]);
    scan(&env, &[path]).exits(0);
    assert_eq!(scan(&env, &[path]).exits(0).summary()["items"], 0);

    // A clone has nothing new either; a secret that came back at another path is no new object.
    env.tool("git", ["clone", "-q", "--no-local", path, text(&env.input().join("clone"))]);
    scan(&env, &[text(&env.input().join("clone"))]).exits(0);
}

#[test]
fn what_could_not_be_scanned_is_tried_again() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    repository.write("large.env", format!("{}\n{}", "x\n".repeat(4000), environment_file("large")));
    repository.commit("Start");
    let path = text(&repository.path);
    assert_eq!(paths(&scan(&env, &["--max-file-size", "4K", path]).exits(1)), ["a.env"]);
    assert_eq!(paths(&scan(&env, &[path]).exits(1)), ["large.env"]);
    scan(&env, &[path]).exits(0);
}

/// The second scan of a repository that lacks something once said that all was well.
#[test]
fn what_is_missing_is_told_again() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.txt", "nothing to be found\n");
    repository.commit("Start");
    let blob = repository.git(["rev-parse", "HEAD:a.txt"]);
    fs::remove_file(repository.path.join(".git/objects").join(&blob[..2]).join(&blob[2..])).expect("a loose object");
    let path = text(&repository.path);
    for _ in 0..2 {
        let run = scan(&env, &[path]).exits(3);
        assert!(run.stderr.contains(&blob), "{}", run.stderr);
    }
}

#[test]
fn another_way_of_looking_begins_anew() {
    let env = Env::new();
    let repository = shop(&env);
    let path = text(&repository.path);
    scan(&env, &["--except", "oauth-client-secret", path]);
    let run = scan(&env, &[path]).exits(1);
    assert_eq!(paths(&run), ["a.env"]);
    assert!(run.stderr.contains("everything is scanned again"), "{}", run.stderr);
    assert_eq!(paths(&scan(&env, &["--min-confidence", "low", path]).exits(1)), ["a.env"]);
}

#[test]
fn a_state_file_that_is_none_is_an_error_and_stays_as_it_is() {
    let env = Env::new();
    let repository = shop(&env);
    let path = text(&repository.path);
    let state = env.write_work("state", "something else\n");
    let run = scan(&env, &[path]).exits(2);
    assert!(run.stderr.contains("is no state file, or a damaged one"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&state).expect("there"), "something else\n");
    fs::remove_file(&state).expect("there");
    // A report that cannot be written leaves the state alone: what it was to tell is told by the next scan.
    let report = env.work().join("report.json");
    fs::create_dir(&report).expect("writable");
    scan(&env, &["--output", text(&report), path]).exits(2);
    assert!(!state.exists());
    scan(&env, &[path]).exits(1);
    env.run(["scan", "--staged", "--state", text(&state)]).exits(2);
}
