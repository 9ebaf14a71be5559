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
use crate::notify::{Event, Notifier};
use crate::revoke::execute::Executed;
use crate::revoke::{Policy, RevocationPlan, RevokeContext};
use crate::rules::RuleSet;
use crate::verify::VerifyContext;

/// Everything that asking, planning and executing need, validated before anything is asked.
pub(super) struct Mandate {
    pub verify: VerifyContext,
    pub policy: Policy,
    pub key: FingerprintKey,
    pub rules: Arc<RuleSet>,
    /// Whom to tell what came of revocations; read for runs that revoke.
    pub notifier: Option<Notifier>,
}

impl Mandate {
    pub(super) fn new(config: &Config, rules: Arc<RuleSet>) -> anyhow::Result<Self> {
        Ok(Self {
            policy: config.policy_section()?.unwrap_or_default(),
            key: config.fingerprint_key()?,
            verify: VerifyContext::open(config, Arc::clone(&rules))?,
            rules,
            notifier: None,
        })
    }

    /// The same for a run that revokes: a mistake in how its outcomes are told is told before anything is sent.
    pub(super) fn to_revoke(config: &Config, rules: Arc<RuleSet>) -> anyhow::Result<Self> {
        let notifier = config.notify.as_ref().map(|notify| Notifier::prepare(notify).map_err(anyhow::Error::msg));
        Ok(Self { notifier: notifier.transpose()?, ..Self::new(config, rules)? })
    }

    /// Tells the operator's receiver what came of a plan. Gives what it could not be told, in words: nothing that was done
    /// depends on it.
    pub(super) fn tell(&self, plan: &RevocationPlan, results: &[Executed]) -> Option<String> {
        let notifier = self.notifier.as_ref()?;
        let hash = plan.hash().to_string();
        let events = Event::of(&hash, &plan.entries, results, (self.verify.clock)());
        let told = match notifier.tell(&self.verify.egress, &events) {
            Ok(told) => told,
            Err(error) => return Some(format!("the receiver of `notify` could not be told of anything: {error}")),
        };
        let total = told.sent + told.failed;
        let reason = told.reason?;
        Some(format!("the receiver of `notify` could not be told of {} of {total} outcomes: {reason}", told.failed))
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
