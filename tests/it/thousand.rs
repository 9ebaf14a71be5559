//! A thousand tokens of one issuer, a pace that it must not be asked beyond, and somebody who interrupts it in the middle.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::env::{Env, Run};
use crate::leak::{CLIENT, OPERATOR_SECRET, text};
use crate::samples::random;

const COUNT: usize = 1000;
/// Requests in any second.
const PACE: usize = 200;
/// How many are revoked before somebody interrupts it.
const INTERRUPTED: usize = 300;

/// A request leaves when the one before was answered, so each has come before the next one left: of `PACE` + 2 requests, all but
/// the first and the last have left and come within what the program calls a second, whatever held any of them up.
fn assert_paced(times: &[f64]) {
    for window in times.windows(PACE + 2) {
        let passed = window[PACE + 1] - window[0];
        assert!(passed >= 1000.0, "{} requests in {passed} ms", PACE + 2);
    }
}

fn apply<'a>(hash: &'a str, issuer: &'a AuthorizationServer) -> Vec<&'a str> {
    let arguments = ["revoke", "apply", "plan.json", "--hash", hash, "--format", "jsonl", "--ledger", "ledger.jsonl"];
    [&arguments[..], &["--config", "rescind.toml", "--allow-host", issuer.host()]].concat()
}

#[test]
fn a_thousand_tokens_are_revoked_at_the_pace_of_their_issuer_and_each_once() {
    let env = Env::new();
    let server = AuthorizationServer::start();
    let secret = random("client secret", 40);
    server.confidential_client(CLIENT, &secret);
    env.set(OPERATOR_SECRET, &secret);
    let tokens = server.refresh_tokens(CLIENT, COUNT);
    // Every output is searched for each of these in each form: two stand for all.
    env.plant([&*secret, &tokens[0], &tokens[COUNT - 1]]);
    let issuer = &server.issuer;
    for (number, token) in tokens.iter().enumerate() {
        let session = json!({"issuer": issuer, "client_id": CLIENT, "refresh_token": token});
        env.write(&format!("{number}.json"), format!("{session:#}\n"));
    }
    env.write_work(
        "rescind.toml",
        format!(
            "providers = []\n[egress]\nrequests_per_second = {PACE}\n\
             [[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"{CLIENT}\"\n\
             client_secret_env = \"{OPERATOR_SECRET}\"\nintrospects_refresh_tokens = true\n\
             [policy]\nmax_per_run = {COUNT}\nmax_per_issuer = {COUNT}\nmax_per_hour = {COUNT}\n"
        ),
    );
    env.run(["scan", "--format", "jsonl", "--output", "report.jsonl", text(&env.input())]).exits(1);
    let planned = ["revoke", "plan", "report.jsonl", "--include-unknown", "--output", "plan.json"];
    let allowed = ["--config", "rescind.toml", "--allow-host", server.host()];
    env.run(planned.iter().chain(&allowed)).exits(0);
    let plan = fs_err::read_to_string(env.work().join("plan.json")).expect("the plan");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["entries"].as_array().map(Vec::len), Some(COUNT));
    let hash = plan["hash"].as_str().expect("a hash");
    server.take_requests();

    let mut first = env.rescind();
    first.args(apply(hash, &server)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = first.spawn().expect("the program starts");
    server.revocations_from(INTERRUPTED);
    env.tool("bash", ["-c", &format!("kill -INT {}", child.id())]);
    let output = child.wait_with_output().expect("the own child");
    assert_eq!(output.status.signal(), None, "it goes to the end of what it has begun");
    let run = Run::of(output).exits(130);
    let states = |run: &Run, state: &str| run.lines().iter().filter(|line| line["state"] == state).count();
    let revoked = server.revocations().len();
    assert!((INTERRUPTED..COUNT).contains(&revoked), "{revoked}");
    assert_eq!((states(&run, "revoked"), states(&run, "planned")), (revoked, COUNT - revoked), "{}", run.stderr);
    assert_eq!(server.count_alive(&tokens), u64::try_from(COUNT - revoked).expect("a small number"));
    env.run(["revoke", "status", "--check", "--ledger", "ledger.jsonl"]).exits(0);
    assert_paced(&server.take_times());

    let run = env.run(apply(hash, &server)).exits(0);
    assert_eq!(states(&run, "revoked"), COUNT, "{}", run.stderr);
    assert_eq!(server.count_alive(&tokens), 0);
    let all = server.revocations();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (COUNT, COUNT), "each of them once");
    assert_paced(&server.take_times());
    env.run(["revoke", "status", "--check", "--ledger", "ledger.jsonl"]).exits(0);
}
