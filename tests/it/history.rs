//! Git history: every object is scanned once, and what is found is attributed as git itself would say.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use fs_err as fs;
use serde_json::{Value, json};

use crate::env::{Env, Run};
use crate::leak::text;
use crate::repository::Repository;
use crate::samples::{environment_file, random};

fn scan(env: &Env, arguments: &[&str]) -> Run {
    env.run(["scan", "--format", "jsonl"].iter().chain(arguments))
}

fn history(repository: &Repository<'_>, env: &Env) -> Run {
    scan(env, &["--history-only", text(&repository.path)])
}

/// What a location says, short enough to compare.
fn brief(location: &Value) -> String {
    let word = |name: &str| location[name].as_str().filter(|word| !word.is_empty()).unwrap_or("-").to_owned();
    let mut said = format!("{} {}", word("commit"), word("path"));
    for name in ["in_head", "reachable"] {
        if location[name] == true {
            said.push(' ');
            said.push_str(name);
        }
    }
    said
}

/// The places of the finding with this seed's secret, told apart by its redacted form.
fn places(run: &Run, seed: &str) -> Vec<String> {
    let secret = random(seed, 40);
    let is_same = |finding: &Value| {
        let redacted = finding["secret"]["redacted"].as_str().unwrap_or_default();
        let (head, tail) = redacted.split_once('…').unwrap_or_default();
        !head.is_empty() && secret.starts_with(head) && secret.ends_with(tail)
    };
    let findings: Vec<Value> = run.findings().into_iter().filter(is_same).collect();
    let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
    locations.map(brief).collect()
}

#[test]
fn every_place_where_history_keeps_a_secret() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    repository.write("deploy/.env", environment_file("deleted"));
    let leaked = repository.commit("Leak");
    repository.git(["mv", "deploy/.env", "old.env"]);
    let renamed = repository.commit("Rename");
    repository.delete("old.env");
    let told = repository.commit(&format!("Clean\n\n{}", environment_file("message")));
    repository.git(["tag", "-a", "v1", "-m", &environment_file("tag")]);

    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.write("side.txt", "side\n");
    repository.commit("Side");
    repository.git(["checkout", "--quiet", "main"]);
    repository.write("main.txt", "main\n");
    repository.commit("Main");
    repository.git(["merge", "--quiet", "--no-commit", "side"]);
    repository.write("evil.env", environment_file("merge"));
    let merge = repository.commit("Merge");

    repository.write("README.md", environment_file("stash"));
    repository.git(["stash", "--quiet"]);
    let stash = repository.git(["rev-parse", "refs/stash"]);
    repository.write("README.md", environment_file("earlier stash"));
    repository.git(["stash", "--quiet"]);
    repository.git(["stash", "drop", "--quiet"]);

    let noted = repository.git(["rev-parse", "HEAD"]);
    repository.git(["notes", "add", "-m", &environment_file("note")]);
    let note = repository.git(["rev-parse", "refs/notes/commits"]);

    repository.write("amended.env", environment_file("amended"));
    let amended = repository.commit("Amend me");
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    let dangling = env.write("dangling", environment_file("dangling"));
    repository.git(["hash-object", "-w", text(&dangling)]);

    let strange = repository.path.join(OsStr::from_bytes(b"strange-\xff.env"));
    fs::write(&strange, environment_file("strange")).expect("a file system that takes any name");
    let strange = repository.commit("Strange name");

    let check = |run: &Run| {
        let is_at = |seed: &str, expected: &[String]| {
            let mut expected = expected.to_vec();
            expected.sort();
            let mut said = places(run, seed);
            said.sort();
            assert_eq!(said, expected, "{seed}");
        };
        is_at("deleted", &[format!("{leaked} deploy/.env reachable"), format!("{renamed} old.env reachable")]);
        is_at("message", &[format!("{told} - in_head reachable")]);
        is_at("tag", &[format!("{told} - reachable")]);
        is_at("merge", &[format!("{merge} evil.env in_head reachable")]);
        is_at("stash", &[format!("{stash} README.md reachable")]);
        is_at("note", &[format!("{note} {noted} reachable")]);
        is_at("amended", &[format!("{amended} amended.env")]);
        is_at("dangling", &["- -".to_owned()]);
        is_at("strange", &[format!("{strange} strange-\\xff.env in_head reachable")]);
        assert_eq!(places(run, "earlier stash").len(), 1, "the reflog alone knew it");
        assert_eq!(run.summary()["complete"], true);
    };
    check(&history(&repository, &env).exits(1));
    repository.git(["repack", "--quiet", "-a", "-d", "-k"]);
    repository.git(["pack-refs", "--all"]);
    check(&history(&repository, &env).exits(1));
}

#[test]
fn authors_and_dates_are_those_of_the_commit() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("first.env", environment_file("first"));
    repository.git(["add", "."]);
    let path = text(&repository.path);
    env.tool(
        "env",
        [
            "GIT_AUTHOR_DATE=1700000000 +0530",
            "GIT_COMMITTER_DATE=1800000000 -0800",
            "GIT_AUTHOR_NAME=Zoë Ångström",
            "git",
            "-C",
            path,
            "commit",
            "-qm",
            "x",
        ],
    );
    let finding = history(&repository, &env).exits(1).finding("client_secret");
    let location = &finding["locations"][0];
    assert_eq!(location["author"], "Zoë Ångström <ada@test.invalid>");
    assert_eq!(location["date"], "2023-11-15T03:43:20+05:30");
    assert_eq!(location["blob"], repository.git(["rev-parse", "HEAD:first.env"]));
}

/// A history with branches, merges, renames, copies and returning files, the same in every run.
fn tangled(env: &Env) -> Repository<'_> {
    let repository = env.repository("tangled");
    let mut state = 12_345_u32;
    let mut choose = |below: u32| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) % below
    };
    repository.write("start", "start\n");
    repository.commit("start");
    for round in 0..40 {
        let branch = format!("b{}", choose(4));
        let known = repository.git(["branch", "--list", &branch]);
        if known.is_empty() {
            repository.git(["checkout", "--quiet", "-b", &branch]);
        } else {
            repository.git(["checkout", "--quiet", &branch]);
        }
        let path = format!("d{}/e{}/f{}", choose(2), choose(2), choose(3));
        match choose(6) {
            0 if repository.path.join(&path).exists() => repository.delete(&path),
            1 => {
                let other = format!("b{}", choose(4));
                if !repository.git(["branch", "--list", &other]).is_empty() {
                    // What conflicts is committed as it lies there: content that neither side had.
                    let path = text(&repository.path);
                    let merge =
                        env.command("git").args(["-C", path, "merge", "-q", "--no-commit", "--no-ff", &other]).output();
                    merge.expect("git starts");
                }
            }
            // Few different contents, so that the same blob comes back at other paths and times.
            _ => drop(repository.write(&path, environment_file(&format!("tangled {}", choose(5))))),
        }
        repository.commit(&format!("round {round}"));
    }
    repository
}

#[test]
fn attribution_agrees_with_git() {
    let env = Env::new();
    let repository = tangled(&env);
    // What git says: every (blob, path) of every commit, with the commits that have it.
    let mut holders: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let commits = repository.git(["rev-list", "--all"]);
    for commit in commits.lines() {
        for line in repository.git(["ls-tree", "-r", "--format=%(objectname) %(path)", commit]).lines() {
            let (blob, path) = line.split_once(' ').expect("two columns");
            holders.entry((blob.to_owned(), path.to_owned())).or_default().insert(commit.to_owned());
        }
    }
    holders.retain(|(_, path), _| path != "start");
    let head = repository.git(["rev-parse", "HEAD"]);
    let branches = repository.git(["for-each-ref", "--format=%(objectname) %(refname:short)", "refs/heads"]);
    let branches: Vec<(&str, &str)> = branches.lines().filter_map(|line| line.split_once(' ')).collect();

    let run = history(&repository, &env).exits(1);
    let findings = run.findings();
    let (mut said, mut lines) = (BTreeSet::new(), BTreeSet::new());
    for location in findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten() {
        let word = |name: &str| location[name].as_str().expect("a text").to_owned();
        let key = (word("blob"), word("path"));
        let commit = word("commit");
        let holders = holders.get(&key).unwrap_or_else(|| panic!("git knows no {key:?}"));
        assert!(holders.contains(&commit), "{commit} has no {key:?}");
        for parent in repository.git(["rev-parse", &format!("{commit}^@")]).lines() {
            assert!(!holders.contains(parent), "{parent} had {key:?} before {commit}");
        }
        assert_eq!(location["in_head"], holders.contains(&head), "{key:?}");
        assert_eq!(location["reachable"], true);
        let still: Vec<&str> =
            branches.iter().filter(|(tip, _)| holders.contains(*tip)).map(|&(_, name)| name).collect();
        assert_eq!(location["branches"], json!(still), "{key:?}");
        // A conflict that was committed holds the secrets of both sides.
        let line = location["line"].as_u64();
        assert!(lines.insert((key.clone(), line)), "each place is told once");
        said.insert(key);
    }
    assert_eq!(said, holders.into_keys().collect());
    assert!(said.len() > 12, "the history is tangled indeed");
}

#[test]
fn one_place_or_none_is_told_on_request() {
    let env = Env::new();
    let repository = tangled(&env);
    let path = text(&repository.path);
    let locations = |arguments: &[&str]| -> Vec<Value> {
        let findings = scan(&env, &[arguments, &["--history-only", path]].concat()).exits(1).findings();
        findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten().cloned().collect()
    };
    let full = locations(&["--attribution", "full"]);
    assert_eq!(full, locations(&[]));
    // By blob, its commits in an order in which no parent comes after its child.
    let order = repository.git(["rev-list", "--all", "--topo-order", "--reverse"]);
    let rank = |location: &Value| order.lines().position(|commit| location["commit"] == commit).expect("a commit");
    let of_blob = |locations: &[Value], blob: &Value| -> Vec<Value> {
        locations.iter().filter(|location| location["blob"] == *blob).cloned().collect()
    };
    let first = locations(&["--attribution", "first"]);
    for location in &first {
        let places = of_blob(&full, &location["blob"]);
        assert!(places.contains(location), "{location}");
        let commits: BTreeSet<usize> = places.iter().map(rank).collect();
        let is_ancestor = |&other: &usize| {
            let other = order.lines().nth(other).expect("a commit");
            let commit = location["commit"].as_str().expect("a commit");
            repository.git(["merge-base", commit, other]) == other && other != commit
        };
        assert!(!commits.iter().any(is_ancestor), "{location}");
    }
    let none = locations(&["--attribution", "none"]);
    for location in &none {
        for unknown in ["commit", "author", "in_head", "reachable", "branches"] {
            assert_eq!(location[unknown], Value::Null, "{location}");
        }
        assert_eq!(location["path"], "");
    }
    let blobs = |locations: &[Value]| -> BTreeSet<String> {
        locations.iter().map(|location| format!("{} {}", location["blob"], location["byte_start"])).collect()
    };
    assert_eq!((blobs(&first), blobs(&none)), (blobs(&full), blobs(&full)));
    assert_eq!((first.len(), none.len()), (blobs(&full).len(), blobs(&full).len()));
    assert!(full.len() > first.len());
    // Policies decide by places.
    let refused = scan(&env, &["--revoke", "plan", "--attribution", "first", path]).exits(2);
    assert!(refused.stderr.contains("--attribution"), "{}", refused.stderr);
}

#[test]
fn branches_that_still_hold_a_secret_are_named() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("deploy/.env", environment_file("kept"));
    repository.commit("Leak");
    repository.git(["branch", "release/1"]);
    repository.git(["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    repository.git(["tag", "v1"]);
    repository.delete("deploy/.env");
    let told = repository.commit(&format!("Clean\n\n{}", environment_file("told")));
    for number in 0..30 {
        repository.git(["branch", &format!("late/{number:02}")]);
    }
    let run = history(&repository, &env).exits(1);
    let location = |is_wanted: &dyn Fn(&Value) -> bool| {
        let findings = run.findings();
        let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
        locations.clone().find(|&location| is_wanted(location)).expect("found").clone()
    };
    let kept = location(&|location| location["path"] == "deploy/.env");
    assert_eq!((&kept["in_head"], &kept["branches"]), (&json!(false), &json!(["release/1", "origin/main"])));
    assert_eq!(kept["more_branches"], Value::Null);
    let message = location(&|location| location["commit"] == *told && location["object"] == "commit");
    let expected: Vec<String> = (0..20).map(|number| format!("late/{number:02}")).collect();
    assert_eq!((&message["branches"], &message["more_branches"]), (&json!(expected), &json!(11)));

    let shown = env.run(["scan", "--history-only", text(&repository.path)]).stdout;
    assert!(shown.contains(", not in HEAD, in branches release/1, origin/main"), "{shown}");
    assert!(shown.contains(", late/04 and 26 more"), "{shown}");
}

#[test]
fn repositories_of_every_layout_give_the_same_findings() {
    let env = Env::new();
    let repository = tangled(&env);
    let at = |name: &str| env.input().join(name);
    let path = text(&repository.path).to_owned();
    env.tool("git", ["clone", "--quiet", "--bare", &path, text(&at("bare.git"))]);
    env.tool("git", ["clone", "--quiet", "--shared", "--mirror", &path, text(&at("shared.git"))]);
    env.tool("git", ["clone", "--quiet", "--no-checkout", "--no-local", &path, text(&at("packed"))]);
    repository.git(["worktree", "add", "--quiet", "--detach", "../beside", "HEAD~1"]);
    let summary = |name: &str| {
        let run = scan(&env, &["--history-only", text(&at(name))]).exits(1);
        assert_eq!(run.summary()["complete"], true, "{name}");
        let mut findings = run.findings();
        for finding in &mut findings {
            for location in finding["locations"].as_array_mut().expect("a list") {
                // Named as the user named it, and HEAD and branches differ from clone to clone.
                let location = location.as_object_mut().expect("an object");
                location.remove("repository");
                location.remove("in_head");
                location.remove("branches");
            }
        }
        findings
    };
    let expected = summary("tangled");
    for name in ["tangled/.git", "bare.git", "shared.git", "packed", "beside"] {
        assert_eq!(summary(name), expected, "{name}");
    }
}

#[test]
fn a_commit_that_only_a_worktree_holds_is_reachable() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    repository.write(".env", environment_file("beside"));
    let leaked = repository.commit("Leak");
    repository.git(["worktree", "add", "--quiet", "--detach", "../beside"]);
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(places(&history(&repository, &env), "beside"), [format!("{leaked} .env reachable")]);
}

#[test]
fn object_formats_that_cannot_be_read_are_an_error() {
    let env = Env::new();
    let repository = env.repository("new");
    repository.write(".env", environment_file("new"));
    repository.git(["config", "core.repositoryFormatVersion", "1"]);
    repository.git(["config", "extensions.objectFormat", "sha512"]);
    let path = text(&repository.path);
    let run = scan(&env, &[path]).exits(2);
    assert!(run.stderr.contains("sha512") && run.stderr.contains("--no-history"), "{}", run.stderr);
    scan(&env, &["--no-history", path]).exits(1);
}

#[test]
fn references_that_cannot_be_read_are_told() {
    let env = Env::new();
    env.tool("git", ["init", "--quiet", "--ref-format=reftable", text(&env.input().join("shop"))]);
    let repository = env.existing_repository("shop");
    repository.write("a.env", environment_file("a"));
    let leaked = repository.commit("Start");
    let run = history(&repository, &env).exits(1);
    assert_eq!(places(&run, "a"), [format!("{leaked} a.env")]);
    assert_eq!(run.diagnostics()[0]["code"], "unread-references");
}

#[test]
fn a_missing_blob_is_told() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("a.env", environment_file("kept"));
    repository.write("b.txt", "lost\n");
    repository.commit("Start");
    let lost = repository.git(["rev-parse", "HEAD:b.txt"]);
    let (directory, file) = lost.split_at(2);
    fs::remove_file(repository.path.join(".git/objects").join(directory).join(file)).expect("a loose object");
    let run = history(&repository, &env).exits(1);
    assert_eq!(run.summary()["complete"], false);
    let diagnostics = run.diagnostics();
    assert!(diagnostics.iter().any(|it| it["code"] == "missing-object" && it.to_string().contains(&lost)), "{run:?}");
}

#[test]
fn what_only_unreachable_objects_miss_is_no_gap() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    repository.write("lost.txt", "lost\n");
    repository.commit("Amend me");
    let lost = repository.git(["rev-parse", "HEAD:lost.txt"]);
    let (directory, file) = lost.split_at(2);
    fs::remove_file(repository.path.join(".git/objects").join(directory).join(file)).expect("a loose object");
    assert_eq!(history(&repository, &env).exits(3).diagnostics().len(), 1);
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(history(&repository, &env).exits(0).diagnostics().len(), 0);
}

#[test]
fn oversize_blobs_are_told() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("big.env", environment_file("big").repeat(100));
    repository.write("small.env", environment_file("small"));
    repository.commit("Start");
    let big = repository.git(["rev-parse", "HEAD:big.env"]);
    let run = scan(&env, &["--history-only", "--max-file-size", "1000", text(&repository.path)]).exits(1);
    assert_eq!(run.findings().len(), 1);
    let diagnostics = run.diagnostics();
    assert!(diagnostics.iter().any(|it| it["code"] == "file-too-large" && it.to_string().contains(&big)), "{run:?}");
}

#[test]
fn a_tree_that_repeats_itself_billions_of_times_comes_to_an_end() {
    let env = Env::new();
    let repository = env.repository("bomb");
    let file = env.write("bomb/secret", environment_file("bomb"));
    let mut id = repository.git(["hash-object", "-w", text(&file)]);
    let mut entry = "100644 blob";
    for _ in 0..12 {
        let lines: Vec<String> = (0..10).map(|number| format!("{entry} {id}\td{number}\n")).collect();
        let list = env.write("list", lines.concat());
        id = env.tool("sh", ["-c", &format!("git -C {} mktree < {}", text(&repository.path), text(&list))]);
        entry = "040000 tree";
    }
    let commit = repository.git(["commit-tree", "-m", "bomb", &id]);
    repository.git(["update-ref", "refs/heads/main", &commit]);
    let run = history(&repository, &env).exits(1);
    assert!(run.diagnostics().iter().any(|it| it["code"] == "too-many-paths"), "{:?}", run.diagnostics());
}

#[test]
fn a_range_is_what_its_commits_brought_in() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("old.env", environment_file("old"));
    repository.commit("Start");
    repository.git(["checkout", "--quiet", "-b", "side"]);
    repository.write("side.env", environment_file("side"));
    let side = repository.commit("Side");
    repository.git(["checkout", "--quiet", "main"]);
    repository.git(["tag", "before"]);
    repository.write("gone.env", environment_file("gone"));
    let gone = repository.commit("Leak");
    repository.delete("gone.env");
    repository.git(["mv", "old.env", "moved.env"]);
    let told = repository.commit(&format!("Clean\n\n{}", environment_file("told")));
    repository.git(["merge", "--quiet", "--no-commit", "side"]);
    repository.write("evil.env", environment_file("evil"));
    let merge = repository.commit("Merge");
    repository.write("later.env", environment_file("later"));
    repository.git(["tag", "here"]);
    repository.commit("Later");
    repository.write("uncommitted.env", environment_file("uncommitted"));
    let path = text(&repository.path).to_owned();

    let check = |arguments: &[&str], expected: &[(&str, String)]| {
        let mut arguments = arguments.to_vec();
        arguments.push(&path);
        let run = scan(&env, &arguments);
        for (seed, place) in expected {
            assert_eq!(places(&run, seed), [place.as_str()], "{arguments:?} {seed}");
        }
        assert_eq!(run.findings().len(), expected.len(), "{arguments:?}: {}", run.stdout);
        assert_eq!(run.summary()["complete"], true, "{arguments:?}");
    };
    let expected = [
        ("gone", format!("{gone} gone.env reachable")),
        ("told", format!("{told} - in_head reachable")),
        ("side", format!("{side} side.env in_head reachable")),
        ("evil", format!("{merge} evil.env in_head reachable")),
    ];
    check(&["--range", "before..here"], &expected);
    check(&["--range", "before..HEAD~1"], &expected);
    check(&["--range", "HEAD~1..HEAD~1"], &[]);
    check(&["--range", "HEAD..before"], &[]);
    check(&["--range", "side..main^1^2"], &[]);
    let zeros = format!("{}..before", "0".repeat(40));
    let start = repository.git(["rev-parse", "before"]);
    check(&["--range", &zeros], &[("old", format!("{start} old.env reachable"))]);
    assert_eq!(scan(&env, &["--since", "before", &path]).findings().len(), expected.len() + 1);
    for wrong in ["before", "before...here"] {
        let run = scan(&env, &["--range", wrong, &path]).exits(2);
        assert!(run.stderr.contains(wrong), "{}", run.stderr);
    }
}

#[test]
fn the_tag_at_the_end_of_a_range_is_part_of_it() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    let start = repository.commit("Start");
    repository.git(["tag", "-a", "v1", "-m", &environment_file("inner")]);
    repository.git(["tag", "-a", "v1-signed", "v1", "-m", &environment_file("outer")]);
    let path = text(&repository.path);
    let places_of = |range: &str, seed: &str| places(&scan(&env, &["--range", range, path]), seed);
    let expected = [format!("{start} - reachable")];
    assert_eq!(places_of("HEAD..v1", "inner"), expected);
    assert_eq!(places_of("HEAD..v1-signed", "inner"), expected);
    assert_eq!(places_of("HEAD..v1-signed", "outer"), expected);
    assert_eq!(places_of("v1..v1-signed", "outer"), expected);
    assert!(places_of("v1..v1-signed", "inner").is_empty());
    assert!(places_of("v1..HEAD", "inner").is_empty());
}

#[test]
fn the_text_of_a_merged_tag_is_scanned() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    let side = repository.commit("Start");
    // As `git merge` records signed tags.
    let tag = format!("object {side}\ntype commit\ntag v1\ntagger A <a> 1 +0000\n\n{}", environment_file("merged"));
    let header = format!("mergetag {}", tag.trim_end().replace('\n', "\n "));
    let commit = repository.git(["cat-file", "commit", &side]);
    let (fields, message) = commit.split_once("\n\n").expect("a message");
    let merge = env.write("merge", format!("{fields}\n{header}\n\n{message}\n"));
    let merge = repository.git(["hash-object", "-t", "commit", "-w", text(&merge)]);
    repository.git(["reset", "--quiet", "--hard", &merge]);
    assert_eq!(places(&history(&repository, &env), "merged"), [format!("{merge} - in_head reachable")]);
}

#[test]
fn the_commits_of_a_range_are_told_from_others_whatever_the_clocks_say() {
    let env = Env::new();
    let repository = env.repository("clocks");
    let path = text(&repository.path);
    let tree = repository.git(["mktree"]);
    let mut state = 4_711_u32;
    let mut choose = |below: usize| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) as usize % below
    };
    let mut commits: Vec<String> = Vec::new();
    // By number, each commit with all that it descends from. `git rev-list` cannot be asked: it trusts the clocks too much.
    let mut histories: Vec<BTreeSet<usize>> = Vec::new();
    for number in 0_usize..60 {
        // Most commits follow the one before; some merge, some branch off, and many clocks are wrong.
        let mut parents: BTreeSet<usize> = number.checked_sub(1).into_iter().collect();
        if number > 3 && choose(4) == 0 {
            parents.clear();
            parents.insert(choose(number));
        }
        if number > 3 && choose(3) == 0 {
            parents.insert(choose(number));
        }
        let skew = if choose(5) == 0 { choose(40) * 60 } else { 0 };
        let date = format!("GIT_COMMITTER_DATE={} +0000", 1_700_000_000 + number * 60 - skew);
        let message = environment_file(&format!("commit {number}"));
        let mut arguments = vec![date.as_str(), "git", "-C", path, "commit-tree", "-m", &message, &tree];
        for &parent in &parents {
            arguments.extend(["-p", commits[parent].as_str()]);
        }
        commits.push(env.tool("env", arguments));
        let ancestors = parents.iter().flat_map(|&parent| histories[parent].clone());
        histories.push(ancestors.chain([number]).collect());
    }
    for _ in 0..20 {
        let (first, last) = (choose(commits.len()), choose(commits.len()));
        let expected: BTreeSet<&str> =
            histories[last].difference(&histories[first]).map(|&number| commits[number].as_str()).collect();
        let run = scan(&env, &["--range", &format!("{}..{}", commits[first], commits[last]), path]);
        let findings = run.findings();
        let locations = findings.iter().filter_map(|finding| finding["locations"].as_array()).flatten();
        let said: BTreeSet<&str> = locations.filter_map(|location| location["commit"].as_str()).collect();
        assert_eq!(said, expected, "{first}..{last}");
    }
}
