//! `rescind policy check`: what a policy decides about examples, before it decides about findings.

use serde_json::{Value, json};

use crate::env::Env;
use crate::leak::text;

const POLICY: &str = "\
[policy]
[[policy.rule]]
name = \"not these\"
path = \"vendor/**\"
action = \"never\"

[[policy.rule]]
name = \"old tokens\"
kind = [\"refresh_token\", \"access_token\"]
min_age_days = 7
action = \"auto\"
";

const EXAMPLES: &str = "\
[[example]]
name = \"leaked long ago\"
kind = \"refresh_token\"
age_days = 30
expect = \"auto\"

[[example]]
name = \"leaked today\"
kind = \"refresh_token\"
age_days = 0
expect = \"approve\"

[[example]]
name = \"of somebody else\"
kind = \"refresh_token\"
path = \"vendor/app/.env\"
expect = \"never\"
";

#[test]
fn examples_are_tried() {
    let env = Env::new();
    let config = env.write_work("rescind.toml", POLICY);
    let examples = env.write_work("examples.toml", EXAMPLES);
    let check =
        |file: &str, more: &[&str]| env.run(["policy", "check", file, "--config", text(&config)].iter().chain(more));
    let run = check(text(&examples), &[]).exits(0);
    insta::assert_snapshot!(run.stdout, @"
    ok     auto     leaked long ago  (rule 2 `old tokens`)
    ok     approve  leaked today  (no rule matches, so `policy.default`)
    ok     never    of somebody else  (rule 1 `not these`)
    ");
    assert!(run.stderr.contains("is valid: 2 rules; 3 examples, 0 not decided as expected"), "{}", run.stderr);

    // One that is not as its author thinks.
    env.write_work("examples.toml", EXAMPLES.replace("age_days = 0", "age_days = 8"));
    let run = check(text(&examples), &["--format", "json"]).exits(1);
    let decided: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        decided[1],
        json!({"name": "leaked today", "action": "auto", "decided_by": "rule 2 `old tokens`", "expected": "approve", "ok": false})
    );

    // The same in JSON Lines, and without expectations.
    let lines = env.write_work("examples.jsonl", "{\"kind\":\"jwt\",\"path\":\"vendor/a\"}\n\n{\"kind\":\"jwt\"}\n");
    let run = check(text(&lines), &[]).exits(0);
    assert_eq!(run.stdout.lines().map(|line| &line[..7]).collect::<Vec<_>>(), ["never  ", "approve"]);
    env.run(["policy", "check", "--config", text(&config)]).exits(0);
}

/// A report of a scan is planned as `revoke plan` plans it: what no call ends needs a person.
#[test]
fn a_report_is_tried() {
    let env = Env::new();
    let config = env.write_work("rescind.toml", POLICY);
    let finding = json!({
        "type": "finding", "schema": 1, "id": format!("rsc1_{}", "1".repeat(32)), "rule": "a-rule-of-the-test",
        "provider": "generic", "kind": "client_secret", "confidence": "high",
        "secret": {"redacted": "ab…yz", "length": 40}, "liveness": {"state": "not_checked"}, "locations": [],
    });
    let summary = json!({"type": "summary", "schema": 1, "complete": true});
    let report = env.write_work("report.jsonl", format!("{finding}\n{summary}\n"));
    let run = env.run(["policy", "check", text(&report), "--config", text(&config)]).exits(0);
    assert!(run.stdout.starts_with("by hand") && run.stdout.contains("a-rule-of-the-test"), "{}", run.stdout);
}

#[test]
fn what_is_wrong_is_named() {
    let env = Env::new();
    let good = env.write_work("examples.toml", EXAMPLES);
    let policy = env.write_work("wrong.toml", "[policy]\n[[policy.rule]]\nmin_age_dais = 3\naction = \"auto\"\n");
    let typo = env.write_work("typo.toml", "[[example]]\nkind = \"jwt\"\nexpects = \"auto\"\n");
    let lines = env.write_work("lines.jsonl", "{\"kind\":\"jwt\"}\n{\"kind\":\"jwt\",\"expect\":\"perhaps\"}\n");
    for (arguments, words) in [
        (&["--config", text(&policy)][..], &["wrong.toml", "line 3", "`min_age_days`"][..]),
        (&[text(&good), text(&typo)], &["typo.toml", "line 3", "`expect`"]),
        (&[text(&lines)], &["lines.jsonl", "line 2"]),
        (&["nowhere.toml"], &["nowhere.toml"]),
    ] {
        let run = env.run(["policy", "check"].iter().chain(arguments)).exits(2);
        assert_eq!(run.stdout, "", "{arguments:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{arguments:?}: no `{word}` in {}", run.stderr);
        }
    }
}
