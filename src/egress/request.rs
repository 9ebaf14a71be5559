//! [`Request`]: typed building of what is sent. Nothing is concatenated: forms, paths and headers are encoded by their own
//! encoders, so that a value cannot become syntax.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::{Destination, EgressError};
use crate::config::ClientCertificate;
pub use crate::rules::call::HttpMethod as Method;
use crate::secret::Secret;

/// A request to a [`Destination`].
pub struct Request {
    pub(super) method: Method,
    pub(super) destination: Destination,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Body>,
    pub(super) limit: usize,
    /// What the connection is opened with.
    pub(super) certificate: Option<Arc<ClientCertificate>>,
    /// The path as evidence has it, where the true one holds a secret.
    shown_path: Option<String>,
}

/// What a request carries.
pub(super) enum Body {
    /// `application/x-www-form-urlencoded`.
    Form(Zeroizing<String>),
    /// `application/json`.
    Json(Zeroizing<Vec<u8>>),
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

impl Request {
    /// A read.
    pub fn get(destination: &Destination) -> Self {
        Self::new(Method::Get, destination)
    }

    /// A request without a body.
    pub fn new(method: Method, destination: &Destination) -> Self {
        Self {
            method,
            destination: destination.clone(),
            headers: HeaderMap::new(),
            body: None,
            limit: super::DEFAULT_BODY_LIMIT,
            certificate: None,
            shown_path: None,
        }
    }

    /// A form (`application/x-www-form-urlencoded`).
    pub fn post_form<'a>(destination: &Destination, fields: impl IntoIterator<Item = (&'a str, Field<'a>)>) -> Self {
        let empty = Self { body: Some(Body::Form(Zeroizing::default())), ..Self::new(Method::Post, destination) };
        fields.into_iter().fold(empty, |request, (name, value)| request.field(name, value))
    }

    /// One more field at the end of the form, which takes the place of any other body.
    #[must_use]
    pub fn field<'a>(mut self, name: &str, value: impl Into<Field<'a>>) -> Self {
        let mut form = match self.body.take() {
            Some(Body::Form(form)) => form,
            Some(Body::Json(_)) | None => Zeroizing::default(),
        };
        if !form.is_empty() {
            form.push('&');
        }
        form.extend(byte_serialize(name.as_bytes()));
        form.push('=');
        form.extend(byte_serialize(match value.into() {
            Field::Text(text) => text.as_bytes(),
            Field::Secret(secret) => secret.expose(),
        }));
        self.body = Some(Body::Form(form));
        self
    }

    /// A body of JSON, already written by a serialiser.
    #[must_use]
    pub fn json(mut self, body: Zeroizing<Vec<u8>>) -> Self {
        self.body = Some(Body::Json(body));
        self
    }

    /// A header. Fails for a name that is none, and for a value with control characters.
    pub fn header(mut self, name: &str, value: &[u8]) -> Result<Self, EgressError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EgressError::Header)?;
        let mut value = HeaderValue::from_bytes(value).map_err(|_| EgressError::Header)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Opens the connection with a client's certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: &Arc<ClientCertificate>) -> Self {
        self.certificate = Some(Arc::clone(certificate));
        self
    }

    /// Has evidence show this path in place of the true one, which holds a secret.
    #[must_use]
    pub fn shown_as(mut self, path: &str) -> Self {
        self.shown_path = Some(path.to_owned());
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

    /// HTTP Basic authentication with that user and password joined by a colon.
    #[must_use]
    pub(crate) fn basic_pair(mut self, pair: &[u8]) -> Self {
        let value = Zeroizing::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair))));
        let mut header = HeaderValue::from_str(&value).expect("base64 is a header value");
        header.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, header);
        self
    }

    /// Bearer authentication (RFC 6750 §2.1). Fails for a token with control characters.
    pub fn bearer(self, token: &Secret) -> Result<Self, EgressError> {
        let mut value = Zeroizing::new(b"Bearer ".to_vec());
        value.extend_from_slice(token.expose());
        self.header(AUTHORIZATION.as_str(), &value)
    }

    /// The most bytes of an answer that are read; more is an error.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Where it goes.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Method, origin and path: what evidence keeps of a request.
    pub(super) fn redacted(&self) -> String {
        let mut text = String::new();
        let url = self.destination.url();
        let path = self.shown_path.as_deref().unwrap_or(url.path());
        let _ = write!(text, "{} {}{path}", self.method.as_str(), self.destination.origin());
        text
    }
}
