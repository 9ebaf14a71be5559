//! Configurations of gitleaks: the ones that the user names bring rules and allowlists, the ones in the scanned content bring
//! allowlists for it.

use crate::env::{Env, Run};
use crate::leak::text;
use crate::samples::{environment_file, random};

/// A configuration with a rule of each sort.
const CONFIGURATION: &str = r#"
title = "Acme"
minVersion = "v8.25.0"

[extend]
useDefault = true
url = "https://example.com/more.toml"
disabledRules = ["npm-access-token", "theirs-alone"]

[[rules]]
id = "acme-token"
description = """Acme token,
   which opens everything."""
regex = '''(?i)\bACME[-_]([a-z0-9]{24})(?:['"\s]|$)'''
keywords = ["acme"]
entropy = 3.2

[[rules]]
id = "github-token"
regex = '''gh[[p]_(?P<token>[0-9a-zA-Z]{36})'''

[[rules]]
id = "Globex key"
regex = '''\b((?:[a-f0-9]{8}){4})\b'''
keywords = ["Globex"]
path = '''\.(?:ya?ml|conf)$'''
[[rules.allowlists]]
condition = "AND"
paths = ['''^made/up''']
stopwords = ["DEAD"]

[[rules]]
id = "certificate"
path = '''\.pfx$'''

[[rules]]
id = "hash"
regex = '''[a-f0-9]{40}'''

[[rules]]
id = "part"
regex = '''part_[a-f0-9]{40}'''
skipReport = true

[[rules]]
id = "whole"
regex = '''whole_[a-f0-9]{40}'''
[[rules.required]]
id = "part"

[allowlist]
paths = ['''(^|/)vendor/''']
"#;

fn scan(env: &Env, arguments: &[&str]) -> Run {
    env.run(["scan", "--format", "jsonl"].iter().chain(arguments))
}

/// The rules and places of what is found: `rule path:line`.
fn places(run: &Run) -> Vec<String> {
    let mut places = Vec::new();
    for finding in run.findings() {
        for location in finding["locations"].as_array().expect("locations") {
            let path = location["path"].as_str().expect("a path");
            let name = path.rsplit_once("/shop/").map_or(path, |(_, name)| name);
            places.push(format!("{} {name}:{}", finding["rule"].as_str().expect("a rule"), location["line"]));
        }
    }
    places.sort();
    places
}

/// The reasons of all notes, without the paths before them.
fn notes(run: &Run) -> Vec<String> {
    run.diagnostics()
        .iter()
        .map(|note| {
            let code = note["code"].as_str().expect("a code");
            assert!(["gitleaks-configuration", "rules-in-content"].contains(&code), "{note}");
            assert_eq!(note["gap"], false, "{note}");
            let place = note["place"].as_str().expect("a place");
            format!("{}: {}", place.rsplit('/').next().expect("a name"), note["reason"].as_str().expect("a reason"))
        })
        .collect()
}

/// What is told of the configuration above, below its name.
const TOLD: [&str; 3] = [
    "line 7: `url` is not followed, as gitleaks itself never did: a configuration opens no network; \
     load the file and name it with `path`, or with `--rules`",
    "line 8: `disabledRules` names no rule of these: `theirs-alone`",
    "line 36: rule `hash` has no keyword, and no text in its `regex`, of three characters to look for: it is not used",
];

#[test]
fn rules_load_as_they_are() {
    let env = Env::new();
    let file = env.write_work("gitleaks.toml", CONFIGURATION);
    let run = env.run(["rules", "check", text(&file)]).exits(0);
    assert_eq!(run.stdout, "5 rules and 2 allowlists of gitleaks can be used\n");
    let told = |line: &&str| format!("rescind: {} {line}\n", text(&file));
    // Alone, it is not known what there is beside it.
    let order = [0, 2].map(|index| TOLD[index]);
    assert_eq!(run.stderr, order.iter().map(told).collect::<String>());

    let run = env.run(["rules", "list", "--rules", text(&file)]).exits(0);
    let listed: Vec<&str> = run.stdout.lines().filter(|line| line.contains(" custom ")).collect();
    let words: Vec<Vec<&str>> = listed.iter().map(|line| line.split_whitespace().collect()).collect();
    let expected = [
        "Globex-key custom api_key high Globex-key",
        "acme-token custom api_key high Acme token, which opens everything",
        "certificate custom file high certificate",
        "gitleaks-github-token custom api_key high gitleaks-github-token",
        "whole custom api_key high whole",
    ];
    assert_eq!(words.iter().map(|words| words.join(" ")).collect::<Vec<_>>(), expected);
    assert!(!run.stdout.contains("npm-access-token"), "{}", run.stdout);
    assert_eq!(run.stderr, TOLD.iter().map(told).collect::<String>());

    let run = env.run(["rules", "show", "acme-token", "--rules", text(&file)]).exits(0);
    for line in [
        "rule            acme-token",
        "severity        high",
        "confidence      medium",
        "anchors         acme-, acme_",
        r#"pattern         (?i)\bACME[\-_](?P<secret>[a-z0-9]{24})(?:['"\s]|$)"#,
        "verified by     none (a rule of gitleaks does not tell whom to ask)",
        "revoked by      manual",
    ] {
        assert!(run.stdout.contains(&format!("{line}\n")), "{line}: {}", run.stdout);
    }
    let run = env.run(["rules", "show", "Globex-key", "--rules", text(&file)]).exits(0);
    assert!(run.stdout.contains("looks at paths  \\.(?:ya?ml|conf)$\n"), "{}", run.stdout);
    let run = env.run(["rules", "show", "whole", "--rules", text(&file)]).exits(0);
    assert!(run.stdout.contains("beside it       part\n"), "{}", run.stdout);
}

#[test]
fn rules_find_what_they_find_for_gitleaks() {
    let env = Env::new();
    let file = env.write_work("gitleaks.toml", CONFIGURATION);
    let hex = crate::samples::hexadecimal(random("globex", 16).as_bytes());
    let dead = format!("dead{}", &hex[4..]);
    let (acme, github) = (random("acme", 24).to_lowercase(), format!("{}_{}", "ghp", random("github", 36)));
    env.plant([hex.as_str(), &acme, &github]);
    let far = "# nothing\n".repeat(300);
    // Made of the same letters again and again, it has too little entropy; what begins in a word is none.
    env.write("shop/a.txt", format!("acme_{acme}\nACME-{}\nxacme_{acme}1\n", "ab".repeat(12)));
    env.write("shop/b.yaml", format!("globex: on\n{far}value: {hex}\n"));
    env.write("shop/c.txt", format!("globex: on\nvalue: {hex}\n"));
    env.write("shop/d.yml", format!("other: on\nvalue: {hex}\n"));
    env.write("shop/made/up.conf", format!("Globex {dead}\nGlobex {hex}\n"));
    env.write("shop/other/up.conf", format!("Globex {dead}\n"));
    env.write("shop/vendor/e.txt", format!("acme_{acme}\n"));
    // The rule of the program knows that its checksum is wrong.
    env.write("shop/f.txt", format!("{github}\n"));
    let run = scan(&env, &["--rules", text(&file), text(&env.input().join("shop"))]).exits(1);
    assert_eq!(
        places(&run),
        [
            "Globex-key b.yaml:302",
            "Globex-key made/up.conf:2",
            "Globex-key other/up.conf:1",
            "acme-token a.txt:1",
            "gitleaks-github-token f.txt:1",
        ]
    );
    assert_eq!(notes(&run), TOLD.map(|told| format!("gitleaks.toml {told}")));
}

#[test]
fn rules_that_can_ask_an_issuer_come_first() {
    let env = Env::new();
    env.write("shop/app.env", format!("{}ACME_TOKEN={}\n", environment_file("shop"), random("acme", 32)));
    env.write_work("rules.toml", "[[rules]]\nid = 'assigned'\nregex = '(?:SECRET|TOKEN)=(\\w+)'\n");
    let run = scan(&env, &["--rules", "rules.toml", text(&env.input().join("shop"))]).exits(1);
    assert_eq!(places(&run), ["assigned app.env:3", "oauth-client-secret app.env:2"]);
    // What a rule of ours only suspects, and would not report, it leaves to others.
    env.write("shop/words.env", "API_KEY=\"plain-words-alone\"\n");
    let rule = "[[rules]]\nid = 'words'\nregex = 'API_KEY=\\W(\\S+)\\W'\npath = 'env$'\n";
    env.write_work("rules.toml", rule);
    let path = env.input().join("shop/words.env");
    assert_eq!(places(&scan(&env, &["--min-confidence", "low", text(&path)])), ["api-key words.env:1"]);
    assert_eq!(places(&scan(&env, &["--rules", "rules.toml", text(&path)])), ["words words.env:1"]);
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_rule() {
    for (content, expected) in [
        ("[[rules]]\nid = 'a'\nregex = '''abc(d'''", "line 3: rule `a`: bad pattern: unclosed group"),
        (
            "[[rules]]\nid = 'a'\nregex = '''abc(d)'''\nsecretGroup = 2",
            "line 3: rule `a`: bad pattern: `secretGroup` is 2",
        ),
        ("[[rules]]\nid = 'a'\nregex = '''abc\\w{9999999}'''", "line 3: rule `a`: bad pattern: "),
        ("[[rules]]\nid = 'a'\nregex = '''(?=abc)'''", "look-around"),
        (
            "[[rules]]\nid = 'a'\nregex = 'abcd'\n[[rules.required]]\nid = 'b'",
            "line 4: rule `a`: `required` names no rule: `b`",
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'abcd'\n[[rules.required]]\nwithinLines = 1",
            "line 4: rule `a`: `required` without `id`",
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'abcd'\n[[rules.required]]\nid = 'a'\nwithinLines = -1",
            "line 6: rule `a`: `withinlines` must be a whole number",
        ),
        ("[[rules]]\nid = 'a'\npath = 'a('", "line 3: rule `a`: bad pattern: unclosed group"),
        ("[[rules]]\nid = 'a'\nregex = 1", "line 3: rule `a`: `regex` must be a string"),
        ("[[rules]]\nregex = 'abc'", "line 1: a rule without `id`"),
        ("[allowlist]\npaths = [\n  'a',\n  '''[b''',\n]", "line 4: bad pattern: unclosed character class"),
        (
            "[[rules]]\nid = 'a'\nregex = 'abc'\n[rules.allowlist]\nregexes = ['(']",
            "line 5: rule `a`: bad pattern: unclosed group",
        ),
        ("[[allowlists]]\nregexTarget = 'file'", "line 2: `regextarget` must be one of"),
        ("[[rules]]\nid = 'a'\nregex = \"\\q\"", "line 3: "),
    ] {
        let env = Env::new();
        let file = env.write_work("gitleaks.toml", content);
        for arguments in [["rules", "check"], ["scan", "--rules"]] {
            let run = env.run([arguments[0], arguments[1], text(&file)]).exits(2);
            assert!(
                run.stderr.contains("gitleaks.toml") && run.stderr.contains(expected),
                "{expected}: {}",
                run.stderr
            );
        }
    }
    let env = Env::new();
    env.write_work("nested/gitleaks.toml", "[extend]\npath = 'base.toml'\n[[rules]]\nid = 'a'\nkeywords = ['acme']");
    let run = env.run(["rules", "check", "nested/gitleaks.toml"]).exits(2);
    assert!(run.stderr.contains("cannot read rules `base.toml`"), "{}", run.stderr);
    env.write_work(
        "nested/base.toml",
        "[[rules]]\nid = 'a'\nregex = '[a-f0-9]{32}'\n[[rules]]\nid = 'b'\nregex = 'abcd'",
    );
    let run = env.run(["rules", "check", "nested/gitleaks.toml"]).exits(0);
    assert_eq!(run.stdout, "2 rules and 0 allowlists of gitleaks can be used\n");
    env.write_work("nested/base.toml", "[extend]\npath = 'gitleaks.toml'");
    let run = env.run(["rules", "check", "nested/gitleaks.toml"]).exits(0);
    let expected = "rescind: nested/gitleaks.toml line 2: `path` is not followed: too many files build on each other\n";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

/// A directory, a history and an image with the same secret in each, and the commit of the history.
struct Shop {
    env: Env,
    secret: String,
    commit: String,
}

impl Shop {
    fn new() -> Self {
        let env = Env::new();
        let content = environment_file("shop");
        let secret = content.trim_end().rsplit('=').next().expect("a value").to_owned();
        env.plant([secret.as_str()]);
        let repository = env.repository("repository");
        repository.write("deploy/app.env", &content);
        let commit = repository.commit("Start");
        env.write("tree/deploy/app.env", &content);
        env.oci_layout("image", "/deploy/app.env", &content);
        Self { env, secret, commit }
    }

    /// How many findings there are of each target, and how many are suppressed.
    fn scan(&self, arguments: &[&str]) -> [(usize, u64); 3] {
        ["tree", "repository", "image"].map(|name| {
            let target = self.env.input().join(name);
            let only = if name == "repository" { &["--history-only"][..] } else { &[] };
            let run = scan(&self.env, &[arguments, only, &[text(&target)]].concat());
            (run.findings().len(), run.summary()["suppressed"].as_u64().expect("a number"))
        })
    }
}

#[test]
fn allowlists_hold_for_findings_of_all_rules_wherever_they_stand() {
    let shop = Shop::new();
    let (found, allowed) = ((1, 0), (0, 1));
    assert_eq!(shop.scan(&[]), [found; 3]);
    let (stopword, start) = (shop.secret[12..20].to_ascii_uppercase(), &shop.secret[..8]);
    let commit = &shop.commit;
    for (allowlist, expected) in [
        (r"paths = ['''(^|/)deploy/''']".to_owned(), [allowed; 3]),
        (r"paths = ['''^deploy/app\.env$''']".to_owned(), [allowed; 3]),
        (r"paths = ['''^test/''']".to_owned(), [found; 3]),
        (format!("regexes = ['''^{start}''']"), [allowed; 3]),
        (format!("regexes = ['''{start}$''']"), [found; 3]),
        (format!("regexTarget = 'match'\nregexes = ['''^OIDC_CLIENT_SECRET={start}''']"), [allowed; 3]),
        ("regexTarget = 'line'\nregexes = ['''(?i)^oidc_client_secret=\\w+$''']".to_owned(), [allowed; 3]),
        (format!("stopwords = ['{stopword}']"), [allowed; 3]),
        (format!("commits = ['{commit}']"), [found, allowed, found]),
        (format!("condition = 'AND'\ncommits = ['{commit}']\npaths = ['''deploy''']"), [found, allowed, found]),
        (format!("condition = 'AND'\npaths = ['''deploy''']\nstopwords = ['{stopword}']"), [allowed; 3]),
        ("condition = 'AND'\npaths = ['''deploy''']\nstopwords = ['unrelated']".to_owned(), [found; 3]),
        ("condition = 'AND'".to_owned(), [found; 3]),
        ("targetRules = ['oauth-client-secret']\npaths = ['''deploy''']".to_owned(), [allowed; 3]),
        ("targetRules = ['generic-api-key']\npaths = ['''deploy''']".to_owned(), [allowed; 3]),
        ("targetRules = ['aws-access-token']\npaths = ['''deploy''']".to_owned(), [found; 3]),
    ] {
        let file = shop.env.write_work("allow.toml", format!("[[allowlists]]\n{allowlist}\n"));
        assert_eq!(shop.scan(&["--rules", text(&file)]), expected, "{allowlist}");
        // What the user names is obeyed in any case.
        assert_eq!(shop.scan(&["--rules", text(&file), "--no-suppressions"]), expected, "{allowlist}");
    }
    // That of a rule which is not here is for those that are here in its place.
    let rule = "[[rules]]\nid = 'generic-api-key'\n[[rules.allowlists]]\npaths = ['''deploy''']\n";
    let file = shop.env.write_work("allow.toml", format!("[extend]\nuseDefault = true\n{rule}"));
    assert_eq!(shop.scan(&["--rules", text(&file)]), [allowed; 3]);
}

#[test]
fn a_configuration_at_the_root_of_a_target_holds_for_that_target() {
    let env = Env::new();
    let (one, other) = (env.repository("shop"), env.repository("other"));
    for repository in [&one, &other] {
        repository.write("src/app.env", environment_file("shop"));
        repository.write("src/more.env", environment_file("more"));
        repository.commit("Start");
    }
    one.write(
        ".gitleaks.toml",
        "[[rules]]\nid = 'more'\nregex = 'MORE_[0-9]+'\n[allowlist]\npaths = ['''^src/app''']\n",
    );
    let [one, other] = [text(&one.path), text(&other.path)];
    let run = scan(&env, &[one]).exits(1);
    let more = ["oauth-client-secret src/more.env:2", "oauth-client-secret src/more.env:2"];
    assert_eq!(places(&run), more);
    assert_eq!(run.summary()["suppressed"], 1);
    let unused = ".gitleaks.toml: its rules (1) and what it builds on are used only if it is named with `--rules`";
    assert_eq!(notes(&run), [unused]);
    let run = env.run(["scan", "--format", "short", "--progress", "never", one]).exits(1);
    assert_eq!(run.stderr, "", "hooks do not tell it at every commit");
    let run = scan(&env, &["--no-suppressions", one]).exits(1);
    assert_eq!((places(&run).len(), run.summary()["suppressed"].as_u64()), (4, Some(0)));
    assert_eq!(notes(&run), [""; 0]);

    // What one repository says is not believed of another.
    let run = scan(&env, &[one, other]).exits(1);
    assert_eq!(places(&run).iter().filter(|place| place.contains("app.env")).count(), 2, "{:?}", places(&run));
    assert_eq!(run.summary()["suppressed"], 0);
    let run = scan(&env, &[other, one]).exits(1);
    assert_eq!(places(&run).len(), 6);

    // Named by whoever scans, its rules count as well, and nothing is told of it twice.
    let file = format!("{one}/.gitleaks.toml");
    let run = scan(&env, &["--rules", &file, one]).exits(1);
    assert_eq!(notes(&run), [""; 0]);
    assert_eq!(run.summary()["suppressed"], 1);
}

#[test]
fn a_staged_file_is_allowed_by_the_work_tree() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    repository.write("test/app.env", environment_file("shop"));
    repository.git(["add", "test/app.env"]);
    let scan = || {
        let mut command = env.rescind();
        command.current_dir(&repository.path).args(["scan", "--staged", "--format", "jsonl"]);
        Run::of(command.output().expect("the built program starts"))
    };
    scan().exits(1);
    repository.write(".gitleaks.toml", "[allowlist]\npaths = ['''^test/''']\n");
    let run = scan().exits(0);
    assert_eq!(run.summary()["suppressed"], 1);
}

#[test]
fn a_broken_configuration_in_the_content_stops_nothing() {
    let env = Env::new();
    env.write("shop/app.env", environment_file("shop"));
    let path = env.input().join("shop");
    let many = format!("[allowlist]\npaths = [{}]", "'''x''',".repeat(2001));
    let lists = "[[allowlists]]\n".repeat(2001);
    let large = format!("[allowlist]\npaths = [{}]", r"'''\w{999}''',".repeat(1900));
    let huge = format!("[allowlist]\ncommits = ['{}']", "0".repeat(1 << 20));
    for (content, expected) in [
        (&b"[allowlist"[..], "line 1: its allowlists are not obeyed: "),
        (b"[allowlist]\npaths = ['''(''']", "line 2: its allowlist is not obeyed: bad pattern: unclosed group"),
        (b"[allowlist]\npaths = 1", "line 2: its allowlists are not obeyed: `paths` must be a list of strings"),
        (b"[[rules]]\nregex = 'a'", "line 1: its allowlists are not obeyed: a rule without `id`"),
        (b"\xff\xfe", ": its allowlists are not obeyed: it cannot be read as text"),
        (many.as_bytes(), ": its allowlists are not obeyed: they have more than 2000 parts"),
        (lists.as_bytes(), ": its allowlists are not obeyed: they have more than 2000 parts"),
        (large.as_bytes(), ": its allowlists are not obeyed: their patterns are too large together"),
        (huge.as_bytes(), ": its allowlists are not obeyed: it is larger than 1 MiB"),
    ] {
        env.write("shop/.gitleaks.toml", content);
        let run = scan(&env, &[text(&path)]).exits(1);
        assert_eq!(places(&run), ["oauth-client-secret app.env:2"]);
        let notes = notes(&run);
        assert!(notes.len() == 1 && notes[0].contains(expected), "{expected}: {notes:?}");
    }
    // A list that is well is obeyed beside one that is not; what is no list allows nothing.
    env.write("shop/.gitleaks.toml", "[[allowlists]]\nregexes = ['(']\n[[allowlists]]\npaths = ['app']");
    assert_eq!(scan(&env, &[text(&path)]).exits(0).summary()["suppressed"], 1);
    env.write("shop/.gitleaks.toml", "[allowlist]\nregexes = ['']\nstopwords = ['']\npaths = ['']");
    assert_eq!(notes(&scan(&env, &[text(&path)]).exits(1)), [""; 0]);
    // No link is followed.
    fs_err::remove_file(path.join(".gitleaks.toml")).expect("the file");
    let outside = env.write_work("outside.toml", "[allowlist]\npaths = ['app']");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside, path.join(".gitleaks.toml")).expect("a link");
    scan(&env, &[text(&path)]).exits(1);
}

#[test]
fn a_changed_allowlist_makes_a_state_start_anew() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("app.env", environment_file("shop"));
    repository.commit("Start");
    let path = text(&repository.path);
    let state = |arguments: &[&str]| scan(&env, &[&["--state", "state", "--history-only", path], arguments].concat());
    let file = env.write_work("allow.toml", "[allowlist]\npaths = ['app']");
    state(&["--rules", text(&file)]).exits(0);
    assert_eq!(places(&state(&["--rules", text(&file)]).exits(0)), [""; 0]);
    assert_eq!(places(&state(&[]).exits(1)), ["oauth-client-secret app.env:2"]);
}

#[test]
fn an_allowlist_that_keeps_a_finding_back_is_named() {
    let env = Env::new();
    let path = env.write_work("test/app.env", environment_file("shop"));
    let rules = "[[rules]]\nid = 'other'\nregex = '''MARK_[a-z]{9}'''\npath = '''\\.conf$'''\n";
    let list = "[[allowlists]]\ndescription = 'Made up.'\npaths = ['''^test/''', 'app\\.env$']\n";
    env.write_work("allow.toml", format!("{rules}{list}"));
    let run = env.run(["rules", "explain", &format!("{}:2", text(&path)), "--rules", "allow.toml"]).exits(0);
    let expected = "of 40 bytes, confidence medium, allowed by `Made up` (allow.toml line 5)\n";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
    let mark = env.write_work("mark.txt", format!("MARK_{}\n", "abcdefghi"));
    let run = env.run(["rules", "explain", text(&mark), "--rules", "allow.toml"]).exits(0);
    assert!(run.stdout.contains("found by `other`"), "{}", run.stdout);
    assert!(run.stdout.contains("confidence medium, but its rule looks at other paths only\n"), "{}", run.stdout);
    // What a scan of the directory would obey is obeyed too.
    env.write_work(".gitleaks.toml", list.replace("Made up", "From here"));
    let run = env.run(["rules", "explain", "test/app.env:2"]).exits(0);
    assert!(run.stdout.contains(", allowed by `From here` (./.gitleaks.toml line 1)\n"), "{}", run.stdout);
}
