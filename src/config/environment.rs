//! [`Environment`]: the one door to environment variables.
//!
//! Everything else gets what it needs from here or from [`super::Config`], so that a test can give its own and nothing can
//! be steered by a variable that no one knows is read.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Environment variables: those of the process, or a fixed set.
pub struct Environment(Source);

enum Source {
    Process,
    Fixed(HashMap<String, OsString>),
}

impl Environment {
    /// The variables of this process, read when asked for.
    pub fn of_process() -> Self {
        Self(Source::Process)
    }

    /// Only the variables given.
    pub fn fixed<N: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(Source::Fixed(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// The value of a variable; an empty one counts as unset.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        let value = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
            Source::Process => std::env::var_os(name),
            Source::Fixed(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The file that `RESCIND_CONFIG` names.
    pub(super) fn named_config_file(&self) -> Option<PathBuf> {
        self.variable("RESCIND_CONFIG").map(PathBuf::from)
    }

    /// Where a configuration file is looked for when nobody names one: `$XDG_CONFIG_HOME/rescind/config.toml`, or below
    /// `~/.config` when that variable is unset or relative (XDG Base Directory Specification).
    pub(super) fn usual_config_file(&self) -> Option<PathBuf> {
        let configured = self.variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || self.variable("HOME").map(|home| PathBuf::from(home).join(".config"));
        configured.or_else(home).map(|directory| directory.join("rescind").join("config.toml"))
    }

    /// Where revocations are recorded when nobody names a ledger: `$XDG_STATE_HOME/rescind/ledger.jsonl`, or below
    /// `~/.local/state` when that variable is unset or relative (XDG Base Directory Specification).
    pub fn usual_ledger_file(&self) -> Option<PathBuf> {
        let configured = self.variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || self.variable("HOME").map(|home| PathBuf::from(home).join(".local").join("state"));
        configured.or_else(home).map(|directory| directory.join("rescind").join("ledger.jsonl"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_file_follows_the_base_directory_specification() {
        for (variables, expected) in [
            (vec![("XDG_CONFIG_HOME", "/etc/xdg"), ("HOME", "/root")], Some("/etc/xdg/rescind/config.toml")),
            (vec![("XDG_CONFIG_HOME", "relative"), ("HOME", "/root")], Some("/root/.config/rescind/config.toml")),
            (vec![("XDG_CONFIG_HOME", ""), ("HOME", "/root")], Some("/root/.config/rescind/config.toml")),
            (vec![], None),
        ] {
            let environment = Environment::fixed(variables);
            assert_eq!(environment.usual_config_file(), expected.map(PathBuf::from));
        }
        for (variables, expected) in [
            (vec![("XDG_STATE_HOME", "/var/state"), ("HOME", "/root")], Some("/var/state/rescind/ledger.jsonl")),
            (vec![("XDG_STATE_HOME", "relative"), ("HOME", "/root")], Some("/root/.local/state/rescind/ledger.jsonl")),
            (vec![], None),
        ] {
            let environment = Environment::fixed(variables);
            assert_eq!(environment.usual_ledger_file(), expected.map(PathBuf::from));
        }
    }
}
