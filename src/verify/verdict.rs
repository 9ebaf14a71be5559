//! How verdicts are made, so that each has what it must have.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::VerifyContext;
use crate::egress::Destination;
use crate::finding::{Fingerprint, Liveness, LivenessState, escape};

/// A verdict, or one that must wait for what is learnt from the others.
pub(super) enum Judgement {
    /// Nothing can change it.
    Settled(Liveness),
    /// The issuer says that a token is not active. Whether that means dead depends on whether it is known to tell.
    Inactive(Inactive),
}

/// An `active: false`, and who got it.
pub(super) struct Inactive {
    pub(super) token: Fingerprint,
    pub(super) sort: TokenSort,
    pub(super) issuer: String,
    /// The callers that got it.
    pub(super) callers: Vec<Caller>,
    /// What the operator says of whether this issuer tells of tokens of this sort.
    pub(super) configured: Option<bool>,
    /// The verdict if it means dead.
    pub(super) dead: Liveness,
    /// The verdict if it does not.
    pub(super) otherwise: Liveness,
}

/// A client that introspected a token.
pub(super) struct Caller {
    pub(super) client_id: String,
    /// Whether the token was issued to that same client, as far as the scan tells.
    pub(super) is_owner: bool,
}

/// What an issuer may or may not introspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TokenSort {
    Access,
    Refresh,
}

impl From<Liveness> for Judgement {
    fn from(liveness: Liveness) -> Self {
        Self::Settled(liveness)
    }
}

impl Judgement {
    /// The verdict by what is known now.
    pub(super) fn settle(self, context: &VerifyContext) -> Liveness {
        match self {
            Self::Settled(liveness) => liveness,
            Self::Inactive(inactive) => match context.calibration.proof(&inactive) {
                Some(proof) => {
                    Liveness { reason: Some(format!("the issuer calls it inactive, {proof}")), ..inactive.dead }
                }
                None => inactive.otherwise,
            },
        }
    }
}

impl TokenSort {
    /// The value of `token_type_hint` (RFC 7009 §2.1).
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Access => "access_token",
            Self::Refresh => "refresh_token",
        }
    }
}

/// Nobody was asked, and this is why.
pub(super) fn not_checked(reason: impl Into<String>) -> Liveness {
    Liveness { reason: Some(reason.into()), ..Liveness::not_checked() }
}

/// A verdict without a packet.
pub(super) fn local(
    state: LivenessState,
    method: Option<&'static str>,
    reason: impl Into<String>,
    at: OffsetDateTime,
) -> Liveness {
    Liveness { state, reason: Some(reason.into()), method, host: None, checked_at: Some(at), identity: None }
}

/// A verdict by an issuer's word.
pub(super) fn asked(
    state: LivenessState,
    method: &'static str,
    reason: impl Into<String>,
    host: &Destination,
    at: OffsetDateTime,
) -> Liveness {
    Liveness {
        state,
        reason: Some(reason.into()),
        method: Some(method),
        host: Some(host.authority()),
        checked_at: Some(at),
        identity: None,
    }
}

/// A question that could not be put, or an answer that decides nothing.
pub(super) fn unknown(reason: impl ToString, at: OffsetDateTime) -> Liveness {
    local(LivenessState::Unknown, None, reason.to_string(), at)
}

/// Text from outside made fit for a reason: escaped, and not longer than it needs to be.
pub(super) fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(80).collect();
    escape(beginning.as_bytes()).into_owned()
}

/// Seconds since the epoch as people read them; as they are when they are no date.
pub(super) fn shown_time(seconds: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(seconds).ok();
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
