//! The whole loop against a real authorization server: it issues, a developer leaks, `rescind` finds, asks, revokes, and
//! proves it. What the server itself says in the end decides, not what the program says of it.

use serde_json::{Value, json};

use crate::leak::{AUTO, CLIENT, Leak, OPERATOR_SECRET, finding_at, text};
use crate::listener::Listener;
use crate::samples::{altered, jwt, random};

fn location_in(finding: &Value, source: &str) -> Value {
    let locations = finding["locations"].as_array().expect("a list of locations");
    let found = locations.iter().find(|location| location["source"] == source);
    found.unwrap_or_else(|| panic!("no location of source `{source}` in {finding:#}")).clone()
}

/// Checks that the place which a finding tells holds the secret, in what git itself shows there.
fn assert_git_agrees(leak: &Leak, location: &Value, commit: &str, secret: &str) {
    let path = location["path"].as_str().expect("a path");
    assert_eq!(location["commit"], commit);
    assert_eq!(location["author"].as_str().map(|author| author.contains("Ada Author")), Some(true));
    let repository = text(&leak.repository);
    let shown = leak.env.tool("git", ["-C", repository, "show", &format!("{commit}:{path}")]);
    let blob = leak.env.tool("git", ["-C", repository, "rev-parse", &format!("{commit}:{path}")]);
    assert_eq!(location["blob"], blob);
    assert_stands_at(location, &format!("{shown}\n"), secret);
}

fn assert_stands_at(location: &Value, content: &str, secret: &str) {
    let number = |name: &str| usize::try_from(location[name].as_u64().expect(name)).expect("a small number");
    assert_eq!(&content[number("byte_start")..number("byte_end")], secret);
    let line = content.lines().nth(number("line") - 1).expect("a line of the content");
    assert_eq!(&line[number("column") - 1..number("end_column") - 1], secret);
    assert_eq!(location["line"], location["end_line"]);
}

#[test]
fn every_leak_is_found_where_it_stands() {
    let leak = Leak::new();
    let archive = leak.env.docker_archive(&leak.layout, "image.tar");
    let targets = [text(&leak.repository), text(&leak.layout.path), text(&archive)];
    let run = leak.env.run(["scan", "--format", "jsonl"].iter().chain(&targets)).exits(1);
    assert_eq!(run.summary()["complete"], true, "{}", run.stdout);

    let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
    let place = location_in(&refresh, "git");
    assert_git_agrees(&leak, &place, &leak.session_commit, &leak.refresh_token);
    assert_eq!((&place["in_head"], &place["reachable"]), (&json!(false), &json!(true)));
    assert_eq!(refresh["secret"]["length"], leak.refresh_token.len());
    assert_eq!(refresh["liveness"]["state"], "not_checked");

    let access = finding_at(&run, "deploy/session.json", "access_token");
    assert_git_agrees(&leak, &location_in(&access, "git"), &leak.session_commit, &leak.access_token);

    let jwt = finding_at(&run, "scripts/smoke.sh", "jwt");
    let place = location_in(&jwt, "git");
    assert_git_agrees(&leak, &place, &leak.script_commit, &leak.jwt_in_repository);
    assert_eq!(place["in_head"], true);
    assert_eq!(jwt["token"]["iss"], leak.server.issuer);
    assert_eq!(jwt["token"]["client_id"], CLIENT);

    let secret = finding_at(&run, ".env", "client_secret");
    let content = fs_err::read_to_string(leak.repository.join(".env")).expect("the file written above");
    let place = &secret["locations"][0];
    assert_stands_at(place, &content, &leak.client_secret);
    let part = |name: &str| {
        let parts = secret["parts"].as_array().expect("a list of parts");
        parts.iter().find(|part| part["name"] == name).map(|part| part["value"].clone())
    };
    assert_eq!(part("client_id"), Some(json!(CLIENT)));
    assert_eq!(part("issuer"), Some(json!(leak.server.issuer)));

    let in_image = finding_at(&run, "app/config.yaml", "jwt");
    let locations = in_image["locations"].as_array().expect("a list of locations");
    assert_eq!(locations.len(), 2, "once in the layout, once in the archive: {in_image:#}");
    let in_layout = locations.iter().find(|place| place["layer"] == *leak.layout.adding);
    let in_layout = in_layout.unwrap_or_else(|| panic!("no location in {}: {in_image:#}", leak.layout.adding));
    assert_eq!(in_layout["shadowed_by"], *leak.layout.deleting);
    assert_eq!(in_layout["instruction"], "COPY . /app");
    assert_eq!(in_image["secret"]["length"], leak.jwt_in_image.len());
    for place in locations {
        assert!(place["shadowed_by"].is_string(), "{place:#}");
    }
}

#[test]
fn verification_tells_live_from_altered_and_expired() {
    let leak = Leak::new();
    let other = leak.server.grant(CLIENT);
    let expired = jwt(&json!({"iss": leak.server.issuer, "aud": "x", "sub": "y", "jti": "z", "exp": 1_700_000_000}));
    leak.env.write(
        "copies/altered.env",
        format!(
            "OIDC_ISSUER={}\nOIDC_CLIENT_ID={CLIENT}\nOIDC_CLIENT_SECRET={}\n",
            leak.server.issuer,
            altered(&leak.client_secret)
        ),
    );
    let response = json!({
        "issuer": leak.server.issuer,
        "client_id": CLIENT,
        "token_type": "Bearer",
        "access_token": altered(&other.access_token),
        "refresh_token": altered(&other.refresh_token),
    });
    leak.env.write("copies/altered.json", format!("{response:#}\n"));
    leak.env.write("copies/altered.http", format!("Authorization: Bearer {}\n", altered(&leak.jwt_in_repository)));
    leak.env.write("copies/expired.http", format!("Authorization: Bearer {expired}\n"));

    let config = leak.configure(CLIENT, "");
    let copies = leak.env.input().join("copies");
    let targets = [text(&leak.repository), text(&leak.layout.path), text(&copies)];
    let run = leak.scan(&config, &targets, &[]).exits(1);
    let liveness = |path: &str, kind: &str| finding_at(&run, path, kind)["liveness"].clone();
    for (path, kind, expected) in [
        (".env", "client_secret", "live"),
        ("deploy/session.json", "refresh_token", "live"),
        ("deploy/session.json", "access_token", "live"),
        ("scripts/smoke.sh", "jwt", "live"),
        ("app/config.yaml", "jwt", "live"),
        ("altered.env", "client_secret", "dead"),
        ("altered.json", "refresh_token", "dead"),
        ("altered.json", "access_token", "dead"),
        ("altered.http", "jwt", "dead"),
        ("expired.http", "jwt", "dead"),
    ] {
        let liveness = liveness(path, kind);
        assert_eq!(liveness["state"], expected, "{kind} in {path}: {liveness:#}\n{}", run.stderr);
        assert!(liveness["method"].is_string(), "{kind} in {path}: {liveness:#}");
    }

    // Finding out what lives has changed nothing: no token minted, none rotated, none withdrawn.
    assert!(leak.server.is_alive(&leak.refresh_token));
    assert!(leak.server.is_alive(&leak.access_token));
    let requests = leak.server.take_requests();
    assert!(requests.iter().all(|request| request != "POST /token 200"), "{requests:#?}");
}

#[test]
fn an_expired_token_is_called_dead_without_a_packet() {
    let leak = Leak::new();
    let expired = jwt(&json!({"iss": leak.server.issuer, "aud": "x", "sub": "y", "jti": "z", "exp": 1_700_000_000}));
    let file = leak.env.write("expired.http", format!("Authorization: Bearer {expired}\n"));
    let config = leak.configure(CLIENT, "");
    let run = leak.scan(&config, &[text(&file)], &["--fail-on", "unknown"]).exits(0);
    assert_eq!(run.finding("jwt")["liveness"]["state"], "dead");
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
}

#[test]
fn an_issuer_planted_beside_a_secret_receives_not_one_packet() {
    let leak = Leak::new();
    let attacker = Listener::start();
    let url = &attacker.url;
    leak.env.write(
        "planted/.env",
        format!(
            "OIDC_ISSUER={url}\nOIDC_TOKEN_URL={url}/token\nOIDC_CLIENT_ID={CLIENT}\nOIDC_CLIENT_SECRET={}\n",
            leak.client_secret
        ),
    );
    let response = json!({
        "issuer": url,
        "token_endpoint": format!("{url}/token"),
        "introspection_endpoint": format!("{url}/introspect"),
        "revocation_endpoint": format!("{url}/revoke"),
        "client_id": CLIENT,
        "access_token": leak.access_token,
        "refresh_token": leak.refresh_token,
    });
    leak.env.write("planted/session.json", format!("{response:#}\n"));
    let claims = json!({"iss": url, "aud": "x", "sub": "y", "client_id": CLIENT, "exp": 4_000_000_000_u64});
    let foreign = jwt(&claims);
    leak.env.write("planted/token.http", format!("Authorization: Bearer {foreign}\n"));
    // The scanned tree may not decide whom to trust, under any name the program looks for.
    let hostile =
        format!("[[issuer]]\nissuer = \"{url}\"\nzone = \"loopback\"\nverify = true\nrevoke = true\n\n{AUTO}");
    for name in ["rescind.toml", ".rescind.toml", ".config/rescind/config.toml"] {
        leak.env.write(&format!("planted/{name}"), &hostile);
    }

    // Nor may a proxy that somebody else has set read along.
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        leak.env.set(variable, url);
    }

    let config = leak.configure(CLIENT, AUTO);
    let planted = leak.env.input().join("planted");
    let ledger = leak.ledger();
    for arguments in [&[][..], &["--revoke", "plan"], &["--revoke", "auto", "--ledger", text(&ledger)]] {
        let run = leak.scan(&config, &[text(&planted)], arguments);
        assert_eq!(run.code, Some(1), "{}\n{}", run.stdout, run.stderr);
        let jwt = finding_at(&run, "token.http", "jwt");
        assert!(matches!(jwt["liveness"]["state"].as_str(), Some("unknown" | "not_checked")), "{jwt:#}");
        assert_eq!(attacker.connections(), 0, "{arguments:?}");
    }
    // Without any configuration nobody is asked at all.
    leak.server.take_requests();
    let run = leak.env.run(["scan", "--format", "jsonl", "--verify", text(&leak.env.input())]);
    assert_eq!(run.code, Some(1), "{}\n{}", run.stdout, run.stderr);
    assert_eq!(attacker.connections(), 0);
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
}

#[test]
fn an_address_on_this_machine_is_not_asked_without_the_operators_word() {
    let leak = Leak::new();
    let config = leak.configure(CLIENT, AUTO);
    let as_public = fs_err::read_to_string(&config).expect("the configuration").replace("zone = \"loopback\"\n", "");
    fs_err::write(&config, as_public).expect("the configuration");
    let arguments = ["scan", "--format", "jsonl", "--verify", "--config", &config, text(&leak.repository)];
    let run = leak.env.run(arguments).exits(1);
    for finding in run.findings() {
        assert_eq!(finding["liveness"]["state"], "unknown", "{finding:#}");
    }
    assert_eq!(leak.server.take_requests(), Vec::<String>::new());
}

#[test]
fn automatic_revocation_kills_the_refresh_token_and_its_access_token() {
    let leak = Leak::new();
    let bystander = leak.server.grant(CLIENT);
    leak.env.plant([&*bystander.refresh_token, &bystander.access_token]);
    let config = leak.configure(CLIENT, AUTO);
    let ledger = leak.ledger();
    assert_eq!(leak.server.userinfo_status(&leak.access_token), 200);

    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);
    let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
    assert_eq!(refresh["revocation"]["state"], "revoked", "{refresh:#}\n{}", run.stderr);
    assert!(refresh["revocation"]["receipt"].is_string(), "{refresh:#}");
    let access = finding_at(&run, "deploy/session.json", "access_token");
    assert_eq!(access["revocation"]["state"], "revoked", "{access:#}\n{}", run.stderr);

    // The server's own word.
    assert!(!leak.server.is_alive(&leak.refresh_token));
    assert!(!leak.server.is_alive(&leak.access_token));
    assert_eq!(leak.server.userinfo_status(&leak.access_token), 401);
    // Nobody else was hurt: not another grant of the client, nor the client, whose secret no policy names.
    assert!(leak.server.is_alive(&bystander.refresh_token));
    let secret = finding_at(&run, ".env", "client_secret");
    assert!(matches!(secret["revocation"]["state"].as_str(), Some("none" | "planned")), "{secret:#}");

    let status = leak.env.run(["revoke", "status", "--check", "--ledger", text(&ledger)]).exits(0);
    assert!(!status.stdout.is_empty());
    let entries = fs_err::read_to_string(&ledger).expect("the ledger");
    let receipt = refresh["revocation"]["receipt"].as_str().expect("a receipt");
    assert!(entries.contains(receipt.strip_prefix("sha256:").unwrap_or(receipt)), "{receipt} in {entries}");

    // Once more, with the operator's word that an inactive token is a dead one: nothing is sent for it, nothing recorded.
    let config = leak.configure(CLIENT, &format!("introspects_refresh_tokens = true\n{AUTO}"));
    let again = leak.scan(&config, &[text(&leak.repository)], &arguments);
    let refresh = finding_at(&again, "deploy/session.json", "refresh_token");
    assert_eq!(refresh["liveness"]["state"], "dead", "{refresh:#}");
    assert_eq!(fs_err::read_to_string(&ledger).expect("the ledger"), entries);
}

#[test]
fn a_changed_ledger_is_noticed() {
    let leak = Leak::new();
    let config = leak.configure(CLIENT, AUTO);
    let ledger = leak.ledger();
    leak.scan(&config, &[text(&leak.repository)], &["--revoke", "auto", "--ledger", text(&ledger)]).exits(1);
    let written = fs_err::read_to_string(&ledger).expect("the ledger");
    let lines: Vec<&str> = written.lines().collect();
    assert!(lines.len() >= 4, "an intent and an outcome of each of the two tokens: {written}");
    let check = |content: String| {
        fs_err::write(&ledger, content).expect("the ledger");
        leak.env.run(["revoke", "status", "--check", "--ledger", text(&ledger)])
    };
    check(written.clone()).exits(0);
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let without_second: Vec<&str> =
        lines.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, line)| *line).collect();
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    let changed = written.replacen("revoked", "refused", 1);
    assert_ne!(changed, written);
    for (what, content) in [
        ("an entry is gone", joined(&without_second)),
        ("the first entry is gone", joined(&lines[1..])),
        ("entries are swapped", joined(&swapped)),
        ("an outcome is rewritten", changed),
        ("half an entry is gone", written[..written.len() - 40].to_owned()),
    ] {
        let run = check(content);
        assert!(run.code != Some(0), "{what}: {}\n{}", run.stdout, run.stderr);
        assert!(!run.stderr.is_empty() || !run.stdout.is_empty(), "{what}");
    }
}

#[test]
fn a_token_of_another_client_is_refused_and_not_called_revoked() {
    let leak = Leak::new();
    let own_secret = random("operator", 40);
    leak.server.confidential_client("operator", &own_secret);
    leak.env.plant([&*own_secret]);
    leak.env.set(OPERATOR_SECRET, &own_secret);
    let config = leak.configure("operator", AUTO);
    let ledger = leak.ledger();
    // Without the `.env`, so that the operator's client is the only one that can be spoken for.
    fs_err::remove_file(leak.repository.join(".env")).expect("the file that is leaked");

    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);
    for kind in ["refresh_token", "access_token"] {
        let finding = finding_at(&run, "deploy/session.json", kind);
        let state = finding["revocation"]["state"].as_str().expect("a state");
        assert!(matches!(state, "refused" | "failed"), "{finding:#}\n{}", run.stderr);
        assert_eq!(finding["liveness"]["state"], "live", "{finding:#}");
    }
    assert!(leak.server.is_alive(&leak.refresh_token));
    assert!(leak.server.is_alive(&leak.access_token));
    leak.env.run(["revoke", "status", "--check", "--ledger", text(&ledger)]).exits(0);
}

/// The server answers a public client with 200 to a revocation and with `active: false` to an introspection of a token that is
/// not its own, whatever has become of the token: both sound like success.
#[test]
fn what_a_public_client_is_told_of_a_token_of_another_client_proves_nothing() {
    let leak = Leak::new();
    leak.server.public_client("phone");
    leak.configure("phone", AUTO);
    let written = leak.env.work().join("rescind.toml");
    let text_of = fs_err::read_to_string(&written).expect("the configuration");
    let without_secret: String =
        text_of.lines().filter(|line| !line.contains("secret")).map(|line| line.to_owned() + "\n").collect();
    fs_err::write(&written, without_secret).expect("the configuration");
    fs_err::remove_file(leak.repository.join(".env")).expect("the file that is leaked");

    let ledger = leak.ledger();
    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(text(&written), &[text(&leak.repository)], &arguments).exits(1);
    for kind in ["refresh_token", "access_token"] {
        let finding = finding_at(&run, "deploy/session.json", kind);
        assert_ne!(finding["liveness"]["state"], "dead", "{finding:#}");
        assert_ne!(finding["revocation"]["state"], "revoked", "{finding:#}");
    }
    assert!(leak.server.is_alive(&leak.refresh_token));
}

#[test]
fn an_issuer_that_says_yes_and_does_nothing_is_not_believed() {
    let leak = Leak::new();
    leak.server.disturb("/token/revocation", json!({"status": 200}));
    let impatient = AUTO.replace("[policy]\n", "[policy]\nproof_window_seconds = 1\n");
    let config = leak.configure(CLIENT, &impatient);
    let ledger = leak.ledger();
    let arguments = ["--revoke", "auto", "--ledger", text(&ledger)];
    let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);
    let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
    assert_eq!(refresh["revocation"]["state"], "still_live", "{refresh:#}\n{}", run.stderr);
    assert!(leak.server.is_alive(&leak.refresh_token));
}

#[test]
fn what_no_policy_allows_is_planned_and_not_sent() {
    let leak = Leak::new();
    let ledger = leak.ledger();
    for (policy, mode) in [("", "auto"), (AUTO, "plan"), ("[policy]\nhalt = true\n", "auto")] {
        let config = leak.configure(CLIENT, policy);
        let arguments: &[&str] = if mode == "auto" { &["--ledger", text(&ledger)] } else { &[] };
        let arguments: Vec<&str> = ["--revoke", mode].iter().chain(arguments).copied().collect();
        let run = leak.scan(&config, &[text(&leak.repository)], &arguments).exits(1);
        let refresh = finding_at(&run, "deploy/session.json", "refresh_token");
        assert!(matches!(refresh["revocation"]["state"].as_str(), Some("planned" | "none")), "{policy}: {refresh:#}");
        let requests = leak.server.take_requests();
        assert!(!requests.iter().any(|request| request.contains("/token/revocation")), "{requests:#?}");
        assert!(leak.server.is_alive(&leak.refresh_token));
    }
}
