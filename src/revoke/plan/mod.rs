//! The revocation plan: for every live finding what ends it, who authorises that, what it breaks, and what the policy says.
//!
//! For the approver and the auditor. A plan holds no secret, so it can be mailed and kept; it is identified by the SHA-256 of
//! its canonical bytes, which is what an approval names. It carries no time of making: the same findings under the same
//! policy give the same hash.

mod administration;
mod build;
mod manual;
mod place;
mod provider;
mod stored;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Subject;
use super::canonical::{canonical_bytes, sha256_hex};
use super::policy::{Decision, PolicyAction};
use crate::finding::{Confidence, Fingerprint, Kind, LivenessState, Owner};
use crate::rules::BlastRadius;

pub use build::{PlanInput, plan};
pub use place::{PlannedLocation, PlannedPlace};
pub use stored::PlanError;

/// The version of the plan's form that this program writes and executes.
pub const PLAN_SCHEMA: u32 = 1;

/// What is to be done about the findings of a report or scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "revocation_plan")]
pub struct RevocationPlan {
    /// [`PLAN_SCHEMA`].
    pub schema: u32,
    /// One entry per finding, in the order of execution: a refresh token before the access tokens of its issuer.
    pub entries: Vec<PlanEntry>,
}

/// What is to be done about one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The finding.
    #[serde(with = "fingerprint_text")]
    pub finding: Fingerprint,
    /// Id of its rule.
    pub rule: String,
    /// Provider of that rule.
    pub provider: String,
    /// What sort of credential it is.
    pub kind: Kind,
    /// How sure the detection is.
    pub confidence: Confidence,
    /// The value as it may be shown.
    pub redacted: String,
    /// What is known of whether it works.
    pub liveness: PlannedLiveness,
    /// What ends it.
    pub action: PlannedAction,
    /// How much else dies with it.
    pub blast_radius: BlastRadius,
    /// Whether it can be undone.
    pub reversible: bool,
    /// What is expected to happen.
    pub expected: String,
    /// Who will notice.
    pub breaks: Breaks,
    /// Whom to tell, as the scanned content says: owners of the paths, authors of the commits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// What goes on working in spite of it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlives: Option<String>,
    /// When the oldest commit was made that it stands in, in RFC 3339; left out where no place tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
    /// What the policy says.
    pub policy: Decision,
    /// Where the value is read again, the first few places.
    pub locations: Vec<PlannedLocation>,
    /// How many places it stands in, all in all.
    pub location_count: usize,
}

/// The liveness that a [`PlanEntry`] rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLiveness {
    /// `live`, `live_restricted`, `unknown` or `not_checked`.
    pub state: String,
    /// How it was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The host that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Whose it is, in the words of that host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<String>,
}

/// What ends a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum PlannedAction {
    /// A token revocation request (RFC 7009).
    Rfc7009 {
        /// The issuer, as the operator's configuration has it.
        issuer: String,
        /// Origin and path of its revocation endpoint. The request goes there or nowhere.
        endpoint: String,
        /// `refresh_token` or `access_token`.
        token_type_hint: String,
        /// Who authorises the request.
        authority: Authority,
    },
    /// A request to the provider's own interface, authorised by the credential itself.
    Provider {
        /// Scheme, host and port of where it goes: a host that the rule pins, or an instance of the operator's.
        issuer: String,
        /// The name of the rule's call.
        call: String,
        /// Method and address, with the places of values. The request goes there or nowhere.
        request: String,
        /// Values of the request that are not secret.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parts: BTreeMap<String, String>,
        /// Whether the host is the same for everybody, so that it tells nothing about whose the credential is.
        shared: bool,
    },
    /// A request to the interface by which the operator administers the issuer's clients, authorised by their own credential for
    /// it: the end of a client secret.
    Administration {
        /// The issuer, as the operator's configuration has it.
        issuer: String,
        /// What the interface speaks, such as `keycloak`.
        interface: String,
        /// The client.
        client_id: String,
        /// Method and address, with `{id}` where only the interface knows what stands there. The request goes there or nowhere.
        request: String,
    },
    /// No call exists or is possible: a person does it.
    Manual {
        /// Why there is no call.
        why: String,
        /// What to do, one step each.
        steps: Vec<String>,
    },
}

/// Who authorises a revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Authority {
    /// Nobody: whoever has the token may revoke it.
    Nobody,
    /// The token's client, with credentials that leaked as well.
    FoundClient {
        /// The client.
        client_id: String,
        /// The finding that is its secret.
        #[serde(with = "fingerprint_text")]
        credential: Fingerprint,
        /// The kind of that finding.
        credential_kind: Kind,
        /// Where its value is read again.
        locations: Vec<PlannedLocation>,
    },
    /// The token's client, which has no secret.
    PublicClient {
        /// The client.
        client_id: String,
    },
    /// The client of the operator's configuration.
    OperatorClient {
        /// The client.
        client_id: String,
    },
}

/// Who will notice a revocation, as far as the token tells. Its own word: not verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaks {
    /// The client that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Who accepts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// SHA-256 of a plan's canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanHash(String);

impl RevocationPlan {
    /// What identifies the plan: an approval of this hash approves these entries and no others.
    pub fn hash(&self) -> PlanHash {
        PlanHash(sha256_hex(&canonical_bytes(self)))
    }

    /// Takes out the places that do not pass; the counts still tell of them.
    pub(super) fn retain_locations(&mut self, passes: impl Fn(&PlannedLocation) -> bool) {
        for entry in &mut self.entries {
            entry.locations.retain(&passes);
            if let PlannedAction::Rfc7009 { authority: Authority::FoundClient { locations, .. }, .. } =
                &mut entry.action
            {
                locations.retain(&passes);
            }
        }
    }

    /// How many calls the plan holds with that decision.
    pub fn calls(&self, action: PolicyAction) -> usize {
        self.entries.iter().filter(|entry| entry.is_call() && entry.policy.action == action).count()
    }
}

impl PlanEntry {
    /// What a policy judges, as far as the plan tells.
    pub(super) fn subject(&self) -> Subject {
        Subject {
            id: self.finding,
            rule: self.rule.clone(),
            provider: self.provider.clone(),
            kind: self.kind,
            confidence: self.confidence,
            redacted: self.redacted.clone(),
            parts: Vec::new(),
            token: None,
            liveness: LivenessState::from_word(&self.liveness.state).unwrap_or(LivenessState::Unknown),
            liveness_method: self.liveness.method.clone(),
            liveness_host: self.liveness.host.clone(),
            account: self.liveness.account.clone(),
            checked_at: None,
            oldest: self.oldest.as_deref().and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok()),
            locations: self.locations.iter().map(PlannedLocation::as_scanned).collect(),
            owners: Vec::new(),
        }
    }

    /// Whether the program can do it.
    pub fn is_call(&self) -> bool {
        !matches!(self.action, PlannedAction::Manual { .. })
    }
}

impl PlannedAction {
    /// Where the call goes: the issuer's identifier, or the origin of the provider's host. `None` where there is no call.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::Rfc7009 { issuer, .. } | Self::Provider { issuer, .. } | Self::Administration { issuer, .. } => {
                Some(issuer)
            }
            Self::Manual { .. } => None,
        }
    }

    /// The client on whose behalf the call is made.
    pub(super) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Rfc7009 { authority, .. } => authority.client_id(),
            Self::Administration { client_id, .. } => Some(client_id),
            Self::Provider { .. } | Self::Manual { .. } => None,
        }
    }

    /// The spelling of reports and of the ledger.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Rfc7009 { .. } => "rfc7009",
            Self::Provider { .. } => "provider",
            Self::Administration { .. } => "administration",
            Self::Manual { .. } => "manual",
        }
    }
}

impl Authority {
    /// The spelling of plans and of the ledger.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::FoundClient { .. } => "found_client",
            Self::PublicClient { .. } => "public_client",
            Self::OperatorClient { .. } => "operator_client",
        }
    }

    /// The client on whose behalf the request is sent.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::FoundClient { client_id, .. }
            | Self::PublicClient { client_id }
            | Self::OperatorClient { client_id } => Some(client_id),
        }
    }
}

impl PlanHash {
    /// Whether a person wrote this hash: in full, in either case, with or without `sha256:`. A shortened one does not count.
    pub fn is_written_as(&self, text: &str) -> bool {
        let digits = text.trim();
        digits.strip_prefix("sha256:").unwrap_or(digits).eq_ignore_ascii_case(&self.0)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A finding's id as text.
mod fingerprint_text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::finding::Fingerprint;

    pub(super) fn serialize<S: Serializer>(id: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(deserializer)?;
        Fingerprint::parse(&text).ok_or_else(|| de::Error::custom("not the id of a finding"))
    }
}

#[cfg(test)]
pub(crate) mod tests;
