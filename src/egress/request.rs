//! [`Request`]: typed building of what is sent. Nothing is concatenated: forms, paths and headers are encoded by their own
//! encoders, so that a value cannot become syntax.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::{Destination, EgressError};
use crate::secret::Secret;

/// A request to a [`Destination`], with at most one form.
pub struct Request {
    pub(super) method: Method,
    pub(super) destination: Destination,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) form: Option<Zeroizing<String>>,
    pub(super) limit: usize,
}

/// The methods that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Posts a form.
    Post,
}

/// The value of a form field.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    /// Not secret.
    Text(&'a str),
    /// Secret.
    Secret(&'a Secret),
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Secret> for Field<'a> {
    fn from(secret: &'a Secret) -> Self {
        Self::Secret(secret)
    }
}

impl Method {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Request {
    /// A read.
    pub fn get(destination: &Destination) -> Self {
        Self {
            method: Method::Get,
            destination: destination.clone(),
            authorization: None,
            form: None,
            limit: super::DEFAULT_BODY_LIMIT,
        }
    }

    /// A form (`application/x-www-form-urlencoded`).
    pub fn post_form<'a>(destination: &Destination, fields: impl IntoIterator<Item = (&'a str, Field<'a>)>) -> Self {
        let empty = Self { method: Method::Post, form: Some(Zeroizing::default()), ..Self::get(destination) };
        fields.into_iter().fold(empty, |request, (name, value)| request.field(name, value))
    }

    /// One more field at the end of the form.
    #[must_use]
    pub fn field<'a>(mut self, name: &str, value: impl Into<Field<'a>>) -> Self {
        let form = self.form.get_or_insert_default();
        if !form.is_empty() {
            form.push('&');
        }
        form.extend(byte_serialize(name.as_bytes()));
        form.push('=');
        form.extend(byte_serialize(match value.into() {
            Field::Text(text) => text.as_bytes(),
            Field::Secret(secret) => secret.expose(),
        }));
        self
    }

    /// HTTP Basic authentication of an OAuth client: id and secret are form-encoded first (RFC 6749 §2.3.1).
    #[must_use]
    pub fn basic(self, client_id: &str, client_secret: &Secret) -> Self {
        let mut pair = Zeroizing::new(String::new());
        pair.extend(byte_serialize(client_id.as_bytes()));
        pair.push(':');
        pair.extend(byte_serialize(client_secret.expose()));
        self.basic_pair(pair.as_bytes())
    }

    /// HTTP Basic authentication without that encoding, as some servers expect it.
    #[must_use]
    pub fn basic_verbatim(self, client_id: &str, client_secret: &Secret) -> Self {
        let mut pair = Zeroizing::new(client_id.as_bytes().to_vec());
        pair.push(b':');
        pair.extend_from_slice(client_secret.expose());
        self.basic_pair(&pair)
    }

    fn basic_pair(mut self, pair: &[u8]) -> Self {
        let value = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair))));
        let mut header = HeaderValue::from_str(&value).expect("base64 is a header value");
        header.set_sensitive(true);
        self.authorization = Some(header);
        self
    }

    /// Bearer authentication (RFC 6750 §2.1). Fails for a token with control characters.
    pub fn bearer(mut self, token: &Secret) -> Result<Self, EgressError> {
        let mut value = Zeroizing::new(b"Bearer ".to_vec());
        value.extend_from_slice(token.expose());
        let mut header = HeaderValue::from_bytes(&value).map_err(|_| EgressError::Header)?;
        header.set_sensitive(true);
        self.authorization = Some(header);
        Ok(self)
    }

    /// The most bytes of an answer that are read; more is an error.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Method, origin and path: what evidence keeps of a request.
    pub(super) fn redacted(&self) -> String {
        let mut text = String::new();
        let url = self.destination.url();
        let _ = write!(text, "{} {}{}", self.method.as_str(), self.destination.origin(), url.path());
        text
    }
}
