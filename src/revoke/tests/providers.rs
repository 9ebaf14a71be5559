//! The providers' own calls (simulated: a server on this machine answers as the vendors' documentation says).

use super::provider_call::PreparedRequest;
use super::*;
use crate::finding::Identity;
use crate::provider::{Providers, Values, build};
use crate::rules::Rule;
use crate::rules::call::{Ending, Meaning, Signature};

const TOKEN: &str = "AbCdEfGh0123456789aBcDeFgH";

/// A rule of a provider of ours: its token ends itself, by an id that only the provider knows.
const ACME: &str = r#"
provider = "acme"

[[check]]
name = "token"
source = "docs.acme.example/api"
get = "https://api.acme.example/v1/me"
auth = "bearer"
live = [{ status = 200, has = "/id" }]
dead = [401]
account = "/owner"
take = { token_id = "/id" }
examples = [
    { status = 200, body = '{"id":"t1","owner":"acme-ci"}', state = "live", account = "acme-ci" },
    { status = 401, body = '', state = "dead" },
]

[[revocation]]
name = "self"
source = "docs.acme.example/api"
delete = "https://api.acme.example/v1/tokens/{token_id}"
auth = "bearer"
after = "token"
accepted = [204]
refused = [403]
examples = [{ status = 204, state = "accepted" }, { status = 403, state = "refused" }]

[[check]]
name = "tokens"
source = "docs.acme.example/api"
get = "https://api.acme.example/v1/tokens"
auth = "bearer"
live = [{ status = 200, has = "/tokens" }]
dead = [401]
take = { token_id = "/tokens[/access/value={secret}]/id" }
examples = [
    { status = 200, body = '{"tokens":[{"id":"t1","access":{"value":"{secret}"}}]}', state = "live", take = { token_id = "t1" } },
    { status = 401, body = '', state = "dead" },
]

[[revocation]]
name = "listed"
source = "docs.acme.example/api"
delete = "https://api.acme.example/v1/tokens/{token_id}"
auth = "bearer"
after = "tokens"
accepted = [204]
refused = [403]
examples = [{ status = 204, state = "accepted" }, { status = 403, state = "refused" }]

[[revocation]]
name = "later"
source = "docs.acme.example/api"
post = "https://api.acme.example/v1/revoke"
json = { credentials = ["{secret}"] }
accepted = [202]
settles_within_seconds = 3600
examples = [{ status = 202, state = "accepted" }]

[[revocation]]
name = "many"
source = "docs.acme.example/api"
post = "https://api.acme.example/v1/revoke"
json = { credentials = ["{secret}"], notify = true }
accepted = [202]
refused = [422]
batch = 3
examples = [{ status = 202, state = "accepted" }, { status = 422, state = "refused" }]

[[rule]]
id = "acme-token"
title = "Acme token"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["acme_"]
window = { before = 0, after = 40 }
pattern = '(?P<secret>acme_[a-z]{24})'
parts = [{ name = "host" }]
hosts = ["api.acme.example"]
verify = { method = "request", check = "token" }
revoke = { method = "request", call = "CALL", blast_radius = "token", steps = ["Delete it."] }
[rule.examples]
matches = ['acme_<<lower:24>>', 'key = acme_<<lower:24>>']
rejects = ['acme_', 'acme_x']
"#;

pub(super) const AUTO: &str = "[[rule]]\nname = \"keys\"\nprovider = \"acme\"\naction = \"auto\"\n";

/// How the provider takes a call.
#[derive(Clone, Copy)]
enum Manner {
    Honest,
    Lies,
    Refuses,
    Later,
    Breaks,
    Odd,
    /// Its list holds the tokens with these values, with the ids `t/0`, `t/1` and so on.
    Lists(&'static [&'static str]),
}

/// A provider whose only token lives until it is revoked.
fn provider(manner: Manner) -> Server {
    let alive = AtomicBool::new(true);
    Server::start(move |_, request| {
        let is_ours = request.headers.get("authorization").is_some_and(|value| value.contains(TOKEN));
        match (request.method.as_str(), request.path.as_str(), manner) {
            ("GET", "/v1/me", _) if is_ours && alive.load(Relaxed) => {
                Reply::json(200, &json!({"id": "t/1", "owner": "acme-ci"}))
            }
            ("GET", "/v1/tokens", Manner::Lists(values)) if is_ours => {
                let tokens = values.iter().enumerate();
                let token = |(index, value)| json!({"id": format!("t/{index}"), "access": {"value": value}});
                Reply::json(200, &json!({"tokens": tokens.map(token).collect::<Vec<_>>()}))
            }
            ("GET", ..) => Reply::empty(401),
            (_, _, Manner::Lies) => Reply::empty(204),
            (_, _, Manner::Refuses) => Reply::empty(403),
            (_, _, Manner::Later) => Reply::empty(202),
            (_, _, Manner::Odd) => Reply::empty(418),
            (_, _, Manner::Breaks) => {
                alive.store(false, Relaxed);
                Reply::Raw(Vec::new())
            }
            ("DELETE", "/v1/tokens/t%2F1", Manner::Honest | Manner::Lists(_)) if is_ours => {
                alive.store(false, Relaxed);
                Reply::empty(204)
            }
            _ => Reply::empty(404),
        }
    })
}

pub(super) fn rules(call: &str) -> RuleSet {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("acme.toml");
    fs_err::write(&path, ACME.replace("CALL", call)).expect("written");
    RuleSet::load(&[path]).expect("rules")
}

pub(super) fn instance(provider: &str, server: &Server, owned: bool) -> Config {
    let origin = server.origin();
    let text =
        format!("[[instance]]\nprovider = '{provider}'\nurl = '{origin}'\nzone = 'loopback'\nrevoke = {owned}\n");
    crate::egress::loopback::config(&text)
}

/// What a whole automatic run over one token leads to.
struct Outcome {
    finding: Finding,
    /// The requests that changed something.
    sent: Vec<String>,
    ledger: String,
    plan: String,
}

fn run(manner: Manner, call: &str, policy: &str, owned: bool) -> Outcome {
    let server = provider(manner);
    let mut bench = Bench::new(Behaviour::Honest, policy);
    bench.config = instance("acme", &server, owned);
    bench.rules = rules(call);
    let verify = VerifyContext::open(&bench.config, Arc::new(rules(call))).expect("a client");
    let mut findings = [acme(&bench)];
    verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
    let run = run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
    let ledger = fs_err::read_to_string(bench.ledger()).unwrap_or_default();
    let plan = run.plan.to_text(true);
    assert!(!ledger.contains(TOKEN) && !plan.contains(TOKEN), "{ledger} {plan}");
    let [finding] = findings;
    let sent = server.requests().into_iter().filter(|request| !request.starts_with("GET")).collect();
    Outcome { finding, sent, ledger, plan }
}

fn acme(bench: &Bench) -> Finding {
    let mut finding = bench.finding(Kind::ApiKey, TOKEN);
    (finding.rule, finding.provider, finding.parts) = ("acme-token".to_owned(), "acme".to_owned(), Vec::new());
    finding
}

#[test]
fn what_a_provider_says_is_not_believed_until_the_credential_is_dead() {
    use RevocationState::{Accepted, Refused, Revoked, StillLive, Unknown};
    for (manner, call, state, words) in [
        (Manner::Honest, "self", Revoked, "it is dead by provider-request"),
        (Manner::Lies, "self", StillLive, "it still works by provider-request"),
        (Manner::Refuses, "self", Refused, "the provider refused it"),
        (Manner::Breaks, "self", Revoked, "it is dead"),
        (Manner::Odd, "self", RevocationState::Failed, "status 418"),
        (Manner::Later, "later", Accepted, "it may take up to 3600 s"),
    ] {
        let Outcome { finding, sent, ledger, .. } = run(manner, call, AUTO, true);
        let revocation = finding.revocation;
        let detail = revocation.detail.unwrap_or_default();
        assert!(revocation.state == state && detail.contains(words), "{call}: {:?} {detail}", revocation.state);
        assert_eq!((sent.len(), revocation.method.as_deref()), (1, Some("provider")), "{call}");
        assert!(ledger.contains("\"authority\":\"itself\""), "{ledger}");
        assert_ne!(revocation.state, Unknown);
    }
}

#[test]
fn of_a_list_only_the_token_itself_is_ended() {
    use RevocationState::{Refused, Revoked};
    let other = "AbCdEfGh0123456789aBcDeFgX";
    for (values, state, words) in [
        (&[other, TOKEN, other][..], Revoked, "it is dead by provider-request"),
        (&[other], Refused, "its provider's list does not hold it"),
        (&[], Refused, "does not tell the id that the call needs"),
        (&[TOKEN, TOKEN], Refused, "its provider's list holds it more than once"),
    ] {
        let values: &'static [&'static str] = Box::leak(values.to_vec().into_boxed_slice());
        let Outcome { finding, sent, .. } = run(Manner::Lists(values), "listed", AUTO, true);
        let detail = finding.revocation.detail.unwrap_or_default();
        assert!(finding.revocation.state == state && detail.contains(words), "{:?} {detail}", finding.revocation.state);
        assert!(state == Revoked || detail.starts_with("not sent: "), "{detail}");
        let expected: &[&str] = if state == Revoked { &["DELETE /v1/tokens/t%2F1"] } else { &[] };
        assert_eq!(sent, expected, "{detail}");
    }
}

#[test]
fn nothing_is_revoked_without_the_operators_word() {
    let needs_account = "[[rule]]\naccount = \"acme-*\"\naction = \"auto\"";
    for (policy, owned, is_sent, words) in [
        ("", true, false, "policy.default"),
        (AUTO, false, false, "does not say that accounts at `acme` are yours"),
        (&format!("halt = true\n{AUTO}"), true, false, "policy.halt"),
        ("[[rule]]\naccount = \"other-*\"\naction = \"auto\"", true, false, "no rule matches"),
        (needs_account, true, true, "rule 1"),
    ] {
        let Outcome { finding, sent, plan, .. } = run(Manner::Honest, "self", policy, owned);
        let expected = if is_sent { RevocationState::Revoked } else { RevocationState::Planned };
        assert_eq!((finding.revocation.state, sent.len()), (expected, usize::from(is_sent)), "{policy}: {plan}");
        assert!(plan.contains(words), "{policy}: {plan}");
    }
}

#[test]
fn where_everybody_has_an_account_the_policy_must_name_it() {
    let config = crate::egress::loopback::config("providers = ['acme']\nrevoke_providers = ['acme']");
    let rules = rules("self");
    let bench = Bench::new(Behaviour::Honest, "");
    let mut finding = acme(&bench);
    finding.liveness = Liveness {
        state: LivenessState::Live,
        host: Some("api.acme.example".to_owned()),
        identity: Some(Box::new(Identity { account: Some("acme-ci".to_owned()), ..Identity::default() })),
        ..Liveness::not_checked()
    };
    for (policy, action, host, words) in [
        (AUTO, Some("approve"), "api.acme.example", "does not name the `account`"),
        ("[[rule]]\naccount = \"acme-*\"\naction = \"auto\"", Some("auto"), "api.acme.example", "rule 1"),
        ("[[rule]]\naccount = \"x-*\"\naction = \"auto\"", Some("approve"), "api.acme.example", "no rule matches"),
        (AUTO, None, "elsewhere.example", "where it is alive, at `elsewhere.example`"),
    ] {
        let policy: Policy = toml::from_str(policy).expect("a policy");
        let mut subject = Subject::from(&finding);
        subject.liveness_host = Some(host.to_owned());
        let providers = Providers::from(&config);
        let input = PlanInput {
            subjects: &[subject],
            survey: &Survey::default(),
            policy: &policy,
            include_unknown: false,
            rules: &rules,
            providers: &providers,
            now: time::OffsetDateTime::UNIX_EPOCH,
        };
        let plan = plan::plan(&input);
        let [entry] = &plan.entries[..] else { panic!("one entry") };
        let text = plan.to_text(true);
        assert_eq!(entry.is_call().then(|| entry.policy.action.as_str()), action, "{text}");
        assert!(text.contains(words), "{text}");
        assert_eq!(text.contains("DELETE https://api.acme.example/v1/tokens/{token_id}"), action.is_some(), "{text}");
    }
}

#[test]
fn every_documented_answer_means_what_its_rule_says() {
    let (rules, _) = RuleSet::with_examples(&[]).expect("the rules of the program");
    let mut checked = 0;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for rule in &rules.rules {
        let Some(call) = rule.revoke.call.as_deref() else { continue };
        for example in &call.examples {
            let (status, body) = (example.status, example.body.clone());
            let server = Server::start(move |_, _| Reply::Http(status, Vec::new(), body.clone().into_bytes()));
            let answer = runtime.block_on(answer(rule, call, &server));
            let meaning = match answer {
                rfc7009::Answer::Accepted => Meaning::Accepted,
                rfc7009::Answer::Refused(_) => Meaning::Refused,
                _ => Meaning::Unknown,
            };
            assert_eq!(meaning, example.state, "{} {status}", rule.id);
            let [request] = &server.received()[..] else { panic!("{}: one request", rule.id) };
            assert_eq!(request.method, call.request.method.as_str(), "{}", rule.id);
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked} answers");
}

async fn answer(rule: &Rule, call: &Ending, server: &Server) -> rfc7009::Answer {
    let config = instance(&rule.provider, server, true);
    let egress = Egress::new(EgressPolicy::from(&config)).expect("a client");
    let providers = Providers::from(&config);
    let site = providers.owned_site(rule, &call.request, None).expect("an instance");
    let parts = call.request.names().into_iter().filter(|name| !name.starts_with("secret"));
    let parts = parts.map(|name| (name.to_owned(), "part".to_owned())).collect();
    // Some values are URLs, and others keys that sign: the one of RFC 8037, appendix A.1, is everybody's.
    let value = match call.request.signature {
        Some(Signature::SelfSignedJwt(_)) => "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A".to_owned(),
        _ => format!("https://hooks.example/api/{TOKEN}"),
    };
    let values = Values::of(&Secret::new(value), &parts);
    let address = &call.request.addresses[0];
    let request = build(rule, &call.request, address, &site, &values).expect("built");
    provider_call::execute_call(&egress, PreparedRequest::single(request, call.clone())).await
}
