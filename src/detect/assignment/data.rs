//! What formats of data put between a name and its value: pairs, objects, lists, blocks.

use super::cursor::Cursor;
use super::{DEEPEST_QUOTE, LONGEST_BLOCK, LONGEST_GAP, LONGEST_LABEL};

/// What may stand between the name and the value of a pair, and how many of them with the value.
const BETWEEN: &[&[u8]] = &[
    b"type",
    b"tier",
    b"enabled",
    b"sensitive",
    b"secret",
    b"masked",
    b"protected",
    b"required",
    b"overwrite",
    b"scope",
    b"kind",
    b"in",
    b"encrypted",
];
const MOST_BETWEEN: usize = 3;

/// What the value of a pair is called, where that does not end with `value`.
const VALUES: &[&[u8]] = &[b"default", b"plain", b"plaintext"];

impl Cursor<'_> {
    /// `name: KEY` … `value: VALUE`, in YAML, JSON and XML. Moves only if there is such a thing.
    pub(super) fn skip_to_value_of_pair(&mut self) -> bool {
        let start = self.position;
        for _ in 0..MOST_BETWEEN {
            self.skip_while(2, |byte| byte == b',' || byte == b'\r');
            self.skip_space();
            self.skip_marks();
            let word = self.position;
            self.skip_while(LONGEST_LABEL, |byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte));
            // A colon parts a namespace from its name, and a name from its value.
            while self.position > word && self.bytes.get(self.position - 1) == Some(&b':') {
                self.position -= 1;
            }
            let label = self.bytes.get(word..self.position).unwrap_or_default();
            let is_value = label.len() >= 5 && label[label.len() - 5..].eq_ignore_ascii_case(b"value")
                || VALUES.iter().any(|name| label.eq_ignore_ascii_case(name));
            let is_between = BETWEEN.iter().any(|name| label.eq_ignore_ascii_case(name));
            self.skip_marks();
            self.skip_blanks();
            if !(is_value || is_between) || !(self.eat(b"=") || self.eat(b":")) {
                break;
            }
            self.skip_blanks();
            if is_value {
                return true;
            }
            self.skip_marks();
            self.skip_while(LONGEST_LABEL, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            self.skip_marks();
        }
        self.position = start;
        false
    }

    /// White space, also as it is written in quoted text.
    fn skip_space(&mut self) {
        let end = self.position + LONGEST_GAP;
        while self.position < end {
            match self.peek() {
                Some(byte) if byte.is_ascii_whitespace() => self.position += 1,
                Some(b'\\') if matches!(self.peek_at(1), Some(b'n' | b'r' | b't')) => self.position += 2,
                _ => break,
            }
        }
    }

    /// `{"value": VALUE}` and `default: VALUE` on the line below, one level within what the name names. Moves only if there is such a
    /// thing.
    pub(super) fn skip_to_nested_value(&mut self) -> bool {
        let start = self.position;
        self.skip_while(1, |byte| byte == b'[');
        self.skip_blanks();
        let is_object = self.skip_while(1, |byte| byte == b'{') == 1;
        let gap = self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
        let is_below = self.bytes.get(self.position - gap) == Some(&b'\n') && gap > 1;
        if (is_object || is_below) && self.skip_to_value_of_pair() {
            return true;
        }
        self.position = start;
        false
    }

    /// Quotation marks, and the backslashes before them.
    fn skip_marks(&mut self) {
        self.skip_while(DEEPEST_QUOTE, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    }

    /// `[`, `{`, `[]string{`: what opens a list, if a quoted text follows. Moves only then.
    pub(super) fn skip_list_opener(&mut self) -> bool {
        let start = self.position;
        self.eat(b"[]string");
        self.eat(b"array");
        self.eat(b"new");
        self.skip_blanks();
        if self.skip_while(2, |byte| b"[{(".contains(&byte)) > 0 {
            self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            let escapes = self.backslashes_before_quote();
            if matches!(self.peek_at(escapes), Some(b'"' | b'\'')) {
                return true;
            }
        }
        self.position = start;
        false
    }

    /// `|`, `>-`: what announces a text on the lines below, in YAML. Moves to one that is a single long word.
    pub(super) fn skip_to_block_scalar(&mut self) -> bool {
        let start = self.position;
        if self.skip_while(1, |byte| b"|>".contains(&byte)) == 1 {
            self.skip_while(2, |byte| byte.is_ascii_digit() || b"+-".contains(&byte));
            self.skip_blanks();
            if self.skip_to_lone_word_below() {
                return true;
            }
        }
        self.position = start;
        false
    }

    /// `&anchor`, `!!str`: what YAML writes before a value.
    pub(super) fn skip_properties(&mut self) {
        for opener in [&b"&"[..], b"!!"] {
            let start = self.position;
            if self.eat(opener) {
                let length = self.skip_while(32, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                if length == 0 || self.skip_blanks() == 0 {
                    self.position = start;
                }
            }
        }
    }

    /// `name="…"`, an empty line, the value: multipart/form-data (RFC 7578). Moves only if there is such a thing.
    pub(super) fn enter_part_of_form(&mut self, name_start: usize) -> bool {
        let start = self.position;
        let is_named = self.before(name_start).ends_with(b"name=\"");
        if is_named && (self.eat(b"\r\n\r\n") || self.eat(b"\n\n")) && self.is_at_lone_word() {
            return true;
        }
        self.position = start;
        false
    }

    /// `variable "name" { … default = VALUE }`: moves to the value, if there is such a thing.
    pub(super) fn skip_to_default(&mut self) -> bool {
        let start = self.position;
        if self.eat(b"{") {
            let text = self.rest();
            let text = text.get(..LONGEST_BLOCK).unwrap_or(text);
            let block = text.iter().position(|byte| *byte == b'}').and_then(|end| text.get(..end)).unwrap_or(text);
            let lines = block.split_inclusive(|byte| *byte == b'\n');
            let mut offset = 0;
            for line in lines {
                let rest = line.trim_ascii_start();
                if let Some(rest) = rest.strip_prefix(b"default")
                    && let Some(value) = rest.trim_ascii_start().strip_prefix(b"=")
                {
                    self.position += offset + line.len() - value.trim_ascii_start().len();
                    return true;
                }
                offset += line.len();
            }
        }
        self.position = start;
        false
    }
}
