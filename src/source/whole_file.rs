//! Files that rules look for by their paths alone, from wherever they come.
//!
//! The finding is the file: its id is that of its content, and it stands in all of it. Only files whose paths are looked for are
//! read for it, and nothing is done where no rule looks for any. An empty file has nothing to leak.

use std::io::{self, Read};

use super::ScanContext;
use crate::detect::Candidate;
use crate::finding::{Fingerprinter, Location, Origin, Place, SourcePath, TextSpan};
use crate::rules::own_names;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// What a file is found as, and where: once for each rule that may look for it.
pub(super) type WholeFile = Vec<(Candidate, TextSpan)>;

/// Takes in the content of a file, piece by piece.
pub(super) struct Content {
    fingerprinter: Fingerprinter,
    end: Origin,
}

impl Content {
    /// Takes in the next piece.
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.fingerprinter.add(piece);
        self.end = self.end.behind(piece);
    }
}

/// Reads on, and takes in what it reads.
pub(super) struct TakingIn<R> {
    pub(super) reader: R,
    /// `None` if nothing is to be taken in.
    pub(super) content: Option<Content>,
}

impl<R: Read> Read for TakingIn<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        if let Some(content) = &mut self.content {
            content.add(into.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}

impl ScanContext<'_> {
    /// Whether a rule looks for the file of that path.
    pub(super) fn looks_for_file(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        self.detector.may_look_for_file(name) && self.detector.looks_for_file(own_names(path, self.collector.root()))
    }

    /// The content of a file of which nothing was read yet.
    pub(super) fn new_content(&self) -> Content {
        Content { fingerprinter: self.detector.file_fingerprint(), end: Origin::START }
    }

    /// What a file is found as whose content was taken in.
    pub(super) fn file_of(&self, content: Content) -> WholeFile {
        let Content { fingerprinter, end } = content;
        if end == Origin::START {
            return Vec::new();
        }
        let Origin { line: end_line, column: end_column, byte: byte_end } = end;
        let span = TextSpan { line: 1, column: 1, end_line, end_column, byte_start: 0, byte_end };
        self.detector.files(fingerprinter.finish()).map(|candidate| (candidate, span)).collect()
    }

    /// What a file is found as that is held in memory.
    pub(super) fn whole_file_of(&self, bytes: &[u8]) -> WholeFile {
        let mut content = self.new_content();
        content.add(bytes);
        self.file_of(content)
    }

    /// Reports a file that can be read, if a rule looks for it.
    pub(super) fn report_file(
        &self,
        open: impl FnOnce() -> io::Result<Box<dyn Read>>,
        place: &Place,
        path: &SourcePath,
    ) -> io::Result<()> {
        if !self.looks_for_file(path.as_bytes()) {
            return Ok(());
        }
        let (mut reader, mut content, mut piece) = (open()?, self.new_content(), vec![0; PIECE]);
        while !self.collector.is_cancelled() {
            match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => content.add(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        for (candidate, span) in self.file_of(content) {
            self.collector.add(candidate, vec![Location { place: place.clone(), path: path.clone(), span }]);
        }
        Ok(())
    }

    /// Reports a file that is held in memory, if a rule looks for it.
    pub(super) fn report_file_of(&self, bytes: &[u8], place: &Place, path: &SourcePath) {
        if self.looks_for_file(path.as_bytes()) {
            for (candidate, span) in self.whole_file_of(bytes) {
                self.collector.add(candidate, vec![Location { place: place.clone(), path: path.clone(), span }]);
            }
        }
    }
}
