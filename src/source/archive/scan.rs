//! Members of archives as items of a scan, and as what is read again.

use std::io::{Read, Seek};

use super::{Opened, SEPARATOR, Visitor, walk, walk_file, walk_stream};
use crate::diagnostic::Diagnostic;
use crate::finding::{Place, SourcePath};
use crate::source::ScanContext;
use crate::source::stream::Buffer;

impl ScanContext<'_> {
    /// Scans what an archive holds. `false` if it cannot be opened.
    pub(in crate::source) fn scan_archive(&self, bytes: &[u8], place: &Place, path: &SourcePath) -> bool {
        let mut visitor = Scanning { context: self, place, buffer: Buffer::new() };
        walk(path.as_bytes(), bytes, &mut visitor)
    }

    /// The same for one that is a file, which is not read into memory.
    pub(in crate::source) fn scan_archive_file(
        &self,
        head: &[u8],
        file: impl Read + Seek,
        place: &Place,
        path: &SourcePath,
    ) -> bool {
        let mut visitor = Scanning { context: self, place, buffer: Buffer::new() };
        walk_file(path.as_bytes(), head, file, &mut visitor)
    }

    /// The same for one that streams by.
    pub(in crate::source) fn scan_archive_stream(
        &self,
        head: &[u8],
        rest: &mut dyn Read,
        place: &Place,
        path: &SourcePath,
    ) -> Opened {
        let mut visitor = Scanning { context: self, place, buffer: Buffer::new() };
        walk_stream(path.as_bytes(), head, rest, &mut visitor)
    }
}

struct Scanning<'a> {
    context: &'a ScanContext<'a>,
    place: &'a Place,
    buffer: Buffer,
}

impl Visitor for Scanning<'_> {
    fn member(&mut self, path: &[u8], content: &[u8]) {
        let path = SourcePath::new(path);
        if !self.context.collector.excluded.has(&path) {
            // Memory cannot fail to be read.
            let _read = self.context.scan_stream(
                content,
                &mut self.buffer,
                |_, _, _| false,
                self.place,
                || path,
                |_| Vec::new(),
            );
        }
    }

    fn file(&mut self, path: &[u8], content: &[u8]) {
        if self.context.detector.looks_for_files() {
            self.context.report_file_of(content, self.place, &SourcePath::new(path));
        }
    }

    fn trouble(&mut self, path: &[u8], reason: &str) {
        let place = SourcePath::new(path).display().into_owned();
        self.context.collector.diagnose(Diagnostic::gap("archive-not-read", place, reason));
    }

    fn goes_on(&self) -> bool {
        !self.context.collector.is_cancelled()
    }
}

/// The content of the member of that path.
pub(in crate::source) fn member(archive: &[u8], bytes: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut looking = Looking { path, content: None };
    walk(archive, bytes, &mut looking);
    looking.content
}

struct Looking<'a> {
    path: &'a [u8],
    content: Option<Vec<u8>>,
}

impl Visitor for Looking<'_> {
    fn member(&mut self, path: &[u8], content: &[u8]) {
        if path == self.path && self.content.is_none() {
            self.content = Some(content.to_vec());
        }
    }

    fn trouble(&mut self, _path: &[u8], _reason: &str) {}

    fn goes_on(&self) -> bool {
        self.content.is_none()
    }
}

/// The path of the outermost archive, if a path is that of a member.
pub(in crate::source) fn outermost(path: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(path, SEPARATOR.as_bytes()).and_then(|end| path.get(..end))
}
