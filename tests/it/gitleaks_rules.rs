//! Rules of gitleaks of the rarer sorts: those that report files by their paths alone, and those that require others beside them.

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};

use crate::env::{Env, Run};
use crate::leak::text;
use crate::samples::{environment_file, random};

/// A rule that looks for files.
const FILES: &str = r#"
[[rules]]
id = "key-store"
description = "Key store"
path = '''(?i)(^|/)keys/[^/]+\.p(12|fx)$'''
[[rules.allowlists]]
paths = ['''(^|/)old/''']
"#;

fn scan(env: &Env, arguments: &[&str]) -> Run {
    env.run(["scan", "--format", "jsonl"].iter().chain(arguments))
}

fn locations(finding: &Value) -> Vec<Value> {
    finding["locations"].as_array().expect("locations").clone()
}

/// The rules and places of what is found: `rule path:line`.
fn places(run: &Run) -> Vec<String> {
    let mut places = Vec::new();
    for finding in run.findings() {
        for at in locations(&finding) {
            let path = at["path"].as_str().expect("a path");
            let name = path.rsplit_once("/shop/").map_or(path, |(_, name)| name);
            places.push(format!("{} {name}:{}", finding["rule"].as_str().expect("a rule"), at["line"]));
        }
    }
    places.sort();
    places
}

/// A zip archive with one member.
fn zip(path: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(path, zip::write::SimpleFileOptions::default()).expect("a member");
    writer.write_all(content).expect("memory");
    writer.finish().expect("an archive").into_inner()
}

/// What a key store holds: bytes that are no text, on two lines.
const STORE: &str = "\u{30}\u{82} one\ntwo\u{0} three";

#[test]
fn files_are_found_by_their_paths_when_they_are_staged() {
    let env = Env::new();
    let rules = env.write_work("rules.toml", FILES);
    let repository = env.repository("repository");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    let staged = || {
        let mut command = env.rescind();
        command.current_dir(&repository.path).args(["scan", "--staged", "--format", "jsonl", "--rules", text(&rules)]);
        Run::of(command.output().expect("the built program starts"))
    };
    repository.write("keys/shop.pfx", STORE);
    repository.git(["add", "keys/shop.pfx"]);
    let first = staged().exits(1).findings();
    assert_eq!((first[0]["kind"].as_str(), first[0]["rule"].as_str()), (Some("file"), Some("key-store")));
    repository.commit("Keys");
    staged().exits(0);
    // With a line less it is another file.
    repository.write("keys/shop.pfx", "\u{30}\u{82} one\n");
    repository.git(["add", "keys/shop.pfx"]);
    assert_ne!(staged().exits(1).findings()[0]["id"], first[0]["id"]);
    repository.git(["mv", "-f", "keys/shop.pfx", "shop.pfx"]);
    staged().exits(0);
}

#[test]
fn files_are_found_by_their_paths_wherever_they_stand() {
    let env = Env::new();
    env.write_work("rules.toml", FILES);
    let repository = env.repository("repository");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    repository.write("keys/shop.pfx", STORE);
    repository.write("lib/c.zip", zip("keys/b.p12", STORE.as_bytes()));
    repository.commit("Keys");
    repository.git(["rm", "-r", "keys"]);
    repository.commit("No keys");
    env.write("tree/keys/a.PFX", STORE);
    env.write("tree/keys/empty.pfx", "");
    env.write("tree/keys/a.pfx.txt", STORE);
    env.write("tree/other/a.pfx", STORE);
    env.write("tree/old/keys/a.pfx", STORE);
    env.write("tree/c.zip", zip("keys/b.p12", STORE.as_bytes()));
    env.write("tree/keys/d.p12", zip("a", b"b"));
    env.write("tree/keys/e.pfx", [STORE.as_bytes(), &vec![b'x'; 20 << 20]].concat());
    env.oci_layout("image", "/srv/keys/c.pfx", STORE);
    // Those with the content, and how many others.
    let expected: [(&str, &[&str], &[&str], usize); 5] = [
        ("tree", &[], &["c.zip!/keys/b.p12", "keys/a.PFX"], 2),
        ("repository", &["--history-only"], &["keys/shop.pfx", "lib/c.zip!/keys/b.p12"], 0),
        ("repository", &["--history-only", "--no-delta-reuse"], &["keys/shop.pfx", "lib/c.zip!/keys/b.p12"], 0),
        ("repository", &["--range", "HEAD~2..HEAD~1"], &["keys/shop.pfx", "lib/c.zip!/keys/b.p12"], 0),
        ("image", &[], &["srv/keys/c.pfx"], 0),
    ];
    let mut ids = Vec::new();
    for (name, arguments, paths, others) in expected {
        let target = env.input().join(name);
        let run = scan(&env, &[&["--rules", "rules.toml", text(&target)], arguments].concat()).exits(1);
        assert_eq!(run.summary()["complete"], true);
        let findings = run.findings();
        assert_eq!(findings.len(), others + 1, "{name}: {:?}", places(&run));
        let size = STORE.len() as u64;
        let same = findings.iter().find(|finding| finding["secret"]["length"] == size).expect("the store");
        assert_eq!(same["secret"], json!({"redacted": "(the whole file)", "length": size}));
        ids.push(same["id"].clone());
        let places = locations(same);
        assert!(places.len() == paths.len() && paths.iter().all(|path| is_among(path, &places)), "{places:?}");
        let numbers = ["line", "column", "end_line", "end_column", "byte_start", "byte_end"];
        assert_eq!(numbers.map(|key| places[0][key].as_u64()), [1, 1, 2, 11, 0, size].map(Some), "{name}");
        // Without such a rule, there is nothing of it.
        scan(&env, &[&[text(&target)], arguments].concat()).exits(0);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "the same content is the same finding");
}

/// Whether a path of the places ends like that.
fn is_among(end: &str, places: &[Value]) -> bool {
    places.iter().any(|at| at["path"].as_str().is_some_and(|path| path.ends_with(end)))
}

#[test]
fn reports_show_nothing_of_a_file_that_is_a_finding() {
    let env = Env::new();
    env.write_work("rules.toml", FILES);
    let path = env.write("keys/a.pfx", STORE);
    let run = scan(&env, &["--rules", "rules.toml", "--show-secrets", text(&path)]).exits(1);
    let finding = &run.findings()[0];
    assert_eq!(finding["secret"], json!({"redacted": "(the whole file)", "length": STORE.len()}));
    env.write_work("baseline.jsonl", &run.stdout);
    scan(&env, &["--rules", "rules.toml", "--baseline", "baseline.jsonl", text(&path)]).exits(0);
    for format in ["text", "short", "sarif", "json", "jsonl"] {
        for shows in [&[][..], &["--show-secrets"]] {
            let arguments = ["scan", "--format", format, "--rules", "rules.toml", text(&path)];
            let run = env.run(arguments.iter().chain(shows)).exits(1);
            assert!(run.stdout.contains("(the whole file)") && !run.stdout.contains("three"), "{}", run.stdout);
        }
    }
}

#[test]
fn files_are_told_once_where_a_state_is_kept() {
    let env = Env::new();
    env.write_work("rules.toml", FILES);
    let repository = env.repository("repository");
    repository.write("keys/a.pfx", "one");
    repository.commit("Start");
    let scan = || scan(&env, &["--rules", "rules.toml", "--state", "state", "--history-only", text(&repository.path)]);
    assert_eq!(places(&scan().exits(1)), ["key-store keys/a.pfx:1"]);
    repository.write("keys/b.pfx", "two");
    repository.commit("More");
    assert_eq!(places(&scan().exits(1)), ["key-store keys/b.pfx:1"]);
    assert_eq!(places(&scan().exits(0)), [""; 0]);
}

/// A rule that requires a number within two lines and twenty columns, a word anywhere, and a file of a certain name.
const COMPOSITE: &str = r#"
[[rules]]
id = "acme-key"
regex = '''key_[a-z0-9]{12}'''
[[rules.required]]
id = "account"
withinLines = 2
withinColumns = 20
[[rules.required]]
id = "region"
[[rules.required]]
id = "settings"

[[rules]]
id = "account"
regex = '''(\d+)-\d+'''
secretGroup = 1
entropy = 1.0
skipReport = true
[[rules.allowlists]]
regexes = ['''^987''']

[[rules]]
id = "region"
regex = '''EU'''
skipReport = true

[[rules]]
id = "settings"
path = '''settings'''
skipReport = true
"#;

#[test]
fn what_a_rule_requires_must_stand_beside_what_it_finds() {
    let env = Env::new();
    let file = env.write_work("rules.toml", COMPOSITE);
    let run = env.run(["rules", "check", text(&file)]).exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("1 rules and 1 allowlists of gitleaks can be used\n", ""));
    let key = format!("key_{}", random("composite", 12).to_lowercase());
    let pad = " ".repeat(21);
    for (content, is_found) in [
        (format!("EU\n{key}\n1234-5\n"), true),
        (format!("{key}\n\n1234-5\n{}EU", "\n".repeat(500)), true),
        (format!("1234-5\n\n{key}\nEU\n"), true),
        (format!("1234-5\n\n\n{key}\nEU\n"), false),
        (format!("{key}\n1234-5\n"), false),
        (format!("{key}\nEU\n"), false),
        (format!("{pad}{key}\n1234-5\nEU"), false),
        (format!("{pad}{key}\n  1234-5\nEU"), true),
        // What has too little entropy, or is allowed, does not count.
        (format!("{key}\n1111-5\nEU"), false),
        (format!("{key}\n9876-5\nEU"), false),
        (format!("{key}\n9876-5 1234-5\nEU"), true),
    ] {
        env.write("shop/settings.txt", &content);
        env.write("shop/other.txt", &content);
        let run = scan(&env, &["--rules", text(&file), text(&env.input().join("shop"))]);
        let line = content.lines().position(|line| line.contains(&key)).expect("the key") + 1;
        let expected = if is_found { vec![format!("acme-key settings.txt:{line}")] } else { Vec::new() };
        assert_eq!(places(&run), expected, "{content}");
    }
}

#[test]
fn what_is_required_may_be_what_a_rule_of_the_program_finds() {
    let env = Env::new();
    let key = format!("key_{}", random("composite", 12).to_lowercase());
    let rule = "[extend]\nuseDefault = true\n[[rules]]\nid = 'acme-key'\nregex = 'key_[a-z0-9]{12}'\n\
                [[rules.required]]\nid = 'oauth-client-secret'\nwithinLines = 3\n";
    env.write_work("rules.toml", rule);
    let path = env.input().join("settings.txt");
    for (between, expected) in [("", 2), ("\n\n\n\n", 1)] {
        env.write("settings.txt", format!("{}{between}{key}\n", environment_file("shop")));
        let run = scan(&env, &["--rules", "rules.toml", text(&path)]).exits(1);
        assert_eq!(places(&run).len(), expected, "{:?}", places(&run));
    }
    env.write_work("rules.toml", rule.replace("oauth-client-secret", "nobody-knows"));
    let run = scan(&env, &["--rules", "rules.toml", text(&path)]);
    let notes: Vec<Value> = run.diagnostics().iter().map(|note| note["reason"].clone()).collect();
    assert_eq!(notes, ["rule `acme-key` requires what no rule here finds: `nobody-knows`: it is not used"]);
}
