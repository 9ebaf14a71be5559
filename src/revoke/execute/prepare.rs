//! What a call needs before its intent is recorded: the value read again, the client's credentials, the endpoint. Whatever is
//! not as the plan says is a reason not to send anything.

use std::sync::Arc;

use super::{ProbeSubject, Run};
use crate::egress::Destination;
use crate::finding::{Confidence, Finding, Fingerprint, Kind, Liveness, Part, PartValue, Revocation, Severity};
use crate::issuer::{ClientCredentials, Metadata};
use crate::revoke::plan::{Authority, PlanEntry, PlannedLocation};
use crate::secret::Secret;

/// A call with everything that it needs at hand.
pub(super) struct PreparedCall {
    pub(super) metadata: Arc<Metadata>,
    pub(super) endpoint: Destination,
    pub(super) client: Option<ClientCredentials>,
    pub(super) subject: ProbeSubject,
}

impl<P> Run<'_, P> {
    /// Gathers what the call needs; the reason why it cannot be made otherwise.
    pub(super) async fn prepare(
        &self,
        entry: &PlanEntry,
        issuer: &str,
        planned_endpoint: &str,
        authority: &Authority,
    ) -> Result<PreparedCall, String> {
        let secret = self
            .reread(entry.finding, entry.kind, &entry.locations)
            .ok_or_else(|| "not sent: the value is not to be read in any of the planned places any more".to_owned())?;
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
        Ok(PreparedCall { metadata, endpoint, client, subject: ProbeSubject { finding, companions } })
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
                    Some(own) if own.client_id == *client_id => {
                        let client_secret = own.client_secret.as_ref().map(Secret::duplicate);
                        Ok((Some(ClientCredentials { client_id: client_id.clone(), client_secret }), Vec::new()))
                    }
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
fn finding_of(id: Fingerprint, kind: Kind, secret: Secret, parts: Vec<Part>) -> Finding {
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
    }
}
