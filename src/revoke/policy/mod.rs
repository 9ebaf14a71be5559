//! The revocation policy: which planned revocations may run by themselves, which need approval, which must never run.
//!
//! For the operator, in `[policy]` of their configuration; never read from scanned content. Without a policy everything
//! needs approval. Rules are asked in their order and the first that matches decides; the protect list, ownership and caps
//! stand above the rules and can only make a decision stricter.

mod document;
mod examples;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use globset::GlobSet;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Subject;
use crate::finding::{Confidence, Fingerprint, Kind, LivenessState, Location, Place};
use crate::rules::BlastRadius;
pub use examples::{Example, ExampleContext, ExampleError};

/// A validated policy. Read it with `Config::policy_section`, so that an error names file, line and nearest spelling.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "document::UnvalidatedPolicy")]
pub struct Policy {
    /// The kill switch: nothing is revoked at all, whatever was approved.
    pub halt: bool,
    /// What holds for a finding that no rule matches.
    pub default: PolicyAction,
    /// Findings that must never be revoked.
    pub protect: BTreeSet<Fingerprint>,
    /// How many revocations one run may send.
    pub max_per_run: usize,
    /// How many of them to one issuer.
    pub max_per_issuer: usize,
    /// How many revocations may be sent within an hour, by all runs that write the same ledger.
    pub max_per_hour: usize,
    /// How long an issuer has to make a revocation take effect before a credential that answers counts as still live.
    pub proof_window: Duration,
    rules: Vec<PolicyRule>,
}

/// What a policy says of one planned revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyAction {
    /// It may run without a person.
    Auto,
    /// It runs when somebody approves the plan.
    Approve,
    /// It does not run.
    Never,
}

/// A [`PolicyAction`] and what brought it about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What may happen.
    pub action: PolicyAction,
    /// The rule, list or cap that decided, in words.
    pub decided_by: String,
}

/// One rule: all conditions that it has must hold.
#[derive(Clone, Debug)]
struct PolicyRule {
    /// How it is named in decisions: its `name`, or its place in the file.
    label: String,
    providers: Option<BTreeSet<String>>,
    kinds: Option<BTreeSet<Kind>>,
    issuers: Option<BTreeSet<String>>,
    rules: Option<BTreeSet<String>>,
    min_confidence: Option<Confidence>,
    liveness: Option<BTreeSet<LivenessState>>,
    sources: Option<BTreeSet<SourceKind>>,
    reachable: Option<bool>,
    paths: Option<GlobSet>,
    accounts: Option<GlobSet>,
    min_age_days: Option<u32>,
    max_age_days: Option<u32>,
    max_blast_radius: Option<BlastRadius>,
    action: PolicyAction,
}

/// The sources that a rule can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SourceKind {
    File,
    Git,
    Staged,
    Image,
    Stdin,
}

/// A planned call that a policy is asked about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What it ends.
    pub subject: &'a Subject,
    /// Where it would be sent; the caller has made sure that the operator owns it.
    pub issuer: &'a str,
    /// Whether that is a host that everybody shares, which tells nothing about whose the credential is.
    pub shared: bool,
    /// How much dies with it.
    pub blast_radius: BlastRadius,
    /// The time.
    pub now: OffsetDateTime,
}

/// How many revocations a run has already been allowed, against the caps.
#[derive(Default)]
pub struct CapCounter {
    in_run: usize,
    by_issuer: BTreeMap<String, usize>,
}

impl Default for Policy {
    /// The policy of an operator who wrote none: everything needs approval.
    fn default() -> Self {
        Self {
            halt: false,
            default: PolicyAction::Approve,
            protect: BTreeSet::new(),
            // Room for an ordinary leak; a flood of planted tokens stops here and waits for a person.
            max_per_run: 25,
            max_per_issuer: 10,
            max_per_hour: 100,
            proof_window: Duration::from_secs(20),
            rules: Vec::new(),
        }
    }
}

impl CapCounter {
    /// How many revocations have been counted.
    pub fn in_run(&self) -> usize {
        self.in_run
    }
}

impl Policy {
    /// Decides one planned call.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let &Question { subject, shared, blast_radius, .. } = question;
        if self.halt {
            return Decision::never("the kill switch `policy.halt`");
        }
        if self.protect.contains(&subject.id) {
            return Decision::never("the list `policy.protect`");
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.matches(question)) else {
            return Decision { action: self.default, decided_by: "no rule matches, so `policy.default`".to_owned() };
        };
        let label = &rule.label;
        if rule.action != PolicyAction::Auto {
            return Decision { action: rule.action, decided_by: label.clone() };
        }
        // A rule written for leaked tokens must not, by being short, log out users or kill clients by itself.
        if blast_radius > BlastRadius::Family && rule.max_blast_radius.is_none() {
            return Decision::approve(format!(
                "{label}, which does not name a `max_blast_radius` that allows `{}` by itself",
                blast_radius.as_str()
            ));
        }
        // Anybody can plant the credential of somebody else.
        if shared && rule.accounts.is_none() {
            return Decision::approve(format!(
                "{label}, which does not name the `account` that its credentials are of"
            ));
        }
        if !is_proven_live(subject.liveness) && rule.liveness.is_none() {
            return Decision::approve(format!(
                "{label}, which does not allow liveness `{}` by itself",
                subject.liveness.as_str()
            ));
        }
        Decision { action: PolicyAction::Auto, decided_by: label.clone() }
    }

    /// The pauses between two looks at a credential that still answers: each twice as long as the one before, the window in all.
    pub(super) fn pauses(&self) -> Vec<Duration> {
        let mut pauses = Vec::new();
        let mut left = self.proof_window;
        let mut pause = Duration::from_secs(1);
        while !left.is_zero() {
            pauses.push(pause.min(left));
            left = left.saturating_sub(pause);
            pause = pause.saturating_mul(2);
        }
        pauses
    }

    /// Whether one more call may be sent when so many were within the last hour.
    ///
    /// # Errors
    /// The cap, in words, when it is exhausted.
    pub fn hour_has_room(&self, sent: usize) -> Result<(), String> {
        if sent < self.max_per_hour {
            return Ok(());
        }
        Err(format!("the cap `policy.max_per_hour` of {}", self.max_per_hour))
    }

    /// How many rules it has.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Counts a call that would run against the caps; tells which cap forbids it.
    ///
    /// # Errors
    /// The cap, in words, when it is exhausted.
    pub fn count(&self, counter: &mut CapCounter, issuer: &str) -> Result<(), String> {
        if counter.in_run >= self.max_per_run {
            return Err(format!("the cap `policy.max_per_run` of {}", self.max_per_run));
        }
        let at_issuer = counter.by_issuer.entry(issuer.to_owned()).or_default();
        if *at_issuer >= self.max_per_issuer {
            return Err(format!("the cap `policy.max_per_issuer` of {}", self.max_per_issuer));
        }
        *at_issuer += 1;
        counter.in_run += 1;
        Ok(())
    }
}

impl PolicyRule {
    fn matches(&self, question: &Question<'_>) -> bool {
        fn holds<T: Ord + ?Sized, Q: Ord + std::borrow::Borrow<T>>(wanted: Option<&BTreeSet<Q>>, is: &T) -> bool {
            wanted.is_none_or(|set| set.contains(is))
        }
        let &Question { subject, issuer, blast_radius, now, .. } = question;
        holds(self.providers.as_ref(), subject.provider.as_str())
            && holds(self.kinds.as_ref(), &subject.kind)
            && holds(self.issuers.as_ref(), issuer)
            && holds(self.rules.as_ref(), subject.rule.as_str())
            && holds(self.liveness.as_ref(), &subject.liveness)
            && self.min_confidence.is_none_or(|least| subject.confidence >= least)
            && self
                .accounts
                .as_ref()
                .is_none_or(|globs| subject.account.as_deref().is_some_and(|is| globs.is_match(is)))
            && self.matches_age(subject, now)
            && self.max_blast_radius.is_none_or(|most| blast_radius <= most)
            && self.matches_place(&subject.locations)
    }

    /// Whether it leaked that long ago. Where nobody knows, it is neither old nor new.
    fn matches_age(&self, subject: &Subject, now: OffsetDateTime) -> bool {
        if self.min_age_days.is_none() && self.max_age_days.is_none() {
            return true;
        }
        // Authors choose the dates of their commits: one of tomorrow is of today.
        let age = subject.oldest.map(|oldest| (now - oldest).whole_days().max(0));
        age.is_some_and(|age| {
            self.min_age_days.is_none_or(|least| age >= least.into())
                && self.max_age_days.is_none_or(|most| age <= most.into())
        })
    }

    /// Whether a condition holds. One that nobody looked into holds only where that cannot lead to a revocation.
    fn allows(&self, wanted: bool, is: Option<bool>) -> bool {
        is.map_or(self.action != PolicyAction::Auto, |is| is == wanted)
    }

    /// Whether one of the places meets all conditions on places at once.
    fn matches_place(&self, locations: &[Location]) -> bool {
        if self.sources.is_none() && self.reachable.is_none() && self.paths.is_none() {
            return true;
        }
        locations.iter().any(|location| {
            self.sources.as_ref().is_none_or(|sources| sources.contains(&SourceKind::of(&location.place)))
                && self.reachable.is_none_or(|wanted| self.allows(wanted, is_reachable(&location.place)))
                && self.paths.as_ref().is_none_or(|globs| globs.is_match(&*location.path.display()))
        })
    }
}

impl Decision {
    /// It does not run, because of that.
    pub fn never(decided_by: impl Into<String>) -> Self {
        Self { action: PolicyAction::Never, decided_by: decided_by.into() }
    }

    /// It needs approval, because of that.
    pub fn approve(decided_by: impl Into<String>) -> Self {
        Self { action: PolicyAction::Approve, decided_by: decided_by.into() }
    }
}

impl PolicyAction {
    /// The spelling of the configuration and of plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Approve => "approve",
            Self::Never => "never",
        }
    }
}

impl SourceKind {
    fn of(place: &Place) -> Self {
        match place {
            Place::File => Self::File,
            Place::Stdin => Self::Stdin,
            Place::Git(_) => Self::Git,
            Place::Staged { .. } => Self::Staged,
            Place::Image(_) => Self::Image,
        }
    }
}

/// Whether the issuer said that the credential works.
fn is_proven_live(liveness: LivenessState) -> bool {
    matches!(liveness, LivenessState::Live | LivenessState::LiveRestricted)
}

/// Only a git object can lie where no reference leads to it.
fn is_reachable(place: &Place) -> Option<bool> {
    match place {
        Place::Git(git) => git.reachable,
        Place::File | Place::Stdin | Place::Staged { .. } | Place::Image(_) => Some(true),
    }
}

#[cfg(test)]
mod tests;
