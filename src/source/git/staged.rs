//! [`Staged`]: what `git commit` would record.
//!
//! Reads the index and the blobs it names, never the work tree. Of a file that HEAD has too, only what stands in added or
//! changed lines is reported: a secret that is committed already must not block every later commit.

use super::id::{IdMap, IdSet, ObjectId};
use super::store::Reader;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use git2::{DiffOptions, Patch};

use super::Repository;
use super::history::unopened;
use super::index::{Index, IndexError, is_below};
use super::introduced::{Budget, compare};
use super::raw::EntryKind;
use super::refs::References;
use super::repository::read_file;
use super::snapshot::Snapshot;
use super::visitor::{Found, Visitor};
use crate::diagnostic::Diagnostic;
use crate::finding::{Place, SourcePath, TextSpan};
use crate::source::Collector;
use crate::source::{ScanContext, Source, SourceError, tree};

/// The index of a repository against HEAD.
pub struct Staged {
    repository: Repository,
    index: Index,
    /// The files that the user named, as the index spells them; these are then reported in whole.
    named: Option<Vec<(Vec<u8>, PathBuf)>>,
    /// Names outside the work tree.
    outside: Vec<PathBuf>,
}

impl Staged {
    /// Reads the index. With `files`, only those are scanned, whether they changed or not.
    pub fn open(repository: Repository, files: &[PathBuf]) -> Result<Self, SourceError> {
        let index = read_index(&repository.index_file, repository.hash_length)?;
        let mut named = Vec::with_capacity(files.len());
        let mut outside = Vec::new();
        for file in files {
            match relative_to_work_tree(&repository, file) {
                Some(name) => named.push((name, file.clone())),
                None => outside.push(file.clone()),
            }
        }
        named.sort_unstable();
        let named = (!files.is_empty()).then_some(named);
        Ok(Self { repository, index, named, outside })
    }
}

impl Source for Staged {
    fn describe(&self) -> String {
        format!("staged changes of {}", self.repository.name)
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let (repository, collector) = (&self.repository, context.collector);
        let store = match repository.open_objects() {
            Ok(store) => store,
            Err(error) => return collector.diagnose(unopened(repository, &error)),
        };
        let reader = store.reader();
        let mut head = Snapshot::of(&reader, References::head(repository));
        let files = match &self.named {
            Some(named) => self.named(named, collector),
            None => self.changed(&reader, &mut head, collector),
        };
        let mut by_blob: IdMap<Vec<Change>> = IdMap::default();
        for (blob, change) in files {
            by_blob.entry(blob).or_default().push(change);
        }
        let mut ids: Vec<ObjectId> = by_blob.keys().copied().collect();
        ids.sort_unstable();
        let paths = by_blob.iter().flat_map(|(id, changes)| changes.iter().map(|change| (*id, change.path.as_bytes())));
        let found = Visitor::new(repository, context, paths).read_all(&store, &ids);
        // A file that was only moved or copied brings in nothing.
        let moved = match &self.named {
            Some(_) => IdSet::default(),
            None => head.held(&found.iter().map(|found| found.id).collect()),
        };
        for found in found.into_iter().filter(|found| !moved.contains(&found.id)) {
            let changes = by_blob.remove(&found.id).unwrap_or_default();
            self.emit(found, &changes, &reader, collector);
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
    before: Option<ObjectId>,
}

impl Staged {
    /// The entries that the user named.
    fn named(&self, named: &[(Vec<u8>, PathBuf)], collector: &Collector) -> Vec<(ObjectId, Change)> {
        let mut is_known = vec![false; named.len()];
        let mut files = Vec::new();
        for entry in self.index.entries() {
            let path = self.index.path(entry);
            let first = named.partition_point(|(name, _)| &**name < path);
            let mut same =
                named.iter().zip(&mut is_known).skip(first).take_while(|((name, _), _)| name == path).peekable();
            if same.peek().is_some() && entry.kind == EntryKind::Blob && !entry.is_only_intended {
                files.push((entry.id, Change { path: SourcePath::new(path), before: None }));
            }
            same.for_each(|(_, is_known)| *is_known = true);
        }
        let unknown = named.iter().zip(is_known).filter(|(_, is_known)| !is_known).map(|((_, file), _)| file);
        for file in unknown.chain(&self.outside) {
            collector.diagnose(Diagnostic::gap("not-in-index", tree::shown(file), "is not in the index"));
        }
        files
    }

    /// The entries that HEAD has not, or has with other content. Both sides of a conflict are entries like others.
    fn changed(&self, reader: &Reader<'_>, head: &mut Snapshot<'_>, collector: &Collector) -> Vec<(ObjectId, Change)> {
        let entries = self.index.entries();
        let mut files = Vec::new();
        let budget = Budget::default();
        let mut number = 0;
        let mut previous: &[u8] = b"";
        while let Some(entry) = entries.get(number) {
            let path = self.index.path(entry);
            // A directory that is entered here and is as HEAD has it is passed over as a whole.
            let directories = std::iter::once(0).filter(|_| number == 0).chain(memchr::memchr_iter(b'/', path));
            let unchanged = directories.filter_map(|end| path.get(..end)).find_map(|directory| {
                if !directory.is_empty() && is_below(previous, directory) {
                    return None;
                }
                let cached = self.index.cached_tree(directory, number)?;
                (head.tree(directory) == Some(cached.id)).then_some(cached.entries)
            });
            previous = path;
            if let Some(count) = unchanged {
                number += count;
                previous = entries.get(number - 1).map_or(b"", |entry| self.index.path(entry));
                continue;
            }
            number += 1;
            match entry.kind {
                EntryKind::Blob if entry.is_only_intended => {}
                EntryKind::Blob => {
                    let before = head.blob(path);
                    if before != Some(entry.id) {
                        files.push((entry.id, Change { path: SourcePath::new(path), before }));
                    }
                }
                EntryKind::Tree => {
                    // A directory of a sparse index, outside the work tree.
                    let before = head.tree(path.strip_suffix(b"/").unwrap_or(path));
                    let mut additions = Vec::new();
                    let unread = compare(reader, path, entry.id, before.into_iter().collect(), &mut additions, &budget);
                    for unread in unread {
                        let place = format!("{}: {unread}", self.repository.name);
                        collector.diagnose(Diagnostic::gap("missing-object", place, "a tree cannot be read"));
                    }
                    files.extend(additions.into_iter().map(|addition| {
                        let before = head.blob(&addition.path);
                        (addition.blob, Change { path: SourcePath::new(&addition.path), before })
                    }));
                }
                EntryKind::Submodule => {}
            }
        }
        files
    }

    fn emit(&self, found: Found, changes: &[Change], reader: &Reader<'_>, collector: &Collector) {
        let place = Place::Staged { repository: self.repository.name.clone(), blob: found.id.to_string().into() };
        let new = reader.read(found.id).map(|(_, bytes)| bytes).unwrap_or_default();
        let changes: Vec<(&Change, ChangedLines)> = changes
            .iter()
            .map(|change| {
                let old = change.before.and_then(|before| reader.read(before).ok());
                (change, old.map_or(ChangedLines::All, |(_, old)| ChangedLines::between(&old, &new)))
            })
            .collect();
        for hit in found.hits {
            let touched =
                changes.iter().filter(|(_, lines)| hit.is_in_member() || hit.is_of_file() || lines.touch(hit.span()));
            let places: Vec<(Place, SourcePath)> =
                touched.map(|(change, _)| (place.clone(), change.path.clone())).collect();
            hit.emit(&places, collector);
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

fn read_index(path: &Path, hash_length: usize) -> Result<Index, SourceError> {
    let file = match read_file(path) {
        Ok(file) => file,
        // Before the first `git add`.
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(SourceError::Open { path: path.to_owned(), source }),
    };
    Index::parse(&file, hash_length).map_err(|error| {
        let path = path.to_owned();
        match error {
            IndexError::Malformed => SourceError::Index { path, reason: "is damaged" },
            IndexError::Split => SourceError::Index { path, reason: "is a split index, which is not supported" },
            IndexError::Unknown => SourceError::Index { path, reason: "is of a form that is not known" },
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
