//! Who is told what came of revocations: the section `[notify]`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::document::UnvalidatedNotify;
use super::environment::Environment;
use super::given::{GivenSecret, WrittenSecret};
use super::url::checked_url;
use super::{ConfigError, Zone};

/// The operator's receiver.
pub struct Notify {
    /// Where events are sent. Its path may be secret, and is never shown.
    pub url: Url,
    /// In which form.
    pub format: NotifyFormat,
    /// A bearer token for the receiver.
    pub token: Option<GivenSecret>,
    /// Where its host may lie.
    pub zone: Zone,
    /// Certificates (PEM) to trust for it, instead of the system's.
    pub ca_bundle: Option<PathBuf>,
}

/// The form of events.
pub enum NotifyFormat {
    /// A JSON document, as Standard Webhooks has it.
    Json {
        /// The key that signs (HMAC-SHA256): `whsec_` and base64, or any bytes.
        key: Option<GivenSecret>,
    },
    /// A Security Event Token (RFC 8417) with an event of the Continuous Access Evaluation Profile, pushed as RFC 8935 says.
    Caep {
        /// The private key that signs, in PEM (PKCS #8).
        key: GivenSecret,
        /// How it signs.
        algorithm: SignatureAlgorithm,
        /// The `kid` of the key.
        key_id: Option<String>,
        /// The `iss` claim: who the receiver knows the operator as.
        issuer: String,
        /// The `aud` claim.
        audience: Option<String>,
    },
}

/// The algorithms of RFC 7518 and RFC 8037 that events can be signed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SignatureAlgorithm {
    /// Ed25519.
    #[default]
    EdDSA,
    /// ECDSA with P-256.
    ES256,
    /// RSA with PKCS #1 v1.5.
    RS256,
}

/// The words for [`NotifyFormat`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    #[default]
    Json,
    Caep,
}

impl Notify {
    /// Validates what the file says.
    pub(super) fn validate(
        written: Spanned<UnvalidatedNotify>,
        directory: &Path,
        environment: &Environment,
        invalid: &dyn Fn(usize, String) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        let start = written.span().start;
        let written = written.into_inner();
        let fail = |place: Option<usize>, reason: String| invalid(place.unwrap_or(start), reason);
        if let Some(inline) = written.token.as_ref().or(written.key.as_ref()) {
            let reason = "a secret may not stand in the configuration: name its environment variable with `token_env` or \
                          `key_env`, or its file with `token_file` or `key_file`";
            return Err(fail(Some(inline.span().start), reason.to_owned()));
        }
        let place = written.url.span().start;
        let url = checked_url(written.url.get_ref())
            .map_err(|reason| fail(Some(place), format!("`url` of `notify`: {reason}")))?;
        let given = |name, variable, file| {
            GivenSecret::validate(&WrittenSecret { name, variable, file }, directory, environment, &fail)
        };
        let token = given("token", written.token_env.as_ref(), written.token_file.as_deref())?;
        let key = given("key", written.key_env.as_ref(), written.key_file.as_deref())?;
        let is_signed_by_key = written.algorithm.is_some() || written.key_id.is_some();
        let format = match (written.format, key, written.issuer) {
            (Form::Json, key, None) if !is_signed_by_key && written.audience.is_none() => NotifyFormat::Json { key },
            (Form::Json, ..) => {
                let reason = "`notify`: `algorithm`, `key_id`, `issuer` and `audience` are for `format = \"caep\"`";
                return Err(fail(None, reason.to_owned()));
            }
            (Form::Caep, Some(key), Some(issuer)) => NotifyFormat::Caep {
                key,
                algorithm: written.algorithm.unwrap_or_default(),
                key_id: written.key_id,
                issuer,
                audience: written.audience,
            },
            (Form::Caep, ..) => {
                let reason =
                    "`notify`: `format = \"caep\"` needs an `issuer`, and the key that signs: `key_file` or `key_env`";
                return Err(fail(None, reason.to_owned()));
            }
        };
        let ca_bundle = written.ca_bundle.map(|file| directory.join(file));
        Ok(Self { url, format, token, zone: written.zone, ca_bundle })
    }
}
