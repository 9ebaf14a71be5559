//! Directory trees and single files.
//!
//! Hidden and ignored files are scanned too: `.env` lives there. What git keeps for itself is not: see `git`.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::{ScanContext, Source, SourceError};
use crate::diagnostic::Diagnostic;
use crate::finding::{Place, SourcePath, escape};

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
        let walker = WalkBuilder::new(&self.root)
            .standard_filters(false)
            .follow_links(false)
            .threads(rayon::current_num_threads())
            .build_parallel();
        walker.run(|| {
            Box::new(|entry| match entry {
                _ if context.collector.is_cancelled() => WalkState::Quit,
                Ok(entry) => visit(&entry, context),
                Err(error) => {
                    diagnose_walk(&error, &self.root, context);
                    WalkState::Continue
                }
            })
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

fn visit(entry: &DirEntry, context: &ScanContext<'_>) -> WalkState {
    if entry.depth() > 0 && entry.file_name() == ".git" {
        if entry.depth() > 1 {
            note_nested_repository(entry.path(), context);
        }
        return WalkState::Skip;
    }
    let is_file = match entry.file_type() {
        // The target itself may be a symbolic link; nothing else is followed.
        Some(kind) if kind.is_symlink() && entry.depth() == 0 => entry.path().is_file(),
        Some(kind) => kind.is_file(),
        None => false,
    };
    if is_file {
        if entry.depth() > 1 && entry.file_name() == "HEAD" {
            note_bare_repository(entry.path(), context);
        }
        context.collector.expect(1);
        scan_file(entry.path(), context);
    }
    WalkState::Continue
}

thread_local! {
    /// One buffer per thread, so that a file costs no allocation.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A buffer that grew beyond this is given back.
const KEPT_CAPACITY: usize = 4 << 20;

fn scan_file(path: &Path, context: &ScanContext<'_>) {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        match read_file(path, context.max_file_size, buffer) {
            Ok(None) => context.scan_item(buffer, &Place::File, || source_path(path)),
            Ok(Some(size)) => {
                let reason = format!("{size} bytes are more than the limit of {} bytes", context.max_file_size);
                context.collector.diagnose(Diagnostic::gap("file-too-large", shown(path), reason));
            }
            Err(error) => diagnose_io(path, &error, context),
        }
        if buffer.capacity() > KEPT_CAPACITY {
            *buffer = Vec::new();
        }
    });
}

/// Reads the file, or tells its size if that is over the limit.
fn read_file(path: &Path, limit: u64, buffer: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
    let file = fs_err::File::open(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Ok(Some(size));
    }
    buffer.reserve(usize::try_from(size).unwrap_or(0).saturating_add(1));
    // The file may have grown, or be one of those that tell no size.
    file.take(limit.saturating_add(1)).read_to_end(buffer)?;
    let read = buffer.len() as u64;
    Ok((read > limit).then_some(read))
}

fn diagnose_walk(error: &ignore::Error, root: &Path, context: &ScanContext<'_>) {
    let path = walked_path(error).unwrap_or(root);
    match error.io_error() {
        Some(io) => diagnose_io(path, io, context),
        None => context.collector.diagnose(Diagnostic::gap("unreadable-file", shown(path), "cannot be listed")),
    }
}

fn walked_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => walked_path(err),
        _ => None,
    }
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

fn note_nested_repository(dot_git: &Path, context: &ScanContext<'_>) {
    let place = shown(dot_git.parent().unwrap_or(dot_git));
    let reason = "its files were scanned, its history was not; scan it as a target of its own";
    context.collector.diagnose(Diagnostic::note("nested-repository", place, reason));
}

/// A bare repository within the tree is a heap of compressed objects: its content can only be seen as a target of its own.
fn note_bare_repository(head: &Path, context: &ScanContext<'_>) {
    if let Some(directory) = head.parent()
        && super::git::is_git_directory(directory)
    {
        let reason = "a bare git repository, of which only the stored form was scanned; scan it as a target of its own";
        context.collector.diagnose(Diagnostic::gap("nested-repository", shown(directory), reason));
    }
}
