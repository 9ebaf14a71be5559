//! Clients that prove themselves by a key instead of a secret, at npm `oidc-provider`: the operator's own, and one that leaked.

use serde_json::json;

use crate::authorization_server::AuthorizationServer;
use crate::env::{Env, Run};
use crate::leak::AUTO;

const CLIENT: &str = "billing-service";

/// Scans a file that holds a refresh token of the client, with the operator's configuration, and revokes.
fn revoke(env: &Env, server: &AuthorizationServer, refresh_token: &str, credentials: &str, hosts: &[&str]) -> Run {
    let response = json!({"issuer": server.issuer, "client_id": CLIENT, "refresh_token": refresh_token});
    let file = env.write("session.json", format!("{response:#}\n"));
    let issuer = &server.issuer;
    let config = env.write_work(
        "rescind.toml",
        format!(
            "providers = []\n[[issuer]]\nissuer = \"{issuer}\"\nzone = \"loopback\"\nrevoke = true\nclient_id = \"{CLIENT}\"\n\
             {credentials}\n{AUTO}"
        ),
    );
    let mut command =
        vec!["scan", "--format", "jsonl", "--revoke", "auto", "--config", config.to_str().expect("UTF-8")];
    for host in hosts {
        command.extend(["--allow-host", host]);
    }
    command.push(file.to_str().expect("UTF-8"));
    env.run(command).exits(1)
}

#[test]
fn an_operator_may_sign_instead_of_having_a_secret() {
    for form in ["rsa", "ec"] {
        let (env, server) = (Env::new(), AuthorizationServer::start());
        let key = server.key_client(CLIENT, form);
        let token = server.grant(CLIENT).refresh_token;
        env.plant([&*token, &*key]);
        env.set("OPERATOR_KEY", &key);
        let credentials = "client_key_env = \"OPERATOR_KEY\"\nclient_key_id = \"own\"";
        let found = revoke(&env, &server, &token, credentials, &[server.host()]).finding("refresh_token");
        assert_eq!(found["liveness"]["method"], "introspection", "{form}: {found:#}");
        assert_eq!(found["revocation"]["state"], "revoked", "{form}: {found:#}");
        assert!(!server.is_alive(&token), "{form}");
        env.assert_no_leak_on_disk();
    }
}

#[test]
fn an_operator_may_show_a_certificate() {
    let (env, server) = (Env::new(), AuthorizationServer::start());
    let client = server.certificate_client(CLIENT);
    let token = server.grant(CLIENT).refresh_token;
    env.plant([&*token]);
    let certificate = env.write_work("client.pem", &client.certificate);
    let authority = env.write_work("authority.pem", &client.authority);
    let credentials = format!(
        "client_certificate_file = \"{}\"\nca_bundle = \"{}\"\nendpoint_hosts = [\"{}\"]",
        certificate.display(),
        authority.display(),
        client.host
    );
    let hosts = [server.host(), &client.host];
    let found = revoke(&env, &server, &token, &credentials, &hosts).finding("refresh_token");
    assert_eq!(found["liveness"]["method"], "introspection", "{found:#}");
    assert_eq!(found["revocation"]["state"], "revoked", "{found:#}");
    assert!(!server.is_alive(&token));
}

/// The key of a client is as good as its secret: who has it is the client.
#[test]
fn a_leaked_key_of_a_client_is_live_and_stays_here() {
    let (env, server) = (Env::new(), AuthorizationServer::start());
    let key = server.key_client(CLIENT, "rsa");
    let other = server.key_client("another", "rsa");
    // What stands between the lines that name it.
    env.plant(key.lines().chain(other.lines()).filter(|line| line.len() == 64));
    let config = env.write_work(
        "rescind.toml",
        format!("providers = []\n[[issuer]]\nissuer = \"{}\"\nzone = \"loopback\"\n", server.issuer),
    );
    for (pem, state) in [(&key, "live"), (&other, "unknown")] {
        let pem = pem.trim().replace('\n', "\\n");
        let text = format!("OIDC_ISSUER={}\nOIDC_CLIENT_ID={CLIENT}\nOIDC_PRIVATE_KEY=\"{pem}\"\n", server.issuer);
        let file = env.write(".env", text);
        let (config, file) = (config.to_str().expect("UTF-8"), file.to_str().expect("UTF-8"));
        let command =
            ["scan", "--format", "jsonl", "--verify", "--config", config, "--allow-host", server.host(), file];
        let found = env.run(command).exits(1).finding("private_key");
        assert_eq!(found["liveness"]["state"], state, "{found:#}");
        env.assert_no_leak_in("the report", &found.to_string());
    }
}
