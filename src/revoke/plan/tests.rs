//! Planning: which call, whose authority, in which order, and that no secret and no time gets into the plan.

use proptest::prelude::*;

use super::*;
use crate::finding::{FingerprintKey, LivenessState, Location, Part, Place, SourcePath, TextSpan, TokenFacts};
use crate::provider::Providers;
use crate::revoke::Subject;
use crate::revoke::policy::Policy;
use crate::revoke::terms::{IssuerMatch, IssuerTerms, Survey};
use crate::rules::RuleSet;

pub(in crate::revoke) const ISSUER: &str = "https://id.example.com";

/// A live finding of a client `web`; equal numbers give equal ids.
pub(crate) fn subject(kind: Kind, number: u8) -> Subject {
    Subject {
        id: Fingerprint::of(&FingerprintKey::default(), kind, &[number]),
        rule: "test-rule".to_owned(),
        provider: "generic".to_owned(),
        kind,
        confidence: Confidence::High,
        redacted: "ab…yz".to_owned(),
        parts: vec![public("client_id", "web"), public("issuer", ISSUER)],
        token: None,
        liveness: LivenessState::Live,
        liveness_method: Some("introspection".to_owned()),
        liveness_host: None,
        account: None,
        checked_at: None,
        oldest: None,
        locations: vec![token_at("/srv/app/.env")],
        owners: Vec::new(),
    }
}

pub(in crate::revoke) fn public(name: &str, value: &str) -> Part {
    Part::public(name, value)
}

pub(in crate::revoke) fn token_at(path: &str) -> Location {
    let span = TextSpan { line: 3, column: 7, end_line: 3, end_column: 27, byte_start: 40, byte_end: 60 };
    Location { place: Place::File, path: SourcePath::new(path.as_bytes()), span }
}

pub(in crate::revoke) fn owned_issuer() -> IssuerTerms {
    IssuerTerms {
        revoke: true,
        revocation_endpoint: Ok("https://id.example.com/revoke?tenant=1".parse().expect("URL")),
        is_administered: false,
        accepts_public_clients: false,
        client_id: None,
    }
}

/// A survey in which every part `issuer` that is [`ISSUER`] is trusted and every other one is not.
fn survey_of(subjects: &[Subject], terms: IssuerTerms) -> Survey {
    let mut survey = Survey::default();
    for subject in subjects {
        let claimed = subject.token.as_ref().and_then(|token| token.iss.as_deref());
        let named = claimed.into_iter().chain(subject.parts_named("issuer")).map(str::to_owned);
        let (mut trusted, untrusted): (Vec<String>, Vec<String>) = named.partition(|issuer| issuer == ISSUER);
        trusted.dedup();
        survey.matches.insert(subject.id, IssuerMatch { trusted, untrusted });
    }
    survey.terms.insert(ISSUER.to_owned(), terms);
    survey
}

fn plan_of(subjects: &[Subject], terms: IssuerTerms) -> RevocationPlan {
    let survey = survey_of(subjects, terms);
    let input = PlanInput {
        subjects,
        survey: &survey,
        policy: &Policy::default(),
        include_unknown: false,
        rules: &RuleSet::default(),
        providers: &Providers::default(),
        now: time::OffsetDateTime::UNIX_EPOCH,
    };
    plan(&input)
}

/// What becomes of a refresh token: the endpoint and authority, or why it is handwork.
#[track_caller]
fn check(adjust: impl FnOnce(&mut Subject, &mut IssuerTerms), companion: Option<Subject>, expected: &str) {
    let mut token = subject(Kind::RefreshToken, 1);
    let mut terms = owned_issuer();
    adjust(&mut token, &mut terms);
    let id = token.id;
    let subjects: Vec<Subject> = std::iter::once(token).chain(companion).collect();
    let plan = plan_of(&subjects, terms);
    let entry = plan.entries.iter().find(|entry| entry.finding == id).expect("planned");
    let told = match &entry.action {
        PlannedAction::Rfc7009 { endpoint, authority, .. } => {
            let by = match authority {
                Authority::Nobody => "nobody",
                Authority::FoundClient { .. } => "found",
                Authority::PublicClient { .. } => "public",
                Authority::OperatorClient { .. } => "operator",
            };
            format!("{endpoint} {by} {}", authority.client_id().unwrap_or("-"))
        }
        PlannedAction::Provider { request, .. } | PlannedAction::Administration { request, .. } => request.clone(),
        PlannedAction::Manual { why, .. } => why.clone(),
    };
    assert_eq!(told, expected);
}

#[test]
fn authority_is_the_tokens_own_client() {
    let secret = || Some(subject(Kind::ClientSecret, 2));
    let of_other_client = || {
        let mut secret = subject(Kind::ClientSecret, 3);
        secret.parts = vec![public("client_id", "other")];
        Some(secret)
    };
    let claims_client = |client: &str| {
        Some(TokenFacts { iss: Some(ISSUER.to_owned()), client_id: Some(client.to_owned()), ..TokenFacts::default() })
    };

    check(|_, _| (), secret(), "https://id.example.com/revoke found web");
    check(|_, _| (), of_other_client(), "no credentials of its client `web` at `https://id.example.com` are at hand");
    check(
        |token, _| token.token = claims_client("mobile"),
        secret(),
        "no credentials of its client `mobile` at `https://id.example.com` are at hand",
    );
    check(
        |token, terms| {
            token.token = claims_client("mobile");
            terms.accepts_public_clients = true;
        },
        secret(),
        "https://id.example.com/revoke public mobile",
    );
    check(|_, terms| terms.client_id = Some("web".to_owned()), secret(), "https://id.example.com/revoke operator web");
    check(|_, terms| terms.client_id = Some("admin".to_owned()), secret(), "https://id.example.com/revoke found web");
    check(|_, terms| terms.client_id = Some("admin".to_owned()), None, "https://id.example.com/revoke operator admin");
    check(
        |token, terms| {
            token.parts = vec![public("issuer", ISSUER)];
            terms.client_id = Some("admin".to_owned());
        },
        None,
        "https://id.example.com/revoke operator admin",
    );
    let mut dead = subject(Kind::ClientSecret, 2);
    dead.liveness = LivenessState::Dead;
    check(|_, _| (), Some(dead), "no credentials of its client `web` at `https://id.example.com` are at hand");
}

#[test]
fn content_chooses_among_trusted_issuers_only() {
    check(
        |token, _| token.parts = vec![public("issuer", "https://evil.example")],
        None,
        "the configuration does not have its issuer `https://evil.example`",
    );
    check(|token, _| token.parts.clear(), None, "nothing tells which issuer it belongs to");
    check(
        |token, _| token.parts = vec![public("client_id", "web")],
        Some(subject(Kind::ClientSecret, 2)),
        "https://id.example.com/revoke found web",
    );
    check(
        |_, terms| terms.revoke = false,
        None,
        "the configuration does not say `revoke = true` for `https://id.example.com`",
    );
    check(|_, terms| terms.revocation_endpoint = Err("unreachable".to_owned()), None, "unreachable");
}

#[test]
fn refresh_tokens_go_before_access_tokens_and_handwork_comes_last() {
    let subjects: Vec<Subject> = [Kind::ClientSecret, Kind::AccessToken, Kind::RefreshToken, Kind::Jwt]
        .into_iter()
        .zip(1..)
        .map(|(kind, number)| subject(kind, number))
        .collect();
    let plan = plan_of(&subjects, owned_issuer());
    let kinds: Vec<Kind> = plan.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds[0], Kind::RefreshToken);
    assert_eq!(kinds[3], Kind::ClientSecret);
    assert_eq!(plan.entries[0].blast_radius, BlastRadius::Family);
}

#[test]
fn only_live_findings_are_planned_unless_asked() {
    let states = [LivenessState::Live, LivenessState::LiveRestricted, LivenessState::Unknown, LivenessState::Dead];
    let subjects: Vec<Subject> = states
        .into_iter()
        .zip(1..)
        .map(|(state, number)| Subject { liveness: state, ..subject(Kind::ApiKey, number) })
        .collect();
    assert_eq!(plan_of(&subjects, owned_issuer()).entries.len(), 2);
}

#[test]
fn a_policy_can_revoke_on_suspicion() {
    let mut token = subject(Kind::RefreshToken, 1);
    token.liveness = LivenessState::Unknown;
    let terms = IssuerTerms { client_id: Some("web".to_owned()), ..owned_issuer() };
    for (liveness, planned) in [("", 0), ("liveness = \"live\"", 0), ("liveness = [\"live\", \"unknown\"]", 1)] {
        let policy: Policy = toml::from_str(&format!("[[rule]]\naction = \"auto\"\n{liveness}")).expect("valid");
        let survey = survey_of(std::slice::from_ref(&token), terms.clone());
        let input = PlanInput {
            subjects: std::slice::from_ref(&token),
            survey: &survey,
            policy: &policy,
            include_unknown: false,
            providers: &Providers::default(),
            rules: &RuleSet::default(),
            now: time::OffsetDateTime::UNIX_EPOCH,
        };
        assert_eq!(plan(&input).entries.len(), planned, "{liveness}");
    }
}

#[test]
fn jwts_outlive_their_revocation() {
    let mut token = subject(Kind::AccessToken, 1);
    token.token = Some(TokenFacts { iss: Some(ISSUER.to_owned()), exp: Some(1_800_000_000), ..TokenFacts::default() });
    let plan = plan_of(&[token], owned_issuer());
    let outlives = plan.entries[0].outlives.as_deref().expect("told");
    assert!(outlives.ends_with("until 2027-01-15T08:00:00Z"), "{outlives}");
}

#[test]
fn hash_depends_on_content_and_survives_being_written() {
    let subjects = [subject(Kind::RefreshToken, 1), subject(Kind::ClientSecret, 2)];
    let plan = plan_of(&subjects, owned_issuer());
    let reversed: Vec<Subject> = subjects.iter().rev().cloned().collect();
    assert_eq!(plan.hash(), plan_of(&reversed, owned_issuer()).hash());

    let written = plan.to_json();
    let read = RevocationPlan::from_json(&written).expect("reads back");
    assert_eq!(read, plan);
    assert_eq!(read.hash(), plan.hash());
    assert_eq!(RevocationPlan::from_json(&canonical_bytes(&plan)).expect("reads without its hash"), plan);

    let text = String::from_utf8(written).expect("text");
    let elsewhere = text.replace("id.example.com/revoke", "id.example.org/revoke");
    assert!(matches!(RevocationPlan::from_json(elsewhere.as_bytes()), Err(PlanError::Changed { .. })));
    let newer = text.replace("\"schema\": 1", "\"schema\": 2");
    assert!(matches!(RevocationPlan::from_json(newer.as_bytes()), Err(PlanError::Schema { schema: 2 })));

    let hash = plan.hash();
    assert!(hash.is_written_as(&format!("sha256:{}", hash.to_string().to_uppercase())));
    assert!(!hash.is_written_as(&hash.to_string()[..32]));
}

#[test]
fn text_escapes_what_content_chose() {
    let mut token = subject(Kind::AccessToken, 1);
    token.token = Some(TokenFacts { scope: Some("read\u{1b}[2J".to_owned()), ..TokenFacts::default() });
    let text = plan_of(&[token], owned_issuer()).to_text(true);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("read\\u{1b}[2J"), "{text}");
}

proptest! {
    /// A file that is no plan, or a plan with anything in its texts, is read or refused, and its text can be shown.
    #[test]
    fn any_plan_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,30}") {
        prop_assert!(RevocationPlan::from_json(&bytes).is_err());
        let mut plan = plan_of(&[subject(Kind::RefreshToken, 1)], owned_issuer());
        plan.entries[0].expected.clone_from(&text);
        plan.entries[0].redacted = text;
        let read = RevocationPlan::from_json(&plan.to_json()).expect("reads back");
        prop_assert_eq!(&read, &plan);
        prop_assert!(read.to_text(true).chars().all(|character| character == '\n' || !character.is_control()));
    }
}
