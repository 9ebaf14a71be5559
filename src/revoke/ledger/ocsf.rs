//! The ledger as events of the Open Cybersecurity Schema Framework, in JSON Lines: one *Remediation Activity* (7001) for each entry
//! that tells what came of an attempt, and for each request of which no outcome is recorded.
//!
//! Source: github.com/ocsf/ocsf-schema, version 1.8.0, events/remediation/remediation_activity.json and events/base_event.json.
//! *Account Change* (3001) is not it: it speaks of users, and version 1.9 abandons it.

use std::io::{self, Write};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Chain;
use super::entry::{Event, LedgerState};
use super::told::Told;

/// The version of the schema.
const VERSION: &str = "1.8.0";
/// Remediation.
const CATEGORY: u32 = 7;
/// Remediation Activity.
const CLASS: u32 = 7001;
/// Takes what an adversary has out of the system, and what undoes that: D3FEND's tactics of these names.
const EVICT: (u32, &str) = (2, "Evict");
const RESTORE: (u32, &str) = (3, "Restore");
/// What is said of a request without an outcome.
const OPEN: &str = "a request was about to be sent, and no outcome is recorded";

#[derive(Serialize)]
struct RemediationActivity<'a> {
    activity_id: u32,
    activity_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    /// Milliseconds since 1970.
    time: i64,
    severity_id: u8,
    status_id: u8,
    status: &'static str,
    /// In the words of the ledger.
    status_code: &'static str,
    status_detail: &'a str,
    message: String,
    /// The request; where none was sent, the plan that it would have been part of.
    command_uid: &'a str,
    countermeasures: [Countermeasure; 1],
    metadata: Metadata<'a>,
    unmapped: Unmapped<'a>,
}

#[derive(Serialize)]
struct Countermeasure {
    d3f_tactic: Named,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    version: &'static str,
    product: Product,
    log_name: &'static str,
    /// The entry.
    uid: &'a str,
    sequence: u64,
    /// The finding: everything that was done about one credential belongs together.
    correlation_uid: &'a str,
    original_time: &'a str,
}

#[derive(Serialize)]
struct Product {
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Unmapped<'a> {
    event: &'static str,
    finding: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_radius: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    previous: &'a str,
}

impl Chain {
    /// Writes the events, one object per line.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write_ocsf(&self, out: &mut impl Write) -> io::Result<()> {
        for told in self.told() {
            if let Some(event) = activity(&told) {
                serde_json::to_writer(&mut *out, &event)?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

/// The event that an entry is told as. `None` for approvals and crashes, which remedy nothing.
fn activity<'a>(told: &Told<'a>) -> Option<RemediationActivity<'a>> {
    let (entry, hash) = (told.entry, told.hash);
    let (tactic, finding, state, detail) = match &entry.event {
        Event::Outcome { finding, state, detail, .. } | Event::Proof { finding, state, detail } => {
            (EVICT, finding, *state, detail.as_str())
        }
        Event::UndoOutcome { finding, state, detail, .. } => (RESTORE, finding, *state, detail.as_str()),
        Event::Intent(intent) if told.is_open => (EVICT, &intent.finding, LedgerState::Unknown, OPEN),
        Event::UndoIntent(intent) if told.is_open => (RESTORE, &intent.finding, LedgerState::Unknown, OPEN),
        Event::Intent(_) | Event::UndoIntent(_) | Event::Approved { .. } | Event::Recovered { .. } => return None,
    };
    let command = match &entry.event {
        Event::UndoOutcome { intent, .. } => Some(intent.as_str()),
        Event::UndoIntent(_) => Some(hash),
        _ => told.intent.map(|(_, intent)| intent),
    };
    let what = if tactic == RESTORE { "Undoing the revocation" } else { "Revocation" };
    let (severity_id, status_id, status) = levels(state);
    let intent = told.intent.map(|(intent, _)| intent);
    let time = OffsetDateTime::parse(&entry.at, &Rfc3339).map_or(0, |at| at.unix_timestamp_nanos() / 1_000_000);
    Some(RemediationActivity {
        activity_id: tactic.0,
        activity_name: tactic.1,
        category_uid: CATEGORY,
        category_name: "Remediation",
        class_uid: CLASS,
        class_name: "Remediation Activity",
        type_uid: CLASS * 100 + tactic.0,
        time: i64::try_from(time).unwrap_or_default(),
        severity_id,
        status_id,
        status,
        status_code: state.as_str(),
        status_detail: detail,
        message: format!("{what} of {finding}: {}", state.as_str()),
        command_uid: command.or(entry.event.plan()).unwrap_or(hash),
        countermeasures: [Countermeasure { d3f_tactic: Named { name: tactic.1 } }],
        metadata: Metadata {
            version: VERSION,
            product: Product { name: "rescind", vendor_name: "rescind", version: env!("CARGO_PKG_VERSION") },
            log_name: "ledger",
            uid: hash,
            sequence: entry.sequence,
            correlation_uid: finding,
            original_time: &entry.at,
        },
        unmapped: Unmapped {
            event: entry.event.name(),
            finding,
            kind: intent.map(|intent| intent.kind.as_str()),
            provider: intent.map(|intent| intent.provider.as_str()),
            issuer: intent.map(|intent| intent.issuer.as_str()),
            method: intent.map(|intent| intent.method.as_str()),
            endpoint: intent.map(|intent| intent.endpoint.as_str()),
            authority: intent.map(|intent| intent.authority.as_str()),
            blast_radius: intent.map(|intent| intent.blast_radius.as_str()),
            policy: intent.map(|intent| intent.policy.as_str()),
            previous: &entry.previous,
        },
    })
}

/// `severity_id`, `status_id` and the caption of the latter. Without proof there is no success: what the issuer only accepted is
/// unknown to it.
fn levels(state: LedgerState) -> (u8, u8, &'static str) {
    const INFORMATIONAL: u8 = 1;
    const LOW: u8 = 2;
    const MEDIUM: u8 = 3;
    const HIGH: u8 = 4;
    match state {
        LedgerState::Revoked | LedgerState::Undone => (INFORMATIONAL, 1, "Success"),
        LedgerState::Accepted => (LOW, 0, "Unknown"),
        LedgerState::StillLive => (HIGH, 2, "Failure"),
        LedgerState::Refused => (MEDIUM, 2, "Failure"),
        LedgerState::Failed => (MEDIUM, 6, "Error"),
        LedgerState::Unknown => (HIGH, 0, "Unknown"),
    }
}
