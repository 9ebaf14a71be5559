//! Values: where they begin and end, once it is known how they are written.

use std::ops::Range;

use super::cursor::Cursor;
use super::form::Form;
use super::markup;
use super::notation::{self, Notation};
use super::plain::is_plain;
use super::{DEEPEST_QUOTE, LONGEST_GAP, Quote, is_key};

/// The longest value that is read.
pub(super) const LONGEST_VALUE: usize = 4 * 1024;

/// The shortest value that is told from the words before it.
const SHORTEST_LABELLED: usize = 16;

/// How far before a name its value is looked for.
const LONGEST_PAIR: usize = 1024;

/// Reads the value that the cursor stands at. `enclosing` is the quotation mark that name and value stand behind, if any.
pub(super) fn value(cursor: &mut Cursor<'_>, form: Form, enclosing: Option<u8>) -> Option<(Range<usize>, Quote)> {
    if matches!(form, Form::Plain | Form::Yaml) {
        cursor.skip_to_nested_value();
    }
    if form == Form::Yaml {
        cursor.skip_properties();
        cursor.skip_to_block_scalar();
    }
    if matches!(form, Form::Plain | Form::Quoted | Form::Argument | Form::Yaml) && cursor.peek() == Some(b'\n') {
        // Long values stand on the line below, or on several as a list.
        cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
        cursor.eat(b"- ");
        if !matches!(cursor.peek(), Some(b'"' | b'\'')) && !cursor.is_at_lone_word() {
            return None;
        }
    }
    if !matches!(form, Form::Parameter | Form::Element | Form::Noted(_)) {
        cursor.skip_wrappers();
        if matches!(form, Form::Plain | Form::Quoted | Form::Yaml) {
            cursor.skip_list_opener();
        }
        let is_fallback = matches!(form, Form::Plain | Form::Line | Form::Yaml) && cursor.skip_to_fallback();
        let escapes = cursor.backslashes_before_quote();
        let found = match cursor.peek_at(escapes)? {
            mark @ (b'"' | b'\'' | b'`') if escapes == 0 => {
                Some(quoted(cursor, Quote::Mark(mark), 1).map(|found| unwrapped(cursor.bytes, found)))
            }
            mark @ (b'"' | b'\'') => Some(quoted(cursor, Quote::Escaped(mark), escapes + 1)),
            b'[' if cursor.eat(b"[[") => Some(bracketed(cursor, b"]]")),
            b'q' if cursor.eat(b"q{") || cursor.eat(b"qq{") => Some(bracketed(cursor, b"}")),
            b'q' if cursor.eat(b"q(") => Some(bracketed(cursor, b")")),
            b'%' if cursor.eat(b"%q(") || cursor.eat(b"%Q(") || cursor.eat(b"%(") => Some(bracketed(cursor, b")")),
            b'%' if cursor.eat(b"%q{") || cursor.eat(b"%Q{") => Some(bracketed(cursor, b"}")),
            _ => None,
        };
        if let Some(found) = found {
            // The other side of a condition stands behind a colon as well.
            return found.filter(|(span, _)| is_fallback || !is_key(cursor.bytes, span.end));
        }
    }
    let start = cursor.position;
    let rest = cursor.rest();
    let rest = rest.get(..LONGEST_VALUE).unwrap_or(rest);
    let rest = enclosing.map_or(rest, |mark| line_within(rest, mark));
    let length = match form {
        Form::Quoted | Form::Argument => return None,
        Form::Noted(notation) => {
            let length = notation::value_length(rest);
            // Escapes are undone as in a quoted text; nobody writes a credential with entities.
            let quote = if notation == Notation::Escape { Quote::Escaped(b'"') } else { Quote::None };
            return (length > 0).then_some((start..start + length, quote));
        }
        Form::Parameter => rest.iter().take_while(|b| b.is_ascii_graphic() && !b"&\"'`<>#;,)]}\\".contains(b)).count(),
        Form::Element => {
            let text = cursor.text_of_element()?;
            let lead = text.len() - text.trim_ascii_start().len();
            let value = unlabelled(text.trim_ascii());
            let start = cursor.position + lead;
            return (!value.is_empty()).then_some((start + value.start..start + value.end, Quote::None));
        }
        Form::Line | Form::Word => rest.iter().take_while(|b| !b.is_ascii_whitespace() && !b"\"'`".contains(b)).count(),
        Form::Yaml => {
            let line = rest.iter().take_while(|byte| **byte != b'\n').count();
            let line = rest.get(..line).unwrap_or_default();
            let end = memchr::memmem::find(line, b" #").unwrap_or(line.len());
            line.get(..end).unwrap_or_default().trim_ascii_end().len()
        }
        Form::Plain => rest.iter().take_while(|byte| is_plain(**byte)).count(),
    };
    let mut end = start + without_parameters(rest.get(..length).unwrap_or_default());
    // The end of a statement or list is not part of the value.
    while end > start && matches!(cursor.bytes.get(end - 1), Some(b',' | b';')) {
        end -= 1;
    }
    (end > start).then_some((start..end, Quote::None))
}

/// A line of text that stands between quotation marks, name and all: up to its end as written there.
fn line_within(text: &[u8], mark: u8) -> &[u8] {
    let end = text.iter().position(|byte| *byte == mark).unwrap_or(text.len());
    let line = text.get(..end).unwrap_or_default();
    let end = [&b"\\n"[..], b"\\r"].iter().filter_map(|end| memchr::memmem::find(line, end)).min();
    line.get(..end.unwrap_or(line.len())).unwrap_or_default()
}

/// Where in the text of an element its value stands: behind words that only label it, as in `{name value}`.
fn unlabelled(text: &[u8]) -> Range<usize> {
    let inner = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}"));
    let (shift, inner) = inner.map_or((0, text), |inner| (1, inner));
    let begin = inner.iter().rposition(u8::is_ascii_whitespace).map_or(0, |index| index + 1);
    let word = inner.get(begin..).unwrap_or_default();
    // A passphrase has words, too, but none that looks like this.
    let is_value = word.len() >= SHORTEST_LABELLED && word.iter().any(u8::is_ascii_digit) && !text.contains(&b'\n');
    if begin > 0 && is_value { shift + begin..shift + inner.len() } else { 0..text.len() }
}

/// The length of a value without the parameters of a form that follow it: `…&scope=openid`.
fn without_parameters(value: &[u8]) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins = |at: &usize| {
        let rest = value.get(at + 1..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_name(byte)).count();
        length > 0 && rest.get(length) == Some(&b'=') && rest.len() > length + 1
    };
    memchr::memchr_iter(b'&', value).find(begins).unwrap_or(value.len())
}

/// A value without a second pair of quotation marks (`'"…"'`, `"\"…\""`) and without the marker of an encoder that does nothing.
fn unwrapped(bytes: &[u8], (span, quote): (Range<usize>, Quote)) -> (Range<usize>, Quote) {
    let text = bytes.get(span.clone()).unwrap_or_default();
    for (open, close) in [(&b"\\\""[..], &b"\\\""[..]), (b"\"", b"\""), (b"'", b"'"), (b"{noop}", b"")] {
        if text.len() > open.len() + close.len() && text.starts_with(open) && text.ends_with(close) {
            return (span.start + open.len()..span.end - close.len(), quote);
        }
    }
    (span, quote)
}

/// The rest of a text in brackets, as Lua, Perl and Ruby write them: `[[…]]`, `q{…}`, `%q(…)`.
fn bracketed(cursor: &Cursor<'_>, close: &[u8]) -> Option<(Range<usize>, Quote)> {
    let rest = cursor.rest();
    let rest = rest.get(..LONGEST_VALUE).unwrap_or(rest);
    let length = memchr::memmem::find(rest, close)?;
    let is_text = rest.get(..length).is_some_and(|text| !text.contains(&b'\n'));
    // Nothing is escaped in them.
    (length > 0 && is_text).then_some((cursor.position..cursor.position + length, Quote::Mark(b'`')))
}

fn quoted(cursor: &mut Cursor<'_>, quote: Quote, width: usize) -> Option<(Range<usize>, Quote)> {
    let (Quote::Mark(mark) | Quote::Escaped(mark)) = quote else { return None };
    let mut start = cursor.position + width;
    if width == 1 && cursor.peek_at(1) == Some(mark) && cursor.peek_at(2) == Some(mark) {
        start += 2;
    }
    let mut position = start;
    let limit = start + LONGEST_VALUE;
    while position < limit {
        let byte = *cursor.bytes.get(position)?;
        match byte {
            b'\\' if matches!(quote, Quote::Escaped(_)) => {
                let escapes = cursor.bytes.get(position..).unwrap_or_default();
                let escapes = escapes.iter().take(DEEPEST_QUOTE).take_while(|byte| **byte == b'\\').count();
                if cursor.bytes.get(position + escapes) == Some(&mark) {
                    break;
                }
                position += escapes - 1;
            }
            b'\\' if matches!(quote, Quote::Mark(_)) => position += 1,
            b'\n' => return None,
            _ if byte == mark => break,
            _ => {}
        }
        position += 1;
    }
    (position > start && position < limit).then_some((start..position, quote))
}

/// The value of `"value": VALUE, "key": NAME`, read backwards from the name.
pub(super) fn value_before(bytes: &[u8], name_start: usize) -> Option<(Range<usize>, Quote)> {
    let start = name_start.saturating_sub(LONGEST_PAIR);
    let text = bytes.get(start..name_start)?;
    if let Some(found) = markup::value_before(text, start) {
        return Some(found);
    }
    let text = strip_quote(text)?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let text = strip_quote(text)?;
    let text = strip_quote(text.strip_suffix(b"key").or_else(|| text.strip_suffix(b"name"))?)?;
    let text = strip_quote(text.trim_ascii_end().strip_suffix(b",")?.trim_ascii_end())?;
    let open = text.iter().rposition(|byte| *byte == b'"')?;
    let before = text.get(..=open)?;
    strip_quote(strip_quote(before)?.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end())?.strip_suffix(b"value")?;
    (open + 1 < text.len()).then_some((start + open + 1..start + text.len(), Quote::Mark(b'"')))
}

fn strip_quote(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(b"\"").map(|text| text.strip_suffix(b"\\").unwrap_or(text))
}
