//! Directory trees: every file is scanned, whatever hides it, and what cannot be is told.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use crate::env::{Env, Run};
use crate::leak::text;
use crate::samples::environment_file;

fn scan(env: &Env, arguments: &[&str]) -> Run {
    env.run(["scan", "--format", "jsonl"].iter().chain(arguments))
}

/// The paths of everything found, without those in git history.
fn paths(run: &Run) -> Vec<String> {
    let findings = run.findings();
    let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
    let files = locations.filter(|location| location["source"] == "file");
    let mut paths: Vec<String> = files.filter_map(|location| location["path"].as_str()).map(str::to_owned).collect();
    paths.sort();
    paths
}

fn diagnostics(run: &Run) -> Vec<String> {
    let told = |it: &Value| format!("{} {}", it["code"].as_str().unwrap_or("-"), it["place"].as_str().unwrap_or("-"));
    run.diagnostics().iter().map(told).collect()
}

#[test]
fn hidden_and_ignored_files_are_scanned_and_git_s_own_are_not() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write(".gitignore", ".env\nbuild/\n");
    repository.write(".env", environment_file("ignored"));
    repository.write("build/.hidden/app.env", environment_file("built"));
    repository.write(".git/config.env", environment_file("internal"));
    repository.write("vendor/.git", "gitdir: ../nowhere\n");
    repository.write("vendor/library.env", environment_file("library"));
    let path = text(&repository.path);
    let run = scan(&env, &[path]).exits(1);
    let expected = ["/.env", "/build/.hidden/app.env", "/vendor/library.env"].map(|below| format!("{path}{below}"));
    assert_eq!(paths(&run), expected);
    assert_eq!(diagnostics(&run), [format!("nested-repository {path}/vendor")]);
    assert_eq!(run.summary()["complete"], true);
}

#[test]
fn paths_are_as_reached_from_the_target() {
    let env = Env::new();
    env.write("shop/src/a.env", environment_file("a"));
    for (directory, target, expected) in [
        ("shop", ".", "src/a.env"),
        ("shop", "src", "src/a.env"),
        ("shop", "./src/a.env", "src/a.env"),
        ("shop/src", "a.env", "a.env"),
        ("shop/src", "..", "../src/a.env"),
        ("shop/src", "tree:.", "a.env"),
    ] {
        let mut command = env.rescind();
        command.current_dir(env.input().join(directory)).args(["scan", "--format", "jsonl", target]);
        let output = command.output().expect("the built program starts");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let run = Run { code: output.status.code(), stdout, stderr: String::new() }.exits(1);
        assert_eq!(paths(&run), [expected], "{target} in {directory}");
    }
}

#[test]
fn links_are_followed_only_where_they_are_the_target() {
    let env = Env::new();
    env.write("elsewhere/a.env", environment_file("a"));
    env.write("tree/b.txt", "nothing\n");
    let at = |name: &str| env.input().join(name);
    symlink(at("elsewhere"), at("tree/link")).expect("a link");
    symlink(at("tree"), at("tree/loop")).expect("a link");
    symlink(at("nowhere"), at("tree/broken")).expect("a link");
    symlink(at("elsewhere"), at("to-directory")).expect("a link");
    symlink(at("elsewhere/a.env"), at("to-file")).expect("a link");
    let run = scan(&env, &[text(&at("tree"))]).exits(0);
    assert_eq!((run.summary()["items"].as_u64(), diagnostics(&run).len()), (Some(1), 0));
    assert_eq!(paths(&scan(&env, &[text(&at("to-directory"))])), [text(&at("to-directory/a.env"))]);
    assert_eq!(paths(&scan(&env, &[text(&at("to-file"))])), [text(&at("to-file"))]);
}

#[test]
fn pipes_and_sockets_are_passed_by() {
    let env = Env::new();
    env.write("tree/a.env", environment_file("a"));
    let pipe = env.input().join("tree/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
    let _socket = std::os::unix::net::UnixListener::bind(env.input().join("tree/socket")).expect("a socket");
    let run = scan(&env, &[text(&env.input().join("tree"))]).exits(1);
    assert_eq!(run.summary()["complete"], true);
    assert!(scan(&env, &[text(&pipe)]).exits(2).stderr.contains("pipe"));
}

#[test]
fn files_over_the_limit_are_told() {
    let env = Env::new();
    let file = env.write("tree/big.env", environment_file("big"));
    let tree = env.input().join("tree");
    let size = fs::metadata(&file).expect("the file").len();
    let check = |limit: u64, code: i32, told: usize| {
        let run = scan(&env, &["--max-file-size", &limit.to_string(), text(&tree)]).exits(code);
        assert_eq!(diagnostics(&run).len(), told, "{limit}");
    };
    check(size, 1, 0);
    check(size - 1, 3, 1);
}

#[test]
fn files_of_any_size_are_scanned_to_their_end() {
    let env = Env::new();
    let lines = "a line of a long log ä\n".repeat(200_000);
    env.write("tree/service.log", lines.clone() + &environment_file("log") + &lines);
    let run = scan(&env, &[text(&env.input().join("tree"))]).exits(1);
    let small = env.write("small.env", environment_file("log"));
    let alone = scan(&env, &[text(&small)]).exits(1);
    let spans = |run: &Run| -> Vec<(u64, u64, u64)> {
        let number = |value: &Value| value.as_u64().expect("a number");
        let findings = run.findings();
        let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
        locations.map(|it| (number(&it["line"]), number(&it["column"]), number(&it["byte_start"]))).collect()
    };
    let moved = |(line, column, byte): &(u64, u64, u64)| (line + 200_000, *column, byte + lines.len() as u64);
    assert_eq!(spans(&run), spans(&alone).iter().map(moved).collect::<Vec<_>>());
    assert_eq!(run.summary()["bytes"].as_u64(), Some((2 * lines.len() + environment_file("log").len()) as u64));
}

#[test]
fn repositories_within_a_tree_are_told() {
    let env = Env::new();
    let repository = env.repository("all/shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    let all = env.input().join("all");
    env.tool("git", ["clone", "--quiet", "--bare", text(&repository.path), text(&all.join("mirrors/shop.git"))]);
    let run = scan(&env, &[text(&all)]).exits(3);
    let told = |below: &str| format!("nested-repository {}", text(&all.join(Path::new(below))));
    assert_eq!(diagnostics(&run), [told("mirrors/shop.git"), told("shop")]);
}

#[test]
fn a_history_that_is_not_there_is_told() {
    let env = Env::new();
    env.write("copied/.git", "gitdir: ../nowhere\n");
    env.write("copied/README.md", "# Shop\n");
    let repository = env.repository("damaged");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    fs::remove_file(repository.path.join(".git/HEAD")).expect("a HEAD");
    for (name, code) in [("copied", 0), ("damaged", 3)] {
        let path = env.input().join(name);
        let run = scan(&env, &[text(&path)]).exits(code);
        assert_eq!(diagnostics(&run), [format!("missing-repository {}", text(&path))]);
        assert_eq!(diagnostics(&scan(&env, &["--no-history", text(&path)]).exits(0)), [""; 0]);
    }
}

#[test]
fn excluded_paths_are_left_out_everywhere() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("a"));
    repository.write("vendor/deep/b.env", environment_file("b"));
    repository.write("test/c.env", environment_file("c"));
    repository.commit("Start");
    let path = text(&repository.path);
    let paths = |arguments: &[&str]| {
        let run = env.run(["scan", "--format", "jsonl"].iter().chain(arguments).chain(&[path]));
        let findings = run.findings();
        let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
        let mut paths: Vec<String> =
            locations.map(|location| location["path"].as_str().unwrap_or_default().replace(path, "")).collect();
        paths.sort();
        paths
    };
    for part in ["--no-history", "--history-only"] {
        let slash = if part == "--no-history" { "/" } else { "" };
        let expected = |names: &[&str]| names.iter().map(|name| format!("{slash}{name}")).collect::<Vec<_>>();
        assert_eq!(paths(&[part]), expected(&["a.env", "test/c.env", "vendor/deep/b.env"]));
        assert_eq!(paths(&[part, "--exclude", "vendor/"]), expected(&["a.env", "test/c.env"]));
        assert_eq!(paths(&[part, "--exclude", "*.env", "--exclude", "!c.env"]), expected(&["test/c.env"]));
    }
    let run = env.run(["scan", "--exclude", "{a", path]).exits(2);
    assert!(run.stderr.contains("`{a`"), "{}", run.stderr);
}

#[test]
fn comments_allow_secrets_where_they_stand_and_nowhere_else() {
    let env = Env::new();
    let file = environment_file("allowed");
    let line = file.lines().last().expect("the line of the secret");
    for (name, content) in [
        ("ours.env", format!("{line} # rescind:allow\n")),
        ("theirs.env", format!("# pragma: allowlist nextline secret\n{line}\n")),
    ] {
        env.write(&format!("shop/{name}"), content);
    }
    let path = env.input().join("shop");
    let run = scan(&env, &[text(&path)]).exits(0);
    assert_eq!(paths(&run), Vec::<String>::new());
    assert_eq!(run.summary()["suppressed"], 1, "one secret in two places");

    let run = scan(&env, &["--no-suppressions", text(&path)]).exits(1);
    assert_eq!(paths(&run).len(), 2);
    assert_eq!(run.summary()["suppressed"], 0);

    env.write("shop/plain.env", format!("{line}\n"));
    let run = scan(&env, &[text(&path)]).exits(1);
    assert_eq!(paths(&run), [format!("{}/plain.env", text(&path))]);
    assert_eq!(run.summary()["suppressed"], 0, "it is shown where no comment allows it");
}

#[test]
fn comments_that_allow_nothing_are_told() {
    let env = Env::new();
    let secret = environment_file("used");
    let secret = secret.lines().last().expect("the line of the secret");
    env.write(
        "shop/a.env",
        format!("{secret} # rescind:allow\nPORT=80 # rescind:allow\n# rescind:allow-next-line\n{secret}\n"),
    );
    env.write("shop/b.py", "# rescind:allow-next-line: was a fixture\nx = 1\nprint('write # rescind:allow')\n");
    env.write("shop/README.md", "A comment `rescind:allow` allows; so does `# gitleaks:allow`.\n");
    env.write("shop/many.txt", "# rescind:allow here\n".repeat(9_000));
    let path = env.input().join("shop");
    let run = scan(&env, &[text(&path)]).exits(0);
    assert_eq!(run.summary()["suppressed"], 1);
    let told: Vec<String> = diagnostics(&run).into_iter().filter(|told| !told.contains("many.txt")).collect();
    let expected = ["a.env:2", "b.py:1"].map(|place| format!("unused-allow-comment {}/{place}", text(&path)));
    assert_eq!(told, expected);
    assert_eq!(diagnostics(&run).len(), 102);
    // Who leaves out a rule, or what comments say, does not ask for them.
    for arguments in [["--except", "jwt"], ["--only", "jwt"], ["--no-suppressions", "--quiet"]] {
        let run = scan(&env, &[&arguments[..], &[text(&path)]].concat());
        assert_eq!(diagnostics(&run), [""; 0], "{arguments:?}");
    }
}

#[test]
fn ignore_files_of_a_target_name_findings_and_places() {
    let env = Env::new();
    let (by_id, by_place) = (environment_file("id"), environment_file("place"));
    env.write("shop/src/id.env", by_id);
    env.write("shop/src/place.env", by_place);
    let path = env.input().join("shop");
    let path = text(&path);
    let ids =
        |run: &Run| run.findings().iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>();
    let at = |name: &str| {
        let run = scan(&env, &[&format!("{path}/src/{name}")]).exits(1);
        ids(&run).remove(0)
    };
    env.write("shop/.rescindignore", format!("# a fixture\n{}\n", at("id.env")));
    env.write("shop/.gitleaksignore", "src/place.env:generic-api-key:2\nsrc/gone.env:generic-api-key:1\n");
    let run = scan(&env, &[path]).exits(0);
    assert_eq!(run.summary()["suppressed"], 2);
    assert_eq!(diagnostics(&run), ["stale-suppression src/gone.env:1"]);
    let run = scan(&env, &["--no-suppressions", path]).exits(1);
    assert_eq!(run.findings().len(), 2);

    // The same list, named by whoever scans.
    let list = format!("{path}/.gitleaksignore");
    let run = scan(&env, &["--no-suppressions", "--baseline", &list, path]).exits(1);
    assert_eq!(ids(&run), [at("id.env")]);
}
