//! Access keys of AWS, from the leak to the end, against moto's IAM and STS, which check signatures.

use crate::env::{Env, Run};
use crate::leak::text;
use crate::moto::{AWS, AccessKey};
use crate::samples::altered;

/// A key in the file where AWS's own tools keep it, and a configuration that takes moto for AWS.
struct Leaked {
    env: Env,
    config: String,
}

impl Leaked {
    fn new(id: &str, secret: &str) -> Self {
        let env = Env::new();
        env.write(
            "home/.aws/credentials",
            format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
        );
        env.plant([secret]);
        let config = env.write_work(
            "rescind.toml",
            format!(
                "providers = []\n[[instance]]\nprovider = \"aws\"\nurl = \"{}\"\nzone = \"loopback\"\nrevoke = true\n\
                 [policy]\nproof_window_seconds = 0\n\
                 [[policy.rule]]\nprovider = \"aws\"\naccount = \"arn:aws:iam::*:user/*\"\nmax_blast_radius = \"key\"\naction = \"auto\"\n",
                AWS.url
            ),
        );
        let config = text(&config).to_owned();
        Self { env, config }
    }

    fn scan(&self, more: &[&str]) -> Run {
        let input = self.env.input();
        let arguments = ["scan", "--format", "jsonl", "--verify", "--config", &self.config];
        self.env.run(arguments.iter().chain(more).copied().chain([text(&input)])).exits(1)
    }
}

#[test]
fn a_key_is_told_by_its_user() {
    let AccessKey { id, secret } = AWS.user("alice", &["iam:*"]);
    let run = Leaked::new(&id, &secret).scan(&[]);
    let key = run.finding("api_key");
    assert_eq!(key["liveness"]["state"], "live", "{key:#}\n{}", run.stderr);
    let account = key["liveness"]["account"].as_str().unwrap_or_default();
    assert!(account.starts_with("arn:aws:iam::") && account.ends_with(":user/alice"), "{account}");

    let run = Leaked::new(&id, &altered(&secret)).scan(&[]);
    let key = run.finding("api_key");
    assert_eq!(key["liveness"]["state"], "dead", "{key:#}");
}

/// moto takes inactive keys as well as active ones, so that there is no proof; what became of the key an administrator can see.
#[test]
fn a_key_sets_itself_inactive() {
    let AccessKey { id, secret } = AWS.user("bob", &["iam:UpdateAccessKey"]);
    let leaked = Leaked::new(&id, &secret);
    let ledger = leaked.env.work().join("ledger.jsonl");
    let run = leaked.scan(&["--revoke", "auto", "--ledger", text(&ledger)]);
    let revocation = &run.finding("api_key")["revocation"];
    assert_eq!(
        (&revocation["state"], &revocation["method"]),
        (&"still_live".into(), &"provider".into()),
        "{revocation:#}"
    );
    assert_eq!(AWS.key_status("bob", &id).as_deref(), Some("Inactive"));
}

#[test]
fn a_key_without_the_right_to_it_is_refused() {
    let AccessKey { id, secret } = AWS.user("carol", &["s3:GetObject"]);
    let leaked = Leaked::new(&id, &secret);
    let ledger = leaked.env.work().join("ledger.jsonl");
    let run = leaked.scan(&["--revoke", "auto", "--ledger", text(&ledger)]);
    let finding = run.finding("api_key");
    assert_eq!(finding["liveness"]["state"], "live", "{finding:#}");
    assert_eq!(finding["revocation"]["state"], "refused", "{finding:#}");
    assert_eq!(AWS.key_status("carol", &id).as_deref(), Some("Active"));
}
