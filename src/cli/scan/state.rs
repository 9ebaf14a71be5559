//! `--state`: the file that notes which git objects were scanned.

use sha2::{Digest as _, Sha256};

use super::args::Args;
use crate::cli::pending_file::PendingFile;
use crate::diagnostic::Diagnostic;
use crate::finding::Confidence;
use crate::rules::RuleSet;
use crate::source::git::SeenObjects;

/// The objects that need not be scanned again, and the file that takes what this scan adds.
pub(super) struct State {
    pub seen: SeenObjects,
    file: PendingFile,
}

impl State {
    /// Reads the file that `--state` names, and tells before the scan whether it can be replaced after it.
    pub(super) fn open(args: &Args, rules: &RuleSet) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.history.state else { return Ok(None) };
        // What was left out then was not reported, and otherwise never would be.
        let left_out = (Confidence::from(args.detection.min_confidence), &args.detection.exclude);
        let detection = Sha256::new_with_prefix(rules.digest()).chain_update(format!("{left_out:?}")).finalize();
        let seen = SeenObjects::load(path, detection.into())?;
        Ok(Some(Self { seen, file: PendingFile::create(path, false)? }))
    }

    /// Says that everything is scanned again, if it is.
    pub(super) fn diagnostic(&self) -> Option<Diagnostic> {
        let reason = "was made by another version, with other rules, another `--min-confidence` or `--exclude`: everything is scanned again";
        let place = self.file.name().display().to_string();
        self.seen.is_outdated().then(|| Diagnostic::note("outdated-state", place, reason))
    }

    /// Replaces the file. Only to be called when the reports are written: what it notes is never reported again.
    pub(super) fn save(mut self) -> anyhow::Result<()> {
        self.seen.write(&mut self.file)?;
        self.file.commit()
    }
}
