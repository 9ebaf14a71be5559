//! Undoing (simulated: a server on this machine lets a key in as long as it is active).

use super::*;
use crate::config::AdministratorKey;
use crate::revoke::ledger::Ledger;

const KEY: &str = "beta_abcdefghijklmnopqrstuvwx";
const OPERATORS: &str = "the administrator's own secret";

/// A rule whose key sets itself inactive, and that an administrator sets active.
const BETA: &str = r#"
provider = "beta"

[[check]]
name = "me"
source = "docs.beta.example/api"
get = "https://api.beta.example/me"
auth = "bearer"
live = [{ status = 200, has = "/owner" }]
dead = [401]
account = "/owner"
examples = [
    { status = 200, body = '{"owner":"user/ann"}', state = "live", account = "user/ann" },
    { status = 401, state = "dead" },
]

[[revocation]]
name = "inactive"
source = "docs.beta.example/api"
post = "https://api.beta.example/keys/{key_id}/inactive"
auth = "bearer"
accepted = [204]
examples = [{ status = 204, state = "accepted" }]
[revocation.undo]
name = "active"
source = "docs.beta.example/api"
account_pattern = '^user/(?P<user_name>[a-z]+)$'
post = "https://api.beta.example/users/{user_name}/keys/{key_id}/active"
auth = "bearer"
headers = { Administrator = "{administrator}" }
accepted = [204]
refused = [403]
examples = [{ status = 204, state = "accepted" }, { status = 403, state = "refused" }]

[[rule]]
id = "beta-key"
title = "Beta key"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["beta_"]
window = { before = 0, after = 40 }
pattern = '(?P<secret>beta_[a-z]{24})'
parts = [{ name = "key_id", keys = ["key id"] }]
hosts = ["api.beta.example"]
verify = { method = "request", check = "me" }
revoke = { method = "request", call = "inactive", blast_radius = "token", reversible = true, steps = ["Ask Beta."] }
[rule.examples]
matches = ['beta_<<lower:24>>', 'key = beta_<<lower:24>>']
rejects = ['beta_', 'beta_x']
"#;

/// How the provider takes the request of an administrator.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    Lies,
    Breaks,
    BreaksAfterwards,
    /// It says that it takes a minute.
    Later,
}

fn provider(manner: Manner, owner: &'static str) -> Server {
    let active = AtomicBool::new(true);
    Server::start(move |_, request| {
        let authorization = request.headers.get("authorization").cloned().unwrap_or_default();
        let is_key = authorization == format!("Bearer {KEY}") && active.load(Relaxed);
        let is_administrator = authorization == format!("Bearer {OPERATORS}")
            && request.headers.get("administrator").is_some_and(|id| id == "ops");
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/me") if is_key => Reply::json(200, &json!({"owner": owner})),
            ("GET", "/me") => Reply::empty(401),
            ("POST", "/keys/k1/inactive") if is_key => {
                active.store(false, Relaxed);
                Reply::empty(204)
            }
            ("POST", "/users/ann/keys/k1/active") if is_administrator => {
                if matches!(manner, Manner::Honest | Manner::BreaksAfterwards) {
                    active.store(true, Relaxed);
                }
                let is_cut = matches!(manner, Manner::Breaks | Manner::BreaksAfterwards);
                if is_cut { Reply::Raw(Vec::new()) } else { Reply::empty(204) }
            }
            _ => Reply::empty(403),
        }
    })
}

/// A key that was revoked, and its provider.
struct Revoked {
    server: Server,
    bench: Bench,
    verify: VerifyContext,
    finding: Finding,
}

impl Revoked {
    fn new(manner: Manner, owner: &'static str) -> Self {
        let server = provider(manner, owner);
        let mut bench = Bench::new(Behaviour::Honest, "[[rule]]\naction = \"auto\"\n");
        let path = bench.directory.path().join("beta.toml");
        let undo = "name = \"active\"";
        let settles = if manner == Manner::Later { "\nsettles_within_seconds = 60" } else { "" };
        fs_err::write(&path, BETA.replace(undo, &format!("{undo}{settles}"))).expect("written");
        bench.rules = RuleSet::load(std::slice::from_ref(&path)).expect("rules");
        bench.config = crate::egress::loopback::config(&format!(
            "[[instance]]\nprovider = 'beta'\nurl = '{}'\nzone = 'loopback'\nrevoke = true\n",
            server.origin()
        ));
        let verify =
            VerifyContext::open(&bench.config, Arc::new(RuleSet::load(&[path]).expect("rules"))).expect("a client");
        let mut finding = bench.finding(Kind::ApiKey, KEY);
        (finding.rule, finding.provider) = ("beta-key".to_owned(), "beta".to_owned());
        finding.parts = vec![Part::public("key_id", "k1")];
        let mut findings = [finding];
        verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
        run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
        let [finding] = findings;
        assert_eq!(finding.revocation.state, RevocationState::Revoked, "{:?}", finding.revocation);
        Self { server, bench, verify, finding }
    }

    fn target(&self) -> Result<UndoTarget, UndoError> {
        UndoTarget::find(&self.bench.chain(), &self.finding.id.to_string())
    }

    fn undo(&self, target: &UndoTarget, secret: &str) -> Result<Undone, UndoError> {
        self.undo_as(target, Some("ops"), secret)
    }

    fn undo_as(&self, target: &UndoTarget, id: Option<&str>, secret: &str) -> Result<Undone, UndoError> {
        let key = AdministratorKey { id: id.map(Secret::new), secret: Secret::new(secret), session_token: None };
        let subject = Subject::from(&self.finding);
        let probed = Probed { subject: &subject, value: self.finding.secret.duplicate() };
        let context = self.bench.context(&self.verify);
        let undone = execute_undo(target, &key, Some(probed), Confirmation::Yes, &context, &self.bench.ledger());
        let ledger = fs_err::read_to_string(self.bench.ledger()).expect("the ledger");
        assert!(!ledger.contains(KEY) && !ledger.contains(secret), "{ledger}");
        undone
    }

    fn state(&self) -> LedgerState {
        self.bench.chain().standings()[&self.finding.id.to_string()].state
    }
}

#[test]
fn what_works_again_is_undone() {
    for (manner, state, words, stands) in [
        (Manner::Honest, LedgerState::Undone, "it works again", LedgerState::Undone),
        (Manner::Lies, LedgerState::Unknown, "it is dead", LedgerState::Unknown),
        (Manner::Breaks, LedgerState::Unknown, "it is dead", LedgerState::Unknown),
        (Manner::BreaksAfterwards, LedgerState::Undone, "it works again", LedgerState::Undone),
        (Manner::Later, LedgerState::Accepted, "it may take up to 60 s", LedgerState::Undone),
    ] {
        let revoked = Revoked::new(manner, "user/ann");
        let undone = revoked.undo(&revoked.target().expect("it can be undone"), OPERATORS).expect("sent");
        assert!(undone.state == state && undone.detail.contains(words), "{undone:?}");
        assert_eq!(revoked.state(), stands);
        let events: Vec<&str> = revoked.bench.chain().entries.iter().map(|(entry, _)| entry.event.name()).collect();
        assert_eq!(events[events.len() - 2..], ["undo_intent", "undo_outcome"]);
    }
}

#[test]
fn who_may_not_leaves_it_as_it_was() {
    let revoked = Revoked::new(Manner::Honest, "user/ann");
    let undone = revoked.undo(&revoked.target().expect("it can be undone"), "another secret").expect("sent");
    assert_eq!((undone.state, revoked.state()), (LedgerState::Refused, LedgerState::Revoked));

    let sent = revoked.server.requests().len();
    let target = revoked.target().expect("it can be undone");
    let error = revoked.undo_as(&target, None, OPERATORS).expect_err("refused").to_string();
    assert!(error.contains("has no `id`, which the request needs"), "{error}");
    assert_eq!(revoked.server.requests().len(), sent);
}

#[test]
fn what_the_ledger_was_made_to_say_leads_nowhere() {
    let revoked = Revoked::new(Manner::Honest, "user/ann");
    let target = revoked.target().expect("it can be undone");
    let sent = revoked.server.requests().len();
    let forged = |change: fn(&mut UndoTarget)| {
        let mut target = target.clone();
        change(&mut target);
        let error = revoked.undo(&target, OPERATORS).expect_err("refused").to_string();
        assert_eq!(revoked.server.requests().len(), sent, "{error}");
        error
    };
    // The administrator is that of another provider, and the rule not.
    assert!(forged(|target| target.intent.provider = "aws".to_owned()).contains("knows no more how to undo"));
    assert!(forged(|target| target.reversal.rule = "jwt".to_owned()).contains("knows no more how to undo"));
    assert!(forged(|target| target.intent.issuer = "https://evil.example".to_owned()).contains("are yours"));
    assert!(forged(|target| target.reversal.account = "user/../x".to_owned()).contains("knows no more how to undo"));
    assert!(forged(|target| target.reversal.parts.clear()).contains("a value that the request needs is missing"));
    assert!(forged(|target| target.receipt = "0".repeat(64)).contains("another run has changed"));
}

#[test]
fn what_cannot_be_undone_is_told_with_its_reason() {
    // Its account is no user: nobody knows whose key it would be.
    let revoked = Revoked::new(Manner::Honest, "team/7");
    let error = revoked.target().expect_err("refused").to_string();
    assert!(error.contains("cannot be undone") && error.contains("did not tell whose it was"), "{error}");

    let revoked = Revoked::new(Manner::Honest, "user/ann");
    let chain = revoked.bench.chain();
    for (entry, hash) in &chain.entries {
        // Every entry about it leads to it; only the newest one tells how it stands.
        let found = UndoTarget::find(&chain, &format!("sha256:{}", hash.to_uppercase()));
        assert_eq!(found.is_ok(), entry.event.finding().is_some(), "{}", entry.event.name());
        let is_newest = chain.head() == hash;
        assert_eq!(found.is_ok_and(|target| target.is_named_exactly(hash)), is_newest, "{}", entry.event.name());
    }
    for named in ["", "rsc1_", &"0".repeat(64), &chain.head()[..20], "approved"] {
        assert!(matches!(UndoTarget::find(&chain, named), Err(UndoError::NotFound { .. })), "{named}");
    }
    // What was refused, and what a token's issuer revoked.
    let intent = |method: &str| {
        let entries = chain.entries.iter().find_map(|(entry, _)| match &entry.event {
            Event::Intent(intent) => Some(intent.clone()),
            _ => None,
        });
        Intent { method: method.to_owned(), reversal: None, ..entries.expect("an intent") }
    };
    for (method, state, words) in [
        ("provider", LedgerState::Refused, "there is nothing to undo: refused, told"),
        ("provider", LedgerState::Accepted, "cannot be undone: `beta` has no call"),
        ("rfc7009", LedgerState::Revoked, "cannot be undone: no issuer brings a revoked token back"),
    ] {
        let directory = tempfile::tempdir().expect("temporary directory");
        let now = OffsetDateTime::now_utc();
        let mut ledger = Ledger::open(&directory.path().join("ledger.jsonl"), now).expect("opens");
        let sent = ledger.append(Event::Intent(intent(method)), now).expect("appends");
        let outcome = Event::Outcome {
            finding: revoked.finding.id.to_string(),
            plan: "p".to_owned(),
            intent: Some(sent.as_str().to_owned()),
            state,
            detail: "told".to_owned(),
        };
        ledger.append(outcome, now).expect("appends");
        let error = UndoTarget::find(ledger.chain(), sent.as_str()).expect_err("refused").to_string();
        assert!(error.contains(words), "{error}");
    }
}
