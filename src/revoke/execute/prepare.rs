//! What a call needs before its intent is recorded: the value read again, the client's credentials, the endpoint. Whatever is
//! not as the plan says is a reason not to send anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{ProbeSubject, Run};
use crate::config::Issuer;
use crate::egress::{Destination, Egress};
use crate::finding::{Confidence, Finding, Fingerprint, Kind, Liveness, Part, PartValue, Revocation, Severity};
use crate::issuer::{ClientCredentials, Issuers, Metadata};
use crate::provider::Values;
use crate::revoke::administration::{self, Case, Ready};
use crate::revoke::plan::{Authority, PlanEntry, PlannedAction, PlannedLocation};
use crate::revoke::provider_call::{self, PreparedRequest};
use crate::revoke::rfc7009::{self, Answer};
use crate::rules::Rule;
use crate::secret::Secret;

/// A call with everything that it needs at hand.
pub(super) struct PreparedCall {
    pub(super) call: Sendable,
    pub(super) subject: ProbeSubject,
}

/// What is sent.
pub(super) enum Sendable {
    /// A token revocation request.
    Rfc7009 {
        metadata: Arc<Metadata>,
        endpoint: Destination,
        client: Option<ClientCredentials>,
        token_type_hint: String,
    },
    /// A request to the provider's own interface.
    Provider(Box<PreparedRequest>),
    /// Requests to the interface by which the issuer's clients are administered.
    Administration {
        issuer: Arc<Issuer>,
        client_id: String,
        /// Made last of all: the interface is asked about the client for it.
        ready: Option<Box<Ready>>,
    },
}

impl PreparedCall {
    /// Finds out at an administration interface what has to be ended. Changes nothing; the reason why nothing may be sent
    /// otherwise.
    pub(super) async fn find(&mut self, is_live: bool, issuers: &Issuers, egress: &Egress) -> Result<(), String> {
        if let Sendable::Administration { issuer, client_id, ready } = &mut self.call {
            let secret = &self.subject.finding.secret;
            let case = Case { issuer, client_id, secret, is_live };
            let prepared = administration::prepare(&case, issuers, egress).await;
            *ready = Some(Box::new(prepared.map_err(|reason| format!("not sent: {reason}"))?));
        }
        Ok(())
    }

    /// Makes one call of several that may be made together. A single one stays what it is.
    pub(super) fn join(mut all: Vec<Self>, rule: Option<&Rule>) -> Result<(Sendable, Vec<ProbeSubject>), String> {
        if all.len() == 1
            && let Some(only) = all.pop()
        {
            return Ok((only.call, vec![only.subject]));
        }
        let rule = rule.ok_or("not sent: its rule is not there any more")?;
        let (mut requests, mut subjects) = (Vec::new(), Vec::new());
        for Self { call, subject } in all {
            let Sendable::Provider(request) = call else {
                return Err("not sent: such calls are made one by one".to_owned());
            };
            requests.push(*request);
            subjects.push(subject);
        }
        Ok((Sendable::Provider(Box::new(PreparedRequest::join(requests, rule)?)), subjects))
    }
}

impl Sendable {
    /// Sends it, for a credential. Gives what the answer means, and what has to be known besides.
    pub(super) async fn execute(self, egress: &Egress, secret: &Secret) -> (Answer, String) {
        let mut note = String::new();
        let answer = match self {
            Sendable::Rfc7009 { metadata, endpoint, client, token_type_hint } => {
                let request = rfc7009::Revocation {
                    endpoint: &endpoint,
                    token: secret,
                    token_type_hint: &token_type_hint,
                    client: client.as_ref(),
                    metadata: &metadata,
                };
                rfc7009::execute_revocation(egress, &request).await
            }
            Sendable::Provider(request) => provider_call::execute_call(egress, *request).await,
            Sendable::Administration { ready: Some(ready), .. } => {
                let (answer, told) = administration::execute(egress, *ready).await;
                note = told;
                answer
            }
            Sendable::Administration { ready: None, .. } => {
                Answer::NotSent("the administration interface was not asked about the client".to_owned())
            }
        };
        (answer, note)
    }

    /// How long the issuer may take to make it take effect, where that is known to be longer than a moment.
    pub(super) fn settles_within(&self) -> Option<Duration> {
        match self {
            Sendable::Rfc7009 { .. } => None,
            Sendable::Provider(request) => request.settles_within(),
            Sendable::Administration { ready, .. } => ready.as_ref().and_then(|ready| ready.settles_within()),
        }
    }
}

impl<P> Run<'_, P> {
    /// Gathers what the call needs; the reason why it cannot be made otherwise.
    pub(super) async fn prepare(&self, entry: &PlanEntry) -> Result<PreparedCall, String> {
        let secret = || {
            let secret = self.reread(entry.finding, entry.kind, &entry.locations);
            secret
                .ok_or_else(|| "not sent: the value is not to be read in any of the planned places any more".to_owned())
        };
        match &entry.action {
            PlannedAction::Rfc7009 { issuer, endpoint, token_type_hint, authority } => {
                self.prepare_rfc7009(entry, secret()?, issuer, endpoint, token_type_hint, authority).await
            }
            PlannedAction::Provider { call, request, parts, .. } => {
                self.prepare_provider(entry, secret()?, call, request, parts).await
            }
            PlannedAction::Administration { issuer, client_id, request, .. } => {
                self.prepare_administration(entry, secret()?, issuer, client_id, request)
            }
            PlannedAction::Manual { .. } => Err("not sent: a person does it".to_owned()),
        }
    }

    async fn prepare_provider(
        &self,
        entry: &PlanEntry,
        secret: Secret,
        call: &str,
        planned_request: &str,
        parts: &BTreeMap<String, String>,
    ) -> Result<PreparedCall, String> {
        let rule = self.execution.rules.get(&entry.rule).ok_or("not sent: its rule is not there any more")?;
        let planned =
            provider_call::Planned { rule, call, request: planned_request, host: entry.liveness.host.as_deref() };
        let values = Values::of(&secret, parts);
        let providers = self.execution.providers;
        let request = planned.prepare(providers, values, self.execution.egress).await?;
        // It belongs where it was accepted: a refusal there is a proof.
        let host = Part::public("host", &request.host());
        let parts = parts.iter().map(|(name, value)| Part::public(name, value)).chain([host]).collect();
        let mut finding = finding_of(entry.finding, entry.kind, secret, parts);
        (finding.rule, finding.provider) = (entry.rule.clone(), entry.provider.clone());
        let subject = ProbeSubject { finding, companions: Vec::new() };
        Ok(PreparedCall { call: Sendable::Provider(Box::new(request)), subject })
    }

    fn prepare_administration(
        &self,
        entry: &PlanEntry,
        secret: Secret,
        issuer: &str,
        client_id: &str,
        planned_request: &str,
    ) -> Result<PreparedCall, String> {
        let trusted = self.execution.issuers.trusted(issuer).map_err(|error| format!("not sent: {error}"))?;
        match administration::terms(trusted, client_id) {
            Some(Ok(terms)) if terms.request == planned_request => {}
            Some(Err(reason)) => return Err(format!("not sent: {reason}")),
            _ => return Err("not sent: the administration's request is not the planned one any more".to_owned()),
        }
        let parts = vec![Part::public("issuer", issuer), Part::public("client_id", client_id)];
        let mut finding = finding_of(entry.finding, entry.kind, secret, parts);
        finding.provider.clone_from(&entry.provider);
        let (issuer, client_id) = (Arc::clone(trusted), client_id.to_owned());
        let call = Sendable::Administration { issuer, client_id, ready: None };
        Ok(PreparedCall { call, subject: ProbeSubject { finding, companions: Vec::new() } })
    }

    async fn prepare_rfc7009(
        &self,
        entry: &PlanEntry,
        secret: Secret,
        issuer: &str,
        planned_endpoint: &str,
        token_type_hint: &str,
        authority: &Authority,
    ) -> Result<PreparedCall, String> {
        let (client, companions) = self.credentials(issuer, authority)?;
        let metadata = self.execution.issuers.metadata(issuer).await.map_err(|error| format!("not sent: {error}"))?;
        let endpoint = metadata.revocation_endpoint().map_err(|error| format!("not sent: {error}"))?.clone();
        let url = endpoint.url();
        if format!("{}{}", url.origin().ascii_serialization(), url.path()) != planned_endpoint {
            return Err("not sent: the issuer's revocation endpoint is not the planned one any more".to_owned());
        }
        let mut parts = vec![Part::public("issuer", issuer)];
        parts.extend(authority.client_id().map(|client| Part::public("client_id", client)));
        parts.extend(companions.iter().map(|companion| Part::new("client_secret", PartValue::Finding(companion.id))));
        let finding = finding_of(entry.finding, entry.kind, secret, parts);
        let token_type_hint = token_type_hint.to_owned();
        let call = Sendable::Rfc7009 { metadata, endpoint, client, token_type_hint };
        Ok(PreparedCall { call, subject: ProbeSubject { finding, companions } })
    }

    /// The client's credentials, and the finding that they come from.
    fn credentials(
        &self,
        issuer: &str,
        authority: &Authority,
    ) -> Result<(Option<ClientCredentials>, Vec<Finding>), String> {
        match authority {
            Authority::Nobody => Ok((None, Vec::new())),
            Authority::PublicClient { client_id } => Ok((Some(ClientCredentials::public(client_id)), Vec::new())),
            Authority::FoundClient { client_id, credential, credential_kind, locations } => {
                let secret = self.reread(*credential, *credential_kind, locations).ok_or_else(|| {
                    "not sent: the secret of its client is not to be read in any of the planned places any more"
                        .to_owned()
                })?;
                let parts = vec![Part::public("client_id", client_id), Part::public("issuer", issuer)];
                let companion = finding_of(*credential, *credential_kind, secret.duplicate(), parts);
                Ok((Some(ClientCredentials::confidential(client_id, secret)), vec![companion]))
            }
            Authority::OperatorClient { client_id } => {
                let trusted = self.execution.issuers.trusted(issuer).map_err(|error| format!("not sent: {error}"))?;
                match &trusted.credentials {
                    Some(own) if own.client_id == *client_id => Ok((Some(own.into()), Vec::new())),
                    _ => {
                        Err(format!("not sent: the configuration has no client `{client_id}` for `{issuer}` any more"))
                    }
                }
            }
        }
    }

    /// The value from the first place that still holds it. Whatever else stands there now is not sent to anybody.
    fn reread(&self, id: Fingerprint, kind: Kind, locations: &[PlannedLocation]) -> Option<Secret> {
        locations
            .iter()
            .filter_map(|location| (self.execution.reread)(id, kind, location))
            .find(|secret| Fingerprint::of(self.execution.key, kind, secret.expose()) == id)
    }
}

/// A finding that holds what asking about it takes, and no more.
pub(in crate::revoke) fn finding_of(id: Fingerprint, kind: Kind, secret: Secret, parts: Vec<Part>) -> Finding {
    Finding {
        id,
        rule: String::new(),
        provider: "generic".to_owned(),
        title: String::new(),
        kind,
        confidence: Confidence::High,
        severity: Severity::High,
        secret,
        parts,
        token: None,
        liveness: Liveness::not_checked(),
        revocation: Revocation::none(),
        locations: Vec::new(),
        owners: Vec::new(),
    }
}
