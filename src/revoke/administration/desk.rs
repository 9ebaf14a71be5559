//! [`Desk`]: an administration interface with the operator's credential at hand.

use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::segment;
use crate::config::Issuer;
use crate::config::administration::{AdminCredential, Administration};
use crate::egress::{Destination, Egress, Method, Request};
use crate::issuer::{ClientAuthentication, ClientCredentials, Endpoint, Issuers};
use crate::secret::Secret;

/// How many methods of client authentication are tried to get a token.
const MAX_METHODS: usize = 2;

/// Where the clients of an issuer are administered.
pub(super) struct Desk<'a> {
    egress: &'a Egress,
    issuer: &'a Issuer,
    base: &'a Url,
    scheme: &'static str,
    token: Secret,
}

impl<'a> Desk<'a> {
    /// Gets the operator's credential: the token itself, or one that the operator's own client is given for itself.
    pub(super) async fn open(
        issuer: &'a Issuer,
        administration: &'a Administration,
        issuers: &Issuers,
        egress: &'a Egress,
    ) -> Result<Self, String> {
        let base =
            administration.url.as_ref().ok_or("the configuration does not say where clients are administered")?;
        let (scheme, token) = match &administration.credential {
            AdminCredential::Token { scheme, token } => (*scheme, token.read()?),
            credential => ("Bearer", obtain(issuer, credential, issuers, egress).await?),
        };
        Ok(Self { egress, issuer, base, scheme, token })
    }

    /// A request to the address that these segments make behind the interface's own.
    pub(super) fn request(&self, method: Method, segments: &[&str]) -> Result<Request, String> {
        self.request_with(method, segments, &[])
    }

    /// The same with a query.
    pub(super) fn request_with(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Request, String> {
        let mut url = self.base.clone();
        {
            let mut path =
                url.path_segments_mut().map_err(|()| "the address of the administration interface has no path")?;
            path.pop_if_empty();
            for part in segments {
                path.push(segment(part)?);
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let destination = Destination::for_administration(self.issuer, url.as_str());
        let destination = destination.map_err(|error| error.to_string())?;
        authorized(Request::new(method, &destination), self.scheme, &self.token)
    }

    /// What the interface tells at that address.
    pub(super) async fn read(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Value, String> {
        self.find(segments, query)
            .await?
            .ok_or_else(|| "the administration interface does not know the client".to_owned())
    }

    /// The same where it may be that nothing is there.
    pub(super) async fn find(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Option<Value>, String> {
        let request = self.request_with(Method::Get, segments, query)?;
        let response = self.egress.send(request).await.map_err(|error| error.to_string())?;
        let who = "the administration interface";
        match response.status {
            200 => response.json().map(Some).map_err(|_| format!("{who} answers with what is not JSON")),
            404 => Ok(None),
            401 => Err(format!("{who} does not accept the configured credential (401)")),
            403 => Err(format!("{who} does not let the configured credential look at clients (403)")),
            status => Err(format!("{who} answered with status {status}")),
        }
    }
}

/// Adds the operator's word to a request.
pub(super) fn authorized(request: Request, scheme: &str, token: &Secret) -> Result<Request, String> {
    let mut value = Zeroizing::new(format!("{scheme} ").into_bytes());
    value.extend_from_slice(token.expose());
    request.header(AUTHORIZATION.as_str(), &value).map_err(|error| error.to_string())
}

/// Has the operator's own client get a token for itself (RFC 6749 §4.4). Nothing that leaked is sent.
async fn obtain(
    issuer: &Issuer,
    credential: &AdminCredential,
    issuers: &Issuers,
    egress: &Egress,
) -> Result<Secret, String> {
    let AdminCredential::Client { client_id, client_secret, scope, audience, token_endpoint } = credential else {
        return Err("the configuration has no credential for the administration interface".to_owned());
    };
    let client = ClientCredentials::confidential(client_id, client_secret.read()?);
    let (endpoint, methods) = if let Some(url) = token_endpoint {
        let endpoint = Destination::for_administration(issuer, url.as_str()).map_err(|error| error.to_string())?;
        (endpoint, vec![ClientAuthentication::SecretBasic, ClientAuthentication::SecretPost])
    } else {
        let metadata = issuers.metadata_of(issuer).await.map_err(|error| error.to_string())?;
        let endpoint = metadata.token_endpoint().map_err(|error| error.to_string())?.clone();
        (endpoint, metadata.authentication_methods(Endpoint::Token).methods.clone())
    };
    let mut failure = "the issuer lists no client authentication that takes a secret".to_owned();
    for method in methods.into_iter().filter(|method| client.can(*method)).take(MAX_METHODS) {
        let mut request = Request::post_form(&endpoint, [("grant_type", "client_credentials".into())]);
        for (name, value) in [("scope", scope), ("audience", audience)] {
            if let Some(value) = value {
                request = request.field(name, value.as_str());
            }
        }
        let response = egress.send(client.authenticate(request, method)).await.map_err(|error| error.to_string())?;
        if let (200, Some(token)) = (response.status, response.json_text("access_token")) {
            return Ok(Secret::new(token));
        }
        failure = format!(
            "the client of the configuration gets no token for the administration interface (status {})",
            response.status
        );
        if response.json_text("error").as_deref() != Some("invalid_client") {
            break;
        }
    }
    Err(failure)
}
