//! [`Owner`]: who should hear of a leak.

use serde::{Deserialize, Serialize};

/// Somebody to tell. Scanned content says it: it is shown escaped, and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// `@user`, `@group/team` or an address as the file has it; `Name <address>` of an author, control characters replaced.
    pub name: String,
    /// What says so.
    pub source: OwnerSource,
}

/// What names an [`Owner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerSource {
    /// The entry of a `CODEOWNERS` file that a path matches.
    Codeowners,
    /// The commit that introduced the secret at a path.
    Author,
}

impl OwnerSource {
    /// The spelling of reports and plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codeowners => "codeowners",
            Self::Author => "author",
        }
    }
}
