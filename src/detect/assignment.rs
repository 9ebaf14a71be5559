//! Assignments: the one detector for the words too common for patterns (`secret`, `token`, `password`, `key`).
//!
//! Around such a word it reads the whole name, then whatever assigns in the languages and formats people keep secrets in,
//! then the value. It understands the form only; whether the value is a credential is for the rules and filters.

use std::ops::Range;

use super::key::{self, Key};
use crate::rules::Window;

/// The longest name of a setting that is read.
const LONGEST_KEY: usize = 160;

/// The longest value that is read.
const LONGEST_VALUE: usize = 4 * 1024;

/// How far before a name its value is looked for.
const LONGEST_PAIR: usize = 1024;

/// The most backslashes before a quotation mark: text quoted four times over.
const DEEPEST_QUOTE: usize = 15;

/// The most white space that may stand between a key and its value.
const LONGEST_GAP: usize = 64;

/// A name and the value assigned to it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The words of the name.
    pub(crate) key: Key,
    /// Where the name stands.
    pub(crate) key_span: Range<usize>,
    /// Where the value stands, without quotes.
    pub(crate) span: Range<usize>,
    /// What delimits the value.
    pub(crate) quote: Quote,
    /// Whether it cannot be a name or an expression of a program.
    pub(crate) is_literal: bool,
    /// Whether it is a parameter of a URL or form.
    pub(crate) is_parameter: bool,
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
    let mut read = untrimmed.start.saturating_sub(1)..untrimmed.end + 1;
    let mut cursor = Cursor { bytes, position: span.end };
    let is_quoted = cursor.skip_closers();
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

/// Reads what is assigned to a name.
pub(crate) fn assigned(bytes: &[u8], name: &Name) -> Option<Assignment> {
    let mut cursor = Cursor { bytes, position: name.end };
    let form = Form::read(&mut cursor, name.is_quoted, name.span.start);
    let read = form.and_then(|form| value(&mut cursor, form)).filter(|(span, _)| !is_key(bytes, span.end));
    let (span, quote) = read.or_else(|| if name.is_quoted { value_before(bytes, name.span.start) } else { None })?;
    let key = Key::parse(bytes.get(name.words.clone())?);
    let is_parameter = form == Some(Form::Parameter);
    let is_literal = quote != Quote::None && form != Some(Form::Argument);
    Some(Assignment { key, key_span: name.span.clone(), span, quote, is_literal, is_parameter })
}

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

fn is_plain(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !b"\"'`,;&<>)]}|\\".contains(&byte)
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
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn name_around(bytes: &[u8], word: &Range<usize>) -> Range<usize> {
    let left = bytes.get(..word.start).unwrap_or_default();
    let left = left.iter().rev().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    let right = bytes.get(word.end..).unwrap_or_default();
    let right = right.iter().take(LONGEST_KEY).take_while(|byte| is_name(**byte)).count();
    word.start - left..word.end + right
}

fn trimmed(bytes: &[u8], mut span: Range<usize>, word: &Range<usize>) -> Range<usize> {
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
    quote > 0 && after.get(quote..).unwrap_or_default().trim_ascii_start().starts_with(b":")
}

/// The value of `"value": VALUE, "key": NAME`, read backwards from the name.
fn value_before(bytes: &[u8], name_start: usize) -> Option<(Range<usize>, Quote)> {
    let start = name_start.saturating_sub(LONGEST_PAIR);
    let text = bytes.get(start..name_start)?;
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
    let length = left.iter().rev().take_while(|byte| **byte != b'\n').count();
    left.get(left.len() - length..).unwrap_or_default()
}

/// How the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `name = value` anywhere.
    Plain,
    /// `NAME=value` from the start of a line to its end: dotenv, shell, properties.
    Line,
    /// `name: value` from the start of a line to its end: YAML.
    Yaml,
    /// `?name=value&`.
    Parameter,
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
    fn read(cursor: &mut Cursor<'_>, is_quoted: bool, name_start: usize) -> Option<Self> {
        let (before, line) = (preceding(cursor.bytes, name_start), line_start(cursor.bytes, name_start));
        let after_name = cursor.position;
        let blanks = cursor.skip_blanks();
        if before == Some(b'<') && cursor.position == after_name && cursor.eat(b">") {
            return Some(Self::Element);
        }
        let opens_line = opens_line(line);
        for operator in [&b":="[..], b"=>", b"->", b"||=", b"??=", b"?=", b"===", b"=="] {
            if cursor.eat(operator) {
                cursor.skip_blanks();
                return Some(Self::Plain);
            }
        }
        if cursor.eat(b"=") {
            let spaced = cursor.skip_blanks() > 0 || blanks > 0;
            return Some(match before {
                Some(b'?' | b'&') if !spaced => Self::Parameter,
                _ if opens_line && !spaced && !is_quoted => Self::Line,
                _ => Self::Plain,
            });
        }
        if cursor.peek() == Some(b':') && cursor.peek_at(1) != Some(b':') {
            cursor.position += 1;
            cursor.skip_blanks();
            if cursor.skip_type() {
                return Some(Self::Plain);
            }
            return Some(if opens_line && cursor.peek_at(0) != Some(b'\n') { Self::Yaml } else { Self::Plain });
        }
        if blanks > 0 && line.contains(&b'|') && cursor.peek_at(1) == Some(b' ') && cursor.eat(b"|") {
            cursor.skip_blanks();
            return Some(Self::Plain);
        }
        if cursor.eat(b"||") || cursor.eat(b"??") || (is_quoted && cursor.eat(b"or ")) {
            cursor.skip_blanks();
            return Some(Self::Quoted);
        }
        if !is_quoted && blanks == 0 && cursor.eat(b"(") {
            return Some(Self::Quoted);
        }
        if cursor.skip_to_value_of_pair() {
            return Some(Self::Plain);
        }
        if is_quoted && opens_arguments(cursor.before(name_start)) && cursor.eat(b",") {
            cursor.skip_blanks();
            return Some(Self::Argument);
        }
        if blanks > 0 && !is_quoted {
            if cursor.skip_type() {
                return Some(Self::Plain);
            }
            let is_flag = line.ends_with(b"--") || line.ends_with(b" -");
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let is_command = match words.next() {
                Some(b"ENV" | b"ARG" | b"setenv" | b"env") => words.next().is_none(),
                Some(b"login") => words.count() == 1,
                Some(b"machine") => true,
                _ => false,
            };
            if is_flag || is_command {
                return Some(Self::Word);
            }
        }
        None
    }
}

/// Whether only indentation, a list's dash or a shell's keyword stands before the name.
fn opens_line(line: &[u8]) -> bool {
    let mut rest = line.trim_ascii();
    for prefix in [&b"#"[..], b"-", b"export", b"ENV", b"ARG", b"set", b"\"", b"'"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest).trim_ascii();
    }
    rest.is_empty()
}

/// Whether a quoted name is the first of a call's or pair's texts. In a plain list of texts, the next one is no value.
fn opens_arguments(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before);
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    let opener = before.trim_ascii_end();
    // Only the arguments of a call are spread over lines: one text a line is a list.
    let is_same_line = !before.get(opener.len()..).unwrap_or_default().contains(&b'\n');
    match opener.split_last() {
        Some((b'(', _)) => true,
        Some((b'[' | b'{', _)) => is_same_line,
        Some((b',', list)) => is_same_line && !matches!(list.trim_ascii_end().last(), None | Some(b'"' | b'\'')),
        _ => false,
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(self.position + offset).copied()
    }

    /// What stands before a position, as far as the indentation of a line may reach.
    fn before(&self, position: usize) -> &'a [u8] {
        self.bytes.get(position.saturating_sub(LONGEST_KEY)..position).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    fn skip_while(&mut self, most: usize, accept: impl Fn(u8) -> bool) -> usize {
        let count = self.rest().iter().take(most).take_while(|byte| accept(**byte)).count();
        self.position += count;
        count
    }

    fn skip_blanks(&mut self) -> usize {
        self.skip_while(LONGEST_GAP, |byte| byte == b' ' || byte == b'\t')
    }

    /// Whatever closes a quoted or indexed name; tells whether the name was quoted.
    fn skip_closers(&mut self) -> bool {
        let mut is_quoted = false;
        for _ in 0..4 {
            let escapes = self.backslashes_before_quote();
            match self.peek_at(escapes) {
                Some(b'"' | b'\'' | b'`') => is_quoted = true,
                Some(b']' | b')') if is_quoted => {}
                _ => break,
            }
            self.position += escapes + 1;
        }
        is_quoted
    }

    /// How many backslashes stand here, if a quotation mark follows them: text quoted within quoted text, however deep.
    fn backslashes_before_quote(&self) -> usize {
        let count = self.rest().iter().take(DEEPEST_QUOTE).take_while(|byte| **byte == b'\\').count();
        if matches!(self.peek_at(count), Some(b'"' | b'\'')) { count } else { 0 }
    }

    /// `string =`, `&str =`, `Option<String> =`: a type between name and value. Moves only if there is one.
    fn skip_type(&mut self) -> bool {
        let start = self.position;
        let length = self.skip_while(48, |b| b.is_ascii_alphanumeric() || b"_<>[]&'.?*:, ".contains(&b));
        // Base64 ends with the same sign, but long before it there is no blank.
        let is_type = length > 0 && (length <= 12 || self.bytes.get(self.position - 1) == Some(&b' '));
        if is_type && self.eat(b"=") && !matches!(self.peek(), None | Some(b'=' | b'>' | b'\n' | b'\r')) {
            self.skip_blanks();
            return true;
        }
        self.position = start;
        false
    }

    /// `name: KEY` … `value: VALUE`, in YAML, JSON and XML. Moves only if there is such a thing.
    fn skip_to_value_of_pair(&mut self) -> bool {
        let start = self.position;
        self.skip_while(2, |byte| byte == b',' || byte == b'\r');
        self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
        self.skip_while(DEEPEST_QUOTE, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
        if self.rest().get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"value")) {
            self.position += 5;
            self.skip_while(DEEPEST_QUOTE, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
            self.skip_blanks();
            if self.eat(b"=") || self.eat(b":") {
                self.skip_blanks();
                return true;
            }
        }
        self.position = start;
        false
    }

    /// `SecretString("…")`, `b"…"`, `@"…"`: what may stand before a quoted value.
    fn skip_wrappers(&mut self) {
        let start = self.position;
        self.eat(b"new ");
        let length = self.skip_while(40, |b| b.is_ascii_alphanumeric() || b"_.:".contains(&b));
        let name = self.bytes.get(start..self.position).unwrap_or_default();
        let is_prefix = length <= 2 && !self.rest().starts_with(b"(");
        if is_prefix {
            self.eat(b"@");
        }
        if !(is_prefix || self.eat(b"(")) || !matches!(self.peek(), Some(b'"' | b'\'' | b'`')) || reads_elsewhere(name)
        {
            self.position = start;
        }
    }
}

/// Whether a function of that name looks the value up somewhere else, so that its argument is a name.
fn reads_elsewhere(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "env", "get", "config", "param", "fetch", "lookup", "read", "load", "var", "flag", "find", "input", "file",
        "resolve",
    ]
    .iter()
    .any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some())
}

fn value(cursor: &mut Cursor<'_>, form: Form) -> Option<(Range<usize>, Quote)> {
    if matches!(form, Form::Plain | Form::Quoted | Form::Argument | Form::Yaml) && cursor.peek() == Some(b'\n') {
        // Long values stand on the line below.
        cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
        if !matches!(cursor.peek(), Some(b'"' | b'\'')) {
            return None;
        }
    }
    if !matches!(form, Form::Parameter | Form::Element) {
        cursor.skip_wrappers();
        let escapes = cursor.backslashes_before_quote();
        match cursor.peek_at(escapes)? {
            mark @ (b'"' | b'\'' | b'`') if escapes == 0 => return quoted(cursor, Quote::Mark(mark), 1),
            mark @ (b'"' | b'\'') => return quoted(cursor, Quote::Escaped(mark), escapes + 1),
            _ => {}
        }
    }
    let start = cursor.position;
    let rest = cursor.rest();
    let rest = rest.get(..LONGEST_VALUE).unwrap_or(rest);
    let length = match form {
        Form::Quoted | Form::Argument => return None,
        Form::Parameter => rest.iter().take_while(|b| b.is_ascii_graphic() && !b"&\"'`<>#;,)]}\\".contains(b)).count(),
        Form::Element => {
            let length = rest.iter().take_while(|byte| **byte != b'<').count();
            let lead = rest.iter().take(length).take_while(|byte| byte.is_ascii_whitespace()).count();
            cursor.position += lead;
            let text = rest.get(lead..length).unwrap_or_default().trim_ascii_end();
            return (!text.is_empty() && length < rest.len())
                .then_some((cursor.position..cursor.position + text.len(), Quote::None));
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
    let mut end = start + length;
    // The end of a statement or list is not part of the value.
    while end > start && matches!(cursor.bytes.get(end - 1), Some(b',' | b';')) {
        end -= 1;
    }
    (end > start).then_some((start..end, Quote::None))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        let start = text.to_ascii_lowercase().find("secret").unwrap();
        let found = at(text.as_bytes(), start..start + 6);
        let found = found.map(|found| (found.key.words().join(" "), text[found.span].to_owned()));
        let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn forms_of_assignment() {
        let some = Some(("client secret", "v4l-ue"));
        for text in [
            "CLIENT_SECRET=v4l-ue\n",
            "export CLIENT_SECRET=v4l-ue",
            "CLIENT_SECRET='v4l-ue'",
            "client_secret: v4l-ue # why",
            "  - client-secret: \"v4l-ue\"",
            "{\"client_secret\":\"v4l-ue\"}",
            "{\\\"client_secret\\\":\\\"v4l-ue\\\"}",
            "clientSecret = 'v4l-ue';",
            "const clientSecret: string = \"v4l-ue\"",
            "var clientSecret string = \"v4l-ue\"",
            "let client_secret: &str = \"v4l-ue\";",
            "client_secret => 'v4l-ue',",
            "clientSecret := `v4l-ue`",
            ".clientSecret(\"v4l-ue\")",
            "os.environ[\"CLIENT_SECRET\"] = \"v4l-ue\"",
            "getenv('CLIENT_SECRET', 'v4l-ue')",
            "ENV['CLIENT_SECRET'] || 'v4l-ue'",
            "<ClientSecret>v4l-ue</ClientSecret>",
            "<add key=\"ClientSecret\" value=\"v4l-ue\"/>",
            "- name: CLIENT_SECRET\n  value: v4l-ue\n",
            "{\"key\":\"client_secret\",\"value\":\"v4l-ue\"}",
            "{\"value\":\"v4l-ue\",\"key\":\"client_secret\",\"type\":\"text\"}",
            "\\\\\\\"client_secret\\\\\\\":\\\\\\\"v4l-ue\\\\\\\"",
            "| client_secret | v4l-ue |",
            "?client_secret=v4l-ue&x=1",
            "--client-secret v4l-ue --x",
            "--client-secret=v4l-ue",
            "ENV CLIENT_SECRET v4l-ue",
            "f(client_secret=v4l-ue, x)",
            "clientSecret: SecretStr(\"v4l-ue\")",
            "Client Secret: v4l-ue",
            "client_secret:\n  \"v4l-ue\"",
            "client_secret = b\"v4l-ue\"",
        ] {
            check(text, some);
        }
    }

    #[test]
    fn what_assigns_nothing() {
        for text in [
            "the client_secret is",
            "client_secret",
            "client_secret\n= 3",
            "ClientSecret::new()",
            "client_secret=\n",
            "fn client_secret() {",
            "client_secret=\"unfinished\n\"",
            "[\"client_secret\"]",
        ] {
            check(text, None);
        }
    }
}
