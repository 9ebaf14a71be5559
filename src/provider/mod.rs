//! Requests to the providers' own interfaces: where the one that a rule describes may go, and how it is made of the values of a
//! finding. For `verify`, which asks, and `revoke`, which ends.
//!
//! A value never becomes a host: what a rule pins and what the operator named are all there is. A host that stood beside a
//! credential chooses among them, or says that none of them is meant.

mod build;
mod self_signed;

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use crate::config::{Config, Instance};
use crate::egress::{Destination, EgressError, origin};
use crate::finding::{Finding, PartValue, escape};
use crate::rules::Rule;
use crate::rules::call::{Address, ApiRequest, SECRET, SECRET_PASSWORD, SECRET_PATH, Signature};
use crate::secret::Secret;
pub use build::{build, build_batch};

/// The most places that one credential is taken to, and the most combinations of parts that are tried at one.
const MOST: usize = 4;

/// The parts that name the host of a credential.
const HINTS: [&str; 2] = ["host", "issuer"];

/// What the operator says of providers.
#[derive(Clone, Debug, Default)]
pub struct Providers {
    instances: Vec<Arc<Instance>>,
    only: Option<Vec<String>>,
    revocable: Vec<String>,
}

/// Where a request may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// To the hosts that its rule pins.
    Pinned,
    /// To an instance of the operator's.
    Instance(Arc<Instance>),
}

/// Where a credential may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sites {
    /// The places, in order.
    pub sites: Vec<Site>,
    /// Whether it can only belong to one of them: who refuses it elsewhere says nothing about it.
    pub are_all: bool,
}

/// What fills the places of a request, by name.
pub struct Values {
    named: Vec<(String, Secret)>,
    /// Whether signatures by them are to be wrong ones.
    signs_wrongly: bool,
}

impl From<&Config> for Providers {
    fn from(config: &Config) -> Self {
        Self {
            instances: config.instances.iter().cloned().map(Arc::new).collect(),
            only: config.providers.clone(),
            revocable: config.revoke_providers.clone(),
        }
    }
}

impl Providers {
    /// Whether what a rule finds may be sent to the hosts that it pins.
    pub fn may_ask(&self, rule: &Rule) -> bool {
        match &self.only {
            Some(only) => only.contains(&rule.provider),
            None => rule.is_built_in,
        }
    }

    /// Whether a provider of the program's own lists may be asked for what it publishes.
    pub fn may_fetch_from(&self, provider: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == provider))
    }

    /// Where a request of the rule may take the finding; an error says in words why nowhere.
    pub fn sites(&self, rule: &Rule, request: &ApiRequest, finding: &Finding) -> Result<Sites, String> {
        let provider = &rule.provider;
        let own: Vec<&Arc<Instance>> =
            self.instances.iter().filter(|instance| instance.provider == *provider).collect();
        let hints: Vec<&str> = HINTS.iter().flat_map(|name| finding.parts_named(name)).collect();
        let named: Vec<&Arc<Instance>> =
            own.iter().copied().filter(|instance| hints.iter().any(|hint| instance.is_named_by(hint))).collect();
        let is_tenant = request.is_for_tenants();
        let is_pinned = |hint: &&&str| host_of(hint).is_some_and(|host| rule.is_host(&host));
        let elsewhere = hints.iter().find(|hint| !is_pinned(hint));
        let mut sites: Vec<Site> = Vec::new();
        let candidates = match (named.is_empty(), elsewhere, hints.iter().find(is_pinned)) {
            (false, ..) => named,
            (true, Some(hint), None) => {
                let host = host_of(hint).unwrap_or_else(|| (*hint).to_owned());
                let host = escape(host.as_bytes());
                return Err(format!(
                    "it belongs to `{host}`, which is no `[[instance]]` of `{provider}` in the configuration"
                ));
            }
            (true, _, Some(_)) => Vec::new(),
            (true, None, None) => own,
        };
        let is_switched_off = candidates.iter().any(|instance| !instance.verify);
        sites.extend(
            candidates.iter().filter(|instance| instance.verify).map(|instance| Site::Instance(Arc::clone(instance))),
        );
        let may_ask = self.may_ask(rule);
        // A credential that an instance was named for is nobody else's business.
        if !is_tenant && may_ask && (sites.is_empty() || hints.is_empty()) && !is_switched_off {
            sites.push(Site::Pinned);
        }
        sites.truncate(MOST);
        if !sites.is_empty() {
            // What people run themselves may belong to an instance that nobody named.
            let is_everywhere = is_tenant || rule.parts.iter().any(|part| part.name == "host");
            return Ok(Sites { sites, are_all: !hints.is_empty() || !is_everywhere });
        }
        Err(match (is_switched_off, is_tenant) {
            (true, _) => format!("verification is switched off for this instance of `{provider}`"),
            (false, true) => format!(
                "every customer of `{provider}` has an own host: name it as an `[[instance]]` in the configuration"
            ),
            (false, false) => format!("`{provider}` is not among the `providers` of the configuration"),
        })
    }

    /// The one place where a credential of the rule may be revoked, among those that the operator says are theirs; an error says in
    /// words why there is none. `host` is the one that was asked whether it is alive.
    pub fn owned_site(&self, rule: &Rule, request: &ApiRequest, host: Option<&str>) -> Result<Site, String> {
        let provider = &rule.provider;
        let own = self.instances.iter().filter(|instance| instance.provider == *provider && instance.revoke);
        let mut sites: Vec<Site> = own.map(|instance| Site::Instance(Arc::clone(instance))).collect();
        if !request.is_for_tenants() && self.revocable.contains(provider) {
            sites.push(Site::Pinned);
        }
        if sites.is_empty() {
            return Err(format!("the configuration does not say that accounts at `{provider}` are yours"));
        }
        if let Some(host) = host {
            sites.retain(|site| match site {
                Site::Pinned => rule.is_host(host),
                Site::Instance(instance) => instance.is_named_by(host),
            });
        }
        match sites.as_slice() {
            [site] => Ok(site.clone()),
            [] => Err(format!(
                "the configuration does not say that the accounts are yours where it is alive, at `{}`",
                escape(host.unwrap_or_default().as_bytes())
            )),
            _ => Err(format!("it may belong to several instances of `{provider}`")),
        }
    }
}

/// The host of a URL, or of what stands without a scheme.
fn host_of(hint: &str) -> Option<String> {
    let text = if hint.contains("://") { hint.to_owned() } else { format!("https://{hint}") };
    Url::parse(&text).ok()?.host_str().map(str::to_owned)
}

impl Site {
    /// What the path of an address is appended to. `None` where every customer has an own host, and this is none of them.
    fn base<'a>(&'a self, address: &'a Address) -> Option<&'a str> {
        match self {
            Self::Pinned => address.origin.as_deref(),
            Self::Instance(instance) => Some(instance.url.as_str().trim_end_matches('/')),
        }
    }

    /// Scheme, host and port of where a request to that address goes.
    pub fn origin(&self, address: &Address) -> String {
        match self {
            Self::Pinned => address.origin.clone().unwrap_or_default(),
            Self::Instance(instance) => origin(&instance.url),
        }
    }

    /// Method and address as plans and the ledger have them: the places of values stay places.
    pub fn written(&self, request: &ApiRequest, address: &Address) -> String {
        let base = self.base(address).unwrap_or_default();
        format!("{} {base}{}", request.method.as_str(), address.path.written())
    }

    /// The proof that a URL may be sent what the rule finds.
    fn destination(&self, rule: &Rule, url: &str) -> Result<Destination, EgressError> {
        match self {
            Self::Pinned => Destination::pinned(rule, url),
            Self::Instance(instance) => Destination::at_instance(instance, url),
        }
    }
}

impl Values {
    /// The combinations of values that the request needs; none if one of them was not found. `findings` are those of the same run:
    /// a part can be a secret of its own.
    pub fn combinations(request: &ApiRequest, finding: &Finding, findings: &[Finding]) -> Result<Vec<Self>, String> {
        let mut combinations = vec![Self::from(vec![(SECRET.to_owned(), finding.secret.duplicate())])];
        for (name, piece) in pieces_of(&finding.secret) {
            combinations = combinations.iter().map(|known| known.with(name, piece.duplicate())).collect();
        }
        let is_part = |name: &&str| !matches!(*name, SECRET | SECRET_PATH | SECRET_PASSWORD);
        for name in request.names().into_iter().filter(is_part) {
            let values = values_of(name, finding, findings);
            if values.is_empty() {
                return Err(format!("its `{name}` was not found"));
            }
            let extended =
                combinations.iter().flat_map(|known| values.iter().map(|value| known.with(name, value.duplicate())));
            combinations = extended.take(MOST).collect();
        }
        for name in request.optional_names() {
            if let Some(value) = values_of(name, finding, findings).first() {
                combinations = combinations.iter().map(|known| known.with(name, value.duplicate())).collect();
            }
        }
        Ok(combinations)
    }

    /// A secret and parts that are none.
    pub fn of(secret: &Secret, parts: &BTreeMap<String, String>) -> Self {
        let parts = parts.iter().map(|(name, value)| (name.clone(), Secret::new(value.as_bytes())));
        let pieces = pieces_of(secret).map(|(name, piece)| (name.to_owned(), piece));
        let named: Vec<_> =
            std::iter::once((SECRET.to_owned(), secret.duplicate())).chain(pieces).chain(parts).collect();
        Self::from(named)
    }

    /// The same with one more.
    #[must_use]
    pub fn with(&self, name: &str, value: Secret) -> Self {
        let others = self.named.iter().filter(|(known, _)| known != name);
        let mut named: Vec<_> = others.map(|(name, value)| (name.clone(), value.duplicate())).collect();
        named.push((name.to_owned(), value));
        Self { named, ..*self }
    }

    /// Wrong values in the place of the right ones: of the secret, or of everything where the request sends the secret in pieces. A
    /// key that signs stays, since no other one is at hand, and its signature is spoilt.
    #[must_use]
    pub fn twisted(&self, request: &ApiRequest, twist: impl Fn(&Secret) -> Secret) -> Self {
        let sends_whole = request.names().contains(&SECRET);
        let signs_wrongly = matches!(request.signature, Some(Signature::SelfSignedJwt(_)));
        let named = self.named.iter().map(|(name, value)| {
            let is_twisted = !signs_wrongly && (!sends_whole || name == SECRET);
            (name.clone(), if is_twisted { twist(value) } else { value.duplicate() })
        });
        Self { named: named.collect(), signs_wrongly }
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl From<Vec<(String, Secret)>> for Values {
    fn from(named: Vec<(String, Secret)>) -> Self {
        Self { named, signs_wrongly: false }
    }
}

/// What a secret that is a URL is made of.
fn pieces_of(secret: &Secret) -> impl Iterator<Item = (&'static str, Secret)> {
    let (path, password) = (path_of(secret), password_of(secret));
    path.map(|path| (SECRET_PATH, path)).into_iter().chain(password.map(|password| (SECRET_PASSWORD, password)))
}

/// The password of a secret that is a URL, if nothing in it is encoded.
fn password_of(secret: &Secret) -> Option<Secret> {
    let (_, rest) = secret.expose_str()?.split_once("://")?;
    let (_, password) = rest.split_once('@')?.0.split_once(':')?;
    (!password.is_empty() && !password.contains('%')).then(|| Secret::new(password))
}

/// The path of a secret that is a URL. Only unreserved characters and slashes: nothing that would have to be encoded, and no dots.
fn path_of(secret: &Secret) -> Option<Secret> {
    let rest = secret.expose_str()?.strip_prefix("https://")?;
    let path = rest.get(rest.find('/')?..)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'~');
    path.bytes().all(is_plain).then(|| Secret::new(path))
}

fn values_of(name: &str, finding: &Finding, findings: &[Finding]) -> Vec<Secret> {
    let mut values: Vec<Secret> = Vec::new();
    for part in finding.parts.iter().filter(|part| part.name == name) {
        let value = match &part.value {
            PartValue::Public(text) => Some(Secret::new(text.as_bytes())),
            PartValue::Finding(id) => {
                findings.iter().find(|other| other.id == *id).map(|other| other.secret.duplicate())
            }
        };
        values.extend(value.filter(|value| values.iter().all(|known| known.expose() != value.expose())));
    }
    values
}

#[cfg(test)]
mod tests;
