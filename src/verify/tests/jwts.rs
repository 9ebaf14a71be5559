//! JWTs: what they say themselves, their signature, and introspection.

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
    let header = json!({"alg": "EdDSA", "kid": "ours"});
    for (header, claims, state, method) in [
        (&header, json!({"iss": origin, "exp": NOW - 61}), Dead, Some("jwt-expiry")),
        (&header, json!({"iss": origin, "exp": i64::MIN}), Dead, Some("jwt-expiry")),
        (&header, json!({"iss": origin, "exp": NOW + 600, "nbf": NOW + 61}), Unknown, Some("jwt-expiry")),
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
    altered.secret = crate::secret::Secret::new(format!("{input}.{swapped}{}", signature.get(1..).unwrap_or_default()));
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
        let token = jwt(&json!({"alg": "HS256"}), &claims, Algorithm::HS256, &EncodingKey::from_secret(key.as_bytes()));
        let mut findings = [token, finding(Kind::SigningKey, "found-beside-it", &[])];
        assert_eq!(verify(&mut findings, &config)[0].0, Unknown);
        let reason = findings[0].liveness.reason.clone().unwrap_or_default();
        assert!(reason.contains(expected) && !reason.contains(key), "{key}: {reason}");
    }
}

#[test]
fn what_a_token_tells_ranks_it() {
    let hs256 = json!({ "alg": "HS256" });
    let token = |claims: &Value, key: &[u8]| jwt(&hs256, claims, Algorithm::HS256, &EncodingKey::from_secret(key));
    let unknown = b"a key that nobody knows, and long enough";
    let signing_key = finding(Kind::SigningKey, "another key of the same repository", &[]);
    let mut findings = [
        token(&json!({ "exp": NOW - 3600 }), unknown),
        token(&json!({ "exp": NOW + 3600 }), unknown),
        token(&json!({ "exp": NOW + 3600 }), b"secret"),
        token(&json!({ "exp": NOW - 3600 }), b"secret"),
        token(&json!({}), b"another key of the same repository"),
        signing_key,
    ];
    for finding in &mut findings {
        finding.severity = Severity::Medium;
    }
    judge_offline(&mut findings, OffsetDateTime::from_unix_timestamp(NOW).expect("a time"));
    let judged: Vec<_> = findings.iter().map(|finding| (finding.liveness.state, finding.severity)).collect();
    let expected = [
        (LivenessState::Dead, Severity::Low),
        (LivenessState::NotChecked, Severity::Medium),
        (LivenessState::Unknown, Severity::High),
        (LivenessState::Dead, Severity::Low),
        (LivenessState::Unknown, Severity::High),
        (LivenessState::NotChecked, Severity::Medium),
    ];
    assert_eq!(judged, expected);
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

#[test]
fn tokens_of_listed_issuers_are_held_against_their_keys_and_not_sent() {
    let document = |origin: &str, tenant: &str| {
        json!({"issuer": format!("{origin}/{tenant}"), "jwks_uri": format!("{origin}/keys"),
        "introspection_endpoint": format!("{origin}/introspect"), "userinfo_endpoint": format!("{origin}/userinfo")})
    };
    let server = Server::start(move |origin, request| match request.path.as_str() {
        "/known/acme/.well-known/openid-configuration" => Reply::json(200, &document(origin, "known/acme")),
        "/partly/acme/.well-known/openid-configuration" => Reply::json(200, &document(origin, "partly/acme")),
        "/keys" | "/bare/acme/certs" => Reply::json(200, &key_set()),
        _ => Reply::empty(404),
    });
    let allow = format!("[egress]\nallow_hosts = ['{}']\n", server.authority());
    let (on, off) =
        (crate::egress::loopback::config(&allow), crate::egress::loopback::config(&format!("providers = []\n{allow}")));
    let header = json!({"alg": "EdDSA", "kid": "ours"});
    let other_key = json!({"alg": "EdDSA", "kid": "theirs"});
    let claims =
        |tenant: &str| json!({"iss": format!("{}/{tenant}", server.origin()), "exp": NOW + 600, "scope": "openid"});
    let mut altered = signed(&header, &claims("known/acme"));
    let text = altered.secret.expose_str().expect("text").replacen('.', ".e30", 1);
    altered.secret = crate::secret::Secret::new(text.into_bytes());
    for (mut token, config, expected) in [
        (signed(&header, &claims("known/acme")), &on, (Live, Some("jwt-signature"))),
        (signed(&header, &claims("bare/acme")), &on, (Live, Some("jwt-signature"))),
        (altered, &on, (Dead, Some("jwt-signature"))),
        (signed(&other_key, &claims("known/acme")), &on, (Dead, Some("jwt-signature"))),
        (signed(&other_key, &claims("partly/acme")), &on, (Unknown, None)),
        (signed(&header, &claims("unknown/acme")), &on, (Unknown, None)),
        (signed(&header, &claims("known/acme")), &off, (Unknown, None)),
    ] {
        let shown = token.token.clone().and_then(|token| token.iss);
        let verdicts = verify(std::slice::from_mut(&mut token), config);
        assert_eq!(verdicts, [expected], "{shown:?} {:?}", token.liveness.reason);
    }
    let sent = server.requests();
    assert!(sent.iter().all(|request| request.starts_with("GET ") && !request.contains("userinfo")), "{sent:?}");
}
