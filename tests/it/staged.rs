//! `scan --staged`: what `git commit` would record, and nothing else.

use std::path::Path;

use fs_err as fs;
use serde_json::Value;

use crate::env::{Env, Run};
use crate::leak::text;
use crate::samples::environment_file;

/// Scans the index as a hook would, with the work tree for its working directory.
fn staged(env: &Env, directory: &Path, files: &[&str]) -> Run {
    staged_with(env, directory, files, &[])
}

fn staged_with(env: &Env, directory: &Path, files: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = env.rescind();
    command.current_dir(directory).args(["scan", "--staged", "--format", "jsonl"]).args(files);
    command.envs(variables.iter().copied());
    let output = command.output().expect("the built program starts");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `path:line` of everything found.
fn found(run: &Run) -> Vec<String> {
    let findings = run.findings();
    let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
    let at = |location: &Value| format!("{}:{}", location["path"].as_str().unwrap_or("-"), location["line"]);
    let mut found: Vec<String> = locations.map(at).collect();
    found.sort();
    found
}

#[test]
fn the_index_is_scanned_and_not_the_work_tree() {
    let env = Env::new();
    let repository = env.repository("shop");
    let path = &repository.path;
    // Nothing is committed yet: everything is new.
    repository.write("a.env", environment_file("a"));
    repository.git(["add", "a.env"]);
    repository.write("a.env", "cleaned in the work tree only\n");
    repository.write("b.env", environment_file("b"));
    assert_eq!(found(&staged(&env, path, &[]).exits(1)), ["a.env:2"]);
    repository.git(["rm", "--quiet", "--cached", "-f", "a.env"]);
    assert_eq!(found(&staged(&env, path, &[]).exits(0)), [""; 0]);
    // Known to the index, but without content.
    repository.git(["add", "--intent-to-add", "b.env"]);
    assert_eq!(found(&staged(&env, path, &[]).exits(0)), [""; 0]);
}

#[test]
fn what_is_committed_already_does_not_block() {
    let env = Env::new();
    let repository = env.repository("shop");
    let path = &repository.path;
    let old = environment_file("old");
    repository.write("config/.env", &old);
    repository.write("other.env", environment_file("other"));
    repository.commit("Start");
    assert_eq!(found(&staged(&env, path, &[]).exits(0)), [""; 0]);

    repository.write("config/.env", format!("# one more line\n{old}{}", environment_file("new")));
    repository.git(["mv", "other.env", "moved.env"]);
    repository.git(["add", "--all"]);
    assert_eq!(found(&staged(&env, path, &[]).exits(1)), ["config/.env:5"]);
    // Files that are named are scanned in whole, changed or not.
    assert_eq!(found(&staged(&env, path, &["config/.env"]).exits(1)), ["config/.env:3", "config/.env:5"]);
    assert_eq!(found(&staged(&env, path, &["./moved.env", text(&path.join("config/.env"))]).exits(1)).len(), 3);
    // From a directory of the repository, paths are still the repository's, and names are those of the directory.
    let inside = path.join("config");
    assert_eq!(found(&staged(&env, &inside, &[]).exits(1)), ["config/.env:5"]);
    assert_eq!(found(&staged(&env, &inside, &["../moved.env"]).exits(1)), ["moved.env:2"]);
}

#[test]
fn named_files_that_are_not_in_the_index_are_told() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    let run = staged(&env, &repository.path, &["a.env"]).exits(3);
    assert_eq!(run.diagnostics()[0]["code"], "not-in-index");
}

#[test]
fn git_tells_which_index_and_repository_is_meant() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    let index = env.work().join("index");
    repository.write("a.env", environment_file("a"));
    env.tool("env", [&format!("GIT_INDEX_FILE={}", text(&index)), "git", "-C", text(&repository.path), "add", "a.env"]);
    assert_eq!(found(&staged(&env, &repository.path, &[])), [""; 0]);
    assert_eq!(found(&staged_with(&env, &repository.path, &[], &[("GIT_INDEX_FILE", text(&index))])), ["a.env:2"]);

    repository.git(["add", "a.env"]);
    let git_dir = repository.path.join(".git");
    let variables = [("GIT_DIR", text(&git_dir)), ("GIT_WORK_TREE", text(&repository.path))];
    assert_eq!(found(&staged_with(&env, &env.work(), &[], &variables)), ["a.env:2"]);
    assert!(staged(&env, &env.work(), &[]).exits(2).stderr.contains("not a git repository"));
}

#[test]
fn worktrees_and_submodules_have_an_index_of_their_own() {
    let env = Env::new();
    let library = env.repository("library");
    library.write("README.md", "# Library\n");
    library.commit("Start");
    let repository = env.repository("shop");
    repository.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "vendor"]);
    assert_eq!(found(&staged(&env, &repository.path, &[]).exits(0)), [""; 0]);
    repository.commit("Start");
    repository.git(["worktree", "add", "--quiet", "../beside"]);
    for name in ["shop/vendor", "beside"] {
        let path = env.input().join(name);
        env.write(&format!("{name}/a.env"), environment_file(name));
        env.tool("git", ["-C", text(&path), "add", "a.env"]);
        assert_eq!(found(&staged(&env, &path, &[]).exits(1)), ["a.env:2"], "{name}");
    }
    assert_eq!(found(&staged(&env, &repository.path, &[]).exits(0)), [""; 0]);
}

#[test]
fn both_sides_of_a_conflict_are_scanned() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", "nothing\n");
    repository.commit("Start");
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.write("a.env", environment_file("theirs"));
    repository.commit("Theirs");
    repository.git(["checkout", "--quiet", "main"]);
    repository.write("a.env", "ours\n");
    repository.commit("Ours");
    let merge = env.command("git").args(["-C", text(&repository.path), "merge", "--quiet", "side"]).output();
    assert!(!merge.expect("git starts").status.success(), "there is a conflict");
    assert_eq!(found(&staged(&env, &repository.path, &[]).exits(1)), ["a.env:2"]);
}

#[test]
fn an_index_that_is_damaged_is_an_error() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    repository.git(["add", "a.env"]);
    fs::write(repository.path.join(".git/index"), b"DIRC\0\0\0\x02\0\0\xff\xff").expect("the index");
    let run = staged(&env, &repository.path, &[]).exits(2);
    assert!(run.stderr.contains("index"), "{}", run.stderr);
}

#[test]
fn every_form_of_the_index_says_the_same() {
    let env = Env::new();
    let repository = env.repository("shop");
    let path = &repository.path;
    for directory in ["a", "a/b", "a/b/c", "b", "z/y/x"] {
        for file in ["one", "two"] {
            repository.write(&format!("{directory}/{file}.txt"), format!("{directory}\n"));
        }
    }
    repository.write("a.b", "sorts between the directory and what is in it\n");
    repository.commit("Start");
    repository.write("a/b/c/one.txt", environment_file("changed"));
    repository.write("z/new.env", environment_file("new"));
    repository.write("new/deep/down.env", environment_file("deep"));
    repository.delete("b/one.txt");
    repository.git(["add", "--all"]);
    repository.write("later.env", environment_file("later"));
    repository.git(["add", "--intent-to-add", "later.env"]);
    let expected = ["a/b/c/one.txt:2", "new/deep/down.env:2", "z/new.env:2"];
    for version in ["2", "4"] {
        repository.git(["update-index", "--index-version", version]);
        assert_eq!(found(&staged(&env, path, &[]).exits(1)), expected, "version {version}");
        // Has git note the trees of all directories, those that changed too.
        repository.git(["write-tree"]);
        assert_eq!(found(&staged(&env, path, &[]).exits(1)), expected, "version {version} with all trees");
    }
    repository.git(["rm", "--quiet", "--cached", "later.env"]);
    fs::remove_file(path.join("later.env")).expect("the file");
    repository.commit("Second");
    repository.git(["sparse-checkout", "set", "--cone", "--sparse-index", "a"]);
    assert_eq!(found(&staged(&env, path, &[]).exits(0)), [""; 0]);
    repository.write("a/b/two.txt", environment_file("sparse"));
    repository.git(["add", "a/b/two.txt"]);
    assert_eq!(found(&staged(&env, path, &[]).exits(1)), ["a/b/two.txt:2"]);
    // What is staged need not be in the work tree: HEAD goes back, and whole directories are new.
    repository.git(["reset", "--quiet", "--soft", "HEAD~1"]);
    let expected = ["a/b/c/one.txt:2", "a/b/two.txt:2", "new/deep/down.env:2", "z/new.env:2"];
    assert_eq!(found(&staged(&env, path, &[]).exits(1)), expected);
}

#[test]
fn an_index_of_several_pieces_is_an_error_that_says_what_to_do() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    repository.commit("Start");
    repository.git(["update-index", "--split-index"]);
    let run = staged(&env, &repository.path, &[]).exits(2);
    assert!(run.stderr.contains("git update-index --no-split-index"), "{}", run.stderr);
}
