//! The plan for people.

use std::fmt::Write as _;

use super::{Authority, PlanEntry, PlannedAction, PlannedLocation, PlannedPlace, RevocationPlan};
use crate::finding::escape;
use crate::revoke::policy::PolicyAction;
use crate::spelling::to_the_second;

impl RevocationPlan {
    /// The plan as text. `explain` adds which part of the policy decided, and every planned place.
    ///
    /// What comes from scanned content is escaped: a token's scope cannot steer the approver's terminal.
    pub fn to_text(&self, explain: bool) -> String {
        let mut text = String::new();
        if self.entries.is_empty() {
            return "Nothing to revoke: no finding is known to be live.\n".to_owned();
        }
        let by_hand = self.entries.iter().filter(|entry| !entry.is_call()).count();
        let _ = writeln!(
            text,
            "{} to revoke: {} automatic, {} with approval, {} forbidden by policy, {} by hand\n",
            count(self.entries.len(), "finding"),
            self.calls(PolicyAction::Auto),
            self.calls(PolicyAction::Approve),
            self.calls(PolicyAction::Never),
            by_hand,
        );
        for (index, entry) in self.entries.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write_entry(&mut text, index + 1, entry, explain);
        }
        let _ = writeln!(text, "plan sha256:{}", self.hash());
        text
    }
}

fn write_entry(text: &mut String, number: usize, entry: &PlanEntry, explain: bool) -> std::fmt::Result {
    writeln!(text, "{number}. {} {}  {}  {}", entry.kind.as_str(), shown(&entry.redacted), entry.finding, entry.rule)?;
    let liveness = &entry.liveness;
    let method = liveness.method.as_deref().map(|method| format!(", by {method}")).unwrap_or_default();
    let when = liveness.checked_at.as_deref().map(|time| format!(" at {}", to_the_second(time))).unwrap_or_default();
    field(text, "liveness", &format!("{}{method}{when}", liveness.state))?;
    match &entry.action {
        PlannedAction::Rfc7009 { endpoint, token_type_hint, authority, .. } => {
            field(text, "call", &format!("RFC 7009 at {endpoint} as {token_type_hint}"))?;
            field(text, "authority", &authority_in_words(authority))?;
        }
        PlannedAction::Provider { request, shared, .. } => {
            field(text, "call", request)?;
            field(text, "authority", "the credential itself")?;
            if let (true, Some(account)) = (*shared, &entry.liveness.account) {
                field(text, "account", account)?;
            }
        }
        PlannedAction::Administration { interface, client_id, request, .. } => {
            field(text, "call", request)?;
            field(
                text,
                "authority",
                &format!("your administrator's credential ({interface}), for client {client_id}"),
            )?;
        }
        PlannedAction::Manual { why, steps } => {
            field(text, "by hand", why)?;
            for step in steps {
                field(text, "", &format!("- {step}"))?;
            }
        }
    }
    let undo = if entry.reversible { "can be undone" } else { "cannot be undone" };
    field(text, "reaches", &format!("{} ({undo}): {}", entry.blast_radius.as_str(), entry.expected))?;
    if let Some(outlives) = &entry.outlives {
        field(text, "outlives", outlives)?;
    }
    let breaks = &entry.breaks;
    if let Some(client) = &breaks.client_id {
        field(text, "client", client)?;
    }
    if !breaks.audience.is_empty() {
        field(text, "audience", &breaks.audience.join(" "))?;
    }
    if let Some(scope) = &breaks.scope {
        field(text, "scope", scope)?;
    }
    if !entry.owners.is_empty() {
        let owners: Vec<&str> = entry.owners.iter().map(|owner| owner.name.as_str()).collect();
        field(text, "tell", &owners.join(", "))?;
    }
    if entry.is_call() {
        field(text, "policy", entry.policy.action.as_str())?;
        if explain {
            field(text, "", &format!("decided by {}", entry.policy.decided_by))?;
        }
    }
    write_places(text, entry, explain)?;
    writeln!(text)
}

/// Where it stands: one place, or every planned one with its source. Places that read the same are told once.
fn write_places(text: &mut String, entry: &PlanEntry, explain: bool) -> std::fmt::Result {
    let mut places: Vec<String> = Vec::new();
    for location in &entry.locations {
        let place =
            format!("{}:{}{}", location.path, location.line, if explain { source_of(location) } else { String::new() });
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.truncate(if explain { places.len() } else { 1 });
    for (index, place) in places.iter().enumerate() {
        field(text, if index == 0 { "found at" } else { "" }, place)?;
    }
    let told = if explain { entry.locations.len() } else { places.len() };
    let more = entry.location_count.saturating_sub(told);
    if more > 0 {
        field(text, "", &format!("and {}", count(more, "other place")))?;
    }
    Ok(())
}

fn source_of(location: &PlannedLocation) -> String {
    match &location.place {
        PlannedPlace::File { .. } => String::new(),
        PlannedPlace::Stdin => " (standard input: it cannot be read again)".to_owned(),
        PlannedPlace::Git { repository, object, oid, .. } => format!(" ({object} {oid} of {repository})"),
        PlannedPlace::Staged { repository, oid } => format!(" (staged blob {oid} of {repository})"),
        PlannedPlace::Image { image, layer: Some(layer) } => format!(" (layer {layer} of {image})"),
        PlannedPlace::Image { image, layer: None } => format!(" (configuration of {image})"),
    }
}

fn authority_in_words(authority: &Authority) -> String {
    match authority {
        Authority::Nobody => "none: whoever has the token may revoke it".to_owned(),
        Authority::FoundClient { client_id, credential, .. } => {
            format!("client {client_id}, whose secret leaked as {credential}")
        }
        Authority::PublicClient { client_id } => format!("public client {client_id}"),
        Authority::OperatorClient { client_id } => format!("your configured client {client_id}"),
    }
}

fn field(text: &mut String, label: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "   {label:<10} {}", shown(value))
}

fn shown(value: &str) -> std::borrow::Cow<'_, str> {
    escape(value.as_bytes())
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
