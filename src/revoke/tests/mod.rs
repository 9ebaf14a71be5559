//! Revocation against servers on this machine that play an issuer (simulated): what is recorded, what is believed, and what is
//! not sent.

mod administration;
mod batches;
mod providers;
mod self_signed;
mod undo;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::ledger::{Chain, Event, Intent, LedgerState};
use super::*;
use crate::config::Config;
use crate::egress::loopback::{Received, Reply, Server};
use crate::egress::{Egress, EgressPolicy};
use crate::finding::{
    Confidence, Finding, Fingerprint, FingerprintKey, Kind, Liveness, LivenessState, Location, Part, Place, Revocation,
    RevocationState, Severity, SourcePath, TextSpan, TokenFacts,
};
use crate::issuer::Issuers;
use crate::rules::RuleSet;
use crate::secret::Secret;
use crate::verify::{Observer, VerifyContext, verify_findings};

const AUTO: &str = "[[rule]]\nname = \"tokens\"\nkind = [\"refresh_token\", \"access_token\"]\naction = \"auto\"";
const CLIENT_SECRET: &str = "the client's secret value";
const REFRESH: &str = "refresh-token-value-0123456789";
const ACCESS: &str = "access-token-value-0123456789";
/// What the issuer has issued.
const TOKENS: [&str; 3] = [REFRESH, ACCESS, "second"];

/// How the revocation endpoint behaves.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Revokes; a refresh token takes its access tokens with it.
    Honest,
    /// Says yes and does nothing.
    Lies,
    /// Revokes, and the connection breaks before the answer.
    BreaksAfterwards,
    /// Nothing happens, and the connection breaks.
    Breaks,
    /// Always the same answer, without effect.
    Answers(u16, &'static str),
    /// Sends the client on to a host that is named like the token.
    Redirects,
    /// Never answers.
    Stalls,
    /// Takes the secret from the form only.
    WantsPost,
}

/// An issuer whose tokens live until they are revoked.
struct FakeIssuer {
    server: Server,
    is_introspection_on: Arc<AtomicBool>,
}

impl FakeIssuer {
    fn start(behaviour: Behaviour) -> Self {
        let alive: Mutex<BTreeSet<String>> = Mutex::new(TOKENS.map(str::to_owned).into());
        let is_introspection_on = Arc::new(AtomicBool::new(true));
        let is_on = Arc::clone(&is_introspection_on);
        let server = Server::issuer(move |request| {
            let token = request.form().remove("token").unwrap_or_default();
            let mut alive = alive.lock().unwrap_or_else(PoisonError::into_inner);
            match request.path.as_str() {
                "/introspect" if is_on.load(Relaxed) => Reply::json(200, &json!({"active": alive.contains(&token)})),
                "/revoke" => revoke(behaviour, request, &token, &mut alive),
                _ => Reply::empty(404),
            }
        });
        Self { server, is_introspection_on }
    }

    fn stop_introspection(&self) {
        self.is_introspection_on.store(false, Relaxed);
    }

    /// The requests to revoke a token that exists, in order. Verification asks there about made-up ones.
    fn revocations(&self) -> Vec<Received> {
        let is_real =
            |request: &Received| request.form().get("token").is_some_and(|token| TOKENS.contains(&token.as_str()));
        self.server.received().into_iter().filter(|request| request.path == "/revoke" && is_real(request)).collect()
    }
}

fn revoke(behaviour: Behaviour, request: &Received, token: &str, alive: &mut BTreeSet<String>) -> Reply {
    if !TOKENS.contains(&token) {
        return Reply::empty(200);
    }
    let mut kill = || {
        if token == REFRESH {
            alive.remove(ACCESS);
        }
        alive.remove(token);
    };
    match behaviour {
        Behaviour::WantsPost if request.headers.contains_key("authorization") => {
            return Reply::json(401, &json!({"error": "invalid_client"}));
        }
        Behaviour::Honest | Behaviour::WantsPost => kill(),
        Behaviour::Lies => {}
        Behaviour::BreaksAfterwards => {
            kill();
            return Reply::Raw(Vec::new());
        }
        Behaviour::Breaks => return Reply::Raw(Vec::new()),
        Behaviour::Redirects => {
            return Reply::Http(302, vec![("Location", format!("https://{token}.example/"))], Vec::new());
        }
        Behaviour::Stalls => return Reply::Stall(Vec::new()),
        Behaviour::Answers(503, _) => {
            return Reply::Http(503, vec![("Retry-After", "30".to_owned())], Vec::new());
        }
        Behaviour::Answers(status, error) => return Reply::json(status, &json!({"error": error})),
    }
    Reply::empty(200)
}

/// A run of the program without its command line.
struct Bench {
    issuer: FakeIssuer,
    config: Config,
    policy: Policy,
    rules: RuleSet,
    directory: TempDir,
}

impl Bench {
    fn new(behaviour: Behaviour, policy: &str) -> Self {
        let issuer = FakeIssuer::start(behaviour);
        let config = issuer.server.trusted("revoke = true");
        Self {
            issuer,
            config,
            policy: toml::from_str(&format!("proof_window_seconds = 0\n{policy}")).expect("a valid policy"),
            rules: RuleSet::default(),
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger.jsonl")
    }

    fn verify(&self) -> VerifyContext {
        let egress = Egress::new(EgressPolicy::from(&self.config)).expect("a client");
        VerifyContext::new(&self.config, Issuers::new(&self.config, egress.clone()), egress)
    }

    fn finding(&self, kind: Kind, value: &str) -> Finding {
        let public = |name: &str, value: &str| Part::public(name, value);
        let file = self.directory.path().join(format!("{}.txt", kind.as_str()));
        fs_err::write(&file, value).expect("a file");
        let span = TextSpan { line: 1, byte_end: value.len() as u64, ..TextSpan::default() };
        Finding {
            id: Fingerprint::of(&FingerprintKey::default(), kind, value.as_bytes()),
            rule: "test-rule".to_owned(),
            provider: "generic".to_owned(),
            title: "a test".to_owned(),
            kind,
            confidence: Confidence::High,
            severity: Severity::High,
            secret: Secret::new(value),
            parts: vec![public("client_id", "web"), public("issuer", &self.issuer.server.origin())],
            token: None,
            liveness: Liveness::not_checked(),
            revocation: Revocation::none(),
            locations: vec![Location {
                place: Place::File,
                path: SourcePath::new(file.to_str().expect("text").as_bytes()),
                span,
            }],
            owners: Vec::new(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        vec![
            self.finding(Kind::ClientSecret, CLIENT_SECRET),
            self.finding(Kind::AccessToken, ACCESS),
            self.finding(Kind::RefreshToken, REFRESH),
        ]
    }

    /// Verifies the findings and revokes as the policy says.
    fn run_auto(&self, findings: &mut [Finding]) -> AutoRun {
        let verify = self.verify();
        verify_findings(findings, &verify, &Observer::idle()).expect("verification starts");
        let context = self.context(&verify);
        run_auto(findings, &context, &self.ledger()).expect("the ledger can be written")
    }

    fn context<'a>(&'a self, verify: &'a VerifyContext) -> RevokeContext<'a> {
        static KEY: std::sync::LazyLock<FingerprintKey> = std::sync::LazyLock::new(FingerprintKey::default);
        RevokeContext { verify, policy: &self.policy, key: &KEY, rules: &self.rules, is_cancelled: &|| false }
    }

    fn chain(&self) -> Chain {
        let chain = Chain::read(&self.ledger()).expect("the ledger is there");
        assert!(chain.is_intact(), "{:?}", chain.breaks);
        chain
    }

    /// The outcome for the refresh token in a whole automatic run.
    #[track_caller]
    fn check_refresh(behaviour: Behaviour, expected: RevocationState, requests: usize) -> String {
        let bench = Self::new(behaviour, AUTO);
        let mut findings =
            vec![bench.finding(Kind::ClientSecret, CLIENT_SECRET), bench.finding(Kind::RefreshToken, REFRESH)];
        bench.run_auto(&mut findings);
        let revocation = &findings[1].revocation;
        assert_eq!(revocation.state, expected, "{revocation:?}");
        assert_eq!(bench.issuer.revocations().len(), requests, "{revocation:?}");
        let receipt = revocation.receipt.clone().expect("a receipt");
        assert!(bench.chain().entries.iter().any(|(_, hash)| *hash == receipt), "{revocation:?}");
        revocation.detail.clone().unwrap_or_default()
    }
}

#[test]
fn tokens_are_revoked_refresh_first_and_proven_dead() {
    let bench = Bench::new(Behaviour::Honest, AUTO);
    let mut findings = bench.findings();
    let run = bench.run_auto(&mut findings);

    let sent = bench.issuer.revocations();
    let tokens: Vec<String> = sent.iter().map(|request| request.form()["token"].clone()).collect();
    assert_eq!(tokens, [REFRESH, ACCESS]);
    assert_eq!(sent[0].form()["token_type_hint"], "refresh_token");
    assert_eq!(sent[0].client(), ("web".to_owned(), CLIENT_SECRET.to_owned()));
    for finding in &findings[1..] {
        assert_eq!(finding.revocation.state, RevocationState::Revoked, "{:?}", finding.revocation);
        assert_eq!(finding.liveness.state, LivenessState::Dead);
    }
    assert_ne!(
        findings[0].revocation.state,
        RevocationState::Revoked,
        "nobody can revoke a client secret by this call"
    );
    assert!(run.rest.entries.iter().all(|entry| entry.kind == Kind::ClientSecret));

    let ledger = fs_err::read_to_string(bench.ledger()).expect("the ledger");
    let written = [ledger, String::from_utf8(run.plan.to_json()).expect("text"), run.plan.to_text(true)].concat();
    for value in [CLIENT_SECRET, REFRESH, ACCESS] {
        assert!(!written.contains(value), "{written}");
    }
    let events: Vec<&str> = bench.chain().entries.iter().map(|(entry, _)| entry.event.name()).collect();
    assert_eq!(events, ["approved", "intent", "outcome", "proof", "intent", "outcome", "proof"]);
}

#[test]
fn answers_are_not_proofs() {
    use RevocationState::{Failed, Refused, Revoked, StillLive};

    Bench::check_refresh(Behaviour::Honest, Revoked, 1);
    Bench::check_refresh(Behaviour::Lies, StillLive, 1);
    Bench::check_refresh(Behaviour::BreaksAfterwards, Revoked, 1);
    Bench::check_refresh(Behaviour::Breaks, Failed, 1);
    Bench::check_refresh(Behaviour::WantsPost, Revoked, 3);
    Bench::check_refresh(Behaviour::Answers(400, "invalid_request"), Refused, 1);
    Bench::check_refresh(Behaviour::Answers(400, "invalid_grant"), Refused, 1);
    Bench::check_refresh(Behaviour::Answers(400, "unsupported_token_type"), Refused, 1);
    Bench::check_refresh(Behaviour::Answers(401, "invalid_client"), Refused, 3);
    Bench::check_refresh(Behaviour::Answers(200, "not_found"), Refused, 1);
    Bench::check_refresh(Behaviour::Answers(500, "server_error"), Failed, 1);
    let detail = Bench::check_refresh(Behaviour::Answers(503, ""), Failed, 1);
    assert!(detail.contains("in 30 s"), "{detail}");
    let detail = Bench::check_refresh(Behaviour::Answers(400, REFRESH), Refused, 1);
    assert!(!detail.contains(REFRESH), "a server's own words are not repeated");
    let detail = Bench::check_refresh(Behaviour::Redirects, Failed, 1);
    assert!(detail.contains("repeats what it was sent"), "{detail}");
}

#[test]
fn a_server_that_never_answers_leaves_nothing_certain() {
    let mut bench = Bench::new(Behaviour::Stalls, AUTO);
    bench.config.egress.timeout = std::time::Duration::from_secs(2);
    let mut findings = bench.findings();
    findings.remove(1);
    let verify = bench.verify();
    verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
    bench.issuer.stop_introspection();
    run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
    assert_eq!(findings[1].revocation.state, RevocationState::Unknown, "{:?}", findings[1].revocation);
}

#[test]
fn the_first_refusal_stops_its_kind() {
    let bench = Bench::new(Behaviour::Answers(400, "invalid_request"), AUTO);
    let mut findings = bench.findings();
    findings.push(bench.finding(Kind::RefreshToken, "second"));
    bench.run_auto(&mut findings);
    let hints: Vec<String> =
        bench.issuer.revocations().iter().map(|request| request.form()["token_type_hint"].clone()).collect();
    assert_eq!(hints, ["refresh_token", "access_token"], "one refresh token was not sent");
    assert!(findings[1..].iter().all(|finding| finding.revocation.state == RevocationState::Refused));
}

#[test]
fn an_issuer_that_lies_is_not_asked_again() {
    let bench = Bench::new(Behaviour::Lies, AUTO);
    let mut findings = bench.findings();
    findings.push(bench.finding(Kind::RefreshToken, "second"));
    bench.run_auto(&mut findings);
    assert_eq!(bench.issuer.revocations().len(), 2, "one refresh token, one access token");
}

#[test]
fn nothing_is_sent_or_recorded_without_a_policy() {
    for policy in ["", "halt = true\n[[rule]]\naction = \"auto\"", "[[rule]]\nissuer = \"other\"\naction = \"auto\""] {
        let bench = Bench::new(Behaviour::Honest, policy);
        let mut findings = bench.findings();
        bench.run_auto(&mut findings);
        assert_eq!(bench.issuer.revocations().len(), 0, "{policy}");
        assert!(!bench.ledger().exists(), "{policy}");
        assert_eq!(findings[2].revocation.state, RevocationState::Planned, "{policy}");
    }
}

#[test]
fn an_issuer_that_is_not_owned_is_not_asked_to_revoke() {
    let mut bench = Bench::new(Behaviour::Honest, AUTO);
    bench.config = bench.issuer.server.trusted("");
    let mut findings = bench.findings();
    let run = bench.run_auto(&mut findings);
    assert_eq!(bench.issuer.revocations().len(), 0);
    assert!(run.plan.entries.iter().all(|entry| !entry.is_call()));
}

#[test]
fn caps_leave_the_rest_in_the_plan() {
    let bench = Bench::new(Behaviour::Honest, &format!("max_per_run = 1\n{AUTO}"));
    let mut findings = bench.findings();
    let run = bench.run_auto(&mut findings);
    assert_eq!(bench.issuer.revocations().len(), 1);
    assert_eq!(run.rest.calls(policy::PolicyAction::Approve), 1);
}

#[test]
fn the_cap_of_an_hour_counts_other_runs() {
    let stranger = Fingerprint::of(&FingerprintKey::default(), Kind::RefreshToken, b"of another run");
    for (minutes, sent) in [(59, 0), (61, 1)] {
        let bench = Bench::new(Behaviour::Honest, &format!("max_per_hour = 1\n{AUTO}"));
        intend(&bench, stranger, OffsetDateTime::now_utc() - time::Duration::minutes(minutes));
        let mut findings = bench.findings();
        let run = bench.run_auto(&mut findings);
        assert_eq!(bench.issuer.revocations().len(), sent, "{minutes}");
        // The plan itself holds more than an hour may.
        assert_eq!(run.rest.calls(policy::PolicyAction::Approve), 1);
        let refused = findings.iter().filter_map(|finding| finding.revocation.detail.as_deref());
        let refused = refused.filter(|detail| detail.contains("`policy.max_per_hour` of 1 is reached")).count();
        assert_eq!(refused, 1 - sent, "{minutes}");
    }
}

/// A ledger as a crash leaves it between a request's intent and its outcome.
fn crash_before_outcome(bench: &Bench, id: Fingerprint) {
    intend(bench, id, OffsetDateTime::now_utc());
}

/// Writes into the ledger that a request was about to leave.
fn intend(bench: &Bench, id: Fingerprint, now: OffsetDateTime) {
    let mut ledger = Ledger::open(&bench.ledger(), now).expect("opens");
    let intent = Intent {
        finding: id.to_string(),
        plan: "0".repeat(64),
        kind: "refresh_token".to_owned(),
        provider: "generic".to_owned(),
        issuer: bench.issuer.server.origin(),
        method: "rfc7009".to_owned(),
        endpoint: format!("{}/revoke", bench.issuer.server.origin()),
        authority: "found_client".to_owned(),
        client_id: Some("web".to_owned()),
        blast_radius: "family".to_owned(),
        policy: "auto: rule 1".to_owned(),
        reversal: None,
    };
    ledger.append(Event::Intent(intent), now).expect("appends");
}

#[test]
fn after_a_crash_the_request_is_not_blindly_repeated() {
    let bench = Bench::new(Behaviour::Honest, AUTO);
    let mut findings = bench.findings();
    findings.remove(1);
    crash_before_outcome(&bench, findings[1].id);
    assert_eq!(bench.chain().standings()[&findings[1].id.to_string()].state, LedgerState::Unknown);

    let verify = bench.verify();
    verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
    bench.issuer.stop_introspection();
    run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
    assert_eq!(findings[1].revocation.state, RevocationState::Unknown, "{:?}", findings[1].revocation);
    assert_eq!(bench.issuer.revocations().len(), 0, "nobody knows, so nothing is sent");
}

#[test]
fn after_a_crash_what_proves_to_live_is_revoked() {
    let bench = Bench::new(Behaviour::Honest, AUTO);
    let mut findings = bench.findings();
    findings.remove(1);
    crash_before_outcome(&bench, findings[1].id);
    bench.run_auto(&mut findings);
    assert_eq!(findings[1].revocation.state, RevocationState::Revoked, "{:?}", findings[1].revocation);
    let events: Vec<&str> = bench.chain().entries.iter().map(|(entry, _)| entry.event.name()).collect();
    assert_eq!(events, ["intent", "approved", "proof", "intent", "outcome", "proof"]);
}

#[test]
fn a_later_run_closes_what_an_earlier_one_left_open() {
    let bench = Bench::new(Behaviour::Honest, AUTO);
    let mut findings = bench.findings();
    findings.remove(1);
    crash_before_outcome(&bench, findings[1].id);
    findings[1].liveness.state = LivenessState::Dead;
    for entries in [2, 2] {
        findings[1].revocation = Revocation::none();
        let verify = bench.verify();
        run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
        assert_eq!(findings[1].revocation.state, RevocationState::Revoked);
        assert_eq!(findings[1].revocation.receipt.as_deref(), Some(bench.chain().head()));
        assert_eq!(bench.chain().entries.len(), entries, "it is closed once");
    }
    assert_eq!(bench.issuer.revocations().len(), 0);
}

#[test]
fn an_interrupted_run_sends_nothing_more() {
    let bench = Bench::new(Behaviour::Honest, AUTO);
    let mut findings = bench.findings();
    let verify = bench.verify();
    verify_findings(&mut findings, &verify, &Observer::idle()).expect("verification starts");
    let is_cancelled = || !bench.issuer.revocations().is_empty();
    let context = RevokeContext { is_cancelled: &is_cancelled, ..bench.context(&verify) };
    run_auto(&mut findings, &context, &bench.ledger()).expect("the ledger can be written");
    let states: Vec<RevocationState> = findings[1..].iter().map(|finding| finding.revocation.state).collect();
    assert_eq!(states, [RevocationState::Planned, RevocationState::Revoked], "what was begun is carried to its end");
}

#[test]
fn found_values_are_in_no_plan_wherever_content_repeats_them() {
    let bench = Bench::new(Behaviour::Honest, "");
    let mut findings = bench.findings();
    for finding in &mut findings {
        finding.liveness.state = LivenessState::Live;
    }
    let mut in_path = findings[1].locations[0].clone();
    in_path.path = SourcePath::new(format!("/tmp/{REFRESH}.txt").as_bytes());
    findings[1].locations.insert(0, in_path);
    findings[1].token = Some(TokenFacts {
        aud: vec![format!("aud {REFRESH}")],
        scope: Some(CLIENT_SECRET.to_owned()),
        client_id: Some(format!("x{ACCESS}")),
        iss: Some(format!("https://{REFRESH}.example")),
        ..TokenFacts::default()
    });
    findings[2].parts.push(Part::public("issuer", ACCESS));
    let verify = bench.verify();
    let plan = plan_findings(&mut findings, &bench.context(&verify)).expect("plans");
    let written = String::from_utf8(plan.to_json()).expect("text") + &plan.to_text(true);
    for value in [CLIENT_SECRET, REFRESH, ACCESS] {
        assert!(!written.contains(value), "{written}");
    }
    let access = plan.entries.iter().find(|entry| entry.finding == findings[1].id).expect("planned");
    assert_eq!((access.locations.len(), access.location_count), (1, 2));
}

/// Plans for live findings as from a report, lets `change` happen, and applies the plan by its hash.
fn apply(bench: &mut Bench, change: impl FnOnce(&mut Bench)) -> Vec<execute::Executed> {
    let mut findings = bench.findings();
    verify_findings(&mut findings, &bench.verify(), &Observer::idle()).expect("verification starts");
    apply_to(bench, findings, change)
}

fn apply_to(bench: &mut Bench, findings: Vec<Finding>, change: impl FnOnce(&mut Bench)) -> Vec<execute::Executed> {
    let subjects: Vec<Subject> = findings.iter().map(Subject::from).collect();
    let verify = bench.verify();
    let plan = plan_subjects(&subjects, false, &bench.context(&verify)).expect("plans");
    let hash = plan.hash().to_string();
    assert!(ApprovedPlan::by_hash(plan.clone(), &"0".repeat(64)).is_err());
    let approved = ApprovedPlan::by_hash(plan, &hash).expect("its own hash");
    change(bench);
    let verify = bench.verify();
    let reread = |_, _, location: &plan::PlannedLocation| match &location.place {
        plan::PlannedPlace::File { file } => fs_err::read(file).ok().map(Secret::new),
        _ => None,
    };
    execute_approved(&approved, &bench.context(&verify), &bench.ledger(), &reread).expect("the ledger can be written").0
}

#[test]
fn an_approved_plan_is_carried_out_once() {
    let mut bench = Bench::new(Behaviour::Honest, "");
    let first = apply(&mut bench, |_| ());
    let entries = bench.chain().entries.len();
    let mut findings =
        vec![bench.finding(Kind::ClientSecret, CLIENT_SECRET), bench.finding(Kind::RefreshToken, REFRESH)];
    findings[1].liveness.state = LivenessState::Live;
    fs_err::remove_file(bench.directory.path().join("refresh_token.txt")).expect("removes");
    let again = apply_to(&mut bench, findings, |_| ());
    assert_eq!(again[0].revocation, first[0].revocation, "told again from the ledger");
    assert_eq!(bench.issuer.revocations().len(), 2, "by the first time alone");
    assert_eq!(bench.chain().entries.len(), entries + 1, "the approval alone");
}

#[track_caller]
fn check_apply(change: impl FnOnce(&mut Bench), expected: RevocationState, requests: usize, detail: &str) {
    let mut bench = Bench::new(Behaviour::Honest, "");
    let results = apply(&mut bench, change);
    let refresh = &results[0].revocation;
    assert_eq!(refresh.state, expected, "{refresh:?}");
    assert!(refresh.detail.as_ref().is_some_and(|text| text.contains(detail)), "{refresh:?}");
    assert_eq!(bench.issuer.revocations().len(), requests, "{results:?}");
    bench.chain();
}

#[test]
fn an_approved_plan_is_held_against_what_is_true_now() {
    use RevocationState::{Refused, Revoked};

    check_apply(|_| (), Revoked, 2, "it is dead");
    check_apply(|bench| bench.policy.halt = true, Refused, 0, "policy.halt");
    check_apply(
        |bench| {
            bench.policy =
                toml::from_str("[[rule]]\npath = \"**/refresh_token.txt\"\naction = \"never\"").expect("valid");
        },
        Refused,
        1,
        "the policy forbids it now (rule 1)",
    );
    check_apply(|bench| bench.config = bench.issuer.server.trusted(""), Refused, 0, "revoke = true");
    check_apply(
        |bench| {
            bench.policy.protect.insert(Fingerprint::of(
                &FingerprintKey::default(),
                Kind::RefreshToken,
                REFRESH.as_bytes(),
            ));
        },
        Refused,
        1,
        "policy.protect",
    );
    check_apply(
        |bench| fs_err::write(bench.directory.path().join("refresh_token.txt"), "another").expect("writes"),
        Refused,
        1,
        "the value is not to be read",
    );
    check_apply(
        |bench| fs_err::remove_file(bench.directory.path().join("client_secret.txt")).expect("removes"),
        Refused,
        0,
        "the secret of its client",
    );
    check_apply(
        |bench| {
            let origin = bench.issuer.server.origin();
            bench.config =
                bench.issuer.server.trusted(&format!("revoke = true\nrevocation_endpoint = '{origin}/elsewhere'"));
        },
        Refused,
        0,
        "not the planned one",
    );
}
