//! Items of any length in constant memory: a stream is read into one buffer and searched piece by piece.
//!
//! A piece is searched with margins on both sides that hold everything which has a say in what is found ([`Detector::reach`]).
//! Each candidate is taken from the one piece that it begins in, so that the pieces give what the whole would give, with the
//! same lines, columns and offsets.

use std::cell::LazyCell;
use std::io::{self, ErrorKind, Read};

use super::ScanContext;
use crate::detect::{Candidate, Detector};
use crate::diagnostic::Diagnostic;
use crate::finding::{self, Location, Locator, Origin, Place, SourcePath, TextSpan};

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

/// A part of a stream that is searched on its own.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// How many bytes are read before the part begins: those that have a say in what stands at its start.
    pub(super) lead: usize,
    /// How long the part is.
    pub(super) length: u64,
}

impl Part {
    /// All of a stream, however long it is.
    pub(super) const WHOLE: Self = Self { lead: 0, length: u64::MAX };
}

/// What a part of a stream holds.
pub(super) struct Searched {
    /// What was found, with places that are told as if the stream began with the part.
    pub(super) found: Vec<(Candidate, TextSpan)>,
    /// The place behind the part, told likewise.
    pub(super) behind: Origin,
    /// Whether all of it could be read.
    pub(super) result: io::Result<()>,
}

impl ScanContext<'_> {
    /// Scans an item that has one place only, to its end. What could be read before an error is scanned.
    ///
    /// The stream is left alone if `takes_over`, which is told its beginning and whether that is all of it, says that it is scanned
    /// otherwise; only then may it have read from what follows the beginning. `elsewhere` tells what belongs to a candidate and stands in other items.
    pub(super) fn scan_stream<R: Read>(
        &self,
        reader: R,
        buffer: &mut Buffer,
        takes_over: impl FnOnce(&[u8], bool, &mut R) -> bool,
        place: &Place,
        path: impl FnOnce() -> SourcePath,
        elsewhere: impl Fn(&Candidate) -> Vec<finding::Part>,
    ) -> io::Result<()> {
        let path = LazyCell::new(path);
        let mut search = self.search(reader, buffer);
        let has_ended = search.fill();
        if search.is_taken_over(takes_over, has_ended) {
            return Ok(());
        }
        let take = |candidate: Candidate, span| {
            let parts = elsewhere(&candidate);
            let location = Location { place: place.clone(), path: path.clone(), span };
            self.collector.add_with(candidate, vec![location], parts);
        };
        search.unused_marks = (self.tells_unused_marks && *place == Place::File).then(Vec::new);
        let (_, result) = search.run(Part::WHOLE, |read| self.goes_on(read), take);
        for line in search.unused_marks.into_iter().flatten() {
            let reason = "the comment `rescind:allow` allows nothing: no secret is found beside it";
            self.collector.diagnose(Diagnostic::note(
                "unused-allow-comment",
                format!("{}:{line}", path.display()),
                reason,
            ));
        }
        self.collector.count_item();
        result
    }

    /// Searches a part of an item, and leaves it to the caller to count the item and to collect what was found. The reader must
    /// stand where the part's lead begins, and have more than the part.
    pub(super) fn search_part(&self, reader: impl Read, buffer: &mut Buffer, part: Part) -> Searched {
        let mut found = Vec::new();
        let take = |candidate, span| found.push((candidate, span));
        let needed = (part.lead.saturating_add(self.detector.reach()) as u64).saturating_add(part.length);
        let (behind, result) = self.search(reader.take(needed), buffer).run(part, |read| self.goes_on(read), take);
        Searched { found, behind, result }
    }

    fn search<'b, R: Read>(&'b self, reader: R, buffer: &'b mut Buffer) -> Search<'b, R> {
        let reach = self.detector.reach();
        // Margins of a quarter on each side leave half of the buffer to make progress with, however large windows are.
        let buffer = buffer.of_size(PIECE.max(reach.saturating_mul(4)));
        Search { detector: self.detector, reach, reader, buffer, filled: 0, end: None, unused_marks: None }
    }

    fn goes_on(&self, read: u64) -> bool {
        self.collector.count_bytes(read);
        !self.collector.is_cancelled()
    }
}

/// The search of one stream.
struct Search<'a, R> {
    detector: &'a Detector,
    /// How far from where it begins bytes have a say in a candidate.
    reach: usize,
    reader: R,
    buffer: &'a mut [u8],
    /// How much of the buffer is filled.
    filled: usize,
    /// How the stream came to its end, if it has.
    end: Option<io::Result<()>>,
    /// The lines of our comments that allow nothing, if anybody wants to know.
    unused_marks: Option<Vec<u32>>,
}

impl<R: Read> Search<'_, R> {
    /// Hands out every candidate that begins in the part. `goes_on` is told how many bytes were searched, after each piece.
    fn run(
        &mut self,
        part: Part,
        mut goes_on: impl FnMut(u64) -> bool,
        mut take: impl FnMut(Candidate, TextSpan),
    ) -> (Origin, io::Result<()>) {
        self.fill();
        // The piece begins at `begin`; `origin` is the place of what stands at `counted`; the part ends at `part_end`.
        let mut begin = character_boundary(self.bytes(), part.lead);
        let (mut origin, mut counted) = (Origin::START, begin);
        let mut part_end = part.length.saturating_add(part.lead as u64);
        loop {
            let has_ended = self.fill();
            let bytes = self.bytes();
            let searched = if has_ended { bytes.len() } else { bytes.len().saturating_sub(self.reach) };
            let (end, is_last) = match usize::try_from(part_end) {
                // Neighbours see the same bytes around their seam, and so they put it at the same place.
                Ok(part_end) if part_end <= searched => (character_boundary(bytes, part_end), true),
                _ => (searched, has_ended),
            };
            let mut locator = Locator::within(bytes.get(counted..).unwrap_or_default(), origin);
            let trace = self.detector.trace(bytes);
            let found = self.detector.judge(bytes, &trace);
            let mut unused = Vec::new();
            // One piece that is full of them is enough.
            if self.unused_marks.as_ref().is_some_and(|all| all.len() < 100) {
                unused = self.detector.unused_marks(&trace, bytes, &found);
                unused.retain(|mark| (begin..end).contains(&mark.start));
            }
            for candidate in found {
                let span = candidate.span.clone();
                if (begin..end).contains(&span.start) {
                    let span = locator.locate(span.start - counted, span.end - counted);
                    take(candidate, span);
                }
            }
            let lines: Vec<u32> =
                unused.iter().map(|mark| locator.locate(mark.start - counted, mark.end - counted).line).collect();
            let kept = if is_last { end } else { character_boundary(bytes, end.saturating_sub(self.reach)) };
            origin = origin.behind(bytes.get(counted..kept).unwrap_or_default());
            self.unused_marks.iter_mut().for_each(|all| all.extend(&lines));
            if !goes_on(end.saturating_sub(begin) as u64) || is_last {
                return (origin, self.end.take().unwrap_or(Ok(())));
            }
            self.buffer.copy_within(kept..self.filled, 0);
            self.filled -= kept;
            part_end = part_end.saturating_sub(kept as u64);
            (begin, counted) = (end - kept, 0);
        }
    }

    /// Whether somebody else scans the stream, who is told what was read of it.
    fn is_taken_over(&mut self, takes_over: impl FnOnce(&[u8], bool, &mut R) -> bool, has_ended: bool) -> bool {
        let read = self.buffer.get(..self.filled).unwrap_or_default();
        takes_over(read, has_ended, &mut self.reader)
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Fills the buffer as far as the stream goes, and tells whether it has come to its end.
    fn fill(&mut self) -> bool {
        while self.end.is_none() {
            let Some(space @ [_, ..]) = self.buffer.get_mut(self.filled..) else { break };
            match self.reader.read(space) {
                Ok(0) => self.end = Some(Ok(())),
                Ok(length) => self.filled += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.end = Some(Err(error)),
            }
        }
        self.end.is_some()
    }
}

/// The last position at or before `position` where no character of UTF-8 is cut in two, so that columns can be counted from it.
fn character_boundary(bytes: &[u8], position: usize) -> usize {
    let is_inside = |position: usize| bytes.get(position).is_some_and(|byte| byte & 0xC0 == 0x80);
    // A character has three such bytes at most: where there are more, they stand for themselves.
    (0..4).map(|back| position.saturating_sub(back)).find(|position| !is_inside(*position)).unwrap_or(position)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::finding::FingerprintKey;
    use crate::rules::RuleSet;

    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
        let rules = RuleSet::load(&[]).expect("the rules of the binary");
        Detector::new(Arc::new(rules), FingerprintKey::default())
    });

    /// Yields what it holds in small and uneven pieces.
    struct Uneven<'a>(&'a [u8], usize);

    impl Read for Uneven<'_> {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 * 7 % 65_537 + 1;
            let most = space.len().min(self.1);
            self.0.read(&mut space[..most])
        }
    }

    /// All that tells one candidate from another.
    type Told = (String, String, TextSpan, String);

    fn told(candidate: &Candidate, span: TextSpan) -> Told {
        (candidate.rule.id.clone(), candidate.id.to_string(), span, format!("{:?}", candidate.companions))
    }

    fn search<'a>(text: &'a [u8], reach: usize, buffer: &'a mut [u8]) -> Search<'a, Uneven<'a>> {
        let reader = Uneven(text, buffer.len());
        Search { detector: &DETECTOR, reach, reader, buffer, filled: 0, end: None, unused_marks: None }
    }

    fn piecewise(text: &[u8], reach: usize, size: usize) -> Vec<Told> {
        let (mut found, mut buffer, mut length) = (Vec::new(), vec![0; size], 0);
        let goes_on = |read| {
            length += read;
            true
        };
        let take = |candidate: Candidate, span| found.push(told(&candidate, span));
        let (behind, result) = search(text, reach, &mut buffer).run(Part::WHOLE, goes_on, take);
        result.expect("memory can be read");
        assert_eq!((length, behind), (text.len() as u64, Origin::START.behind(text)));
        found
    }

    /// As several threads search it.
    fn partwise(text: &[u8], size: usize) -> Vec<Told> {
        let reach = DETECTOR.reach();
        let (mut found, mut origin, mut buffer) = (Vec::new(), Origin::START, vec![0; reach * 4]);
        for begin in (0..text.len()).step_by(size) {
            let lead = begin.min(reach);
            let length = if begin + size < text.len() { size as u64 } else { u64::MAX };
            let mut search = search(&text[begin - lead..], reach, &mut buffer);
            let take = |candidate: Candidate, span| found.push(told(&candidate, origin.moved_span(span)));
            let (behind, result) = search.run(Part { lead, length }, |_| true, take);
            result.expect("memory can be read");
            origin = origin.moved(behind);
        }
        assert_eq!(origin, Origin::START.behind(text));
        found
    }

    fn whole(text: &[u8]) -> Vec<Told> {
        let mut locator = Locator::new(text);
        let candidates = DETECTOR.detect(text);
        candidates.iter().map(|it| told(it, locator.locate(it.span.start, it.span.end))).collect()
    }

    /// Text that looks random to a reader of secrets, and is the same in each run.
    fn value(number: u64, length: usize) -> String {
        let mut state = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let index = usize::try_from(state >> 33).expect("31 bits") % 62;
            char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[index])
        };
        (0..length).map(|_| next()).collect()
    }

    /// One piece of text: filling, or something that holds a secret or nearly does.
    fn passage() -> impl Strategy<Value = Vec<u8>> {
        let filling =
            (0_usize..30_000, prop::sample::select(vec!["x = y + 1;\n", "ä😀 ", "no line break at all ", "\u{1}\n"]))
                .prop_map(|(length, text)| text.repeat(length / text.len()).into_bytes());
        let leak = (any::<u64>(), 0_usize..7).prop_map(|(number, kind)| {
            let secret = value(number, 40);
            match kind {
                0 => format!("CLIENT_ID=shop-{}\nCLIENT_SECRET={secret}\n", number % 9),
                1 => format!("{{\"client_id\": \"portal-{number}\", \"client_secret\": \"{secret}\"}}"),
                2 => format!("password = \"{secret}\" token='{}' ", value(number / 2, 32)),
                3 => {
                    let body: Vec<String> = (0..number % 200).map(|line| value(number ^ line, 64)).collect();
                    let label = "RSA PRIVATE KEY";
                    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", body.join("\n"))
                }
                4 => {
                    let size = usize::try_from(number % 9_000).expect("small");
                    let (header, claims) = ("eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJhIiwianRpIjoi");
                    format!("bearer {header}.{claims}{}In0.{secret}\n", value(number, size & !3))
                }
                5 => format!("secret={}", value(number, usize::try_from(number % 6_000).expect("small"))),
                _ => format!("token {secret} key \\n refresh_token: {} # ", value(number, 30)),
            }
            .into_bytes()
        });
        let noise = prop::collection::vec(any::<u8>(), 0..400);
        prop_oneof![3 => filling, 5 => leak, 1 => noise]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn pieces_give_what_the_whole_gives(passages in prop::collection::vec(passage(), 1..24), extra in 4_usize..20_000) {
            let text = passages.concat();
            let reach = DETECTOR.reach();
            prop_assert_eq!(piecewise(&text, reach, reach * 2 + extra), whole(&text));
        }

        #[test]
        fn parts_give_what_the_whole_gives(passages in prop::collection::vec(passage(), 1..24), size in 1_000_usize..200_000) {
            let text = passages.concat();
            prop_assert_eq!(partwise(&text, size), whole(&text));
        }
    }

    #[test]
    fn secrets_at_every_place_around_a_seam_are_found_once() {
        let secret = format!("CLIENT_ID=shop\nCLIENT_SECRET={}\n", value(5, 40));
        let size = DETECTOR.reach() * 3;
        // The first piece ends where the last margin of the buffer begins.
        let seam = size - DETECTOR.reach();
        for place in (seam - secret.len()..seam + 2).chain([size - 20, size, seam - DETECTOR.reach()]) {
            let mut text = "é\n".repeat(place / 3).into_bytes();
            text.resize(place, b'\n');
            text.extend_from_slice(secret.as_bytes());
            text.resize(size * 2, b' ');
            let found = piecewise(&text, DETECTOR.reach(), size);
            assert_eq!(found.len(), 1, "{place}");
            assert_eq!(found, whole(&text), "{place}");
        }
    }

    #[test]
    fn characters_are_not_cut() {
        let text = "aé😀b".as_bytes();
        let found: Vec<usize> = (0..=text.len()).map(|position| character_boundary(text, position)).collect();
        assert_eq!(found, [0, 1, 1, 3, 3, 3, 3, 7, 8]);
        assert_eq!(character_boundary(&[0x80; 9], 6), 6);
    }
}
