//! `rescind issuers`: whom the configuration trusts, and what a real issuer (npm `oidc-provider`) publishes.

use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::env::Env;
use crate::leak::text;

#[test]
fn the_configuration_is_told_without_asking_anybody() {
    let env = Env::new();
    let config = env.write_work(
        "rescind.toml",
        "providers = ['github', 'slack']\nrevoke_providers = ['slack']\n\
         [[issuer]]\nissuer = 'https://id.test.invalid'\nclient_id = 'ops'\nrevoke = true\n\
         [[instance]]\nprovider = 'gitlab'\nurl = 'https://git.test.invalid'\nzone = 'internal'\n",
    );
    let run = env.run(["issuers", "list", "--config", text(&config)]).exits(0);
    assert_eq!(
        run.stdout,
        "issuer https://id.test.invalid: verify and revoke, as client ops (public zone)\n\
         instance of gitlab https://git.test.invalid/: verify (internal zone)\n\
         providers that may be asked where their rules say: github, slack\n\
         providers to revoke at: slack\n"
    );
    let run = env.run(["issuers", "list", "--format", "json", "--config", text(&config)]).exits(0);
    let listed: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(listed["instances"][0]["provider"], "gitlab");
    assert_eq!(listed["revoke_providers"], json!(["slack"]));

    let wrong = env.write_work("wrong.toml", "[[instance]]\nprovider = 'gitlb'\nurl = 'https://git.test.invalid'\n");
    for command in [&["issuers", "list"][..], &["scan", "."], &["policy", "check"]] {
        let run = env.run(command.iter().chain(&["--config", text(&wrong)])).exits(2);
        let expected = "wrong.toml` line 2: no rule is of the provider `gitlb` that an instance is for; \
                        did you mean `gitlab`?";
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    let run = env.run(["issuers", "check"]).exits(2);
    assert!(run.stderr.contains("no issuer to check") && run.stderr.contains("[[issuer]]"), "{}", run.stderr);
}

#[test]
fn what_an_issuer_publishes_is_told() {
    let (env, server) = (Env::new(), AuthorizationServer::start());
    let check = ["issuers", "check", &server.issuer, "--allow-host", server.host()];
    let run = env.run(check).exits(0);
    for words in ["can be asked", "token_endpoint", "/token/revocation", "client_secret_basic", "usable keys"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    let run = env.run(check.into_iter().chain(["--format", "json"])).exits(0);
    let checked: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&checked[0]["usable"], &checked[0]["issuer"]), (&json!(true), &json!(server.issuer)));

    // Another spelling of it is another issuer, and this machine is closed unless it is opened.
    let other = format!("{}/", server.issuer);
    let run = env.run(["issuers", "check", &other, "--allow-host", server.host()]).exits(3);
    assert!(run.stdout.contains("names another issuer"), "{}", run.stdout);
    let run = env.run(["issuers", "check", &server.issuer]).exits(3);
    assert!(run.stdout.contains("cannot be asked"), "{}", run.stdout);
    env.run(["issuers", "check", "not a url"]).exits(2);
}
