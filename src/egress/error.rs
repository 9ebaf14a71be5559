//! What can go wrong with a request, told without any content of it or of its answer.

use std::net::IpAddr;
use std::path::PathBuf;

/// Why a request has no usable answer. Holds hosts and addresses only, never a body, a path or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The URL is outside of what the operator trusts for this issuer. Nothing was sent.
    #[error("`{origin}` is not trusted for issuer `{issuer}`")]
    NotTrusted {
        /// Where it would have gone.
        origin: String,
        /// On whose behalf.
        issuer: String,
    },
    /// Text that is no URL a request could go to. Nothing was sent.
    #[error("unusable URL: {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Plain http to something that is not this machine. Nothing was sent.
    #[error("`{origin}` is not https")]
    PlainHttp {
        /// Where it would have gone.
        origin: String,
    },
    /// The name has no address. Nothing was sent.
    #[error("`{host}` cannot be resolved")]
    Dns {
        /// The name.
        host: String,
    },
    /// The name leads to an address that the issuer's zone excludes. Nothing was sent.
    #[error("`{host}` is at {address}, {}", if *.may_be_opened { "which only its `zone` or `--allow-host` opens" } else { "where no issuer may be" })]
    AddressRefused {
        /// The name.
        host: String,
        /// The first address that is not allowed.
        address: IpAddr,
        /// Whether the operator could allow it: it is a private address, or this machine's.
        may_be_opened: bool,
    },
    /// The issuer's certificates cannot be read, or there are none on this system. Nothing was sent.
    #[error("no certificates to trust{}", .bundle.as_ref().map_or_else(String::new, |path| format!(" in `{}`", path.display())))]
    Certificates {
        /// The issuer's `ca_bundle`; `None` means the system's.
        bundle: Option<PathBuf>,
    },
    /// A header value with control characters. Nothing was sent.
    #[error("a credential with control characters cannot be sent in a header")]
    Header,
    /// Something is missing that the request needs. Nothing was sent.
    #[error("{reason}")]
    Incomplete {
        /// What.
        reason: &'static str,
    },
    /// The host asked for a pause longer than a request may take. Nothing was sent.
    #[error("`{origin}` asked for a pause of {seconds} s")]
    Throttled {
        /// The host.
        origin: String,
        /// What is left of the pause.
        seconds: u64,
    },
    /// No connection. Nothing was sent.
    #[error("cannot connect to `{origin}`")]
    Connect {
        /// The host.
        origin: String,
    },
    /// No secure connection: certificate or protocol. Nothing was sent.
    #[error("no secure connection to `{origin}`")]
    Tls {
        /// The host.
        origin: String,
    },
    /// The whole exchange took too long.
    #[error("`{origin}` did not answer in time")]
    Timeout {
        /// The host.
        origin: String,
    },
    /// An answer that sends elsewhere. It is never followed.
    #[error("`{origin}` redirects{}", .to.as_ref().map_or_else(String::new, |to| format!(" to `{to}`")))]
    Redirect {
        /// The host.
        origin: String,
        /// Origin of the target, if it is a URL.
        to: Option<String>,
    },
    /// An answer beyond the limit.
    #[error("`{origin}` answered more than {limit} bytes")]
    TooLarge {
        /// The host.
        origin: String,
        /// The limit.
        limit: usize,
    },
    /// An answer that is not HTTP, breaks off, or is compressed although nobody asked for it.
    #[error("`{origin}` gave no readable answer")]
    Protocol {
        /// The host.
        origin: String,
    },
}

impl EgressError {
    /// Whether the request may have reached the host, so that it may have had its effect. A revocation that ends so is
    /// looked into, never repeated blindly.
    pub fn may_have_been_delivered(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Redirect { .. } | Self::TooLarge { .. } | Self::Protocol { .. })
    }
}

/// Why an answer is no JSON to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON at all.
    #[error("the answer is not JSON")]
    Syntax,
    /// It is nested too deep.
    #[error("the answer is nested deeper than {} levels", super::MAX_JSON_DEPTH)]
    TooDeep,
}
