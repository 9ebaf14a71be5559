//! Takes a revocation back, where its provider knows how. A credential that was ended cannot ask for that itself, so an
//! administrator's does. The same record is kept as of a revocation: an intent before the request leaves, its outcome after, and what
//! a look at the credential shows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use super::execute::prepare::finding_of;
use super::execute::{ProbeSubject, outcome, told};
use super::ledger::{Chain, Event, Intent, Ledger, LedgerError, LedgerState, Reversal, Standing, UndoIntent};
use super::plan::{PlanEntry, PlannedAction};
use super::provider_call::{PreparedRequest, execute_call};
use super::run::{RevokeContext, RevokeError, runtime};
use super::{Subject, rfc7009::Answer};
use crate::config::AdministratorKey;
use crate::finding::{Fingerprint, Liveness, LivenessState, Part};
use crate::provider::{Values, build};
use crate::rules::call::{ADMINISTRATOR, ADMINISTRATOR_SESSION, Undo};
use crate::rules::{Rule, RuleSet};
use crate::secret::Secret;
use crate::verify::reprobe;

/// A revocation that can be taken back, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoTarget {
    /// The finding.
    pub finding: Fingerprint,
    /// What was sent to end it.
    pub intent: Intent,
    /// What taking it back needs.
    pub reversal: Reversal,
    /// Hash of the intent.
    pub revocation: String,
    /// Hash of the entry that says how it stands: what somebody who knows of it can name.
    pub receipt: String,
}

/// Why a revocation is not taken back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UndoError {
    /// The ledger knows neither such a finding nor such a receipt.
    #[error("the ledger holds no finding and no receipt `{named}`")]
    NotFound {
        /// What was named, made fit to show.
        named: String,
    },
    /// Nothing was sent, or it had no effect.
    #[error("there is nothing to undo: {state}, {detail}")]
    NothingDone {
        /// How it stands.
        state: &'static str,
        /// Why, in words.
        detail: String,
    },
    /// No call takes it back.
    #[error("this revocation cannot be undone: {reason}")]
    Impossible {
        /// Why, in words.
        reason: String,
    },
    /// What the operator's word or the request lacks. Nothing was sent.
    #[error("not sent: {reason}")]
    NotPrepared {
        /// Why, in words.
        reason: String,
    },
    /// The ledger changed between the question and the answer.
    #[error("not sent: another run has changed how it stands")]
    Changed,
    /// The ledger or the machinery for asking issuers fails.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
}

/// Who confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// A person, at the terminal.
    Terminal,
    /// Whoever named the exact receipt.
    Receipt,
    /// Whoever said so on the command line.
    Yes,
}

/// The credential and its value, to ask whether it works again.
pub struct Probed<'a> {
    /// What a report says of it.
    pub subject: &'a Subject,
    /// Its value, which matches its id.
    pub value: Secret,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// `undone` where the credential is proven to work again, `accepted` without proof.
    pub state: LedgerState,
    /// Why, in words.
    pub detail: String,
    /// Hash of the ledger entry that says so.
    pub receipt: String,
}

impl UndoTarget {
    /// What `named` means: the id of a finding, or the hash of an entry about it.
    ///
    /// # Errors
    /// When nothing is there to undo, or nothing undoes it.
    pub fn find(chain: &Chain, named: &str) -> Result<Self, UndoError> {
        let named = named.trim();
        let digits = named.strip_prefix("sha256:").unwrap_or(named);
        let of_receipt = |(entry, hash): &(super::ledger::Entry, String)| {
            hash.eq_ignore_ascii_case(digits).then(|| entry.event.finding().map(str::to_owned)).flatten()
        };
        let id = chain.entries.iter().find_map(of_receipt).unwrap_or_else(|| named.to_owned());
        let not_found = || UndoError::NotFound { named: crate::finding::escape(named.as_bytes()).into_owned() };
        let standing = chain.standings().remove(&id).ok_or_else(not_found)?;
        let finding = Fingerprint::parse(&id).ok_or_else(not_found)?;
        Self::of(finding, standing)
    }

    fn of(finding: Fingerprint, standing: Standing) -> Result<Self, UndoError> {
        let Standing { state, detail, receipt, intent, intent_hash, .. } = standing;
        let (Some(intent), Some(revocation)) = (intent, intent_hash) else {
            return Err(UndoError::NothingDone { state: state.as_str(), detail });
        };
        match state {
            LedgerState::Revoked | LedgerState::Accepted | LedgerState::StillLive | LedgerState::Unknown => {}
            LedgerState::Refused | LedgerState::Failed | LedgerState::Undone => {
                return Err(UndoError::NothingDone { state: state.as_str(), detail });
            }
        }
        let Some(reversal) = intent.reversal.clone() else {
            return Err(UndoError::Impossible { reason: why_final(&intent) });
        };
        Ok(Self { finding, intent, reversal, revocation, receipt })
    }

    /// Whether somebody wrote the receipt that tells how it stands now, in full.
    pub fn is_named_exactly(&self, named: &str) -> bool {
        let named = named.trim();
        named.strip_prefix("sha256:").unwrap_or(named).eq_ignore_ascii_case(&self.receipt)
    }
}

fn why_final(intent: &Intent) -> String {
    if intent.method == "rfc7009" {
        return "no issuer brings a revoked token back (RFC 7009); its client has to get a new one".to_owned();
    }
    if intent.method == "administration" {
        return "a client's secret comes back only at its issuer: one that Okta has deactivated is activated there, others are \
                made anew"
            .to_owned();
    }
    format!(
        "`{}` has no call that brings such a credential back, or did not tell whose it was; its owner has to make a new one",
        intent.provider
    )
}

/// What the ledger keeps with an intent so that it can be taken back: none where the rule has no call for that, or a value of it is
/// not known.
pub(super) fn reversal(rules: &RuleSet, entry: &PlanEntry) -> Option<Reversal> {
    let PlannedAction::Provider { call, parts, .. } = &entry.action else { return None };
    let rule = rules.get(&entry.rule)?;
    let undo = rule.revoke.call.as_deref().filter(|ending| ending.name == *call)?.undo.as_deref()?;
    let account = entry.liveness.account.clone().unwrap_or_default();
    let told = told_by_account(undo, &account)?;
    let is_given = |name: &str| {
        parts.contains_key(name)
            || told.contains_key(name)
            || [ADMINISTRATOR, crate::rules::call::SECRET].contains(&name)
    };
    let names = undo.request.request.names();
    let needed = |name: &String| names.contains(&name.as_str());
    names.iter().all(|name| is_given(name)).then(|| Reversal {
        rule: entry.rule.clone(),
        account,
        parts: parts
            .iter()
            .filter(|(name, _)| needed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    })
}

/// What the name of an account tells: nothing needed, or the groups of the pattern. `None` if it does not match.
fn told_by_account(undo: &Undo, account: &str) -> Option<BTreeMap<String, String>> {
    let Some(pattern) = &undo.account_pattern else { return Some(BTreeMap::new()) };
    let pattern = crate::rules::compile(pattern).ok()?;
    let captures = pattern.captures(account.as_bytes())?;
    let named = pattern.capture_names().flatten().filter_map(|name| {
        let value = std::str::from_utf8(captures.name(name)?.as_bytes()).ok()?;
        Some((name.to_owned(), value.to_owned()))
    });
    Some(named.collect())
}

/// Takes the revocation back: records the intent, sends the request once, records what came of it. With `probed`, the credential is
/// asked about until it works again or the policy's window is over.
///
/// # Errors
/// When nothing could be sent, or the ledger cannot be written.
pub fn execute_undo(
    target: &UndoTarget,
    administrator: &AdministratorKey,
    probed: Option<Probed<'_>>,
    confirmed_by: Confirmation,
    context: &RevokeContext<'_>,
    ledger: &Path,
) -> Result<Undone, UndoError> {
    let undoing = Undoing { target, administrator, context };
    let (request, endpoint) = undoing.prepare()?;
    let clock = &*context.verify.clock;
    let mut ledger = Ledger::open(ledger, clock()).map_err(RevokeError::Ledger)?;
    if UndoTarget::find(ledger.chain(), &target.receipt).ok().as_ref() != Some(target) {
        return Err(UndoError::Changed);
    }
    let subject = undoing.subject(probed, request.host());
    let runtime = runtime()?;
    let intent = UndoIntent {
        finding: target.finding.to_string(),
        revocation: target.revocation.clone(),
        issuer: target.intent.issuer.clone(),
        endpoint,
        authority: "administrator".to_owned(),
        by: confirmed_by.as_str().to_owned(),
    };
    let wrong = |error: LedgerError| UndoError::Revoke(RevokeError::Ledger(error));
    let intent = ledger.append(Event::UndoIntent(intent), clock()).map_err(wrong)?;
    let (state, detail) = runtime.block_on(undoing.send(request, &subject));
    let event = Event::UndoOutcome {
        finding: target.finding.to_string(),
        intent: intent.as_str().to_owned(),
        state,
        detail: detail.clone(),
    };
    let receipt = ledger.append(event, clock()).map_err(wrong)?;
    Ok(Undone { state, detail, receipt: receipt.as_str().to_owned() })
}

/// One undoing under way.
struct Undoing<'a> {
    target: &'a UndoTarget,
    administrator: &'a AdministratorKey,
    context: &'a RevokeContext<'a>,
}

/// What is asked about, and what its provider must not be quoted with.
struct Looked {
    subject: ProbeSubject,
    /// Whether its value is at hand.
    is_probed: bool,
}

impl Undoing<'_> {
    /// The request, with its method and address, if the operator still says that the accounts there are theirs and the rule still
    /// leads to where the revocation went.
    fn prepare(&self) -> Result<(PreparedRequest, String), UndoError> {
        let not_prepared = |reason: String| UndoError::NotPrepared { reason };
        let changed = || not_prepared("the rule knows no more how to undo it where it was done".to_owned());
        let (rule, undo) = self.rule().ok_or_else(changed)?;
        let UndoTarget { intent, reversal, .. } = self.target;
        // The administrator was chosen by the provider: a ledger that names another rule must not lead their secret elsewhere.
        if rule.provider != intent.provider {
            return Err(changed());
        }
        let call = &undo.request;
        let host = intent.issuer.split_once("://").map_or("", |(_, host)| host);
        let site = self.context.verify.providers().owned_site(rule, &call.request, Some(host)).map_err(not_prepared)?;
        let is_there = |address: &&crate::rules::call::Address| site.origin(address) == intent.issuer;
        let address = call.request.addresses.iter().find(is_there).ok_or_else(changed)?;
        let told = told_by_account(undo, &reversal.account).ok_or_else(changed)?;
        let mut values = Values::of(&self.administrator.secret, &reversal.parts);
        match &self.administrator.id {
            Some(id) => values = values.with(ADMINISTRATOR, id.duplicate()),
            None if call.request.names().contains(&ADMINISTRATOR) => {
                return Err(not_prepared("its `[[administrator]]` has no `id`, which the request needs".to_owned()));
            }
            None => {}
        }
        for (name, value) in &told {
            values = values.with(name, Secret::new(value.as_bytes()));
        }
        if let Some(session) = &self.administrator.session_token {
            values = values.with(ADMINISTRATOR_SESSION, session.duplicate());
        }
        let request = build(rule, &call.request, address, &site, &values);
        let request = request.map_err(|error| not_prepared(error.to_string()))?;
        let endpoint = site.written(&call.request, address);
        Ok((PreparedRequest::single(request, call.clone()), endpoint))
    }

    fn rule(&self) -> Option<(&Rule, &Undo)> {
        let rule = self.context.rules.get(&self.target.reversal.rule)?;
        Some((rule, rule.revoke.call.as_deref()?.undo.as_deref()?))
    }

    /// The credential as execution asks about it: where it was accepted, with what it was ended by.
    fn subject(&self, probed: Option<Probed<'_>>, host: String) -> Looked {
        let administrator = || self.administrator.secret.duplicate();
        let kind = probed.as_ref().map_or(crate::finding::Kind::ApiKey, |probed| probed.subject.kind);
        let is_probed = probed.is_some();
        let value = probed.map_or_else(administrator, |probed| probed.value);
        let parts = self.target.reversal.parts.iter().map(|(name, value)| Part::public(name, value));
        let parts = parts.chain([Part::public("host", &host)]).collect();
        let mut finding = finding_of(self.target.finding, kind, value, parts);
        finding.rule.clone_from(&self.target.reversal.rule);
        finding.provider.clone_from(&self.target.intent.provider);
        // Beside the finding, so that no answer is recorded that repeats it.
        let companions = vec![finding_of(self.target.finding, kind, administrator(), Vec::new())];
        Looked { subject: ProbeSubject { finding, companions }, is_probed }
    }

    /// Sends the request, asks about the credential, and tells how that ended.
    async fn send(&self, request: PreparedRequest, looked: &Looked) -> (LedgerState, String) {
        let settles_within = request.settles_within();
        let answer = execute_call(&self.context.verify.egress, request).await;
        let (state, detail) = outcome(&answer);
        let (state, detail) = match answer {
            Answer::Refused(_) | Answer::NotSent(_) | Answer::Postponed { .. } => (state, detail),
            Answer::Accepted | Answer::Unknown(_) if !looked.is_probed => (state, detail),
            Answer::Accepted | Answer::Unknown(_) => {
                let liveness = self.look(&looked.subject).await;
                match liveness.state {
                    LivenessState::Live | LivenessState::LiveRestricted => {
                        let by = liveness.method.map(|method| format!(" by {method}")).unwrap_or_default();
                        (LedgerState::Undone, format!("{detail}; it works again{by}"))
                    }
                    // It says that it takes longer than anybody waits here.
                    LivenessState::Dead if settles_within.is_some() && state == LedgerState::Accepted => {
                        let limit = settles_within.map_or(0, |limit| limit.as_secs());
                        let later = format!("it may take up to {limit} s to take effect: verify it again then");
                        (state, format!("{detail}; {}; {later}", told(&liveness)))
                    }
                    // It was accepted, and has no effect that shows.
                    LivenessState::Dead => (LedgerState::Unknown, format!("{detail}; {}", told(&liveness))),
                    LivenessState::Unknown | LivenessState::NotChecked => {
                        (state, format!("{detail}; {}", told(&liveness)))
                    }
                }
            }
        };
        (state, looked.subject.without_values(detail))
    }

    /// Asks about the credential until it works or the window is over: providers take a moment to let it in again.
    async fn look(&self, subject: &ProbeSubject) -> Liveness {
        let pauses: Vec<Duration> = self.context.policy.pauses();
        let ask = async || reprobe(&subject.finding, &[], self.context.verify).await;
        let mut liveness = ask().await;
        for pause in pauses {
            if liveness.state != LivenessState::Dead {
                break;
            }
            tokio::time::sleep(pause).await;
            liveness = ask().await;
        }
        liveness
    }
}

impl Confirmation {
    /// The spelling of the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Receipt => "receipt",
            Self::Yes => "yes",
        }
    }
}
