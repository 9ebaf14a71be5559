//! [`Template`]: text of a request with places for the secret and its parts. What fills them is bytes of a scanned file, so a
//! template is never expanded into syntax: whoever sends it encodes each value for the place where it goes.

use serde::Deserialize;

use super::SECRET_PATH;

/// Text with places for values, such as `token {secret}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Piece>);

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// The value of that name.
    Value(String),
}

impl Template {
    /// Its pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The names of the values that it needs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text without its places, each written as it is in the rule: fit for people.
    pub fn written(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(name) => format!("{{{name}}}"),
            })
            .collect()
    }
}

impl TryFrom<String> for Template {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or("a `{` is not closed")?;
            if !is_name(name) {
                return Err("a name in braces is made of small letters, digits and `_`");
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Value(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

/// Where a request goes: a host that is fixed, or that of an instance, and a path that may hold values. A host never does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Scheme and host, as `https://api.example.com`; `None` where every customer has an own one.
    pub origin: Option<String>,
    /// Path and query.
    pub path: Template,
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rest = text.strip_prefix("https://").ok_or("an address begins with `https://`")?;
        let end =
            if rest.starts_with("{host}") { "{host}".len() } else { rest.find(['/', '?', '{']).unwrap_or(rest.len()) };
        let (host, path) = rest.split_at(end);
        // What follows a host at once would belong to it.
        let is_path = path.is_empty() || path.starts_with(['/', '?']) || path == format!("{{{SECRET_PATH}}}");
        let path = Template::try_from(path.to_owned())?;
        if !is_path {
            return Err("behind the host of an address stands a path");
        }
        let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        match host {
            "{host}" => Ok(Self { origin: None, path }),
            _ if !host.is_empty() && host.bytes().all(is_host) => {
                Ok(Self { origin: Some(format!("https://{host}")), path })
            }
            _ => Err("the host of an address is a name in small letters, or `{host}` as a whole"),
        }
    }
}

/// The name of a value, if the whole text is its place. In bodies of JSON nothing else is a place: query languages have braces
/// of their own.
pub fn whole_place(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}').filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let parse = |text: &str| Template::try_from(text.to_owned());
        let names = |text| parse(text).map(|template| template.names().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(names("bot{secret}/x{a_1}"), Ok(vec!["secret".to_owned(), "a_1".to_owned()]));
        assert_eq!(parse("token {secret}").map(|template| template.written()).as_deref(), Ok("token {secret}"));
        assert_eq!(names("plain"), Ok(vec![]));
        for wrong in ["{secret", "{}", "{Secret}", "{a b}", "{viewer{id}}"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let address = |text: &str| Address::try_from(text.to_owned());
        let origin = |text| address(text).map(|address| address.origin);
        assert_eq!(origin("https://api.example.com/v1/{id}?x=1"), Ok(Some("https://api.example.com".to_owned())));
        assert_eq!(origin("https://{host}/v1"), Ok(None));
        for wrong in [
            "http://api.example.com/",
            "https://{host}.example.com/",
            "https://a@b/",
            "https://a{b}.com/",
            "https://a{secret_path}.com",
            "https://{host}x",
            "https://{tenant}/",
            "https:///x",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert_eq!(whole_place("{secret}"), Some("secret"));
        for text in ["{viewer{id}}", "{secret} ", "secret", "{}"] {
            assert_eq!(whole_place(text), None, "{text}");
        }
    }
}
