//! [`Response`]: what a host answered, within limits.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use zeroize::Zeroizing;

use super::{JsonError, MAX_JSON_DEPTH};
use crate::rules::call::Answer;

/// An answer. Not printable: its body may repeat what was sent, or hold a new token.
pub struct Response {
    /// HTTP status; never 3xx, which is an error.
    pub status: u16,
    /// The pause that the host asks for.
    pub retry_after: Option<Duration>,
    /// Media type, in lower case, without parameters.
    pub content_type: Option<String>,
    /// The body, zeroed on drop.
    pub body: Zeroizing<Vec<u8>>,
    headers: HeaderMap,
}

impl Response {
    pub(super) fn new(status: u16, headers: &HeaderMap, body: Zeroizing<Vec<u8>>) -> Self {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Self {
            status,
            retry_after: headers
                .get(RETRY_AFTER)
                .and_then(|value| pause(value.to_str().ok()?, OffsetDateTime::now_utc())),
            content_type: content_type
                .and_then(|value| value.split(';').next())
                .map(|media_type| media_type.trim().to_ascii_lowercase()),
            body,
            headers: headers.clone(),
        }
    }

    /// A header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, whatever the media type says: servers get that wrong, and nothing is executed.
    pub fn json(&self) -> Result<Value, JsonError> {
        parse_json(&self.body)
    }

    /// The answer as the signs of rules look at it.
    pub(crate) fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, body: &self.body, json: self.json().ok() }
    }

    /// A member of the body's JSON object, if it is text.
    pub fn json_text(&self, member: &str) -> Option<String> {
        self.json().ok()?.get(member)?.as_str().map(str::to_owned)
    }
}

/// Parses JSON from outside, of bounded depth.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, JsonError> {
    if depth(bytes) > MAX_JSON_DEPTH {
        return Err(JsonError::TooDeep);
    }
    serde_json::from_slice(bytes).map_err(|_| JsonError::Syntax)
}

/// The deepest nesting of brackets outside of strings. Exact for JSON, and an upper bound for a prefix of it.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date. At most a day is believed.
fn pause(value: &str, now: OffsetDateTime) -> Option<Duration> {
    const MOST: u64 = 86_400;
    let seconds = if let Ok(seconds) = value.trim().parse::<u64>() {
        seconds
    } else {
        let until = OffsetDateTime::parse(value.trim(), &Rfc2822).ok()?;
        u64::try_from((until - now).whole_seconds()).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds.min(MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_ignores_strings() {
        for (text, expected) in [("", 0), ("[[]]", 2), (r#"{"a":"[[[[\"[["}"#, 1), ("[]]][", 1), (r#"["\\",[1]]"#, 2)] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_json(nested(MAX_JSON_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse_json(nested(MAX_JSON_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(parse_json("[".repeat(100_000).as_bytes()), Err(JsonError::TooDeep));
        assert_eq!(parse_json(b"<html>"), Err(JsonError::Syntax));
    }

    #[test]
    fn pauses() {
        let now = OffsetDateTime::from_unix_timestamp(784_111_777).expect("a time");
        for (value, expected) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("99999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(pause(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
