//! One instance of a provider's software or service that the operator named: a GitLab of one's own, the company's Okta.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::ConfigError;
use super::document::UnvalidatedInstance;
use super::issuer::Zone;
use super::url::checked_url;
use crate::finding::escape;
use crate::rules::{Rule, RuleSet};
use crate::spelling;

/// Where credentials of a provider may be asked about besides the hosts that are the same for everybody. Like an issuer, it is
/// only made of the operator's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The line of the configuration where its provider stands, counted from 1.
    pub line: usize,
    /// The provider, as rules name it: `gitlab`.
    pub provider: String,
    /// Where it is; what stands behind the host comes before the path of every request.
    pub url: Url,
    /// Where its host may lie.
    pub zone: Zone,
    /// Certificates (PEM) to trust for it, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Whether credentials may be verified here.
    pub verify: bool,
    /// Whether credentials may be revoked here: the operator says with it that the instance is theirs.
    pub revoke: bool,
}

impl Instance {
    /// Validates what the file says, but for whether there is such a provider: only rules tell that. `fail` makes an error at an
    /// offset of the file, `None` being the instance's own place.
    pub(super) fn validate(
        written: UnvalidatedInstance,
        line: usize,
        directory: &Path,
        fail: &dyn Fn(Option<usize>, String) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        let place = written.url.span().start;
        let refused = |reason: &str| fail(Some(place), format!("`url` of an instance: {reason}"));
        let url = checked_url(written.url.get_ref()).map_err(refused)?;
        if url.query().is_some() {
            return Err(refused("it has a query"));
        }
        if written.provider.get_ref().is_empty() {
            return Err(fail(
                None,
                "an instance needs the name of its `provider`, as `rescind rules list` shows it".to_owned(),
            ));
        }
        let UnvalidatedInstance { provider, url: _, zone, ca_bundle, verify, revoke } = written;
        let ca_bundle = ca_bundle.map(|file| directory.join(file));
        Ok(Self { line, provider: provider.into_inner(), url, zone, ca_bundle, verify, revoke })
    }

    /// What is wrong with its provider, given the rules of a run.
    pub(super) fn problem_of_provider(&self, rules: &RuleSet) -> Option<String> {
        let mut of_provider = rules.rules.iter().filter(|rule| rule.provider == self.provider).peekable();
        let shown = escape(self.provider.as_bytes());
        if of_provider.peek().is_some() {
            let has_request = |rule: &Arc<Rule>| rule.verify.check.is_some() || rule.revoke.call.is_some();
            let idle = "have a request that could go there: they are asked about elsewhere, or by hand";
            return (!of_provider.any(has_request)).then(|| format!("none of the rules of `{shown}` {idle}"));
        }
        let known = rules.rules.iter().map(|rule| rule.provider.as_str());
        let hint = match spelling::nearest(&self.provider, known) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => ": `rescind rules list` shows the providers, and `--rules` loads rules of others".to_owned(),
        };
        Some(format!("no rule is of the provider `{shown}` that an instance is for{hint}"))
    }

    /// Whether text that stood beside a credential names this instance: its host, its host and port, or a URL there.
    pub fn is_named_by(&self, hint: &str) -> bool {
        let names_port =
            hint.rsplit_once(':').is_some_and(|(_, rest)| rest.starts_with(|digit: char| digit.is_ascii_digit()));
        let text = if hint.contains("://") { hint.to_owned() } else { format!("{}://{hint}", self.url.scheme()) };
        let Ok(hint) = Url::parse(&text) else { return false };
        // A host without a port may stand for any.
        let ports_agree = !names_port || hint.port_or_known_default() == self.url.port_or_known_default();
        hint.host() == self.url.host() && ports_agree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_an_instance_by_its_host() {
        let url = Url::parse("https://git.acme.example:8443/gitlab").expect("a URL");
        let instance = Instance {
            line: 1,
            provider: "gitlab".to_owned(),
            url,
            zone: Zone::Public,
            ca_bundle: None,
            verify: true,
            revoke: false,
        };
        for (hint, expected) in [
            ("git.acme.example", true),
            ("GIT.acme.example:8443", true),
            ("https://git.acme.example/", true),
            ("https://git.acme.example:8443/api/v4", true),
            ("git.acme.example:443", false),
            ("git.acme.example.evil.example", false),
            ("https://evil.example/git.acme.example", false),
            ("", false),
            ("not a host", false),
        ] {
            assert_eq!(instance.is_named_by(hint), expected, "{hint}");
        }
    }
}
