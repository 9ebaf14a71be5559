//! Values that stand under their names: the columns of CSV, and those of SQL's `INSERT`.

use std::ops::Range;

use super::Quote;
use super::bytes::ByteSet;

/// How far before a name its list of columns may begin.
const LONGEST_HEAD: usize = 600;

/// How far behind a name its values may begin.
const LONGEST_TAIL: usize = 4000;

/// So many rows are read.
const MOST_ROWS: usize = 64;

/// A value, and what delimits it.
type Field = (Range<usize>, Quote);

/// The values in the column of that name, of each row.
pub(super) fn values(bytes: &[u8], name: Range<usize>) -> Vec<Field> {
    let name = with_marks(bytes, name);
    let next = bytes.get(name.end).copied();
    let previous = name.start.checked_sub(1).and_then(|index| bytes.get(index)).copied();
    let is_column = matches!(next, None | Some(b',' | b';' | b')' | b' ' | b'\n' | b'\r' | b'\t' | b'|'))
        && matches!(previous, None | Some(b',' | b';' | b'(' | b' ' | b'\n' | b'\t' | b'|'));
    if !is_column {
        return Vec::new();
    }
    let least = name.start.saturating_sub(LONGEST_HEAD);
    let before = bytes.get(least..name.start).unwrap_or_default();
    // Almost always something stands in the way that is no name.
    let names = before.iter().rev().take_while(|byte| is_of_names(**byte)).count();
    let (before, head) = before.split_at_checked(before.len() - names).unwrap_or_default();
    let after = bytes.get(name.end..).unwrap_or_default();
    let after = after.get(..LONGEST_TAIL).unwrap_or(after);
    let text = bytes.get(name.clone()).unwrap_or_default();
    let mut found = match before.last() {
        Some(b'(') => of_insert(head, after).unwrap_or_default(),
        Some(b'\n') => of_table(head, text, after).unwrap_or_default(),
        None if least == 0 => of_table(head, text, after).unwrap_or_default(),
        _ => Vec::new(),
    };
    for (span, _) in &mut found {
        *span = name.end + span.start..name.end + span.end;
    }
    found
}

/// A name with the quotation marks around it.
fn with_marks(bytes: &[u8], name: Range<usize>) -> Range<usize> {
    let is_mark = |index: Option<usize>| {
        index.and_then(|index| bytes.get(index)).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'))
    };
    if is_mark(name.start.checked_sub(1)) && is_mark(Some(name.end)) { name.start - 1..name.end + 1 } else { name }
}

/// `INSERT INTO t (a, NAME) VALUES (1, VALUE), (2, VALUE)`, and `COPY t (a, NAME) FROM stdin;` with its rows below.
fn of_insert(head: &[u8], after: &[u8]) -> Option<Vec<Field>> {
    let column = memchr::memchr_iter(b',', head).count();
    let close = after.iter().position(|byte| *byte == b')')? + 1;
    let start = close + blanks(after, close);
    let rest = after.get(start..)?;
    if rest.get(..10).is_some_and(|words| words.eq_ignore_ascii_case(b"from stdin")) {
        let line = start + rest.iter().position(|byte| *byte == b'\n')? + 1;
        return Some(of_lines(after, line, column, b'\t', None));
    }
    rest.get(..6).filter(|word| word.eq_ignore_ascii_case(b"values"))?;
    let mut position = start + 6;
    let mut found = Vec::new();
    while found.len() < MOST_ROWS {
        position += blanks(after, position);
        let Some(row) = after.get(position..).and_then(|rest| rest.strip_prefix(b"(")) else { break };
        position += 1;
        let Some((span, quote)) = field(row, column, b',') else { break };
        let Some(end) = end_of_row(row) else {
            found.push((position + span.start..position + span.end, quote));
            break;
        };
        if span.end <= end {
            found.push((position + span.start..position + span.end, quote));
        }
        position += end + 1;
        position += blanks(after, position);
        if after.get(position) != Some(&b',') {
            break;
        }
        position += 1;
    }
    Some(found)
}

/// Where the parenthesis closes, outside quoted text.
fn end_of_row(row: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    row.iter().position(|byte| {
        is_quoted ^= *byte == b'\'';
        *byte == b')' && !is_quoted
    })
}

/// A line of names, and the lines of values below it; in Markdown, a line of dashes parts them. A list of names in a program is
/// indented, or goes on below.
fn of_table(head: &[u8], name: &[u8], after: &[u8]) -> Option<Vec<Field>> {
    let line = memchr::memchr(b'\n', after)?;
    let tail = after.get(..line)?.trim_ascii_end();
    let separator = b"|,;\t".iter().copied().find(|byte| head.contains(byte) || tail.contains(byte))?;
    if !tail.iter().all(|byte| is_of_names(*byte)) {
        return None;
    }
    let is_name = |part: &[u8]| part.iter().any(u8::is_ascii_alphanumeric);
    if !is_name(head) && !is_name(tail) {
        return None;
    }
    let is_indented = [head, name].concat().first().is_some_and(u8::is_ascii_whitespace);
    let goes_on = tail.last().is_some_and(|byte| matches!(byte, b',' | b';'));
    if separator != b'|' && (is_indented || goes_on) {
        return None;
    }
    let mut first = line + 1;
    let rule = after.get(first..)?.split(|byte| *byte == b'\n').next()?;
    if separator == b'|' && !rule.is_empty() && rule.iter().all(|byte| b"|-: \r".contains(byte)) {
        first += rule.len() + 1;
    }
    let column = separators(head, separator);
    let columns = column + separators(tail, separator);
    let mut found = of_lines(after, first, column, separator, Some(columns));
    // Tabs also align what is no table: only the line below is believed.
    found.truncate(if separator == b'\t' { 1 } else { MOST_ROWS });
    Some(found)
}

/// The fields in one column of the lines from `start` on, as long as there are any, and as many in each line.
fn of_lines(text: &[u8], start: usize, column: usize, separator: u8, columns: Option<usize>) -> Vec<Field> {
    let mut found = Vec::new();
    let mut start = start;
    while let (Some(rest), true) = (text.get(start..), found.len() < MOST_ROWS) {
        let row = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if columns.is_some_and(|columns| separators(row, separator) != columns) {
            break;
        }
        let Some((span, quote)) = field(row, column, separator) else { break };
        found.push((start + span.start..start + span.end, quote));
        start += row.len() + 1;
    }
    found
}

/// How often a separator stands outside quoted text.
fn separators(line: &[u8], separator: u8) -> usize {
    let mut is_quoted = false;
    let parts = line.iter().filter(|byte| {
        is_quoted ^= **byte == b'"';
        **byte == separator && !is_quoted
    });
    parts.count()
}

fn blanks(text: &[u8], position: usize) -> usize {
    text.get(position..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Whether lists of names are made of this, with what parts and quotes them.
fn is_of_names(byte: u8) -> bool {
    static OF_NAMES: ByteSet = ByteSet::of_alphanumeric_and(b"_-. ,;\t\"'`\r|");
    OF_NAMES.holds(byte)
}

/// A field of a row, without its quotation marks.
fn field(row: &[u8], column: usize, separator: u8) -> Option<(Range<usize>, Quote)> {
    let mut position = 0;
    for index in 0..=column {
        position +=
            row.get(position..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t') && **byte != separator).count();
        let rest = row.get(position..)?;
        let mark = rest.first().copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let (start, length) = if let Some(mark) = mark {
            (position + 1, rest.get(1..)?.iter().position(|byte| *byte == mark)?)
        } else {
            let length = rest.iter().take_while(|byte| **byte != separator && !b")\r".contains(byte)).count();
            (position, rest.get(..length)?.trim_ascii_end().len())
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

    fn check(text: &str, expected: &[&str]) {
        let start = text.find("client_secret").unwrap();
        let found: Vec<&str> =
            values(text.as_bytes(), start..start + 13).into_iter().map(|(span, _)| &text[span]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn columns_of_tables_and_inserts() {
        check("client_id,client_secret\nportal,v4l-ue\n", &["v4l-ue"]);
        check("client_secret;name\r\nv4l-ue;portal\r\n", &["v4l-ue"]);
        check("\"name\",\"client_secret\",\"x\"\n\"a, b\",\"v4l-ue\",1\n", &["v4l-ue"]);
        check("INSERT INTO t (a, client_secret, b) VALUES (1, 'v4l-ue', 2), (3, 'x', 4);", &["v4l-ue", "x"]);
        check("INSERT INTO t (client_secret, b) VALUES ('v4l-ue', ')'),\n ('v4l-u2', 4);", &["v4l-ue", "v4l-u2"]);
        check("COPY t (id, client_secret) FROM stdin;\n1\tv4l-ue\n2\tv4l-u2\n\\.\n", &["v4l-ue", "v4l-u2"]);
        check("client_id,client_secret\na,v4l-ue\nb,\"v4l-u2\"\n\nc,d\n", &["v4l-ue", "v4l-u2"]);
        check("| client | client_secret |\n|---|:--|\n| a | v4l-ue |\n", &["v4l-ue"]);
        check("insert into `t` (`client_secret`)\nvalues ('v4l-ue')", &["v4l-ue"]);
        check("    \"client_secret\", \"b\",\n    \"v4l-ue\", \"c\",\n", &[]);
        check("a, client_secret,\nb, v4l-ue,\n", &[]);
        check("a,client_secret\nb,v4l-ue\nand this, that, v4l-ue\n", &["v4l-ue"]);
        check("client_secret\nv4l-ue\n", &[]);
        check("  \"client_secret\",\n  \"x5t\",\n", &[]);
        check("f(a, client_secret)\n", &[]);
        check("a, client_secret", &[]);
        check("x = [a, client_secret]\ny = [b, c]\n", &[]);
    }
}
