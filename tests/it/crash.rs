//! The program is killed at every step of a revocation, one step further each time, until it gets to its end. What the ledger, a
//! real authorization server and the next run say after that has to fit together, whatever the step was.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::env::{Env, Run};
use crate::leak::{OPERATOR_SECRET, text};
use crate::samples::random;

const CLIENT: &str = "billing-service";
const SIGKILL: i32 = 9;

/// What an operator has who revokes two tokens: a plan, and a ledger that is still to be begun.
struct Operator<'a> {
    env: Env,
    server: &'a AuthorizationServer,
    tokens: Vec<String>,
    hash: String,
}

/// How a run of the program under `kill_at.c` ended.
struct Killed {
    /// The steps until there; it died at the last one, or told its results.
    steps: Vec<String>,
    is_killed: bool,
}

impl<'a> Operator<'a> {
    fn new(server: &'a AuthorizationServer, secret: &str) -> Self {
        let env = Env::new();
        let tokens = server.refresh_tokens(CLIENT, 2);
        for (number, token) in tokens.iter().enumerate() {
            let session = json!({"issuer": server.issuer, "client_id": CLIENT, "refresh_token": token});
            env.write(&format!("{number}.json"), format!("{session:#}\n"));
        }
        env.plant(tokens.iter().map(String::as_str).chain([secret]));
        env.set(OPERATOR_SECRET, secret);
        let issuer = &server.issuer;
        env.write_work(
            "rescind.toml",
            format!(
                "providers = []\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"{CLIENT}\"\n\
                 client_secret_env = \"{OPERATOR_SECRET}\"\nintrospects_refresh_tokens = true\n"
            ),
        );
        let mut operator = Self { env, server, tokens, hash: String::new() };
        let input = operator.env.input();
        let arguments = ["scan", "--verify", "--revoke", "plan", "--plan", "plan.json", "--config", "rescind.toml"];
        operator.env.run(arguments.iter().chain(&[text(&input)])).exits(1);
        let plan = fs_err::read_to_string(operator.env.work().join("plan.json")).expect("the plan");
        let plan: Value = serde_json::from_str(&plan).expect("JSON");
        assert_eq!(plan["entries"].as_array().expect("entries").len(), 2, "{plan:#}");
        plan["hash"].as_str().expect("a hash").clone_into(&mut operator.hash);
        operator
    }

    fn arguments(&self) -> [&str; 9] {
        ["revoke", "apply", "plan.json", "--hash", &self.hash, "--ledger", "ledger.jsonl", "--config", "rescind.toml"]
    }

    fn ledger(&self) -> PathBuf {
        self.env.work().join("ledger.jsonl")
    }

    /// Carries out the plan, and dies at that step.
    fn is_killed_at(&self, step: usize, library: &str) -> Killed {
        let steps = self.env.work().join("steps.txt");
        let mut command = self.env.rescind();
        command.args(self.arguments()).env("LD_PRELOAD", library).env("KILL_AT", step.to_string());
        command.env("KILL_LEDGER", self.ledger()).env("KILL_STEPS", &steps);
        let output = command.output().expect("the program starts");
        let signal = output.status.signal();
        let run = Run::of(output);
        assert!(signal == Some(SIGKILL) || run.code == Some(0), "{run:?}");
        self.env.assert_no_leak_in("standard output", &run.stdout);
        self.env.assert_no_leak_in("standard error", &run.stderr);
        let steps = fs_err::read_to_string(steps).expect("the steps").lines().map(str::to_owned).collect();
        Killed { steps, is_killed: signal.is_some() }
    }

    /// The findings of which the ledger says this, by the number of their token.
    fn recorded(&self, event: &str) -> BTreeSet<usize> {
        let plan = fs_err::read_to_string(self.env.work().join("plan.json")).expect("the plan");
        let plan: Value = serde_json::from_str(&plan).expect("JSON");
        let ledger = fs_err::read_to_string(self.ledger()).unwrap_or_default();
        let is_recorded = |number: &usize| {
            let entries = plan["entries"].as_array().expect("entries");
            let is_there =
                |place: &Value| place["path"].as_str().is_some_and(|path| path.ends_with(&format!("{number}.json")));
            let entry = entries
                .iter()
                .find(|entry| entry["locations"].as_array().is_some_and(|places| places.iter().any(is_there)));
            let finding = &entry.expect("an entry for each token")["finding"];
            let lines = ledger.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines
                .map(|line| line["event"].clone())
                .any(|told| &told["finding"] == finding && (told["type"] == event || told["state"] == event))
        };
        (0..self.tokens.len()).filter(is_recorded).collect()
    }

    /// How often the server was asked to revoke each token.
    fn requests(&self) -> Vec<usize> {
        let all = self.server.revocations();
        self.tokens.iter().map(|token| all.iter().filter(|revoked| *revoked == token).count()).collect()
    }

    fn alive(&self) -> Vec<bool> {
        self.tokens.iter().map(|token| self.server.is_alive(token)).collect()
    }

    fn check(&self) -> Run {
        self.env.run(["revoke", "status", "--check", "--ledger", "ledger.jsonl"])
    }
}

/// Nothing is sent for a token before its intent is in the ledger, and the ledger on the disk.
fn assert_synced_before_it_leaves(steps: &[String]) {
    let mut is_written = false;
    for step in steps {
        match step.as_str() {
            "a line of the ledger without its end" => is_written = true,
            "before the ledger is synced" => is_written = false,
            "before a connection" | "before a request" => assert!(!is_written, "{steps:#?}"),
            _ => {}
        }
    }
}

/// What has to hold as the first run has left it, and after the next.
fn check(operator: &Operator<'_>, killed: &Killed) {
    let step = killed.steps.last().expect("a step").as_str();
    let at = format!("killed at step {}, {step}", killed.steps.len());
    let sent = operator.requests();
    let (intended, revoked) = (operator.recorded("intent"), operator.recorded("revoked"));
    let alive = operator.alive();
    for number in 0..operator.tokens.len() {
        assert!(sent[number] == 0 || intended.contains(&number), "{at}: sent without an intent");
        assert!(!(alive[number] && revoked.contains(&number)), "{at}: a token that lives is called revoked");
        assert!(sent[number] <= 1, "{at}: sent twice");
    }
    let is_torn = step == "half a line of the ledger";
    if operator.ledger().exists() {
        let run = operator.check().exits(i32::from(is_torn));
        assert_eq!(run.stdout.contains("cut off"), is_torn, "{at}: {}", run.stdout);
    }

    let run = operator.env.run(operator.arguments()).exits(0);
    assert_eq!(run.stderr.contains("cut off"), is_torn, "{at}: {}", run.stderr);
    assert_eq!(operator.alive(), [false, false], "{at}: {}", run.stdout);
    assert_eq!(operator.recorded("revoked").len(), 2, "{at}: {}", run.stdout);
    operator.check().exits(0);
    for (number, total) in operator.requests().into_iter().enumerate() {
        if !alive[number] {
            assert_eq!(total, sent[number].max(1), "{at}: sent again for a token that was dead");
        }
        // Whoever dies right after sending does not know whether the server is quicker than the next run's question.
        let most = if step == "after a request" { 2 } else { 1 };
        assert!((1..=most).contains(&total), "{at}: sent {total} times");
    }
}

#[test]
fn killed_at_any_step_the_next_run_goes_on_from_what_is_true() {
    let tools = Env::new();
    let library = tools.work().join("kill_at.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/kill_at.c");
    tools.tool("cc", ["-shared", "-fPIC", "-O1", "-o", text(&library), source, "-ldl"]);
    let server = AuthorizationServer::start();
    let secret = random("client secret", 40);
    server.confidential_client(CLIENT, &secret);

    let mut died_at = BTreeSet::new();
    for step in 1.. {
        let operator = Operator::new(&server, &secret);
        let killed = operator.is_killed_at(step, text(&library));
        assert_synced_before_it_leaves(&killed.steps);
        check(&operator, &killed);
        if !killed.is_killed {
            assert_eq!(killed.steps.len(), step - 1, "{:#?}", killed.steps);
            break;
        }
        died_at.insert(killed.steps.last().expect("a step").clone());
    }
    assert_eq!(
        died_at.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "a line of the ledger without its end",
            "after a request",
            "before a connection",
            "before a line of the ledger",
            "before a request",
            "before the directory of the ledger is synced",
            "before the ledger is synced",
            "before the results are told",
            "half a line of the ledger",
        ]
    );
}
