//! Why rules cannot be used.

use std::path::PathBuf;

/// Why rules cannot be used. Every message names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A rule file or directory cannot be read.
    #[error("cannot read rules `{}`", path.display())]
    Read {
        /// The path as given, or a file below it.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A directory holds no rule file.
    #[error("no rule files (`*.toml`) in `{}`", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// A file is not TOML, or a key or value in it is not known.
    #[error("`{file}` line {line}: {reason}{}", hint(nearest.as_deref()))]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
        /// The most similar valid spelling.
        nearest: Option<String>,
    },
    /// A rule contradicts itself or leaves something out.
    #[error("`{file}` line {line}: rule `{id}`: {reason}")]
    Rule {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Id of the rule.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// Two rules have the same id.
    #[error("`{file}`: rule `{id}` is already defined in `{other}`")]
    Duplicate {
        /// The file of the second.
        file: String,
        /// Id of both.
        id: String,
        /// The file of the first.
        other: String,
    },
    /// `--only` or `--except` names a rule that is not there.
    #[error("there is no rule `{id}`{}", hint(nearest.as_deref()))]
    UnknownRule {
        /// As given.
        id: String,
        /// The most similar id, if any is similar.
        nearest: Option<String>,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}
