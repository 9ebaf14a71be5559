//! The string values of a JSON document, decoded, each with the JSON pointer (RFC 6901) that leads to it.
//!
//! Image configurations, manifests and attestations are scanned this way: in the JSON text an escape (`\"`, `\u0026`) breaks a
//! value apart, and a byte offset in one long line tells a reader nothing. The values that stand side by side in one object
//! or array make one [`Text`], so that a key gives its value context and an id stands beside its secret, as in a file.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::finding::TextSpan;

/// Keys longer than this many characters are cut in pointers, which hostile nesting could else make huge.
const LONGEST_STEP: usize = 120;

/// Members whose key says nothing about the value: command lines and prose.
const PROSE: [&str; 3] = ["created_by", "comment", "author"];

/// A JSON value that keeps repeated members: the parser that runs the image may take the first, ours the last.
enum Json {
    Text(String),
    Other(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// One step of a pointer.
#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

/// The values of one object or array as a text: one `key=value` per line, one environment entry per line, or the words of a
/// command line.
pub(super) struct Text<'a> {
    bytes: Vec<u8>,
    path: &'a [Step<'a>],
    values: Vec<(Range<usize>, Step<'a>)>,
}

impl Text<'_> {
    /// The text itself: what detection sees.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The pointer to the value that holds a range of the text, and the span within that value. A range that no single value
    /// holds gets the pointer of the object or array and the span within the whole text.
    pub(super) fn locate(&self, range: &Range<usize>) -> (String, TextSpan) {
        let behind = self.values.partition_point(|(value, _)| value.start <= range.start);
        let last = behind.checked_sub(1).and_then(|index| self.values.get(index));
        let holder = last.filter(|(value, _)| range.end <= value.end);
        match holder {
            Some((value, step)) => {
                let bytes = self.bytes.get(value.clone()).unwrap_or_default();
                let span = TextSpan::locate(bytes, range.start - value.start, range.end - value.start);
                (pointer(self.path, Some(*step)), span)
            }
            None => (pointer(self.path, None), TextSpan::locate(&self.bytes, range.start, range.end)),
        }
    }

    /// What a pointer of [`Text::locate`] leads to: one value, or the whole text for the object or array itself.
    pub(super) fn at(&self, wanted: &str) -> Option<&[u8]> {
        if wanted.strip_prefix(&pointer(self.path, None))?.is_empty() {
            return Some(&self.bytes);
        }
        let (range, _) = self.values.iter().find(|(_, step)| pointer(self.path, Some(*step)) == wanted)?;
        self.bytes.get(range.clone())
    }
}

/// Gives every text of a document to `visit`, in the document's order.
///
/// # Errors
/// When the bytes are not one JSON document of at most 127 levels.
pub(super) fn visit(document: &[u8], visit: &mut dyn FnMut(&Text<'_>)) -> serde_json::Result<()> {
    let root: Json = serde_json::from_slice(document)?;
    if let Json::Text(text) | Json::Other(text) = &root {
        let values = vec![(0..text.len(), Step::Member(""))];
        visit(&Text { bytes: text.clone().into_bytes(), path: &[], values });
    }
    descend(&root, &mut Vec::new(), visit);
    Ok(())
}

fn descend<'a>(node: &'a Json, path: &mut Vec<Step<'a>>, visit: &mut dyn FnMut(&Text<'_>)) {
    let children: Vec<(Step<'a>, &'a Json)> = match node {
        Json::Text(_) | Json::Other(_) => return,
        Json::List(elements) => {
            elements.iter().enumerate().map(|(index, child)| (Step::Element(index), child)).collect()
        }
        Json::Map(members) => members.iter().map(|(key, child)| (Step::Member(key), child)).collect(),
    };
    let text = compose(&children, path);
    if !text.bytes.is_empty() {
        visit(&text);
    }
    for (step, child) in children {
        path.push(step);
        descend(child, path, visit);
        path.pop();
    }
}

/// Joins the strings, numbers and so on among the children, and the keys of the others.
fn compose<'a>(children: &[(Step<'a>, &'a Json)], path: &'a [Step<'_>]) -> Text<'a> {
    // A command line is one line, so that `--client-secret` and the word behind it belong together.
    let is_environment = matches!(path.last(), Some(Step::Member("Env" | "env")));
    let separator = match children.first() {
        Some((Step::Element(_), _)) if !is_environment => b' ',
        _ => b'\n',
    };
    let mut bytes = Vec::new();
    let mut values = Vec::new();
    for (step, child) in children {
        if let Step::Member(key) = step
            && !PROSE.contains(key)
        {
            bytes.extend_from_slice(key.as_bytes());
            bytes.push(b'=');
        }
        if let Json::Text(text) | Json::Other(text) = child {
            let start = bytes.len();
            bytes.extend_from_slice(text.as_bytes());
            values.push((start..bytes.len(), *step));
            bytes.push(separator);
        } else if matches!(step, Step::Member(_)) {
            bytes.push(separator);
        }
    }
    Text { bytes, path, values }
}

fn pointer(path: &[Step<'_>], last: Option<Step<'_>>) -> String {
    let mut pointer = String::new();
    for step in path.iter().copied().chain(last) {
        pointer.push('/');
        match step {
            Step::Element(index) => pointer.push_str(&index.to_string()),
            Step::Member(key) => {
                for character in key.chars().take(LONGEST_STEP) {
                    match character {
                        '~' => pointer.push_str("~0"),
                        '/' => pointer.push_str("~1"),
                        other => pointer.push(other),
                    }
                }
            }
        }
    }
    pointer
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Other(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Other(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Other(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Json::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks for `needle` in every text of `document` and lists where it stands: pointer, and the bytes within the value.
    fn check(document: &str, needle: &str, expected: &[(&str, u64, u64)]) {
        let mut found = Vec::new();
        visit(document.as_bytes(), &mut |text| {
            for start in memchr::memmem::find_iter(text.bytes(), needle) {
                let (pointer, span) = text.locate(&(start..start + needle.len()));
                let value = text.at(&pointer).unwrap();
                let place = usize::try_from(span.byte_start).unwrap()..usize::try_from(span.byte_end).unwrap();
                assert_eq!(&value[place], needle.as_bytes(), "{pointer}");
                found.push((pointer, span.byte_start, span.byte_end));
            }
        })
        .unwrap();
        let found: Vec<_> = found.iter().map(|(pointer, start, end)| (pointer.as_str(), *start, *end)).collect();
        assert_eq!(found, expected, "{needle} in {document}");
    }

    #[test]
    fn values_are_found_decoded_with_their_pointers() {
        check(r#"{"config":{"Env":["PATH=/bin","TOKEN=a\u0026b\"c"]}}"#, "a&b\"c", &[("/config/Env/1", 6, 11)]);
        check(r#"{"history":[{"created_by":"RUN |1 T=secret"}]}"#, "secret", &[("/history/0/created_by", 9, 15)]);
        check(r#"{"Labels":{"com.example/key~":"secret"}}"#, "secret", &[("/Labels/com.example~1key~0", 0, 6)]);
        check(r#"{"a":"secret","a":["secret"]}"#, "secret", &[("/a", 0, 6), ("/a/0", 0, 6)]);
        check(r#"{"secret":{}}"#, "secret", &[("", 0, 6)]);
        check(r#""secret""#, "secret", &[("/", 0, 6)]);
        check(r#"{"pin":123456}"#, "123456", &[("/pin", 0, 6)]);
    }

    #[test]
    fn neighbours_make_one_text() {
        check(r#"{"Cmd":["app","--secret","x"]}"#, "--secret x", &[("/Cmd", 4, 14)]);
        check(r#"{"Env":["ID=1","SECRET=2"]}"#, "ID=1\nSECRET=2", &[("/Env", 0, 13)]);
        check(r#"{"Labels":{"id":"1","secret":"2"}}"#, "id=1\nsecret=2", &[("/Labels", 0, 13)]);
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        let deep = "[".repeat(100_000);
        for document in ["", "{", "{} {}", "{\"a\": \"\\ud800\"}", deep.as_str()] {
            assert!(visit(document.as_bytes(), &mut |_| ()).is_err(), "{} bytes", document.len());
        }
    }
}
