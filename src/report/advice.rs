//! What to do next about a finding, for people.

use crate::finding::{Finding, Kind, LivenessState, RevocationState};
use crate::rules::{RevokeMethod, Rule, VerifyMethod};

/// The next step.
pub(super) struct Advice<'a> {
    /// One line.
    pub(super) line: &'static str,
    /// What a person does at the issuer, in order; empty where nothing is to be done by hand, or nothing is known.
    pub(super) steps: &'a [String],
}

/// The next step, decided by what was done already, then by what is known of the credential and by what its rule allows.
pub(super) fn next_step<'a>(finding: &Finding, rule: Option<&'a Rule>) -> Advice<'a> {
    let steps = rule.map_or(&[][..], |rule| &rule.revoke.steps);
    let by_hand = |line| Advice { line, steps };
    let only = |line| Advice { line, steps: &[] };
    match finding.revocation.state {
        RevocationState::None => unrevoked(finding, rule),
        RevocationState::Planned if is_manual(rule) && !is_administered(finding) => {
            by_hand("its plan is a person's work: take it out of service by hand")
        }
        RevocationState::Planned => only("review the plan, then `rescind revoke apply`"),
        RevocationState::Revoked => {
            only("it is out of service; give what used it a new credential, kept out of the code")
        }
        RevocationState::Accepted => {
            only("the issuer took the request, which proves nothing yet: `rescind scan --verify` asks once more")
        }
        RevocationState::StillLive => {
            by_hand("it still works in spite of its revocation: rotate it at its issuer by hand")
        }
        RevocationState::Refused | RevocationState::Failed => by_hand("rotate it at its issuer by hand"),
        RevocationState::Unknown => {
            only("the request may have had its effect: `rescind scan --verify` tells before anything is sent again")
        }
    }
}

/// The next step for a credential that nothing was done about.
fn unrevoked<'a>(finding: &Finding, rule: Option<&'a Rule>) -> Advice<'a> {
    let steps = rule.map_or(&[][..], |rule| &rule.revoke.steps);
    let by_hand = |line| Advice { line, steps };
    let only = |line| Advice { line, steps: &[] };
    match finding.liveness.state {
        LivenessState::Live | LivenessState::LiveRestricted
            if is_manual(rule) && finding.kind == Kind::ClientSecret && finding.part("issuer").is_some() =>
        {
            by_hand(
                "take it out of service: where you administer its issuer, `rescind scan --revoke plan`; else by hand",
            )
        }
        LivenessState::Live | LivenessState::LiveRestricted if is_manual(rule) => {
            by_hand("take it out of service by hand; no call does it")
        }
        LivenessState::Live | LivenessState::LiveRestricted => {
            only("take it out of service: `rescind scan --verify --revoke plan`, then `rescind revoke apply`")
        }
        LivenessState::Dead => only("it no longer works: remove it, nothing has to be revoked"),
        LivenessState::Unknown if finding.liveness.host.is_none() => by_hand(unasked(finding)),
        LivenessState::Unknown => {
            by_hand("its issuer's answer does not decide: take it for live and rotate it by hand")
        }
        LivenessState::NotChecked if finding.liveness.reason.is_some() => by_hand(unasked(finding)),
        LivenessState::NotChecked if rule.is_some_and(|rule| rule.verify.method == VerifyMethod::None) => {
            by_hand("take it for live, since its issuer cannot be asked about it: rotate it by hand")
        }
        LivenessState::NotChecked => only("ask its issuer whether it works: `rescind scan --verify`"),
    }
}

/// Nobody could be asked: the reason stands with the finding.
fn unasked(finding: &Finding) -> &'static str {
    let names_issuer = finding.part("issuer").is_some()
        || finding.part("token_endpoint").is_some()
        || finding.token.as_ref().is_some_and(|token| token.iss.is_some());
    match finding.kind {
        Kind::SigningKey | Kind::PrivateKey => "replace the key, and every certificate or token that rests on it",
        Kind::Password => "change the password where it is accepted",
        _ if names_issuer => {
            "if you know its issuer, trust it in your configuration and verify again; otherwise rotate it by hand"
        }
        _ => "rotate it at its issuer by hand",
    }
}

/// Whether an administrator's word ends it, whatever its rule knows.
fn is_administered(finding: &Finding) -> bool {
    finding.revocation.method.as_deref() == Some("administration")
}

fn is_manual(rule: Option<&Rule>) -> bool {
    rule.is_some_and(|rule| rule.revoke.method == RevokeMethod::Manual)
}
