//! The one HTTP client to issuers: destination policy, pinned addresses, limits, redaction.
//!
//! For `issuer`, `verify` and `revoke`; nothing else in the program opens a connection to an issuer. A request needs a
//! [`Destination`], which only the operator's configuration can give. https only (plain http to this machine alone, where the
//! operator opened it), no redirects, no proxy from the environment, no cookies, no decompression, no connection reuse,
//! bounded time, size and nesting. Errors and evidence hold no content.

mod address;
mod aws;
mod destination;
mod error;
#[cfg(test)]
pub(crate) mod loopback;
mod names;
mod pace;
mod request;
mod response;

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Client, redirect};
use time::OffsetDateTime;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::config::{ClientCertificate, Config, HostPattern};
pub(crate) use aws::AwsCredentials;
pub use destination::Destination;
pub(crate) use destination::origin;
pub use error::{EgressError, JsonError};
use names::Names;
use pace::Pace;
use request::Body;
pub use request::{Field, Method, Request};
pub use response::Response;
pub(crate) use response::parse_json;

/// The most bytes of an ordinary answer.
pub const DEFAULT_BODY_LIMIT: usize = 64 << 10;

/// The most bytes of metadata or a key set.
pub const DOCUMENT_BODY_LIMIT: usize = 256 << 10;

/// The deepest nesting of JSON that is parsed.
pub const MAX_JSON_DEPTH: usize = 32;

/// The pace where the operator has not said any.
const REQUESTS_PER_SECOND: u32 = 10;

/// The same towards this machine.
const LOCAL_REQUESTS_PER_SECOND: u32 = 1000;

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct EgressPolicy {
    /// Hosts that may be reached at loopback and private addresses, and by plain http at loopback ones.
    pub allow_hosts: Vec<HostPattern>,
    /// Longest time for one request, from the name's resolution to the last byte.
    pub timeout: Duration,
    /// Requests in flight to one host.
    pub concurrency_per_host: usize,
    /// Requests begun in any one second to one host; none where the operator has not said it.
    pub requests_per_second: Option<u32>,
}

/// The client. Clones share connections' limits, resolved names and evidence.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    policy: EgressPolicy,
    names: Names,
    clients: Mutex<HashMap<Identity, Client>>,
    hosts: Mutex<HashMap<String, Arc<Pace>>>,
    exchanges: Mutex<Vec<Exchange>>,
}

/// What a client believes and shows: its own certificate goes by its file.
type Identity = (Roots, Option<PathBuf>);

/// Which certificates a client believes.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Roots {
    /// None: for plain http.
    None,
    /// The operating system's.
    System,
    /// Those of a file.
    Bundle(PathBuf),
}

/// The evidence of one request: enough to review a verdict, nothing that is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// When it was begun.
    pub at: OffsetDateTime,
    /// Method, origin and path.
    pub request: String,
    /// The address that answered.
    pub address: Option<IpAddr>,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// Why there is no usable answer.
    pub error: Option<EgressError>,
    /// From the name's resolution to the last byte.
    pub duration: Duration,
}

impl From<&Config> for EgressPolicy {
    fn from(config: &Config) -> Self {
        Self {
            allow_hosts: config.egress.allow_hosts.clone(),
            timeout: config.egress.timeout,
            concurrency_per_host: config.egress.concurrency_per_host,
            requests_per_second: config.egress.requests_per_second,
        }
    }
}

impl Egress {
    /// A client with that policy. Opens nothing yet.
    pub fn new(policy: EgressPolicy) -> Result<Self, EgressError> {
        Self::with_names(policy, Names::of_system())
    }

    fn with_names(policy: EgressPolicy, names: Names) -> Result<Self, EgressError> {
        let egress = Self(Arc::new(Inner {
            policy,
            names,
            clients: Mutex::default(),
            hosts: Mutex::default(),
            exchanges: Mutex::default(),
        }));
        egress.client(&Roots::None, None)?;
        Ok(egress)
    }

    /// A client for which no name resolves, so that a test cannot reach anybody by mistake.
    #[cfg(test)]
    pub(crate) fn without_names(policy: EgressPolicy) -> Result<Self, EgressError> {
        Self::with_names(policy, Names::with_lookup(Arc::new(|_| Box::pin(async { Ok(Vec::new()) }))))
    }

    /// Sends the request and reads the answer. Needs a tokio runtime with time and I/O.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        let origin = request.destination.origin();
        let pace = self.pace(&request.destination);
        let throttled =
            |rest: Duration| EgressError::Throttled { origin: origin.clone(), seconds: rest.as_secs().max(1) };
        let _turn = pace.turn(self.0.policy.timeout).await.map_err(throttled)?;

        let at = OffsetDateTime::now_utc();
        let redacted = request.redacted();
        let begun = Instant::now();
        let mut address = None;
        let exchange = self.exchange(request, &mut address);
        let result = match tokio::time::timeout(self.0.policy.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(EgressError::Timeout { origin }),
        };
        if let Ok(Response { status: 429 | 503, retry_after: Some(pause), .. }) = result {
            pace.silence(pause);
        }
        let (status, error) = match &result {
            Ok(response) => (Some(response.status), None),
            Err(error) => (None, Some(error.clone())),
        };
        tracing::debug!(request = redacted, status, error = error.as_ref().map(tracing::field::display), "exchange");
        let duration = begun.elapsed();
        lock(&self.0.exchanges).push(Exchange { at, request: redacted, address, status, error, duration });
        result
    }

    /// Every request so far, in the order of their ends.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.0.exchanges).clone()
    }

    async fn exchange(&self, request: Request, address: &mut Option<IpAddr>) -> Result<Response, EgressError> {
        let origin = request.destination.origin();
        self.check_addresses(&request.destination).await?;
        let roots = match (request.destination.url().scheme(), request.destination.ca_bundle()) {
            ("http", _) => Roots::None,
            (_, Some(bundle)) => Roots::Bundle(bundle.clone()),
            (_, None) => Roots::System,
        };
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut headers = request.headers;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let body = request.body.as_ref().map(|body| match body {
            Body::Form(form) => ("application/x-www-form-urlencoded", form.as_bytes().to_vec()),
            Body::Json(json) => ("application/json", json.to_vec()),
        });
        let mut builder =
            self.client(&roots, request.certificate.as_deref())?.request(method, request.destination.url().clone());
        if let Some((media_type, body)) = body {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
            builder = builder.body(body);
        }
        builder = builder.headers(headers);
        let mut response = builder.send().await.map_err(|error| classify(&error, &origin))?;
        *address = response.remote_addr().map(|address| address.ip());

        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let to = location.and_then(|text| response.url().join(text).ok()).map(|url| destination::origin(&url));
            return Err(EgressError::Redirect { origin, to });
        }
        let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !response.headers().get_all(CONTENT_ENCODING).iter().all(is_plain) {
            return Err(EgressError::Protocol { origin });
        }
        let limit = request.limit;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(EgressError::TooLarge { origin, limit });
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error, &origin))? {
            if chunk.len() > limit - body.len() {
                return Err(EgressError::TooLarge { origin, limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response::new(status.as_u16(), response.headers(), body))
    }

    /// Resolves the destination's host and approves it if every one of its addresses is allowed: a single forbidden one
    /// among them is a sign of an attack, not of redundancy.
    async fn check_addresses(&self, destination: &Destination) -> Result<(), EgressError> {
        let url = destination.url();
        let opened = self.0.policy.allow_hosts.iter().any(|host| host.matches(url));
        let host = url.host_str().unwrap_or_default();
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
            Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
            Some(Host::Domain(name)) => {
                let addresses = self.0.names.addresses(name).await;
                addresses.ok_or_else(|| EgressError::Dns { host: name.to_owned() })?
            }
            None => return Err(EgressError::Url { reason: "it has no host" }),
        };
        let refused = addresses.iter().find(|address| !address::is_allowed(**address, destination.zone(), opened));
        if let Some(address) = refused {
            let (address, may_be_opened) = (*address, address::may_be_opened(*address));
            return Err(EgressError::AddressRefused { host: host.to_owned(), address, may_be_opened });
        }
        if url.scheme() != "https" && !addresses.iter().all(|address| address::is_loopback(*address)) {
            return Err(EgressError::PlainHttp { origin: destination.origin() });
        }
        self.0.names.approve(host, addresses);
        Ok(())
    }

    fn client(&self, roots: &Roots, certificate: Option<&ClientCertificate>) -> Result<Client, EgressError> {
        let identity = (roots.clone(), certificate.map(|certificate| certificate.file.clone()));
        if let Some(client) = lock(&self.0.clients).get(&identity) {
            return Ok(client.clone());
        }
        let bundle = match roots {
            Roots::Bundle(path) => Some(path.clone()),
            Roots::None | Roots::System => None,
        };
        let unusable = || EgressError::Certificates { bundle: bundle.clone() };
        let mut builder = Client::builder()
            .user_agent(concat!("rescind/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            // A kept connection would belong to the runtime of its first use, and to an address checked for another zone.
            .pool_max_idle_per_host(0)
            .connect_timeout(self.0.policy.timeout)
            .dns_resolver(self.0.names.approved());
        builder = match roots {
            Roots::None => builder.tls_certs_only([]),
            Roots::System => builder.https_only(true),
            Roots::Bundle(path) => {
                let pem = fs_err::read(path).map_err(|_| unusable())?;
                let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| unusable())?;
                if certificates.is_empty() {
                    return Err(unusable());
                }
                builder.https_only(true).tls_certs_only(certificates)
            }
        };
        if let Some(certificate) = certificate {
            let own = || EgressError::Certificates { bundle: Some(certificate.file.clone()) };
            let shown = reqwest::Identity::from_pem(certificate.pem.expose()).map_err(|_| own())?;
            builder = builder.identity(shown);
        }
        let client = builder.build().map_err(|_| unusable())?;
        lock(&self.0.clients).insert(identity, client.clone());
        Ok(client)
    }

    fn pace(&self, destination: &Destination) -> Arc<Pace> {
        let policy = &self.0.policy;
        // Plain http only ever reaches this machine, which nobody else shares.
        let usual = if destination.url().scheme() == "http" { LOCAL_REQUESTS_PER_SECOND } else { REQUESTS_PER_SECOND };
        let per_second = policy.requests_per_second.unwrap_or(usual);
        let new = || Arc::new(Pace::new(policy.concurrency_per_host, per_second));
        lock(&self.0.hosts).entry(destination.origin()).or_insert_with(new).clone()
    }
}

/// Tells what went wrong by type, never by text: the text of an HTTP library may quote the URL or the answer.
fn classify(error: &reqwest::Error, origin: &str) -> EgressError {
    let origin = origin.to_owned();
    if error.is_timeout() {
        return EgressError::Timeout { origin };
    }
    if !error.is_connect() {
        return EgressError::Protocol { origin };
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        let Some(io) = current.downcast_ref::<io::Error>() else {
            cause = current.source();
            continue;
        };
        // The TLS library reports its own errors as invalid data, and a peer that hangs up on the handshake as an early end.
        if matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) {
            return EgressError::Tls { origin };
        }
        // `source` of an I/O error skips the error that it wraps.
        cause = io.get_ref().map(|inner| inner as &(dyn Error + 'static));
    }
    EgressError::Connect { origin }
}

/// The host of a URL as it may be shown, for text that stood in a scanned file.
pub(crate) fn shown_origin(text: &str) -> Option<String> {
    Url::parse(text).ok().filter(Url::has_host).map(|url| destination::origin(&url))
}

/// A panic elsewhere must not stop evidence from being kept.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
