//! Values that stand under their names: the columns of CSV, and those of SQL's `INSERT`.

use std::ops::Range;

use super::Quote;

/// How far before a name its list of columns may begin.
const LONGEST_HEAD: usize = 600;

/// How far behind a name its value may begin.
const LONGEST_TAIL: usize = 2000;

/// The value in the column of that name: of the first row, where there are several.
pub(super) fn value(bytes: &[u8], name: Range<usize>) -> Option<(Range<usize>, Quote)> {
    let name = with_marks(bytes, name);
    let next = bytes.get(name.end).copied();
    let previous = name.start.checked_sub(1).and_then(|index| bytes.get(index)).copied();
    let is_column = matches!(next, None | Some(b',' | b';' | b')' | b' ' | b'\n' | b'\r' | b'\t'))
        && matches!(previous, None | Some(b',' | b';' | b'(' | b' ' | b'\n' | b'\t'));
    if !is_column {
        return None;
    }
    let least = name.start.saturating_sub(LONGEST_HEAD);
    let before = bytes.get(least..name.start)?;
    // Almost always something stands in the way that is no name.
    let names = before.iter().rev().take_while(|byte| is_of_names(**byte)).count();
    let head = before.get(before.len() - names..)?;
    let opener = before.len().checked_sub(names + 1).and_then(|index| before.get(index)).copied();
    let after = bytes.get(name.end..).unwrap_or_default();
    let after = after.get(..LONGEST_TAIL).unwrap_or(after);
    let found = match opener {
        Some(b'(') => of_insert(head, after),
        Some(b'\n') => of_table(head, after),
        None if least == 0 => of_table(head, after),
        _ => None,
    };
    found.map(|(span, quote)| (name.end + span.start..name.end + span.end, quote))
}

/// A name with the quotation marks around it.
fn with_marks(bytes: &[u8], name: Range<usize>) -> Range<usize> {
    let is_mark = |index: Option<usize>| {
        index.and_then(|index| bytes.get(index)).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'))
    };
    if is_mark(name.start.checked_sub(1)) && is_mark(Some(name.end)) { name.start - 1..name.end + 1 } else { name }
}

/// `INSERT INTO t (a, NAME) VALUES (1, VALUE)`.
fn of_insert(head: &[u8], after: &[u8]) -> Option<(Range<usize>, Quote)> {
    let close = after.iter().position(|byte| *byte == b')')?;
    let rest = after.get(close + 1..)?;
    let start = rest.len() - rest.trim_ascii_start().len();
    let rest = rest.get(start..)?;
    rest.get(..6).filter(|word| word.eq_ignore_ascii_case(b"values"))?;
    let tuple = 6 + rest.get(6..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let row = rest.get(tuple..)?.strip_prefix(b"(")?;
    let column = memchr::memchr_iter(b',', head).count();
    let (span, quote) = field(row, column, b',')?;
    let offset = close + 1 + start + tuple + 1;
    Some((span.start + offset..span.end + offset, quote))
}

/// A line of names, and the line of values below it.
fn of_table(head: &[u8], after: &[u8]) -> Option<(Range<usize>, Quote)> {
    let line = after.iter().position(|byte| *byte == b'\n')?;
    let tail = after.get(..line)?;
    let separator = [b',', b';', b'\t'].into_iter().find(|byte| head.contains(byte) || tail.contains(byte))?;
    if !tail.iter().all(|byte| is_of_names(*byte)) {
        return None;
    }
    let is_name = |part: &[u8]| part.iter().any(u8::is_ascii_alphanumeric);
    if !is_name(head) && !is_name(tail) {
        return None;
    }
    let column = memchr::memchr_iter(separator, head).count();
    let row = after.get(line + 1..)?;
    let row = row.split(|byte| *byte == b'\n').next()?;
    let (span, quote) = field(row, column, separator)?;
    Some((span.start + line + 1..span.end + line + 1, quote))
}

/// Whether lists of names are made of this, with what parts and quotes them.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-. ,;\t\"'`\r".contains(&byte)
}

/// A field of a row, without its quotation marks.
fn field(row: &[u8], column: usize, separator: u8) -> Option<(Range<usize>, Quote)> {
    let mut position = 0;
    for index in 0..=column {
        position +=
            row.get(position..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t') && **byte != separator).count();
        let rest = row.get(position..)?;
        let mark = rest.first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let (start, length) = match mark {
            Some(mark) => (position + 1, rest.get(1..)?.iter().position(|byte| *byte == mark)?),
            None => (position, rest.iter().take_while(|byte| **byte != separator && !b")\r".contains(byte)).count()),
        };
        let end = start + length;
        if index == column {
            let quote = mark.map_or(Quote::None, Quote::Mark);
            return (length > 0).then_some((start..end, quote));
        }
        position = end + row.get(end..)?.iter().position(|byte| *byte == separator)? + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let start = text.find("client_secret").unwrap();
        let found = value(text.as_bytes(), start..start + 13).map(|(span, _)| &text[span]);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn columns_of_tables_and_inserts() {
        check("client_id,client_secret\nportal,v4l-ue\n", Some("v4l-ue"));
        check("client_secret;name\r\nv4l-ue;portal\r\n", Some("v4l-ue"));
        check("\"name\",\"client_secret\",\"x\"\n\"a, b\",\"v4l-ue\",1\n", Some("v4l-ue"));
        check("INSERT INTO t (a, client_secret, b) VALUES (1, 'v4l-ue', 2), (3, 'x', 4);", Some("v4l-ue"));
        check("insert into `t` (`client_secret`)\nvalues ('v4l-ue')", Some("v4l-ue"));
        check("client_secret\nv4l-ue\n", None);
        check("  \"client_secret\",\n  \"x5t\",\n", None);
        check("f(a, client_secret)\n", None);
        check("a, client_secret", None);
        check("x = [a, client_secret]\ny = [b, c]\n", None);
    }
}
