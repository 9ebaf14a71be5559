//! The configuration file as it is written: TOML text, its shape before validation, and errors that say where.
//!
//! Messages never quote a value of the file: a secret written into the wrong place must not be printed.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use toml::Spanned;

use super::administration::{End, Kind, Scheme};
use super::notify::{Form, SignatureAlgorithm};
use super::{ConfigError, Zone};
use crate::spelling;

/// Everything a configuration file may hold.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnvalidatedConfig {
    pub(super) fingerprint_key_file: Option<PathBuf>,
    pub(super) egress: UnvalidatedEgress,
    pub(super) providers: Option<Vec<String>>,
    pub(super) revoke_providers: Vec<String>,
    pub(super) instance: Vec<Spanned<UnvalidatedInstance>>,
    pub(super) issuer: Vec<Spanned<UnvalidatedIssuer>>,
    pub(super) administrator: Vec<Spanned<UnvalidatedAdministrator>>,
    pub(super) notify: Option<Spanned<UnvalidatedNotify>>,
    pub(super) policy: toml::Table,
}

/// The section `[notify]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedNotify {
    pub(super) url: Spanned<String>,
    #[serde(default)]
    pub(super) format: Form,
    pub(super) token_env: Option<Spanned<String>>,
    pub(super) token_file: Option<PathBuf>,
    /// Present only to be refused with a better message than "unknown key".
    pub(super) token: Option<Spanned<IgnoredAny>>,
    pub(super) key_env: Option<Spanned<String>>,
    pub(super) key_file: Option<PathBuf>,
    /// As `token`.
    pub(super) key: Option<Spanned<IgnoredAny>>,
    pub(super) algorithm: Option<SignatureAlgorithm>,
    pub(super) key_id: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    #[serde(default)]
    pub(super) zone: Zone,
    pub(super) ca_bundle: Option<PathBuf>,
}

/// The section `[egress]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnvalidatedEgress {
    pub(super) allow_hosts: Vec<Spanned<String>>,
    pub(super) timeout_seconds: Option<Spanned<u64>>,
    pub(super) budget_seconds: Option<Spanned<u64>>,
    pub(super) concurrency: Option<Spanned<usize>>,
    pub(super) concurrency_per_host: Option<Spanned<usize>>,
    pub(super) requests_per_second: Option<Spanned<u32>>,
    pub(super) verdict_seconds: Option<Spanned<u64>>,
}

/// One `[[issuer]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedIssuer {
    pub(super) issuer: String,
    pub(super) token_endpoint: Option<Spanned<String>>,
    pub(super) introspection_endpoint: Option<Spanned<String>>,
    pub(super) revocation_endpoint: Option<Spanned<String>>,
    pub(super) jwks_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) endpoint_hosts: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) client_ids: Vec<String>,
    pub(super) client_authentication: Option<Spanned<Vec<String>>>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret_env: Option<Spanned<String>>,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) client_key_env: Option<Spanned<String>>,
    pub(super) client_key_file: Option<PathBuf>,
    pub(super) client_key_id: Option<String>,
    pub(super) client_certificate_file: Option<PathBuf>,
    /// Present only to be refused with a better message than "unknown key".
    pub(super) client_secret: Option<Spanned<IgnoredAny>>,
    #[serde(default)]
    pub(super) zone: Zone,
    pub(super) ca_bundle: Option<PathBuf>,
    #[serde(default = "yes")]
    pub(super) verify: bool,
    /// Ownership is declared, never presumed: an issuer that one trusts to verify may be somebody else's.
    #[serde(default)]
    pub(super) revoke: bool,
    #[serde(default)]
    pub(super) active_checks: bool,
    pub(super) introspects_access_tokens: Option<bool>,
    pub(super) introspects_refresh_tokens: Option<bool>,
    pub(super) administration: Option<Spanned<UnvalidatedAdministration>>,
}

/// The section `[issuer.administration]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedAdministration {
    pub(super) kind: Kind,
    pub(super) url: Option<Spanned<String>>,
    pub(super) end: Option<End>,
    pub(super) token_env: Option<Spanned<String>>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) token_scheme: Option<Scheme>,
    /// Present only to be refused with a better message than "unknown key".
    pub(super) token: Option<Spanned<IgnoredAny>>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret_env: Option<Spanned<String>>,
    pub(super) client_secret_file: Option<PathBuf>,
    /// As `token`.
    pub(super) client_secret: Option<Spanned<IgnoredAny>>,
    pub(super) scope: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) token_endpoint: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) client: Vec<UnvalidatedRegistration>,
}

/// One `[[issuer.administration.client]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedRegistration {
    pub(super) client_id: String,
    pub(super) url: Spanned<String>,
    pub(super) token_env: Option<Spanned<String>>,
    pub(super) token_file: Option<PathBuf>,
}

/// One `[[instance]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedInstance {
    pub(super) provider: Spanned<String>,
    pub(super) url: Spanned<String>,
    #[serde(default)]
    pub(super) zone: Zone,
    pub(super) ca_bundle: Option<PathBuf>,
    #[serde(default = "yes")]
    pub(super) verify: bool,
    #[serde(default)]
    pub(super) revoke: bool,
}

/// One `[[administrator]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnvalidatedAdministrator {
    pub(super) provider: String,
    pub(super) account: Spanned<String>,
    pub(super) id: Option<String>,
    pub(super) id_env: Option<Spanned<String>>,
    pub(super) secret_env: Option<Spanned<String>>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) session_token_env: Option<Spanned<String>>,
    pub(super) session_token_file: Option<PathBuf>,
    /// Present only to be refused with a better message than "unknown key".
    pub(super) secret: Option<Spanned<IgnoredAny>>,
}

fn yes() -> bool {
    true
}

/// Reads text into a shape; errors name file, line and, for a key that does not exist, the nearest that does.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = error.span().map_or((1, 1), |span| position(text, span.start));
        let path = path.to_owned();
        match unknown_key(error.message()) {
            Some((key, known)) => {
                let hint = spelling::nearest(&key, known.iter().map(String::as_str))
                    .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                ConfigError::UnknownKey { path, line, key, hint }
            }
            None => ConfigError::Syntax { path, line, column, reason: without_values(error.message()) },
        }
    })
}

/// Line and column (in characters) of a byte, both counted from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Takes serde's `unknown field` message apart: the key, and the keys that exist. Serde has no typed form of it.
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((key.to_owned(), known))
}

/// Drops the quoted value of serde's `invalid type: string "…", expected …`, which may be a secret.
fn without_values(message: &str) -> String {
    let mut kept = String::with_capacity(message.len());
    for (i, piece) in message.split('"').enumerate() {
        kept.push_str(if i % 2 == 0 { piece } else { "…" });
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_quoted() {
        assert_eq!(
            without_values("invalid type: string \"hunter2\", expected u64"),
            "invalid type: string …, expected u64"
        );
    }
}
