//! [`GivenSecret`]: a secret that the operator names by its environment variable or its file, and that only some runs need.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::environment::Environment;
use super::{ConfigError, read_secret_file};
use crate::secret::Secret;

/// A secret of the operator's. That it cannot be had is told when it is needed: a run that only looks must not fail for want of
/// what only a revoking one uses.
pub struct GivenSecret(Given);

enum Given {
    Value(Secret),
    /// The environment variable of that name is not set.
    Unset(String),
    /// Read when it is needed.
    File(PathBuf),
}

/// How a secret is written down in the file.
pub(super) struct WrittenSecret<'a> {
    /// What the keys begin with: `token` for `token_env` and `token_file`.
    pub(super) name: &'a str,
    /// The value of the one key.
    pub(super) variable: Option<&'a Spanned<String>>,
    /// The value of the other.
    pub(super) file: Option<&'a Path>,
}

impl GivenSecret {
    /// Takes what the file says; `None` where it says nothing.
    pub(super) fn validate(
        written: &WrittenSecret<'_>,
        directory: &Path,
        environment: &Environment,
        fail: &dyn Fn(Option<usize>, String) -> ConfigError,
    ) -> Result<Option<Self>, ConfigError> {
        let name = written.name;
        Ok(match (written.variable, written.file) {
            (None, None) => None,
            (Some(variable), Some(_)) => {
                let reason = format!("`{name}_env` and `{name}_file` exclude each other");
                return Err(fail(Some(variable.span().start), reason));
            }
            (Some(variable), None) => Some(Self(match environment.variable(variable.get_ref()) {
                Some(value) => Given::Value(Secret::new(value.into_encoded_bytes())),
                None => Given::Unset(variable.get_ref().clone()),
            })),
            (None, Some(file)) => Some(Self(Given::File(directory.join(file)))),
        })
    }

    /// The secret.
    ///
    /// # Errors
    /// In words, when its variable is not set, or its file cannot be read or is empty.
    pub fn read(&self) -> Result<Secret, String> {
        match &self.0 {
            Given::Value(secret) => Ok(secret.duplicate()),
            Given::Unset(name) => Err(format!("the environment variable `{}` is not set", name.escape_debug())),
            Given::File(path) => {
                read_secret_file(path).map_err(|_| format!("`{}` cannot be read, or is empty", path.display()))
            }
        }
    }
}
