//! Revocation: plan, policy, ledger, execution, proof.
//!
//! The only part of the program that changes anything at an issuer. A [`plan`](plan::plan) says what would be done and what
//! the policy makes of it; execution takes an approved plan and nothing else, writes its intent to the ledger before a
//! request leaves, and asks afterwards whether the credential is dead. This module cannot see `source`: values are read
//! again through a closure that its caller gives, and must match their finding.

mod administration;
mod approval;
mod canonical;
pub mod execute;
pub mod ledger;
pub mod plan;
pub mod policy;
mod provider_call;
pub mod report_input;
mod rfc7009;
mod run;
mod subject;
mod terms;
mod undo;

pub use administration::AdministrationTerms;
pub use approval::{Approval, ApprovalError, ApprovedPlan};
pub use ledger::Ledger;
pub use plan::{PlanInput, RevocationPlan};
pub use policy::Policy;
pub use run::{AutoRun, RevokeContext, RevokeError, execute_approved, plan_findings, plan_subjects, run_auto};
pub use subject::Subject;
pub use terms::{IssuerMatch, IssuerTerms, Survey, survey};
pub use undo::{Confirmation, Probed, UndoError, UndoTarget, Undone, execute_undo};

#[cfg(test)]
mod tests;
