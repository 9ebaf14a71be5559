//! A piece of encoded text around an anchor, decoded, and where each of its bytes stands.

use std::ops::Range;

use super::anchors::Coding;

/// How many encoded characters are read on either side of an anchor.
pub(super) const LONGEST: usize = 6 * 1024;

/// How many of them a second anchor may do without.
const MARGIN: usize = 1024;

/// How many are read behind an anchor that begins a compressed stream.
const LONGEST_STREAM: usize = 1024 * 1024;

/// Text of fewer characters holds nothing.
const SHORTEST: usize = 24;

/// Lines that go on in the next are at least so long.
const SHORTEST_LINE: usize = 16;

/// How much white space may stand before the rest of a text that is broken into lines.
const INDENTATION: usize = 40;

/// A decoded piece.
pub(super) struct Run {
    /// What was decoded.
    pub(super) text: Vec<u8>,
    /// Where each encoded character stands, from the first that was decoded on.
    places: Vec<usize>,
    coding: Coding,
}

impl Run {
    /// What need not be decoded again.
    pub(super) fn covered(&self) -> Range<usize> {
        let last = self.places.len().saturating_sub(1);
        let is_cut = matches!(self.coding, Coding::Base64(_) | Coding::Hex) && self.places.len() > LONGEST;
        let end = if is_cut { last.saturating_sub(MARGIN) } else { last };
        self.place(0)..self.place(end) + 1
    }

    /// All of it.
    pub(super) fn whole(&self) -> Range<usize> {
        self.place(0)..self.place(self.places.len().saturating_sub(1)) + 1
    }

    /// Where the characters stand that some of the decoded bytes are made of.
    pub(super) fn place_of(&self, span: &Range<usize>) -> Range<usize> {
        let last = span.end.saturating_sub(1);
        match self.coding {
            Coding::Hex => self.place(span.start * 2)..self.place(last * 2 + 1) + 1,
            Coding::Base64(_) | Coding::Gzip => {
                let first = |byte: usize| byte / 3 * 4 + byte % 3;
                self.place(first(span.start))..self.place(first(last) + 1) + 1
            }
        }
    }

    fn place(&self, character: usize) -> usize {
        self.places.get(character).or(self.places.last()).copied().unwrap_or_default()
    }
}

/// Decodes what stands around an anchor. `None` if it is too little.
pub(super) fn around(bytes: &[u8], anchor: Range<usize>, coding: Coding) -> Option<Run> {
    let (before, after) = match coding {
        Coding::Gzip => (0, LONGEST_STREAM),
        Coding::Base64(_) | Coding::Hex => (LONGEST, LONGEST),
    };
    let mut places = backwards(bytes, anchor.start, before, coding);
    places.reverse();
    let index = places.len();
    places.extend(forwards(bytes, anchor.start, after, coding));
    if places.len() < SHORTEST {
        return None;
    }
    let group = if coding == Coding::Hex { 2 } else { 4 };
    let skip = if let Coding::Base64(skip) = coding { usize::from(skip) } else { 0 };
    // Groups are counted from the anchor: what stands before the text may look like a part of it.
    let first = (index + group - skip % group) % group;
    let places = places.split_off(first);
    let digits = places.iter().filter_map(|place| digit(*bytes.get(*place)?, coding));
    let text = if coding == Coding::Hex { joined(digits, 4) } else { joined(digits, 6) };
    Some(Run { text, places, coding })
}

/// Whether so much of the encoding stands around an anchor that it can be text in it. Looks at [`SHORTEST`] bytes on either side.
pub(super) fn is_among_its_like(bytes: &[u8], anchor: Range<usize>, coding: Coding) -> bool {
    let is_digit = |byte: &&u8| digit(**byte, coding).is_some();
    let after =
        bytes.get(anchor.start..).unwrap_or_default().iter().take(anchor.len() + SHORTEST).take_while(is_digit).count();
    let before = bytes.get(..anchor.start).unwrap_or_default().iter().rev().take(SHORTEST).take_while(is_digit).count();
    // The end of a line may cut it short on either side.
    before + after >= SHORTEST || before + after >= anchor.len() + SHORTEST_LINE / 2
}

/// Whole bytes out of digits of so many bits.
fn joined(digits: impl Iterator<Item = u8>, bits: u32) -> Vec<u8> {
    let mut text = Vec::new();
    let (mut held, mut count) = (0_u32, 0);
    for digit in digits {
        held = held << bits | u32::from(digit);
        count += bits;
        if count >= 8 {
            count -= 8;
            text.push((held >> count & 0xff) as u8);
        }
    }
    text
}

fn digit(byte: u8, coding: Coding) -> Option<u8> {
    match (coding, byte) {
        (Coding::Hex, b'0'..=b'9') => Some(byte - b'0'),
        (Coding::Hex, b'a'..=b'f' | b'A'..=b'F') => Some((byte | 0x20) - b'a' + 10),
        (Coding::Hex, _) => None,
        (_, b'A'..=b'Z') => Some(byte - b'A'),
        (_, b'a'..=b'z') => Some(byte - b'a' + 26),
        (_, b'0'..=b'9') => Some(byte - b'0' + 52),
        (_, b'+' | b'-') => Some(62),
        (_, b'/' | b'_') => Some(63),
        _ => None,
    }
}

/// The places of the characters from `start` on, over the ends of lines.
fn forwards(bytes: &[u8], start: usize, most: usize, coding: Coding) -> Vec<usize> {
    let mut places = Vec::new();
    let (mut position, mut line) = (start, 0);
    while places.len() < most {
        match bytes.get(position) {
            Some(byte) if digit(*byte, coding).is_some() => {
                places.push(position);
                position += 1;
                line += 1;
            }
            // A line may have begun before the anchor: the first may be short.
            Some(_) if line >= SHORTEST_LINE || places.len() == line => {
                let rest = bytes.get(position..).unwrap_or_default();
                let Some(gap) = line_break(rest).filter(|gap| begins_line(rest.get(*gap..), coding)) else { break };
                position += gap;
                line = 0;
            }
            _ => break,
        }
    }
    places
}

/// The places of the characters before `start`, over the ends of lines, the last one first.
fn backwards(bytes: &[u8], start: usize, most: usize, coding: Coding) -> Vec<usize> {
    let mut places = Vec::new();
    let mut position = start;
    while places.len() < most {
        let Some(byte) = position.checked_sub(1).and_then(|before| bytes.get(before)) else { break };
        if digit(*byte, coding).is_some() {
            position -= 1;
            places.push(position);
            continue;
        }
        let before = bytes.get(position.saturating_sub(INDENTATION + 2)..position).unwrap_or_default();
        let indentation = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let trimmed = before.get(..before.len() - indentation).unwrap_or_default();
        let width = [&b"\r\n"[..], b"\n", b"\\n"].iter().find(|end| trimmed.ends_with(end)).map(|end| end.len());
        let Some(end) = width.and_then(|width| position.checked_sub(indentation + width)) else { break };
        let line = bytes.get(end.saturating_sub(SHORTEST_LINE)..end).unwrap_or_default();
        if line.len() < SHORTEST_LINE || !line.iter().all(|byte| digit(*byte, coding).is_some()) {
            break;
        }
        position = end;
    }
    places
}

/// Length of the end of a line, written out or not, and of the indentation behind it.
fn line_break(rest: &[u8]) -> Option<usize> {
    let end = [&b"\r\n"[..], b"\n", b"\\n"].iter().find(|end| rest.starts_with(end))?.len();
    let indentation = rest.get(end..)?.iter().take(INDENTATION).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(end + indentation)
}

/// Whether a line goes on with the text: enough of it, or all of it.
fn begins_line(line: Option<&[u8]>, coding: Coding) -> bool {
    let line = line.unwrap_or_default();
    let length = line.iter().take(SHORTEST_LINE).take_while(|byte| digit(**byte, coding).is_some()).count();
    length == SHORTEST_LINE
        || (length > 0 && matches!(line.get(length), None | Some(b'=' | b'\n' | b'\r' | b'"' | b'\\')))
}
