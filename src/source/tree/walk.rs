//! The walk through a directory tree, on all threads at once.
//!
//! Each directory is a task, and so is each handful of its files. What an entry is comes with its name: no file is asked for
//! anything but its bytes. Symbolic links are not followed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::Scope;

use super::{diagnose_io, file, note_bare_repository, note_nested_repository, source_path};
use crate::source::ScanContext;

/// So many files are scanned by one task: enough that handing them out costs nothing beside them, so few that threads finish
/// together.
const HANDFUL: usize = 32;

/// Lists a directory, and hands out what stands in it.
pub(super) fn list<'scope>(scope: &Scope<'scope>, directory: &Path, is_root: bool, context: &'scope ScanContext<'_>) {
    let entries = match fs_err::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return diagnose_io(directory, &error, context),
    };
    let excluded = &context.collector.excluded;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        if context.collector.is_cancelled() {
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                diagnose_io(directory, &error, context);
                break;
            }
        };
        let name = entry.file_name();
        if name == OsStr::new(".git") {
            if !is_root {
                note_nested_repository(directory, context);
            }
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && excluded.has_directory(&source_path(&path)) => {}
            Ok(kind) if kind.is_file() && excluded.has(&source_path(&path)) => {}
            Ok(kind) if kind.is_dir() => scope.spawn(move |scope| list(scope, &path, false, context)),
            Ok(kind) if kind.is_file() => {
                if !is_root && name == OsStr::new("HEAD") {
                    note_bare_repository(directory, context);
                }
                files.push(path);
                if files.len() == HANDFUL {
                    hand_out(scope, std::mem::take(&mut files), context);
                }
            }
            Ok(_) => {}
            Err(error) => diagnose_io(&path, &error, context),
        }
    }
    hand_out(scope, files, context);
}

fn hand_out<'scope>(scope: &Scope<'scope>, files: Vec<PathBuf>, context: &'scope ScanContext<'_>) {
    if files.is_empty() {
        return;
    }
    context.collector.expect(files.len() as u64);
    scope.spawn(move |scope| {
        for path in files {
            if context.collector.is_cancelled() {
                return;
            }
            file::scan(scope, &path, context);
        }
    });
}
