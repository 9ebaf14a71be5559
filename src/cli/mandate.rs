//! [`Mandate`]: what a run may ask issuers and do at them, for every subcommand that does.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::exit::Hint;
use super::pending_file::PendingFile;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::finding::FingerprintKey;
use crate::revoke::{Policy, RevocationPlan, RevokeContext};
use crate::rules::RuleSet;
use crate::verify::VerifyContext;

/// Everything that asking, planning and executing need, validated before anything is asked.
pub(super) struct Mandate {
    pub verify: VerifyContext,
    pub policy: Policy,
    pub key: FingerprintKey,
    pub rules: Arc<RuleSet>,
}

impl Mandate {
    pub(super) fn new(config: &Config, rules: Arc<RuleSet>) -> anyhow::Result<Self> {
        Ok(Self {
            policy: config.policy_section()?.unwrap_or_default(),
            key: config.fingerprint_key()?,
            verify: VerifyContext::open(config, Arc::clone(&rules))?,
            rules,
        })
    }

    pub(super) fn context(&self) -> RevokeContext<'_> {
        let (verify, policy, key, rules) = (&self.verify, &self.policy, &self.key, &self.rules);
        RevokeContext { verify, policy, key, rules, is_cancelled: &|| false }
    }
}

/// The ledger that the user named, or the usual one.
pub(super) fn ledger_file(named: Option<&PathBuf>, environment: &Environment) -> anyhow::Result<PathBuf> {
    let file = named.cloned().or_else(|| environment.usual_ledger_file());
    let file = file.context("there is no home directory to keep a ledger in");
    file.map_err(|error| Hint::attach(error, "name the ledger with --ledger FILE"))
}

/// Saves a plan, whole or not at all, and gives the command that carries it out.
pub(super) fn save_plan(plan: &RevocationPlan, mut file: PendingFile) -> anyhow::Result<String> {
    let command = format!("rescind revoke apply {} --hash {}", file.name().display(), plan.hash());
    file.write_all(&plan.to_json())?;
    file.commit()?;
    Ok(command)
}
