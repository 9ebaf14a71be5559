//! Where bytes come from: trees, git, images, standard input.
//!
//! A source walks its items in parallel, hands each one's bytes to the [`Detector`], locates what was found while the
//! bytes are at hand, and gives it to the [`Collector`]. What it cannot read becomes a diagnostic; it never stops the scan.

mod archive;
mod collector;
mod error;
mod excluded;
pub mod git;
pub mod image;
pub mod owners;
pub mod reread;
pub mod stdin;
mod stream;
pub mod target;
pub mod tree;
mod whole_file;

pub use collector::{Collector, Counters};
pub use error::SourceError;
pub use excluded::{Excluded, ExcludedError};

use crate::detect::Detector;

/// Something that can be scanned. Opening it (see [`target::open`]) tells bad input as an error before anything is read.
pub trait Source: Sync {
    /// What is scanned, for progress and the summary: `git history of repo`.
    fn describe(&self) -> String;

    /// Scans all of it. Returns early when the collector is cancelled.
    fn scan(&self, context: &ScanContext<'_>);
}

/// What every source works with.
#[derive(Clone, Copy)]
pub struct ScanContext<'a> {
    /// Finds candidates.
    pub detector: &'a Detector,
    /// Takes what is found.
    pub collector: &'a Collector,
    /// Items that have to be held in memory (git objects, sparse files of images) and are larger than this many bytes are left
    /// out with a diagnostic.
    pub max_file_size: u64,
    /// So are items that are read piece by piece (files, standard input) and are larger than this many bytes.
    pub max_stream_size: u64,
    /// Whether what was found out about one version of a file is used for the next.
    pub reuses_deltas: bool,
    /// The git objects that need not be scanned again, if an earlier scan has left a note of them.
    pub seen: Option<&'a git::SeenObjects>,
    /// How much is found out about the places of what git histories hold.
    pub attribution: git::Attribution,
    /// Whether comments of ours in files that allow nothing are told.
    pub tells_unused_marks: bool,
}

impl<'a> ScanContext<'a> {
    /// A context that leaves nothing out but what would have to be held in memory and is larger than 256 MiB.
    pub fn new(detector: &'a Detector, collector: &'a Collector) -> Self {
        Self {
            detector,
            collector,
            max_file_size: 256 << 20,
            max_stream_size: u64::MAX,
            reuses_deltas: true,
            seen: None,
            attribution: git::Attribution::Full,
            tells_unused_marks: false,
        }
    }
}
