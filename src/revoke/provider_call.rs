//! The providers' own calls that end a credential, as rules describe them: the request, and what its answer means.

use std::time::Duration;

use super::rfc7009::{Answer, classify_failure};
use crate::egress::{Egress, Request, Response};
use crate::finding::LivenessState;
use crate::provider::{Providers, Site, Values, build, build_batch};
use crate::rules::Rule;
use crate::rules::call::{Address, Check, Ending, SECRET};
use crate::secret::Secret;

/// A call as a plan has it.
pub(super) struct Planned<'a> {
    pub(super) rule: &'a Rule,
    /// The name of the rule's call.
    pub(super) call: &'a str,
    /// Method and address.
    pub(super) request: &'a str,
    /// The host that accepted the credential.
    pub(super) host: Option<&'a str>,
}

/// A call that is ready to be sent.
pub(super) struct PreparedRequest {
    pub(super) request: Request,
    pub(super) call: Ending,
    /// What it is made of, where one request can end several credentials.
    member: Option<Member>,
}

/// One of the credentials that a request ends.
struct Member {
    address: Address,
    site: Site,
    values: Values,
}

impl Planned<'_> {
    /// Makes the request, if the operator still lets it be made and the rule still describes the planned one. Where the call needs an
    /// id that only the provider knows, it is asked for it first.
    pub(super) async fn prepare(
        &self,
        providers: &Providers,
        values: Values,
        egress: &Egress,
    ) -> Result<PreparedRequest, String> {
        let changed = || "not sent: the rule's request is not the planned one any more".to_owned();
        let call = self.rule.revoke.call.as_deref().filter(|call| call.name == self.call).ok_or_else(changed)?;
        let site = providers.owned_site(self.rule, &call.request, self.host);
        let site = site.map_err(|reason| format!("not sent: {reason}"))?;
        let is_planned = |address: &&Address| site.written(&call.request, address) == self.request;
        let address = call.request.addresses.iter().find(is_planned).ok_or_else(changed)?;
        let values = match &call.after {
            None => values,
            Some(check) => self.with_taken(check, &site, address, values, egress).await?,
        };
        let request = build(self.rule, &call.request, address, &site, &values);
        let request = request.map_err(|error| format!("not sent: {error}"))?;
        let is_shared = call.batch > 1;
        let member = is_shared.then(|| Member { address: address.clone(), site, values });
        Ok(PreparedRequest { request, call: call.clone(), member })
    }

    /// Adds what the provider tells of the credential.
    async fn with_taken(
        &self,
        check: &Check,
        site: &Site,
        address: &Address,
        mut values: Values,
        egress: &Egress,
    ) -> Result<Values, String> {
        let same_host = |other: &&Address| site.origin(other) == site.origin(address);
        let unknown = || "not sent: its provider does not tell the id that the call needs".to_owned();
        let asked =
            check.request.addresses.iter().find(same_host).or(check.request.addresses.first()).ok_or_else(unknown)?;
        let request =
            build(self.rule, &check.request, asked, site, &values).map_err(|error| format!("not sent: {error}"))?;
        let response = egress.send(request).await.map_err(|error| format!("not sent: {error}"))?;
        let answer = response.answer();
        let is_accepted = |state| matches!(state, LivenessState::Live | LivenessState::LiveRestricted);
        if !check.judge(&answer).is_some_and(|(state, _)| is_accepted(state)) {
            return Err(unknown());
        }
        let secret = values.get(SECRET).map(Secret::duplicate).ok_or_else(unknown)?;
        for (name, taken) in &check.take {
            let value = taken.read(&answer, secret.expose(), |name| response.header(name).map(str::to_owned));
            values = values.with(name, Secret::new(value.map_err(|reason| format!("not sent: {reason}"))?));
        }
        Ok(values)
    }
}

impl PreparedRequest {
    /// A request that goes alone.
    pub(super) fn single(request: Request, call: Ending) -> Self {
        Self { request, call, member: None }
    }

    /// One request for all of them, which must be the same but for their credentials.
    pub(super) fn join(all: Vec<Self>, rule: &Rule) -> Result<Self, String> {
        let nothing = || "not sent: the requests are not for one and the same list".to_owned();
        let mut members = Vec::new();
        let mut call = None;
        for prepared in all {
            let member = prepared.member.ok_or_else(nothing)?;
            members.push(member);
            call.get_or_insert(prepared.call);
        }
        let (Some(call), Some(first)) = (call, members.first()) else { return Err(nothing()) };
        let (address, site) = (first.address.clone(), first.site.clone());
        if members.iter().any(|member| (&member.address, &member.site) != (&address, &site)) {
            return Err(nothing());
        }
        let values: Vec<Values> = members.into_iter().map(|member| member.values).collect();
        let request = build_batch(rule, &call.request, &address, &site, &values);
        let request = request.map_err(|error| format!("not sent: {error}"))?;
        Ok(Self { request, call, member: None })
    }

    /// Host, and port unless it is the usual one, of where it goes.
    pub(super) fn host(&self) -> String {
        self.request.destination().authority()
    }

    /// How long the provider may take to make it take effect.
    pub(super) fn settles_within(&self) -> Option<Duration> {
        self.call.settles_within
    }
}

/// Sends the request, once.
pub(super) async fn execute_call(egress: &Egress, prepared: PreparedRequest) -> Answer {
    match egress.send(prepared.request).await {
        Ok(response) => classify(&prepared.call, &response),
        Err(error) => classify_failure(&error),
    }
}

fn classify(call: &Ending, response: &Response) -> Answer {
    match (call.judge(&response.answer()), response.status) {
        (Some(true), _) => Answer::Accepted,
        (Some(false), _) => Answer::Refused("the provider refused it"),
        (None, 429 | 503) => {
            Answer::Postponed { reason: "the provider takes no requests now", retry_after: response.retry_after }
        }
        (None, status) => {
            Answer::Unknown(format!("the provider answered with status {status}, which is not understood"))
        }
    }
}
