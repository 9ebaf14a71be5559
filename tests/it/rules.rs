//! `rescind rules`: the list, what is told of one rule, and the checking of an operator's own.

use serde_json::Value;

use crate::env::Env;
use crate::leak::text;

/// A rule that is complete and holds on its examples, for a credential nobody issues.
const WHOLE: &str = r#"
provider = "acme"

[[rule]]
id = "acme-token"
title = "Acme token"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["acme_"]
window = { before = 0, after = 40 }
pattern = 'acme_(?P<secret>[a-z0-9]{24})'
verify = { method = "none", reason = "nobody to ask" }
revoke = { method = "manual", blast_radius = "token", steps = ["Ask Acme."] }
[rule.examples]
matches = ["token: acme_<<lower:24>>", "acme_<<lower:24>>;"]
rejects = ["acme_xxxxxxxxxxxxxxxxxxxxxxxx", "acme_short"]
"#;

#[test]
fn rules_of_the_program_hold_on_their_examples() {
    let run = Env::new().run(["rules", "check"]).exits(0);
    assert!(run.stdout.contains(" rules hold on their "), "{}", run.stdout);
}

#[test]
fn the_list_is_the_same_for_people_and_programs() {
    let env = Env::new();
    let json = env.run(["rules", "list", "--format", "json"]).exits(0);
    let rules: Vec<Value> = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(rules.len() >= 30, "{}", rules.len());
    let people = env.run(["rules", "list"]).exits(0);
    let ids: Vec<&str> = people.stdout.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let expected: Vec<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn everything_about_a_rule_is_shown() {
    let run = Env::new().run(["rules", "show", "google-oauth-client-secret"]).exits(0);
    for expected in [
        "Google OAuth client secret",
        "GOCSPX-",
        "oauth2.googleapis.com",
        "client_secret",
        "client_id",
        "manual",
        "1. ",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
}

#[test]
fn a_mistyped_id_is_answered_with_the_nearest() {
    let run = Env::new().run(["rules", "show", "google-oauth-client-secrets"]).exits(2);
    assert!(run.stderr.contains("did you mean `google-oauth-client-secret`?"), "{}", run.stderr);
}

#[test]
fn own_rules_are_checked_and_used() {
    let env = Env::new();
    let rules = env.write_work("acme.toml", WHOLE);
    env.run(["rules", "check", text(&rules)]).exits(0);
    let list = env.run(["rules", "list", "--rules", text(&rules)]).exits(0);
    assert!(list.stdout.contains("acme-token"), "{}", list.stdout);
    let secret = crate::samples::random("acme", 24).to_ascii_lowercase();
    env.plant([secret.as_str()]);
    env.write("settings", format!("t = acme_{secret}\n"));
    let run = env.run(["scan", "--format", "jsonl", "--rules", text(&rules), text(&env.input())]).exits(1);
    assert_eq!(run.findings()[0]["rule"], "acme-token");
}

/// What `rules check` says about a file: the exit code is that of bad usage, and the file is named.
fn check(content: &str, expected: &str) {
    let env = Env::new();
    let rules = env.write_work("acme.toml", content);
    let run = env.run(["rules", "check", text(&rules)]).exits(2);
    assert!(run.stderr.contains("acme.toml") && run.stderr.contains(expected), "{expected}: {}", run.stderr);
}

#[test]
fn bad_rule_files_are_told_with_file_line_and_nearest_spelling() {
    for (good, bad, expected) in [
        ("anchors =", "anchor =", "line 10: unknown field `anchor`; did you mean `anchors`?"),
        ("severity = \"high\"", "severity = \"hihg\"", "did you mean `high`?"),
        ("kind = \"api_key\"\n", "", "line 4: missing field `kind`"),
        (
            "(?P<secret>[a-z0-9]{24})",
            "(?P<secret>[a-z0-9]{24}",
            "line 12: rule `acme-token`: bad pattern: unclosed group",
        ),
        ("{24})'", "{24000000})'", "bad pattern: "),
        ("?P<secret>", "?P<other>", "line 12: rule `acme-token`: `pattern` has no group named `secret`"),
        // Cloudinary's API secret was a group of its own once, and stood in every report.
        (
            "(?P<secret>[a-z0-9]{24})",
            "(?P<secret>[a-z](?P<api_secret>[a-z0-9]{23}))",
            "group `api_secret` would be shown in reports",
        ),
        ("anchors = [\"acme_\"]", "", "rule `acme-token`: `anchors` is empty"),
        (", reason = \"nobody to ask\"", "", "needs a `reason`"),
        (", steps = [\"Ask Acme.\"]", "", "needs `steps`"),
        ("pattern =", "keys = [\"acme\"]\nscanner = \"jwt\"\npattern =", "exactly one of"),
        (
            "verify =",
            "endpoints = { token = \"https://acme.io/token\" }\nverify =",
            "`acme.io` is not among the rule's `hosts`",
        ),
        ("\"acme_short\"", "\"acme_<<lower:24>>\"", "rule `acme-token`: finds something in `rejects` example 2"),
        ("\"acme_<<lower:24>>;\"", "\"acme\"", "rule `acme-token`: nothing found in `matches` example 2"),
        (", \"acme_<<lower:24>>;\"", "", "has 1 `matches` examples; at least 2 are needed"),
        ("<<lower:24>>;", "<<upper:24>>;", "unknown template `<<upper:24>>`"),
        ("[rule.examples]", "[rule.examples", "line 15"),
    ] {
        assert!(WHOLE.contains(good), "{good}");
        check(&WHOLE.replace(good, bad), expected);
    }
}

#[test]
fn rule_files_that_cannot_be_read_are_errors() {
    let env = Env::new();
    let missing = env.work().join("missing.toml");
    let run = env.run(["rules", "check", text(&missing)]).exits(2);
    assert!(run.stderr.contains("missing.toml"), "{}", run.stderr);
    let run = env.run(["rules", "list", "--rules", text(&env.work())]).exits(2);
    assert!(run.stderr.contains("no rule files"), "{}", run.stderr);
    let twice = env.write_work("twice.toml", WHOLE.replace("acme-token", "jwt"));
    let run = env.run(["rules", "list", "--rules", text(&twice)]).exits(2);
    assert!(run.stderr.contains("rule `jwt` is already defined in `rules/jose.toml`"), "{}", run.stderr);
}

#[test]
fn every_filter_that_refuses_a_value_is_named() {
    let env = Env::new();
    let path = env.write_work("app.env", "PORT=8080\nCLIENT_SECRET=changeme-please\nPASSWORD=${PASSWORD}\n");
    let run = env.run(["rules", "explain", &format!("{}:2", text(&path))]).exits(0);
    assert!(run.stdout.contains("app.env:2:15: a value of 15 bytes"), "{}", run.stdout);
    assert!(run.stdout.contains("refused by filter `placeholder`"), "{}", run.stdout);
    assert!(run.stdout.contains("for oauth-client-secret"), "{}", run.stdout);
    assert!(!run.stdout.contains(":3:"), "{}", run.stdout);
    let run = env.run(["rules", "explain", &format!("{}:1", text(&path))]).exits(0);
    assert!(run.stdout.contains("no rule matches anything here"), "{}", run.stdout);
    let run = env.run(["rules", "explain", &format!("{}:9", text(&path))]).exits(2);
    assert!(run.stderr.contains("has 4 lines, not 9"), "{}", run.stderr);
    env.run(["rules", "explain", "nowhere.env:1"]).exits(2);
}
