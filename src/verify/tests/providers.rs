//! The providers' own requests (simulated: a server on this machine answers as the vendors' documentation says).

use super::*;
use crate::provider::Providers;
use crate::rules::call::{Check, Meaning};
use LivenessState::{Dead, Live, LiveRestricted, NotChecked, Unknown};

const SECRET: &str = "AbCdEfGh0123456789aBcDeFgH";

/// What a finding of the rule is made of, with something for every place of its request.
fn found(rule: &crate::rules::Rule, check: &Check, parts: &[(&str, &str)]) -> Finding {
    let names = check.request.names();
    let needed = names.iter().filter(|name| !name.starts_with("secret"));
    let parts: Vec<(&str, &str)> = needed.map(|name| (*name, "part-1")).chain(parts.iter().copied()).collect();
    let value = match names.iter().find(|name| name.starts_with("secret_")) {
        Some(&"secret_path") => format!("https://hooks.example/api/{SECRET}"),
        Some(_) => format!("acme://user:{SECRET}@host"),
        None => SECRET.to_owned(),
    };
    let mut finding = finding(rule.kind, &value, &parts);
    (finding.rule, finding.provider) = (rule.id.clone(), rule.provider.clone());
    finding
}

fn judge(finding: Finding, rules: &Arc<RuleSet>, text: &str) -> Finding {
    let config = crate::egress::loopback::config(text);
    let egress = Egress::without_names(EgressPolicy::from(&config)).expect("a client");
    let issuers = Issuers::with_rules(&config, egress.clone(), rules);
    let context = VerifyContext { rules: Arc::clone(rules), ..VerifyContext::new(&config, issuers, egress) };
    let mut findings = [finding];
    verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
    let [finding] = findings;
    finding
}

fn instance(provider: &str, server: &Server) -> String {
    format!("[[instance]]\nprovider = '{provider}'\nurl = '{}/base'\nzone = 'loopback'\n", server.origin())
}

/// Whether the value stands anywhere in the request, in whatever encoding its place has.
fn carries(request: &Received, value: &str) -> bool {
    let decoded = |text: &str| {
        String::from_utf8(
            URL_SAFE_NO_PAD.decode(text.replace('+', "-").replace('/', "_").trim_end_matches('=')).unwrap_or_default(),
        )
    };
    let in_header = |text: &String| {
        text.contains(value)
            || text.strip_prefix("Basic ").is_some_and(|pair| decoded(pair).is_ok_and(|pair| pair.contains(value)))
    };
    request.path.contains(value) || request.body.contains(value) || request.headers.values().any(in_header)
}

#[test]
fn every_documented_answer_means_what_its_rule_says() {
    let (rules, _) = RuleSet::with_examples(&[]).expect("the rules of the program");
    let rules = Arc::new(rules);
    let mut checked = 0;
    for rule in &rules.rules {
        let Some(check) = rule.verify.check.as_deref() else { continue };
        for example in &check.examples {
            let answer = example.clone();
            // Some send the secret in pieces, or only what it signs: then the second request is the one with a wrong secret.
            let is_signed = check.request.signature.is_some();
            let sends_secret = !is_signed && check.request.names().iter().any(|name| name.starts_with("secret"));
            let sent = if sends_secret { SECRET } else { "part-1" };
            let asked = std::sync::atomic::AtomicBool::new(false);
            let server = Server::start(move |_, request| {
                if !carries(request, sent) || is_signed && asked.swap(true, Relaxed) {
                    return Reply::empty(418);
                }
                let headers = answer.headers.iter().map(|(name, value)| (&*name.clone().leak(), value.clone()));
                Reply::Http(answer.status, headers.collect(), answer.body.clone().into_bytes())
            });
            let host = server.origin();
            let finding = judge(found(rule, check, &[("host", &host)]), &rules, &instance(&rule.provider, &server));
            let expected = match example.state {
                Meaning::Live => Live,
                Meaning::LiveRestricted => LiveRestricted,
                Meaning::Dead => Dead,
                Meaning::Unknown | Meaning::Accepted | Meaning::Refused => Unknown,
            };
            let (state, reason) = (finding.liveness.state, finding.liveness.reason.unwrap_or_default());
            assert_eq!(state, expected, "{} {} {}: {reason}", rule.id, example.status, example.body);
            let identity = finding.liveness.identity.unwrap_or_default();
            for (told, known) in [
                (&example.account, identity.account),
                (&example.scopes, identity.scopes),
                (&example.expires, identity.expires),
            ] {
                assert!(told.is_none() || *told == known, "{}: {told:?} {known:?}", rule.id);
            }
            let received = server.received();
            assert!(received.first().is_some_and(|first| carries(first, sent)), "{}: {received:?}", rule.id);
            assert!(received.iter().all(|request| request.path.starts_with("/base")), "{}: {received:?}", rule.id);
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked} answers");
}

/// Portals, proxies and servers that are out of order stand between: what they say is no verdict on anything.
#[test]
fn what_says_nothing_is_no_verdict() {
    let rules = RuleSet::load(&[]).expect("the rules of the program");
    let page =
        "<!DOCTYPE html><html><body><h1>Sign in to the network</h1><form action=\"/login\"></form></body></html>";
    for rule in &rules.rules {
        let Some(check) = rule.verify.check.as_deref() else { continue };
        for body in
            ["", page, "{}", "[]", "null", "true", "\"ok\"", r#"{"error":null}"#, r#"{"data":{}}"#, "\u{0}\u{1}"]
        {
            for status in [200, 201, 202, 206, 404, 405, 408, 410, 418, 429, 500, 502, 503, 504, 520] {
                let json = serde_json::from_str(body).ok();
                let answer = crate::rules::call::Answer { status, body: body.as_bytes(), json };
                let state = check.judge(&answer).map(|(state, _)| state);
                assert!(!matches!(state, Some(Live)), "{}: {status} {body}", rule.id);
                // A few say with 404 that there is no such thing, and with nothing else.
                let may_be_dead = (400..500).contains(&status) && !matches!(status, 408 | 418 | 429);
                assert!(may_be_dead || !matches!(state, Some(Dead)), "{}: {status} {body}", rule.id);
            }
        }
    }
}

/// A rule of a provider of ours, in a file of the operator's.
const ACME: &str = r#"
provider = "acme"

[[check]]
name = "token"
source = "docs.acme.example/api"
get = "https://api.acme.example/v1/{account_id}/me"
auth = "bearer"
live = [{ status = 200, has = "/user/id" }]
restricted = [403]
dead = [401]
account = "/user/name"
scopes = "header:x-scopes"
examples = [
    { status = 200, body = '{"user":{"id":1,"name":"ann"}}', state = "live", account = "ann" },
    { status = 401, body = '', state = "dead" },
]

[[rule]]
id = "acme-token"
title = "Acme token"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["acme_"]
window = { before = 0, after = 40 }
pattern = '(?P<secret>acme_[a-z]{24})'
parts = [{ name = "account_id", keys = ["account id"] }, { name = "host" }]
hosts = ["api.acme.example"]
verify = { method = "request", check = "token" }
revoke = { method = "manual", blast_radius = "token", steps = ["Delete it."] }
[rule.examples]
matches = ['acme_<<lower:24>>', 'key = acme_<<lower:24>>']
rejects = ['acme_', 'acme_x']
"#;

/// The rules of the program with that one. Of it a scan would say that it must be named among the `providers`.
fn with_acme() -> Arc<RuleSet> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("acme.toml");
    fs_err::write(&path, ACME).expect("written");
    Arc::new(RuleSet::load(&[path]).expect("rules"))
}

fn acme(rules: &RuleSet, parts: &[(&str, &str)]) -> Finding {
    let rule = rules.get("acme-token").expect("the rule");
    let mut finding = finding(rule.kind, SECRET, parts);
    (finding.rule, finding.provider) = (rule.id.clone(), rule.provider.clone());
    finding
}

#[test]
fn it_goes_to_what_the_operator_names_and_nowhere_else() {
    let rules = with_acme();
    let server = Server::start(|_, request| {
        let right = carries(request, SECRET);
        if right { Reply::json(200, &json!({"user": {"id": 1, "name": "ann"}})) } else { Reply::empty(401) }
    });
    let own = instance("acme", &server);
    let host = format!("127.0.0.1:{}", server.port());
    let id = ("account_id", "a/../b?c");
    for (text, parts, state, reason) in [
        ("", vec![id], NotChecked, "`acme` is not among the `providers`"),
        ("providers = ['acme']", vec![id], Unknown, "`api.acme.example` cannot be resolved"),
        ("providers = ['acme']", vec![], NotChecked, "its `account_id` was not found"),
        ("providers = ['acme']", vec![id, ("host", "api.acme.example")], Unknown, "`api.acme.example` cannot be"),
        (
            "providers = ['acme']",
            vec![id, ("host", "evil.example")],
            NotChecked,
            "it belongs to `evil.example`, which is no",
        ),
        (
            "providers = ['acme']",
            vec![id, ("host", "api.acme.example.evil.example")],
            NotChecked,
            "it belongs to `api.acme.example.evil",
        ),
        (&own, vec![id, ("host", "evil.example")], NotChecked, "it belongs to `evil.example`, which is no"),
        (&own, vec![id], Live, "the provider accepts it"),
        (&own, vec![id, ("host", &host)], Live, "the provider accepts it"),
        (&format!("{own}verify = false"), vec![id], NotChecked, "verification is switched off for this instance"),
        (
            &format!("providers = ['acme']\n{own}"),
            vec![id, ("host", "api.acme.example")],
            Unknown,
            "`api.acme.example` cannot",
        ),
    ] {
        let finding = judge(acme(&rules, &parts), &rules, text);
        let got = finding.liveness.reason.unwrap_or_default();
        assert!(finding.liveness.state == state && got.starts_with(reason), "{text} {parts:?}: {got}");
    }
    // A value stays within its segment of the path.
    assert!(
        server.requests().iter().all(|request| request == "GET /base/v1/a%2F..%2Fb%3Fc/me"),
        "{:?}",
        server.requests()
    );
}

#[test]
fn who_says_yes_to_everything_tells_nothing() {
    let rules = with_acme();
    for (status, state) in [(200, Unknown), (403, Unknown), (401, Dead), (429, Unknown), (503, Unknown), (404, Unknown)]
    {
        let server = Server::start(move |_, _| Reply::json(status, &json!({"user": {"id": 1}})));
        let parts = [("account_id", "a"), ("host", &server.origin())];
        let finding = judge(acme(&rules, &parts), &rules, &instance("acme", &server));
        assert_eq!(finding.liveness.state, state, "{status}: {:?}", finding.liveness.reason);
        assert!(server.requests().len() <= 2, "{status}");
    }
}

/// A control that fails says nothing of what a wrong credential would be answered.
#[test]
fn a_control_that_cannot_be_asked_is_told() {
    let rules = with_acme();
    let server = Server::start(|_, request| {
        if carries(request, SECRET) { Reply::json(200, &json!({"user": {"id": 1}})) } else { Reply::Raw(Vec::new()) }
    });
    let parts = [("account_id", "a"), ("host", &*server.origin())];
    let finding = judge(acme(&rules, &parts), &rules, &instance("acme", &server));
    let reason = finding.liveness.reason.unwrap_or_default();
    let expected = "it is taken for right, but a wrong one could not be tried: ";
    assert!(finding.liveness.state == Unknown && reason.starts_with(expected), "{reason}");
    assert!(reason.len() > expected.len() && !reason.contains("same answer"), "{reason}");
}

#[test]
fn what_an_answer_repeats_is_not_told() {
    let rules = with_acme();
    let server = Server::start(|_, request| {
        if !carries(request, SECRET) {
            return Reply::empty(401);
        }
        let body = json!({"user": {"id": 1, "name": format!("ann {SECRET}")}}).to_string();
        Reply::Http(200, vec![("X-Scopes", "read\twrite".to_owned())], body.into_bytes())
    });
    let finding = judge(acme(&rules, &[("account_id", "a")]), &rules, &instance("acme", &server));
    let identity = finding.liveness.identity.unwrap_or_default();
    assert_eq!((identity.account, identity.scopes.as_deref()), (None, Some("read\\u{9}write")));
}

#[test]
fn several_parts_are_tried_until_one_fits() {
    let rules = with_acme();
    let server = Server::start(|_, request| match request.path.as_str() {
        "/base/v1/right/me" if carries(request, SECRET) => Reply::json(200, &json!({"user": {"id": 1}})),
        _ => Reply::empty(401),
    });
    let origin = server.origin();
    let parts = [("account_id", "wrong"), ("host", &origin), ("account_id", "right")];
    for (parts, state) in [
        (&parts[..], Live),
        (&parts[..2], Dead),
        // Without a host beside it, it may belong to an instance that nobody named.
        (&parts[..1], Unknown),
    ] {
        let finding = judge(acme(&rules, parts), &rules, &instance("acme", &server));
        assert_eq!(finding.liveness.state, state, "{parts:?}: {:?}", finding.liveness.reason);
    }
}

#[test]
fn the_providers_of_the_program_may_be_asked_unless_others_are_named() {
    let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
    let (config, others) = (Config::default(), crate::egress::loopback::config("providers = ['google']"));
    for rule in rules.rules.iter().filter(|rule| rule.provider != "google") {
        let Some(check) = &rule.verify.check else { continue };
        let finding = found(rule, check, &[]);
        let may = |config: &Config| Providers::from(config).sites(rule, &check.request, &finding).is_ok();
        assert_eq!(may(&config), !check.request.is_for_tenants(), "{}", rule.id);
        assert!(!may(&others), "{}", rule.id);
    }
}
