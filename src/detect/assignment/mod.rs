//! Assignments: the one detector for the words too common for patterns (`secret`, `token`, `password`, `key`).
//!
//! Around such a word it reads the whole name, then whatever assigns in the languages and formats people keep secrets in,
//! then the value. It understands the form only; whether the value is a credential is for the rules and filters.

mod bytes;
mod columns;
mod cursor;
mod data;
mod fallback;
mod form;
mod list;
mod markup;
mod notation;
mod plain;
mod program;
mod value;

use std::ops::Range;

use super::key::{self, Key};
use crate::rules::Window;
use bytes::ByteSet;
use cursor::Cursor;
use form::Form;
use notation::Notation;
use value::{value, value_before};

pub(crate) use plain::PlainRun;

/// The longest name of a setting that is read.
const LONGEST_KEY: usize = 160;

/// The most backslashes before a quotation mark: text quoted four times over.
const DEEPEST_QUOTE: usize = 15;

/// The most white space that may stand between a key and its value.
const LONGEST_GAP: usize = 64;

/// How far into a block its default is looked for, and how long a word may be.
const LONGEST_BLOCK: usize = 512;

/// The longest name of what stands between a name and its value.
const LONGEST_LABEL: usize = 32;

/// A name and the value assigned to it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Where the name stands.
    pub(crate) key_span: Range<usize>,
    /// As `key_span`, and in prose also the word before it.
    words: Range<usize>,
    /// Where the value stands, without quotes.
    pub(crate) span: Range<usize>,
    /// What delimits the value.
    pub(crate) quote: Quote,
    /// Whether it cannot be a name or an expression of a program.
    pub(crate) is_literal: bool,
    /// Whether it is a parameter of a URL or form.
    pub(crate) is_parameter: bool,
    /// Further values of the same name: the rest of a list, or of a column.
    others: Vec<(Range<usize>, Quote)>,
}

impl Assignment {
    /// The words of the name, given the bytes that it was read from.
    pub(crate) fn key(&self, bytes: &[u8]) -> Key {
        Key::parse(bytes.get(self.words.clone()).unwrap_or_default())
    }

    /// An assignment for each value.
    pub(crate) fn each(mut self) -> impl Iterator<Item = Self> {
        let others = std::mem::take(&mut self.others);
        let first = self.clone();
        let others = others.into_iter().map(move |(span, quote)| Self { span, quote, ..first.clone() });
        std::iter::once(self).chain(others)
    }
}

/// What delimits a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// White space or punctuation.
    None,
    /// A quotation mark.
    Mark(u8),
    /// A quotation mark behind a backslash: text within quoted text.
    Escaped(u8),
}

/// How far around a word anything that [`at`] reads may stand: before it the name and a pair's value before that, behind it
/// the name, what assigns, and the value.
pub(crate) const REACH: Window = Window { before: 1200, after: 5120 };

/// A name that a word belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Where the name stands.
    pub(crate) span: Range<usize>,
    /// As `span`, and in prose also the word before it: headings write `Client Secret: …`.
    pub(crate) words: Range<usize>,
    /// Every byte that decided how far the name reaches.
    pub(crate) read: Range<usize>,
    /// Where the reading goes on: behind the quotation marks and brackets that close the name.
    end: usize,
    is_quoted: bool,
}

/// Reads the name that the word at `word` belongs to.
pub(crate) fn name(bytes: &[u8], word: Range<usize>) -> Name {
    let untrimmed = name_around(bytes, &word);
    let span = trimmed(bytes, untrimmed.clone(), &word);
    let mut read = untrimmed.start.saturating_sub(2)..untrimmed.end + 1;
    let mut cursor = Cursor { bytes, position: span.end };
    let is_quoted = cursor.skip_closers() || (is_subscript(bytes, &span) && cursor.eat(b"}"));
    let mut words = span.clone();
    let is_prose = preceding(bytes, span.start) == Some(b' ');
    if is_prose && key::is_one_word(bytes.get(span.clone()).unwrap_or_default()) {
        read.end = read.end.max(cursor.position + DEEPEST_QUOTE + 2);
        if !is_quoted {
            words.start = name_before(bytes, span.start);
            read.start = words.start.saturating_sub(1);
        }
    }
    Name { span, words, read, end: cursor.position, is_quoted }
}

/// Reads the assignment to the name that the word at `word` belongs to.
pub(crate) fn at(bytes: &[u8], word: Range<usize>) -> Option<Assignment> {
    assigned(bytes, &name(bytes, word))
}

/// Whether something may be assigned to a name, as the first character behind it tells: in programs, mostly nothing is. Also gives
/// the end of what was read to tell.
pub(crate) fn may_assign(bytes: &[u8], name: &Name) -> (bool, usize) {
    let rest = bytes.get(name.end..).unwrap_or_default();
    let blanks = rest.iter().take(LONGEST_GAP).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut read = blanks + 2;
    let may_assign = name.is_quoted
        || match rest.get(blanks) {
            Some(b'{') => {
                let inner = rest.get(blanks + 1..).unwrap_or_default();
                let gap = inner.iter().take(LONGEST_GAP).take_while(|byte| **byte == b' ').count();
                read += gap + 3;
                // A property of C#, or text that C++ makes something from.
                inner.get(gap..).unwrap_or_default().starts_with(b"get") || (blanks == 0 && inner.starts_with(b"\""))
            }
            Some(b'.' | b';' | b']' | b'}' | b'!' | b'+' | b'/' | b'^' | b'#' | b'~') => false,
            Some(b'@') => rest.get(blanks + 1) == Some(&b'"'),
            Some(b':') => rest.get(blanks + 1) != Some(&b':'),
            // What follows a list of columns.
            Some(b')') => {
                let after = rest.get(blanks + 1..).unwrap_or_default();
                let gap = after.iter().take(LONGEST_GAP).take_while(|byte| byte.is_ascii_whitespace()).count();
                read += gap;
                gap < LONGEST_GAP && after.get(gap).is_some_and(|byte| matches!(byte | 0x20, b'v' | b'f'))
            }
            _ => true,
        };
    (may_assign, name.end + read)
}

/// Reads what is assigned to a name.
pub(crate) fn assigned(bytes: &[u8], name: &Name) -> Option<Assignment> {
    if !may_assign(bytes, name).0 {
        return None;
    }
    let mut cursor = Cursor { bytes, position: name.end };
    let form = Form::read(&mut cursor, name);
    let enclosing = preceding(bytes, name.span.start).filter(|mark| !name.is_quoted && matches!(mark, b'"' | b'\''));
    let read = form.and_then(|form| value(&mut cursor, form, enclosing));
    let read = read.or_else(|| if name.is_quoted { value_before(bytes, name.span.start) } else { None });
    let ((span, quote), others) = if let Some((span, quote)) = read {
        let others = list::others(bytes, &span, quote).into_iter().map(|other| (other, quote)).collect();
        ((span, quote), others)
    } else {
        let mut column = columns::values(bytes, name.span.clone()).into_iter();
        (column.next()?, column.collect())
    };
    let is_parameter = matches!(form, Some(Form::Parameter | Form::Noted(Notation::Percent)));
    let is_noted = matches!(form, Some(Form::Noted(_)));
    let is_literal = (quote != Quote::None || is_noted) && form != Some(Form::Argument);
    let (key_span, words) = (name.span.clone(), name.words.clone());
    Some(Assignment { key_span, words, span, quote, is_literal, is_parameter, others })
}

/// The name that a value is assigned to, read from the value backwards on its line.
pub(crate) fn key_before(bytes: &[u8], value_start: usize) -> Option<Key> {
    let line = line_start(bytes, value_start);
    let end = line.iter().rposition(|byte| !b" \t\"'`=:>,([{\\".contains(byte))? + 1;
    let start = line.get(..end)?.iter().rposition(|byte| !is_name(*byte)).map_or(0, |index| index + 1);
    let operator = line.get(end..)?;
    let assigns = operator.iter().any(|byte| b"=:>,(".contains(byte));
    (assigns && start < end).then(|| Key::parse(line.get(start..end).unwrap_or_default()))
}

fn is_name(byte: u8) -> bool {
    static NAME: ByteSet = ByteSet::of_alphanumeric_and(b"_-.");
    NAME.holds(byte)
}

fn name_around(bytes: &[u8], word: &Range<usize>) -> Range<usize> {
    let left = bytes.get(..word.start).unwrap_or_default();
    let left = left.iter().rev().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    let right = bytes.get(word.end..).unwrap_or_default();
    let right = right.iter().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    word.start - left..word.end + right
}

fn trimmed(bytes: &[u8], mut span: Range<usize>, word: &Range<usize>) -> Range<usize> {
    // The end of a mark in a notation stands before the name: `%22name`, `\u0022name`.
    let written = match (preceding(bytes, span.start), bytes.get(span.start)) {
        (Some(b'%'), _) => 2,
        (Some(b'\\'), Some(b'u')) => 5,
        (Some(b'\\'), Some(b'x')) => 3,
        // The end of a line in quoted text.
        (Some(b'\\'), Some(b'n' | b'r' | b't')) => 1,
        _ => 0,
    };
    let is_mark = || written == 1 || bytes.get(span.start - 1..).and_then(notation::mark).is_some();
    if written > 0 && span.start + written <= word.start && is_mark() {
        span.start += written;
    }
    // The dashes of a flag and the arrow of `secret->value` are not part of the name.
    while span.start < word.start && matches!(bytes.get(span.start), Some(b'-' | b'.')) {
        span.start += 1;
    }
    while span.end > word.end && matches!(bytes.get(span.end - 1), Some(b'-' | b'.')) {
        span.end -= 1;
    }
    span
}

/// Whether what ends here is itself a key of JSON.
fn is_key(bytes: &[u8], end: usize) -> bool {
    let after = bytes.get(end..).unwrap_or_default();
    let quote = after.iter().take(DEEPEST_QUOTE).take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'')).count();
    let rest = after.get(quote..).unwrap_or_default();
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    quote > 0 && rest.get(blanks) == Some(&b':')
}

/// Whether a name stands in braces behind the name of a table, as in Perl: `$ENV{NAME}`.
fn is_subscript(bytes: &[u8], span: &Range<usize>) -> bool {
    let table = span.start.checked_sub(2).and_then(|index| bytes.get(index));
    preceding(bytes, span.start) == Some(b'{')
        && table.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'>')
}

/// The start of the word that stands one space before the name.
fn name_before(bytes: &[u8], start: usize) -> usize {
    let left = bytes.get(..start.saturating_sub(1)).unwrap_or_default();
    let length = left.iter().rev().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    start.saturating_sub(1 + length)
}

fn preceding(bytes: &[u8], position: usize) -> Option<u8> {
    position.checked_sub(1).and_then(|index| bytes.get(index)).copied()
}

/// What stands between the start of the line and the name, as far as a name may be long.
fn line_start(bytes: &[u8], position: usize) -> &[u8] {
    let left = bytes.get(position.saturating_sub(LONGEST_KEY)..position).unwrap_or_default();
    let start = memchr::memrchr(b'\n', left).map_or(0, |newline| newline + 1);
    left.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
