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
            self.skip_marks();
            self.skip_blanks();
            if !(self.eat(b"=") || self.eat(b":")) {
                break;
            }
            let is_value = ends_with_value(label) || VALUES.iter().any(|name| label.eq_ignore_ascii_case(name));
            if !is_value && !BETWEEN.iter().any(|name| label.eq_ignore_ascii_case(name)) {
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
        self.attempt(|cursor| {
            cursor.skip_while(1, |byte| byte == b'[');
            cursor.skip_blanks();
            let is_object = cursor.skip_while(1, |byte| byte == b'{') == 1;
            let is_line_end = cursor.peek() == Some(b'\n');
            let is_below = cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace()) > 1 && is_line_end;
            (is_object || is_below) && cursor.skip_to_value_of_pair()
        })
    }

    /// Quotation marks, and the backslashes before them.
    fn skip_marks(&mut self) {
        self.skip_while(DEEPEST_QUOTE, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    }

    /// `[`, `{`, `[]string{`: what opens a list, if a quoted text follows. Moves only then.
    pub(super) fn skip_list_opener(&mut self) -> bool {
        self.attempt(|cursor| {
            cursor.eat(b"[]string");
            cursor.eat(b"array");
            cursor.eat(b"new");
            cursor.skip_blanks();
            if cursor.skip_while(2, |byte| b"[{(".contains(&byte)) == 0 {
                return false;
            }
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            let escapes = cursor.backslashes_before_quote();
            matches!(cursor.peek_at(escapes), Some(b'"' | b'\''))
        })
    }

    /// `|`, `>-`: what announces a text on the lines below, in YAML. Moves to one that is a single long word.
    pub(super) fn skip_to_block_scalar(&mut self) -> bool {
        self.attempt(|cursor| {
            if cursor.skip_while(1, |byte| b"|>".contains(&byte)) == 0 {
                return false;
            }
            cursor.skip_while(2, |byte| byte.is_ascii_digit() || b"+-".contains(&byte));
            cursor.skip_blanks();
            cursor.skip_to_lone_word_below()
        })
    }

    /// `&anchor`, `!!str`: what YAML writes before a value.
    pub(super) fn skip_properties(&mut self) {
        for opener in [&b"&"[..], b"!!"] {
            self.attempt(|cursor| {
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                cursor.eat(opener) && cursor.skip_while(LONGEST_LABEL, is_name) > 0 && cursor.skip_blanks() > 0
            });
        }
    }

    /// `name="…"`, an empty line, the value: multipart/form-data (RFC 7578). Moves only if there is such a thing.
    pub(super) fn enter_part_of_form(&mut self, name_start: usize) -> bool {
        let is_named = self.before(name_start).ends_with(b"name=\"");
        is_named && self.attempt(|cursor| (cursor.eat(b"\r\n\r\n") || cursor.eat(b"\n\n")) && cursor.is_at_lone_word())
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

/// Whether a name ends with `value`, in any case.
pub(super) fn ends_with_value(name: &[u8]) -> bool {
    name.last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b"value"))
}
