//! Where requests may go, and that no value becomes syntax.

use super::*;
use crate::finding::Kind;
use crate::issuer::tests::finding;
use crate::rules::RuleSet;
use crate::rules::call::Signature;

#[test]
fn every_request_of_the_program_can_be_built() {
    let rules = RuleSet::load(&[]).expect("the rules of the program");
    // All that could be syntax somewhere, but for control characters, which no header takes.
    let nasty = "a/../b?c#d&e=f:g@h\"i\\j{k}%2e%2e<l>;m,n ö";
    for rule in &rules.rules {
        let checks = rule.verify.check.iter().map(|check| &check.request);
        for request in checks.chain(rule.revoke.call.iter().map(|call| &call.request)) {
            let names = request.names();
            let parts: Vec<(&str, &str)> =
                names.iter().filter(|name| !name.starts_with(SECRET)).map(|name| (*name, nasty)).collect();
            let value = match names.iter().find(|name| name.starts_with("secret_")) {
                Some(&"secret_path") => "https://hooks.example/api/x",
                Some(_) => "acme://user:password@host",
                // A key that signs: the one of RFC 8037, appendix A.1, is everybody's.
                None if matches!(request.signature, Some(Signature::SelfSignedJwt(_))) => {
                    "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
                }
                None => nasty,
            };
            let finding = finding(Kind::ApiKey, value, &parts);
            let [values] = &Values::combinations(request, &finding, &[]).expect("all parts")[..] else { panic!("one") };
            for address in &request.addresses {
                let instance = Instance {
                    line: 1,
                    provider: rule.provider.clone(),
                    url: Url::parse("https://own.example/base").expect("a URL"),
                    zone: crate::config::Zone::Public,
                    ca_bundle: None,
                    verify: true,
                    revoke: false,
                };
                let expected = address.path.written();
                let expected = expected.replace("{secret_path}", "/api/x");
                let segments = expected.split('?').next().unwrap_or_default().split('/').count();
                let at_instance =
                    build(rule, request, address, &Site::Instance(Arc::new(instance)), values).expect("built");
                let url = at_instance.destination().url();
                assert_eq!(
                    (url.host_str(), url.path().split('/').count()),
                    (Some("own.example"), segments.max(2) + 1),
                    "{}",
                    rule.id
                );
                match (&address.origin, build(rule, request, address, &Site::Pinned, values)) {
                    (Some(origin), Ok(pinned)) => {
                        assert_eq!(pinned.destination().origin(), *origin, "{}", rule.id);
                        assert_eq!(
                            pinned.destination().url().path().split('/').count(),
                            segments.max(2),
                            "{}",
                            rule.id
                        );
                    }
                    (None, Err(_)) => {}
                    _ => panic!("{}: {expected}", rule.id),
                }
            }
        }
    }
}

#[test]
fn control_characters_and_dot_segments_are_refused() {
    let rules = RuleSet::load(&[]).expect("the rules of the program");
    let mut refused = 0;
    for rule in &rules.rules {
        let Some(check) = &rule.verify.check else { continue };
        for nasty in ["a\r\nX: y", "..", ""] {
            let names = check.request.names();
            let parts: Vec<(&str, &str)> =
                names.iter().filter(|name| !name.starts_with(SECRET)).map(|name| (*name, nasty)).collect();
            let finding = finding(Kind::ApiKey, nasty, &parts);
            let values = Values::combinations(&check.request, &finding, &[]).expect("all parts");
            let in_path = |address: &crate::rules::call::Address| address.path.names().next().is_some();
            for address in &check.request.addresses {
                let built = build(rule, &check.request, address, &Site::Pinned, &values[0]);
                let is_bad = if nasty.contains('\r') { !check.request.headers.is_empty() } else { in_path(address) };
                assert!(!is_bad || built.is_err(), "{} {nasty:?}", rule.id);
                refused += usize::from(is_bad);
            }
        }
    }
    assert!(refused > 50, "{refused}");
}
