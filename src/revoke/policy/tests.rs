//! What a policy decides, case by case.

use super::*;
use crate::revoke::plan::tests::{subject, token_at};

/// One row: `[[rule]]` lines, what is asked about, and what is decided.
struct Row {
    policy: &'static str,
    of: Case,
    expected: (PolicyAction, &'static str),
}

/// A live refresh token of `https://id.example.com` in `services/a/.env`, of the account `acme-ci`, unless said otherwise.
#[derive(Clone, Copy)]
struct Case {
    kind: Kind,
    radius: BlastRadius,
    liveness: LivenessState,
    confidence: Confidence,
    path: &'static str,
    account: Option<&'static str>,
    shared: bool,
}

const USUAL: Case = Case {
    kind: Kind::RefreshToken,
    radius: BlastRadius::Family,
    liveness: LivenessState::Live,
    confidence: Confidence::High,
    path: "services/a/.env",
    account: Some("acme-ci"),
    shared: false,
};

const AUTO: &str = "[[rule]]\nname = \"tokens\"\naction = \"auto\"\n";
const NO_RULE: &str = "no rule matches";

fn with(lines: &str) -> String {
    format!("{AUTO}{lines}")
}

#[track_caller]
fn check(policy: &str, of: Case, (action, decided_by): (PolicyAction, &str)) {
    let rules: Policy = toml::from_str(policy).expect("valid policy");
    let mut subject = subject(of.kind, 1);
    (subject.liveness, subject.confidence, subject.account) =
        (of.liveness, of.confidence, of.account.map(str::to_owned));
    subject.locations = vec![token_at(of.path)];
    let decision = rules.decide_at(&subject, "https://id.example.com", of.shared, of.radius);
    assert_eq!(decision.action, action, "{policy}: {decision:?}");
    assert!(decision.decided_by.contains(decided_by), "{policy}: {decision:?}");
}

#[test]
fn decisions() {
    use BlastRadius::{AppUser, Client, Install, Key, Sessions, Token};
    use Kind::ApiKey;
    use LivenessState::{LiveRestricted, NotChecked, Unknown};
    use PolicyAction::{Approve, Auto, Never};

    // Without rules nothing runs by itself.
    check("", USUAL, (Approve, NO_RULE));
    check("default = \"never\"", USUAL, (Never, "policy.default"));
    check("default = \"approve\"", Case { kind: ApiKey, ..USUAL }, (Approve, "policy.default"));
    check("halt = true", USUAL, (Never, "policy.halt"));
    check(&format!("halt = true\n{AUTO}"), USUAL, (Never, "policy.halt"));
    check(AUTO, USUAL, (Auto, "`tokens`"));
    // What is not proven live does not run by itself, unless the rule says so.
    for (lines, liveness, expected) in [
        ("", LiveRestricted, (Auto, "tokens")),
        ("", Unknown, (Approve, "liveness `unknown`")),
        ("", NotChecked, (Approve, "liveness `not_checked`")),
        ("liveness = \"unknown\"", Unknown, (Auto, "tokens")),
        ("liveness = [\"live\", \"not_checked\"]", NotChecked, (Auto, "tokens")),
        ("liveness = \"live\"", Unknown, (Approve, NO_RULE)),
        ("liveness = \"live\"", LiveRestricted, (Approve, NO_RULE)),
    ] {
        check(&with(lines), Case { liveness, ..USUAL }, expected);
    }
    // What takes down more than the token's own grant does not, either.
    for (lines, radius, expected) in [
        ("", Token, (Auto, "tokens")),
        ("", AppUser, (Approve, "max_blast_radius")),
        ("", Install, (Approve, "max_blast_radius")),
        ("", Client, (Approve, "max_blast_radius")),
        ("", Sessions, (Approve, "max_blast_radius")),
        ("", Key, (Approve, "max_blast_radius")),
        ("max_blast_radius = \"app_user\"", AppUser, (Auto, "tokens")),
        ("max_blast_radius = \"client\"", AppUser, (Auto, "tokens")),
        ("max_blast_radius = \"client\"", Client, (Auto, "tokens")),
        ("max_blast_radius = \"client\"", Sessions, (Approve, NO_RULE)),
        ("max_blast_radius = \"key\"", Key, (Auto, "tokens")),
        ("max_blast_radius = \"token\"", USUAL.radius, (Approve, NO_RULE)),
    ] {
        check(&with(lines), Case { radius, ..USUAL }, expected);
    }
    // Where everybody has an account, its name must be ours.
    for (lines, account, shared, expected) in [
        ("", Some("acme-ci"), true, (Approve, "does not name the `account`")),
        ("", None, true, (Approve, "does not name the `account`")),
        ("account = \"acme-*\"", Some("acme-ci"), true, (Auto, "tokens")),
        ("account = \"acme-*\"", Some("acme-ci"), false, (Auto, "tokens")),
        ("account = [\"other\", \"acme-ci\"]", Some("acme-ci"), true, (Auto, "tokens")),
        ("account = \"acme-*\"", Some("evil-acme-ci"), true, (Approve, NO_RULE)),
        ("account = \"acme-*\"", Some("ACME-ci"), true, (Approve, NO_RULE)),
        ("account = \"acme-*\"", None, true, (Approve, NO_RULE)),
        ("account = \"acme-*\"", None, false, (Approve, NO_RULE)),
        ("account = \"*@acme.example\"", Some("dev@acme.example"), true, (Auto, "tokens")),
        ("account = \"*@acme.example\"", Some("dev@acme.example.evil"), true, (Approve, NO_RULE)),
        (
            "account = \"arn:aws:iam::123456789012:*\"",
            Some("arn:aws:iam::123456789012:user/a/b"),
            true,
            (Auto, "tokens"),
        ),
    ] {
        check(&with(lines), Case { account, shared, ..USUAL }, expected);
    }
}

#[test]
fn conditions() {
    use Confidence::{Low, Medium};
    use Kind::{AccessToken, ClientSecret, Jwt};
    use PolicyAction::{Approve, Auto, Never};

    let rows = [
        Row { policy: "kind = \"refresh_token\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "kind = [\"jwt\", \"access_token\"]", of: USUAL, expected: (Approve, NO_RULE) },
        Row {
            policy: "kind = [\"jwt\", \"access_token\"]",
            of: Case { kind: AccessToken, ..USUAL },
            expected: (Auto, "tokens"),
        },
        Row {
            policy: "kind = [\"jwt\", \"access_token\"]",
            of: Case { kind: Jwt, ..USUAL },
            expected: (Auto, "tokens"),
        },
        Row { policy: "kind = \"api_key\"", of: Case { kind: ClientSecret, ..USUAL }, expected: (Approve, NO_RULE) },
        Row { policy: "issuer = \"https://id.example.com\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "issuer = \"https://id.example.com/\"", of: USUAL, expected: (Approve, NO_RULE) },
        Row {
            policy: "issuer = [\"https://a.example\", \"https://id.example.com\"]",
            of: USUAL,
            expected: (Auto, "tokens"),
        },
        Row { policy: "provider = \"generic\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "provider = \"other\"", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "rule = \"test-rule\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "rule = \"other-rule\"", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "min_confidence = \"high\"", of: USUAL, expected: (Auto, "tokens") },
        Row {
            policy: "min_confidence = \"high\"",
            of: Case { confidence: Medium, ..USUAL },
            expected: (Approve, NO_RULE),
        },
        Row {
            policy: "min_confidence = \"medium\"",
            of: Case { confidence: Medium, ..USUAL },
            expected: (Auto, "tokens"),
        },
        Row {
            policy: "min_confidence = \"medium\"",
            of: Case { confidence: Low, ..USUAL },
            expected: (Approve, NO_RULE),
        },
        Row { policy: "path = \"services/**\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "path = \"services/*\"", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "path = [\"vendor/**\", \"*.json\"]", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "path = \"vendor/**\"", of: Case { path: "vendor/x/.env", ..USUAL }, expected: (Auto, "tokens") },
        Row { policy: "source = \"file\"", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "source = [\"git\", \"image\"]", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "source = \"file\"\nreachable = true", of: USUAL, expected: (Auto, "tokens") },
        Row { policy: "reachable = false", of: USUAL, expected: (Approve, NO_RULE) },
        Row { policy: "kind = \"refresh_token\"\npath = \"vendor/**\"", of: USUAL, expected: (Approve, NO_RULE) },
    ];
    for Row { policy, of, expected } in rows {
        check(&with(policy), of, expected);
    }
    // The first rule that matches decides.
    check(&format!("[[rule]]\nrule = \"test-rule\"\naction = \"never\"\n{AUTO}"), USUAL, (Never, "rule 1"));
    check(&format!("{AUTO}[[rule]]\naction = \"never\""), USUAL, (Auto, "rule 1 `tokens`"));
    check(&format!("[[rule]]\nkind = \"jwt\"\naction = \"never\"\n{AUTO}"), USUAL, (Auto, "rule 2 `tokens`"));
    check("[[rule]]\naction = \"approve\"", Case { radius: BlastRadius::Key, ..USUAL }, (Approve, "rule 1"));
}

#[test]
fn protected_findings_are_never_revoked() {
    let subject = subject(Kind::RefreshToken, 1);
    let text = format!("protect = [\"{}\"]\n[[rule]]\naction = \"auto\"", subject.id);
    let policy = toml::from_str::<Policy>(&text).expect("valid policy");
    let decision = policy.decide(&subject, "https://id.example.com", BlastRadius::Token);
    assert_eq!(decision.action, PolicyAction::Never);
}

#[test]
fn pauses_fill_the_window() {
    for (window, expected) in [(0, vec![]), (1, vec![1]), (20, vec![1, 2, 4, 8, 5])] {
        let policy = Policy { proof_window: Duration::from_secs(window), ..Policy::default() };
        let pauses: Vec<u64> = policy.pauses().iter().map(Duration::as_secs).collect();
        assert_eq!(pauses, expected);
    }
}

#[test]
fn caps_are_counted_per_run_and_per_issuer() {
    let policy = Policy { max_per_run: 3, max_per_issuer: 2, ..Policy::default() };
    let mut counter = CapCounter::default();
    let allowed: Vec<bool> =
        ["a", "a", "a", "b", "b"].iter().map(|issuer| policy.count(&mut counter, issuer).is_ok()).collect();
    assert_eq!(allowed, [true, true, false, true, false]);
}
