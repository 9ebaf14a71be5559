//! The provider's own call for a finding: where it goes, and what it needs.

use std::collections::BTreeMap;

use super::PlannedAction;
use super::build::PlanInput;
use super::manual::NoCall;
use crate::provider::Site;
use crate::revoke::Subject;
use crate::rules::call::{Address, Ending, SECRET, SECRET_PASSWORD, SECRET_PATH};
use crate::rules::{BlastRadius, Rule};

/// The provider's own call that ends the credential, and the origin that it goes to: the host that accepted the credential, if the
/// operator says that the accounts there are theirs.
pub(super) fn find_call(
    input: &PlanInput<'_>,
    subject: &Subject,
    rule: &Rule,
    call: &Ending,
) -> Result<(String, PlannedAction), NoCall> {
    let host = subject.liveness_host.as_deref();
    let site =
        input.providers.owned_site(rule, &call.request, host).map_err(|reason| NoCall::NotByProvider { reason })?;
    let taken = |name: &str| call.after.iter().any(|check| check.take.iter().any(|(taken, _)| taken == name));
    let mut parts = BTreeMap::new();
    for name in call
        .request
        .names()
        .into_iter()
        .filter(|name| !matches!(*name, SECRET | SECRET_PATH | SECRET_PASSWORD) && !taken(name))
    {
        let mut values = subject.parts_named(name);
        let (Some(value), None) = (values.next(), values.next()) else {
            let reason = format!("its `{name}` is not known, or not for certain");
            return Err(NoCall::NotByProvider { reason });
        };
        parts.insert(name.to_owned(), value.to_owned());
    }
    let accepted_there =
        |address: &&Address| host.is_some_and(|host| site.origin(address).ends_with(&format!("//{host}")));
    let addresses = &call.request.addresses;
    let Some(address) = addresses.iter().find(accepted_there).or(addresses.first()) else {
        return Err(NoCall::NotByProvider { reason: "its call has no address".to_owned() });
    };
    let issuer = site.origin(address);
    let action = PlannedAction::Provider {
        issuer: issuer.clone(),
        call: call.name.clone(),
        request: site.written(&call.request, address),
        parts,
        shared: site == Site::Pinned,
    };
    Ok((issuer, action))
}

/// What it brings about.
pub(super) fn expected(radius: BlastRadius) -> &'static str {
    match radius {
        BlastRadius::Token => "the credential stops working, and nothing else does",
        BlastRadius::Family => "the credential stops working, and with it the tokens of its grant",
        BlastRadius::AppUser => "all tokens of this application for this user stop working",
        BlastRadius::Install => "the installation stops working until it is made anew",
        BlastRadius::Client => "everything that uses this client stops working",
        BlastRadius::Sessions => "all sessions of this user end",
        BlastRadius::Key => "everything that uses this key stops working",
    }
}
