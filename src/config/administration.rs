//! How the clients of an issuer are administered: the section `[issuer.administration]`.
//!
//! The operator says with it that leaked client secrets may be ended there by an administrator's word, where the interface is,
//! and which credential of theirs speaks that word. Nothing that was scanned can add to it.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::ConfigError;
use super::document::UnvalidatedAdministration;
use super::environment::Environment;
use super::given::{GivenSecret, WrittenSecret};
use super::url::checked_url;

/// An interface by which the clients of an issuer are administered.
pub struct Administration {
    /// What it speaks.
    pub interface: Interface,
    /// Where it begins; the paths of its requests go on behind that. Client registrations have addresses of their own.
    pub url: Option<Url>,
    /// The operator's credential for it.
    pub credential: AdminCredential,
    /// Whether the end that cannot be undone is wanted where there is another: `end = "delete"`.
    pub delete: bool,
}

/// What an administration interface speaks.
pub enum Interface {
    /// The admin REST interface of Keycloak, for one realm.
    Keycloak,
    /// The Management API of Auth0, version 2.
    Auth0,
    /// The Apps interface of Okta.
    Okta,
    /// Applications in Microsoft Graph.
    Entra,
    /// Dynamic client registration management (RFC 7592), of the clients that the operator has the registrations of.
    Registration(Vec<Registration>),
}

/// A client registration that the operator manages.
pub struct Registration {
    /// The client.
    pub client_id: String,
    /// Its client configuration endpoint (RFC 7592 §2), the `registration_client_uri`.
    pub url: Url,
    /// Its registration access token.
    pub token: GivenSecret,
}

/// What authorises requests to an administration interface.
pub enum AdminCredential {
    /// A token that is sent as it is.
    Token {
        /// `Bearer`, or `SSWS` for an API token of Okta.
        scheme: &'static str,
        /// The token.
        token: GivenSecret,
    },
    /// A client of the operator's, which gets a token for itself by client credentials (RFC 6749 §4.4).
    Client {
        /// Its `client_id`.
        client_id: String,
        /// Its secret.
        client_secret: GivenSecret,
        /// The scope to ask for.
        scope: Option<String>,
        /// The audience to ask for, where the issuer wants it named, as Auth0 does.
        audience: Option<String>,
        /// Where the token comes from, if that is not the issuer's own token endpoint.
        token_endpoint: Option<Url>,
    },
    /// Every registration has a token of its own.
    OfRegistrations,
}

/// The words for [`Interface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Keycloak,
    Auth0,
    Okta,
    Entra,
    Registration,
}

/// The schemes of `Authorization` that a token can be sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scheme {
    Bearer,
    Ssws,
}

/// What becomes of a secret, or of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Rotate,
    Deactivate,
    Delete,
}

/// What validation works with.
pub(super) struct Context<'a> {
    pub(super) issuer: Option<&'a Url>,
    pub(super) directory: &'a Path,
    pub(super) environment: &'a Environment,
    pub(super) fail: &'a dyn Fn(Option<usize>, String) -> ConfigError,
}

impl Administration {
    /// Validates what the file says.
    pub(super) fn validate(
        written: Spanned<UnvalidatedAdministration>,
        context: &Context<'_>,
    ) -> Result<Self, ConfigError> {
        let start = written.span().start;
        let written = written.into_inner();
        let fail = |reason: &str| (context.fail)(Some(start), format!("`administration`: {reason}"));
        if let Some(inline) = written.token.as_ref().or(written.client_secret.as_ref()) {
            let reason = "a secret may not stand in the configuration: name its environment variable with `token_env` or \
                          `client_secret_env`, or its file with `token_file` or `client_secret_file`";
            return Err((context.fail)(Some(inline.span().start), reason.to_owned()));
        }
        let delete = match (written.kind, written.end) {
            (Kind::Okta | Kind::Registration, Some(End::Delete)) => true,
            (_, None)
            | (Kind::Okta, Some(End::Deactivate))
            | (Kind::Entra, Some(End::Delete))
            | (Kind::Keycloak | Kind::Auth0 | Kind::Registration, Some(End::Rotate)) => false,
            _ => {
                return Err(fail(
                    "`end` is `rotate` for `keycloak` and `auth0`, `rotate` or `delete` for `registration`, `deactivate` or \
                     `delete` for `okta`, and `delete` for `entra`",
                ));
            }
        };
        if written.kind == Kind::Registration {
            let has_others = written.url.is_some() || written.token_env.is_some() || written.token_file.is_some();
            if has_others || written.client_id.is_some() || written.client.is_empty() {
                return Err(fail(
                    "`registration` takes one `[[issuer.administration.client]]` for each client, with its `client_id`, `url` \
                     and `token_env` or `token_file`",
                ));
            }
            let clients = written.client.iter().map(|client| registration(client, context));
            let interface = Interface::Registration(clients.collect::<Result<_, _>>()?);
            return Ok(Self { interface, url: None, credential: AdminCredential::OfRegistrations, delete });
        }
        if !written.client.is_empty() {
            return Err(fail("only `kind = \"registration\"` has a section for each client"));
        }
        let url = match &written.url {
            Some(url) => Some(address(url, context)?),
            None => context.issuer.and_then(|issuer| usual_place(written.kind, issuer)),
        };
        let Some(url) = url else {
            return Err(fail("its `url` is needed: it cannot be told from the issuer where the interface is"));
        };
        let credential = credential(&written, context)?;
        let credential = credential.ok_or_else(|| {
            fail("a credential is needed: `token_env`, `token_file`, or `client_id` with `client_secret_env` or `client_secret_file`")
        })?;
        let interface = match written.kind {
            Kind::Keycloak => Interface::Keycloak,
            Kind::Auth0 => Interface::Auth0,
            Kind::Okta => Interface::Okta,
            Kind::Entra | Kind::Registration => Interface::Entra,
        };
        Ok(Self { interface, url: Some(url), credential, delete })
    }

    /// The registration of that client, if the operator gave it.
    pub fn registration(&self, client_id: &str) -> Option<&Registration> {
        match &self.interface {
            Interface::Registration(clients) => clients.iter().find(|client| client.client_id == client_id),
            _ => None,
        }
    }
}

impl Interface {
    /// The spelling of the configuration and of plans.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Keycloak => "keycloak",
            Self::Auth0 => "auth0",
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Registration(_) => "registration",
        }
    }
}

/// Where the interface is, as far as the issuer's own address tells. Microsoft Graph is on another host, and on another one in
/// each national cloud: the operator names it.
fn usual_place(kind: Kind, issuer: &Url) -> Option<Url> {
    let mut url = issuer.clone();
    let path = match kind {
        Kind::Keycloak => {
            // `https://host/realms/acme`, and `https://host/auth/realms/acme` up to version 16.
            let (before, realm) = issuer.path().rsplit_once("/realms/")?;
            let realm = realm.trim_end_matches('/');
            if realm.is_empty() || realm.contains('/') {
                return None;
            }
            format!("{before}/admin/realms/{realm}")
        }
        Kind::Auth0 => "/api/v2".to_owned(),
        Kind::Okta => "/api/v1".to_owned(),
        Kind::Entra | Kind::Registration => return None,
    };
    url.set_path(&path);
    Some(url)
}

fn address(written: &Spanned<String>, context: &Context<'_>) -> Result<Url, ConfigError> {
    let refused = |reason: &str| (context.fail)(Some(written.span().start), format!("not a usable URL: {reason}"));
    let url = checked_url(written.get_ref()).map_err(refused)?;
    if url.query().is_some() { Err(refused("it has a query")) } else { Ok(url) }
}

fn credential(
    written: &UnvalidatedAdministration,
    context: &Context<'_>,
) -> Result<Option<AdminCredential>, ConfigError> {
    let given = |name, variable, file| {
        let written = WrittenSecret { name, variable, file };
        GivenSecret::validate(&written, context.directory, context.environment, context.fail)
    };
    let token = given("token", written.token_env.as_ref(), written.token_file.as_deref())?;
    let secret = given("client_secret", written.client_secret_env.as_ref(), written.client_secret_file.as_deref())?;
    let token_endpoint = written.token_endpoint.as_ref().map(|url| address(url, context)).transpose()?;
    match (token, &written.client_id, secret) {
        (None, None, None) => Ok(None),
        (Some(token), None, None) => {
            let scheme = match written.token_scheme {
                Some(Scheme::Ssws) => "SSWS",
                Some(Scheme::Bearer) | None => "Bearer",
            };
            Ok(Some(AdminCredential::Token { scheme, token }))
        }
        (None, Some(client_id), Some(client_secret)) => Ok(Some(AdminCredential::Client {
            client_id: client_id.clone(),
            client_secret,
            scope: written.scope.clone(),
            audience: written.audience.clone(),
            token_endpoint,
        })),
        _ => {
            let reason = "`administration`: give either a token, or a `client_id` with its secret";
            Err((context.fail)(None, reason.to_owned()))
        }
    }
}

fn registration(
    written: &super::document::UnvalidatedRegistration,
    context: &Context<'_>,
) -> Result<Registration, ConfigError> {
    let given =
        WrittenSecret { name: "token", variable: written.token_env.as_ref(), file: written.token_file.as_deref() };
    let token = GivenSecret::validate(&given, context.directory, context.environment, context.fail)?;
    let place = written.url.span().start;
    let token = token.ok_or_else(|| {
        let reason = "a registration needs its registration access token: `token_env` or `token_file`";
        (context.fail)(Some(place), reason.to_owned())
    })?;
    Ok(Registration { client_id: written.client_id.clone(), url: address(&written.url, context)?, token })
}
