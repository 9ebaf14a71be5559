//! Whole outputs of each format, for findings of every sort of place and state, with content that means harm.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use rescind::diagnostic::Diagnostic;
use rescind::finding::{
    Branches, CommitInfo, Confidence, Finding, Fingerprint, FingerprintKey, GitObject, GitPlace, Identity, ImagePlace,
    Kind, Liveness, LivenessState, Location, Owner, OwnerSource, Part, PartValue, Place, Revocation, RevocationState,
    SenderConstraint, Severity, SourcePath, TextSpan, TokenFacts,
};
use rescind::report::{self, Format, Report, Summary};
use rescind::rules::RuleSet;
use rescind::secret::Secret;
use serde_json::Value;
use time::OffsetDateTime;

use crate::samples;

const FORMATS: [Format; 5] = [Format::Text, Format::Short, Format::Json, Format::Jsonl, Format::Sarif];

fn write(format: Format, findings: &[Finding], show_secrets: bool) -> String {
    let diagnostics = [
        Diagnostic::gap("truncated-layer", "app.tar: sha256:4e07", "unexpected end of file"),
        Diagnostic::note("rules-in-tree", ".rescind.toml", "2 suppressions are recorded, not obeyed"),
    ];
    let summary = summary();
    let report = Report {
        findings,
        diagnostics: &diagnostics,
        rules: &RULES,
        summary: &summary,
        show_secrets,
        version: "0.0.0",
    };
    let mut out = Vec::new();
    report::write(format, &report, &mut out, false).expect("a vector takes everything");
    String::from_utf8(out).expect("every format is UTF-8")
}

/// A rule whose findings are ended by hand.
const MANUAL: &str = r#"
provider = "example"

[[rule]]
id = "example-key"
title = "Example key"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["exk_"]
window = { before = 0, after = 48 }
pattern = '(?P<secret>exk_[A-Za-z0-9]{36})'
hosts = ["example.test.invalid"]
verify = { method = "none", reason = "there is no way to ask" }
revoke = { method = "manual", blast_radius = "token", steps = ["Open the console.", "Delete the key."] }
[rule.examples]
matches = ["key=exk_<<base62:36>>"]
rejects = ["key=exk_"]
"#;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("example.toml");
    fs_err::write(&path, MANUAL).expect("a writable file");
    RuleSet::load(&[path]).expect("a valid rule")
});

fn summary() -> Summary {
    Summary {
        targets: vec!["git history of repo".to_owned(), "image app.tar".to_owned()],
        items: 1234,
        bytes: 5 << 20,
        duration: Duration::from_millis(1530),
        interrupted: false,
        below_min_confidence: 4,
        suppressed: 1,
    }
}

fn finding(rule: &str, kind: Kind, value: &str, locations: Vec<Location>) -> Finding {
    Finding {
        id: Fingerprint::of(&FingerprintKey::default(), kind, value.as_bytes()),
        rule: rule.to_owned(),
        provider: rule.split('-').next().unwrap_or_default().to_owned(),
        title: format!("Test {}", kind.as_str().replace('_', " ")),
        kind,
        confidence: Confidence::High,
        severity: Severity::Critical,
        secret: Secret::new(value),
        parts: Vec::new(),
        token: None,
        liveness: Liveness::not_checked(),
        revocation: Revocation::none(),
        locations,
        owners: Vec::new(),
    }
}

fn public(name: &str, value: &str) -> Part {
    Part::public(name, value)
}

fn at(place: Place, path: &[u8], line: u32) -> Location {
    let start = u64::from(line) * 30;
    Location {
        place,
        path: SourcePath::new(path),
        span: TextSpan { line, column: 9, end_line: line, end_column: 49, byte_start: start, byte_end: start + 40 },
    }
}

fn git(object: GitObject, commit: Option<&CommitInfo>, in_head: bool, reachable: bool) -> Place {
    Place::Git(GitPlace {
        repository: "repo".into(),
        object,
        oid: "77d4b1a3c08e5b2c0b6a3a3f1f6f0e8e7d9c5b4a".into(),
        commit: commit.cloned().map(Arc::new),
        in_head: Some(in_head),
        reachable: Some(reachable),
        branches: reachable
            .then(|| Arc::new(Branches { names: vec!["main".into(), "origin/release".into()], more: 3 })),
    })
}

fn commit(author: &str) -> CommitInfo {
    CommitInfo {
        id: "0123456789abcdef0123456789abcdef01234567".into(),
        author: author.to_owned(),
        date: "2025-11-03T10:20:30+01:00".to_owned(),
    }
}

fn image(layer: Option<&str>, instruction: Option<&str>, shadowed_by: Option<&str>) -> Place {
    let text = |text: Option<&str>| text.map(Arc::from);
    Place::Image(ImagePlace {
        image: "app.tar#app:1".into(),
        layer: text(layer),
        instruction: text(instruction),
        shadowed_by: text(shadowed_by),
    })
}

/// One secret of each sort of place, state and danger. The values are of one seed, so that the ids are always the same.
fn findings() -> Vec<Finding> {
    let ada = commit("Ada Author <ada@test.invalid>");
    let now = OffsetDateTime::from_unix_timestamp(1_790_000_000).expect("a moment of this century");
    let value = |seed: &str| samples::random(seed, 40);

    let refresh_token = value("refresh token");
    let mut everywhere = finding(
        "google-oauth-refresh-token",
        Kind::RefreshToken,
        &refresh_token,
        vec![
            at(git(GitObject::Blob, None, false, false), b"lost.env", 1),
            at(git(GitObject::Blob, Some(&ada), false, true), b"old/.env", 3),
            at(git(GitObject::Blob, Some(&ada), true, true), b"app/.env", 12),
            at(Place::Staged { repository: "repo".into(), blob: "aa11".into() }, b"app/new.env", 2),
            at(Place::File, b"./app/.env", 12),
            at(Place::Stdin, b"-", 7),
        ],
    );
    everywhere.parts = vec![
        public("client_id", "1234.apps.test.invalid"),
        Part::new("client_secret", PartValue::Finding(everywhere.id)),
        public("issuer", "https://accounts.test.invalid"),
    ];
    everywhere.liveness = Liveness {
        state: LivenessState::Live,
        reason: Some("the issuer calls it active".to_owned()),
        method: Some("introspection"),
        host: Some("accounts.test.invalid".to_owned()),
        checked_at: Some(now),
        identity: Some(Box::new(Identity {
            account: Some("ann@test.invalid".to_owned()),
            scopes: Some("read write".to_owned()),
            expires: Some("2030-01-01".to_owned()),
        })),
    };
    everywhere.revocation = Revocation {
        state: RevocationState::StillLive,
        method: Some("rfc7009".to_owned()),
        receipt: Some("5feceb66ffc86f38".to_owned()),
        detail: Some("the issuer answered 200".to_owned()),
    };

    let mut token = finding(
        "generic-jwt",
        Kind::Jwt,
        &samples::jwt(&serde_json::json!({"sub": "robot"})),
        vec![
            at(git(GitObject::Commit, Some(&ada), false, true), b"", 1),
            at(git(GitObject::Tag, None, false, true), b"v1", 2),
        ],
    );
    token.severity = Severity::Low;
    token.token = Some(TokenFacts {
        alg: "RS256".to_owned(),
        iss: Some("https://issuer.test.invalid".to_owned()),
        sub: Some("robot".to_owned()),
        aud: vec!["orders".to_owned(), "bills".to_owned()],
        exp: Some(i64::MAX),
        iat: Some(1_790_000_000),
        scope: Some("read \u{1b}[31mwrite".to_owned()),
        cnf: Some(SenderConstraint::Dpop("thumbprint".to_owned())),
        ..TokenFacts::default()
    });
    token.liveness.state = LivenessState::Dead;
    token.liveness.reason = Some("it expired".to_owned());

    let build_argument = value("build argument");
    let mut layered = finding(
        "generic-client-secret",
        Kind::ClientSecret,
        &build_argument,
        vec![
            at(
                image(None, Some(&format!("|1 SECRET={build_argument} /bin/sh -c make")), None),
                b"config:/config/Env/3",
                1,
            ),
            at(image(Some("sha256:0a1b"), Some("COPY . /app"), Some("sha256:9f9f")), b"app/.env", 3),
        ],
    );
    layered.confidence = Confidence::Medium;
    layered.severity = Severity::High;
    layered.liveness.reason = Some("no issuer is named that is trusted".to_owned());
    layered.parts = vec![public("client_id", "robot")];

    let hostile_value = value("hostile");
    let mallory = commit(&format!("Mallory \u{1b}]0;owned\u{7} \u{202e} <{hostile_value}@test.invalid>"));
    let mut hostile = finding(
        "example-key",
        Kind::ApiKey,
        &hostile_value,
        vec![
            at(Place::File, b"a\nfinding: none\x1b[2J\xff/\xe2\x80\xae.env", 1),
            at(git(GitObject::Blob, Some(&mallory), true, true), format!("a b#?%/{hostile_value}:x.env").as_bytes(), 1),
            at(Place::File, b"/absolute/path.env", 1),
        ],
    );
    hostile.confidence = Confidence::Low;
    hostile.severity = Severity::Medium;
    hostile.liveness.state = LivenessState::Unknown;
    hostile.liveness.reason = Some(format!("the issuer said \u{1b}[31m{hostile_value}"));

    vec![everywhere, layered, hostile, token, sprawled()]
}

fn sprawled() -> Finding {
    let places = (1..=40).map(|line| at(Place::File, format!("service-{line}/.env").as_bytes(), line)).collect();
    let value = samples::random("sprawled", 40);
    let mut sprawled = finding("slack-webhook-url", Kind::WebhookUrl, &value, places);
    sprawled.severity = Severity::Info;
    sprawled.revocation.state = RevocationState::Planned;
    sprawled
}

#[test]
fn text() {
    insta::assert_snapshot!(write(Format::Text, &findings(), false));
}

#[test]
fn short() {
    insta::assert_snapshot!(write(Format::Short, &findings()[..4], false));
}

#[test]
fn json_lines() {
    insta::assert_snapshot!(write(Format::Jsonl, &findings(), false));
}

#[test]
fn sarif() {
    insta::assert_snapshot!(write(Format::Sarif, &findings(), false));
}

#[test]
fn summary_and_diagnostics() {
    let findings = findings();
    let diagnostics: Vec<Diagnostic> = (0..4)
        .map(|n| Diagnostic::note("note", format!("place {n}"), "reason"))
        .chain([Diagnostic::gap("unreadable-file", "a\u{1b}[2J", "permission denied")])
        .collect();
    let show = |findings: &[Finding], diagnostics: &[Diagnostic], interrupted| {
        let summary = Summary { interrupted, ..summary() };
        let report =
            Report { findings, diagnostics, rules: &RULES, summary: &summary, show_secrets: false, version: "0.0.0" };
        report::text::diagnostics(&report, 3, false) + &report::text::summary(&report, false)
    };
    let shown = [
        show(&findings, &diagnostics, true),
        show(&findings[..1], &[], false),
        show(&[], &diagnostics, false),
        show(&[], &[], false),
    ];
    insta::assert_snapshot!(shown.join("---\n"));
}

#[test]
fn colour_only_repeats_words() {
    let findings = findings();
    let summary = summary();
    let report = Report {
        findings: &findings,
        diagnostics: &[],
        rules: &RULES,
        summary: &summary,
        show_secrets: false,
        version: "0.0.0",
    };
    let mut coloured = Vec::new();
    report::write(Format::Text, &report, &mut coloured, true).expect("a vector takes everything");
    let coloured = String::from_utf8(coloured).expect("text is UTF-8");
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), write(Format::Text, &findings, false));
}

#[test]
fn json_is_the_lines_in_one_document() {
    let findings = findings();
    let document: Value = serde_json::from_str(&write(Format::Json, &findings, false)).expect("one JSON document");
    let lines: Vec<Value> = write(Format::Jsonl, &findings, false)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let mut expected: Vec<Value> = Vec::new();
    expected.extend(document["findings"].as_array().expect("an array").iter().cloned());
    expected.extend(document["diagnostics"].as_array().expect("an array").iter().cloned());
    expected.push(document["summary"].clone());
    assert_eq!(lines, expected);
    assert_eq!(lines.last().map(|line| &line["type"]), Some(&Value::from("summary")));
    assert_eq!(lines.last().map(|line| &line["complete"]), Some(&Value::from(false)));
}

#[test]
fn foreign_text_steers_no_terminal() {
    for format in FORMATS {
        for character in write(format, &findings(), false).chars().filter(|character| *character != '\n') {
            assert!(!character.is_control() && character != '\u{202e}', "{format:?}: {character:?}");
        }
    }
    let shown = write(Format::Text, &findings(), false);
    assert!(!shown.lines().any(|line| line.starts_with("finding: none")));
}

#[test]
fn values_are_shown_when_asked_for() {
    let findings = [
        finding("generic-password", Kind::Password, "line 1\nline 2", Vec::new()),
        Finding {
            secret: Secret::new(b"\xff\xfe".as_slice()),
            ..finding("generic-password", Kind::Password, "x", vec![])
        },
    ];
    let lines = write(Format::Jsonl, &findings, true);
    let values: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(values[0]["secret"]["value"], "line 1\nline 2");
    assert_eq!(values[1]["secret"]["value_base64"], "//4=");
    let text = write(Format::Text, &findings, true);
    assert!(text.contains("value         line 1\\u{a}line 2\n"), "{text}");
}

#[test]
fn json_is_as_the_schema_says() {
    let schema = Schema(serde_json::from_str(report::SCHEMA).expect("the schema is JSON"));
    let mut all = findings();
    all.push(finding("generic-password", Kind::Password, "shown", Vec::new()));
    all[0].owners = vec![Owner { name: "@acme/payments".to_owned(), source: OwnerSource::Codeowners }];
    for show_secrets in [false, true] {
        for line in write(Format::Jsonl, &all, show_secrets).lines() {
            let line: Value = serde_json::from_str(line).expect("each line is JSON");
            let name = line["type"].as_str().expect("a type");
            schema.check(&line, &schema.0["$defs"][name], name);
        }
        let document = serde_json::from_str(&write(Format::Json, &all, show_secrets)).expect("one JSON document");
        schema.check(&document, &schema.0["$defs"]["document"], "document");
    }
    let wrong = serde_json::json!({"type": "diagnostic"});
    let diagnostic = &schema.0["$defs"]["diagnostic"];
    assert!(std::panic::catch_unwind(|| schema.check(&wrong, diagnostic, "wrong")).is_err());
}

/// A JSON schema, as far as ours goes. Stricter than the standard: what the schema does not name must not be there.
struct Schema(Value);

impl Schema {
    fn check(&self, value: &Value, rule: &Value, at: &str) {
        if let Some(reference) = rule["$ref"].as_str() {
            let rule = self.0.pointer(reference.trim_start_matches('#')).expect("a definition");
            return self.check(value, rule, at);
        }
        if let Some(expected) = rule.get("const") {
            assert_eq!(value, expected, "{at}");
            return;
        }
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let is_allowed = rule["type"] == kind || rule["type"].as_array().is_some_and(|all| all.contains(&kind.into()));
        assert!(is_allowed, "{at}: {kind} instead of {}", rule["type"]);
        if let Some(choices) = rule["enum"].as_array() {
            assert!(choices.contains(value), "{at}: {value} is none of {choices:?}");
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(item, &rule["items"], &format!("{at}/{index}"));
        }
        for name in rule["required"].as_array().into_iter().flatten() {
            assert!(value.get(name.as_str().expect("a name")).is_some(), "{at}: no {name}");
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let rule = rule["properties"].get(name).unwrap_or_else(|| panic!("{at}: `{name}` is not in the schema"));
            self.check(member, rule, &format!("{at}/{name}"));
        }
    }
}

/// What a code scanning service asks of a file beyond the schema.
#[test]
fn sarif_is_what_code_scanning_reads() {
    let log: Value = serde_json::from_str(&write(Format::Sarif, &findings(), false)).expect("one JSON document");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for rule in rules {
        for name in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            let text = rule.pointer(name).and_then(Value::as_str).expect("a text");
            assert!(!text.is_empty() && (text.len() <= 1024 || name.starts_with("/help")), "{text}");
        }
        let score: f64 = rule["properties"]["security-severity"].as_str().expect("a string").parse().expect("a number");
        assert!(score > 0.0 && score <= 10.0, "{score}");
        assert!(rule["properties"]["tags"].as_array().expect("tags").contains(&"security".into()));
    }
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), findings().len());
    for (result, finding) in results.iter().zip(findings()) {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("a small index");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], finding.id.to_string());
        assert_eq!(result["locations"].as_array().map(Vec::len), Some(1));
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        for location in result["locations"].as_array().into_iter().flatten().chain(related) {
            let location = &location["physicalLocation"];
            let uri = location["artifactLocation"]["uri"].as_str().expect("a URI");
            assert!(!uri.is_empty() && uri.is_ascii() && !uri.contains([' ', '#', '?', '\n', '\\']), "{uri}");
            assert!(uri.starts_with("file:///") || !uri.contains(':') && !uri.starts_with('/'), "{uri}");
            for member in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(location["region"][member].as_u64().is_some_and(|n| n > 0), "{member}");
            }
        }
    }
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
}

/// Puts a value everywhere that content can put one.
fn leaky(value: &str) -> Finding {
    let author = commit(value);
    let basic = format!("curl -H 'Authorization: Basic {}'", base64(&format!("client:{value}")));
    let mut leaky = finding(
        "generic-password",
        Kind::Password,
        value,
        vec![
            at(Place::File, format!("keys/{value}.txt").as_bytes(), 1),
            at(git(GitObject::Blob, Some(&author), true, true), b"x", 1),
            at(image(None, Some(value), None), b"x", 1),
            at(image(None, Some(&basic), None), b"x", 2),
            at(Place::Staged { repository: format!("https://u:{value}@host/").into(), blob: "aa".into() }, b"x", 1),
        ],
    );
    leaky.parts = vec![public("token_endpoint", &format!("https://host/?client_secret={value}"))];
    leaky.token =
        Some(TokenFacts { sub: Some(value.to_owned()), aud: vec![value.to_owned()], ..TokenFacts::default() });
    leaky.liveness.reason = Some(value.to_owned());
    leaky.revocation.state = RevocationState::Failed;
    leaky.revocation.detail = Some(format!("refused {value}"));
    leaky
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_report_leaks_a_value(values in proptest::collection::vec("[A-Za-z0-9_+/.~&%\"'\\\\-]{20,120}", 1..4)) {
        let findings: Vec<Finding> = values.iter().map(|value| leaky(value)).collect();
        for format in FORMATS {
            let shown = write(format, &findings, false);
            for value in &values {
                prop_assert_eq!(samples::leaked_form(&shown, value), None, "{:?}: {}", format, value);
                let quoted = serde_json::to_string(value).expect("text is JSON");
                prop_assert!(!shown.contains(quoted.trim_matches('"')), "{:?}: {}", format, value);
            }
        }
    }
}
