//! [`Part`]: what stands with a secret and is needed to ask its issuer.

use super::{Fingerprint, SourcePath};

/// Something that stood with a secret: a client id, an issuer, a tenant, or another secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// `client_id`, `client_secret`, `issuer`, `token_endpoint`, `tenant`, `username` and so on, in OAuth's own words.
    pub name: String,
    /// Its value.
    pub value: PartValue,
    /// Where it stands, and why it belongs there; `None` where nobody told.
    pub place: Option<PartPlace>,
}

/// The value of a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartValue {
    /// Not a secret: may be shown.
    Public(String),
    /// A secret of its own, named by its finding.
    Finding(Fingerprint),
}

/// Where a part was found. Of several places the first is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartPlace {
    /// The file, as locations name it.
    pub path: SourcePath,
    /// Its line, counted from 1.
    pub line: u32,
    /// What joins it with the secret.
    pub pairing: Pairing,
}

/// What joins a part with a secret, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pairing {
    /// It is written into the secret's own text: the user of a connection string.
    Text,
    /// Their names begin alike: `OKTA_CLIENT_ID`, `OKTA_CLIENT_SECRET`.
    Name,
    /// They stand in the same object, section or paragraph.
    Block,
    /// The names of the objects around them tell: `registration.okta` and `provider.okta`, or one that both stand in.
    Tree,
    /// They stand near each other in the same text.
    Distance,
    /// It stands in another file of the same directory.
    SiblingFile,
}

impl Part {
    /// A part of which nobody told where it stands.
    pub fn new(name: &str, value: PartValue) -> Self {
        Self { name: name.to_owned(), value, place: None }
    }

    /// The same with a value that may be shown.
    pub fn public(name: &str, value: &str) -> Self {
        Self::new(name, PartValue::Public(value.to_owned()))
    }
}

impl Pairing {
    /// The spelling of reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Block => "block",
            Self::Tree => "tree",
            Self::Distance => "distance",
            Self::SiblingFile => "sibling-file",
        }
    }
}
