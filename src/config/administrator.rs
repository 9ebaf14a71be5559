//! One `[[administrator]]`: a credential of the operator's own, by which they take back what was revoked.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher};
use toml::Spanned;

use super::document::UnvalidatedAdministrator;
use super::environment::Environment;
use super::{ConfigError, read_secret_file};
use crate::secret::Secret;

/// Where a credential of the operator's is. It is read when it is needed, so that other commands run without it.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The provider, as rules name it: `aws`.
    pub provider: String,
    /// The accounts that it administers.
    account: GlobMatcher,
    id: Option<Source>,
    secret: Source,
    session_token: Option<Source>,
}

/// A credential of the operator's, read.
pub struct AdministratorKey {
    /// What names it, such as an access key's id. Not secret; a token has none.
    pub id: Option<Secret>,
    /// Its secret.
    pub secret: Secret,
    /// What a temporary one needs besides.
    pub session_token: Option<Secret>,
}

#[derive(Clone, Debug)]
enum Source {
    Text(String),
    Variable(String),
    File(PathBuf),
}

impl Administrator {
    /// Validates what the file says. `fail` makes an error at an offset of the file, `None` being the administrator's own place.
    pub(super) fn validate(
        written: UnvalidatedAdministrator,
        directory: &Path,
        fail: &dyn Fn(Option<usize>, String) -> ConfigError,
    ) -> Result<Self, ConfigError> {
        if let Some(inline) = &written.secret {
            let reason = "a secret may not stand in the configuration: name its environment variable with `secret_env`, or its file \
                          with `secret_file`";
            return Err(fail(Some(inline.span().start), reason.to_owned()));
        }
        let source = |name: &str, text: Option<String>, variable: Option<Spanned<String>>, file: Option<PathBuf>| {
            let given = [
                text.map(Source::Text),
                variable.map(|variable| Source::Variable(variable.into_inner())),
                file.map(|file| Source::File(directory.join(file))),
            ];
            let mut given = given.into_iter().flatten();
            match (given.next(), given.next()) {
                (source, None) => Ok(source),
                (_, Some(_)) => Err(fail(None, format!("an administrator has more than one `{name}`"))),
            }
        };
        let glob = Glob::new(written.account.get_ref())
            .map_err(|error| fail(Some(written.account.span().start), format!("bad glob: {}", error.kind())))?;
        let id = source("id", written.id, written.id_env, None)?;
        let secret = source("secret", None, written.secret_env, written.secret_file)?;
        Ok(Self {
            provider: written.provider,
            account: glob.compile_matcher(),
            id,
            secret: secret
                .ok_or_else(|| fail(None, "an administrator needs a `secret_env` or `secret_file`".to_owned()))?,
            session_token: source("session token", None, written.session_token_env, written.session_token_file)?,
        })
    }

    /// Whether it may undo what was revoked there.
    pub fn administers(&self, provider: &str, account: &str) -> bool {
        self.provider == provider && self.account.is_match(account)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When a variable is not set or a file cannot be read.
    pub fn read(&self, environment: &Environment) -> Result<AdministratorKey, ConfigError> {
        let read = |source: &Source| match source {
            Source::Text(text) => Ok(Secret::new(text.as_bytes())),
            Source::Variable(name) => {
                let value = environment.variable(name);
                let value = value
                    .ok_or_else(|| ConfigError::Argument(format!("the environment variable `{name}` is not set")))?;
                Ok(Secret::new(value.into_encoded_bytes()))
            }
            Source::File(path) => read_secret_file(path),
        };
        Ok(AdministratorKey {
            id: self.id.as_ref().map(read).transpose()?,
            secret: read(&self.secret)?,
            session_token: self.session_token.as_ref().map(read).transpose()?,
        })
    }
}
