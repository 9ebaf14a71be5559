//! [`Sign`]: what an answer says, by its body before its status.

use serde::Deserialize;
use serde_json::Value;

/// A condition on an answer; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "SignEntry")]
pub struct Sign {
    /// The statuses that fit; any when this is empty.
    pub status: Vec<u16>,
    /// Where the body's JSON holds something (RFC 6901).
    pub has: Option<String>,
    /// Where the body's JSON holds exactly this.
    pub is: Vec<(String, Value)>,
    /// Text of the body, in small letters; an answer may have any case.
    pub contains: Option<String>,
}

/// A [`Sign`] as it is written: a status alone, or a table.
#[derive(Deserialize)]
#[serde(untagged)]
enum SignEntry {
    Status(u16),
    Table(SignTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignTable {
    status: Option<Statuses>,
    has: Option<String>,
    #[serde(default)]
    is: serde_json::Map<String, Value>,
    contains: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

impl From<SignEntry> for Sign {
    fn from(entry: SignEntry) -> Self {
        match entry {
            SignEntry::Status(status) => Self { status: vec![status], ..Self::default() },
            SignEntry::Table(SignTable { status, has, is, contains }) => Self {
                status: match status {
                    None => Vec::new(),
                    Some(Statuses::One(status)) => vec![status],
                    Some(Statuses::Several(several)) => several,
                },
                has,
                is: is.into_iter().collect(),
                contains: contains.map(|text| text.to_ascii_lowercase()),
            },
        }
    }
}

/// What a host answered, as far as signs look at it.
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// The body, if it is JSON of bounded depth.
    pub json: Option<Value>,
}

impl Sign {
    /// Whether the answer is such a one.
    pub fn fits(&self, answer: &Answer<'_>) -> bool {
        let at = |pointer: &str| answer.json.as_ref().and_then(|json| json.pointer(pointer));
        (self.status.is_empty() || self.status.contains(&answer.status))
            && self.has.as_ref().is_none_or(|pointer| at(pointer).is_some_and(holds_something))
            && self.is.iter().all(|(pointer, value)| at(pointer) == Some(value))
            && self.contains.as_ref().is_none_or(|text| contains(answer.body, text))
    }

    /// Whether it looks at the body. A status alone is what proxies and portals give as well.
    pub fn reads_body(&self) -> bool {
        self.has.is_some() || !self.is.is_empty() || self.contains.is_some()
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let pointers = self.has.iter().chain(self.is.iter().map(|(pointer, _)| pointer));
        if self.status.is_empty() && !self.reads_body() {
            return Some("a sign needs a status or a condition on the body");
        }
        if !pointers.clone().all(|pointer| pointer.is_empty() || pointer.starts_with('/')) {
            return Some("a JSON pointer begins with `/`");
        }
        self.contains.as_ref().is_some_and(String::is_empty).then_some("`contains` is empty")
    }
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

/// Of several groups of signs, in order, the first that the answer fits. Signs that read the body come before those that know the
/// status alone.
pub(super) fn first_fit<'a, T: Copy>(groups: &[(T, &'a [Sign])], answer: &Answer<'_>) -> Option<(T, &'a Sign)> {
    let fitting = |reads_body: bool| {
        groups.iter().find_map(|(meaning, signs)| {
            let sign = signs.iter().find(|sign| sign.reads_body() == reads_body && sign.fits(answer))?;
            Some((*meaning, sign))
        })
    };
    fitting(true).or_else(|| fitting(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_comes_before_the_status() {
        let signs = |text: &str| -> Vec<Sign> { serde_json::from_str(text).expect("signs") };
        let dead = signs(
            r#"[401, {"status": 403, "contains": "Invalid Token"}, {"is": {"/ok": false, "/error": "invalid_auth"}}]"#,
        );
        let restricted = signs("[403]");
        let live = signs(r#"[{"status": [200, 201], "has": "/user/id"}]"#);
        for (status, body, expected) in [
            (200, r#"{"user":{"id":7}}"#, Some("live")),
            (201, r#"{"user":{"id":0}}"#, Some("live")),
            (200, r#"{"user":{"id":""}}"#, None),
            (200, r#"{"user":{"id":null}}"#, None),
            (200, "<html>", None),
            (200, r#"{"ok":false,"error":"invalid_auth"}"#, Some("dead")),
            (200, r#"{"ok":true,"error":"invalid_auth"}"#, None),
            (401, "", Some("dead")),
            (403, "forbidden", Some("restricted")),
            (403, r#"{"err":"invalid token"}"#, Some("dead")),
            (429, "", None),
            (500, r#"{"user":{"id":7}}"#, None),
        ] {
            let answer = Answer { status, body: body.as_bytes(), json: serde_json::from_str(body).ok() };
            let groups = [("restricted", restricted.as_slice()), ("live", live.as_slice()), ("dead", dead.as_slice())];
            assert_eq!(first_fit(&groups, &answer).map(|(meaning, _)| meaning), expected, "{status} {body}");
        }
    }
}
