//! One trusted issuer, as the operator configured it.
//!
//! This is the root of all trust: a secret may be sent only where an [`Issuer`] allows it, and an `Issuer` is only made here,
//! from the operator's own words. Nothing that was scanned can make one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::administration::{Administration, Context};
use super::document::UnvalidatedIssuer;
use super::environment::Environment;
use super::host::HostPattern;
use super::known_issuer::KnownIssuer;
use super::{ConfigError, read_secret_file};
use crate::key_material::KeyMaterial;
use crate::rules::Rule;
use crate::secret::Secret;

/// Where an issuer's hosts may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// On the public internet; an address inside a private network is refused.
    #[default]
    Public,
    /// In the operator's own network: private addresses are allowed as well, loopback and link-local ones are not.
    Internal,
    /// On this machine: loopback addresses only, and plain http is allowed. For tests.
    Loopback,
}

/// An issuer the operator trusts, and what may be asked of it.
#[expect(clippy::struct_field_names, reason = "`issuer` is what the standards and the file call the identifier")]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the operator's, and they are independent")]
pub struct Issuer {
    /// The issuer identifier (RFC 8414 §2), compared byte for byte.
    pub issuer: String,
    /// The identifier as a URL, if it is one: some issuers (`kubernetes/serviceaccount`) are not, and need pinned endpoints.
    pub url: Option<Url>,
    /// Endpoint that overrides the one in the issuer's metadata.
    pub token_endpoint: Option<Url>,
    /// Endpoint that overrides the one in the issuer's metadata.
    pub introspection_endpoint: Option<Url>,
    /// Endpoint that overrides the one in the issuer's metadata.
    pub revocation_endpoint: Option<Url>,
    /// Key set that overrides the one in the issuer's metadata.
    pub jwks_uri: Option<Url>,
    /// Hosts besides the issuer's own that its metadata may name.
    pub endpoint_hosts: Vec<HostPattern>,
    /// Clients known to be this issuer's: their secrets may be tried here even when nothing beside them names the issuer.
    pub client_ids: Vec<String>,
    /// Client authentication methods, in order, that override those of the metadata (their registered names, RFC 8414 §2).
    pub client_authentication: Vec<String>,
    /// The operator's own client, to introspect with.
    pub credentials: Option<OperatorCredentials>,
    /// Where its hosts may lie.
    pub zone: Zone,
    /// Certificates (PEM) to trust for its hosts, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Whether credentials may be verified here.
    pub verify: bool,
    /// Whether credentials may be revoked here: the operator says with it that the issuer is theirs. Not without their word.
    pub revoke: bool,
    /// Whether refresh tokens may be redeemed here to see whether they work, which uses up those that rotate.
    pub active_checks: bool,
    /// Whether `active: false` means that an access token is dead. By RFC 7662 §2.2 it may as well mean that the caller is not
    /// told. `None` leaves it to what the run sees: that the same client is told of another token.
    pub introspects_access_tokens: Option<bool>,
    /// The same for refresh tokens, which some servers never introspect.
    pub introspects_refresh_tokens: Option<bool>,
    /// Whether nothing but its key set may be fetched: it came with the program, and the operator has not named it.
    pub keys_only: bool,
    /// How its clients are administered, if the operator says that leaked client secrets may be ended that way.
    pub administration: Option<Administration>,
    /// Keeps other modules from making one.
    _operators_word: OperatorsWord,
}

struct OperatorsWord;

/// A client of the operator's own.
pub struct OperatorCredentials {
    /// Its `client_id`.
    pub client_id: String,
    /// How it proves who it is.
    pub proof: OperatorProof,
}

/// How a client of the operator's proves who it is.
pub enum OperatorProof {
    /// Not at all: a public client.
    None,
    /// By a secret.
    Secret(Secret),
    /// By signing with a private key (RFC 7523), in PEM.
    Key {
        /// The key.
        pem: Secret,
        /// Its `kid`, where the issuer knows several keys of the client.
        key_id: Option<String>,
    },
    /// By the certificate with which it opens connections (RFC 8705).
    Certificate(Arc<ClientCertificate>),
}

/// A client's certificate, those that it was issued by, and its private key, in one text of PEM.
pub struct ClientCertificate {
    /// The file that it came from, by which it is told from others.
    pub file: PathBuf,
    /// The text.
    pub pem: Secret,
}

impl Issuer {
    /// An issuer trusted with nothing but its identifier: metadata is fetched, no credentials, the public zone.
    pub(super) fn bare(issuer: &str) -> Result<Self, String> {
        match Self::known(issuer, None) {
            Some(known) => Ok(Self { keys_only: false, ..known }),
            None => Ok(Self::at(issuer.to_owned(), Some(issuer_url(issuer)?), None)),
        }
    }

    fn at(issuer: String, url: Option<Url>, token_endpoint: Option<Url>) -> Self {
        Self {
            issuer,
            url,
            token_endpoint,
            introspection_endpoint: None,
            revocation_endpoint: None,
            jwks_uri: None,
            endpoint_hosts: Vec::new(),
            client_ids: Vec::new(),
            client_authentication: Vec::new(),
            credentials: None,
            zone: Zone::Public,
            ca_bundle: None,
            verify: true,
            revoke: false,
            active_checks: false,
            introspects_access_tokens: None,
            introspects_refresh_tokens: None,
            keys_only: false,
            administration: None,
            _operators_word: OperatorsWord,
        }
    }

    /// An issuer that the program knows, for its key set alone. `None` for every other identifier, and where the keys depend on a
    /// policy that is not given.
    pub(crate) fn known(identifier: &str, policy: Option<&str>) -> Option<Self> {
        let known = KnownIssuer::of(identifier)?;
        let jwks_uri = match known.jwks_uri(identifier, policy).ok()? {
            Some(text) => Some(endpoint_url(&text).ok()?),
            None => None,
        };
        let url = issuer_url(identifier).ok();
        if url.is_none() && jwks_uri.is_none() {
            return None;
        }
        let endpoint_hosts = known.hosts.iter().filter_map(|host| HostPattern::parse(host).ok()).collect();
        Some(Self { jwks_uri, endpoint_hosts, keys_only: true, ..Self::at(identifier.to_owned(), url, None) })
    }

    /// Whether it signs with keys that it does not publish as well, so that an unknown key says nothing.
    pub fn has_other_keys(&self) -> bool {
        KnownIssuer::of(&self.issuer).is_some_and(|known| known.has_other_keys)
    }

    /// A provider that is the same for everybody, at the endpoints that a rule pins. Rules come with the program or from the
    /// operator, never from what is scanned; revoking still needs the operator's own word. `None` when the rule pins none.
    pub(crate) fn pinned_by_rule(rule: &Rule) -> Option<Self> {
        let endpoint = |text: &Option<String>| {
            endpoint_url(text.as_deref()?).ok().filter(|url| {
                url.scheme() == "https" && url.host_str().is_some_and(|host| rule.hosts.iter().any(|name| name == host))
            })
        };
        let token_endpoint = endpoint(&rule.endpoints.token)?;
        Some(Self {
            introspection_endpoint: endpoint(&rule.endpoints.introspection),
            revocation_endpoint: endpoint(&rule.endpoints.revocation),
            // Without a URL of its own nothing is discovered: what is pinned is enough.
            ..Self::at(token_endpoint.as_str().to_owned(), None, Some(token_endpoint))
        })
    }

    /// Validates what the file says. `fail` makes an error at an offset of the file, `None` being the issuer's own place.
    pub(super) fn validate(
        mut written: UnvalidatedIssuer,
        directory: &Path,
        environment: &Environment,
        fail: &dyn Fn(Option<usize>, String) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        if let Some(inline) = &written.client_secret {
            let reason = "a secret may not stand in the configuration: name its environment variable with \
                          `client_secret_env`, or its file with `client_secret_file`";
            return Err(fail(Some(inline.span().start), reason.to_owned()));
        }
        let endpoint = |written: &Option<Spanned<String>>| match written {
            None => Ok(None),
            Some(text) => {
                endpoint_url(text.get_ref()).map(Some).map_err(|reason| fail(Some(text.span().start), reason))
            }
        };
        let token_endpoint = endpoint(&written.token_endpoint)?;
        let introspection_endpoint = endpoint(&written.introspection_endpoint)?;
        let revocation_endpoint = endpoint(&written.revocation_endpoint)?;
        let jwks_uri = endpoint(&written.jwks_uri)?;
        let pinned = token_endpoint.is_some() || introspection_endpoint.is_some() || revocation_endpoint.is_some();
        let url = match issuer_url(&written.issuer) {
            Ok(url) => Some(url),
            Err(_) if pinned || jwks_uri.is_some() => None,
            Err(reason) => return Err(fail(None, reason)),
        };
        let vendors = KnownIssuer::of(&written.issuer).map_or(&[][..], |known| known.hosts);
        let mut endpoint_hosts: Vec<HostPattern> =
            vendors.iter().filter_map(|host| HostPattern::parse(host).ok()).collect();
        let place = Context { issuer: url.as_ref(), directory, environment, fail };
        let administration = written.administration.take();
        let administration = administration.map(|section| Administration::validate(section, &place)).transpose()?;
        for host in &written.endpoint_hosts {
            let parsed = HostPattern::parse(host.get_ref()).map_err(|reason| fail(Some(host.span().start), reason))?;
            endpoint_hosts.push(parsed);
        }
        Ok(Self {
            credentials: operator_credentials(&written, directory, environment, fail)?,
            client_authentication: client_authentication(written.client_authentication, fail)?,
            issuer: written.issuer,
            url,
            token_endpoint,
            introspection_endpoint,
            revocation_endpoint,
            jwks_uri,
            endpoint_hosts,
            client_ids: written.client_ids,
            zone: written.zone,
            ca_bundle: written.ca_bundle.map(|file| directory.join(file)),
            verify: written.verify,
            revoke: written.revoke,
            active_checks: written.active_checks,
            introspects_access_tokens: written.introspects_access_tokens,
            introspects_refresh_tokens: written.introspects_refresh_tokens,
            keys_only: false,
            administration,
            _operators_word: OperatorsWord,
        })
    }
}

fn operator_credentials(
    written: &UnvalidatedIssuer,
    directory: &Path,
    environment: &Environment,
    fail: &dyn Fn(Option<usize>, String) -> ConfigError,
) -> Result<Option<OperatorCredentials>, ConfigError> {
    let secret_of = |variable: &Option<Spanned<String>>, file: &Option<PathBuf>| match (variable, file) {
        (None, None) => Ok(None),
        (Some(name), _) => {
            let value = environment.variable(name.get_ref()).ok_or_else(|| {
                fail(Some(name.span().start), format!("the environment variable `{}` is not set", name.get_ref()))
            })?;
            Ok(Some(Secret::new(value.into_encoded_bytes())))
        }
        (None, Some(file)) => Ok(Some(read_secret_file(&directory.join(file))?)),
    };
    let given = [
        ("client_secret_env", written.client_secret_env.is_some()),
        ("client_secret_file", written.client_secret_file.is_some()),
        ("client_key_env", written.client_key_env.is_some()),
        ("client_key_file", written.client_key_file.is_some()),
        ("client_certificate_file", written.client_certificate_file.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect();
    if let [first, second, ..] = given.as_slice() {
        return Err(fail(None, format!("`{first}` and `{second}` exclude each other")));
    }
    let Some(client_id) = written.client_id.clone() else {
        return match given.first() {
            Some(name) => Err(fail(None, format!("`{name}` is given without a `client_id`"))),
            None => Ok(None),
        };
    };
    let secret = secret_of(&written.client_secret_env, &written.client_secret_file)?;
    let key = secret_of(&written.client_key_env, &written.client_key_file)?;
    let proof = match (secret, key, &written.client_certificate_file) {
        (Some(secret), ..) => OperatorProof::Secret(secret),
        (_, Some(pem), _) => {
            let material = KeyMaterial::read(pem.expose());
            if material.algorithm().is_none() {
                return Err(fail(None, format!("the client's key is {}, which cannot sign", material.words)));
            }
            OperatorProof::Key { pem, key_id: written.client_key_id.clone() }
        }
        (.., Some(file)) => {
            let file = directory.join(file);
            let pem = read_secret_file(&file)?;
            if !holds_certificate_and_key(&pem) {
                let reason = format!("`{}` does not hold a certificate and its private key in PEM", file.display());
                return Err(fail(None, reason));
            }
            OperatorProof::Certificate(Arc::new(ClientCertificate { file, pem }))
        }
        (None, None, None) => OperatorProof::None,
    };
    Ok(Some(OperatorCredentials { client_id, proof }))
}

fn holds_certificate_and_key(text: &Secret) -> bool {
    let blocks = pem::parse_many(text.expose()).unwrap_or_default();
    let has = |is_meant: fn(&str) -> bool| blocks.iter().any(|block| is_meant(block.tag()));
    has(|tag| tag == "CERTIFICATE") && has(|tag| tag.ends_with("PRIVATE KEY"))
}

fn client_authentication(
    written: Option<Spanned<Vec<String>>>,
    fail: &dyn Fn(Option<usize>, String) -> ConfigError,
) -> Result<Vec<String>, ConfigError> {
    const KNOWN: [&str; 7] = [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none",
    ];
    let Some(written) = written else { return Ok(Vec::new()) };
    if written.get_ref().iter().any(|method| !KNOWN.contains(&method.as_str())) {
        let reason = format!("`client_authentication` takes `{}`", KNOWN.join("`, `"));
        return Err(fail(Some(written.span().start), reason));
    }
    Ok(written.into_inner())
}

/// An issuer identifier: a URL without query and fragment (RFC 8414 §2).
fn issuer_url(text: &str) -> Result<Url, String> {
    let url = endpoint_url(text).map_err(|reason| format!("issuer `{}`: {reason}", text.escape_debug()))?;
    if url.query().is_some() {
        return Err(format!("issuer `{}` has a query (RFC 8414 §2)", text.escape_debug()));
    }
    Ok(url)
}

/// A URL that a request may go to. Plain http is told apart later, when the address is known.
fn endpoint_url(text: &str) -> Result<Url, String> {
    super::url::checked_url(text).map_err(|reason| format!("not a usable URL: {reason}"))
}
