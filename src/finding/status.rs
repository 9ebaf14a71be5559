//! What the issuer said of a credential, and what was done about it.

use time::OffsetDateTime;

/// What is known of whether a credential still works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// The verdict.
    pub state: LivenessState,
    /// Why, in words for people; for `dead` and `unknown` always there. Holds no secret.
    pub reason: Option<String>,
    /// How it was found out: `jwt-expiry`, `jwt-signature`, `introspection`, `bogus-refresh-twin` …; `None` when not checked.
    pub method: Option<&'static str>,
    /// The host that was asked, if a packet was sent.
    pub host: Option<String>,
    /// When.
    pub checked_at: Option<OffsetDateTime>,
    /// Whose it is and what it may do, as far as the answer tells.
    pub identity: Option<Box<Identity>>,
}

/// Whose a credential is and what it may do, in the words of its provider. Made fit to show, and without the credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The account: a name, an address or an id.
    pub account: Option<String>,
    /// What it may do.
    pub scopes: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
}

/// The verdict of [`Liveness`]. A 403, 429, 5xx, time-out or unreadable answer is never `Dead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LivenessState {
    /// Nobody asked, and nothing local decides it.
    NotChecked,
    /// It works.
    Live,
    /// It is accepted, but may not do what was asked.
    LiveRestricted,
    /// It does not work.
    Dead,
    /// It was asked, and the answer does not decide it.
    Unknown,
}

/// What has been done to end a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// How far it came.
    pub state: RevocationState,
    /// `rfc7009`, `manual` …; `None` as long as nothing is planned.
    pub method: Option<String>,
    /// Hash of the ledger entry that holds the outcome.
    pub receipt: Option<String>,
    /// Why it was refused, failed or is not known, or what to do by hand. Holds no secret.
    pub detail: Option<String>,
}

/// The state of a [`Revocation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationState {
    /// Nothing.
    None,
    /// There is a plan for it.
    Planned,
    /// The issuer accepted the request, and the re-probe shows the credential dead.
    Revoked,
    /// The issuer accepted the request; there is no proof that the credential is dead.
    Accepted,
    /// The issuer accepted the request, and the credential still answers.
    StillLive,
    /// The issuer or the policy refused.
    Refused,
    /// The request was not sent, or an error proves that it had no effect.
    Failed,
    /// The request may or may not have had its effect (time-out, crash).
    Unknown,
}

impl Liveness {
    /// The state of a finding that nobody asked about.
    pub fn not_checked() -> Self {
        Self {
            state: LivenessState::NotChecked,
            reason: None,
            method: None,
            host: None,
            checked_at: None,
            identity: None,
        }
    }
}

impl LivenessState {
    /// Reads the spelling of reports and policies back.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::NotChecked, Self::Live, Self::LiveRestricted, Self::Dead, Self::Unknown];
        all.into_iter().find(|state| state.as_str() == word)
    }

    /// The spelling of reports and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotChecked => "not_checked",
            Self::Live => "live",
            Self::LiveRestricted => "live_restricted",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

impl Revocation {
    /// The state of a finding that nothing was done about.
    pub fn none() -> Self {
        Self { state: RevocationState::None, method: None, receipt: None, detail: None }
    }
}

impl RevocationState {
    /// The spelling of reports and of the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Planned => "planned",
            Self::Revoked => "revoked",
            Self::Accepted => "accepted",
            Self::StillLive => "still_live",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}
