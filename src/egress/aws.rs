//! Signature Version 4 of AWS: a request is signed with a secret access key, which itself is not sent. Only what the requests of
//! rules need of it: no query, a body that is at hand. AWS's own crate for it would bring second versions of `http` and `sha2`.
//!
//! Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use url::Position;
use zeroize::Zeroizing;

use super::request::Body;
use super::{EgressError, Request};
use crate::spelling::hex;

/// The region of the endpoints that are the same for all regions of the standard partition.
const GLOBAL_REGION: &str = "us-east-1";

/// What signs a request.
pub(crate) struct AwsCredentials<'a> {
    /// The service, as in `sts`.
    pub(crate) service: &'a str,
    pub(crate) key_id: &'a str,
    pub(crate) secret: &'a str,
    /// What belongs to a temporary key.
    pub(crate) session_token: Option<&'a str>,
}

impl Request {
    /// Signs the request as it is now, without a query. A temporary key without its session token would be answered like a wrong
    /// one, so that it is an error.
    pub(crate) fn signed_for_aws(
        self,
        credentials: &AwsCredentials<'_>,
        at: OffsetDateTime,
    ) -> Result<Self, EgressError> {
        if credentials.key_id.starts_with("ASIA") && credentials.session_token.is_none() {
            return Err(EgressError::Incomplete { reason: "a temporary key works only with its session token" });
        }
        let body = match &self.body {
            Some(Body::Form(form)) => form.as_bytes(),
            Some(Body::Json(json)) => json.as_slice(),
            None => &[],
        };
        let url = self.destination.url();
        let time = timestamp(at);
        let mut headers = vec![("host", &url[Position::BeforeHost..Position::AfterPort]), ("x-amz-date", &time)];
        headers.extend(credentials.session_token.map(|token| ("x-amz-security-token", token)));
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");

        let mut canonical = Zeroizing::new(format!("{}\n{}\n\n", self.method.as_str(), url.path()));
        for (name, value) in &headers {
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{}", hex(&Sha256::digest(body)));

        let (date, region) = (time.get(..8).unwrap_or_default(), region(url.host_str().unwrap_or_default()));
        let scope = format!("{date}/{region}/{}/aws4_request", credentials.service);
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let first = Zeroizing::new([b"AWS4", credentials.secret.as_bytes()].concat());
        let key = [date, region, credentials.service, "aws4_request"]
            .iter()
            .fold(first, |key, part| keyed_hash(&key, part.as_bytes()));
        let signature = hex(&keyed_hash(&key, to_sign.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.key_id
        );
        let signed = self.header("authorization", authorization.as_bytes())?.header("x-amz-date", time.as_bytes())?;
        match credentials.session_token {
            Some(token) => signed.header("x-amz-security-token", token.as_bytes()),
            None => Ok(signed),
        }
    }
}

/// The region that a host names: `sts.cn-north-1.amazonaws.com.cn`.
fn region(host: &str) -> &str {
    let mut labels = host.split('.').skip(1);
    match (labels.next(), labels.next()) {
        (Some(region), Some("amazonaws")) => region,
        _ => GLOBAL_REGION,
    }
}

/// The time in the basic form of ISO 8601.
fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (date, month) = (at.date(), u8::from(at.month()));
    format!("{:04}{month:02}{:02}T{:02}{:02}{:02}Z", date.year(), date.day(), at.hour(), at.minute(), at.second())
}

fn keyed_hash(key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions() {
        for (host, expected) in [
            ("sts.amazonaws.com", "us-east-1"),
            ("iam.amazonaws.com", "us-east-1"),
            ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("sts.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("127.0.0.1", "us-east-1"),
            ("", "us-east-1"),
        ] {
            assert_eq!(region(host), expected, "{host}");
        }
    }

    /// The vector that AWS publishes for the derivation of the signing key.
    #[test]
    fn signing_key() {
        let secret = ["wJalrXUtnFEMI", "K7MDENG+bPxRfiCYEXAMPLEKEY"].join("/");
        let first = Zeroizing::new(format!("AWS4{secret}").into_bytes());
        let parts = ["20150830", "us-east-1", "iam", "aws4_request"];
        let key = parts.iter().fold(first, |key, part| keyed_hash(&key, part.as_bytes()));
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
        let at = OffsetDateTime::from_unix_timestamp(1_440_938_160).expect("a time");
        assert_eq!(timestamp(at), "20150830T123600Z");
    }
}
