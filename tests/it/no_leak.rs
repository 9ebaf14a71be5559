//! No secret value leaves the program unasked: not in a report, a log, an error, a plan or a ledger.
//!
//! `Env::run` looks into all that each run of any test writes; here are the runs that write the most.

use std::io::Write as _;
use std::process::Stdio;

use crate::env::Env;
use crate::leak::{AUTO, CLIENT, Leak, text};
use crate::samples::random;

#[test]
fn nothing_secret_is_told_in_any_format_or_log() {
    let leak = Leak::new();
    let other = leak.server.grant(CLIENT);
    leak.env.plant([&*other.refresh_token, &other.access_token]);
    leak.env.write(
        "more/token.http",
        format!("POST /token\n\ngrant_type=refresh_token&refresh_token={}\n", other.refresh_token),
    );
    let config = leak.configure(CLIENT, AUTO);
    let ledger = leak.ledger();
    let evidence = leak.env.work().join("evidence.jsonl");
    leak.env.set("RESCIND_LOG", "trace");
    let input = leak.env.input();
    let targets = [text(&input), text(&leak.repository), text(&leak.layout.path)];
    for format in ["text", "short", "json", "jsonl", "sarif"] {
        let report = leak.env.work().join(format!("report.{format}"));
        let common = ["scan", "-vv", "--verify", "--config", &config, "--allow-host", leak.server.host()];
        let output = ["--format", format, "--output", text(&report)];
        leak.env.run(common.iter().chain(&output).chain(&targets)).exits(1);
        leak.env.run(common.iter().chain(&["--format", format, "--color", "always"]).chain(&targets)).exits(1);
        assert!(fs_err::metadata(&report).expect("the report").len() > 0);
    }
    leak.scan(&config, &targets, &["-vv", "--revoke", "plan"]).exits(1);
    let run = leak
        .scan(&config, &targets, &["-vv", "--revoke", "auto", "--ledger", text(&ledger), "--evidence", text(&evidence)])
        .exits(1);
    let told = fs_err::read_to_string(&evidence).expect("the evidence");
    let requests: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let is_revocation = |request: &serde_json::Value| {
        request["status"] == 200
            && request["request"].as_str().is_some_and(|request| request.ends_with("/token/revocation"))
    };
    assert!(requests.iter().any(is_revocation), "{told}");
    assert!(!run.stderr.is_empty(), "the logs were written");
    assert!(!leak.server.is_alive(&leak.refresh_token), "a request with the secret in it has been made and logged");
    leak.env.run(["revoke", "status", "--check", "--ledger", text(&ledger)]).exits(0);

    // The check itself sees a value where one is asked for.
    let shown = leak.env.run(["scan", "--format", "jsonl", "--show-secrets", text(&leak.repository)]).exits(1);
    assert!(shown.stdout.contains(&leak.refresh_token));
}

/// Reports show the parts of a finding: none may be the secret, or what makes it one.
#[test]
fn no_part_of_a_url_with_a_password_is_the_password() {
    let env = Env::new();
    let (number, password) = (random("digits", 40), random("a password in a URL", 27));
    let key: String = number.bytes().map(|byte| char::from(b'1' + byte % 9)).take(15).collect();
    env.plant([&*password]);
    env.write(".env", format!("CLOUDINARY_URL={}://{key}:{password}@acmecloud\n", "cloudinary"));
    for format in ["text", "short", "json", "jsonl", "sarif"] {
        let run = env.run(["scan", "--format", format, text(&env.input())]).exits(1);
        assert!(run.stdout.contains("cloudinary-url") || format == "short", "{}", run.stdout);
    }
}

/// A crash must not write down what is in memory.
#[cfg(target_os = "linux")]
#[test]
fn no_core_is_left_behind() {
    let env = Env::new();
    let mut command = env.command("bash");
    command.args(["-c", "ulimit -S -c unlimited; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rescind"), "scan", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("a piped standard input");
    // More than a pipe holds: when all of it is taken, the program runs and reads.
    input.write_all(&vec![b'\n'; 1 << 17]).expect("it reads");
    let limits = fs_err::read_to_string(format!("/proc/{}/limits", child.id())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    drop(input);
    child.wait().expect("it ends");
}
