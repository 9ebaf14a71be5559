//! Client secrets that end by an administrator's word, at servers on this machine that play Keycloak, Auth0, Okta and Microsoft
//! Graph (simulated after their documentation: none of them was asked). Registrations end at a real server in
//! `tests/it/registration.rs`; here they are updated by one that gives new secrets, which that server does not.

use super::*;

const POLICY: &str =
    "[[rule]]\nname = \"secrets\"\nkind = [\"client_secret\"]\nmax_blast_radius = \"client\"\naction = \"auto\"";
const LEAKED: &str = "leaked secret of the client";
const NEW: &str = "new secret of the client";
const ADMIN: &str = "operators-secret";
const MINTED: &str = "token-for-the-administrator";

/// A secret that the simulated issuer keeps for the client `web`.
#[derive(Clone)]
struct Kept {
    id: &'static str,
    value: String,
    is_active: bool,
}

/// What is odd about the simulated issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    /// Says yes and does nothing.
    Lies,
    /// The interface does not accept the operator's credential.
    Locked,
    /// The client has got another secret in the meantime; the one before still works (a rotation policy of Keycloak).
    Rotated,
    /// A second secret of the client begins with the same characters.
    Twin,
    /// Does not tell the values of secrets.
    Silent,
}

/// An issuer with all four interfaces and a client registration.
struct Desk {
    server: Server,
    secrets: Arc<Mutex<Vec<Kept>>>,
}

impl Desk {
    fn start(oddity: Oddity) -> Self {
        let kept = |id, value: &str| Kept { id, value: value.to_owned(), is_active: true };
        let mut secrets = vec![kept("key-other", "another secret of the client"), kept("key-leaked", LEAKED)];
        if oddity == Oddity::Twin {
            secrets.push(kept("key-twin", "leaks no more"));
        }
        let secrets = Arc::new(Mutex::new(secrets));
        let state = Arc::clone(&secrets);
        let server = Server::start(move |origin, request| {
            let mut secrets = state.lock().unwrap_or_else(PoisonError::into_inner);
            match request.path.as_str() {
                "/.well-known/openid-configuration" => Reply::json(200, &crate::egress::loopback::metadata(origin)),
                "/token" => token(request, &secrets),
                path if path.starts_with("/admin") => admin(oddity, request, &mut secrets),
                _ => Reply::empty(404),
            }
        });
        Self { server, secrets }
    }

    /// The requests to the interface that change something.
    fn changes(&self) -> Vec<String> {
        let is_change = |request: &String| request.contains("/admin") && !request.starts_with("GET");
        self.server.requests().into_iter().filter(is_change).collect()
    }

    fn works(&self, value: &str) -> bool {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .any(|kept| kept.value == value && kept.is_active)
    }
}

/// The token endpoint: who has a secret that works is let in.
fn token(request: &Received, secrets: &[Kept]) -> Reply {
    let (client, secret) = request.client();
    if (client.as_str(), secret.as_str()) == ("admin", ADMIN) {
        assert_eq!(request.form()["audience"], "https://admin.example");
        return Reply::json(200, &json!({"access_token": MINTED, "token_type": "Bearer"}));
    }
    let is_known = client == "web" && secrets.iter().any(|kept| kept.is_active && kept.value == secret);
    let code = if is_known { "invalid_grant" } else { "invalid_client" };
    Reply::json(if is_known { 400 } else { 401 }, &json!({"error": code}))
}

fn admin(oddity: Oddity, request: &Received, secrets: &mut Vec<Kept>) -> Reply {
    let authorization = request.headers.get("authorization").map(String::as_str).unwrap_or_default();
    let is_admin = [format!("Bearer {ADMIN}"), format!("SSWS {ADMIN}"), format!("Bearer {MINTED}")]
        .iter()
        .any(|accepted| accepted == authorization);
    if oddity == Oddity::Locked || !is_admin {
        return Reply::empty(403);
    }
    let is_lie = oddity == Oddity::Lies;
    let path = request.path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/admin").unwrap_or_default();
    let tell = |value: &str| if oddity == Oddity::Silent { json!({}) } else { json!({"value": value}) };
    match (request.method.as_str(), path) {
        // Keycloak
        ("GET", "/clients") => Reply::json(
            200,
            &json!([{"id": "5d3c-71", "clientId": "web", "secret": LEAKED}, {"id": "x", "clientId": "web2"}]),
        ),
        ("GET", "/clients/5d3c-71/client-secret") if oddity == Oddity::Rotated => Reply::json(200, &tell(NEW)),
        ("GET", "/clients/5d3c-71/client-secret" | "/clients/5d3c-71/client-secret/rotated") => {
            Reply::json(200, &tell(LEAKED))
        }
        ("POST", "/clients/5d3c-71/client-secret") | ("PUT", "/registration") => {
            if path == "/registration" {
                assert!(
                    !request.body.contains("secret") && !request.body.contains("registration_"),
                    "{}",
                    request.body
                );
                assert!(request.body.contains("\"client_name\":\"Web\""), "{}", request.body);
            }
            replace(secrets, is_lie);
            Reply::json(
                200,
                &json!({"value": NEW, "client_id": "web", "client_secret": NEW, "registration_access_token": "next"}),
            )
        }
        ("DELETE", "/clients/5d3c-71/client-secret/rotated") => {
            secrets.retain(|kept| kept.value != LEAKED);
            Reply::empty(204)
        }
        // Auth0
        ("GET", "/clients/web") if oddity == Oddity::Silent => Reply::json(200, &json!({"client_id": "web"})),
        ("GET", "/clients/web") => Reply::json(200, &json!({"client_id": "web", "client_secret": LEAKED})),
        ("POST", "/clients/web/rotate-secret") => {
            replace(secrets, is_lie);
            Reply::json(200, &json!({"client_id": "web", "client_secret": NEW}))
        }
        // Okta
        ("GET", "/apps/web/credentials/secrets") => Reply::json(200, &okta_list(oddity, secrets)),
        ("POST", "/apps/web/credentials/secrets/key-leaked/lifecycle/deactivate") => {
            secrets.iter_mut().filter(|kept| kept.id == "key-leaked").for_each(|kept| kept.is_active = is_lie);
            Reply::json(200, &json!({"id": "key-leaked", "status": "INACTIVE"}))
        }
        ("DELETE", "/apps/web/credentials/secrets/key-leaked") => {
            let is_ready = secrets.iter().any(|kept| kept.id == "key-leaked" && !kept.is_active);
            secrets.retain(|kept| kept.id != "key-leaked");
            Reply::empty(if is_ready { 204 } else { 403 })
        }
        // Microsoft Graph
        ("GET", "/applications(appId='web')") => {
            let hint = |kept: &Kept| kept.value.chars().take(3).collect::<String>();
            let passwords = secrets.iter().map(|kept| json!({"keyId": kept.id, "hint": hint(kept)}));
            Reply::json(200, &json!({"appId": "web", "passwordCredentials": passwords.collect::<Vec<_>>()}))
        }
        ("POST", "/applications(appId='web')/removePassword") => {
            assert_eq!(request.body, r#"{"keyId":"key-leaked"}"#);
            if !is_lie {
                secrets.retain(|kept| kept.id != "key-leaked");
            }
            Reply::empty(204)
        }
        ("GET", "/registration") => {
            let registration = json!({
                "client_id": "web", "client_name": "Web", "client_secret": LEAKED, "client_secret_expires_at": 0,
                "client_id_issued_at": 1, "registration_access_token": ADMIN, "registration_client_uri": "https://x.example",
            });
            Reply::json(200, &registration)
        }
        _ => Reply::empty(404),
    }
}

fn replace(secrets: &mut [Kept], is_lie: bool) {
    secrets.iter_mut().filter(|kept| kept.value == LEAKED && !is_lie).for_each(|kept| NEW.clone_into(&mut kept.value));
}

fn okta_list(oddity: Oddity, secrets: &[Kept]) -> serde_json::Value {
    let told = |kept: &Kept| {
        let status = if kept.is_active { "ACTIVE" } else { "INACTIVE" };
        let mut told = json!({"id": kept.id, "status": status, "secret_hash": "yk4SVx4sUWVJVbHt6M-UPA"});
        if oddity != Oddity::Silent {
            told["client_secret"] = kept.value.as_str().into();
        }
        told
    };
    secrets.iter().map(told).collect()
}

/// What came of a whole automatic run over the leaked secret.
struct Outcome {
    state: RevocationState,
    detail: String,
    changes: Vec<String>,
    plan: RevocationPlan,
    desk: Desk,
}

fn run(oddity: Oddity, section: &str, policy: &str) -> Outcome {
    let desk = Desk::start(oddity);
    let origin = desk.server.origin();
    let mut bench = Bench::new(Behaviour::Honest, policy);
    bench.config = desk.server.trusted(&format!("revoke = true\n{}", section.replace("ORIGIN", &origin)));
    let mut finding = bench.finding(Kind::ClientSecret, LEAKED);
    finding.parts = vec![Part::public("client_id", "web"), Part::public("issuer", &origin)];
    let mut findings = [finding];
    let run = bench.run_auto(&mut findings);
    let ledger = fs_err::read_to_string(bench.ledger()).unwrap_or_default();
    let revocation = findings[0].revocation.clone();
    let written = format!("{ledger}{}{revocation:?}", run.plan.to_text(true));
    for secret in [LEAKED, NEW, ADMIN, MINTED] {
        assert!(!written.contains(secret), "{written}");
    }
    let (state, detail) = (revocation.state, revocation.detail.unwrap_or_default());
    Outcome { state, detail, changes: desk.changes(), plan: run.plan, desk }
}

fn section(kind: &str) -> String {
    format!("[issuer.administration]\nkind = '{kind}'\nurl = 'ORIGIN/admin'\ntoken_env = 'OPERATORS_SECRET'\n")
}

const REGISTRATION: &str = "[issuer.administration]\nkind = 'registration'\n[[issuer.administration.client]]\nclient_id = 'web'\n\
                            url = 'ORIGIN/admin/registration'\ntoken_env = 'OPERATORS_SECRET'\n";

#[test]
fn simulated_interfaces_end_the_leaked_secret_and_no_other() {
    let okta = section("okta") + "token_scheme = 'ssws'\n";
    let for_itself = section("auth0")
        .replace("token_env", "client_id = 'admin'\naudience = 'https://admin.example'\nclient_secret_env");
    let rotate = "POST /admin/clients/5d3c-71/client-secret";
    let drop = "DELETE /admin/clients/5d3c-71/client-secret/rotated";
    let deactivate = "POST /admin/apps/web/credentials/secrets/key-leaked/lifecycle/deactivate";
    for (oddity, section, changes, words, reversible) in [
        (Oddity::None, section("keycloak"), &[rotate, drop][..], "must fetch it from the issuer", false),
        (Oddity::Silent, section("keycloak"), &[rotate, drop], "must fetch it from the issuer", false),
        (Oddity::Rotated, section("keycloak"), &[drop], "it is dead", false),
        (Oddity::None, section("auth0"), &["POST /admin/clients/web/rotate-secret"], "must fetch it", false),
        (Oddity::Silent, for_itself, &["POST /admin/clients/web/rotate-secret"], "must fetch it", false),
        (Oddity::None, okta.clone(), &[deactivate], "can be activated again", true),
        (
            Oddity::None,
            okta + "end = 'delete'\n",
            &[deactivate, "DELETE /admin/apps/web/credentials/secrets/key-leaked"],
            "it is dead",
            false,
        ),
        (
            Oddity::None,
            section("entra"),
            &["POST /admin/applications(appId='web')/removePassword"],
            "it is dead",
            false,
        ),
        (
            Oddity::None,
            REGISTRATION.to_owned(),
            &["PUT /admin/registration"],
            "the configured one is no good any more",
            false,
        ),
    ] {
        let outcome = run(oddity, &section, POLICY);
        assert_eq!(outcome.changes, changes, "{section}: {}", outcome.detail);
        assert_eq!(outcome.state, RevocationState::Revoked, "{section}: {}", outcome.detail);
        assert!(outcome.detail.contains(words), "{section}: {}", outcome.detail);
        assert!(!outcome.desk.works(LEAKED) && outcome.desk.works("another secret of the client"), "{section}");
        let [entry] = &outcome.plan.entries[..] else { panic!("one entry") };
        assert_eq!((entry.blast_radius.as_str(), entry.reversible), ("client", reversible), "{section}");
        assert_eq!(entry.action.method(), "administration");
    }
}

#[test]
fn simulated_interfaces_are_neither_believed_nor_guessed_at() {
    use RevocationState::{Accepted, Planned, Refused, StillLive};
    for (oddity, section, policy, state, sent, words) in [
        (Oddity::Lies, section("entra"), POLICY, StillLive, 1, "it still works"),
        (Oddity::Lies, section("okta"), POLICY, StillLive, 1, "it still works"),
        (Oddity::Lies, section("auth0"), POLICY, Accepted, 1, "it may take up to 30 s"),
        (Oddity::Locked, section("keycloak"), POLICY, Refused, 0, "(403)"),
        (Oddity::Twin, section("entra"), POLICY, Refused, 0, "cannot be told for certain"),
        (Oddity::Silent, section("okta"), POLICY, Refused, 0, "does not tell which"),
        // A client is more than its token: the policy has to say so.
        (Oddity::None, section("okta"), "[[rule]]\naction = \"auto\"", Planned, 0, "max_blast_radius"),
        (Oddity::None, section("okta"), "", Planned, 0, "policy.default"),
        (Oddity::None, String::new(), POLICY, Planned, 0, "how clients of"),
    ] {
        let outcome = run(oddity, &section, policy);
        assert_eq!((outcome.state, outcome.changes.len()), (state, sent), "{section}: {}", outcome.detail);
        assert!(outcome.detail.contains(words), "{section}: {}", outcome.detail);
        assert!(outcome.desk.works(LEAKED), "{section}");
    }
}

/// Whoever can write a file could name any client in it: what is not proven to be that client's secret does not end it.
#[test]
fn a_planted_secret_does_not_end_a_client() {
    let another = "the client has another secret";
    for (oddity, section, words) in [
        (Oddity::None, section("keycloak"), another),
        (Oddity::None, section("auth0"), another),
        (Oddity::None, section("okta"), another),
        (Oddity::Silent, section("keycloak"), "nothing proves that the secret is this client's"),
        (Oddity::Silent, section("auth0"), "nothing proves that the secret is this client's"),
        (Oddity::None, section("entra"), "none of the application's secrets begins like it"),
        // It does not even come into the plan.
        (Oddity::None, REGISTRATION.to_owned(), ""),
    ] {
        let desk = Desk::start(oddity);
        let origin = desk.server.origin();
        let mut bench =
            Bench::new(Behaviour::Honest, &format!("{POLICY}\nliveness = [\"unknown\", \"not_checked\"]\n"));
        bench.config = desk.server.trusted(&format!("revoke = true\n{}", section.replace("ORIGIN", &origin)));
        let mut finding = bench.finding(Kind::ClientSecret, "planted by somebody");
        finding.parts = vec![Part::public("client_id", "web"), Part::public("issuer", &origin)];
        let mut findings = [finding];
        let verify = bench.verify();
        run_auto(&mut findings, &bench.context(&verify), &bench.ledger()).expect("the ledger can be written");
        let detail = findings[0].revocation.detail.clone().unwrap_or_default();
        assert!(detail.contains(words), "{section}: {detail}");
        assert_eq!(desk.changes(), Vec::<String>::new(), "{section}");
        assert!(desk.works(LEAKED), "{section}");
    }
}
