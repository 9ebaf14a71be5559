//! What to do next about a finding, in one line for people.

use crate::finding::{Finding, Kind, LivenessState, RevocationState};

/// The next step, decided by what was done already, then by what is known.
pub(super) fn next_step(finding: &Finding) -> &'static str {
    match finding.revocation.state {
        RevocationState::None => {}
        RevocationState::Planned => return "review the plan, then `rescind revoke apply`",
        RevocationState::Revoked => {
            return "it is out of service; give what used it a new credential, kept out of the code";
        }
        RevocationState::Accepted => {
            return "the issuer took the request, which proves nothing yet: `rescind scan --verify` asks once more";
        }
        RevocationState::StillLive => {
            return "it still works in spite of its revocation: rotate it at its issuer by hand";
        }
        RevocationState::Refused | RevocationState::Failed => return "rotate it at its issuer by hand",
        RevocationState::Unknown => {
            return "the request may have had its effect: `rescind scan --verify` tells before anything is sent again";
        }
    }
    match finding.liveness.state {
        LivenessState::Live | LivenessState::LiveRestricted => {
            "take it out of service: `rescind scan --verify --revoke plan`, then `rescind revoke apply`"
        }
        LivenessState::Dead => "it no longer works: remove it, nothing has to be revoked",
        LivenessState::Unknown => "its issuer's answer does not decide: take it for live and rotate it by hand",
        LivenessState::NotChecked if finding.liveness.reason.is_some() => not_askable(finding),
        LivenessState::NotChecked => "ask its issuer whether it works: `rescind scan --verify`",
    }
}

/// Nobody could be asked: the reason stands with the finding.
fn not_askable(finding: &Finding) -> &'static str {
    let names_issuer = finding.part("issuer").is_some()
        || finding.part("token_endpoint").is_some()
        || finding.token.as_ref().is_some_and(|token| token.iss.is_some());
    match finding.kind {
        Kind::SigningKey | Kind::PrivateKey => "replace the key and every certificate or token that rests on it",
        Kind::Password => "change the password where it is accepted",
        _ if names_issuer => {
            "if you know its issuer, trust it in your configuration and verify again; otherwise rotate it by hand"
        }
        _ => "rotate it at its issuer by hand",
    }
}
