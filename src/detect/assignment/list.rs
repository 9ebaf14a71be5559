//! The further values of a name: of `secret: ["…", "…"]`, of a list in YAML.

use std::ops::Range;

use super::{LONGEST_GAP, Quote};

/// So many values of a list are read.
const MOST_VALUES: usize = 32;

/// How far behind the first value the last may begin.
const LONGEST_LIST: usize = 2000;

/// The values behind the first, if that opens a list.
pub(super) fn others(bytes: &[u8], first: &Range<usize>, quote: Quote) -> Vec<Range<usize>> {
    let end = first.end.saturating_add(LONGEST_LIST).min(bytes.len());
    let Some(text) = bytes.get(..end) else { return Vec::new() };
    match quote {
        Quote::Mark(mark) if opens_list(bytes, first.start) => others_quoted(text, first.end, mark),
        Quote::None if bytes.get(..first.start).is_some_and(|before| before.ends_with(b"- ")) => {
            others_below(text, first.clone())
        }
        _ => Vec::new(),
    }
}

/// Whether a bracket stands before the quotation mark of a value.
fn opens_list(bytes: &[u8], start: usize) -> bool {
    let before = bytes.get(start.saturating_sub(LONGEST_GAP)..start.saturating_sub(1)).unwrap_or_default();
    before.trim_ascii_end().last().is_some_and(|byte| matches!(byte, b'[' | b'{'))
}

fn others_quoted(text: &[u8], first_end: usize, mark: u8) -> Vec<Range<usize>> {
    let mut others = Vec::new();
    let mut position = first_end + 1;
    while others.len() < MOST_VALUES {
        position += blanks(text, position);
        if text.get(position) != Some(&b',') {
            break;
        }
        position += 1;
        position += blanks(text, position);
        if text.get(position) != Some(&mark) {
            break;
        }
        let start = position + 1;
        let Some(length) = text.get(start..).and_then(|rest| rest.iter().position(|byte| *byte == mark)) else { break };
        others.push(start..start + length);
        position = start + length + 1;
    }
    others
}

/// The items below one of YAML, each a word on a line, as far indented.
fn others_below(text: &[u8], first: Range<usize>) -> Vec<Range<usize>> {
    let dash = first.start - 2;
    let indentation = text.get(..dash).unwrap_or_default().iter().rev().take_while(|byte| **byte == b' ').count();
    let mut others = Vec::new();
    let mut position = first.end;
    while others.len() < MOST_VALUES {
        if text.get(position) == Some(&b'\r') {
            position += 1;
        }
        let start = position + 1 + indentation + 2;
        let opener = text.get(position + 1..start).unwrap_or_default();
        let is_item = text.get(position) == Some(&b'\n')
            && opener.ends_with(b"- ")
            && opener.iter().take(indentation).all(|byte| *byte == b' ');
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        if !is_item || length == 0 {
            break;
        }
        others.push(start..start + length);
        position = start + length;
    }
    others
}

fn blanks(text: &[u8], position: usize) -> usize {
    text.get(position..)
        .unwrap_or_default()
        .iter()
        .take(LONGEST_GAP)
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}
