//! [`Rule`]: what one kind of credential looks like, where its secret may be sent, and how it is checked and ended.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use regex::bytes::Regex;

use serde::{Deserialize, Serialize};

use super::call::{Check, Ending};
use super::sought::{Alphabet, Scanner};
use super::vendor::VendorKey;
use crate::finding::{Confidence, Kind, Severity};

/// One rule, complete in itself and already validated.
///
/// What it looks for every scan needs of all rules. The rest is that of its [`Details`].
#[derive(Debug)]
pub struct Rule {
    /// Unique name in kebab case.
    pub id: String,
    /// Name of its provider, or `generic`.
    pub provider: String,
    /// Literals of which one stands in or near every match: the input of the prefilter.
    pub anchors: Vec<Cow<'static, str>>,
    /// Whether the case of the anchors matters.
    pub anchors_are_case_sensitive: bool,
    /// How far from an anchor a match may reach.
    pub window: Window,
    /// How a match is found within the window.
    pub matcher: Matcher,
    /// The least length in bytes of a value that its shape admits, and the greatest.
    pub lengths: (usize, Option<usize>),
    /// Whether [`Details::except`] names any words.
    pub has_exceptions: bool,
    /// File the rule comes from, as shown to people.
    pub file: Cow<'static, str>,
    /// Whether it comes with the program.
    pub is_built_in: bool,
    /// What it has of its own if it was written for gitleaks.
    pub borrowed: Option<Box<Borrowed>>,
    /// The rest.
    pub details: Deferred<Box<Details>>,
}

/// What of a rule is of use where it may have found something. A [`Rule`] gives it as its own.
#[derive(Debug)]
pub struct Details {
    /// What it finds, in words.
    pub title: String,
    /// What sort of credential it finds; a match may turn out to be a closer one.
    pub kind: Kind,
    /// How sure a match is.
    pub confidence: Confidence,
    /// How bad a working one is.
    pub severity: Severity,
    /// How the file encodes the value; the shape is that of the decoded one.
    pub encoding: Option<Encoding>,
    /// What the matched value must look like.
    pub shape: Shape,
    /// Words of which one must stand within the window of a name or value, in any case; none are needed when this is empty.
    pub near: Vec<String>,
    /// Words of which one must stand in the names around a name: in what it begins with, in the object or section that it stands
    /// in, or in one around that. None are needed when this is empty.
    pub under: Vec<String>,
    /// Words that a name may not begin with: `next token` is no credential.
    pub except: Vec<String>,
    /// What is looked for beside a match.
    pub parts: Vec<PartSpec>,
    /// The only hosts that its secret may be sent to: exact names, or `*.` and a name for all hosts below it. Empty when only
    /// the operator's trust policy can tell.
    pub hosts: Vec<String>,
    /// Where the provider serves everybody, when it does; all on [`Details::hosts`].
    pub endpoints: Endpoints,
    /// How it is found out whether a match is alive.
    pub verify: Deferred<Verify>,
    /// How a match is ended.
    pub revoke: Deferred<Revoke>,
}

impl std::ops::Deref for Rule {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.details
    }
}

/// What a rule has of its own that was written for gitleaks. All that its pattern matches counts, whatever it looks like, but for
/// published examples: such rules bring their own allowlists, and may look for anything.
#[derive(Debug)]
pub struct Borrowed {
    /// Its id there; [`Rule::id`] is another if that is taken.
    pub name: String,
    /// What the path of a file must match: each of them.
    pub paths: Vec<Regex>,
    /// Whether every other rule comes first where both match: what this one finds may be allowed, or count in some files only.
    pub gives_way: bool,
    /// What must stand beside what it finds: each of them.
    pub required: Vec<Required>,
}

/// What must stand beside what a rule finds. Distances are counted from where the one match begins to where the other does.
#[derive(Debug)]
pub struct Required {
    /// The id that the configuration calls it by.
    pub name: String,
    /// How it is found.
    pub companion: RequiredCompanion,
    /// How many lines may lie between them; any number if there is no limit.
    pub within_lines: Option<usize>,
    /// How far apart the columns may be, in bytes, on whatever lines; any number if there is no limit.
    pub within_columns: Option<usize>,
}

/// How something is found that must stand beside something else.
#[derive(Debug)]
pub enum RequiredCompanion {
    /// By a pattern, as in [`Matcher::Pattern`]: the rule need not report anything itself.
    Pattern {
        /// The id that allowlists call it by.
        rule: String,
        /// The pattern.
        pattern: Regex,
        /// What the group `secret` must look like.
        shape: Shape,
    },
    /// As what one of the rules of these ids has found.
    Rules(BTreeSet<String>),
}

/// A part of a rule that is made when it is first looked at: a scan that finds nothing of a rule needs little of it, and every commit
/// waits for all rules.
pub struct Deferred<T>(LazyLock<T, Box<dyn FnOnce() -> T + Send>>);

impl<T> Deferred<T> {
    /// One that is made later.
    pub fn new(make: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(LazyLock::new(Box::new(make)))
    }
}

impl<T: Send + 'static> From<T> for Deferred<T> {
    fn from(value: T) -> Self {
        Self::new(move || value)
    }
}

impl<T> std::ops::Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Deferred<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(formatter)
    }
}

/// How far from an anchor a match may reach, in bytes. A match is a function of the bytes in this window alone. Where `before` is
/// nought, the anchor begins the value, and nothing that the value could be the tail of stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Bytes before the start of the anchor.
    pub before: usize,
    /// Bytes from the start of the anchor.
    pub after: usize,
}

impl Window {
    /// The smallest that holds both.
    pub(crate) fn united(self, other: Self) -> Self {
        Self { before: self.before.max(other.before), after: self.after.max(other.after) }
    }
}

/// How a match is found.
#[derive(Debug)]
pub enum Matcher {
    /// A regular expression over bytes, whose group `secret` is the value; other named groups are parts.
    Pattern(Cow<'static, str>),
    /// The value assigned to a key; each entry is the words that the key ends with, in lower case: `client secret`.
    Keys(Vec<Cow<'static, str>>),
    /// A scanner written by hand.
    Scanner(Scanner),
    /// The key of a vendor: gives its own name to what a rule of no provider has found behind the vendor's. Its anchors, which are
    /// the vendor's words, are not looked for until something was found.
    Vendor(VendorKey),
    /// Every file whose path matches what [`Borrowed::paths`] asks for, whatever it holds: the finding is the file.
    File,
}

/// How a file encodes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Percent encoding (RFC 3986 §2.1).
    Percent,
    /// User name and password joined by a colon, in base64 (RFC 7617).
    BasicCredentials,
}

/// What a value must look like. The checks left out are not made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Least length in bytes.
    pub min_length: usize,
    /// Greatest length in bytes.
    pub max_length: Option<usize>,
    /// Which bytes may occur.
    pub alphabet: Option<Alphabet>,
    /// Least Shannon entropy in bits per byte.
    pub min_entropy: Option<f64>,
    /// Whether a value that could be made of words loses the rule's confidence.
    pub random: bool,
    /// As `random`, but a value that mixes letters, digits and signs, as people make passwords, keeps it.
    pub mixed: bool,
    /// The form of the whole value, for rules that find it by its key.
    pub pattern: Option<String>,
    /// The published checksum that the value carries.
    pub checksum: Option<Checksum>,
}

/// Checksums that issuers publish, computed without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The last six characters are the CRC-32 of what follows the last `_` before them, in base 62 (GitHub, npm, Vercel).
    Crc32Base62,
    /// GitLab's routable tokens: the last seven characters are the CRC-32 of everything before them, in base 36.
    GitlabRoutable,
    /// Grafana: the last eight digits are the CRC-32 of what stands before the last `_`, in hexadecimal, little-endian.
    Grafana,
}

/// Something looked for beside a match. Of several with the same name, each is for when those before it find nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct PartSpec {
    /// `client_id`, `client_secret`, `issuer`, `token_endpoint`, `tenant`, `username`, `access_key_id` or `host`.
    pub name: String,
    /// The words that its key ends with, each in lower case.
    pub keys: Vec<Vec<String>>,
    /// What its value looks like, where that is known: a regular expression for the whole value.
    pub pattern: Option<String>,
    /// Whether its key must be one of [`PartSpec::keys`]. Where a rule gives a pattern and no keys of its own, a value of that
    /// shape is taken without any.
    pub needs_key: bool,
}

/// Fixed endpoints of a provider that has the same for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Issuer identifier, whose metadata names the rest (RFC 8414, OpenID Connect Discovery).
    pub issuer: Option<String>,
    /// Token endpoint (RFC 6749 §3.2).
    pub token: Option<String>,
    /// Revocation endpoint (RFC 7009).
    pub revocation: Option<String>,
    /// Introspection endpoint (RFC 7662).
    pub introspection: Option<String>,
}

/// How it is found out whether a match is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// The method.
    pub method: VerifyMethod,
    /// Why there is none; always there for [`VerifyMethod::None`].
    pub reason: Option<String>,
    /// The provider's own request; always there for [`VerifyMethod::Request`].
    pub check: Option<Arc<Check>>,
}

/// The protocols of the liveness engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMethod {
    /// Times, signature by the issuer's keys, introspection.
    Jwt,
    /// A pair of requests to the token endpoint, with the secret and with a wrong one.
    ClientSecret,
    /// Introspection (RFC 7662) where the server is known to introspect refresh tokens; never by redeeming it.
    RefreshToken,
    /// Introspection (RFC 7662) of an access token.
    AccessToken,
    /// A read-only request to the provider's own interface.
    Request,
    /// The public half of a private key, among the key sets of trusted issuers.
    PrivateKey,
    /// Nothing that could be asked without harm, or not yet.
    None,
}

/// How a match is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// The method.
    pub method: RevokeMethod,
    /// What a revocation takes down with it.
    pub blast_radius: BlastRadius,
    /// Whether it can be undone.
    pub reversible: bool,
    /// What a person does by hand, in order; only [`RevokeMethod::Rfc7009`] can be without.
    pub steps: Vec<String>,
    /// The provider's own request; always there for [`RevokeMethod::Request`].
    pub call: Option<Arc<Ending>>,
}

/// The protocols of revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeMethod {
    /// A request to the revocation endpoint (RFC 7009), authenticated by the token's client.
    Rfc7009,
    /// A request to the provider's own interface.
    Request,
    /// No call exists: [`Revoke::steps`] says what to do.
    Manual,
}

/// What a revocation takes down with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlastRadius {
    /// That token alone.
    Token,
    /// The grant: the refresh token and every access token issued from it.
    Family,
    /// All tokens of that application for that user.
    AppUser,
    /// The application's installation.
    Install,
    /// Everything that uses this client.
    Client,
    /// All sessions of the user.
    Sessions,
    /// The key and everything signed with it.
    Key,
}

impl Rule {
    /// Whether the rule looks at a file that goes by these names. Those without a say in paths look at all.
    pub(crate) fn looks_at<'a>(&self, names: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
        let mut paths = self.borrowed.iter().flat_map(|borrowed| &borrowed.paths);
        paths.all(|path| names.clone().any(|name| path.is_match(name)))
    }

    /// Whether its secret may be sent to a host of that name.
    pub fn is_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.strip_suffix(parent).is_some_and(|label| label.len() > 1 && label.ends_with('.')),
            None => host == name,
        })
    }
}

impl VerifyMethod {
    /// The spelling of rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::ClientSecret => "client_secret",
            Self::RefreshToken => "refresh_token",
            Self::AccessToken => "access_token",
            Self::Request => "request",
            Self::PrivateKey => "private_key",
            Self::None => "none",
        }
    }
}

impl RevokeMethod {
    /// The spelling of rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc7009 => "rfc7009",
            Self::Request => "request",
            Self::Manual => "manual",
        }
    }
}

impl BlastRadius {
    /// The spelling of rule files and plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Family => "family",
            Self::AppUser => "app_user",
            Self::Install => "install",
            Self::Client => "client",
            Self::Sessions => "sessions",
            Self::Key => "key",
        }
    }
}
