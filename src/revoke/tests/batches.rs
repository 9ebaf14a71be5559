//! Calls that end several credentials at once (simulated, as GitHub's endpoint for leaked credentials is documented).

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::providers::{AUTO, instance, rules};
use super::*;

/// So many tokens, of which that one survives everything.
fn provider(count: usize, survivor: Option<usize>, status: u16) -> (Server, Vec<String>) {
    let tokens: Vec<String> = (0..count).map(|number| format!("AbCdEfGh0123456789aBcDe{number:03}")).collect();
    let alive: Mutex<BTreeSet<String>> = Mutex::new(tokens.iter().cloned().collect());
    let survivor = survivor.map(|number| tokens[number].clone());
    let server = Server::start(move |_, request| {
        let mut alive = alive.lock().expect("one at a time");
        if request.method == "GET" {
            let token = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
            let is_alive = token.is_some_and(|token| alive.contains(token));
            return if is_alive {
                Reply::json(200, &json!({"id": "t1", "owner": "acme-ci"}))
            } else {
                Reply::empty(401)
            };
        }
        if status == 202 {
            let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
            assert_eq!(body["notify"], true);
            for token in body["credentials"].as_array().expect("a list") {
                let token = token.as_str().expect("a token");
                if survivor.as_deref() != Some(token) {
                    alive.remove(token);
                }
            }
        }
        Reply::empty(status)
    });
    (server, tokens)
}

struct Outcome {
    states: Vec<RevocationState>,
    /// How many credentials each request named.
    sent: Vec<usize>,
    ledger: String,
}

fn run(count: usize, survivor: Option<usize>, status: u16, policy: &str) -> Outcome {
    let (server, tokens) = provider(count, survivor, status);
    let mut bench = Bench::new(Behaviour::Honest, policy);
    bench.config = instance("acme", &server, true);
    bench.rules = rules("many");
    let verify = VerifyContext::open(&bench.config, Arc::new(rules("many"))).expect("a client");
    let finding = |token: &String| {
        let mut finding = bench.finding(Kind::ApiKey, token);
        (finding.rule, finding.provider, finding.parts) = ("acme-token".to_owned(), "acme".to_owned(), Vec::new());
        finding
    };
    let mut findings: Vec<Finding> = tokens.iter().map(finding).collect();
    verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
    run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
    let ledger = fs_err::read_to_string(bench.ledger()).expect("a ledger");
    assert!(!tokens.iter().any(|token| ledger.contains(token)), "{ledger}");
    let credentials = |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body["credentials"].as_array().map_or(0, Vec::len)
    };
    let posts = server.received().into_iter().filter(|request| request.method == "POST");
    let sent = posts.map(|request| credentials(&request.body)).collect();
    Outcome { states: findings.iter().map(|finding| finding.revocation.state).collect(), sent, ledger }
}

#[test]
fn one_request_ends_as_many_as_it_may() {
    use RevocationState::{Refused, Revoked, StillLive};

    let Outcome { states, sent, ledger } = run(7, None, 202, AUTO);
    assert_eq!((states, sent), (vec![Revoked; 7], vec![3, 3, 1]));
    let of = |event: &str| ledger.lines().filter(|line| line.contains(&format!("\"type\":\"{event}\""))).count();
    assert_eq!((of("intent"), of("outcome"), of("proof")), (7, 7, 7), "each has its own record: {ledger}");
    let first_outcome = ledger.lines().position(|line| line.contains("\"type\":\"outcome\""));
    let intents = ledger.lines().take(first_outcome.expect("an outcome"));
    assert_eq!(intents.filter(|line| line.contains("\"type\":\"intent\"")).count(), 3, "before the first request");

    // What comes of one is told of that one; that kind is then stopped, as with calls for one.
    let Outcome { states, sent, .. } = run(4, Some(1), 202, AUTO);
    let survivors = states.iter().filter(|state| **state == StillLive).count();
    assert_eq!((survivors, sent), (1, vec![3]), "{states:?}");

    let Outcome { states, sent, .. } = run(3, None, 422, AUTO);
    assert_eq!((states, sent), (vec![Refused; 3], vec![3]));
}

#[test]
fn caps_count_credentials_and_not_requests() {
    let Outcome { states, sent, .. } = run(6, None, 202, &format!("max_per_run = 4\n{AUTO}"));
    let revoked = states.iter().filter(|state| **state == RevocationState::Revoked).count();
    assert_eq!((revoked, sent.iter().sum::<usize>()), (4, 4), "{states:?} {sent:?}");
}
