//! [`ApprovedPlan`]: what execution takes, and the only two ways to get one.

use thiserror::Error;

use super::plan::{PlanEntry, PlanHash, RevocationPlan};
use super::policy::PolicyAction;

/// A plan that somebody who may has approved. Only this module makes one.
pub struct ApprovedPlan {
    plan: RevocationPlan,
    hash: PlanHash,
    approval: Approval,
}

/// Who approved a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The policy alone: what it marks `auto` runs.
    Policy,
    /// A person, by naming the plan's hash: everything runs that the policy does not forbid.
    Hash,
}

/// Why a plan is not approved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApprovalError {
    /// The hash that was named is another plan's.
    #[error("the plan is sha256:{actual}, and the approval names another one")]
    OtherPlan {
        /// The plan's own hash.
        actual: PlanHash,
    },
}

impl ApprovedPlan {
    /// Approves what the policy marks `auto`. For plans made in this very run: one from a file could claim anything.
    pub(super) fn by_policy(plan: &RevocationPlan) -> Self {
        Self { hash: plan.hash(), plan: plan.clone(), approval: Approval::Policy }
    }

    /// Approves the plan that has this hash.
    ///
    /// # Errors
    /// When the plan has another one.
    pub fn by_hash(plan: RevocationPlan, hash: &str) -> Result<Self, ApprovalError> {
        let actual = plan.hash();
        if !actual.is_written_as(hash) {
            return Err(ApprovalError::OtherPlan { actual });
        }
        Ok(Self { plan, hash: actual, approval: Approval::Hash })
    }

    /// The plan.
    pub fn plan(&self) -> &RevocationPlan {
        &self.plan
    }

    /// Its hash.
    pub fn hash(&self) -> &PlanHash {
        &self.hash
    }

    /// Who approved it.
    pub fn approval(&self) -> Approval {
        self.approval
    }

    /// Whether the approval covers that entry.
    pub fn covers(&self, entry: &PlanEntry) -> bool {
        entry.is_call()
            && match (self.approval, entry.policy.action) {
                (_, PolicyAction::Auto) | (Approval::Hash, PolicyAction::Approve) => true,
                (Approval::Policy, PolicyAction::Approve) | (_, PolicyAction::Never) => false,
            }
    }

    /// How many calls it covers.
    pub fn calls(&self) -> usize {
        self.plan.entries.iter().filter(|entry| self.covers(entry)).count()
    }
}

impl Approval {
    /// The spelling of the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Hash => "hash",
        }
    }
}
