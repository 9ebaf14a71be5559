//! `rescind revoke` without an issuer: what is wrong with a call, what a person is told to do, and what becomes of a plan with
//! nothing to send. That tokens die is shown in `end_to_end` and `plan_and_apply`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::env::Env;
use crate::leak::text;
use crate::listener::Listener;
use crate::samples::random;

/// A report with these findings, written as `scan` would.
fn report(env: &Env, findings: &[Value]) -> PathBuf {
    let summary = json!({"type": "summary", "schema": 1, "complete": true});
    let lines: Vec<String> = findings.iter().chain([&summary]).map(Value::to_string).collect();
    env.write_work("report.jsonl", lines.join("\n"))
}

/// A live finding of that kind in `.env` of the working directory.
fn finding(kind: &str, digit: char) -> Value {
    json!({
        "type": "finding",
        "schema": 1,
        "id": format!("rsc1_{}", digit.to_string().repeat(32)),
        "rule": "a-rule-of-the-test",
        "provider": "generic",
        "kind": kind,
        "confidence": "high",
        "secret": {"redacted": "ab…yz", "length": 40},
        "parts": [{"name": "client_id", "value": "web"}, {"name": "issuer", "value": "https://id.test.invalid"}],
        "liveness": {"state": "live", "method": "introspection", "checked_at": "2026-11-21T02:00:00Z"},
        "revocation": {"state": "none"},
        "locations": [{"source": "file", "path": ".env", "line": 3, "byte_start": 40, "byte_end": 80}],
    })
}

#[test]
fn what_is_wrong_with_a_call_is_named() {
    let env = Env::new();
    let good = report(&env, &[finding("api_key", '1')]);
    let lines = fs_err::read_to_string(&good).expect("the report");
    let cut = env.write_work("cut.jsonl", lines.lines().next().expect("a line"));
    let html = env.write_work("report.html", "<!doctype html>");
    let sarif = env.write_work("report.sarif", "{\"version\": \"2.1.0\",\n\"runs\": []}\n");
    let plan = env.write_work("plan.json", "{\"type\":\"revocation_plan\",\"schema\":7,\"entries\":[]}");
    let wrong = env.write_work("wrong.toml", "[policy]\nhalt = true\nmax_per_rum = 3\n");
    for (arguments, words) in [
        (&["plan", "nowhere.jsonl"][..], &["nowhere.jsonl"][..]),
        (&["plan", text(&cut)], &["cut.jsonl", "cut off"]),
        (&["plan", text(&html)], &["report.html", "line 1", "JSON Lines"]),
        (&["plan", text(&sarif)], &["report.sarif", "line 1", "JSON Lines"]),
        (&["plan", text(&good), "--config", text(&wrong)], &["wrong.toml", "line 3", "max_per_rum", "`max_per_run`"]),
        (&["apply", "nowhere.json", "--hash", "0"], &["nowhere.json"]),
        (&["apply", text(&good), "--hash", "0"], &["report.jsonl", "not a revocation plan"]),
        (&["apply", text(&plan), "--hash", "0"], &["plan.json", "schema 7"]),
        (&["apply", text(&plan)], &["--hash"]),
        (&["status", "--ledger", "nowhere.jsonl"], &["nowhere.jsonl"]),
        (&["status", "--check"], &["rescind/ledger.jsonl"]),
    ] {
        let run = env.run(["revoke"].iter().chain(arguments)).exits(2);
        assert_eq!(run.stdout, "", "{arguments:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{arguments:?}: no `{word}` in {}", run.stderr);
        }
    }
}

#[test]
fn a_person_is_told_what_to_do_by_hand() {
    let env = Env::new();
    let report = report(&env, &[finding("client_secret", '1'), finding("refresh_token", '2')]);
    let run = env.run(["revoke", "plan", text(&report)]).exits(0);
    assert_eq!(run.stderr, "");
    let (body, hash) = run.stdout.split_once("plan sha256:").expect("the hash");
    assert_eq!(hash.trim_end().len(), 64);
    insta::assert_snapshot!("by_hand", body);
}

#[test]
fn a_plan_with_nothing_to_send_sends_and_records_nothing() {
    let env = Env::new();
    let report = report(&env, &[finding("client_secret", '1')]);
    let plan = env.work().join("plan.json");
    env.run(["revoke", "plan", text(&report), "--output", text(&plan)]).exits(0);
    let stored = fs_err::read_to_string(&plan).expect("the plan");
    let document: Value = serde_json::from_str(&stored).expect("JSON");
    let hash = document["hash"].as_str().expect("a hash");
    let run = env.run(["revoke", "apply", text(&plan), "--hash", hash, "--format", "jsonl"]).exits(1);
    assert_eq!(run.lines()[0]["state"], "planned", "a person has to do it");
    assert!(!env.home().join(".local/state/rescind").exists());
}

#[test]
fn nothing_live_is_nothing_to_plan() {
    let env = Env::new();
    let mut unknown = finding("api_key", '1');
    unknown["liveness"] = json!({"state": "unknown", "reason": "nobody answers"});
    let report = report(&env, &[unknown]);
    let run = env.run(["revoke", "plan", text(&report)]).exits(0);
    assert_eq!(run.stdout, "Nothing to revoke: no finding is known to be live.\n");
    let run = env.run(["revoke", "plan", text(&report), "--include-unknown", "--format", "json"]).exits(0);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(document["entries"][0]["liveness"]["state"], "unknown");
}

/// A plan holds no value: each is read again from the kind of place that it was found in. The issuer says `{}` to everything,
/// which proves nothing.
#[test]
fn values_are_read_again_from_every_kind_of_place() {
    let env = Env::new();
    let issuer = Listener::start();
    let url = &issuer.url;
    let host = url.strip_prefix("http://").expect("a URL of this machine");
    env.set("OPERATORS_SECRET", "operators secret");
    let config = env.write_work(
        "rescind.toml",
        format!(
            "providers = []\n[[issuer]]\nissuer = \"{url}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"web\"\n\
             client_secret_env = \"OPERATORS_SECRET\"\nrevocation_endpoint = \"{url}/revoke\"\n"
        ),
    );
    let common = ["--config", text(&config), "--allow-host", host];

    let token = random("refresh token", 48);
    env.plant([&*token]);
    let session = json!({"issuer": url, "client_id": "web", "token_type": "Bearer", "refresh_token": token});
    let content = format!("{session:#}\n");
    let file = env.write("tree/session.json", &content);
    let repository = env.repository("repository");
    repository.write("session.json", &content);
    repository.commit("Keep the session");
    repository.delete("session.json");
    repository.commit("Do not keep the session");
    let layout = env.oci_layout("image", "/app/session.json", &content);
    let archive = env.docker_archive(&layout, "archive.tar");

    for (target, source) in [(&file, "file"), (&repository.path, "git"), (&layout.path, "image"), (&archive, "image")] {
        let (report, plan) = (env.work().join("report.jsonl"), env.work().join("plan.json"));
        env.run(["scan", "--format", "jsonl", "--output", text(&report), text(target)]).exits(1);
        let arguments = ["revoke", "plan", text(&report), "--include-unknown", "--output", text(&plan)];
        env.run(arguments.iter().chain(&common)).exits(0);
        let stored = fs_err::read_to_string(&plan).expect("the plan");
        let document: Value = serde_json::from_str(&stored).expect("JSON");
        assert_eq!(document["entries"][0]["locations"][0]["source"], source, "{document:#}");
        let hash = document["hash"].as_str().expect("a hash");
        // A ledger for each, since the first one's knows already what came of the token.
        let ledger = env.work().join(format!("{hash}.jsonl"));
        let arguments =
            ["revoke", "apply", text(&plan), "--hash", hash, "--ledger", text(&ledger), "--format", "jsonl"];
        let run = env.run(arguments.iter().chain(&common)).exits(1);
        assert_eq!(run.lines()[0]["state"], "accepted", "{source}: {}\n{}", run.stdout, run.stderr);
        let receipt = run.lines()[0]["receipt"].as_str().expect("a receipt").to_owned();
        for (receipt, exit) in [(&receipt, 0), (&"0".repeat(64), 1)] {
            env.run(["revoke", "status", "--check", "--receipt", receipt, "--ledger", text(&ledger)]).exits(exit);
        }
    }
}

#[test]
fn a_ledger_that_nobody_has_begun_is_no_error() {
    let env = Env::new();
    let run = env.run(["revoke", "status"]).exits(0);
    assert!(run.stderr.contains("nothing has been revoked"), "{}", run.stderr);
    // What is named, or has to be proven, must be there.
    env.run(["revoke", "status", "--check"]).exits(2);
    env.run(["revoke", "status", "--ledger", "ledger.jsonl"]).exits(2);
}
