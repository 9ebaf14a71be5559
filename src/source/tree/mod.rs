//! Directory trees and single files.
//!
//! Hidden and ignored files are scanned too: `.env` lives there. What git keeps for itself is not: see `git`.

mod file;
mod siblings;
mod walk;

use std::path::{Path, PathBuf};

pub(super) use siblings::Siblings;

use super::{ScanContext, Source, SourceError};
use crate::diagnostic::Diagnostic;
use crate::finding::{SourcePath, escape};

/// The files below a directory, or one file.
pub struct Tree {
    root: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

impl Tree {
    /// A tree at that path, which may be a symbolic link; those further down are not followed.
    pub fn open(root: &Path) -> Result<Self, SourceError> {
        let metadata = fs_err::metadata(root).map_err(|source| SourceError::Open { path: root.to_owned(), source })?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(SourceError::NotAFile { path: root.to_owned() });
        }
        Ok(Self { root: root.to_owned(), diagnostics: Vec::new() })
    }

    /// Adds something that was noticed while the target was opened, to be told with the scan.
    pub(super) fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

impl Source for Tree {
    fn describe(&self) -> String {
        format!("files of {}", shown(&self.root))
    }

    fn scan(&self, context: &ScanContext<'_>) {
        for diagnostic in &self.diagnostics {
            context.collector.diagnose(diagnostic.clone());
        }
        rayon::scope(|scope| match fs_err::metadata(&self.root) {
            Ok(metadata) if metadata.is_dir() => walk::list(scope, &self.root, true, context),
            Ok(_) => {
                context.collector.expect(1);
                file::scan(scope, &self.root, context);
            }
            Err(error) => diagnose_io(&self.root, &error, context),
        });
    }
}

/// The path as reports show it: raw bytes, `/` between the components, without a leading `./`.
pub(super) fn source_path(path: &Path) -> SourcePath {
    let bytes = path.as_os_str().as_encoded_bytes();
    let bytes = bytes.strip_prefix(b"./").unwrap_or(bytes);
    if std::path::MAIN_SEPARATOR == '/' {
        return SourcePath::new(bytes);
    }
    let bytes: Vec<u8> = bytes.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    SourcePath::new(&bytes)
}

/// A path fit for diagnostics.
pub(super) fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes()).into_owned()
}

fn diagnose_io(path: &Path, error: &std::io::Error, context: &ScanContext<'_>) {
    let diagnostic = if error.kind() == std::io::ErrorKind::NotFound {
        Diagnostic::note("vanished-file", shown(path), "was deleted while the scan ran")
    } else {
        Diagnostic::gap("unreadable-file", shown(path), reason_of(error))
    };
    context.collector.diagnose(diagnostic);
}

/// Why, without the path, which the text of `fs_err` names before the system's own words.
fn reason_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.rsplit(": ").next().map_or_else(|| error.kind().to_string(), str::to_owned)
}

fn note_nested_repository(directory: &Path, context: &ScanContext<'_>) {
    let place = shown(directory);
    let reason = "its files were scanned, its history was not; scan it as a target of its own";
    context.collector.diagnose(Diagnostic::note("nested-repository", place, reason));
}

/// A bare repository within the tree is a heap of compressed objects: its content can only be seen as a target of its own.
fn note_bare_repository(directory: &Path, context: &ScanContext<'_>) {
    if super::git::is_git_directory(directory) {
        let reason = "a bare git repository, of which only the stored form was scanned; scan it as a target of its own";
        context.collector.diagnose(Diagnostic::gap("nested-repository", shown(directory), reason));
    }
}
