//! The object, section or paragraph that a value stands in, told from braces, indentation and blank lines.

use std::ops::Range;

/// The block around a span, within `region`.
pub(super) fn around(bytes: &[u8], span: &Range<usize>, region: &Range<usize>) -> Range<usize> {
    let indentation = indentation_at(bytes, span.start, region.start);
    start(bytes, span.start, region.start, indentation)..end(bytes, span.end, region.end, indentation)
}

/// The start of the line that a position stands in, not before `least`.
pub(super) fn line_start(bytes: &[u8], position: usize, least: usize) -> usize {
    let before = bytes.get(least..position).unwrap_or_default();
    before.iter().rposition(|byte| *byte == b'\n').map_or(least, |index| least + index + 1)
}

/// The lines above a position that each stand further out than the one before: `registration:`, `client:`, `spring:`.
pub(super) fn ancestors(bytes: &[u8], position: usize, least: usize) -> impl Iterator<Item = Range<usize>> {
    let line = line_start(bytes, position, least);
    let mut outermost = indentation(bytes.get(line..position).unwrap_or_default());
    let mut end = line;
    bytes.get(least..line).unwrap_or_default().rsplit(|byte| *byte == b'\n').filter_map(move |text| {
        let line = end - text.len()..end;
        end = line.start.saturating_sub(1);
        let is_further_out = !is_blank(text) && indentation(text) < outermost;
        is_further_out.then(|| {
            outermost = indentation(text);
            line
        })
    })
}

/// How much of what stands before a brace is looked at.
const LONGEST_OPENER: usize = 48;

/// What stands before each brace or bracket that is open at a position, from the innermost on: `"registration": `.
pub(super) fn openers(bytes: &[u8], position: usize, least: usize) -> impl Iterator<Item = Range<usize>> {
    let mut depth = 0usize;
    let before = bytes.get(least..position).unwrap_or_default();
    before.iter().enumerate().rev().filter_map(move |(index, byte)| {
        match byte {
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth > 0 => depth -= 1,
            b'{' | b'[' => {
                let start = index.saturating_sub(LONGEST_OPENER);
                let text = before.get(start..index)?;
                let skipped = text.iter().rposition(|byte| b"{}[],;\n".contains(byte)).map_or(0, |index| index + 1);
                return Some(least + start + skipped..least + index);
            }
            _ => {}
        }
        None
    })
}

/// Elements of HTML that nothing closes, or that need not be closed.
const UNCLOSED: &[&[u8]] =
    &[b"br", b"dd", b"dt", b"hr", b"img", b"input", b"li", b"link", b"meta", b"option", b"p", b"td", b"th", b"tr"];

/// So many tags that are not closed before a position are looked at.
const MOST_TAGS: usize = 32;

/// The elements of XML that are open at a position and closed before `most`, from the innermost on, each as its tag:
/// `<client name="okta">`. What nothing closes is a type of a program.
pub(super) fn elements(bytes: &[u8], position: usize, least: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let before = bytes.get(least..position).unwrap_or_default();
    let after = bytes.get(position..most.min(bytes.len())).unwrap_or_default();
    let is_closed = |name: &[u8]| memchr::memmem::find(after, &[b"</", name, b">"].concat()).is_some();
    let mut end = before.len();
    let mut depth = 0usize;
    let mut asked = 0;
    std::iter::from_fn(move || {
        while asked < MOST_TAGS {
            let start = memchr::memrchr(b'<', before.get(..end)?)?;
            let text = before.get(start + 1..end)?;
            end = start;
            // Without its end, it is the tag that the position stands in.
            let Some(tag) = memchr::memchr(b'>', text).and_then(|length| text.get(..length)) else { continue };
            let name = tag.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let is_element = name.first().is_some_and(u8::is_ascii_alphabetic) && !tag.ends_with(b"/");
            if tag.starts_with(b"/") {
                depth += usize::from(!is_unclosed(name.get(1..).unwrap_or_default()));
            } else if is_element && !is_unclosed(name) {
                if depth > 0 {
                    depth -= 1;
                    continue;
                }
                asked += 1;
                if is_closed(name) {
                    return Some(least + start..least + start + tag.len() + 2);
                }
            }
        }
        None
    })
}

fn is_unclosed(name: &[u8]) -> bool {
    UNCLOSED.iter().any(|unclosed| name.eq_ignore_ascii_case(unclosed))
}

/// The line that opens the section of TOML or INI that a position stands in: `[oauth.google]`.
pub(super) fn section(bytes: &[u8], position: usize, least: usize) -> Option<Range<usize>> {
    let mut end = line_start(bytes, position, least);
    while end > least {
        end -= 1;
        let start = line_start(bytes, end, least);
        if bytes.get(start..end).is_some_and(opens_section) {
            return Some(start..end);
        }
        end = start;
    }
    None
}

fn opens_section(line: &[u8]) -> bool {
    let name = line.trim_ascii().strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]"));
    name.is_some_and(|name| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/ []\"'".contains(byte)))
}

/// Columns before the first character of the line; a list's dash counts as the white space it stands for.
fn indentation_at(bytes: &[u8], position: usize, least: usize) -> usize {
    indentation(bytes.get(line_start(bytes, position, least)..position).unwrap_or_default())
}

fn indentation(line: &[u8]) -> usize {
    line.iter().take_while(|byte| b" \t-".contains(byte)).count()
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

/// Whether the line opens another section (`[name]`), or another item or key further out.
fn is_outside(line: &[u8], indentation_of_block: usize) -> bool {
    is_blank(line)
        || (line.starts_with(b"[") && line.trim_ascii_end().ends_with(b"]"))
        || indentation(line) < indentation_of_block
}

fn is_item(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"- ")
}

fn start(bytes: &[u8], position: usize, least: usize, indentation_of_block: usize) -> usize {
    let mut depth = 0usize;
    let mut line_end = position;
    let mut index = position;
    let line_at = |start: usize, end: usize| bytes.get(start..end).unwrap_or_default();
    while index > least {
        let Some(byte) = bytes.get(index - 1) else { break };
        match byte {
            b'}' => depth += 1,
            b'{' if depth == 0 => return index,
            b'{' => depth -= 1,
            b'\n' => {
                let line = line_at(index, line_end);
                // The first line begins in the middle: it was this one's indentation that counts.
                let is_first = line_end == position;
                if is_item(line) && indentation(line) <= indentation_of_block {
                    return index;
                }
                if !is_first && is_outside(line, indentation_of_block) {
                    return line_end;
                }
                line_end = index - 1;
            }
            _ => {}
        }
        index -= 1;
    }
    least
}

fn end(bytes: &[u8], position: usize, most: usize, indentation_of_block: usize) -> usize {
    let mut depth = 0usize;
    let mut index = position;
    while index < most {
        let Some(byte) = bytes.get(index) else { break };
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return index,
            b'}' => depth -= 1,
            b'\n' => {
                let rest = bytes.get(index + 1..most).unwrap_or_default();
                let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let opens_item = is_item(line) && indentation(line) <= indentation_of_block;
                if opens_item || is_outside(line, indentation_of_block) {
                    return index;
                }
            }
            _ => {}
        }
        index += 1;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let start = text.find("HERE").unwrap();
        let block = around(text.as_bytes(), &(start..start + 4), &(0..text.len()));
        assert_eq!(text[block].trim(), expected, "{text}");
    }

    #[test]
    fn lines_further_out() {
        let text = "other: 1\nspring:\n  x: 1\n  oauth2:\n    y: 2\n\n    secret: HERE";
        let found: Vec<&str> = ancestors(text.as_bytes(), text.len() - 4, 0).map(|line| text[line].trim()).collect();
        assert_eq!(found, ["oauth2:", "spring:"]);
    }

    #[test]
    fn what_is_open_and_which_section() {
        let text =
            "[one]\na = 1\n[two.x]\nb = { \"c\": {}, \"registration\": {\"okta\": [{\"id\": 1}, {\"secret\": HERE";
        let texts = |found: Range<usize>| text[found].trim();
        let found: Vec<&str> = openers(text.as_bytes(), text.len() - 4, 13).map(texts).collect();
        assert_eq!(found, ["", "\"okta\":", "\"registration\":", "b ="]);
        assert_eq!(section(text.as_bytes(), text.len() - 4, 0).map(texts), Some("[two.x]"));
    }

    #[test]
    fn open_elements() {
        let text = "<?xml?><clients><client name=\"a\"><id>1</id></client><client name='b'>\n<br><id>2</id><x/><secret>HERE\
                    </secret></client></clients>";
        let position = text.find("HERE").unwrap();
        let tags = elements(text.as_bytes(), position, 0, text.len());
        let found: Vec<&str> = tags.map(|tag| text.get(tag).unwrap_or_default()).collect();
        assert_eq!(found, ["<secret>", "<client name='b'>", "<clients>"]);
        assert_eq!(elements(b"a < b && c > d; Vec<String> x<y", 31, 0, 31).count(), 0);
    }

    #[test]
    fn blocks() {
        check("A=1\nB=HERE\nC=2", "A=1\nB=HERE\nC=2");
        check("A=1\n\nB=HERE\nC=2\n\nD=3", "B=HERE\nC=2");
        check("{\"a\":{\"b\":1,\"c\":\"HERE\"},\"d\":2}", "\"b\":1,\"c\":\"HERE\"");
        check("[one]\na=1\n[two]\nb=HERE\nc=2\n[three]", "b=HERE\nc=2");
        check("a:\n  b: 1\nc:\n  d: 2\n  e: HERE\nf: 3", "d: 2\n  e: HERE");
        check("l:\n- a: 1\n  b: 2\n- a: 3\n  b: HERE\n- a: 4\n", "- a: 3\n  b: HERE");
    }
}
