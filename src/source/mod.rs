//! Where bytes come from: trees, git, images, standard input.
//!
//! A source walks its items in parallel, hands each one's bytes to the [`Detector`], locates what was found while the
//! bytes are at hand, and gives it to the [`Collector`]. What it cannot read becomes a diagnostic; it never stops the scan.

pub mod git;
pub mod image;
pub mod stdin;
pub mod tree;

use crate::detect::Detector;
use crate::finding::Collector;

/// Something that can be scanned. Opening it (each module's `open`) tells bad input as an error before anything is read.
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
    /// Items larger than this many bytes are left out with a diagnostic.
    pub max_file_size: u64,
}
