//! What a receiver on this machine (simulated) is sent, and what its answers lead to.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::json;

use super::*;
use crate::egress::EgressPolicy;
use crate::egress::loopback::{Reply, Server, config};
use crate::finding::Kind;
use crate::revoke::plan::{PlanInput, RevocationPlan, plan, tests as plans};
use crate::revoke::{Policy, Survey};
use crate::rules::RuleSet;

/// The plan of one refresh token.
fn planned() -> RevocationPlan {
    let (policy, rules, providers) =
        (Policy::default(), RuleSet::default(), crate::provider::Providers::from(&config("")));
    let subjects = [plans::subject(Kind::RefreshToken, 1)];
    let survey = Survey::default();
    plan(&PlanInput {
        subjects: &subjects,
        survey: &survey,
        policy: &policy,
        include_unknown: false,
        rules: &rules,
        providers: &providers,
        now: OffsetDateTime::UNIX_EPOCH,
    })
}

/// Tells an outcome three times, and gives what came of that and what reached the receiver.
fn tell(
    section: &str,
    state: RevocationState,
    answer: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> (Told, usize) {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_, _| answer(count.fetch_add(1, SeqCst)));
    let config = config(&format!("[notify]\nurl = '{}/hook'\nzone = 'loopback'\n{section}\n", server.origin()));
    let notifier = config.notify.as_ref().map(Notifier::prepare).and_then(Result::ok).expect("a usable section");
    let egress = Egress::new(EgressPolicy::from(&config)).expect("a client");
    let plan = planned();
    let revocation = Revocation { state, ..Revocation::none() };
    let at = OffsetDateTime::UNIX_EPOCH;
    let event = Event { entry: &plan.entries[0], revocation: &revocation, plan: "hash", at };
    let told = notifier.tell(&egress, &[event; 3]).expect("a runtime");
    assert!(egress.exchanges().iter().all(|exchange| !exchange.request.contains("hook")), "an address may be secret");
    (told, server.received().len())
}

#[test]
fn what_a_receiver_answers() {
    use RevocationState::{Planned, Refused, Revoked};
    let status = |status: u16| move |_: usize| Reply::empty(status);
    let (told, requests) = tell("", Revoked, status(204));
    assert_eq!((told, requests), (Told { sent: 3, ..Told::default() }, 3));
    let (told, requests) = tell("", Planned, status(204));
    assert_eq!((told, requests), (Told::default(), 0));
    let (told, requests) = tell("", Refused, |count| Reply::empty(if count == 0 { 503 } else { 200 }));
    assert_eq!((told.sent, requests), (3, 4), "sent once more");
    let (told, requests) = tell("", Revoked, |_| Reply::json(400, &json!({"err": "invalid_key", "description": "x"})));
    assert_eq!((told.failed, requests), (3, 3));
    assert_eq!(told.reason.as_deref(), Some("the receiver answered with status 400 (`invalid_key`)"));
    let (told, requests) = tell("", Revoked, |_| Reply::json(400, &json!({"err": "\u{1b}[31m"})));
    assert_eq!((told.reason.as_deref(), requests), (Some("the receiver answered with status 400"), 3));
    let (told, requests) = tell("", Revoked, |_| Reply::Raw(Vec::new()));
    assert_eq!((told.failed, requests), (3, 2), "nobody is there: the others are not even tried");
}

#[test]
fn keys_that_are_none_are_told_before_anything_is_sent() {
    let prepare = |section: &str| {
        let config = config(&format!("[notify]\nurl = 'https://siem.example/'\n{section}\n"));
        config.notify.as_ref().map(|notify| Notifier::prepare(notify).err().unwrap_or_default())
    };
    for (section, words) in [
        ("token_env = 'UNSET'", "the environment variable `UNSET` is not set"),
        ("key_file = '/nonexistent/key'", "cannot be read"),
        ("format = 'caep'\nissuer = 'https://a.example'\nkey_env = 'OPERATORS_SECRET'", "no private key for `EdDSA`"),
        (
            "format = 'caep'\nissuer = 'https://a.example'\nkey_env = 'OPERATORS_SECRET'\nalgorithm = 'RS256'",
            "no private key for `RS256`",
        ),
        ("key_env = 'OPERATORS_SECRET'\ntoken_env = 'OPERATORS_SECRET'", ""),
    ] {
        let error = prepare(section).unwrap_or_default();
        assert!(error.contains(words) && error.is_empty() == words.is_empty(), "{section}: {error}");
    }
}
