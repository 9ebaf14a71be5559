//! Whom to tell of a leak: owners of the paths and authors of the commits, in reports and plans.

use serde_json::{Value, json};

use crate::env::Env;
use crate::leak::text;
use crate::samples::random;

fn owners(finding: &Value) -> Vec<String> {
    let words = |owner: &Value| format!("{} {}", owner["source"], owner["name"]).replace('"', "");
    finding["owners"].as_array().into_iter().flatten().map(words).collect()
}

/// A line that is found as a secret.
fn secret(env: &Env, purpose: &str) -> String {
    let value = random(purpose, 40);
    env.plant([&*value]);
    format!("OIDC_ISSUER=https://id.test.invalid\nOIDC_CLIENT_ID=web\nOIDC_CLIENT_SECRET={value}\n")
}

#[test]
fn the_owners_of_a_path_and_the_author_of_its_commit_are_told() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write(".github/CODEOWNERS", "* @acme/old\n");
    repository.write("deploy/prod.env", secret(&env, "one"));
    repository.commit("Deploy");
    repository.delete("deploy/prod.env");
    repository.write(
        ".github/CODEOWNERS",
        "* @acme/everybody\n/deploy/ @acme/payments ops@acme.example # whoever is on call\n",
    );
    repository.commit("Do not deploy");
    // What lies in the work tree only is not what the repository says.
    repository.write("CODEOWNERS", "* @acme/nobody\n");

    let report = env.work().join("report.jsonl");
    let path = text(&repository.path);
    let history = env.run(["scan", "--format", "jsonl", "--history-only", path]).exits(1);
    let expected =
        ["codeowners @acme/payments", "codeowners ops@acme.example", "author Ada Author <ada@author.invalid>"];
    let told = owners(&history.finding("client_secret"));
    assert_eq!(told[..2], expected[..2], "{}", history.stdout);
    assert!(told[2].starts_with("author Ada Author <") && told.len() == 3, "{told:?}");

    // The plan names them as well.
    env.run(["scan", "--format", "jsonl", "--history-only", "--output", text(&report), path]).exits(1);
    let plan = env.run(["revoke", "plan", "--include-unknown", text(&report)]).exits(0);
    assert!(plan.stdout.contains("tell       @acme/payments, ops@acme.example, Ada Author <"), "{}", plan.stdout);
    let plan = env.run(["revoke", "plan", "--include-unknown", "--format", "json", text(&report)]).exits(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    assert_eq!(plan["entries"][0]["owners"][0], json!({"name": "@acme/payments", "source": "codeowners"}));
}

#[test]
fn files_are_owned_as_the_root_of_their_tree_says() {
    let env = Env::new();
    env.write(".gitlab/CODEOWNERS", "[Deploy] @group/deploy\ndeploy/\n[Escape]\n* @group/\u{1b}[31mred\n");
    env.write("services/deploy/prod.env", secret(&env, "two"));
    let input = env.input();
    let run = env.run(["scan", "--format", "jsonl", text(&input)]).exits(1);
    let told = owners(&run.finding("client_secret"));
    assert_eq!(told[0], "codeowners @group/deploy", "{}", run.stdout);
    let run = env.run(["scan", text(&input)]).exits(1);
    assert!(run.stdout.contains("@group/deploy") && !run.stdout.contains('\u{1b}'), "{}", run.stdout);
    // Nothing in such a file is a secret, and none keeps a finding back.
    assert_eq!(run.code, Some(1));
}
