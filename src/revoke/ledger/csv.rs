//! The ledger as a table (RFC 4180): one row per entry, in their order, so that every row can be held against its line and the
//! chain by number and hash. What belongs to a request is told again in the rows about its outcome.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Chain;
use super::entry::{Event, Intent};
use crate::finding::escape;

/// The columns, in their order.
const COLUMNS: [&str; 19] = [
    "sequence",
    "at",
    "event",
    "finding",
    "state",
    "detail",
    "kind",
    "provider",
    "issuer",
    "method",
    "endpoint",
    "authority",
    "client_id",
    "blast_radius",
    "policy",
    "plan",
    "intent",
    "previous",
    "hash",
];

impl Chain {
    /// Writes the entries whose own hash holds as a table with a header.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        row(out, &COLUMNS)?;
        for told in self.told() {
            let (entry, hash) = (told.entry, told.hash);
            let of = |field: fn(&Intent) -> &str| told.intent.map_or("", |(intent, _)| field(intent));
            let (state, detail) = match &entry.event {
                Event::Outcome { state, detail, .. }
                | Event::Proof { state, detail, .. }
                | Event::UndoOutcome { state, detail, .. } => (state.as_str(), Cow::Borrowed(detail.as_str())),
                Event::UndoIntent(undo) => ("", format!("to undo it, confirmed by {}", undo.by).into()),
                Event::Approved { by, calls, .. } => ("", format!("approved by {by}, calls: {calls}").into()),
                Event::Recovered { torn_bytes, .. } => ("", format!("{torn_bytes} bytes were torn by a crash").into()),
                Event::Intent(_) => ("", Cow::Borrowed("")),
            };
            row(
                out,
                &[
                    &entry.sequence.to_string(),
                    &entry.at,
                    entry.event.name(),
                    entry.event.finding().unwrap_or_default(),
                    state,
                    &detail,
                    of(|intent| &intent.kind),
                    of(|intent| &intent.provider),
                    of(|intent| &intent.issuer),
                    of(|intent| &intent.method),
                    of(|intent| &intent.endpoint),
                    of(|intent| &intent.authority),
                    of(|intent| intent.client_id.as_deref().unwrap_or_default()),
                    of(|intent| &intent.blast_radius),
                    of(|intent| &intent.policy),
                    entry.event.plan().unwrap_or_else(|| of(|intent| &intent.plan)),
                    told.intent.map_or("", |(_, hash)| hash),
                    &entry.previous,
                    hash,
                ],
            )?;
        }
        Ok(())
    }
}

fn row(out: &mut impl Write, cells: &[&str]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(self::cell(cell).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// A cell that a spreadsheet takes for text: one that began with one of these signs would be calculated, and a scanned client id may
/// well be a formula (OWASP, CSV Injection).
fn cell(text: &str) -> Cow<'_, str> {
    let text = escape(text.as_bytes());
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    if !is_formula && !text.contains(['"', ',', '\r', '\n']) {
        return text;
    }
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\"")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (text, expected) in [
            ("", ""),
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("two\nlines\t\u{202e}", "two\\u{a}lines\\u{9}\\u{202e}"),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
