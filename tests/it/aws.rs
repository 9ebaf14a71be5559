//! Access keys of AWS, from the leak to the end, against moto's IAM and STS, which check signatures.

use crate::env::{Env, Run};
use crate::leak::text;
use crate::moto::{AWS, AccessKey};
use crate::samples::altered;
use crate::terminal::NO;

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

/// A key that has set itself inactive, and where that is recorded.
struct Ended {
    leaked: Leaked,
    id: String,
    user: &'static str,
    ledger: String,
    report: String,
}

impl Ended {
    fn new(user: &'static str) -> Self {
        let AccessKey { id, secret } = AWS.user(user, &["iam:UpdateAccessKey"]);
        let leaked = Leaked::new(&id, &secret);
        let [ledger, report] =
            ["ledger.jsonl", "report.jsonl"].map(|file| text(&leaked.env.work().join(file)).to_owned());
        leaked.scan(&["--revoke", "auto", "--ledger", &ledger, "--output", &report]);
        assert_eq!(AWS.key_status(user, &id).as_deref(), Some("Inactive"));
        Self { leaked, id, user, ledger, report }
    }

    /// Writes into the configuration who may undo it.
    fn administrator(&self, account: &str, key: &AccessKey) {
        let env = &self.leaked.env;
        env.plant([&*key.secret]);
        env.set("OPERATORS_KEY", &key.secret);
        let config = fs_err::read_to_string(&self.leaked.config).expect("the configuration");
        let config = config.split("[[administrator]]").next().expect("a beginning");
        let administrator = format!(
            "[[administrator]]\nprovider = \"aws\"\naccount = \"{account}\"\nid = \"{}\"\nsecret_env = \"OPERATORS_KEY\"\n",
            key.id
        );
        fs_err::write(&self.leaked.config, format!("{config}{administrator}")).expect("the configuration");
    }

    fn undo(&self, named: &str, more: &[&str]) -> Run {
        let arguments = ["revoke", "undo", named, "--config", &*self.leaked.config, "--ledger", &*self.ledger];
        self.leaked.env.run(arguments.iter().chain(more))
    }

    /// Id of the finding, how it stands, and the receipt that says so.
    fn standing(&self) -> [String; 3] {
        let arguments = ["revoke", "status", "--check", "--ledger", &*self.ledger, "--format", "json"];
        let status: serde_json::Value =
            serde_json::from_str(&self.leaked.env.run(arguments).exits(0).stdout).expect("JSON");
        ["finding", "state", "receipt"].map(|name| crate::server::text(&status["findings"][0], name))
    }

    fn is_active(&self) -> bool {
        AWS.key_status(self.user, &self.id).as_deref() == Some("Active")
    }
}

const EVERY_USER: &str = "arn:aws:iam::*:user/*";

#[test]
fn an_inactive_key_is_made_active_again() {
    let ended = Ended::new("dave");
    ended.administrator(EVERY_USER, &AWS.user("daves-administrator", &["iam:UpdateAccessKey"]));
    let [finding, _, receipt] = ended.standing();
    // Without a terminal, who says nothing else has to name the receipt that holds now.
    let run = ended.undo(&finding, &[]).exits(2);
    assert!(run.stderr.contains("--yes") && !ended.is_active(), "{}", run.stderr);
    ended.undo(&receipt[..20], &[]).exits(2);

    let run = ended.undo(&receipt, &["--report", &ended.report]).exits(0);
    assert!(run.stdout.starts_with("undone ") && ended.is_active(), "{}\n{}", run.stdout, run.stderr);
    let [again, state, newer] = ended.standing();
    assert_eq!((again, &*state), (finding, "undone"));
    assert!(run.stdout.contains(&newer), "{}", run.stdout);
    // There is nothing more to undo.
    let run = ended.undo(&newer, &[]).exits(2);
    assert!(run.stderr.contains("nothing to undo: undone"), "{}", run.stderr);
    let recorded = fs_err::read_to_string(&ended.ledger).expect("the ledger");
    let intent = recorded.find("undo_intent").expect("recorded before it is sent");
    assert!(recorded.find("undo_outcome").is_some_and(|outcome| intent < outcome));
    assert!(recorded.contains("\"by\":\"receipt\""));
}

#[test]
fn a_person_at_a_terminal_types_that_it_is_undone() {
    let ended = Ended::new("grace");
    ended.administrator(EVERY_USER, &AWS.user("graces-administrator", &["iam:*"]));
    let [finding, _, receipt] = ended.standing();
    let arguments = ["revoke", "undo", &finding, "--config", &*ended.leaked.config, "--ledger", &*ended.ledger];
    for (typed, code) in NO {
        let run = ended.leaked.env.answer(typed, arguments).exits(code);
        assert!(run.stdout.contains("Type `undo` to go on: ") && run.stdout.contains(&ended.id), "{}", run.stdout);
        assert!(!ended.is_active() && ended.standing()[2] == receipt, "{typed:?}");
    }
    ended.leaked.env.answer("undo\n", arguments).exits(1);
    assert!(ended.is_active() && ended.standing()[1] == "undone");
    assert!(fs_err::read_to_string(&ended.ledger).expect("the ledger").contains("\"by\":\"terminal\""));
}

/// Nobody asks whether it works again where the value is not read again: that is told, and no proof.
#[test]
fn without_a_report_an_undoing_is_not_proven() {
    let ended = Ended::new("erin");
    ended.administrator(EVERY_USER, &AWS.user("erins-administrator", &["iam:*"]));
    let [finding, ..] = ended.standing();
    let run = ended.undo(&finding, &["--yes"]).exits(1);
    assert!(run.stdout.starts_with("accepted ") && run.stderr.contains("--report"), "{}\n{}", run.stdout, run.stderr);
    assert!(ended.is_active());
    assert_eq!(ended.standing()[1], "undone");
}

#[test]
fn nobody_else_undoes_a_revocation() {
    let ended = Ended::new("frank");
    let [finding, state, receipt] = ended.standing();
    let run = ended.undo(&receipt, &[]).exits(2);
    assert!(run.stderr.contains("no `[[administrator]]` of `aws`"), "{}", run.stderr);
    let administrator = AWS.user("franks-administrator", &["iam:*"]);
    ended.administrator("arn:aws:iam::999999999999:user/*", &administrator);
    ended.undo(&receipt, &[]).exits(2);
    // A finding of nobody, and a value that is not where it was.
    ended.administrator(EVERY_USER, &administrator);
    let run = ended.undo(&"0".repeat(64), &[]).exits(2);
    assert!(run.stderr.contains("holds no finding and no receipt"), "{}", run.stderr);
    let credentials = ended.leaked.env.input().join("home/.aws/credentials");
    let kept = fs_err::read(&credentials).expect("the credentials");
    fs_err::write(&credentials, "").expect("the credentials");
    ended.undo(&receipt, &["--report", &ended.report]).exits(2);
    fs_err::write(&credentials, kept).expect("the credentials");
    assert_eq!(ended.standing(), [finding.clone(), state.clone(), receipt.clone()], "nothing was sent");

    // Who may not, and whose secret is wrong: it stands as it stood.
    let AccessKey { id, secret } = &administrator;
    for key in [AWS.user("franks-colleague", &["s3:GetObject"]), AccessKey { id: id.clone(), secret: altered(secret) }]
    {
        ended.administrator(EVERY_USER, &key);
        let run = ended.undo(&receipt, &[]).exits(1);
        assert!(run.stdout.starts_with("refused "), "{}\n{}", run.stdout, run.stderr);
        assert!(!ended.is_active());
        assert_eq!(ended.standing(), [finding.clone(), state.clone(), receipt.clone()]);
    }
    // Whose accounts these are not does not undo, whatever key they have.
    ended.administrator(EVERY_USER, &administrator);
    let config = fs_err::read_to_string(&ended.leaked.config).expect("the configuration");
    fs_err::write(&ended.leaked.config, config.replace("revoke = true", "revoke = false")).expect("the configuration");
    let run = ended.undo(&receipt, &[]).exits(2);
    assert!(run.stderr.contains("does not say that accounts at `aws` are yours"), "{}", run.stderr);
    assert!(!ended.is_active());
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
