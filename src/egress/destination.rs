//! [`Destination`]: the proof that a URL may be sent what belongs to an issuer.
//!
//! A request cannot be made without one, and one cannot be made without an [`Issuer`] or [`Instance`] of the operator's
//! configuration, or a host that a rule pins. A host that stands beside a secret, or that a token names, is a hint and never becomes a destination by itself.

use std::path::PathBuf;
use std::sync::Arc;

use url::{Position, Url};

use super::EgressError;
use crate::config::administration::{AdminCredential, Interface};
use crate::config::{Instance, Issuer, Notify, Zone, checked_url};
use crate::rules::Rule;

/// A URL within what the operator trusts for one issuer.
#[derive(Clone)]
pub struct Destination(Arc<Inner>);

struct Inner {
    url: Url,
    zone: Zone,
    ca_bundle: Option<PathBuf>,
}

impl Destination {
    /// Lets a URL pass that is on the issuer's own host and port, is one of its pinned endpoints, or is on one of its
    /// `endpoint_hosts`.
    pub fn within(issuer: &Issuer, url: &str) -> Result<Self, EgressError> {
        let url = checked_url(url).map_err(|reason| EgressError::Url { reason })?;
        let own = issuer.url.as_ref().is_some_and(|own| same_authority(own, &url));
        let pinned =
            [&issuer.token_endpoint, &issuer.introspection_endpoint, &issuer.revocation_endpoint, &issuer.jwks_uri];
        let pinned = pinned.into_iter().flatten().any(|pinned| *pinned == url);
        let listed = issuer.endpoint_hosts.iter().any(|host| host.is_origin_of(&url));
        if own || pinned || listed {
            Ok(Self(Arc::new(Inner { url, zone: issuer.zone, ca_bundle: issuer.ca_bundle.clone() })))
        } else {
            Err(EgressError::NotTrusted { origin: origin(&url), issuer: issuer.issuer.clone() })
        }
    }

    /// Lets a URL pass that is on the host and port where the operator says that the issuer's clients are administered, is the
    /// registration of one of them, or is where the operator's own client gets its token for that.
    pub fn for_administration(issuer: &Issuer, url: &str) -> Result<Self, EgressError> {
        let url = checked_url(url).map_err(|reason| EgressError::Url { reason })?;
        let named = issuer.administration.as_ref().is_some_and(|administration| {
            let registrations = match &administration.interface {
                Interface::Registration(clients) => clients.as_slice(),
                _ => &[],
            };
            let token_endpoint = match &administration.credential {
                AdminCredential::Client { token_endpoint: Some(token_endpoint), .. } => *token_endpoint == url,
                _ => false,
            };
            administration.url.as_ref().is_some_and(|own| same_authority(own, &url))
                || registrations.iter().any(|client| client.url == url)
                || token_endpoint
        });
        if !named {
            return Err(EgressError::NotTrusted { origin: origin(&url), issuer: issuer.issuer.clone() });
        }
        Ok(Self(Arc::new(Inner { url, zone: issuer.zone, ca_bundle: issuer.ca_bundle.clone() })))
    }

    /// Lets a URL pass that is on one of the hosts that a rule pins, by https. Rules come with the program or from the operator,
    /// never from what is scanned.
    pub fn pinned(rule: &Rule, url: &str) -> Result<Self, EgressError> {
        let url = checked_url(url).map_err(|reason| EgressError::Url { reason })?;
        let is_pinned = url.host_str().is_some_and(|host| rule.hosts.iter().any(|pinned| pinned == host));
        if url.scheme() != "https" || url.port().is_some() || !is_pinned {
            return Err(EgressError::NotTrusted { origin: origin(&url), issuer: rule.provider.clone() });
        }
        Ok(Self(Arc::new(Inner { url, zone: Zone::Public, ca_bundle: None })))
    }

    /// Lets a URL pass that is on the host and port of an instance that the operator named.
    pub fn at_instance(instance: &Instance, url: &str) -> Result<Self, EgressError> {
        let url = checked_url(url).map_err(|reason| EgressError::Url { reason })?;
        if !same_authority(&instance.url, &url) {
            return Err(EgressError::NotTrusted { origin: origin(&url), issuer: origin(&instance.url) });
        }
        Ok(Self(Arc::new(Inner { url, zone: instance.zone, ca_bundle: instance.ca_bundle.clone() })))
    }

    /// Where the operator wants to be told what came of revocations.
    pub fn of_receiver(notify: &Notify) -> Self {
        let (url, zone, ca_bundle) = (notify.url.clone(), notify.zone, notify.ca_bundle.clone());
        Self(Arc::new(Inner { url, zone, ca_bundle }))
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0.url
    }

    /// Scheme, host and port: what errors and reports show.
    pub fn origin(&self) -> String {
        origin(&self.0.url)
    }

    /// Host, and port unless it is the usual one: what a verdict names.
    pub fn authority(&self) -> String {
        self.0.url[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    pub(super) fn zone(&self) -> Zone {
        self.0.zone
    }

    pub(super) fn ca_bundle(&self) -> Option<&PathBuf> {
        self.0.ca_bundle.as_ref()
    }
}

/// Scheme, host and port of any URL, without anything that may be secret.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn same_authority(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::environment::Environment;
    use crate::config::{Config, ConfigFile};

    #[test]
    fn clients_are_administered_only_where_the_operator_says() {
        let text = "[[issuer]]\nissuer = 'https://login.example'\n[issuer.administration]\nkind = 'entra'\n\
                    url = 'https://graph.example/v1.0'\nclient_id = 'a'\nclient_secret_env = 'x'\n\
                    token_endpoint = 'https://other.example/token'\n\
                    [[issuer]]\nissuer = 'https://as.example'\n[issuer.administration]\nkind = 'registration'\n\
                    [[issuer.administration.client]]\nclient_id = 'a'\nurl = 'https://reg.example/reg/a'\ntoken_env = 'x'\n\
                    [[issuer]]\nissuer = 'https://plain.example'\n";
        let file = ConfigFile { path: PathBuf::from("config.toml"), named: true };
        let config = Config::parse(text.to_owned(), file, &Environment::fixed([("", "")])).unwrap_or_default();
        for (issuer, url, trusted) in [
            ("https://login.example", "https://graph.example/v1.0/applications", true),
            ("https://login.example", "https://other.example/token", true),
            ("https://login.example", "https://other.example/token2", false),
            ("https://login.example", "https://login.example/admin", false),
            ("https://login.example", "https://graph.example:8443/v1.0", false),
            ("https://as.example", "https://reg.example/reg/a", true),
            ("https://as.example", "https://reg.example/reg/b", false),
            ("https://plain.example", "https://plain.example/admin", false),
        ] {
            let issuer = config.issuer(issuer).expect("the issuer");
            assert_eq!(Destination::for_administration(issuer, url).is_ok(), trusted, "{} {url}", issuer.issuer);
        }
    }

    #[test]
    fn only_what_the_operator_trusts() {
        let text = "[[issuer]]\nissuer = 'https://login.example/tenant'\nendpoint_hosts = ['keys.example', 'api.example:8443']\n\
                    revocation_endpoint = 'https://other.example/revoke'\n";
        let file = ConfigFile { path: PathBuf::from("config.toml"), named: true };
        let config = Config::parse(text.to_owned(), file, &Environment::fixed([("", "")])).unwrap_or_default();
        let issuer = config.issuer("https://login.example/tenant").expect("the issuer");
        for (url, trusted) in [
            ("https://login.example/token", true),
            ("https://LOGIN.example:443/token", true),
            ("https://keys.example/keys", true),
            ("https://api.example:8443/", true),
            ("https://other.example/revoke", true),
            ("https://other.example/revoke2", false),
            ("https://api.example/", false),
            ("https://keys.example:8443/", false),
            ("http://login.example/token", false),
            ("https://login.example:8443/token", false),
            ("https://login.example.evil/token", false),
            ("https://evil.example/login.example", false),
            ("https://login.example@evil.example/", false),
            ("https://user@login.example/", false),
            ("https:\\\\login.example\\token", false),
            ("https://login.example/\ntoken", false),
            ("https://login.example./token", false),
            ("https://login.example/token#fragment", false),
            ("ftp://login.example/", false),
            ("file:///etc/passwd", false),
            ("//login.example/token", false),
            ("", false),
        ] {
            assert_eq!(Destination::within(issuer, url).is_ok(), trusted, "{url}");
        }
    }
}
