//! Whatever an issuer answers, and whatever stands in a token: a verdict, and no panic.

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
