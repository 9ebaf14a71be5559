//! What it costs to ask an issuer: verdicts per second and requests per verdict, for 500 findings of each kind at one issuer on this
//! machine (simulated: it answers at once, so that what is measured is this program).
//!
//! `cargo bench --bench verify`

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, EncodingKey};
use rescind::config::environment::Environment;
use rescind::config::{Config, ConfigFile};
use rescind::finding::{
    Confidence, Finding, Fingerprint, FingerprintKey, Kind, Liveness, LivenessState, Part, Revocation, Severity,
    TokenFacts,
};
use rescind::secret::Secret;
use rescind::verify::{Observer, VerifyContext, verify_findings};
use serde_json::{Value, json};

/// Findings of each kind.
const COUNT: usize = 500;

/// The key pair of RFC 8037, appendix A: everybody's.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// What the secrets of the findings begin with; everything else is refused.
const GOOD: &str = "good-";

/// Answers for an issuer until the process ends; gives its URL.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let own = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let own = own.clone();
            std::thread::spawn(move || answer(stream, &own));
        }
    });
    url
}

fn answer(mut stream: TcpStream, own: &str) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    // Requests are small: head and body come in one or two pieces.
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        request.extend_from_slice(&piece[..length]);
        if is_complete(&request) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request);
    let is_good = text.contains(GOOD);
    let (status, body) = match text.split(' ').nth(1).unwrap_or_default() {
        "/.well-known/openid-configuration" => (200, metadata(own)),
        "/keys" => (200, json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": "one"}]})),
        "/introspect" => (200, json!({"active": is_good})),
        "/token" => (400, json!({"error": if is_good { "invalid_grant" } else { "invalid_client" }})),
        _ => (404, json!({})),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} Answer\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all((head + &body).as_bytes());
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next().and_then(|digits| digits.trim().parse::<usize>().ok()));
    body.len() >= length.unwrap_or_default()
}

fn metadata(own: &str) -> Value {
    json!({
        "issuer": own,
        "jwks_uri": format!("{own}/keys"),
        "token_endpoint": format!("{own}/token"),
        "introspection_endpoint": format!("{own}/introspect"),
        "revocation_endpoint": format!("{own}/revoke"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    })
}

/// What the operator says. Without a client of theirs, a token's signature is all that counts.
fn config(kind: Kind, url: &str) -> Config {
    let client = if kind == Kind::Jwt { "" } else { "client_id = 'operator'\nclient_secret_env = 'SECRET'\n" };
    let text = format!("providers = []\n[[issuer]]\nissuer = '{url}'\nzone = 'loopback'\n{client}");
    let file = ConfigFile { path: "config.toml".into(), named: true };
    Config::parse(text, file, &Environment::fixed([("SECRET", "operator-secret")])).expect("a configuration")
}

fn finding(kind: Kind, value: &str, url: &str, token: Option<TokenFacts>) -> Finding {
    let parts = [("issuer", url), ("client_id", "service")].map(|(name, value)| Part::public(name, value));
    Finding {
        id: Fingerprint::of(&FingerprintKey::default(), kind, value.as_bytes()),
        rule: "bench".to_owned(),
        provider: "generic".to_owned(),
        title: String::new(),
        kind,
        confidence: Confidence::High,
        severity: Severity::High,
        secret: Secret::new(value),
        parts: parts.into(),
        token,
        liveness: Liveness::not_checked(),
        revocation: Revocation::none(),
        locations: Vec::new(),
        owners: Vec::new(),
    }
}

fn jwt(url: &str, number: usize) -> Finding {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(SEED).expect("base64"));
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(&json!({"alg": "EdDSA", "kid": "one"}));
    let input = format!("{header}.{}", encode(&json!({"iss": url, "jti": number})));
    let key = EncodingKey::from_ed_der(&der);
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::EdDSA).expect("signed");
    let facts = TokenFacts {
        alg: "EdDSA".to_owned(),
        kid: Some("one".to_owned()),
        iss: Some(url.to_owned()),
        ..TokenFacts::default()
    };
    finding(Kind::Jwt, &format!("{input}.{signature}"), url, Some(facts))
}

fn findings(kind: Kind, url: &str) -> Vec<Finding> {
    let one = |number: usize| match kind {
        Kind::Jwt => jwt(url, number),
        kind => finding(kind, &format!("{GOOD}{number:08}"), url, None),
    };
    (0..COUNT).map(one).collect()
}

fn verdicts(criterion: &mut Criterion) {
    let url = issuer();
    for kind in [Kind::Jwt, Kind::RefreshToken, Kind::ClientSecret] {
        let config = config(kind, &url);
        let verify = || {
            let context = VerifyContext::open(&config, Arc::default()).expect("a client");
            let mut findings = findings(kind, &url);
            verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
            let other = findings.iter().find(|finding| finding.liveness.state != LivenessState::Live);
            assert!(other.is_none(), "{:?}", other.map(|finding| &finding.liveness));
            context.egress.exchanges().len()
        };
        let requests = verify();
        #[expect(clippy::cast_precision_loss, reason = "some thousand requests")]
        let per_verdict = requests as f64 / COUNT as f64;
        let _ = writeln!(
            std::io::stderr(),
            "{}: {requests} requests for {COUNT} verdicts, {per_verdict:.3} each",
            kind.as_str()
        );
        let mut group = criterion.benchmark_group("verdicts");
        group.throughput(Throughput::Elements(COUNT as u64)).sample_size(10);
        group.bench_function(kind.as_str(), |bencher| bencher.iter(&verify));
        group.finish();
    }
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
