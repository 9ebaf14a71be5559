//! The URLs of issuers and endpoints: read in one way only, wherever they come from.

use url::{Host, Url};

/// Reads a URL and refuses everything that two parsers could read differently, or that has no place in an endpoint.
pub(crate) fn checked_url(text: &str) -> Result<Url, &'static str> {
    if text.len() > 2048 {
        return Err("it is longer than 2048 bytes");
    }
    // The URL standard removes tabs and line breaks and reads `\` as `/`; other parsers do not.
    if text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') {
        return Err("it holds control characters, blanks or backslashes");
    }
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("it is not https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or a password");
    }
    if url.fragment().is_some() {
        return Err("it has a fragment");
    }
    match url.host() {
        None => Err("it has no host"),
        Some(Host::Domain(name)) if name.ends_with('.') => Err("its host ends in a dot"),
        Some(_) => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_checked_url_reads_as_written(
            scheme in "(https|http|HTTPS|file)", user in "([a-z]{0,3}(:[a-z]{0,3})?@)?",
            host in "(login\\.example|\\PC{0,10}|\\[::1\\]|127\\.1)", rest in "[/?#:\\\\@a-z0-9%.]{0,12}",
        ) {
            if let Ok(url) = checked_url(&format!("{scheme}://{user}{host}{rest}")) {
                proptest::prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
                proptest::prop_assert!(url.has_host() && matches!(url.scheme(), "https" | "http"));
                // What it was read as reads as the same again.
                proptest::prop_assert_eq!(checked_url(url.as_str()).ok(), Some(url));
            }
        }
    }
}
