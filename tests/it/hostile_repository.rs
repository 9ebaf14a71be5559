//! Repositories whose owner knows the program and wants it to revoke, or to send what it revokes somewhere else. An operator who
//! approves of nothing scans each of them from within, with `--revoke auto`.

use serde_json::json;

use crate::env::{Env, Run};
use crate::leak::{AUTO, CLIENT, Leak, OPERATOR_SECRET, text};
use crate::listener::Listener;
use crate::repository::Repository;
use crate::samples::random;

/// What a repository is made hostile with: its files, or what stands in its `.git`.
struct Hostile<'a> {
    leak: &'a Leak,
    repository: Repository<'a>,
    /// The attacker's server.
    url: &'a str,
}

type Plant = fn(&Hostile<'_>);

const PLANTS: [(&str, Plant); 10] = [
    ("configurations", configurations),
    ("rules", rules),
    ("links-to-the-operators-files", links),
    ("endpoints-beside-the-tokens", endpoints),
    ("documents-of-the-issuer", documents),
    ("settings-of-git", settings_of_git),
    ("settings-of-other-tools", settings_of_other_tools),
    ("owners", owners),
    ("names", names),
    ("plan-and-ledger", plan_and_ledger),
];

impl Hostile<'_> {
    fn write(&self, files: &[(&str, String)]) {
        for (path, content) in files {
            self.repository.write(path, content);
        }
        self.repository.commit("Add them");
    }

    /// A configuration that trusts the attacker, and sends what is the operator's to them.
    fn configuration(&self) -> String {
        let (url, issuer) = (self.url, &self.leak.server.issuer);
        let host = url.strip_prefix("http://").expect("a URL of this machine");
        format!(
            "[egress]\nallow_hosts = [\"{host}\"]\n\
             [[issuer]]\nissuer = \"{url}\"\nzone = \"loopback\"\nrevoke = true\n\
             [[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"{CLIENT}\"\n\
             client_secret_env = \"{OPERATOR_SECRET}\"\nrevocation_endpoint = \"{url}/revoke\"\n\n{AUTO}"
        )
    }
}

fn configurations(hostile: &Hostile<'_>) {
    let names = ["rescind.toml", ".rescind.toml", "config.toml", "rescind/config.toml", ".config/rescind/config.toml"];
    hostile.write(&names.map(|name| (name, hostile.configuration())));
}

/// A rule that the program takes where the operator names it. `attacker.test.invalid` is nobody's.
const RULE: &str = r#"
provider = "generic"
[[check]]
name = "any"
source = "attacker.test.invalid"
get = "https://attacker.test.invalid/check"
auth = "bearer"
live = [{ status = 200, has = "/id" }]
dead = [{ status = 401 }]
examples = [{ status = 200, body = '{"id":1}', state = "live" }, { status = 401, body = '', state = "dead" }]
[[revocation]]
name = "any"
source = "attacker.test.invalid"
post = "https://attacker.test.invalid/revoke"
auth = "bearer"
accepted = [200]
refused = [400]
examples = [{ status = 200, body = '', state = "accepted" }, { status = 400, body = '', state = "refused" }]
[[rule]]
id = "planted"
title = "Planted"
kind = "refresh_token"
confidence = "high"
severity = "high"
anchors = ["planted"]
window = { before = 0, after = 80 }
hosts = ["attacker.test.invalid"]
pattern = 'planted (?P<secret>[A-Za-z0-9]{40})'
verify = { method = "request", check = "any" }
revoke = { method = "request", call = "any", blast_radius = "token", reversible = false, steps = ["Ask."] }
[rule.examples]
matches = ['planted <<base62:40>>', '"planted <<base62:40>>"']
rejects = ['planted', 'planted tomorrow']
"#;

fn rules(hostile: &Hostile<'_>) {
    let url = hostile.url;
    let gitleaks =
        format!("title = \"{url}\"\n[extend]\nurl = \"{url}/rules.toml\"\npath = \"/etc/passwd\"\nuseDefault = true\n");
    hostile.write(&[
        ("rules/planted.toml", RULE.to_owned()),
        (".rescind/rules/planted.toml", RULE.to_owned()),
        (".config/rescind/rules/planted.toml", RULE.to_owned()),
        (".gitleaks.toml", gitleaks.clone()),
        (".github/gitleaks.toml", gitleaks),
        (".gitleaksignore", format!("{url}:session.json:1\n")),
        ("notes.txt", format!("planted {}\n", random("planted", 40))),
    ]);
    let arguments = ["scan", "--format", "jsonl", "--rules", "rules", "notes.txt"];
    let named = run_in(&hostile.leak.env, &hostile.repository, &arguments).exits(1);
    assert_eq!(named.finding("refresh_token")["rule"], "planted", "it is as good as any where the operator names it");
}

fn links(hostile: &Hostile<'_>) {
    let (env, path) = (&hostile.leak.env, &hostile.repository.path);
    let state = env.home().join(".local/state/rescind");
    for (name, target) in [
        ("ledger.jsonl", state.join("ledger.jsonl")),
        ("config.toml", env.home().join(".config/rescind/config.toml")),
        ("state", state),
        ("home", env.home()),
        ("plan.json", "/dev/stdout".into()),
        ("round", ".".into()),
    ] {
        fs_err::os::unix::fs::symlink(target, path.join(name)).expect("a link");
    }
    hostile.repository.commit("Link to them");
}

fn endpoints(hostile: &Hostile<'_>) {
    let (url, leak) = (hostile.url, hostile.leak);
    let session = json!({
        "issuer": leak.server.issuer,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "introspection_endpoint": format!("{url}/introspect"),
        "revocation_endpoint": format!("{url}/revoke"),
        "userinfo_endpoint": format!("{url}/me"),
        "jwks_uri": format!("{url}/keys"),
        "client_id": CLIENT,
        "access_token": leak.access_token,
        "refresh_token": leak.refresh_token,
    });
    hostile.write(&[("session.json", format!("{session:#}\n"))]);
}

fn documents(hostile: &Hostile<'_>) {
    let url = hostile.url;
    let document = json!({
        "issuer": hostile.leak.server.issuer,
        "token_endpoint": format!("{url}/token"),
        "introspection_endpoint": format!("{url}/introspect"),
        "revocation_endpoint": format!("{url}/revoke"),
        "jwks_uri": format!("{url}/keys"),
    });
    let names =
        [".well-known/openid-configuration", ".well-known/oauth-authorization-server", "openid-configuration.json"];
    hostile.write(&names.map(|name| (name, format!("{document:#}\n"))));
}

/// What git would run, include or fetch from, were it asked to.
fn settings_of_git(hostile: &Hostile<'_>) {
    let (url, path) = (hostile.url, &hostile.repository.path);
    let marker = hostile.leak.env.work().join("executed");
    let script = path.join(".git/run.sh");
    fs_err::write(&script, format!("#!/bin/sh\n: > '{}'\n", marker.display())).expect("a script");
    hostile.leak.env.tool("chmod", ["+x", text(&script)]);
    let hooks = path.join(".git/hooks");
    for hook in ["pre-commit", "post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"] {
        fs_err::create_dir_all(&hooks).expect("a directory");
        fs_err::copy(&script, hooks.join(hook)).expect("a hook");
    }
    let run = text(&script);
    fs_err::write(path.join(".git/more"), format!("[core]\n\tpager = {run}\n\teditor = {run}\n")).expect("a file");
    fs_err::write(
        path.join(".git/config"),
        format!(
            "[core]\n\trepositoryformatversion = 1\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\talternateRefsCommand = {run}\n\
             [extensions]\n\tpartialClone = origin\n[include]\n\tpath = more\n\
             [remote \"origin\"]\n\turl = {url}/shop.git\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\
             [http]\n\tproxy = {url}\n[credential]\n\thelper = {run}\n[diff]\n\texternal = {run}\n\
             [alias]\n\tlog = !{run}\n\trev-list = !{run}\n\tcat-file = !{run}\n\
             [filter \"any\"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n[rescind]\n\trevoke = auto\n"
        ),
    )
    .expect("a file");
    fs_err::write(path.join(".gitattributes"), "* filter=any diff=any\n").expect("a file");
}

fn settings_of_other_tools(hostile: &Hostile<'_>) {
    let url = hostile.url;
    let proxy = format!("HTTPS_PROXY={url}\nHTTP_PROXY={url}\nALL_PROXY={url}\n");
    let rescind =
        format!("RESCIND_CONFIG=rescind.toml\nRESCIND_ALLOW_HOST={url}\nRESCIND_REVOKE=auto\nXDG_CONFIG_HOME=.\n");
    hostile.write(&[
        (".env.production", format!("{proxy}{rescind}SSL_CERT_FILE=ca.pem\n")),
        (".envrc", format!("export {}", proxy.replace('\n', "\nexport "))),
        (".netrc", "machine 127.0.0.1 login attacker password attacker\n".to_owned()),
        (".curlrc", format!("proxy = \"{url}\"\n")),
        (".npmrc", format!("registry={url}\nproxy={url}\n")),
        ("hosts", "127.0.0.1 id.test.invalid\n".to_owned()),
    ]);
}

fn owners(hostile: &Hostile<'_>) {
    let url = hostile.url;
    let owners =
        format!("* {url}/tell @attacker attacker@test.invalid $(touch executed) \x1b[2J\n[Section][{url}] @attacker\n");
    hostile.write(&["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"].map(|name| (name, owners.clone())));
}

/// Names that are something else where they are not quoted. In each lies what is in all of these repositories.
fn names(hostile: &Hostile<'_>) {
    let session = fs_err::read_to_string(hostile.repository.path.join("session.json")).expect("the tokens");
    let names = [
        "a\n{\"type\":\"finding\",\"revocation\":{\"state\":\"planned\"}}\n/session.json",
        "\u{1b}[2J\u{1b}]0;revoke\u{7}/session.json",
        "\r\u{202e}live/session.json",
        "--revoke=auto",
        "--config=rescind.toml",
        "$(touch executed)`touch executed`;touch executed",
        "::set-env name=RESCIND_CONFIG::rescind.toml",
    ];
    hostile.write(&names.map(|name| (name, session.clone())));
}

/// A plan and a ledger of the attacker's, where the operator's could be looked for.
fn plan_and_ledger(hostile: &Hostile<'_>) {
    let url = hostile.url;
    let plan = json!({
        "type": "revocation_plan",
        "schema": 1,
        "hash": "0".repeat(64),
        "entries": [{"action": {"method": "rfc7009", "issuer": url, "endpoint": format!("{url}/revoke")},
            "policy": {"action": "auto", "decided_by": "rule 1"}}],
    });
    let approved = json!({"schema": 1, "sequence": 1, "at": "2026-11-21T02:00:00Z", "previous": "0".repeat(64),
        "event": {"type": "approved", "plan": "0".repeat(64), "by": "hash", "calls": 1}, "hash": "0".repeat(64)});
    let mut files: Vec<(&str, String)> =
        ["plan.json", "revocation-plan.json", ".rescind/plan.json"].map(|name| (name, format!("{plan:#}\n"))).into();
    let ledgers = ["ledger.jsonl", "rescind/ledger.jsonl", ".local/state/rescind/ledger.jsonl"];
    files.extend(ledgers.map(|name| (name, format!("{approved}\n"))));
    hostile.write(&files);
}

/// Runs the program within a directory.
fn run_in(env: &Env, repository: &Repository<'_>, arguments: &[&str]) -> Run {
    let mut command = env.rescind();
    let run = Run::of(command.current_dir(&repository.path).args(arguments).output().expect("the program starts"));
    assert!(!run.stderr.contains("panicked at"), "{run:?}");
    env.assert_no_leak_in("standard output", &run.stdout);
    env.assert_no_leak_in("standard error", &run.stderr);
    env.assert_no_leak_on_disk();
    run
}

fn revocations(requests: &[String]) -> Vec<&String> {
    requests.iter().filter(|request| request.contains("/token/revocation")).collect()
}

#[test]
fn nothing_that_is_scanned_revokes_or_says_where_to() {
    let (leak, attacker) = (Leak::new(), Listener::start());
    let (env, server) = (&leak.env, &leak.server);
    // A ledger of what the operator has revoked before.
    let before = server.grant(CLIENT);
    env.plant([&*before.refresh_token, &before.access_token]);
    let session = |refresh: &str, access: &str| {
        let session =
            json!({"issuer": server.issuer, "client_id": CLIENT, "access_token": access, "refresh_token": refresh});
        format!("{session:#}\n")
    };
    let file = env.write("before/session.json", session(&before.refresh_token, &before.access_token));
    let auto = leak.configure(CLIENT, AUTO);
    leak.scan(&auto, &[text(&file)], &["--revoke", "auto"]);
    let ledger = env.home().join(".local/state/rescind/ledger.jsonl");
    let written = fs_err::read(&ledger).expect("the ledger");
    assert!(!server.is_alive(&before.refresh_token));
    // From now on they approve of nothing.
    let approving_of_nothing = fs_err::read_to_string(leak.configure(CLIENT, "")).expect("the configuration");
    fs_err::write(env.home().join(".config/rescind/config.toml"), &approving_of_nothing).expect("the configuration");
    server.take_requests();

    let common = ["scan", "--verify", "--revoke", "auto"];
    for (name, plant) in PLANTS {
        let hostile = Hostile { leak: &leak, repository: env.repository(name), url: &attacker.url };
        hostile.repository.write("session.json", session(&leak.refresh_token, &leak.access_token));
        hostile.repository.commit("Keep the session");
        plant(&hostile);
        let run = run_in(env, &hostile.repository, &[&common[..], &["--format", "jsonl", "."]].concat()).exits(1);
        let refresh = run.finding("refresh_token");
        let state = (&refresh["liveness"]["state"], &refresh["revocation"]["state"]);
        assert_eq!(state, (&json!("live"), &json!("planned")), "{name}: {refresh:#}");
        let shown = run_in(env, &hostile.repository, &[&common[..], &["."]].concat()).exits(1);
        assert!(
            !(shown.stdout + &shown.stderr).contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{name} steers the terminal"
        );

        assert_eq!(attacker.connections(), 0, "{name}");
        assert_eq!(revocations(&server.take_requests()), Vec::<&String>::new(), "{name}");
        assert!(server.is_alive(&leak.refresh_token) && server.is_alive(&leak.access_token), "{name}");
        assert_eq!(fs_err::read(&ledger).expect("the ledger"), written, "{name}");
        for directory in [&env.work(), &hostile.repository.path] {
            assert!(!directory.join("executed").exists(), "{name}");
        }
    }

    // Where they do approve, it goes where it belongs, and nowhere else.
    let auto = leak.configure(CLIENT, AUTO);
    let input = env.input();
    let run = leak.scan(&auto, &[text(&input)], &["--revoke", "auto"]).exits(1);
    assert!(!server.is_alive(&leak.refresh_token), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(attacker.connections(), 0);
    assert!(!env.work().join("executed").exists());
}
