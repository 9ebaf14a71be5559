//! [`Fault`]: why an object could not be visited.

use thiserror::Error;

use crate::source::git::pack::delta::DeltaError;
use crate::source::git::pack::entry::EntryError;
use crate::source::git::pack::inflate::InflateError;

/// An object that could not be visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its number in the stock.
    pub number: u32,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The header of its entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The compressed bytes of its entry.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// Its delta.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// Another object has the same entry.
    #[error("its entry belongs to another object too")]
    SharedEntry,
    /// Its base is not where any entry of the pack starts.
    #[error("its delta base at offset {0} is not an entry of the pack")]
    BaseAtNoEntry(u64),
    /// Nothing has the id of its base.
    #[error("its delta base `{0}` is missing")]
    MissingBase(String),
    /// Its base could not be read, and why is told of the base.
    #[error("its delta base cannot be read")]
    BrokenBase,
    /// Its base, or a base of that, is built from itself.
    #[error("its delta bases form a circle")]
    Circle,
    /// It would have to be built for those that are built from it.
    #[error("its {0} bytes are more than a delta base may have")]
    TooLarge(u64),
    /// Its bases do not fit into memory side by side, and building them again and again has taken long enough.
    #[error("its delta bases take too much memory")]
    TooMuchMemory,
    /// What the store said of it.
    #[error("{reason}")]
    Unread {
        /// Whether it is not there at all.
        is_missing: bool,
        /// Why it cannot be read.
        reason: String,
    },
}

impl Fault {
    /// Whether something is missing, rather than damaged.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::MissingBase(_) | Self::Unread { is_missing: true, .. })
    }
}
