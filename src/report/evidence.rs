//! The requests of a run as JSON lines: enough to review a verdict, nothing that is secret.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::Redactor;
use crate::egress::Exchange;

/// One request and what came of it.
#[derive(Serialize)]
struct Record<'a> {
    at: Option<String>,
    /// Method, origin and path; the places of values stay places.
    request: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    duration_ms: u128,
}

/// Writes the requests, in the order of their ends. What a host has had its say in is held against all that was found.
///
/// # Errors
/// Those of the writer.
pub fn write_evidence(exchanges: &[Exchange], redactor: &Redactor, out: &mut impl Write) -> io::Result<()> {
    for exchange in exchanges {
        let record = Record {
            at: exchange.at.format(&Rfc3339).ok(),
            request: redactor.text(&exchange.request),
            address: exchange.address.map(|address| address.to_string()),
            status: exchange.status,
            error: exchange.error.as_ref().map(|error| redactor.text(&error.to_string()).into_owned()),
            duration_ms: exchange.duration.as_millis(),
        };
        serde_json::to_writer(&mut *out, &record)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
