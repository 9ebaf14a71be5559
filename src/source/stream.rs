//! Items of any length in constant memory: a stream is read into one buffer and searched piece by piece.
//!
//! A piece is searched with margins on both sides that hold everything which has a say in what is found ([`Detector::reach`]).
//! Each candidate is taken from the one piece that it begins in, so that the pieces give what the whole would give, with the
//! same lines, columns and offsets.

use std::io::{self, ErrorKind, Read};

use super::ScanContext;
use crate::detect::{Candidate, Detector};
use crate::finding::{Location, Locator, Origin, Place, SourcePath, TextSpan};

/// How much of a stream is held at once, in bytes: so small that it stays in the processor's cache, so large that the margins,
/// which are searched twice, hardly count.
const PIECE: usize = 2 << 20;

/// The memory that streams are read into, one after the other. Its pages are touched only as far as a stream is long.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// No memory yet.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The memory, which is at least of that size.
    fn of_size(&mut self, size: usize) -> &mut [u8] {
        if self.0.len() < size {
            self.0 = vec![0; size];
        }
        &mut self.0
    }
}

impl ScanContext<'_> {
    /// Scans an item that has one place only, to its end. What could be read before an error is scanned.
    pub(super) fn scan_stream(
        &self,
        reader: impl Read,
        buffer: &mut Buffer,
        place: &Place,
        path: impl FnOnce() -> SourcePath,
    ) -> io::Result<()> {
        let (mut path, mut known) = (Some(path), None);
        let collector = self.collector;
        let reach = self.detector.reach();
        // Margins of a quarter on each side leave half of the buffer to make progress with, however large windows are.
        let buffer = buffer.of_size(PIECE.max(reach.saturating_mul(4)));
        let mut search = Search { detector: self.detector, reach, reader, buffer };
        let result = search.run(
            |read| {
                collector.count_bytes(read);
                !collector.is_cancelled()
            },
            |candidate, span| {
                let path = known.get_or_insert_with(|| path.take().map_or_else(SourcePath::default, |path| path()));
                collector.add(candidate, vec![Location { place: place.clone(), path: path.clone(), span }]);
            },
        );
        collector.count_item();
        result
    }
}

/// The search of one stream.
struct Search<'a, R> {
    detector: &'a Detector,
    /// How far from where it begins bytes have a say in a candidate.
    reach: usize,
    reader: R,
    buffer: &'a mut [u8],
}

impl<R: Read> Search<'_, R> {
    /// Hands out every candidate. `goes_on` is told how many bytes were new, between two pieces.
    fn run(
        &mut self,
        mut goes_on: impl FnMut(u64) -> bool,
        mut take: impl FnMut(Candidate, TextSpan),
    ) -> io::Result<()> {
        // The first byte of the buffer within the stream, how much of it is filled, and where the piece begins in it.
        let (mut origin, mut filled, mut begin) = (Origin::START, 0, 0);
        loop {
            let held = filled;
            let (is_last, result) = match self.fill(&mut filled) {
                Ok(is_last) => (is_last, Ok(())),
                Err(error) => (true, Err(error)),
            };
            let bytes = self.buffer.get(..filled).unwrap_or_default();
            let end = if is_last { filled } else { filled.saturating_sub(self.reach) };
            let mut locator = Locator::within(bytes, origin);
            for candidate in self.detector.detect(bytes) {
                let Candidate { span, .. } = &candidate;
                if (begin..end).contains(&span.start) {
                    let span = locator.locate(span.start, span.end);
                    take(candidate, span);
                }
            }
            if !goes_on((filled - held) as u64) || is_last {
                return result;
            }
            let kept = character_boundary(bytes, end.saturating_sub(self.reach));
            origin = origin.behind(bytes.get(..kept).unwrap_or_default());
            self.buffer.copy_within(kept..filled, 0);
            (filled, begin) = (filled - kept, end - kept);
        }
    }

    /// Fills the buffer, and tells whether the stream has come to its end.
    fn fill(&mut self, filled: &mut usize) -> io::Result<bool> {
        while let Some(space @ [_, ..]) = self.buffer.get_mut(*filled..) {
            match self.reader.read(space) {
                Ok(0) => return Ok(true),
                Ok(length) => *filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// The last position at or before `position` where no character of UTF-8 is cut in two, so that columns can be counted from it.
fn character_boundary(bytes: &[u8], position: usize) -> usize {
    let is_inside = |position: usize| bytes.get(position).is_some_and(|byte| byte & 0xC0 == 0x80);
    // A character has three such bytes at most: where there are more, they stand for themselves.
    (0..4).map(|back| position.saturating_sub(back)).find(|position| !is_inside(*position)).unwrap_or(position)
}
