//! [`Subject`]: what planning needs to know of a finding, whether it comes from the running scan or from a report.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::finding::{
    Confidence, Finding, Fingerprint, Kind, LivenessState, Location, Owner, Part, PartValue, Place, TokenFacts,
};
use crate::report::Redactor;

/// A finding without its value.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The finding's id.
    pub id: Fingerprint,
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
    /// What stood with it.
    pub parts: Vec<Part>,
    /// What it says about itself, if it is a JWT.
    pub token: Option<TokenFacts>,
    /// Whether it works.
    pub liveness: LivenessState,
    /// How that was found out.
    pub liveness_method: Option<String>,
    /// The host that was asked.
    pub liveness_host: Option<String>,
    /// Whose it is, in the words of that host.
    pub account: Option<String>,
    /// When.
    pub checked_at: Option<OffsetDateTime>,
    /// When the oldest commit was made that it stands in, by the word of its author; `None` where no place tells.
    pub oldest: Option<OffsetDateTime>,
    /// Every place it stands in.
    pub locations: Vec<Location>,
    /// Whom to tell, as the scanned content says.
    pub owners: Vec<Owner>,
}

impl Subject {
    /// The values of all public parts of that name.
    pub fn parts_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(move |part| match &part.value {
            PartValue::Public(value) if part.name == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// The findings that stand with it under that name: other secrets.
    pub fn findings_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Fingerprint> {
        self.parts.iter().filter_map(move |part| match part.value {
            PartValue::Finding(id) if part.name == name => Some(id),
            _ => None,
        })
    }

    /// The same without any found value in what content chose: a token may well name another secret as its scope.
    #[must_use]
    pub(super) fn without_values(mut self, redactor: &Redactor) -> Self {
        let clean = |text: &mut String| {
            if let Cow::Owned(cleaned) = redactor.text(text) {
                *text = cleaned;
            }
        };
        for part in &mut self.parts {
            if let PartValue::Public(value) = &mut part.value {
                clean(value);
            }
        }
        self.owners.iter_mut().map(|owner| &mut owner.name).for_each(clean);
        if let Some(token) = &mut self.token {
            token.aud.iter_mut().for_each(clean);
            [&mut token.iss, &mut token.scope, &mut token.client_id].into_iter().flatten().for_each(clean);
        }
        self
    }

    /// Whether a `client_id` can be told, and which: the token's own word first, since only that client may revoke it; then
    /// the one that stood beside it. `None` where several stood there.
    pub fn client_id(&self) -> Option<&str> {
        if let Some(client) = self.token.as_ref().and_then(|token| token.client_id.as_deref()) {
            return Some(client);
        }
        let mut beside = self.parts_named("client_id");
        let first = beside.next()?;
        beside.all(|other| other == first).then_some(first)
    }
}

/// The date of the oldest commit among the places. Other places have no date that anybody could rely upon: a checkout makes all files
/// new.
pub(super) fn oldest(locations: &[Location]) -> Option<OffsetDateTime> {
    let date = |location: &Location| match &location.place {
        Place::Git(git) => OffsetDateTime::parse(&git.commit.as_ref()?.date, &Rfc3339).ok(),
        Place::File | Place::Stdin | Place::Staged { .. } | Place::Image(_) => None,
    };
    locations.iter().filter_map(date).min()
}

impl From<&Finding> for Subject {
    fn from(finding: &Finding) -> Self {
        Self {
            id: finding.id,
            rule: finding.rule.clone(),
            provider: finding.provider.clone(),
            kind: finding.kind,
            confidence: finding.confidence,
            redacted: finding.redacted(),
            parts: finding.parts.clone(),
            token: finding.token.clone(),
            liveness: finding.liveness.state,
            liveness_method: finding.liveness.method.map(str::to_owned),
            liveness_host: finding.liveness.host.clone(),
            account: finding.liveness.identity.as_ref().and_then(|identity| identity.account.clone()),
            checked_at: finding.liveness.checked_at,
            oldest: oldest(&finding.locations),
            locations: finding.locations.clone(),
            owners: finding.owners.clone(),
        }
    }
}
