//! What belongs to a secret is found in its file and in the other files of its directory, and the report tells where and why.

use serde_json::Value;

use crate::env::{Env, Run};
use crate::samples::random;

/// `name=value path:line how`, for each part of all findings.
fn parts(run: &Run) -> Vec<String> {
    let findings = run.findings();
    let parts = findings.iter().filter_map(|finding| finding["parts"].as_array()).flatten();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let told = |part: &Value| {
        let (name, value, path) = (text(&part["name"]), text(&part["value"]), text(&part["path"]));
        format!("{name}={value} {path}:{} {}", part["line"], text(&part["paired_by"]))
    };
    parts.map(told).collect()
}

fn scan(env: &Env, directory: &str) -> Vec<String> {
    let mut command = env.rescind();
    command.current_dir(env.input().join(directory)).args(["scan", "--format", "jsonl", "."]);
    let output = command.output().expect("the built program starts");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    parts(&Run { code: output.status.code(), stdout, stderr: String::new() }.exits(1))
}

#[test]
fn what_a_file_lacks_is_found_in_its_siblings() {
    let env = Env::new();
    env.write("shop/.env", format!("# shop\nOIDC_CLIENT_SECRET={}\n", random("shop", 40)));
    env.write(
        "shop/docker-compose.yml",
        "services:\n  web:\n    environment:\n      OIDC_CLIENT_ID: portal\n      OIDC_ISSUER: https://sso.acme.io/realms/main\n",
    );
    env.write("shop/notes.txt", "OIDC_CLIENT_ID=of-no-setting\n");
    env.write("shop/deep/other.env", "OIDC_CLIENT_ID=of-another-directory\n");
    assert_eq!(
        scan(&env, "shop"),
        [
            "client_id=portal docker-compose.yml:4 sibling-file",
            "issuer=https://sso.acme.io/realms/main docker-compose.yml:5 sibling-file",
        ]
    );
}

#[test]
fn siblings_are_not_asked_for_what_is_known_and_names_must_agree() {
    let env = Env::new();
    let secret = random("shop", 40);
    env.write("shop/.env", format!("ACME_CLIENT_ID=own\nACME_CLIENT_SECRET={secret}\n"));
    env.write("shop/a.yml", "acme_client_id: other\n");
    env.write("shop/b.yml", "zeta_issuer: https://zeta.io\n");
    env.write("shop/c.json", r#"{"acme":{"issuer":"https://one.acme.io"}}"#);
    env.write("shop/d.toml", "[acme]\nissuer = \"https://two.acme.io\"\n");
    // Of what fits equally well, all is told.
    assert_eq!(
        scan(&env, "shop"),
        [
            "client_id=own .env:1 name",
            "issuer=https://one.acme.io c.json:1 sibling-file",
            "issuer=https://two.acme.io d.toml:2 sibling-file",
        ]
    );
}

#[test]
fn excluded_files_are_no_siblings() {
    let env = Env::new();
    env.write("shop/.env", format!("CLIENT_SECRET={}\n", random("shop", 40)));
    env.write("shop/settings.yml", "client_id: portal\n");
    let shop = env.input().join("shop");
    let shop = shop.to_str().expect("paths of tests are text");
    let all = env.run(["scan", "--format", "jsonl", shop]).exits(1);
    assert_eq!(parts(&all), [format!("client_id=portal {shop}/settings.yml:1 sibling-file")]);
    let without = env.run(["scan", "--format", "jsonl", "--exclude", "settings.yml", shop]).exits(1);
    assert_eq!(parts(&without), [] as [String; 0]);
}
