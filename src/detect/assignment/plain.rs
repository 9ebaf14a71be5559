//! Long runs of plain text, within which nothing is assigned.

use super::bytes::ByteSet;

/// So many bytes without white space, quotation mark or delimiter are an encoding of something, or a program without spaces:
/// nothing that stands behind them is a name.
const LONGEST_PLAIN: usize = 1024;

/// Counts the bytes before a position that could belong to one unquoted value. Remembers what it has counted, so that positions
/// that are asked for in ascending order cost no more than the bytes.
#[derive(Default)]
pub(crate) struct PlainRun {
    end: usize,
    length: usize,
}

impl PlainRun {
    /// Whether so much plain text stands before the position that nothing is assigned there.
    pub(crate) fn swallows(&mut self, bytes: &[u8], position: usize) -> bool {
        let least = position.saturating_sub(LONGEST_PLAIN);
        let is_known = (least..=position).contains(&self.end);
        let start = if is_known { self.end } else { least };
        let text = bytes.get(start..position).unwrap_or_default();
        let fresh = text.iter().rev().take_while(|byte| is_plain(**byte)).count();
        let known = if is_known && fresh == text.len() { self.length } else { 0 };
        self.end = position;
        self.length = (fresh + known).min(LONGEST_PLAIN);
        self.length == LONGEST_PLAIN
    }
}

pub(super) fn is_plain(byte: u8) -> bool {
    static ENDS: ByteSet = ByteSet::of(b" \t\n\r\x0c\"'`,;&<>)]}|\\");
    !ENDS.holds(byte)
}
