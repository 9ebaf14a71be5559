//! The end of a client secret by an administrator's word: at which issuer, for which client.

use super::PlannedAction;
use super::build::{PlanInput, find_issuer};
use super::manual::NoCall;
use crate::finding::LivenessState;
use crate::revoke::Subject;
use crate::revoke::administration::AdministrationTerms;

/// The administration call for a client secret, and the issuer that it goes to.
pub(super) fn find_call(input: &PlanInput<'_>, subject: &Subject) -> Result<(String, PlannedAction), NoCall> {
    // Whoever has no issuer of their own in the configuration is told what holds for all client secrets.
    let (issuer, terms) = find_issuer(input, subject).map_err(|_| NoCall::NotAToken)?;
    if !terms.is_administered {
        return Err(NoCall::NotAdministered { issuer: issuer.to_owned() });
    }
    if !terms.revoke {
        return Err(NoCall::NotOwned { issuer: issuer.to_owned() });
    }
    let unknown_client =
        || NoCall::NotByAdministration { reason: "its client is not known, or not for certain".to_owned() };
    let client_id = subject.client_id().ok_or_else(unknown_client)?;
    let known = input.survey.administration.get(&(issuer.to_owned(), client_id.to_owned()));
    let administered = match known {
        Some(Ok(administered)) => administered,
        Some(Err(reason)) => return Err(NoCall::NotByAdministration { reason: reason.clone() }),
        None => return Err(unknown_client()),
    };
    // Whoever can write a file could name any client in it.
    let is_live = matches!(subject.liveness, LivenessState::Live | LivenessState::LiveRestricted);
    if administered.needs_proof && !is_live {
        let reason = "nothing proves that it is the secret of that client: its issuer has not accepted it".to_owned();
        return Err(NoCall::NotByAdministration { reason });
    }
    let action = PlannedAction::Administration {
        issuer: issuer.to_owned(),
        interface: administered.interface.to_owned(),
        client_id: client_id.to_owned(),
        request: administered.request.clone(),
    };
    Ok((issuer.to_owned(), action))
}

/// What the interface makes of a planned action, if it goes to one.
pub(super) fn terms_of<'a>(input: &PlanInput<'a>, action: &PlannedAction) -> Option<&'a AdministrationTerms> {
    let PlannedAction::Administration { issuer, client_id, .. } = action else { return None };
    input.survey.administration.get(&(issuer.clone(), client_id.clone()))?.as_ref().ok()
}
