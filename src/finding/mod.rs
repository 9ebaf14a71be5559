//! What a scan is about: one [`Finding`] per secret, with every place it sprawled to.
//!
//! The types here are internal; each report format has its own serialisable ones. Nothing here does I/O.

mod baseline;
mod fingerprint;
mod kind;
mod location;
mod owner;
mod part;
mod status;
mod token;
mod triage;

pub use baseline::Baseline;
pub use fingerprint::{Fingerprint, FingerprintKey, Fingerprinter};
pub use kind::{Confidence, Kind, Severity};
pub use location::{
    Branches, CommitInfo, GitObject, GitPlace, ImagePlace, Location, Locator, Origin, Place, SourcePath, TextSpan,
    escape,
};
pub use owner::{Owner, OwnerSource};
pub use part::{Pairing, Part, PartPlace, PartValue};
pub use status::{Identity, Liveness, LivenessState, Revocation, RevocationState};
pub use token::{SenderConstraint, TokenFacts, TokenUse};
pub(crate) use token::{host_of_issuer, is_at_or_below, provider_of_issuer};
pub use triage::lower_findings_of_tests;

use crate::secret::Secret;

/// One leaked credential, keyed by its value: the same value in forty places is one finding with forty locations.
pub struct Finding {
    /// Keyed hash of the value and its kind; survives moved lines, squashed commits and renamed files.
    pub id: Fingerprint,
    /// Id of the rule that found it, such as `google-oauth-refresh-token`.
    pub rule: String,
    /// Provider of that rule, such as `google`, or `generic`.
    pub provider: String,
    /// What the rule finds, in words, for people.
    pub title: String,
    /// What sort of credential it is.
    pub kind: Kind,
    /// How sure the detection is.
    pub confidence: Confidence,
    /// How bad it is if it works.
    pub severity: Severity,
    /// The value. Kept for verification and revocation in the same run; leaves only as decided by `--show-secrets`. That of a
    /// file which is the finding itself is its content: it is not kept, and empty.
    pub secret: Secret,
    /// What stood with it and is needed to ask its issuer; sorted and without repetitions.
    pub parts: Vec<Part>,
    /// What a JWT says about itself.
    pub token: Option<TokenFacts>,
    /// What is known of whether it still works.
    pub liveness: Liveness,
    /// What has been done to end it.
    pub revocation: Revocation,
    /// Every place it stands in; sorted and without repetitions.
    pub locations: Vec<Location>,
    /// Whom to tell, as the scanned content says; at most a dozen.
    pub owners: Vec<Owner>,
}

impl Finding {
    /// What reports show of the value. Of a file that is the finding itself, nothing is shown.
    pub fn redacted(&self) -> String {
        if self.kind == Kind::File { "(the whole file)".to_owned() } else { self.secret.redacted() }
    }

    /// How long the value is, in bytes.
    pub fn length(&self) -> u64 {
        let of_file = self.locations.first().filter(|_| self.kind == Kind::File);
        of_file.map_or(self.secret.len() as u64, |location| location.span.byte_end)
    }

    /// The first public part of that name.
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find_map(|part| match &part.value {
            PartValue::Public(value) if part.name == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// Every public part of that name: more than one where the pairing was ambiguous.
    pub fn parts_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(move |part| match &part.value {
            PartValue::Public(value) if part.name == name => Some(value.as_str()),
            _ => None,
        })
    }
}
