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
    /// Days since the oldest commit; `None` where no place tells.
    age: Option<i64>,
    account: Option<&'static str>,
    shared: bool,
}

const USUAL: Case = Case {
    kind: Kind::RefreshToken,
    radius: BlastRadius::Family,
    liveness: LivenessState::Live,
    confidence: Confidence::High,
    path: "services/a/.env",
    age: None,
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
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in range");
    subject.oldest = of.age.map(|days| now - time::Duration::days(days));
    let decision = rules.decide(&Question {
        subject: &subject,
        issuer: "https://id.example.com",
        shared: of.shared,
        blast_radius: of.radius,
        now,
    });
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
fn ages() {
    use PolicyAction::{Approve, Auto, Never};

    for (lines, age, expected) in [
        ("min_age_days = 30", Some(30), (Auto, "tokens")),
        ("min_age_days = 30", Some(29), (Approve, NO_RULE)),
        ("min_age_days = 30", Some(4000), (Auto, "tokens")),
        ("max_age_days = 30", Some(30), (Auto, "tokens")),
        ("max_age_days = 30", Some(31), (Approve, NO_RULE)),
        ("max_age_days = 30", Some(0), (Auto, "tokens")),
        ("min_age_days = 7\nmax_age_days = 30", Some(8), (Auto, "tokens")),
        ("min_age_days = 7\nmax_age_days = 30", Some(6), (Approve, NO_RULE)),
        ("min_age_days = 7\nmax_age_days = 30", Some(31), (Approve, NO_RULE)),
        ("min_age_days = 30\nmax_age_days = 7", Some(10), (Approve, NO_RULE)),
        // A commit of tomorrow is of today.
        ("max_age_days = 0", Some(-1), (Auto, "tokens")),
        ("min_age_days = 0", Some(-1), (Auto, "tokens")),
        ("min_age_days = 1", Some(-4000), (Approve, NO_RULE)),
        // What nobody knows is neither old nor new.
        ("min_age_days = 0", None, (Approve, NO_RULE)),
        ("max_age_days = 4000", None, (Approve, NO_RULE)),
        ("", None, (Auto, "tokens")),
    ] {
        check(&with(lines), Case { age, ..USUAL }, expected);
    }
    let never = "[[rule]]\nname = \"old\"\nmin_age_days = 365\naction = \"never\"\n";
    for (age, expected) in [(Some(365), (Never, "`old`")), (Some(364), (Auto, "tokens")), (None, (Auto, "tokens"))] {
        check(&format!("{never}{AUTO}"), Case { age, ..USUAL }, expected);
    }
}

#[test]
fn an_hour_has_room_until_its_cap() {
    for (policy, sent, has_room) in [
        ("", 99, true),
        ("", 100, false),
        ("max_per_hour = 0", 0, false),
        ("max_per_hour = 2", 1, true),
        ("max_per_hour = 2", 2, false),
        ("max_per_hour = 2", 3, false),
    ] {
        let policy: Policy = toml::from_str(policy).expect("valid policy");
        assert_eq!(policy.hour_has_room(sent).is_ok(), has_room, "{sent}");
    }
    let error = Policy::default().hour_has_room(100).expect_err("full");
    assert_eq!(error, "the cap `policy.max_per_hour` of 100");
}

#[test]
fn protected_findings_are_never_revoked() {
    let subject = subject(Kind::RefreshToken, 1);
    let text = format!("protect = [\"{}\"]\n[[rule]]\naction = \"auto\"", subject.id);
    let policy = toml::from_str::<Policy>(&text).expect("valid policy");
    let decision = policy.decide(&Question {
        subject: &subject,
        issuer: "https://id.example.com",
        shared: false,
        blast_radius: BlastRadius::Token,
        now: OffsetDateTime::UNIX_EPOCH,
    });
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

/// The examples of a file in TOML, decided by a policy: name, action, and who decided.
fn try_with(policy: &str, examples: &str) -> Result<Vec<(String, &'static str, String)>, String> {
    let policy: Policy = toml::from_str(policy).expect("valid policy");
    let rules = crate::rules::RuleSet::load(&[]).expect("built-in rules");
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in range");
    let context = ExampleContext { rules: &rules, revoke_providers: &["github".to_owned()], now };
    let path = std::path::Path::new("examples.toml");
    let examples = Example::read_toml(examples, path, context).map_err(|error| error.to_string())?;
    let decided = examples.iter().map(|example| {
        let decision = example.decide(&policy, now);
        (example.name.clone(), decision.action.as_str(), decision.decided_by)
    });
    Ok(decided.collect())
}

#[test]
fn examples_are_decided_as_findings_are() {
    for (example, action, decided_by) in [
        ("kind = \"refresh_token\"", "auto", "tokens"),
        ("kind = \"jwt\"\nliveness = \"unknown\"", "approve", "liveness `unknown`"),
        ("rule = \"aws-secret-access-key\"", "approve", "max_blast_radius"),
        ("rule = \"aws-secret-access-key\"\nblast_radius = \"token\"", "auto", "tokens"),
        ("kind = \"api_key\"\nprovider = \"github\"", "approve", "does not name the `account`"),
        ("kind = \"api_key\"\nprovider = \"github\"\nshared = false", "auto", "tokens"),
        ("kind = \"api_key\"\nprovider = \"github\"\nissuer = \"https://git.example\"", "auto", "tokens"),
        ("kind = \"jwt\"\nid = \"rsc1_00000000000000000000000000000001\"", "never", "policy.protect"),
        ("kind = \"jwt\"\npath = \"vendor/x/y\"", "never", "rule 1"),
        ("kind = \"jwt\"\nreachable = false", "never", "rule 2"),
        ("kind = \"jwt\"\nsource = \"git\"\nreachable = true", "auto", "tokens"),
        ("kind = \"jwt\"\nage_days = 400", "never", "rule 3"),
        ("kind = \"jwt\"\nage_days = 4", "auto", "tokens"),
    ] {
        let policy = format!(
            "protect = [\"rsc1_00000000000000000000000000000001\"]\n[[rule]]\npath = \"vendor/**\"\naction = \"never\"\n\
             [[rule]]\nreachable = false\naction = \"never\"\n[[rule]]\nmin_age_days = 365\naction = \"never\"\n{AUTO}"
        );
        let decided = try_with(&policy, &format!("[[example]]\n{example}\n")).expect("valid examples");
        let [(name, is, by)] = &decided[..] else { panic!("one example") };
        assert_eq!(name, "example 1");
        assert!(*is == action && by.contains(decided_by), "{example}: {is}, {by}");
    }
}

#[test]
fn what_is_wrong_with_an_example_is_named() {
    for (example, expected) in [
        ("[[example]]\n", "example 1: its `kind` or `rule` is missing"),
        ("[[example]]\nname = \"x\"\nrule = \"nothing\"", "x: there is no rule of that id"),
        ("[[example]]\nkind = \"jwt\"\nid = \"1\"", "its `id` is not that of a finding"),
        ("[[example]]\nkind = \"jwt\"\nliveness = \"dead\"", "`liveness` is `live`"),
        ("[[example]]\nkind = \"jwt\"\nsource = \"image\"\nreachable = true", "only what lies in `git`"),
        ("[[example]]\nkind = \"jwt\"\nexpects = \"auto\"", "line 3: unknown key `expects`; did you mean `expect`?"),
        ("[[example]]\nkind = \"jwe\"", "line 2, column 8: unknown variant `jwe`"),
        ("[[examples]]\n", "unknown key `examples`; did you mean `example`?"),
    ] {
        let error = try_with("", example).expect_err(example);
        assert!(error.contains(expected), "{example}: {error}");
    }
}
