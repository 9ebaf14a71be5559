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
        (candidate.rule.id.clone(), candidate.id.to_string(), span, format!("{:?}", candidate.parts))
    }

    fn piecewise(text: &[u8], reach: usize, size: usize) -> Vec<Told> {
        let (mut found, mut buffer) = (Vec::new(), vec![0; size]);
        let mut search = Search { detector: &DETECTOR, reach, reader: Uneven(text, size), buffer: &mut buffer };
        let mut length = 0;
        let result = search.run(
            |read| {
                length += read;
                true
            },
            |candidate, span| found.push(told(&candidate, span)),
        );
        result.expect("memory can be read");
        assert_eq!(length, text.len() as u64);
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
                    format!(
                        "bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIiwianRpIjoi{}In0.{secret}\n",
                        value(number, size & !3)
                    )
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
