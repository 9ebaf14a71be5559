//! [`Staged`]: what `git commit` would record.
//!
//! Reads the index and the blobs it names, never the work tree. Of a file that HEAD has too, only what stands in added or
//! changed lines is reported: a secret that is committed already must not block every later commit.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use git2::{DiffOptions, Index, Odb, Oid, Patch};

use super::Repository;
use super::history::unopened;
use super::objects::{self, OidMap};
use super::refs::References;
use super::snapshot::Snapshot;
use super::visitor::{Found, Visitor};
use crate::diagnostic::Diagnostic;
use crate::finding::{Collector, Place, SourcePath, TextSpan};
use crate::source::{ScanContext, Source, SourceError, tree};

/// The index of a repository against HEAD.
pub struct Staged {
    repository: Repository,
    entries: Vec<Entry>,
    /// Whether the user named the files, which are then reported in whole.
    is_named: bool,
    unknown: Vec<PathBuf>,
}

/// A file of the index.
struct Entry {
    path: Vec<u8>,
    blob: Oid,
}

/// Modes of index entries that name commits of other repositories.
const SUBMODULE_MODE: u32 = 0o160_000;

impl Staged {
    /// Reads the index. With `files`, only those are scanned, whether they changed or not.
    pub fn open(repository: Repository, files: &[PathBuf]) -> Result<Self, SourceError> {
        let index = open_index(&repository.index_file)?;
        let mut names = Vec::with_capacity(files.len());
        let mut unknown = Vec::new();
        for file in files {
            match relative_to_work_tree(&repository, file) {
                Some(name) => names.push((name, file)),
                None => unknown.push(file.clone()),
            }
        }
        names.sort_unstable();
        let mut is_known = vec![false; names.len()];
        let mut entries = Vec::new();
        for entry in index.iter() {
            let mut is_wanted = files.is_empty();
            if !is_wanted {
                let first = names.partition_point(|(name, _)| *name < entry.path);
                let same = names.iter().zip(&mut is_known).skip(first).take_while(|((name, _), _)| *name == entry.path);
                for (_, is_known) in same {
                    (*is_known, is_wanted) = (true, true);
                }
            }
            // What is only intended to be added has no content yet. The sides of a conflict are files like others.
            let intent_to_add = git2::IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
            if is_wanted && entry.mode != SUBMODULE_MODE && entry.flags_extended & intent_to_add == 0 {
                entries.push(Entry { path: entry.path, blob: entry.id });
            }
        }
        unknown
            .extend(names.iter().zip(is_known).filter(|(_, is_known)| !is_known).map(|((_, file), _)| (*file).clone()));
        Ok(Self { repository, entries, is_named: !files.is_empty(), unknown })
    }
}

impl Source for Staged {
    fn describe(&self) -> String {
        format!("staged changes of {}", self.repository.name)
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector) = (&self.repository, context.collector);
        for file in &self.unknown {
            let reason = "is not in the index";
            collector.diagnose(Diagnostic::gap("not-in-index", tree::shown(file), reason));
        }
        let odb = match repository.open_objects() {
            Ok(odb) => odb,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let mut head = Snapshot::of(&odb, References::head(repository));
        let mut by_blob: OidMap<Vec<Change>> = OidMap::default();
        for entry in &self.entries {
            let before = if self.is_named { None } else { head.blob(&entry.path) };
            if before != Some(entry.blob) {
                by_blob.entry(entry.blob).or_default().push(Change { path: SourcePath::new(&entry.path), before });
            }
        }
        let mut ids: Vec<Oid> = by_blob.keys().copied().collect();
        ids.sort_unstable();
        collector.expect(ids.len() as u64);
        let visitor = Visitor::new(repository, context);
        objects::sweep(
            repository,
            &ids,
            collector,
            |id, kind, size| visitor.wish(id, kind, size),
            |object| visitor.visit(&object),
        );
        for found in visitor.finish() {
            let changes = by_blob.remove(&found.id).unwrap_or_default();
            self.emit(found, &changes, &odb, &head, collector);
        }
        for tree in head.unread {
            let reason = "what HEAD holds here is not known: its files count as new";
            collector.diagnose(Diagnostic::gap("missing-object", format!("{}: {tree}", repository.name), reason));
        }
    }
}

/// A changed file of the index.
struct Change {
    path: SourcePath,
    /// What HEAD has at the same path.
    before: Option<Oid>,
}

impl Staged {
    fn emit(&self, found: Found, changes: &[Change], odb: &Odb<'_>, head: &Snapshot<'_>, collector: &Collector) {
        // A file that was only moved or copied brings in nothing.
        if !self.is_named && head.holds(found.id) {
            return;
        }
        let place = Place::Staged { repository: self.repository.name.clone(), blob: found.id.to_string().into() };
        let new = objects::read(odb, found.id).map(|(_, bytes)| bytes).unwrap_or_default();
        let changes: Vec<(&Change, ChangedLines)> = changes
            .iter()
            .map(|change| {
                let old = change.before.and_then(|before| objects::read(odb, before).ok());
                (change, old.map_or(ChangedLines::All, |(_, old)| ChangedLines::between(&old, &new)))
            })
            .collect();
        for (candidate, span) in found.candidates {
            let touched = changes.iter().filter(|(_, lines)| lines.touch(&span));
            let locations = touched.map(|(change, _)| crate::finding::Location {
                place: place.clone(),
                path: change.path.clone(),
                span,
            });
            collector.add(candidate, locations.collect());
        }
    }
}

/// The lines of a file that are not as they were.
#[derive(Debug, PartialEq, Eq)]
enum ChangedLines {
    All,
    /// First line and number of lines.
    Some(Vec<(u32, u32)>),
}

impl ChangedLines {
    fn between(old: &[u8], new: &[u8]) -> Self {
        let mut options = DiffOptions::new();
        options.context_lines(0).interhunk_lines(0).force_text(true);
        let Ok(patch) = Patch::from_buffers(old, None, new, None, Some(&mut options)) else { return Self::All };
        let hunk = |number| patch.hunk(number).map(|(hunk, _)| (hunk.new_start(), hunk.new_lines()));
        (0..patch.num_hunks()).map(hunk).collect::<Result<_, _>>().map_or(Self::All, Self::Some)
    }

    fn touch(&self, span: &TextSpan) -> bool {
        match self {
            Self::All => true,
            Self::Some(hunks) => {
                hunks.iter().any(|&(first, count)| span.line < first.saturating_add(count) && span.end_line >= first)
            }
        }
    }
}

fn open_index(path: &Path) -> Result<Index, SourceError> {
    Index::open(path).map_err(|source| {
        let path = path.to_owned();
        // libgit2 names an extension that it cannot pass over by its four letters.
        if source.message().ends_with("'link'") {
            SourceError::UnsupportedIndex { path, form: "split" }
        } else if source.message().ends_with("'sdir'") {
            SourceError::UnsupportedIndex { path, form: "sparse" }
        } else {
            SourceError::Git { path, source }
        }
    })
}

/// The path as the index has it; `None` if it is outside the work tree.
fn relative_to_work_tree(repository: &Repository, file: &Path) -> Option<Vec<u8>> {
    let work_tree = fs_err::canonicalize(repository.work_tree.as_deref()?).ok()?;
    let absolute = without_dots(&std::path::absolute(file).ok()?);
    // The directory may be reached through symbolic links; the file itself may be one, or be gone.
    let relative = if let Ok(relative) = absolute.strip_prefix(&work_tree) {
        relative.to_owned()
    } else {
        let parent = fs_err::canonicalize(absolute.parent()?).ok()?;
        parent.strip_prefix(&work_tree).ok()?.join(absolute.file_name()?)
    };
    let names: Vec<&[u8]> = relative.iter().map(OsStr::as_encoded_bytes).collect();
    Some(names.join(&b'/'))
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_those_of_the_new_side() {
        let check = |old: &str, new: &str, expected: &[(u32, u32)]| {
            assert_eq!(ChangedLines::between(old.as_bytes(), new.as_bytes()), ChangedLines::Some(expected.to_vec()));
        };
        check("a\nb\nc\n", "a\nX\nc\n", &[(2, 1)]);
        check("a\nb\n", "a\nb\nc\nd", &[(3, 2)]);
        check("a\nb\nc\nd\n", "A\nb\nc\nD\n", &[(1, 1), (4, 1)]);
        check("", "a\n", &[(1, 1)]);
        check("a\0b\nc\n", "a\0b\nd\n", &[(2, 1)]);
        // Nothing is touched by a line that went away.
        let gone = ChangedLines::between(b"a\nb\nc\n", b"a\nc\n");
        for line in 1..4 {
            assert!(!gone.touch(&TextSpan { line, end_line: line, ..TextSpan::default() }), "{line}");
        }
    }

    #[test]
    fn a_span_is_touched_by_any_of_its_lines() {
        let lines = ChangedLines::Some(vec![(5, 2)]);
        let check = |line, end_line, expected| {
            assert_eq!(lines.touch(&TextSpan { line, end_line, ..TextSpan::default() }), expected, "{line}-{end_line}");
        };
        check(4, 4, false);
        check(5, 5, true);
        check(6, 6, true);
        check(7, 7, false);
        check(1, 9, true);
        check(1, 5, true);
    }
}
