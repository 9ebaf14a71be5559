//! [`HostPattern`]: a host, with or without a port, as the operator writes it.

use std::fmt;

use url::{Host, Url};

/// `host` or `host:port`. Without a port it stands for the default port of https only in [`HostPattern::is_origin_of`] of an
/// endpoint, and for every port where the operator opens a host to the client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern {
    /// The host: a name in lower case, or an address.
    pub host: Host<String>,
    /// The port, if one was given.
    pub port: Option<u16>,
}

impl HostPattern {
    /// Reads `issuer.example`, `127.0.0.1:4000` or `[::1]:4000`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("`{}` is not a host, or a host and a port", text.escape_debug());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) if !host.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
                (host, Some(digits.parse::<u16>().map_err(|_| malformed())?))
            }
            _ => (text, None),
        };
        let host = Host::parse(host).map_err(|_| malformed())?;
        let is_plain = match &host {
            Host::Domain(name) => {
                !name.ends_with('.')
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            }
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        };
        if is_plain { Ok(Self { host, port }) } else { Err(malformed()) }
    }

    /// Whether the URL's host is this one, on this port, or on any port when none is given.
    pub fn matches(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| host.to_owned() == self.host)
            && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }

    /// Whether the URL's host is this one, on this port, or on the default port when none is given.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        self.matches(url) && (self.port.is_some() || url.port().is_none())
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_as_written() {
        for (text, shown) in [
            ("issuer.example", Some("issuer.example")),
            ("Issuer.EXAMPLE:8443", Some("issuer.example:8443")),
            ("127.0.0.1:4000", Some("127.0.0.1:4000")),
            ("[::1]:4000", Some("[::1]:4000")),
            ("[::1]", Some("[::1]")),
            ("", None),
            (":4000", None),
            ("a:b", None),
            ("https://issuer.example", None),
            ("user@issuer.example", None),
            ("*.example", None),
            ("issuer.example.", None),
            ("issuer.example:70000", None),
            ("issuer.example/path", None),
        ] {
            assert_eq!(HostPattern::parse(text).ok().map(|host| host.to_string()).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn ports() {
        let url = |text: &str| Url::parse(text).expect("a URL of this test");
        let bare = HostPattern::parse("a.example").expect("a host");
        assert!(bare.matches(&url("https://a.example:8443/")) && !bare.is_origin_of(&url("https://a.example:8443/")));
        assert!(bare.is_origin_of(&url("https://a.example/")) && !bare.matches(&url("https://a.example.evil/")));
        let with_port = HostPattern::parse("a.example:443").expect("a host");
        assert!(with_port.is_origin_of(&url("https://a.example/")) && !with_port.matches(&url("http://a.example/")));
    }
}
