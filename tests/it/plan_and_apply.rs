//! Revocation in two steps: a plan that a person reads, and its execution when they approve it by its hash.

use std::path::PathBuf;
use std::process::Stdio;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::env::Run;
use crate::leak::{CLIENT, Leak, text};
use crate::terminal::NO;

/// A leak, and a plan of what ends it.
struct Planned {
    leak: Leak,
    plan: PathBuf,
    hash: String,
}

impl Planned {
    /// Scans, verifies and plans; sends nothing to the revocation endpoint.
    fn new() -> Self {
        let leak = Leak::new();
        let config = leak.configure(CLIENT, "");
        let (report, plan) = (leak.env.work().join("report.jsonl"), leak.env.work().join("plan.json"));
        leak.scan(&config, &[text(&leak.repository)], &["--output", text(&report)]).exits(1);
        let run = leak.env.run([
            "revoke",
            "plan",
            text(&report),
            "--output",
            text(&plan),
            "--config",
            &config,
            "--allow-host",
            leak.server.host(),
        ]);
        let run = run.exits(0);
        let stored = fs_err::read_to_string(&plan).expect("the plan");
        let document: Value = serde_json::from_str(&stored).expect("JSON");
        let hash = document["hash"].as_str().expect("a hash").to_owned();
        assert!(run.stdout.contains(&hash) || run.stderr.contains(&hash), "{}\n{}", run.stdout, run.stderr);
        assert!(sent(&leak.server.take_requests()).is_empty());
        Self { leak, plan, hash }
    }

    fn arguments<'a>(&'a self, hash: &'a str, ledger: &'a str) -> Vec<&'a str> {
        let plan = text(&self.plan);
        let arguments = ["revoke", "apply", plan, "--hash", hash, "--ledger", ledger, "--format", "jsonl"];
        [&arguments[..], &["--config", "rescind.toml", "--allow-host", self.leak.server.host()]].concat()
    }

    fn apply(&self, hash: &str) -> Run {
        self.leak.env.run(self.arguments(hash, text(&self.leak.ledger())))
    }

    fn states(&self, run: &Run) -> Vec<String> {
        let states = run.lines().into_iter().map(|line| line["state"].as_str().expect("a state").to_owned()).collect();
        self.check_ledger();
        states
    }

    fn check_ledger(&self) -> Run {
        let ledger = self.leak.ledger();
        self.leak.env.run(["revoke", "status", "--check", "--ledger", text(&ledger)]).exits(0)
    }
}

/// The requests to revoke something.
fn sent(requests: &[String]) -> Vec<&String> {
    requests.iter().filter(|request| request.contains("/token/revocation")).collect()
}

#[test]
fn an_approved_plan_is_carried_out_once() {
    let planned = Planned::new();
    let run = planned.apply(&planned.hash);
    assert!(planned.states(&run).contains(&"revoked".to_owned()), "{}\n{}", run.stdout, run.stderr);
    assert!(!planned.leak.server.is_alive(&planned.leak.refresh_token));
    assert_eq!(planned.leak.server.userinfo_status(&planned.leak.access_token), 401);

    planned.leak.server.take_requests();
    let again = planned.apply(&planned.hash);
    assert_eq!(planned.states(&again), planned.states(&run), "{}", again.stderr);
    // What was revoked by RFC 7009 stays dead.
    let revoked = again.lines().into_iter().find(|line| line["state"] == "revoked").expect("a revoked one");
    let finding = revoked["finding"].as_str().expect("an id");
    let ledger = planned.leak.ledger();
    let run = planned.leak.env.run(["revoke", "undo", finding, "--yes", "--ledger", text(&ledger)]).exits(2);
    assert!(run.stderr.contains("cannot be undone: no issuer brings a revoked token back"), "{}", run.stderr);
    // All but the JWT, which the server has refused to revoke and which still works.
    assert_eq!(sent(&planned.leak.server.take_requests()), ["POST /token/revocation 400"]);
}

#[test]
fn a_person_at_a_terminal_types_that_they_mean_it() {
    let planned = Planned::new();
    let (env, server, ledger) = (&planned.leak.env, &planned.leak.server, planned.leak.ledger());
    let arguments = planned.arguments(&planned.hash, text(&ledger));
    for (typed, code) in NO {
        let run = env.answer(typed, &arguments).exits(code);
        assert!(run.stdout.contains("This cannot be undone. Type `revoke` to go on: "), "{typed:?}: {}", run.stdout);
        assert_eq!(run.stdout.contains("not confirmed: nothing was sent"), code == 2, "{typed:?}: {}", run.stdout);
        assert!(server.is_alive(&planned.leak.refresh_token) && !ledger.exists(), "{typed:?}");
        assert_eq!(server.take_requests(), Vec::<String>::new(), "{typed:?}");
    }
    env.answer("revoke\n", &arguments);
    assert!(!server.is_alive(&planned.leak.refresh_token));
    // Who says beforehand that they mean it is not asked.
    let run = env.answer("", arguments.iter().chain(&["--yes"]));
    assert!(!run.stdout.contains("to go on"), "{}", run.stdout);
}

#[test]
fn who_decided_is_told() {
    let planned = Planned::new();
    let env = &planned.leak.env;
    let policy = "[policy]\n[[policy.rule]]\nname = \"no tokens\"\nkind = \"refresh_token\"\naction = \"never\"\n";
    let config = planned.leak.configure(CLIENT, policy);
    let report = env.work().join("report.jsonl");
    let arguments = [text(&report), "--config", &*config, "--allow-host", planned.leak.server.host()];
    let plan = env.run(["revoke", "plan", "--explain"].iter().chain(&arguments)).exits(0).stdout;
    let tried = env.run(["policy", "check"].iter().chain(&arguments)).exits(0).stdout;
    for decided_by in ["rule 1 `no tokens`", "no rule matches, so `policy.default`"] {
        assert!(plan.contains(&format!("decided by {decided_by}")), "{plan}");
        assert!(tried.contains(&format!("({decided_by})")), "{tried}");
    }
    assert!(sent(&planned.leak.server.take_requests()).is_empty());
}

#[test]
fn the_ledger_is_exported_for_other_programs() {
    let planned = Planned::new();
    planned.apply(&planned.hash);
    let (env, ledger) = (&planned.leak.env, planned.leak.ledger());
    let export = |form: &str| env.run(["revoke", "status", "--ledger", text(&ledger), "--export", form]);
    let entries = fs_err::read_to_string(&ledger).expect("the ledger");
    let table = export("csv").exits(0).stdout;
    assert_eq!(table.lines().count(), 1 + entries.lines().count());
    let events = export("ocsf").exits(0).lines();
    assert!(events.iter().any(|event| event["status"] == "Success"), "{events:#?}");
    assert!(events.iter().all(|event| event["class_uid"] == 7001));
    // To a file, and from a ledger that somebody has written into: told, and exported nevertheless.
    let output = env.work().join("ledger.csv");
    fs_err::write(&ledger, entries.replace("\"outcome\"", "\"0utcome\"")).expect("the ledger");
    let arguments = ["revoke", "status", "--ledger", text(&ledger), "--export", "csv", "--output", text(&output)];
    let run = env.run(arguments).exits(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("does not hold"), "{run:?}");
    assert!(fs_err::read_to_string(&output).expect("the table").starts_with("sequence,at,"));
}

#[test]
fn another_plan_than_the_approved_one_is_not_carried_out() {
    let planned = Planned::new();
    let another = planned.hash.replace(|digit: char| digit.is_ascii_digit(), "7");
    let approved = fs_err::read_to_string(&planned.plan).expect("the plan");
    let changed = approved.replace(CLIENT, "another-client");
    assert_ne!(changed, approved);
    for (what, hash, plan) in [
        ("another hash", &another, &approved),
        ("no hash", &String::new(), &approved),
        ("the beginning of the hash", &planned.hash[..12].to_owned(), &approved),
        ("changed after it was approved", &planned.hash, &changed),
        ("cut off", &planned.hash, &approved[..approved.len() / 2].to_owned()),
    ] {
        fs_err::write(&planned.plan, plan).expect("the plan");
        let run = planned.apply(hash).exits(2);
        assert!(run.stderr.contains("plan"), "{what}: {}", run.stderr);
        assert!(planned.leak.server.is_alive(&planned.leak.refresh_token), "{what}");
        assert_eq!(planned.leak.server.take_requests(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn what_the_policy_forbids_by_now_is_not_carried_out() {
    let planned = Planned::new();
    for policy in [
        "[policy]\nhalt = true\n",
        "[policy]\ndefault = \"never\"\n",
        "[policy]\n[[policy.rule]]\nkind = [\"refresh_token\", \"access_token\", \"jwt\"]\naction = \"never\"\n",
    ] {
        planned.leak.configure(CLIENT, policy);
        let run = planned.apply(&planned.hash).exits(1);
        assert!(!planned.states(&run).contains(&"revoked".to_owned()), "{policy}: {}", run.stdout);
        assert_eq!(sent(&planned.leak.server.take_requests()), Vec::<&String>::new(), "{policy}");
    }
    // An issuer that is trusted no more is not asked either.
    planned.leak.env.write_work("rescind.toml", "");
    let run = planned.apply(&planned.hash).exits(1);
    assert!(!planned.states(&run).contains(&"revoked".to_owned()), "{}", run.stdout);
    assert_eq!(planned.leak.server.take_requests(), Vec::<String>::new());
    assert!(planned.leak.server.is_alive(&planned.leak.refresh_token));
}

#[test]
fn a_value_that_is_gone_is_not_revoked_by_guess() {
    let planned = Planned::new();
    fs_err::remove_dir_all(&planned.leak.repository).expect("the repository");
    let run = planned.apply(&planned.hash).exits(1);
    assert!(!planned.states(&run).contains(&"revoked".to_owned()), "{}", run.stdout);
    assert_eq!(sent(&planned.leak.server.take_requests()), Vec::<&String>::new());
    assert!(planned.leak.server.is_alive(&planned.leak.refresh_token));
}

/// An Ed25519 key in the files that `openssl genpkey` and `openssl pkey -pubout` write: private, public.
fn key_files(planned: &Planned, seed: u8) -> [String; 2] {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed of 32 bytes");
    let private = pair.to_pkcs8v1().expect("a key").as_ref().to_vec();
    // SubjectPublicKeyInfo of RFC 8410.
    let public = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", pair.public_key().as_ref()].concat();
    [("PRIVATE", private), ("PUBLIC", public)].map(|(kind, der)| {
        let block = format!("-----BEGIN {kind} KEY-----\n{}\n-----END {kind} KEY-----\n", STANDARD.encode(der));
        text(&planned.leak.env.write_work(&format!("{kind}-{seed}.pem"), block)).to_owned()
    })
}

#[test]
fn a_signed_checkpoint_tells_what_was_done_to_the_ledger() {
    let planned = Planned::new();
    planned.apply(&planned.hash);
    let (env, ledger) = (&planned.leak.env, planned.leak.ledger());
    let ([private, public], [_, another]) = (key_files(&planned, 1), key_files(&planned, 2));
    let note = env.work().join("checkpoint.txt");
    let arguments = ["revoke", "checkpoint", "--ledger", text(&ledger), "--output", text(&note), "--key"];
    env.run(arguments.iter().chain(&[&*private])).exits(0);
    env.run(arguments.iter().chain(&[&*public])).exits(2);
    let check = |key: &str| {
        let ledger = text(&ledger);
        let signed = ["--checkpoint", text(&note), "--public-key", key];
        env.run(["revoke", "status", "--check", "--ledger", ledger].iter().chain(&signed))
    };
    let entries = fs_err::read_to_string(&ledger).expect("the ledger");
    let count = entries.lines().count();
    let held = check(&public).exits(0).stdout;
    assert!(held.contains(&format!("holds the {count} entries that were signed")), "{held}");
    assert!(check(&another).exits(2).stderr.contains("not signed with that key"));

    // Carried out again, the ledger is longer, and holds what was signed.
    planned.apply(&planned.hash);
    let longer = fs_err::read_to_string(&ledger).expect("the ledger");
    assert!(longer.lines().count() > count);
    check(&public).exits(0);
    // Cut off at its end, the chain holds and the checkpoint tells.
    let cut: String = entries.split_inclusive('\n').take(count - 1).collect();
    fs_err::write(&ledger, &cut).expect("the ledger");
    planned.check_ledger();
    assert!(check(&public).exits(1).stderr.contains("cut off"));
    // So it does of one that was begun anew.
    fs_err::remove_file(&ledger).expect("the ledger");
    planned.apply(&planned.hash);
    planned.check_ledger();
    assert!(check(&public).exits(1).stderr.contains("another ledger"));
    // A checkpoint that was made to fit is none.
    let forged = fs_err::read_to_string(&note).expect("the note").replace("entries ", "entries 1");
    fs_err::write(&note, forged).expect("the note");
    assert!(check(&public).exits(2).stderr.contains("does not match its text"));
}

/// The worst moment to die: the request has left, the answer has not come.
#[test]
fn after_a_crash_it_is_asked_before_anything_is_sent_again() {
    let planned = Planned::new();
    let server = &planned.leak.server;
    server.disturb("/token/revocation", json!({"silent": true}));
    let ledger = planned.leak.ledger();
    let mut child = planned
        .leak
        .env
        .rescind()
        .args(planned.arguments(&planned.hash, text(&ledger)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while sent(&server.requests()).is_empty() {
        assert!(child.try_wait().expect("the own child").is_none(), "it ended without a request");
    }
    let recorded = fs_err::read_to_string(&ledger).expect("the ledger is written before the request leaves");
    assert!(recorded.contains("intent"), "{recorded}");
    child.kill().expect("the own child");
    child.wait().expect("the own child");
    // What the ledger says of it is that nobody knows, and its chain holds.
    assert!(planned.check_ledger().stdout.contains("unknown"));

    server.take_requests();
    server.disturb("/token/revocation", json!({}));
    let run = planned.apply(&planned.hash);
    let requests = server.take_requests();
    let first = |path: &str| requests.iter().position(|request| request.contains(path));
    let asked = first("/token/introspection").expect("it is asked");
    assert!(first("/token/revocation").is_none_or(|sent| asked < sent), "{requests:#?}");
    planned.states(&run);
    assert!(!server.is_alive(&planned.leak.refresh_token), "{}\n{}", run.stdout, run.stderr);
}

/// A past bug: what every other command refused, `apply` took.
#[test]
fn an_instance_of_a_provider_that_no_rule_knows_stops_the_execution() {
    let planned = Planned::new();
    let config = planned.leak.configure(CLIENT, "[[instance]]\nprovider = 'gitlb'\nurl = 'https://git.test.invalid'\n");
    assert!(config.ends_with("rescind.toml"));
    let run = planned.leak.env.run(planned.arguments(&planned.hash, text(&planned.leak.ledger()))).exits(2);
    assert!(run.stderr.contains("did you mean `gitlab`?"), "{}", run.stderr);
    assert!(sent(&planned.leak.server.take_requests()).is_empty());
}
