//! What the user and the scanned content do not want to hear of: baselines, ignore files, and the allowlists of gitleaks.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::args::DetectionArgs;
use crate::diagnostic::Diagnostic;
use crate::finding::{Baseline, escape};
use crate::rules::{GITLEAKS_FILE_NAME, RuleSet};

/// The findings that `--baseline` lists.
pub(super) fn read_baseline(args: &DetectionArgs) -> anyhow::Result<Baseline> {
    let Some(path) = &args.baseline else { return Ok(Baseline::default()) };
    let text = fs_err::read(path).context("cannot read the baseline")?;
    let baseline = Baseline::parse(&text);
    if baseline.is_empty() && !text.trim_ascii().is_empty() {
        anyhow::bail!(
            "the baseline `{}` names no finding: ids look like `rsc1_` and 32 hexadecimal digits, places like `path:rule:line`",
            path.display()
        );
    }
    Ok(baseline)
}

/// Files at the root of a target that list what is known there: ours, and that of gitleaks.
const IGNORE_FILES: [&str; 2] = [".rescindignore", ".gitleaksignore"];

/// Larger ones are no lists that anybody wrote.
const LARGEST_IGNORE_FILE: u64 = 16 << 20;

/// Adds what the targets themselves say is known.
pub(super) fn read_ignore_files(targets: &[PathBuf], baseline: &mut Baseline) -> anyhow::Result<()> {
    for path in targets.iter().flat_map(|target| IGNORE_FILES.map(|name| target.join(name))) {
        let Some(size) = size_of_file(&path) else { continue };
        if size > LARGEST_IGNORE_FILE {
            anyhow::bail!("the ignore file `{}` is larger than {LARGEST_IGNORE_FILE} bytes", path.display());
        }
        baseline.unite(Baseline::parse(&fs_err::read(&path).context("cannot read an ignore file")?));
    }
    Ok(())
}

/// Larger configurations in the scanned content are not read.
const LARGEST_CONFIGURATION: u64 = 1 << 20;

/// Adds the allowlists that the targets themselves bring along, each for its own target. What is wrong with one is told and stops
/// nothing. One that is among `named` is used as the user's own.
pub(crate) fn read_allowlists(targets: &[PathBuf], named: &[PathBuf], rules: &mut RuleSet) -> Vec<Diagnostic> {
    let canonical = |path: &Path| fs_err::canonicalize(path).ok();
    let named: Vec<PathBuf> = named.iter().filter_map(|path| canonical(path)).collect();
    let mut notes = Vec::new();
    // Standard input has no path, and brings nothing along.
    for (target, number) in targets.iter().zip(0..).filter(|(target, _)| !target.as_os_str().is_empty()) {
        let path = target.join(GITLEAKS_FILE_NAME);
        let Some(size) = size_of_file(&path) else { continue };
        if canonical(&path).is_some_and(|path| named.contains(&path)) {
            continue;
        }
        let shown = escape(path.as_os_str().as_encoded_bytes()).into_owned();
        let told = |reason: &str| Diagnostic::note("gitleaks-configuration", shown.clone(), reason);
        if size > LARGEST_CONFIGURATION {
            notes.push(told("its allowlists are not obeyed: it is larger than 1 MiB"));
            continue;
        }
        match fs_err::read_to_string(&path) {
            Ok(text) => notes.extend(rules.add_gitleaks_of_content(&shown, &text, number)),
            Err(_) => notes.push(told("its allowlists are not obeyed: it cannot be read as text")),
        }
    }
    notes
}

/// The size of a file. What is scanned is hostile: no link, device or pipe is followed.
fn size_of_file(path: &Path) -> Option<u64> {
    fs_err::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len())
}
