//! Discovery against servers on this machine that play an issuer (simulated).

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::json;

use super::*;
use crate::egress::EgressPolicy;
use crate::egress::loopback::{Reply, Server, config, metadata};
use crate::finding::{Confidence, Finding, Fingerprint, FingerprintKey, Kind, Liveness, Part, Revocation, Severity};
use crate::secret::Secret;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

fn issuers(config: &Config) -> Issuers {
    let egress = Egress::new(EgressPolicy::from(config)).expect("a client");
    Issuers::new(config, egress)
}

async fn key_set(issuers: &Issuers, identifier: &str) -> Result<Arc<KeySet>, IssuerError> {
    issuers.key_set(issuers.trusted(identifier)?).await
}

#[test]
fn the_three_places_are_tried_in_order() {
    const OIDC: &str = "/tenant/.well-known/openid-configuration";
    const RFC_8414: &str = "/.well-known/oauth-authorization-server/tenant";
    const INSERTED: &str = "/.well-known/openid-configuration/tenant";
    // What the first leaves out, the second may tell.
    for (place, asked) in [(OIDC, 2), (RFC_8414, 2), (INSERTED, 3)] {
        let server = Server::start(move |origin, request| match request.path.as_str() {
            path if path == place => Reply::json(
                200,
                &json!({"issuer": format!("{origin}/tenant"), "token_endpoint": format!("{origin}/token")}),
            ),
            // Metadata of another tenant, and a redirect, must not end the search.
            OIDC => Reply::json(200, &metadata(origin)),
            _ => Reply::Http(302, vec![("Location", format!("{origin}/login"))], Vec::new()),
        });
        let identifier = format!("{}/tenant", server.origin());
        let issuers = issuers(&config(&format!("[[issuer]]\nissuer = '{identifier}'\nzone = 'loopback'\n")));
        let metadata = block_on(issuers.metadata(&identifier));
        let endpoint = metadata.ok().and_then(|metadata| Some(metadata.token_endpoint().ok()?.url().path().to_owned()));
        assert_eq!(endpoint.as_deref(), Some("/token"), "{place}");
        assert_eq!(server.requests().len(), asked, "{place}");
    }
}

#[test]
fn what_one_document_leaves_out_is_taken_from_the_other() {
    let server = Server::start(|origin, request| {
        let document = |names: &[&str]| {
            let members = names.iter().map(|name| ((*name).to_owned(), json!(format!("{origin}/{name}"))));
            let issuer = ("issuer".to_owned(), json!(origin));
            Reply::json(200, &members.chain([issuer]).collect::<serde_json::Map<_, _>>().into())
        };
        match request.path.as_str() {
            "/.well-known/openid-configuration" => document(&["token_endpoint", "jwks_uri"]),
            "/.well-known/oauth-authorization-server" => document(&["revocation_endpoint", "introspection_endpoint"]),
            _ => Reply::empty(404),
        }
    });
    let issuers = issuers(&server.trusted(""));
    let metadata = block_on(issuers.metadata(&server.origin())).expect("metadata");
    for endpoint in [metadata.token_endpoint(), metadata.revocation_endpoint(), metadata.jwks_uri()] {
        assert!(endpoint.is_ok());
    }
    assert_eq!(server.requests().len(), 2);
}

type Handler = Box<dyn Fn(&str) -> Reply + Send + Sync>;

#[test]
fn unusable_metadata_is_an_error() {
    let other = |origin: &str| Reply::json(200, &json!({"issuer": format!("{origin}/"), "token_endpoint": origin}));
    let nested = "[".repeat(5000) + &"]".repeat(5000);
    let cases: [(&str, Handler, &str); 7] = [
        ("a slash too many", Box::new(other), "names another issuer"),
        ("another one, in one place only", Box::new(other), "names another issuer"),
        ("nonsense", Box::new(|_| Reply::Http(200, Vec::new(), b"<html>login</html>".to_vec())), "not JSON"),
        ("too deep", Box::new(move |_| Reply::Http(200, Vec::new(), nested.clone().into_bytes())), "not JSON"),
        ("too large", Box::new(|_| Reply::Http(200, Vec::new(), vec![b' '; 300 << 10])), "more than 262144 bytes"),
        ("absent", Box::new(|_| Reply::empty(404)), "publishes no metadata (status 404)"),
        ("out of order", Box::new(|_| Reply::empty(503)), "publishes no metadata (status 503)"),
    ];
    for (name, reply, expected) in cases {
        let asked = AtomicUsize::new(0);
        let server = Server::start(move |origin, _| match (name, asked.fetch_add(1, Relaxed)) {
            ("another one, in one place only", 1) => Reply::empty(404),
            _ => reply(origin),
        });
        let error = block_on(issuers(&server.trusted("")).metadata(&server.origin())).err();
        let text = error.map_or_else(String::new, |error| error.to_string());
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn each_document_is_fetched_once() {
    let server = Server::issuer(|_| Reply::json(200, &json!({"keys": []})));
    let config = server.trusted("");
    let issuers = issuers(&config);
    let origin = server.origin();
    block_on(async {
        let again = issuers.clone();
        let (metadata, keys) = tokio::join!(again.metadata(&origin), key_set(&issuers, &origin));
        assert!(metadata.is_ok() && keys.is_ok());
        assert!(key_set(&issuers, &origin).await.is_ok());
    });
    assert_eq!(server.requests(), ["GET /.well-known/openid-configuration", "GET /keys"]);

    let broken = Server::issuer(|_| Reply::json(200, &json!({"keys": vec![json!({}); 65]})));
    let issuers = self::issuers(&broken.trusted(""));
    for _ in 0..2 {
        let error = block_on(key_set(&issuers, &broken.origin())).err();
        assert!(matches!(error, Some(IssuerError::Malformed { document: "key set", .. })), "{error:?}");
    }
    assert_eq!(broken.requests().len(), 2, "a failure lasts for the run");
}

#[test]
fn an_untrusted_issuer_gets_no_packet() {
    let server = Server::issuer(|_| Reply::empty(200));
    let issuers = issuers(&config("[[issuer]]\nissuer = 'https://issuer.example'\n"));
    for identifier in
        [server.origin(), format!("{}/", server.origin()), "HTTPS://issuer.example".to_owned(), String::new()]
    {
        let error = block_on(key_set(&issuers, &identifier)).err();
        assert!(matches!(error, Some(IssuerError::Untrusted { .. })), "{identifier}");
    }
    let shown = issuers.trusted("\u{1b}[31mnot a URL").err().map(|error| error.to_string());
    assert_eq!(shown.as_deref(), Some("untrusted issuer: \\u{1b}[31mnot a URL"));
    assert!(server.requests().is_empty());
}

#[test]
fn configured_endpoints_win() {
    let server = Server::issuer(|_| Reply::empty(404));
    let origin = server.origin();
    let pinned = format!("revocation_endpoint = '{origin}/ours'\nclient_authentication = ['client_secret_post']");
    let metadata = block_on(issuers(&server.trusted(&pinned)).metadata(&origin)).expect("metadata");
    assert_eq!(
        metadata.revocation_endpoint().map(|endpoint| endpoint.url().path().to_owned()).ok().as_deref(),
        Some("/ours")
    );
    assert_eq!(metadata.authentication_methods(Endpoint::Token).methods, [ClientAuthentication::SecretPost]);

    // What is configured is enough when there is no metadata at all.
    let server = Server::start(|_, _| Reply::empty(404));
    let pinned = format!("token_endpoint = '{}/t'", server.origin());
    let metadata = block_on(issuers(&server.trusted(&pinned)).metadata(&server.origin())).expect("metadata");
    assert!(metadata.token_endpoint().is_ok() && metadata.revocation_endpoint().is_err());
}

/// A finding with public parts.
pub(crate) fn finding(kind: Kind, value: &str, parts: &[(&str, &str)]) -> Finding {
    Finding {
        id: Fingerprint::of(&FingerprintKey::default(), kind, value.as_bytes()),
        rule: String::new(),
        provider: String::new(),
        title: String::new(),
        kind,
        confidence: Confidence::High,
        severity: Severity::High,
        secret: Secret::new(value),
        parts: parts.iter().map(|(name, value)| Part::public(name, value)).collect(),
        token: None,
        liveness: Liveness::not_checked(),
        revocation: Revocation::none(),
        locations: Vec::new(),
        owners: Vec::new(),
    }
}

#[test]
fn hints_only_choose_among_the_trusted() {
    let server = Server::issuer(|_| Reply::empty(404));
    let foreign = Server::issuer(|_| Reply::empty(200));
    let origin = server.origin();
    let issuers = issuers(&server.trusted("client_ids = ['known']"));
    for (parts, trusted, untrusted) in [
        (vec![("issuer", origin.clone())], 1, 0),
        (vec![("issuer", format!("{origin}/"))], 1, 0),
        (vec![("issuer", format!("{origin}/.well-known/openid-configuration"))], 1, 0),
        (vec![("token_endpoint", format!("{origin}/token"))], 1, 0),
        (vec![("issuer", origin.clone()), ("token_endpoint", format!("{origin}/token"))], 1, 0),
        (vec![("client_id", "known".to_owned())], 1, 0),
        (vec![("client_id", "other".to_owned())], 0, 0),
        (vec![("token_endpoint", format!("{origin}/other"))], 0, 1),
        (vec![("issuer", format!("{origin}.evil.example"))], 0, 1),
        (vec![("issuer", foreign.origin())], 0, 1),
        (vec![("token_endpoint", format!("{}/token", foreign.origin()))], 0, 1),
        (vec![("issuer", foreign.origin()), ("client_id", "known".to_owned())], 1, 1),
        (vec![], 0, 0),
    ] {
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let matches = block_on(issuers.matching(&finding(Kind::ClientSecret, "value", &parts)));
        assert_eq!((matches.trusted.len(), matches.untrusted.len()), (trusted, untrusted), "{parts:?}");
    }
    assert!(foreign.requests().is_empty());
}

#[test]
fn an_issuer_that_is_down_is_not_called_untrusted() {
    let server = Server::start(|_, _| Reply::empty(503));
    let issuers = issuers(&server.trusted(""));
    let endpoint = format!("{}/token", server.origin());
    let matches = block_on(issuers.matching(&finding(Kind::ClientSecret, "value", &[("token_endpoint", &endpoint)])));
    assert_eq!((matches.trusted.len(), matches.untrusted.len()), (1, 0));
}

#[test]
fn a_failure_is_not_repeated_by_those_who_wait() {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&asked);
    let server = Server::start(move |_, _| {
        counter.fetch_add(1, Relaxed);
        Reply::Raw(Vec::new())
    });
    let issuers = issuers(&server.trusted(""));
    let origin = server.origin();
    block_on(async {
        let results = tokio::join!(issuers.metadata(&origin), issuers.metadata(&origin), key_set(&issuers, &origin));
        assert!(results.0.is_err() && results.1.is_err() && results.2.is_err());
    });
    assert_eq!(asked.load(Relaxed), 1);
}

#[test]
fn of_a_listed_issuer_nothing_but_its_keys_is_known() {
    let document = |origin: &str| {
        let mut document = metadata(origin);
        document["issuer"] = json!(format!("{origin}/known/acme"));
        document
    };
    let server = Server::start(move |origin, request| match request.path.as_str() {
        "/known/acme/.well-known/openid-configuration" => Reply::json(200, &document(origin)),
        "/keys" => Reply::json(200, &json!({"keys": []})),
        _ => Reply::empty(404),
    });
    let identifier = format!("{}/known/acme", server.origin());
    let allowed = format!("[egress]\nallow_hosts = ['{}']\n", server.authority());
    let with = |more: &str| {
        let config = config(&format!("{more}{allowed}"));
        let egress = Egress::new(EgressPolicy::from(&config)).expect("a client");
        Issuers::with_rules(&config, egress, &RuleSet::default())
    };
    let issuers = with("");
    assert!(issuers.trusted(&identifier).is_err() && issuers.known("https://issuer.example", None).is_none());
    assert!(issuers.known("https://accounts.google.com", None).is_some());
    assert!(with("providers = ['github']\n").known("https://accounts.google.com", None).is_none());
    assert!(with("providers = []\n").known("https://accounts.google.com", None).is_none());

    let issuer = issuers.known(&identifier, None).expect("a listed issuer");
    let published = block_on(issuers.metadata_of(&issuer)).expect("metadata");
    assert!(published.jwks_uri().is_ok());
    for endpoint in [Endpoint::Token, Endpoint::Introspection, Endpoint::Revocation, Endpoint::UserInfo] {
        assert!(published.endpoint(endpoint).is_err(), "{endpoint:?}");
    }
    assert!(block_on(issuers.key_set(&issuer)).is_ok());
    assert_eq!(server.requests(), ["GET /known/acme/.well-known/openid-configuration", "GET /keys"]);
}

#[test]
fn a_run_fetches_from_so_many_listed_issuers_and_no_more() {
    let config = config("");
    let issuers =
        Issuers::with_rules(&config, Egress::new(EgressPolicy::from(&config)).expect("a client"), &RuleSet::default());
    let known = (0..200).filter(|tenant| issuers.known(&format!("https://t{tenant}.okta.com"), None).is_some()).count();
    assert_eq!(known, MOST_KNOWN);
    assert!(issuers.known("https://t0.okta.com", None).is_some(), "a known one stays known");
}
