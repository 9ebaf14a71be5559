//! Configuration: discovery, precedence, validation; the only reader of environment variables.
//!
//! For `cli`, which loads it, and for everything that asks an issuer. A file is looked for in this order: the one named with
//! `--config`, the one named by `RESCIND_CONFIG`, `$XDG_CONFIG_HOME/rescind/config.toml`; without any, the defaults hold, and
//! no issuer is trusted. Secrets never stand in the file. A file that nobody named and that lies inside a scanned tree is
//! refused: what is scanned must not configure its scanner.

pub mod administration;
mod administrator;
mod document;
pub mod environment;
mod given;
mod host;
mod instance;
mod issuer;
mod known_issuer;
mod notify;
mod url;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use toml::Spanned;

use crate::finding::FingerprintKey;
use crate::rules::RuleSet;
use crate::secret::Secret;
pub use administration::Administration;
pub use administrator::{Administrator, AdministratorKey};
pub(crate) use document::parse as parse_toml;
use document::{UnvalidatedConfig, UnvalidatedEgress};
use environment::Environment;
pub use given::GivenSecret;
pub use host::HostPattern;
pub use instance::Instance;
pub use issuer::{ClientCertificate, Issuer, OperatorCredentials, OperatorProof, Zone};
pub(crate) use known_issuer::KnownIssuer;
pub use notify::{Notify, NotifyFormat, SignatureAlgorithm};
pub(crate) use url::checked_url;

/// Larger files are not read as configuration or as keys.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the operator configured.
#[derive(Default)]
pub struct Config {
    /// The file it came from.
    pub file: Option<ConfigFile>,
    /// File of the key that fingerprints are made with.
    pub fingerprint_key_file: Option<PathBuf>,
    /// How issuers are spoken to.
    pub egress: EgressSettings,
    /// The only providers that may be asked at the hosts that their rules pin, such as `google`. Without such a list all may that
    /// come with the program; those of the operator's own rules must be named.
    pub providers: Option<Vec<String>>,
    /// Providers that are the same for everybody and where credentials may be revoked: the operator says with it that the accounts
    /// whose credentials turn up are theirs.
    pub revoke_providers: Vec<String>,
    /// Instances of providers that are the operator's own, or at a host of theirs.
    pub instances: Vec<Instance>,
    /// The issuers that are trusted, each once.
    pub issuers: Vec<Arc<Issuer>>,
    /// Credentials of the operator's own, by which they take back what was revoked.
    pub administrators: Vec<Administrator>,
    /// Who is told what came of revocations.
    pub notify: Option<Notify>,
    /// The section `[policy]`, as written; `revoke` validates it (see [`Config::policy_section`]).
    pub policy: toml::Table,
    text: String,
}

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// The file.
    pub path: PathBuf,
    /// Whether the user named it, by flag or by environment variable.
    pub named: bool,
}

/// How issuers are spoken to: the section `[egress]`.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Hosts that may be reached at loopback and private addresses, and by plain http at loopback ones.
    pub allow_hosts: Vec<HostPattern>,
    /// Longest time for one request, from the name's resolution to the last byte.
    pub timeout: Duration,
    /// Longest time for all questions of a run.
    pub budget: Duration,
    /// Questions in flight.
    pub concurrency: usize,
    /// Requests in flight to one host.
    pub concurrency_per_host: usize,
    /// Requests begun in any one second to one host; none where the operator has not said it.
    pub requests_per_second: Option<u32>,
    /// How long a verdict is believed by later scans that are given a file of them.
    pub verdicts_last: Duration,
}

/// Why a configuration cannot be used. Quotes no value of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that cannot be read. The source names the path.
    #[error("cannot read the configuration")]
    Read(#[source] std::io::Error),
    /// A file that is too large to be what it should be.
    #[error("`{path}` is larger than 1 MiB")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A configuration that is not UTF-8.
    #[error("`{path}` is not UTF-8 at byte {offset}")]
    NotText {
        /// The file.
        path: PathBuf,
        /// Counted from 0.
        offset: usize,
    },
    /// A key file without content.
    #[error("`{path}` is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Text that is not TOML, or a value of the wrong type.
    #[error("`{path}` line {line}, column {column}: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A key that does not exist.
    #[error("`{path}` line {line}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// The nearest key that exists, as a clause, or nothing.
        hint: String,
    },
    /// A value that makes no sense.
    #[error("`{path}` line {line}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A value on the command line that makes no sense.
    #[error("{0}")]
    Argument(String),
    /// A file that nobody named inside what is scanned.
    #[error(
        "`{path}` lies inside the scanned `{target}`, and what is scanned may not configure rescind; name it with `--config` if it is yours"
    )]
    InsideTarget {
        /// The configuration file.
        path: PathBuf,
        /// The target that holds it.
        target: PathBuf,
    },
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            allow_hosts: Vec::new(),
            timeout: Duration::from_secs(10),
            budget: Duration::from_secs(600),
            concurrency: 8,
            concurrency_per_host: 2,
            requests_per_second: None,
            verdicts_last: Duration::from_secs(900),
        }
    }
}

impl Config {
    /// Finds, reads and validates the configuration. `explicit` is the value of `--config`.
    pub fn load(explicit: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let named = explicit.map(Path::to_owned).or_else(|| environment.named_config_file());
        if let Some(path) = named {
            let text = read(&path)?;
            return Self::parse(text, ConfigFile { path, named: true }, environment);
        }
        let Some(path) = environment.usual_config_file() else { return Ok(Self::default()) };
        match read(&path) {
            Ok(text) => Self::parse(text, ConfigFile { path, named: false }, environment),
            Err(ConfigError::Read(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Validates the text of a configuration file. Relative paths in it start at its directory.
    pub fn parse(text: String, file: ConfigFile, environment: &Environment) -> Result<Self, ConfigError> {
        let written: UnvalidatedConfig = document::parse(&text, &file.path)?;
        let directory = file.path.parent().unwrap_or(Path::new("")).to_owned();
        let invalid = |offset: usize, reason: String| ConfigError::Invalid {
            path: file.path.clone(),
            line: document::position(&text, offset).0,
            reason,
        };
        let egress = EgressSettings::validate(&written.egress, &invalid)?;
        let mut issuers: Vec<Arc<Issuer>> = Vec::new();
        for written in written.issuer {
            let start = written.span().start;
            let fail = |offset: Option<usize>, reason| invalid(offset.unwrap_or(start), reason);
            let issuer = Issuer::validate(written.into_inner(), &directory, environment, &fail)?;
            if issuers.iter().any(|other| other.issuer == issuer.issuer) {
                return Err(invalid(
                    start,
                    format!("issuer `{}` stands here a second time", issuer.issuer.escape_debug()),
                ));
            }
            issuers.push(Arc::new(issuer));
        }
        let mut instances: Vec<Instance> = Vec::new();
        for written in written.instance {
            let start = written.span().start;
            let fail = |offset: Option<usize>, reason| invalid(offset.unwrap_or(start), reason);
            let line = document::position(&text, written.get_ref().provider.span().start).0;
            let instance = Instance::validate(written.into_inner(), line, &directory, &fail)?;
            if instances.iter().any(|other| (&other.provider, &other.url) == (&instance.provider, &instance.url)) {
                return Err(invalid(start, format!("instance `{}` stands here a second time", instance.url)));
            }
            instances.push(instance);
        }
        let mut administrators = Vec::new();
        for written in written.administrator {
            let start = written.span().start;
            let fail = |offset: Option<usize>, reason| invalid(offset.unwrap_or(start), reason);
            administrators.push(Administrator::validate(written.into_inner(), &directory, &fail)?);
        }
        let notify = written.notify;
        let notify = notify.map(|section| Notify::validate(section, &directory, environment, &invalid)).transpose()?;
        Ok(Self {
            administrators,
            fingerprint_key_file: written.fingerprint_key_file.map(|key| directory.join(key)),
            egress,
            providers: written.providers,
            revoke_providers: written.revoke_providers,
            instances,
            issuers,
            notify,
            policy: written.policy,
            file: Some(file),
            text,
        })
    }

    /// Reads the section `[policy]` into a type of its own, so that its errors name file, line and nearest spelling, too.
    /// `None` when there is no such section.
    pub fn policy_section<T: DeserializeOwned>(&self) -> Result<Option<T>, ConfigError> {
        #[derive(Deserialize)]
        struct Section<T> {
            policy: Option<T>,
        }
        let path = self.file.as_ref().map_or(Path::new(""), |file| &file.path);
        document::parse::<Section<T>>(&self.text, path).map(|section| section.policy)
    }

    /// Refuses a configuration file that nobody named and that lies inside one of the scanned targets.
    pub fn refuse_inside<P: AsRef<Path>>(&self, targets: impl IntoIterator<Item = P>) -> Result<(), ConfigError> {
        let Some(ConfigFile { path, named: false }) = &self.file else { return Ok(()) };
        // What cannot be resolved is compared as it is written: a target that does not exist holds no file.
        let resolve = |path: &Path| fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let resolved = resolve(path);
        for target in targets {
            let target = target.as_ref();
            // Standard input has no path, and every path begins with nothing.
            if target.as_os_str().is_empty() {
                continue;
            }
            if resolved.starts_with(resolve(target)) || path.starts_with(target) {
                return Err(ConfigError::InsideTarget { path: path.clone(), target: target.to_owned() });
            }
        }
        Ok(())
    }

    /// Stands for everything that decides who is asked, and how.
    pub fn digest(&self) -> [u8; 32] {
        let hosts: Vec<String> = self.egress.allow_hosts.iter().map(ToString::to_string).collect();
        Sha256::new_with_prefix(&self.text).chain_update([0]).chain_update(hosts.join(" ")).finalize().into()
    }

    /// Refuses an instance of a provider that no rule is of, or whose rules could ask nothing there.
    pub fn check_instances(&self, rules: &RuleSet) -> Result<(), ConfigError> {
        let problem = |instance: &Instance| Some((instance.line, instance.problem_of_provider(rules)?));
        let path = || self.file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
        match self.instances.iter().find_map(problem) {
            Some((line, reason)) => Err(ConfigError::Invalid { path: path(), line, reason }),
            None => Ok(()),
        }
    }

    /// Opens one more host to the client, as `--allow-host HOST[:PORT]` does.
    pub fn allow_host(&mut self, host: &str) -> Result<(), ConfigError> {
        let host = HostPattern::parse(host).map_err(ConfigError::Argument)?;
        self.egress.allow_hosts.push(host);
        Ok(())
    }

    /// Trusts one more issuer, by its identifier alone.
    pub fn trust_issuer(&mut self, issuer: &str) -> Result<(), ConfigError> {
        if self.issuer(issuer).is_none() {
            self.issuers.push(Arc::new(Issuer::bare(issuer).map_err(ConfigError::Argument)?));
        }
        Ok(())
    }

    /// The trusted issuer of exactly that identifier.
    pub fn issuer(&self, identifier: &str) -> Option<&Arc<Issuer>> {
        self.issuers.iter().find(|issuer| issuer.issuer == identifier)
    }

    /// The key that fingerprints are made with: the operator's, or the public default.
    pub fn fingerprint_key(&self) -> Result<FingerprintKey, ConfigError> {
        match &self.fingerprint_key_file {
            Some(path) => Ok(FingerprintKey::new(read_secret_file(path)?.expose())),
            None => Ok(FingerprintKey::default()),
        }
    }
}

impl EgressSettings {
    fn validate(
        written: &UnvalidatedEgress,
        invalid: &dyn Fn(usize, String) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        for host in &written.allow_hosts {
            let parsed = HostPattern::parse(host.get_ref()).map_err(|reason| invalid(host.span().start, reason))?;
            settings.allow_hosts.push(parsed);
        }
        if let Some(seconds) = within("timeout_seconds", written.timeout_seconds.as_ref(), 1, 120, invalid)? {
            settings.timeout = Duration::from_secs(seconds);
        }
        if let Some(seconds) = within("budget_seconds", written.budget_seconds.as_ref(), 1, 86_400, invalid)? {
            settings.budget = Duration::from_secs(seconds);
        }
        if let Some(limit) = within("concurrency", written.concurrency.as_ref(), 1, 64, invalid)? {
            settings.concurrency = limit;
        }
        if let Some(limit) = within("concurrency_per_host", written.concurrency_per_host.as_ref(), 1, 8, invalid)? {
            settings.concurrency_per_host = limit;
        }
        if let Some(limit) = within("requests_per_second", written.requests_per_second.as_ref(), 1, 1000, invalid)? {
            settings.requests_per_second = Some(limit);
        }
        if let Some(seconds) = within("verdict_seconds", written.verdict_seconds.as_ref(), 1, 86_400, invalid)? {
            settings.verdicts_last = Duration::from_secs(seconds);
        }
        Ok(settings)
    }
}

/// A number of the file, if it is there and within the bounds.
fn within<T: Copy + PartialOrd + std::fmt::Display>(
    key: &str,
    written: Option<&Spanned<T>>,
    least: T,
    most: T,
    invalid: &dyn Fn(usize, String) -> ConfigError,
) -> Result<Option<T>, ConfigError> {
    match written {
        Some(number) if *number.get_ref() < least || *number.get_ref() > most => {
            Err(invalid(number.span().start, format!("`{key}` must be between {least} and {most}")))
        }
        Some(number) => Ok(Some(*number.get_ref())),
        None => Ok(None),
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes)
        .map_err(|error| ConfigError::NotText { path: path.to_owned(), offset: error.utf8_error().valid_up_to() })
}

/// A file that holds nothing but a secret; one line break at its end is not part of it.
fn read_secret_file(path: &Path) -> Result<Secret, ConfigError> {
    let bytes = Secret::new(read_bytes(path)?);
    let value = bytes.expose();
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    if value.is_empty() {
        return Err(ConfigError::Empty { path: path.to_owned() });
    }
    Ok(Secret::new(value))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let file = fs_err::File::open(path).map_err(ConfigError::Read)?;
    // A device or a pipe has no size to look at first.
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(ConfigError::Read)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
