//! [`Place`] and [`Taken`]: where in an answer something stands.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::Answer;

/// A place in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// In the JSON of the body (RFC 6901).
    Body(String),
    /// A header, in small letters.
    Header(String),
    /// The text of the first element of that name, in XML.
    Element(String),
}

/// What an answer gives to the request after it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Taken {
    /// What stands at a place.
    At(Place),
    /// What stands beside the credential in a list of many.
    Beside(Beside),
}

/// A member of the one element of a list that holds the credential itself. Written `LIST[MEMBER={secret}]VALUE`, each a JSON
/// pointer; LIST is empty where the whole answer is the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Where the list is.
    list: String,
    /// Where an element has the credential.
    secret: String,
    /// Where it has what is taken.
    value: String,
}

/// Why nothing is taken. No reason quotes the answer: it may hold credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// The place is empty.
    #[error("its provider does not tell the id that the call needs")]
    Nothing,
    /// No list is where it should be.
    #[error("its provider gives no list in which it could be found")]
    NoList,
    /// No element has the credential.
    #[error("its provider's list does not hold it, and another credential's id is not taken for its own")]
    NotListed,
    /// Several elements have the credential.
    #[error("its provider's list holds it more than once, and neither id is certain to be its own")]
    ListedTwice,
}

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(':') {
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_ascii_lowercase())),
            Some(("element", name)) if !name.is_empty() => Ok(Self::Element(name.to_owned())),
            _ if text.starts_with('/') => Ok(Self::Body(text)),
            _ => Err("a place is a JSON pointer that begins with `/`, `header:NAME` or `element:NAME`"),
        }
    }
}

impl TryFrom<String> for Taken {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Some((list, rest)) = text.split_once('[') else { return Place::try_from(text).map(Self::At) };
        let spelling = "what stands beside the credential in a list is written `LIST[MEMBER={secret}]VALUE`: JSON pointers, of \
                        which LIST may be empty";
        let (secret, value) = rest.split_once("={secret}]").ok_or(spelling)?;
        let is_pointer = |text: &str| text.starts_with('/') && !text.contains(['[', ']', '{', '}']);
        if !(list.is_empty() || is_pointer(list)) || !is_pointer(secret) || !is_pointer(value) {
            return Err(spelling);
        }
        if secret == value {
            return Err("what is taken is the credential itself, not what stands beside it");
        }
        Ok(Self::Beside(Beside { list: list.to_owned(), secret: secret.to_owned(), value: value.to_owned() }))
    }
}

impl Place {
    /// The text there: an array's items joined by a blank, a number as it is written. `None` if nothing is there.
    pub fn read(&self, answer: &Answer<'_>, header: impl Fn(&str) -> Option<String>) -> Option<String> {
        let text = match self {
            Self::Header(name) => header(name),
            Self::Body(pointer) => text_of(answer.json.as_ref()?.pointer(pointer)?),
            Self::Element(name) => text_of_element(answer.body, name),
        };
        text.filter(|text| !text.is_empty())
    }
}

impl Taken {
    /// What the answer gives of the credential whose value is `secret`.
    ///
    /// # Errors
    /// When nothing is there, or when it is not certain to be the credential's own.
    pub fn read(
        &self,
        answer: &Answer<'_>,
        secret: &[u8],
        header: impl Fn(&str) -> Option<String>,
    ) -> Result<String, NotTaken> {
        match self {
            Self::At(place) => place.read(answer, header).ok_or(NotTaken::Nothing),
            Self::Beside(beside) => beside.read(answer, secret),
        }
    }
}

impl Beside {
    fn read(&self, answer: &Answer<'_>, secret: &[u8]) -> Result<String, NotTaken> {
        let list = answer.json.as_ref().and_then(|json| json.pointer(&self.list)).and_then(Value::as_array);
        let is_own = |element: &&Value| {
            let value = element.pointer(&self.secret).and_then(Value::as_str);
            value.is_some_and(|value| !value.is_empty() && value.as_bytes() == secret)
        };
        let mut own = list.ok_or(NotTaken::NoList)?.iter().filter(is_own);
        match (own.next(), own.next()) {
            (None, _) => Err(NotTaken::NotListed),
            (Some(_), Some(_)) => Err(NotTaken::ListedTwice),
            (Some(element), None) => match element.pointer(&self.value) {
                Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
                Some(Value::Number(number)) => Ok(number.to_string()),
                _ => Err(NotTaken::Nothing),
            },
        }
    }
}

/// What stands between the first start tag of that name and the next tag. Names and numbers need no more of XML than that.
fn text_of_element(body: &[u8], name: &str) -> Option<String> {
    let (_, behind) = std::str::from_utf8(body).ok()?.split_once(&format!("<{name}>"))?;
    Some(behind.split_once('<')?.0.trim().to_owned())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(items) => {
            let texts: Vec<String> =
                items.iter().filter_map(|item| if item.is_array() { None } else { text_of(item) }).collect();
            (!texts.is_empty()).then(|| texts.join(" "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_element_that_is_the_credential_gives_its_id() {
        for (place, body, expected) in [
            ("[/t={secret}]/id", r#"[{"t":"other","id":"1"},{"t":"own","id":"2"}]"#, Ok("2")),
            ("[/t={secret}]/id", r#"[{"t":"own","id":7}]"#, Ok("7")),
            ("[/a/t={secret}]/b/id", r#"[{"a":null},{"a":{"t":"own"},"b":{"id":"3"}}]"#, Ok("3")),
            ("/data/all[/t={secret}]/id", r#"{"data":{"all":[{"t":"own","id":"4"}]}}"#, Ok("4")),
            ("[/t={secret}]/id", r#"[{"t":"other","id":"1"}]"#, Err(NotTaken::NotListed)),
            ("[/t={secret}]/id", r#"[{"t":"owner","id":"1"},{"t":"ow","id":"2"}]"#, Err(NotTaken::NotListed)),
            ("[/t={secret}]/id", r#"[{"t":"Own","id":"1"},{"t":null,"id":"2"},"own",5]"#, Err(NotTaken::NotListed)),
            ("[/t={secret}]/id", "[]", Err(NotTaken::NotListed)),
            ("[/t={secret}]/id", r#"[{"t":"own","id":"1"},{"t":"own","id":"2"}]"#, Err(NotTaken::ListedTwice)),
            ("[/t={secret}]/id", r#"[{"t":"own","id":"1"},{"t":"own","id":"1"}]"#, Err(NotTaken::ListedTwice)),
            ("[/t={secret}]/id", r#"{"t":"own","id":"1"}"#, Err(NotTaken::NoList)),
            ("[/t={secret}]/id", "<html>", Err(NotTaken::NoList)),
            ("/data[/t={secret}]/id", r#"[{"t":"own","id":"1"}]"#, Err(NotTaken::NoList)),
            ("[/t={secret}]/id", r#"[{"t":"own"}]"#, Err(NotTaken::Nothing)),
            ("[/t={secret}]/id", r#"[{"t":"own","id":""}]"#, Err(NotTaken::Nothing)),
            ("[/t={secret}]/id", r#"[{"t":"own","id":["1"]}]"#, Err(NotTaken::Nothing)),
            ("/id", r#"{"id":"5"}"#, Ok("5")),
            ("/id", "{}", Err(NotTaken::Nothing)),
        ] {
            let answer = Answer { status: 200, body: body.as_bytes(), json: serde_json::from_str(body).ok() };
            let taken = Taken::try_from(place.to_owned()).expect(place);
            let read = taken.read(&answer, b"own", |_| None);
            assert_eq!(read.as_deref(), expected.as_ref().map(|value| *value), "{place} {body}");
        }
        let answer = Answer { status: 200, body: b"", json: serde_json::from_str(r#"[{"t":"","id":"1"}]"#).ok() };
        let taken = Taken::try_from("[/t={secret}]/id".to_owned()).expect("a place");
        assert_eq!(taken.read(&answer, b"", |_| None), Err(NotTaken::NotListed));
    }

    #[test]
    fn places_in_lists_are_spelled_in_one_way() {
        let taken = |text: &str| Taken::try_from(text.to_owned());
        for wrong in [
            "[/t]/id",
            "[/t={secret}]",
            "[/t={secret}]id",
            "[t={secret}]/id",
            "[={secret}]/id",
            "list[/t={secret}]/id",
            "/0[/t={token}]/id",
            "/a[/b[/t={secret}]/c]/id",
            "[/t={secret}][/u={secret}]/id",
            "header:x[/t={secret}]/id",
        ] {
            let error = taken(wrong).expect_err(wrong);
            assert!(error.contains("`LIST[MEMBER={secret}]VALUE`"), "{wrong}: {error}");
        }
        assert!(taken("[/t={secret}]/t").is_err_and(|error| error.contains("the credential itself")));
        assert!(taken("id").is_err_and(|error| error.contains("`header:NAME`")));
        assert!(Place::try_from("[/t={secret}]/id".to_owned()).is_err());
    }
}
