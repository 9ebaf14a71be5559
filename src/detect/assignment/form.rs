//! What stands between a name and its value, in the languages and formats people keep secrets in.

use super::cursor::Cursor;
use super::notation::{self, Notation};
use super::{LONGEST_GAP, Name, line_start, preceding};
use crate::detect::key;

/// How the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `name = value` anywhere.
    Plain,
    /// `NAME=value` from the start of a line to its end: dotenv, shell, properties.
    Line,
    /// `name: value` from the start of a line to its end: YAML.
    Yaml,
    /// `?name=value&`.
    Parameter,
    /// As any, but with punctuation that stands in a notation.
    Noted(Notation),
    /// `<name>value</name>`.
    Element,
    /// Only a quoted value makes sense: arguments of calls, alternatives.
    Quoted,
    /// The quoted text that follows in a list, which may as well be another name.
    Argument,
    /// `--name value`, `ENV NAME value`, `password value`.
    Word,
}

impl Form {
    /// Reads what assigns, and leaves the cursor at the value.
    pub(super) fn read(cursor: &mut Cursor<'_>, name: &Name) -> Option<Self> {
        let (is_quoted, name_start) = (name.is_quoted, name.span.start);
        let (before, line) = (preceding(cursor.bytes, name_start), line_start(cursor.bytes, name_start));
        // Few lines hold a star at all, and to look for one costs less than for two.
        let is_bold = memchr::memchr(b'*', line).is_some() && memchr::memmem::find(line, b"**").is_some();
        if is_bold {
            cursor.eat(b"**");
        }
        // A cell of a table names it in two words.
        if cursor.enter_element(preceding(cursor.bytes, name.words.start), is_quoted, name_start) {
            return Some(Self::Element);
        }
        if is_quoted && cursor.enter_part_of_form(name_start) {
            return Some(Self::Word);
        }
        if matches!(cursor.peek(), Some(b'%' | b'\\' | b'&'))
            && let Some((length, notation)) = notation::assigns(cursor.rest())
        {
            cursor.position += length;
            return Some(Self::Noted(notation));
        }
        let blanks = cursor.skip_blanks();
        if !is_quoted {
            cursor.skip_declarator();
        }
        if matches!(cursor.peek(), Some(b':' | b'=' | b'-' | b'<' | b'|' | b'?' | b'/')) {
            for operator in [&b":="[..], b"=>", b"->", b"<-", b"<<-", b"||=", b"??=", b"//=", b"?=", b"===", b"=="] {
                if cursor.eat(operator) {
                    cursor.skip_blanks();
                    return Some(Self::Plain);
                }
            }
        }
        if cursor.eat(b"=") {
            if cursor.skip_to_joined_text(before) {
                return Some(Self::Quoted);
            }
            let spaced = cursor.skip_blanks() > 0 || blanks > 0;
            return Some(match before {
                Some(b'?' | b'&') if !spaced => Self::Parameter,
                _ if !spaced && !is_quoted && opens_line(line) => Self::Line,
                _ => Self::Plain,
            });
        }
        if cursor.peek() == Some(b':') && cursor.peek_at(1) != Some(b':') {
            cursor.position += 1;
            if is_bold {
                cursor.eat(b"**");
            }
            cursor.skip_blanks();
            if cursor.skip_type() {
                return Some(Self::Plain);
            }
            return Some(if cursor.peek_at(0) != Some(b'\n') && opens_line(line) { Self::Yaml } else { Self::Plain });
        }
        if blanks > 0 && line.contains(&b'|') && cursor.peek_at(1) == Some(b' ') && cursor.eat(b"|") {
            cursor.skip_blanks();
            return Some(Self::Plain);
        }
        let is_alternative = cursor.eat(b"||") || cursor.eat(b"??") || (is_quoted && cursor.eat(b"or "));
        // Kotlin joins pairs with a word.
        if is_alternative || (is_quoted && cursor.eat(b"to ")) {
            cursor.skip_blanks();
            return Some(Self::Quoted);
        }
        if is_quoted && cursor.skip_to_fallback_of_name() {
            return Some(Self::Quoted);
        }
        if !is_quoted && cursor.skip_to_returned() {
            return Some(Self::Quoted);
        }
        if !is_quoted && blanks == 0 && (cursor.eat(b"(") || (cursor.peek_at(1) == Some(b'"') && cursor.eat(b"{"))) {
            return Some(Self::Quoted);
        }
        if cursor.skip_to_value_of_pair() || (is_quoted && cursor.skip_to_default()) {
            return Some(Self::Plain);
        }
        let opens_arguments = match before {
            Some(b'{' | b'(') if !is_quoted => blanks == 0,
            _ => is_quoted && opens_arguments(cursor.before(name_start)),
        };
        if opens_arguments && cursor.eat(b",") {
            cursor.skip_blanks();
            return Some(Self::Argument);
        }
        if is_quoted { None } else { Self::read_words(cursor, name, blanks > 0) }
    }

    /// What only white space parts from its value.
    fn read_words(cursor: &mut Cursor<'_>, name: &Name, is_parted: bool) -> Option<Self> {
        let line = line_start(cursor.bytes, name.words.start);
        let is_flag = line.ends_with(b"--") || line.ends_with(b" -") || line == b"-";
        if !is_parted {
            // The next of a list of arguments in YAML.
            if is_flag && cursor.peek() == Some(b'\n') {
                cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
                return (cursor.eat(b"- ") && cursor.is_at_lone_word()).then_some(Self::Word);
            }
            let is_heading = matches!(cursor.peek(), Some(b'\n' | b'\r'));
            return (is_heading && opens_line(line) && cursor.skip_to_lone_word_below()).then_some(Self::Word);
        }
        if cursor.skip_type() {
            return Some(Self::Plain);
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let is_command = match words.next() {
            Some(b"ENV" | b"ARG" | b"setenv" | b"env") => words.next().is_none(),
            Some(b"setx") => words.all(|word| word.starts_with(b"/")),
            // fish: `set -gx NAME value`.
            Some(b"set") => words.clone().next().is_some() && words.all(|word| word.starts_with(b"-")),
            Some(b"login") => words.count() == 1,
            Some(b"machine") => true,
            _ => false,
        };
        if is_flag || is_command {
            return Some(Self::Word);
        }
        let is_long = || !key::is_one_word(cursor.bytes.get(name.words.clone()).unwrap_or_default());
        let opens_text = match cursor.peek() {
            Some(b'"' | b'\'') => true,
            Some(b'@' | b'L') => cursor.peek_at(1) == Some(b'"'),
            _ => false,
        };
        let is_at_start = || matches!(line.trim_ascii_end().last(), Some(b'{' | b';')) || opens_line(line);
        if opens_text && (line.ends_with(b":") || is_at_start() || is_long()) {
            return Some(Self::Quoted);
        }
        let says = cursor.eat(b"is ") || cursor.eat(b"is: ");
        if says {
            cursor.skip_blanks();
        }
        // A remark names it in two words: `# the staging API key …`.
        let is_named = line.trim_ascii().is_empty() || name.words.start < name.span.start;
        let is_netrc = || {
            let above = cursor.before(name.words.start.saturating_sub(line.len() + 1));
            let above = above.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
            above.starts_with(b"login ") || above.starts_with(b"machine ")
        };
        let is_value = (says && cursor.is_at_word())
            || (line.trim_ascii().is_empty() && cursor.is_at_lone_password() && is_netrc())
            || (is_named && cursor.is_at_lone_word())
            || (cursor.is_at_random_word() && is_long());
        if is_value {
            return Some(Self::Word);
        }
        None
    }
}

/// Whether only indentation, a list's dash or a shell's keyword stands before the name.
fn opens_line(line: &[u8]) -> bool {
    let mut rest = line.trim_ascii();
    for prefix in [&b"#"[..], b">", b"-", b"**", b"*", b"export", b"ENV", b"ARG", b"set", b"\"", b"'"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest).trim_ascii();
    }
    rest.is_empty()
}

/// Whether a quoted name is the first of a call's or pair's texts, or a flag. In a plain list of texts, the next one is no value.
fn opens_arguments(before: &[u8]) -> bool {
    let is_flag = before.ends_with(b"-");
    let before = before.trim_ascii_end();
    let before = if is_flag { without_dashes(before) } else { before };
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before);
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let opener = before.trim_ascii_end();
    // Only the arguments of a call are spread over lines: one text a line is a list.
    let is_same_line = !before.get(opener.len()..).unwrap_or_default().contains(&b'\n');
    match opener.split_last() {
        Some((b'(', _)) => true,
        Some((b'[' | b'{', _)) => is_same_line,
        Some((b',', list)) => {
            let list = list.trim_ascii_end();
            // `buildConfigField("String", NAME, VALUE)` gives the type first; pairs may stand one behind the other.
            let types = [&b"\"String\""[..], b"'String'", b"\"string\"", b"'string'"];
            let is_known =
                || types.iter().any(|text| list.ends_with(text)) || memchr::memmem::find(list, b"Map.of(").is_some();
            is_flag || (is_same_line && (!matches!(list.last(), None | Some(b'"' | b'\'')) || is_known()))
        }
        _ => false,
    }
}

fn without_dashes(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b'-').map_or(0, |index| index + 1);
    text.get(..end).unwrap_or_default()
}
