//! How the credentials of a rule are asked about and ended: its part of a rule file, and the requests that it names.

use std::sync::Arc;

use regex::bytes::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::{self, CallEntry, Named, Owner};
use super::rule::{BlastRadius, Deferred, Revoke, RevokeMethod, Verify, VerifyMethod};
use super::schema::PartEntry;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyEntry {
    pub(super) method: VerifyMethod,
    pub(super) reason: Option<String>,
    pub(super) check: Option<Named>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeEntry {
    pub(super) method: RevokeMethod,
    pub(super) blast_radius: BlastRadius,
    #[serde(default)]
    pub(super) reversible: bool,
    #[serde(default)]
    pub(super) steps: Vec<String>,
    pub(super) call: Option<Named>,
}

/// How credentials of a rule are asked about and ended.
pub(super) type Handling = (Deferred<Verify>, Deferred<Revoke>);

/// Whether something is a form of a rule file that must be completed by what else stands there.
pub(super) trait Complete<T> {
    /// The thing itself, from the calls of its file. Without an owner nothing is validated.
    fn complete(&self, calls: &Calls<'_>, owner: Option<&Owner<'_>>) -> Result<T, String>;
}

/// The requests of a file.
pub(super) struct Calls<'a> {
    pub(super) checks: &'a [CallEntry],
    pub(super) revocations: &'a [CallEntry],
}

impl Complete<Verify> for VerifyEntry {
    fn complete(&self, calls: &Calls<'_>, owner: Option<&Owner<'_>>) -> Result<Verify, String> {
        let check = match (&self.check, self.method) {
            (Some(named), VerifyMethod::Request) => {
                Some(Arc::new(call::resolve(named, calls.checks, "check")?.check(owner)?))
            }
            (None, VerifyMethod::Request) => return Err("`verify` with method `request` needs a `check`".to_owned()),
            (Some(_), _) => return Err("only method `request` has a `check`".to_owned()),
            (None, _) => None,
        };
        Ok(Verify { method: self.method, reason: self.reason.clone(), check })
    }
}

impl Complete<Revoke> for RevokeEntry {
    fn complete(&self, calls: &Calls<'_>, owner: Option<&Owner<'_>>) -> Result<Revoke, String> {
        let call = match (&self.call, self.method) {
            (Some(named), RevokeMethod::Request) => {
                Some(Arc::new(call::resolve(named, calls.revocations, "revocation")?.ending(calls.checks, owner)?))
            }
            (None, RevokeMethod::Request) => return Err("`revoke` with method `request` needs a `call`".to_owned()),
            (Some(_), _) => return Err("only method `request` has a `call`".to_owned()),
            (None, _) => None,
        };
        let (blast_radius, reversible, steps) = (self.blast_radius, self.reversible, self.steps.clone());
        Ok(Revoke { method: self.method, blast_radius, reversible, steps, call })
    }
}

/// A part of a rule of the binary, made when it is needed.
pub(super) fn compiled<E: DeserializeOwned + Complete<T> + 'static, T>(json: &'static str) -> Deferred<T> {
    let read = move || {
        let entry: E = serde_json::from_str(json).map_err(|error| error.to_string())?;
        entry.complete(&Calls { checks: &[], revocations: &[] }, None)
    };
    Deferred::new(move || read().expect("the rules of the binary are read whole by a test"))
}

/// The names of the values that a request of a rule with that pattern may send besides the secret.
pub(super) fn names(parts: &[PartEntry], pattern: Option<&str>) -> Vec<String> {
    let groups = pattern.and_then(|pattern| super::compile(pattern).ok());
    let groups = groups.iter().flat_map(Regex::capture_names).flatten();
    groups.chain(parts.iter().map(|part| part.name.as_str())).map(str::to_owned).collect()
}
