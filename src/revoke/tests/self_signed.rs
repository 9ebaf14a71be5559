//! Private keys that end themselves by a JWT of their own (simulated: a server on this machine knows the public half).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::providers::instance;
use super::*;
use crate::provider::{Providers, Values};
use crate::rules::Rule;

const EMAIL: &str = "deploy@acme.iam.gserviceaccount.com";
const KEY_ID: &str = "0123456789abcdef0123456789abcdef01234567";

/// A rule of a provider of ours whose check and revocation are both asked with such a JWT.
const GAMMA: &str = r#"
provider = "gamma"

[[check]]
name = "me"
source = "docs.gamma.example/api"
get = "https://api.gamma.example/me"
self_signed_jwt = { issuer = "{client_email}", key_id = "{key_id}", audience = "https://api.gamma.example/" }
live = [{ status = 200, has = "/email" }]
dead = [401]
account = "/email"
examples = [{ status = 200, body = '{"email":"a"}', state = "live" }, { status = 401, state = "dead" }]

[[revocation]]
name = "disable"
source = "docs.gamma.example/api"
post = "https://api.gamma.example/keys/{key_id}:disable"
self_signed_jwt = { issuer = "{client_email}", key_id = "{key_id}", audience = "https://api.gamma.example/" }
json = {}
accepted = [200]
refused = [401, 403]
examples = [{ status = 200, state = "accepted" }, { status = 403, state = "refused" }]

[[rule]]
id = "gamma-key"
title = "Gamma key"
kind = "private_key"
confidence = "high"
severity = "high"
anchors = ["gamma_"]
pattern = '(?P<secret>gamma_[a-z]{24})'
parts = [{ name = "client_email", keys = ["client email"] }, { name = "key_id", keys = ["key id"] }]
hosts = ["api.gamma.example"]
verify = { method = "request", check = "me" }
revoke = { method = "request", call = "disable", blast_radius = "key", steps = ["Disable it."] }
[rule.examples]
matches = ['gamma_<<lower:24>>', 'key = gamma_<<lower:24>>']
rejects = ['gamma_', 'gamma_x']
"#;

/// A key as it stands in the JSON of a service account, and what verifies its signatures.
struct Key {
    pem: String,
    base64: String,
    public: Vec<u8>,
}

impl Key {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS #8");
        let base64 = STANDARD.encode(der.as_ref());
        let dashes = "-----";
        let pem = format!("{dashes}BEGIN PRIVATE KEY{dashes}\\n{base64}\\n{dashes}END PRIVATE KEY{dashes}\\n");
        Self { pem, base64, public: pair.public_key().as_ref().to_vec() }
    }

    /// Header and claims of the JWT that a request carries, if the key has signed it.
    fn verified(public: &[u8], request: &Received) -> Option<(Value, Value)> {
        let token = request.headers.get("authorization")?.strip_prefix("Bearer ")?;
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let key = DecodingKey::from_rsa_der(public);
        let is_good = jsonwebtoken::crypto::verify(signature, input.as_bytes(), &key, Algorithm::RS256).ok()?;
        let decode = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        is_good.then_some((decode(header)?, decode(claims)?))
    }

    /// That nothing of the private half is there, in any piece that would tell something.
    fn is_nowhere_in(&self, text: &str) -> bool {
        let tail = self.base64.as_bytes().chunks(24).skip(2);
        tail.filter_map(|piece| std::str::from_utf8(piece).ok())
            .filter(|piece| piece.len() == 24)
            .all(|piece| !text.contains(piece))
    }
}

fn sent(request: &Received) -> String {
    format!("{} {} {:?} {}", request.method, request.path, request.headers, request.body)
}

#[test]
fn a_key_ends_itself_and_is_not_sent() {
    for (allows, state, words) in [
        (true, RevocationState::Revoked, "it is dead by provider-request"),
        (false, RevocationState::Refused, "the provider refused it"),
    ] {
        let key = Key::generate();
        let (public, active) = (key.public.clone(), AtomicBool::new(true));
        let server = Server::start(move |_, request| {
            let Some((header, claims)) = Key::verified(&public, request) else { return Reply::empty(401) };
            let is_meant = header["kid"] == KEY_ID && claims["aud"] == "https://api.gamma.example/";
            match (request.method.as_str(), request.path.as_str()) {
                _ if !is_meant || !active.load(Relaxed) => Reply::empty(401),
                ("GET", "/me") => Reply::json(200, &json!({"email": claims["sub"]})),
                ("POST", path) if allows && path == format!("/keys/{KEY_ID}:disable") => {
                    active.store(false, Relaxed);
                    Reply::json(200, &json!({}))
                }
                _ => Reply::empty(403),
            }
        });
        let mut bench = Bench::new(Behaviour::Honest, "[[rule]]\naction = \"auto\"\nmax_blast_radius = \"key\"\n");
        let path = bench.directory.path().join("gamma.toml");
        fs_err::write(&path, GAMMA).expect("written");
        let load = || RuleSet::load(std::slice::from_ref(&path)).expect("rules");
        (bench.rules, bench.config) = (load(), instance("gamma", &server, true));
        let verify = VerifyContext::open(&bench.config, Arc::new(load())).expect("a client");
        let mut finding = bench.finding(Kind::PrivateKey, &key.pem);
        (finding.rule, finding.provider) = ("gamma-key".to_owned(), "gamma".to_owned());
        finding.parts = vec![Part::public("client_email", EMAIL), Part::public("key_id", KEY_ID)];
        let mut findings = [finding];
        verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
        let run = run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
        let [finding] = findings;
        let detail = finding.revocation.detail.unwrap_or_default();
        let plan = run.plan.to_text(true);
        assert!(finding.revocation.state == state && detail.contains(words), "{detail} {plan} {:?}", finding.liveness);
        let posted = server.requests().into_iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(posted, 1, "{plan}");
        let ledger = fs_err::read_to_string(bench.ledger()).expect("the ledger");
        for text in server.received().iter().map(sent).chain([ledger, plan, detail]) {
            assert!(key.is_nowhere_in(&text), "{text}");
        }
    }
}

fn google() -> Arc<Rule> {
    let rules = RuleSet::load(&[]).expect("the rules of the program");
    Arc::clone(rules.get("google-service-account-key").expect("the rule"))
}

#[test]
fn a_service_account_key_of_google_disables_itself() {
    let rule = google();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let key = Key::generate();
    let parts = [("client_email", EMAIL), ("key_id", KEY_ID)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let server = Server::start(|_, _| Reply::json(200, &json!({})));
    let config = instance("google", &server, true);
    let egress = Egress::new(EgressPolicy::from(&config)).expect("a client");
    let path = "/v1/projects/-/serviceAccounts/{client_email}/keys/{key_id}:disable";
    let request = format!("POST {}{path}", server.origin());
    let planned = provider_call::Planned { rule: &rule, call: "disable", request: &request, host: None };
    let providers = Providers::from(&config);
    let prepare = |value: &str| {
        let values = Values::of(&Secret::new(value), &parts.clone().into());
        runtime.block_on(planned.prepare(&providers, values, &egress))
    };
    let prepared = prepare(&key.pem).unwrap_or_else(|reason| panic!("{reason}"));
    assert!(prepared.settles_within().is_some());
    let answer = runtime.block_on(provider_call::execute_call(&egress, prepared));
    assert!(matches!(answer, rfc7009::Answer::Accepted));

    let [received] = &server.received()[..] else { panic!("one request") };
    let expected = path.replace("{client_email}", &EMAIL.replace('@', "%40")).replace("{key_id}", KEY_ID);
    assert_eq!((received.method.as_str(), received.path.as_str(), received.body.as_str()), ("POST", &*expected, "{}"));
    assert!(key.is_nowhere_in(&sent(received)));
    let (header, claims) = Key::verified(&key.public, received).expect("the key has signed it");
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}));
    let (issued, ends) = (claims["iat"].as_i64().expect("a time"), claims["exp"].as_i64().expect("a time"));
    assert!((1..=3600).contains(&(ends - issued)), "{claims}");
    assert!((OffsetDateTime::now_utc().unix_timestamp() - issued).abs() < 60, "{claims}");
    for (name, value) in [("iss", EMAIL), ("sub", EMAIL), ("aud", "https://iam.googleapis.com/")] {
        assert_eq!(claims[name], value);
    }

    // What does not sign is not sent in the place of what does.
    let error =
        prepare("-----BEGIN PRIVATE KEY-----\\nrubbish\\n-----END PRIVATE KEY-----\\n").err().unwrap_or_default();
    assert!(error.contains("no key that signs tokens") && !error.contains("rubbish"), "{error}");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn an_administrator_may_enable_a_key_of_google_again() {
    let rule = google();
    let call = rule.revoke.call.as_deref().expect("a call");
    let undo = call.undo.as_deref().expect("it can be undone");
    assert_eq!(undo.request.request.names(), ["client_email", "key_id", "secret"]);
    assert!(rule.revoke.reversible && undo.request.request.signature.is_none());
}
