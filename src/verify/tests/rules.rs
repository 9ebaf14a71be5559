//! What rules say of where their findings may go.

use super::*;
use LivenessState::{Live, NotChecked, Unknown};

fn found(rule: &str, rules: &RuleSet, kind: Kind, parts: &[(&str, &str)]) -> Finding {
    let mut finding = finding(kind, "some-secret-0123456789", parts);
    finding.provider = rules.get(rule).map(|rule| rule.provider.clone()).expect("a rule of the program");
    finding.rule = rule.to_owned();
    finding
}

/// The verdict on one finding, with rules, and with names that do not resolve.
fn judge(finding: Finding, config: &Config, rules: &Arc<RuleSet>) -> (LivenessState, String) {
    let egress = Egress::without_names(EgressPolicy::from(config)).expect("a client");
    let issuers = Issuers::with_rules(config, egress.clone(), rules);
    let context = VerifyContext { rules: Arc::clone(rules), ..VerifyContext::new(config, issuers, egress) };
    let mut findings = [finding];
    verify_findings(&mut findings, &context, &Observer::idle()).expect("a runtime");
    let [finding] = findings;
    (finding.liveness.state, finding.liveness.reason.unwrap_or_default())
}

#[test]
fn a_provider_is_asked_where_its_rule_pins_it_and_the_operator_lets_it() {
    let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
    let nobody = "no trusted issuer is known for it";
    let google = "`oauth2.googleapis.com` cannot be resolved";
    for (text, hint, state, reason) in [
        ("", None, Unknown, google),
        ("providers = []", None, NotChecked, nobody),
        ("providers = ['spotify']", None, NotChecked, nobody),
        ("providers = ['google']", None, Unknown, google),
        ("providers = ['google']", Some("https://accounts.google.com"), Unknown, google),
        ("providers = ['google']", Some("https://google.internal.example"), Unknown, "untrusted issuer: https://goo"),
        (
            "providers = ['google']",
            Some("https://accounts.google.com.evil.example"),
            Unknown,
            "untrusted issuer: https://acc",
        ),
    ] {
        let parts: Vec<_> = [("client_id", "app")].into_iter().chain(hint.map(|hint| ("issuer", hint))).collect();
        let client = found("google-oauth-client-secret", &rules, Kind::ClientSecret, &parts);
        let verdict = judge(client, &crate::egress::loopback::config(text), &rules);
        assert!(verdict.0 == state && verdict.1.starts_with(reason), "{text} {hint:?}: {}", verdict.1);
    }
}

#[test]
fn a_neighbour_does_not_overrule_the_rule() {
    let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
    for (lines, state, asked) in [
        ("", NotChecked, false),
        ("client_ids = ['other']", NotChecked, false),
        ("client_ids = ['app']", Live, true),
        ("revoke = true", Live, true),
    ] {
        let server = Server::issuer(|request| {
            let right = request.client().1 == "some-secret-0123456789";
            if right { error(400, "invalid_grant") } else { error(401, "invalid_client") }
        });
        let parts = [("client_id", "app"), ("issuer", &server.origin())];
        let finding = found("google-oauth-client-secret", &rules, Kind::ClientSecret, &parts);
        let mut config = server.trusted(lines);
        config.providers = Some(Vec::new());
        let (got, reason) = judge(finding, &config, &rules);
        assert_eq!((got, !server.requests().is_empty()), (state, asked), "{lines}: {reason}");
    }
}

#[test]
fn what_a_rule_says_is_not_to_be_asked_is_not() {
    let rules = Arc::new(RuleSet::load(&[]).expect("the rules of the program"));
    let server = Server::issuer(|_| Reply::empty(500));
    for rule in rules.rules.iter().filter(|rule| rule.verify.method == crate::rules::VerifyMethod::None) {
        let finding = found(&rule.id, &rules, rule.kind, &[("client_id", "app"), ("issuer", &server.origin())]);
        let (state, reason) = judge(finding, &server.trusted("revoke = true\nclient_ids = ['app']"), &rules);
        assert_eq!((state, Some(reason)), (NotChecked, rule.verify.reason.clone()), "{}", rule.id);
    }
    assert!(server.requests().is_empty());
}
