//! Rules as data: `rules/*.toml`, compiled into the binary, and the operator's own.

mod rule;

use std::path::PathBuf;
use std::sync::Arc;

pub use rule::{
    Alphabet, BlastRadius, Checksum, Endpoints, Matcher, PartSpec, Revoke, RevokeMethod, Rule, Scanner, Shape, Verify,
    VerifyMethod, Window,
};

/// All rules of a run.
#[derive(Default)]
pub struct RuleSet {
    /// The rules, in the order they were loaded.
    pub rules: Vec<Arc<Rule>>,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// `--only` or `--except` names a rule that is not there.
    #[error("there is no rule `{id}`{}", nearest.as_ref().map(|n| format!("; did you mean `{n}`?")).unwrap_or_default())]
    UnknownRule {
        /// As given.
        id: String,
        /// The most similar id, if any is similar.
        nearest: Option<String>,
    },
}

impl RuleSet {
    /// The rules of the binary and those of the given files and directories.
    pub fn load(_extra: &[PathBuf]) -> Result<Self, RuleError> {
        Ok(Self::default())
    }

    /// Keeps the rules named in `only` (all, when it is empty) and drops those named in `except`.
    pub fn select(&mut self, _only: &[String], _except: &[String]) -> Result<(), RuleError> {
        Ok(())
    }

    /// The rule of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}
