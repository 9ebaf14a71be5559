//! One line of the ledger: what it says, how it is sealed, and how a seal is checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::RevocationState;
use crate::revoke::canonical::sha256_hex;

/// The version of the form of ledger lines.
pub(super) const LEDGER_SCHEMA: u32 = 1;

/// What the first line names as its previous one.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line of the ledger without its seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Version of the form.
    pub schema: u32,
    /// Counts from 1.
    pub sequence: u64,
    /// When, in RFC 3339, UTC.
    pub at: String,
    /// What happened.
    pub event: Event,
    /// Hash of the line before; 64 zeros for the first.
    pub previous: String,
}

/// What a line of the ledger tells. Nothing in it is a secret, and only the name of an account was chosen by a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A plan is about to be executed.
    Approved {
        /// Hash of the plan.
        plan: String,
        /// `policy`, or `hash` where a person confirmed the plan's hash.
        by: String,
        /// How many calls it holds that may run.
        calls: usize,
    },
    /// A request is about to leave. Without an outcome behind it nobody knows whether it did.
    Intent(Intent),
    /// What came of a request, or why none was sent.
    Outcome {
        /// Id of the finding.
        finding: String,
        /// Hash of the plan.
        plan: String,
        /// Hash of the intent; none where no request was sent.
        intent: Option<String>,
        /// How it ended.
        state: LedgerState,
        /// Why, in the program's own words.
        detail: String,
    },
    /// What a look at the credential afterwards showed.
    Proof {
        /// Id of the finding.
        finding: String,
        /// What is known now.
        state: LedgerState,
        /// By what, in the program's own words.
        detail: String,
    },
    /// A request is about to leave that takes a revocation back. Without an outcome behind it nobody knows whether it did.
    UndoIntent(UndoIntent),
    /// What came of taking a revocation back: `undone` is said of what is proven to work again.
    UndoOutcome {
        /// Id of the finding.
        finding: String,
        /// Hash of the intent.
        intent: String,
        /// How it ended.
        state: LedgerState,
        /// Why, in the program's own words.
        detail: String,
    },
    /// The line before this one was torn by a crash. What it would have told is lost; nothing was sent on the strength of it.
    Recovered {
        /// Length of the torn line.
        torn_bytes: usize,
        /// Its SHA-256.
        torn_sha256: String,
    },
}

/// What is about to be sent, and on whose authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Id of the finding.
    pub finding: String,
    /// Hash of the plan.
    pub plan: String,
    /// Kind of the finding.
    pub kind: String,
    /// Provider of the finding.
    pub provider: String,
    /// The issuer.
    pub issuer: String,
    /// `rfc7009`, `provider` or `administration`.
    pub method: String,
    /// Origin and path.
    pub endpoint: String,
    /// `nobody`, `found_client`, `public_client`, `operator_client`, `itself` or `administrator`.
    pub authority: String,
    /// The client that the request is sent for.
    pub client_id: Option<String>,
    /// How much dies with it.
    pub blast_radius: String,
    /// The part of the policy that decided, and what it decided.
    pub policy: String,
    /// What taking it back needs; none where nothing takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal: Option<Reversal>,
}

/// What it takes to take a revocation back besides an administrator's credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// Id of the rule that knows the request.
    pub rule: String,
    /// Whose the credential is, in the words of its provider.
    pub account: String,
    /// Values of the request, none of them secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, String>,
}

/// A request that takes a revocation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoIntent {
    /// Id of the finding.
    pub finding: String,
    /// Hash of the intent that is taken back.
    pub revocation: String,
    /// Where it is sent.
    pub issuer: String,
    /// Method and address.
    pub endpoint: String,
    /// `administrator`.
    pub authority: String,
    /// Who confirmed it: `terminal`, `receipt` or `yes`.
    pub by: String,
}

impl Event {
    /// The spelling of its `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::Intent(_) => "intent",
            Self::Outcome { .. } => "outcome",
            Self::Proof { .. } => "proof",
            Self::UndoIntent(_) => "undo_intent",
            Self::UndoOutcome { .. } => "undo_outcome",
            Self::Recovered { .. } => "recovered",
        }
    }

    /// Id of the finding that it is about.
    pub fn finding(&self) -> Option<&str> {
        match self {
            Self::Intent(Intent { finding, .. })
            | Self::Outcome { finding, .. }
            | Self::Proof { finding, .. }
            | Self::UndoIntent(UndoIntent { finding, .. })
            | Self::UndoOutcome { finding, .. } => Some(finding),
            Self::Approved { .. } | Self::Recovered { .. } => None,
        }
    }

    /// Hash of the plan that it names.
    pub fn plan(&self) -> Option<&str> {
        match self {
            Self::Approved { plan, .. } | Self::Intent(Intent { plan, .. }) | Self::Outcome { plan, .. } => Some(plan),
            Self::Proof { .. } | Self::UndoIntent(_) | Self::UndoOutcome { .. } | Self::Recovered { .. } => None,
        }
    }
}

/// The states of [`RevocationState`] that a ledger holds, and that of a revocation that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerState {
    /// Proven dead afterwards.
    Revoked,
    /// Accepted by the issuer, without proof.
    Accepted,
    /// Accepted by the issuer, and it still works.
    StillLive,
    /// Refused by the issuer, the policy, or because the value is no longer where it was.
    Refused,
    /// Not sent, or without effect for certain.
    Failed,
    /// It may or may not have had its effect.
    Unknown,
    /// It was taken back.
    Undone,
}

impl From<LedgerState> for RevocationState {
    fn from(state: LedgerState) -> Self {
        match state {
            LedgerState::Revoked => Self::Revoked,
            LedgerState::Accepted => Self::Accepted,
            LedgerState::StillLive => Self::StillLive,
            LedgerState::Refused => Self::Refused,
            LedgerState::Failed => Self::Failed,
            LedgerState::Unknown => Self::Unknown,
            // As if nothing had been done.
            LedgerState::Undone => Self::None,
        }
    }
}

impl LedgerState {
    /// The spelling of the ledger and of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undone => "undone",
            _ => RevocationState::from(self).as_str(),
        }
    }
}

/// How a line ends: its hash as the last member of the object.
const SEAL: &str = ",\"hash\":\"";
const SEAL_LENGTH: usize = SEAL.len() + 64 + "\"}".len();

/// The sealed line, without its line break, and its hash: SHA-256 of the object as it stands without the member `hash`.
pub(super) fn seal(entry: &Entry) -> (String, String) {
    let open = serde_json::to_string(entry).expect("ledger entries have string keys and serialise");
    let hash = sha256_hex(open.as_bytes());
    let body = open.strip_suffix('}').expect("an entry serialises as an object");
    (format!("{body}{SEAL}{hash}\"}}"), hash)
}

/// The entry of a sealed line and its hash.
///
/// # Errors
/// What is wrong with the line, in words.
pub(super) fn unseal(line: &[u8]) -> Result<(Entry, String), &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not text")?;
    let split = line.len().checked_sub(SEAL_LENGTH).filter(|&at| line.is_char_boundary(at));
    let Some((body, end)) = split.map(|at| line.split_at(at)) else { return Err("it has no hash") };
    let Some(hash) = end.strip_prefix(SEAL).and_then(|end| end.strip_suffix("\"}")) else {
        return Err("it has no hash");
    };
    let open = format!("{body}}}");
    if sha256_hex(open.as_bytes()) != hash {
        return Err("its hash does not match its content");
    }
    let entry = serde_json::from_str(&open).map_err(|_| "it is not a ledger entry of this version")?;
    Ok((entry, hash.to_owned()))
}
