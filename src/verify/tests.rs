//! Verification against servers on this machine that play an issuer (simulated).

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::*;
use crate::egress::EgressPolicy;
use crate::egress::loopback::{Received, Reply, Server};
use crate::finding::{Kind, LivenessState, TokenFacts};
use crate::issuer::tests::finding;

const NOW: i64 = 1_800_000_000;

fn context(config: &Config) -> VerifyContext {
    let clock: Clock = Arc::new(|| OffsetDateTime::from_unix_timestamp(NOW).expect("a time"));
    VerifyContext { clock, ..VerifyContext::open(config, Arc::default()).expect("a client") }
}

/// Verifies the findings, and gives state and method of each.
fn verify(findings: &mut [Finding], config: &Config) -> Vec<(LivenessState, Option<&'static str>)> {
    verify_findings(findings, &context(config), &Observer::idle()).expect("a runtime");
    findings.iter().map(|finding| (finding.liveness.state, finding.liveness.method)).collect()
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"error": code, "error_description": "because"}))
}

/// Whatever an issuer answers, and whatever stands in a token: a verdict, and no panic.
mod anything {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn is_survived_as_an_answer(
            statuses in proptest::collection::vec(200_u16..600, 5),
            bodies in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..60),
                    "[\\[\\]{}\":,a-z0-9]{0,60}".prop_map(String::into_bytes),
                    "(invalid_client|active|keys|x)".prop_map(|word| json!({"error": word, word: [[]]}).to_string().into_bytes()),
                ],
                5,
            ),
        ) {
            const PATHS: [&str; 5] = ["/.well-known", "/keys", "/token", "/introspect", "/revoke"];
            let metadata_is_served = statuses[0] < 400;
            let server = Server::start(move |origin, request| {
                let position = PATHS.iter().position(|path| request.path.starts_with(path)).unwrap_or_default();
                if position == 0 && metadata_is_served {
                    return Reply::json(200, &crate::egress::loopback::metadata(origin));
                }
                Reply::Http(statuses[position], Vec::new(), bodies[position].clone())
            });
            let origin = server.origin();
            let parts = [("client_id", "app"), ("issuer", origin.as_str())];
            let claims = json!({"iss": origin, "exp": NOW + 600});
            let mut findings = [
                finding(Kind::ClientSecret, "some-secret-123", &parts),
                finding(Kind::RefreshToken, "some-token", &parts),
                jwt(&json!({"alg": "EdDSA", "kid": "ours"}), &claims, Algorithm::EdDSA, &ed25519()),
            ];
            let operator = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
            for (state, _) in verify(&mut findings, &server.trusted(operator)) {
                prop_assert_ne!(state, LivenessState::NotChecked);
            }
        }

        #[test]
        fn is_survived_as_a_token(
            text in prop_oneof!["\\PC{0,80}", "[A-Za-z0-9_=-]{0,40}(\\.[A-Za-z0-9_=-]{0,40}){0,5}"],
            alg in "(HS256|HS512|EdDSA|RS256|none|\\PC{0,8})", kid in proptest::option::of("\\PC{0,20}"),
            exp in proptest::option::of(any::<i64>()), nbf in proptest::option::of(any::<i64>()),
        ) {
            let server = Server::issuer(|_| Reply::json(200, &key_set()));
            let mut token = finding(Kind::Jwt, &text, &[]);
            token.token = Some(TokenFacts { alg, kid, exp, nbf, iss: Some(server.origin()), ..TokenFacts::default() });
            let states = verify(&mut [token], &server.trusted(""));
            prop_assert!(states.iter().all(|(state, _)| *state != LivenessState::Live));
        }
    }
}

mod client_secrets {
    use super::*;
    use LivenessState::{Dead, Live, Unknown};

    const RIGHT: &str = "right-secret-0123456789";
    const WRONG: &str = "wrong-secret-0123456789";

    type Handler = fn(&str, bool) -> Reply;

    /// Verifies a right and a wrong secret with an issuer that answers by path and by whether the secret is right.
    fn check(name: &str, provider: &str, handler: Handler, right: (LivenessState, &str), wrong: (LivenessState, &str)) {
        for (secret, expected) in [(RIGHT, right), (WRONG, wrong)] {
            let server = Server::issuer(move |request: &Received| {
                let (client_id, client_secret) = request.client();
                handler(&request.path, client_id == "app" && client_secret == RIGHT)
            });
            let mut findings =
                [finding(Kind::ClientSecret, secret, &[("client_id", "app"), ("issuer", &server.origin())])];
            findings[0].provider = provider.to_owned();
            let verdicts = verify(&mut findings, &server.trusted(""));
            let reason = findings[0].liveness.reason.clone().unwrap_or_default();
            assert_eq!(verdicts, [(expected.0, Some(expected.1))], "{name}, {secret}: {reason}");
            assert!(!reason.contains(secret) && !reason.contains("because"), "{name}: {reason}");
            assert!(findings[0].liveness.host.is_some() && findings[0].liveness.checked_at.is_some(), "{name}");
            for request in server.received() {
                let form = request.form();
                assert_ne!(form.get("grant_type").map(String::as_str), Some("client_credentials"), "{name}: mints");
                assert!(form.get("refresh_token").is_none_or(|token| token.starts_with("probe-")), "{name}");
            }
        }
    }

    #[test]
    fn what_each_server_proves() {
        const REFRESH: &str = "bogus-refresh-twin";
        const REVOKE: &str = "revocation-twin";
        const INTROSPECT: &str = "introspection-twin";
        check(
            "conformant: oidc-provider, django-oauth-toolkit, Canaille",
            "generic",
            |_, right| if right { error(400, "invalid_grant") } else { error(401, "invalid_client") },
            (Live, REFRESH),
            (Dead, REFRESH),
        );
        check(
            "the client may not refresh",
            "generic",
            |_, right| if right { error(400, "unauthorized_client") } else { error(400, "invalid_client") },
            (Live, REFRESH),
            (Dead, REFRESH),
        );
        check(
            "Auth0",
            "auth0",
            |_, right| if right { error(403, "invalid_grant") } else { error(401, "access_denied") },
            (Live, REFRESH),
            (Dead, REFRESH),
        );
        check(
            "Keycloak",
            "keycloak",
            |_, right| if right { error(400, "invalid_grant") } else { error(401, "unauthorized_client") },
            (Live, REFRESH),
            (Dead, REFRESH),
        );
        check(
            "GitHub",
            "github",
            |_, right| if right { error(400, "invalid_grant") } else { error(200, "incorrect_client_credentials") },
            (Live, REFRESH),
            (Dead, REFRESH),
        );
        check(
            "the token is looked at before the client: Entra",
            "entra",
            |_, _| error(400, "invalid_grant"),
            (Unknown, REFRESH),
            (Unknown, REFRESH),
        );
        check(
            "anybody gets a token: oauth2-mock-server",
            "generic",
            |_, _| Reply::json(200, &json!({"access_token": "new", "active": true})),
            (Unknown, REFRESH),
            (Unknown, REFRESH),
        );
        check(
            "the grant is looked at first, revocation tells",
            "generic",
            |path, right| match (path, right) {
                ("/token", _) => error(400, "unsupported_grant_type"),
                (_, true) => Reply::empty(200),
                (_, false) => error(401, "invalid_client"),
            },
            (Live, REVOKE),
            (Dead, REVOKE),
        );
        check(
            "only introspection tells, and hides why it refuses",
            "generic",
            |path, right| match (path, right) {
                ("/introspect", true) => Reply::json(200, &json!({"active": false})),
                ("/introspect", false) => Reply::empty(403),
                _ => Reply::empty(404),
            },
            (Live, INTROSPECT),
            (Unknown, REFRESH),
        );
        check(
            "introspection lets nobody in whom revocation would",
            "generic",
            |path, right| match (path, right) {
                ("/revoke", true) => Reply::empty(200),
                ("/introspect" | "/revoke", _) => error(401, "invalid_client"),
                _ => Reply::empty(404),
            },
            (Live, REVOKE),
            (Dead, REVOKE),
        );
        check(
            "revocation is open to all: a public client",
            "generic",
            |path, _| if path == "/revoke" { Reply::empty(200) } else { error(400, "unsupported_grant_type") },
            (Unknown, REFRESH),
            (Unknown, REFRESH),
        );
    }

    #[test]
    fn trouble_is_never_death() {
        let replies: [(&str, Handler); 10] = [
            ("429", |_, _| Reply::empty(429)),
            ("429 with a code", |_, _| error(429, "invalid_client")),
            ("500", |_, _| error(500, "invalid_client")),
            ("503", |_, _| Reply::empty(503)),
            ("403", |_, _| Reply::empty(403)),
            ("401 of a gateway", |_, _| Reply::Http(401, Vec::new(), b"<html>sign in</html>".to_vec())),
            ("404", |_, _| Reply::empty(404)),
            ("HTML", |_, _| Reply::Http(200, Vec::new(), b"<html>hello</html>".to_vec())),
            ("redirect", |_, _| Reply::Http(302, vec![("Location", "/login".to_owned())], Vec::new())),
            ("hang-up", |_, _| Reply::Raw(Vec::new())),
        ];
        for (name, handler) in replies {
            check(name, "generic", handler, (Unknown, "bogus-refresh-twin"), (Unknown, "bogus-refresh-twin"));
        }
        // The wrong secret meets the trouble: no proof either.
        check(
            "trouble for the twin",
            "generic",
            |_, right| if right { error(400, "invalid_grant") } else { Reply::empty(429) },
            (Unknown, "bogus-refresh-twin"),
            (Unknown, "bogus-refresh-twin"),
        );
    }

    #[test]
    fn a_short_pause_is_waited_out_once() {
        for (pause, answers, state) in [("0", 1, Live), ("0", 100, Unknown), ("3600", 1, Unknown)] {
            let refused = std::sync::atomic::AtomicUsize::new(0);
            let server = Server::issuer(move |request| {
                if refused.fetch_add(1, Relaxed) < answers {
                    return Reply::Http(503, vec![("Retry-After", pause.to_owned())], Vec::new());
                }
                let right = request.client().1 == RIGHT;
                if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
            });
            let parts = [("client_id", "app"), ("issuer", &server.origin())];
            let verdicts = verify(&mut [finding(Kind::ClientSecret, RIGHT, &parts)], &server.trusted(""));
            assert_eq!(verdicts.map_states(), [state], "{pause} {answers}");
        }
    }

    #[test]
    fn every_way_to_authenticate_is_tried_before_death() {
        let server = Server::issuer(|request| {
            let is_post = request.form().contains_key("client_secret");
            let right = is_post && request.client() == ("app".to_owned(), RIGHT.to_owned());
            if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
        });
        let parts = [("client_id", "app"), ("issuer", &server.origin())];
        let mut findings = [finding(Kind::ClientSecret, RIGHT, &parts), finding(Kind::ClientSecret, WRONG, &parts)];
        let verdicts = verify(&mut findings, &server.trusted(""));
        assert_eq!(verdicts.map_states(), [Live, Dead]);
        // Basic, post, and post with the twin; basic and post.
        assert_eq!(server.requests().iter().filter(|request| *request == "POST /token").count(), 5);
    }

    #[test]
    fn a_guess_among_several_clients_is_no_proof_of_death() {
        let server = Server::issuer(|request| {
            let right = request.client() == ("second".to_owned(), RIGHT.to_owned());
            if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
        });
        let parts = [("client_id", "first"), ("client_id", "second"), ("issuer", &server.origin())];
        let mut findings = [finding(Kind::ClientSecret, RIGHT, &parts), finding(Kind::ClientSecret, WRONG, &parts)];
        assert_eq!(verify(&mut findings, &server.trusted("")).map_states(), [Live, Unknown]);
    }

    trait States {
        fn map_states(&self) -> Vec<LivenessState>;
    }

    impl States for Vec<(LivenessState, Option<&'static str>)> {
        fn map_states(&self) -> Vec<LivenessState> {
            self.iter().map(|(state, _)| *state).collect()
        }
    }
}

/// What rules say of where their findings may go.
mod rules {
    use super::*;
    use LivenessState::{Live, NotChecked, Unknown};

    fn found(rule: &str, rules: &RuleSet, kind: Kind, parts: &[(&str, &str)]) -> Finding {
        let mut finding = finding(kind, "some-secret-0123456789", parts);
        finding.provider = rules.get(rule).map(|rule| rule.provider.clone()).expect("a rule of the program");
        finding.rule = rule.to_owned();
        finding
    }

    /// The verdict on one finding, with rules, and with names that do not resolve.
    fn judge(finding: Finding, config: &Config, rules: &Arc<RuleSet>) -> (LivenessState, String) {
        let egress = Egress::without_names(EgressPolicy::from(config)).expect("a client");
        let issuers = Issuers::with_rules(config, egress.clone(), rules);
        let context = VerifyContext { rules: Arc::clone(rules), ..VerifyContext::new(config, issuers, egress) };
        let mut findings = [finding];
        verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
        let [finding] = findings;
        (finding.liveness.state, finding.liveness.reason.unwrap_or_default())
    }

    #[test]
    fn a_provider_is_asked_where_its_rule_pins_it_and_the_operator_lets_it() {
        let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
        let nobody = "no trusted issuer is known for it";
        let google = "`oauth2.googleapis.com` cannot be resolved";
        for (text, hint, state, reason) in [
            ("", None, NotChecked, nobody),
            ("providers = ['spotify']", None, NotChecked, nobody),
            ("providers = ['google']", None, Unknown, google),
            ("providers = ['google']", Some("https://accounts.google.com"), Unknown, google),
            (
                "providers = ['google']",
                Some("https://google.internal.example"),
                Unknown,
                "untrusted issuer: https://goo",
            ),
            (
                "providers = ['google']",
                Some("https://accounts.google.com.evil.example"),
                Unknown,
                "untrusted issuer: https://acc",
            ),
        ] {
            let parts: Vec<_> = [("client_id", "app")].into_iter().chain(hint.map(|hint| ("issuer", hint))).collect();
            let client = found("google-oauth-client-secret", &rules, Kind::ClientSecret, &parts);
            let verdict = judge(client, &crate::egress::loopback::config(text), &rules);
            assert!(verdict.0 == state && verdict.1.starts_with(reason), "{text} {hint:?}: {}", verdict.1);
        }
    }

    #[test]
    fn a_neighbour_does_not_overrule_the_rule() {
        let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
        for (lines, state, asked) in [
            ("", NotChecked, false),
            ("client_ids = ['other']", NotChecked, false),
            ("client_ids = ['app']", Live, true),
            ("revoke = true", Live, true),
        ] {
            let server = Server::issuer(|request| {
                let right = request.client().1 == "some-secret-0123456789";
                if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
            });
            let parts = [("client_id", "app"), ("issuer", &server.origin())];
            let finding = found("google-oauth-client-secret", &rules, Kind::ClientSecret, &parts);
            let (got, reason) = judge(finding, &server.trusted(lines), &rules);
            assert_eq!((got, !server.requests().is_empty()), (state, asked), "{lines}: {reason}");
        }
    }

    #[test]
    fn what_a_rule_says_is_not_to_be_asked_is_not() {
        let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
        let server = Server::issuer(|_| Reply::empty(500));
        for rule in rules.rules.iter().filter(|rule| rule.verify.method == crate::rules::VerifyMethod::None) {
            let finding = found(&rule.id, &rules, rule.kind, &[("client_id", "app"), ("issuer", &server.origin())]);
            let (state, reason) = judge(finding, &server.trusted("revoke = true\nclient_ids = ['app']"), &rules);
            assert_eq!((state, Some(reason)), (NotChecked, rule.verify.reason.clone()), "{}", rule.id);
        }
        assert!(server.requests().is_empty());
    }
}

/// The key pair of RFC 8037, appendix A: everybody's.
mod published_key {
    pub(super) const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    pub(super) const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
}

fn ed25519() -> EncodingKey {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(published_key::SEED).expect("base64"));
    EncodingKey::from_ed_der(&der)
}

fn key_set() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": published_key::PUBLIC, "kid": "ours", "use": "sig"}]})
}

/// A finding that is a JWT with that header and those claims, decoded as detection does.
fn jwt(header: &Value, claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> Finding {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, algorithm).expect("signed");
    let mut token = finding(Kind::Jwt, &format!("{input}.{signature}"), &[]);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    token.token = Some(TokenFacts {
        alg: text(header, "alg").unwrap_or_default(),
        typ: text(header, "typ"),
        kid: text(header, "kid"),
        iss: text(claims, "iss"),
        exp: claims.get("exp").and_then(Value::as_i64),
        nbf: claims.get("nbf").and_then(Value::as_i64),
        scope: text(claims, "scope"),
        client_id: text(claims, "client_id"),
        ..TokenFacts::default()
    });
    token
}

mod jwts {
    use super::*;
    use LivenessState::{Dead, Live, NotChecked, Unknown};

    fn signed(header: &Value, claims: &Value) -> Finding {
        jwt(header, claims, Algorithm::EdDSA, &ed25519())
    }

    fn good(issuer: &str) -> Finding {
        signed(&json!({"alg": "EdDSA", "kid": "ours"}), &json!({"iss": issuer, "exp": NOW + 600}))
    }

    #[test]
    fn what_the_token_alone_decides_costs_no_packet() {
        let server = Server::issuer(|_| Reply::json(200, &key_set()));
        let origin = server.origin();
        let john = json!({"sub": "1234567890", "name": "John Doe", "iss": origin});
        let header = json!({"alg": "EdDSA", "kid": "ours"});
        for (header, claims, state, method) in [
            (&header, json!({"iss": origin, "exp": NOW - 61}), Dead, Some("jwt-expiry")),
            (&header, json!({"iss": origin, "exp": i64::MIN}), Dead, Some("jwt-expiry")),
            (&header, json!({"iss": origin, "exp": NOW + 600, "nbf": NOW + 61}), Unknown, Some("jwt-expiry")),
            (&header, john, Dead, Some("published-sample")),
            (&json!({"alg": "none"}), json!({"iss": origin}), Unknown, None),
            (&json!({"alg": "nOnE"}), json!({"iss": origin}), Unknown, None),
            (&json!({}), json!({"iss": origin}), Unknown, None),
            (&header, json!({"iss": "https://issuer.example"}), Unknown, None),
            (&header, json!({"iss": format!("{origin}/")}), Unknown, None),
            (&header, json!({}), NotChecked, None),
        ] {
            let mut findings = [signed(header, &claims)];
            assert_eq!(verify(&mut findings, &server.trusted("")), [(state, method)], "{header} {claims}");
        }
        assert!(server.requests().is_empty());
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let server = Server::issuer(|_| Reply::json(200, &key_set()));
        let header = json!({"alg": "EdDSA", "kid": "ours"});
        let claims = json!({"iss": server.origin(), "exp": NOW - 59, "nbf": NOW + 59});
        assert_eq!(verify(&mut [signed(&header, &claims)], &server.trusted("")), [(Live, Some("jwt-signature"))]);
    }

    #[test]
    fn signatures_are_checked_with_the_issuers_keys_only() {
        let attacker = Server::start(|_, _| Reply::json(200, &key_set()));
        let keys = attacker.origin();
        let foreign = json!({"kty": "OKP", "crv": "Ed25519", "x": published_key::PUBLIC});
        // The issuer's own key is another one than the published key that an attacker signs with.
        let other = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ours",
            "x": URL_SAFE_NO_PAD.encode([0x58, 0x66, 0x66, 0x66].repeat(8))}]});
        let server = Server::issuer(move |_| Reply::json(200, &other));
        let claims = json!({"iss": server.origin(), "exp": NOW + 600});
        for (header, state) in [
            (json!({"alg": "EdDSA", "kid": "ours"}), Dead),
            (json!({"alg": "EdDSA", "kid": "ours", "jwk": foreign}), Dead),
            (json!({"alg": "EdDSA", "kid": "ours", "jku": keys, "x5u": keys}), Dead),
            (json!({"alg": "EdDSA", "kid": "theirs", "jku": keys}), Dead),
            (json!({"alg": "EdDSA", "kid": "../../dev/null"}), Dead),
            (json!({"alg": "EdDSA"}), Dead),
            (json!({"alg": "EdDSA", "kid": "ours", "nonce": "hashed"}), Unknown),
            (json!({"alg": "EdDSA", "kid": "ours", "crit": ["b64"], "b64": false}), Unknown),
            (json!({"alg": "ES512", "kid": "ours"}), Unknown),
        ] {
            let mut findings = [signed(&header, &claims)];
            let verdicts = verify(&mut findings, &server.trusted(""));
            assert_eq!(verdicts.first().map(|verdict| verdict.0), Some(state), "{header}");
        }
        assert!(attacker.requests().is_empty());
    }

    #[test]
    fn good_and_altered() {
        let server = Server::issuer(|request| match request.path.as_str() {
            "/keys" => Reply::json(200, &key_set()),
            _ => Reply::empty(404),
        });
        let token = good(&server.origin());
        let text = token.secret.expose_str().unwrap_or_default().to_owned();
        let (input, signature) = text.rsplit_once('.').unwrap_or_default();
        let swapped = if signature.starts_with('A') { "B" } else { "A" };
        let mut altered = good(&server.origin());
        altered.secret =
            crate::secret::Secret::new(format!("{input}.{swapped}{}", signature.get(1..).unwrap_or_default()));
        let mut findings = [token, altered];
        let expected = [(Live, Some("jwt-signature")), (Dead, Some("jwt-signature"))];
        assert_eq!(verify(&mut findings, &server.trusted("")), expected);
        assert_eq!(server.requests().iter().filter(|request| *request == "GET /keys").count(), 1);
    }

    #[test]
    fn a_key_set_out_of_reach_decides_nothing() {
        for reply in [503, 404, 302, 429] {
            let server = Server::issuer(move |_| Reply::empty(reply));
            let mut findings = [good(&server.origin())];
            assert_eq!(verify(&mut findings, &server.trusted("")), [(Unknown, None)], "{reply}");
        }
    }

    #[test]
    fn an_hmac_with_the_public_key_is_not_believed() {
        let server = Server::issuer(|_| Reply::json(200, &key_set()));
        let public = URL_SAFE_NO_PAD.decode(published_key::PUBLIC).expect("base64");
        let claims = json!({"iss": server.origin(), "exp": NOW + 600});
        let header = json!({"alg": "HS256", "kid": "ours"});
        let mut findings = [jwt(&header, &claims, Algorithm::HS256, &EncodingKey::from_secret(&public))];
        assert_eq!(verify(&mut findings, &server.trusted(""))[0].0, Unknown);
    }

    #[test]
    fn known_hmac_keys_are_told() {
        let server = Server::issuer(|_| Reply::empty(404));
        let elsewhere = Server::issuer(|_| Reply::empty(404));
        for (key, config, expected) in [
            ("secret", server.trusted(""), "public documentation"),
            ("secret", crate::egress::loopback::config(""), "public documentation"),
            ("found-beside-it", server.trusted(""), "its signing key is finding rsc1_"),
            ("found-beside-it", crate::egress::loopback::config(""), "its signing key is finding rsc1_"),
            ("secret", elsewhere.trusted(""), "public documentation"),
            ("nobody-knows-this", server.trusted(""), "cannot be checked from outside"),
        ] {
            let claims = json!({"iss": server.origin(), "exp": NOW + 600});
            let token =
                jwt(&json!({"alg": "HS256"}), &claims, Algorithm::HS256, &EncodingKey::from_secret(key.as_bytes()));
            let mut findings = [token, finding(Kind::SigningKey, "found-beside-it", &[])];
            assert_eq!(verify(&mut findings, &config)[0].0, Unknown);
            let reason = findings[0].liveness.reason.clone().unwrap_or_default();
            assert!(reason.contains(expected) && !reason.contains(key), "{key}: {reason}");
        }
    }

    #[test]
    fn introspection_decides_where_it_answers() {
        const OPERATOR: &str = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
        const CALIBRATED: &str =
            "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\nintrospects_access_tokens = true\n";
        let access = json!({"scope": "api"});
        let identity = json!({});
        for (name, lines, active, extra, state, method) in [
            ("active", OPERATOR, Some(true), &access, Live, "introspection"),
            ("inactive, not calibrated", OPERATOR, Some(false), &access, Unknown, "introspection"),
            ("inactive, calibrated", CALIBRATED, Some(false), &access, Dead, "introspection"),
            ("inactive, but no access token", OPERATOR, Some(false), &identity, Live, "jwt-signature"),
            ("refused", OPERATOR, None, &access, Live, "jwt-signature"),
            ("nobody to ask with", "", Some(true), &access, Live, "jwt-signature"),
        ] {
            let server = Server::issuer(move |request| match request.path.as_str() {
                "/keys" => Reply::json(200, &key_set()),
                _ if request.form().get("token").is_some_and(|token| token.starts_with("probe-")) => {
                    Reply::json(200, &json!({"active": false}))
                }
                _ => active.map_or_else(
                    || error(400, "unsupported_token_type"),
                    |active| Reply::json(200, &json!({"active": active})),
                ),
            });
            let mut claims = json!({"iss": server.origin(), "exp": NOW + 600});
            if let (Some(claims), Some(extra)) = (claims.as_object_mut(), extra.as_object()) {
                claims.extend(extra.clone());
            }
            let mut findings = [signed(&json!({"alg": "EdDSA", "kid": "ours"}), &claims)];
            assert_eq!(verify(&mut findings, &server.trusted(lines)), [(state, Some(method))], "{name}");
        }
    }
}

mod tokens {
    use super::*;
    use LivenessState::{Dead, Live, LiveRestricted, NotChecked, Unknown};

    /// An issuer that knows these tokens, and the client `app` with its secret.
    fn issuer(live: &[&str]) -> (Server, Arc<Mutex<HashSet<String>>>) {
        let tokens: HashSet<String> = live.iter().map(|token| (*token).to_owned()).collect();
        let tokens = Arc::new(Mutex::new(tokens));
        let shared = Arc::clone(&tokens);
        let server = Server::issuer(move |request| {
            let known = [("app", "app-secret-1234"), ("ops", "operators-secret")];
            let (id, secret) = request.client();
            match (known.contains(&(id.as_str(), secret.as_str())), request.path.as_str()) {
                (false, _) => error(401, "invalid_client"),
                (true, "/token") => error(400, "invalid_grant"),
                (true, _) => {
                    let token = request.form().get("token").cloned().unwrap_or_default();
                    let active = shared.lock().expect("not poisoned").contains(&token);
                    Reply::json(200, &json!({"active": active}))
                }
            }
        });
        (server, tokens)
    }

    fn refresh(value: &str, server: &Server) -> Finding {
        finding(Kind::RefreshToken, value, &[("client_id", "app"), ("issuer", &server.origin())])
    }

    fn secret(value: &str, server: &Server) -> Finding {
        finding(Kind::ClientSecret, value, &[("client_id", "app"), ("issuer", &server.origin())])
    }

    #[test]
    fn inactive_is_dead_once_the_issuer_has_been_seen_to_tell() {
        let (server, _) = issuer(&["live"]);
        let found = || secret("app-secret-1234", &server);
        let mut alone = [refresh("altered", &server), found()];
        assert_eq!(verify(&mut alone, &server.trusted(""))[0], (Unknown, Some("introspection")));
        // Whichever is asked first.
        let mut both = [refresh("altered", &server), refresh("live", &server), found()];
        let states = verify(&mut both, &server.trusted(""));
        assert_eq!((states[0].0, states[1].0), (Dead, Live));
        let mut configured = [refresh("altered", &server), found()];
        assert_eq!(verify(&mut configured, &server.trusted("introspects_refresh_tokens = true"))[0].0, Dead);
        let redeemed = |request: &Received| request.form().get("refresh_token").is_some_and(|token| token == "live");
        assert!(!server.received().iter().any(redeemed), "a refresh token is never redeemed");
    }

    #[test]
    fn a_client_that_may_not_own_the_token_proves_nothing() {
        let (server, _) = issuer(&["live"]);
        let origin = server.origin();
        let ambiguous = [("client_id", "app"), ("client_id", "other"), ("issuer", origin.as_str())];
        let mut findings = [
            refresh("live", &server),
            finding(Kind::RefreshToken, "of-the-other", &ambiguous),
            secret("app-secret-1234", &server),
        ];
        let states = verify(&mut findings, &server.trusted(""));
        assert_eq!((states[0].0, states[1].0), (Live, Unknown));
    }

    #[test]
    fn one_of_several_issuers_cannot_call_a_token_dead() {
        let (first, _) = issuer(&[]);
        let (second, _) = issuer(&[]);
        let section = |server: &Server| {
            format!(
                "[[issuer]]\nissuer = '{}'\nzone = 'loopback'\nintrospects_refresh_tokens = true\nclient_id = 'ops'\n\
                 client_secret_env = 'OPERATORS_SECRET'\n",
                server.origin()
            )
        };
        let config = crate::egress::loopback::config(&(section(&first) + &section(&second)));
        let alone = [("issuer", first.origin())];
        let both = [("issuer", first.origin()), ("issuer", second.origin())];
        for (parts, state) in [(&alone[..], Dead), (&both[..], Unknown)] {
            let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(verify(&mut [finding(Kind::RefreshToken, "token", &parts)], &config)[0].0, state);
        }
    }

    #[test]
    fn refused_secrets_are_not_tried_again() {
        let (server, _) = issuer(&["live"]);
        let mut findings =
            [refresh("live", &server), secret("old-secret-12345", &server), secret("app-secret-1234", &server)];
        let states = verify(&mut findings, &server.trusted(""));
        assert_eq!([states[0].0, states[1].0, states[2].0], [Live, Dead, Live]);
        let refused =
            server.received().iter().filter(|r| r.path == "/introspect" && r.client().1 == "old-secret-12345").count();
        assert_eq!(refused, 0);
    }

    #[test]
    fn without_proof_nothing_is_claimed() {
        let (server, _) = issuer(&["live"]);
        let mut nobody = [refresh("live", &server)];
        assert_eq!(verify(&mut nobody, &server.trusted("")), [(Unknown, None)], "no client to ask with");

        let yes = Server::issuer(|_| Reply::json(200, &json!({"active": true})));
        let operator = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
        let mut anything = [refresh("live", &yes)];
        assert_eq!(verify(&mut anything, &yes.trusted(operator)), [(Unknown, None)], "it calls everything active");

        let mut switched_off = [refresh("live", &server)];
        assert_eq!(verify(&mut switched_off, &server.trusted("verify = false")), [(NotChecked, None)]);
        let mut other = [finding(Kind::Password, "hunter2", &[("issuer", &server.origin())])];
        assert_eq!(verify(&mut other, &server.trusted("")), [(NotChecked, None)]);
    }

    #[test]
    fn an_opaque_access_token_is_introspected() {
        let (server, _) = issuer(&["live"]);
        let operator = "client_id = 'ops'\nclient_secret_env = 'OPERATORS_SECRET'\n";
        let mut findings = [finding(Kind::AccessToken, "live", &[("issuer", &server.origin())])];
        assert_eq!(verify(&mut findings, &server.trusted(operator)), [(Live, Some("introspection"))]);
    }

    #[test]
    fn the_owner_of_a_token_is_asked_for_with_it() {
        let user = json!({"sub": "alice"});
        for (name, right, wrong, expected) in [
            ("accepted", (200, user.clone()), (401, json!({})), (Live, Some("userinfo"))),
            (
                "no openid",
                (403, json!({"error": "insufficient_scope"})),
                (401, json!({})),
                (LiveRestricted, Some("userinfo")),
            ),
            ("anybody is told", (200, user.clone()), (200, user.clone()), (Unknown, None)),
            ("anybody is forbidden", (403, json!({"error": "insufficient_scope"})), (403, json!({})), (Unknown, None)),
            ("a page for people", (200, json!("hello")), (401, json!({})), (Unknown, None)),
            ("refused", (401, json!({"error": "invalid_token"})), (401, json!({})), (Unknown, None)),
            ("out of order", (500, user.clone()), (401, json!({})), (Unknown, None)),
        ] {
            let server = Server::issuer(move |request| {
                let is_right = request.headers.get("authorization").is_some_and(|value| value == "Bearer some-token");
                let (status, body) = if is_right { &right } else { &wrong };
                if request.path == "/me" { Reply::json(*status, body) } else { Reply::empty(404) }
            });
            let mut findings = [finding(Kind::AccessToken, "some-token", &[("issuer", &server.origin())])];
            assert_eq!(verify(&mut findings, &server.trusted("")), [expected], "{name}");
            let mut refresh = [finding(Kind::RefreshToken, "some-token", &[("issuer", &server.origin())])];
            assert_eq!(verify(&mut refresh, &server.trusted(""))[0].0, Unknown, "{name}: only access tokens are used");
        }
    }

    #[test]
    fn a_planted_issuer_gets_no_packet() {
        let (server, _) = issuer(&["live"]);
        let planted = Server::issuer(|_| Reply::json(200, &json!({"access_token": "x", "active": true})));
        let hint = planted.origin();
        let endpoint = format!("{hint}/token");
        let parts = [("client_id", "app"), ("issuer", hint.as_str()), ("token_endpoint", endpoint.as_str())];
        let mut findings =
            [finding(Kind::ClientSecret, "app-secret-1234", &parts), finding(Kind::RefreshToken, "live", &parts)];
        assert_eq!(verify(&mut findings, &server.trusted("")), [(Unknown, None); 2]);
        let reason = findings[0].liveness.reason.clone().unwrap_or_default();
        assert!(reason.starts_with(&format!("untrusted issuer: {hint}")), "{reason}");

        // Beside the right issuer it changes nothing.
        let mixed = [("client_id", "app"), ("issuer", hint.as_str()), ("issuer", &server.origin())];
        let mut findings = [finding(Kind::ClientSecret, "app-secret-1234", &mixed)];
        assert_eq!(verify(&mut findings, &server.trusted(""))[0].0, Live);
        assert!(planted.requests().is_empty());
    }

    #[test]
    fn a_reprobe_proves_a_revocation() {
        let (server, tokens) = issuer(&["live"]);
        let context = context(&server.trusted(""));
        let mut findings = [refresh("live", &server), secret("app-secret-1234", &server)];
        verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
        assert_eq!(findings[0].liveness.state, Live);
        let probe = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            runtime.expect("a runtime").block_on(reprobe(&findings[0], &findings, &context)).state
        };
        assert_eq!(probe(), Live, "asked again, and still live");
        tokens.lock().expect("not poisoned").clear();
        assert_eq!(probe(), Dead);
    }

    #[test]
    fn nothing_to_ask_starts_no_runtime() {
        let config = crate::egress::loopback::config("");
        let mut findings = [
            finding(
                Kind::ClientSecret,
                "some-secret",
                &[("client_id", "app"), ("issuer", "https://issuer.example/path")],
            ),
            finding(Kind::RefreshToken, "some-token", &[]),
        ];
        assert!(engine::settle_locally(&mut findings, &context(&config)));
        let reasons: Vec<_> =
            findings.iter().map(|finding| finding.liveness.reason.clone().unwrap_or_default()).collect();
        assert!(reasons[0].starts_with("untrusted issuer: https://issuer.example ("), "{}", reasons[0]);
        assert_eq!(reasons[1], "no trusted issuer is known for it");
    }

    #[test]
    fn an_end_of_time_or_patience_keeps_what_is_known() {
        for is_cancelled in [false, true] {
            let stalled = Server::issuer(|_| Reply::Stall(Vec::new()));
            let server = stalled.origin();
            let mut context = context(&stalled.trusted(""));
            context.concurrency = 1;
            let expected =
                if is_cancelled { "verification was interrupted" } else { "the time for verification was over" };
            if !is_cancelled {
                context.budget = Duration::from_millis(200);
            }
            let cancel = || is_cancelled && stalled.requests().len() == 2;
            let mut findings = [
                finding(Kind::Password, "hunter2", &[]),
                finding(Kind::ClientSecret, "first-secret-1", &[("client_id", "a"), ("issuer", &server)]),
                finding(Kind::ClientSecret, "second-secret", &[("client_id", "b"), ("issuer", &server)]),
                finding(Kind::RefreshToken, "token", &[("client_id", "b"), ("issuer", &server)]),
            ];
            let observer = Observer { progress: &|_, _| {}, is_cancelled: &cancel };
            verify_findings(&mut findings, &context, &observer).expect("a runtime");
            let states: Vec<LivenessState> = findings.iter().map(|finding| finding.liveness.state).collect();
            assert_eq!(states, [NotChecked, Unknown, NotChecked, NotChecked]);
            let reasons: HashSet<_> =
                findings.iter().skip(1).filter_map(|finding| finding.liveness.reason.clone()).collect();
            assert_eq!(reasons, HashSet::from([expected.to_owned()]));
        }
    }
}
