//! Tests of the whole of detection, over texts as they stand in repositories.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::finding::PartValue;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::load(&[]).expect("the rules of the binary are valid");
    Detector::new(Arc::new(rules), FingerprintKey::default())
});

/// Text with made-up secrets in place of templates.
fn text(template: &str) -> String {
    rules::expand(template, template).expect("templates of tests exist")
}

/// `rule: part=value, part=value`, for each candidate; `part=&rule` where the part is another candidate.
fn describe(bytes: &[u8]) -> Vec<String> {
    let candidates = DETECTOR.detect(bytes);
    let name = |id: &Fingerprint| candidates.iter().find(|other| other.id == *id).map(|other| other.rule.id.clone());
    let describe = |candidate: &Candidate| {
        let parts = candidate.companions.iter().map(|part| match &part.value {
            PartValue::Public(value) => format!("{}={value}", part.name),
            PartValue::Finding(id) => format!("{}=&{}", part.name, name(id).unwrap_or_default()),
        });
        format!("{}: {}", candidate.rule.id, parts.collect::<Vec<_>>().join(", "))
    };
    candidates.iter().map(describe).collect()
}

fn check(template: &str, expected: &[&str]) {
    assert_eq!(describe(text(template).as_bytes()), expected, "{template}");
}

#[test]
fn pairs_by_stem() {
    check(
        "ACME_CLIENT_ID=one\nZETA_CLIENT_ID=two\nZETA_CLIENT_SECRET=<<base62:40>>\nACME_CLIENT_SECRET=<<base62:41>>\n",
        &["oauth-client-secret: client_id=two", "oauth-client-secret: client_id=one"],
    );
    check("FACE_CLIENT_ID=one\nACME_CLIENT_SECRET=<<base62:41>>\n", &["oauth-client-secret: "]);
    check(
        "oauth.client.registration.acme.client-id=one\noauth.client.registration.acme.client-secret=<<base62:40>>\n\
         oauth.client.provider.zeta.issuer-uri=https://zeta.io\noauth.client.provider.acme.issuer-uri=https://acme.io\n",
        &["oauth-client-secret: client_id=one, issuer=https://acme.io"],
    );
}

#[test]
fn pairs_by_object_and_section() {
    check(
        r#"[{"client_id":"one","client_secret":"<<base62:40>>"},{"client_id":"two","client_secret":"<<base62:41>>"}]"#,
        &["oauth-client-secret: client_id=one", "oauth-client-secret: client_id=two"],
    );
    check(
        "clients:\n  - client_id: one\n    client_secret: <<base62:40>>\n  - client_secret: <<base62:41>>\n    client_id: two\n",
        &["oauth-client-secret: client_id=one", "oauth-client-secret: client_id=two"],
    );
    check(
        "[one]\nclient_id = one\nclient_secret = <<base62:40>>\n\n[two]\nclient_id = two\nclient_secret = <<base62:41>>\n",
        &["oauth-client-secret: client_id=one", "oauth-client-secret: client_id=two"],
    );
}

#[test]
fn a_vendor_that_only_the_secret_spells_is_not_asked() {
    // In one of fifteen thousand refresh tokens the characters happen to, and the server that issued it was not told.
    for vendor in ["Xero", "oKtA", "OKTA"] {
        check(
            &format!(
                "{{\n  \"issuer\": \"https://id.acme.io\",\n  \"refresh_token\": \"<<base64url:20>>{vendor}<<base64url:19>>\"\n}}\n"
            ),
            &["oauth-refresh-token: issuer=https://id.acme.io"],
        );
    }
    check("XERO_REFRESH_TOKEN=<<base64url:20>>Okta<<base64url:19>>\n", &["xero-refresh-token: "]);
}

#[test]
fn whose_key_it_is() {
    for (written, expected) in [
        (
            "let key = \"<<hex:40>>\"\nlet url = \"https://api.hunter.io/v2/search?api_key=\\(key)\"\n",
            "hunter-api-key Medium",
        ),
        ("let key = \"<<hex:40>>\"\nlet url = \"https://api.acme.io/v2/search?api_key=\\(key)\"\n", "key Low"),
        ("let key = \"<<base62:40>>\"\nlet url = \"https://api.hunter.io/v2/search?q=\\(key)\"\n", "key Low"),
        ("MAILGUN_KEY=<<base62:31>>\n", "key Medium"),
        ("bugsnag:\n  key: <<base62:31>>\n", "key Medium"),
        ("STREAM_KEY=<<base62:31>>\n", "key Low"),
    ] {
        let found = DETECTOR.detect(text(written).as_bytes());
        let found: Vec<String> =
            found.iter().map(|candidate| format!("{} {:?}", candidate.rule.id, candidate.confidence)).collect();
        assert_eq!(found, [expected], "{written}");
    }
}

#[test]
fn pairs_by_the_tree_of_objects() {
    let registrations = "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n          zeta:\n\
        \x20           client-id: one\n            client-secret: <<base62:40>>\n          acme:\n\
        \x20           client-id: two\n            client-secret: <<base62:41>>\n        provider:\n          zeta:\n\
        \x20           issuer-uri: https://zeta.io\n          acme:\n            issuer-uri: https://acme.io\n";
    check(
        registrations,
        &[
            "oauth-client-secret: client_id=one, issuer=https://zeta.io",
            "oauth-client-secret: client_id=two, issuer=https://acme.io",
        ],
    );
    check(
        r#"{"google":{"client_id":"one","client_secret":"<<base62:40>>"},"zeta":{"issuer":"https://zeta.io"}}"#,
        &["oauth-client-secret: client_id=one"],
    );
    check(
        r#"{"auth":{"issuer":"https://acme.io"},"client":{"client_id":"one","client_secret":"<<base62:40>>"}}"#,
        &["oauth-client-secret: client_id=one, issuer=https://acme.io"],
    );
    check(
        "issuer = \"https://acme.io\"\n\n[oauth.zeta]\nissuer = \"https://zeta.io\"\n\n\
         [clients.zeta]\nclient_secret = \"<<base62:40>>\"\n\n[clients.portal]\nclient_secret = \"<<base62:41>>\"\n",
        &["oauth-client-secret: issuer=https://zeta.io", "oauth-client-secret: issuer=https://acme.io"],
    );
    check(
        "<oauth><zeta><client-id>one</client-id></zeta><acme>\n<client-id>two</client-id>\n\
         <client-secret><<base62:40>></client-secret></acme>\n<zeta><client-secret><<base62:41>></client-secret></zeta></oauth>",
        &["oauth-client-secret: client_id=two", "oauth-client-secret: client_id=one"],
    );
}

#[test]
fn companions_tell_where_they_stand_and_why() {
    let bytes = text(
        "ACME_CLIENT_ID=one\nACME_CLIENT_SECRET=<<base62:41>>\nISSUER=https://sso.acme.io\n\nurl: https://ci:<<base62:24>>@git.acme.io/\n",
    );
    let candidates = DETECTOR.detect(bytes.as_bytes());
    let told = candidates.iter().flat_map(|candidate| &candidate.companions);
    let told: Vec<String> =
        told.map(|found| format!("{} {} {:+}", found.name, found.pairing.as_str(), found.line)).collect();
    assert_eq!(told, ["client_id name -1", "issuer block +1", "host text +0", "username text +0"]);
}

#[test]
fn ambiguous_pairs_are_listed_not_guessed() {
    check(
        "client_id=one\nclient_secret=<<base62:40>>\nclient_id=two\n",
        &["oauth-client-secret: client_id=one, client_id=two"],
    );
}

#[test]
fn tokens_are_paired_with_their_clients_secret() {
    check(
        "CLIENT_ID=portal\nCLIENT_SECRET=<<base62:40>>\nISSUER=https://as.acme.io\nREFRESH_TOKEN=<<base62:43>>\n",
        &[
            "oauth-client-secret: client_id=portal, issuer=https://as.acme.io",
            "oauth-refresh-token: client_id=portal, client_secret=&oauth-client-secret, issuer=https://as.acme.io",
        ],
    );
}

#[test]
fn public_parts_are_never_secrets() {
    check(
        "API_URL=https://ci:<<base62:24>>@git.acme.io/\nISSUER=https://a:<<base62:24>>@as.acme.io\nCLIENT_SECRET=<<base62:40>>\n",
        &[
            "connection-string-password: host=git.acme.io, username=ci",
            "connection-string-password: host=as.acme.io, username=a",
            "oauth-client-secret: ",
        ],
    );
}

#[test]
fn the_rule_that_knows_most_names_a_secret() {
    check("GOOGLE_CLIENT_SECRET=GOCSPX<<>>-<<base64url:28>>", &["google-oauth-client-secret: "]);
    check("Authorization: Bearer gh<<>>p_<<github:30>>", &["github-token: "]);
    check(r#"Authorization: Bearer <<jwt:{"alg":"RS256"} {"sub":"a"}>>"#, &["jwt: "]);
    check(r#"ghs_12345_<<jwt:{"alg":"RS256"} {"sub":"a"}>>"#, &["github-installation-token: "]);
}

#[test]
fn tokens_say_what_they_are() {
    for (claims, expected) in [
        (r#"{"typ":"Refresh","iss":"https://sso.acme.io/realms/a"}"#, Kind::RefreshToken),
        (r#"{"typ":"Offline"}"#, Kind::RefreshToken),
        (r#"{"token_use":"access"}"#, Kind::Jwt),
    ] {
        let found = DETECTOR.detect(text(&format!(r#"x <<jwt:{{"alg":"HS512"}} {claims}>> y"#)).as_bytes());
        let kinds: Vec<Kind> = found.iter().map(|candidate| candidate.kind).collect();
        assert_eq!(kinds, [expected], "{claims}");
        assert_eq!(found[0].token.as_ref().map(|token| token.alg.as_str()), Some("HS512"));
    }
}

#[test]
fn values_are_normalised_and_spans_point_at_the_file() {
    let bytes = concat!(r#"{"client_sec"#, r#"ret":"a9\u0026Xq7bT2\/mKpL9wRz"}"#).as_bytes();
    let found = DETECTOR.detect(bytes);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].secret.expose(), b"a9&Xq7bT2/mKpL9wRz");
    assert_eq!(&bytes[found[0].span.clone()], br"a9\u0026Xq7bT2\/mKpL9wRz");
}

#[test]
fn equal_secrets_have_equal_ids_wherever_they_stand() {
    let secret = text("<<base62:40>>");
    let dotenv = DETECTOR.detect(format!("CLIENT_SECRET={secret}\n").as_bytes());
    let json = DETECTOR.detect(format!(r#"{{"a":1,"client_secret":"{secret}"}}"#).as_bytes());
    assert_eq!(dotenv[0].id, json[0].id);
}

#[test]
fn hostile_repetition_ends() {
    for text in [
        "eyJ".repeat(300_000),
        "eyJ.".repeat(200_000),
        "secret=".repeat(100_000),
        "://a:".repeat(100_000),
        "{kty".repeat(50_000),
    ] {
        assert_eq!(DETECTOR.detect(text.as_bytes()).len(), 0, "{}", &text[..8]);
    }
    let line = text("\"client_secret\":\"<<base62:40>>\",").repeat(2_000);
    assert_eq!(DETECTOR.detect(line.as_bytes()).len(), 2_000);
    // Each of the pairs once compared all the braces before it with each other.
    let pairs = text("client_id: ab\nclient_secret: <<base62:40>>\n").repeat(20);
    for opener in ["{", "<a>"] {
        let openers = format!("{}\n{pairs}", opener.repeat(1_500)).repeat(50);
        assert_eq!(DETECTOR.detect(openers.as_bytes()).len(), 1_000);
    }
}

proptest! {
    #[test]
    fn any_bytes_give_spans_within_them(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        check_spans(&bytes)?;
    }

    #[test]
    fn any_mixture_of_syntax_gives_spans_within_it(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)
    ) {
        check_spans(pieces.concat().as_bytes())?;
    }

    #[test]
    fn what_stands_far_away_changes_nothing(before in "[a-z \n]{0,300}", after in "[a-z \n]{0,300}") {
        let core = format!("\n{}\n", text("CLIENT_ID=portal\nCLIENT_SECRET=<<base62:40>>\nkey: <<grafana:32>>"));
        // More than any window and the reach of pairing.
        let gap = "\n".repeat(9_000);
        let alone = describe(core.as_bytes());
        prop_assert_eq!(alone.len(), 2);
        prop_assert_eq!(describe(format!("{before}{gap}{core}{gap}{after}").as_bytes()), alone);
    }
}

/// What keys, values and their surroundings are made of.
const PIECES: &[&str] = &[
    "client_secret",
    "secret",
    "token",
    "password",
    "key",
    "eyJhbGciOiJIUzI1NiJ9",
    ".",
    "eyJzdWIiOiJhIn0",
    "=",
    ":",
    "\"",
    "'",
    "\\",
    "{",
    "}",
    "\n",
    " ",
    "-----BEGIN PRIVATE KEY-----",
    "\"kty\":\"RSA\"",
    "\"d\":\"abc\"",
    "://",
    "@",
    "value",
    "name",
    ",",
    "<",
    ">",
    "${",
    "Xq7bT2mKpL9wRz4vN8",
    "bearer ",
    "authorization",
    "basic ",
    "?",
    "&",
    "|",
    "%41",
    "\\u0041",
    "é",
    "\u{0}",
];

fn check_spans(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut end = 0;
    for candidate in DETECTOR.detect(bytes) {
        prop_assert!(candidate.span.start >= end && candidate.span.end <= bytes.len(), "{:?}", candidate.span);
        prop_assert!(!candidate.secret.is_empty());
        end = candidate.span.end;
    }
    Ok(())
}
