//! A place in the bytes that moves over what is understood.

use super::{DEEPEST_QUOTE, LONGEST_GAP, LONGEST_KEY};

/// How many calls may stand around a value.
const DEEPEST_CALL: usize = 3;

/// How far into a block its default is looked for.
const LONGEST_BLOCK: usize = 512;

/// The longest name of what stands between a name and its value.
const LONGEST_LABEL: usize = 32;

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

/// What is said of a credential and is none.
const OTHERS: &[&[u8]] = &[
    b"id",
    b"sha1",
    b"sha256",
    b"sha512",
    b"md5",
    b"hash",
    b"digest",
    b"checksum",
    b"fingerprint",
    b"count",
    b"length",
    b"size",
    b"name",
    b"url",
    b"uri",
    b"path",
    b"file",
    b"version",
];

/// What the value of a pair is called, where that does not end with `value`.
const VALUES: &[&[u8]] = &[b"default", b"plain", b"plaintext"];

/// The shortest word that can be a value where nothing but its place says so.
const SHORTEST_WORD: usize = 16;

pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(self.position + offset).copied()
    }

    /// What stands before a position, as far as the indentation of a line may reach.
    pub(super) fn before(&self, position: usize) -> &'a [u8] {
        self.bytes.get(position.saturating_sub(LONGEST_KEY)..position).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub(super) fn eat(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    pub(super) fn skip_while(&mut self, most: usize, accept: impl Fn(u8) -> bool) -> usize {
        let count = self.rest().iter().take(most).take_while(|byte| accept(**byte)).count();
        self.position += count;
        count
    }

    pub(super) fn skip_blanks(&mut self) -> usize {
        self.skip_while(LONGEST_GAP, |byte| byte == b' ' || byte == b'\t')
    }

    /// Whatever closes a quoted or indexed name; tells whether the name was quoted.
    pub(super) fn skip_closers(&mut self) -> bool {
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
    pub(super) fn backslashes_before_quote(&self) -> usize {
        let count = self.rest().iter().take(DEEPEST_QUOTE).take_while(|byte| **byte == b'\\').count();
        if matches!(self.peek_at(count), Some(b'"' | b'\'')) { count } else { 0 }
    }

    /// `string =`, `&str =`, `Option<String> =`: a type between name and value. Moves only if there is one.
    pub(super) fn skip_type(&mut self) -> bool {
        let start = self.position;
        let length = self.skip_while(48, |b| b.is_ascii_alphanumeric() || b"_<>[]&'.?*:, ".contains(&b));
        // Base64 ends with the same sign, but long before it there is no blank.
        let word = self.bytes.get(start..self.position).unwrap_or_default().trim_ascii();
        // `token sha256=…`: what is assigned to is the second word, and no credential.
        let is_other = OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other));
        let is_type = length > 0 && !is_other && (length <= 12 || self.bytes.get(self.position - 1) == Some(&b' '));
        if is_type && self.eat(b"=") && !matches!(self.peek(), None | Some(b'=' | b'>' | b'\n' | b'\r')) {
            self.skip_blanks();
            return true;
        }
        self.position = start;
        false
    }

    /// `[]`, `[32]`, `{ get; set; }`: what C and C# write between a name and what assigns. Moves only if there is such a thing.
    pub(super) fn skip_declarator(&mut self) {
        let start = self.position;
        let is_skipped = if self.eat(b"[") {
            self.skip_while(LONGEST_LABEL, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.eat(b"]")
        } else if self.eat(b"{") {
            self.skip_blanks();
            let is_property = self.rest().starts_with(b"get");
            self.skip_while(LONGEST_GAP, |byte| !b"{}\n".contains(&byte));
            is_property && self.eat(b"}")
        } else {
            false
        };
        self.skip_blanks();
        if !is_skipped || self.peek() != Some(b'=') {
            self.position = start;
        }
    }

    /// `"name=" + "value"`: text that is joined from parts, of which the first ends here. Moves only if there is such a thing.
    pub(super) fn skip_to_joined_text(&mut self, before: Option<u8>) -> bool {
        let start = self.position;
        let is_end = matches!(before, Some(b'"' | b'\'' | b'&' | b'?'))
            && self.skip_while(1, |byte| matches!(byte, b'"' | b'\'')) == 1;
        if is_end {
            self.skip_blanks();
            self.skip_while(2, |byte| b"+.~&".contains(&byte));
            self.skip_blanks();
            let mark = self.bytes.get(start).copied();
            if self.peek() == mark && self.peek_at(1).is_some_and(|byte| byte.is_ascii_graphic()) {
                return true;
            }
        }
        self.position = start;
        false
    }

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

    /// `() { return VALUE`, `(self) -> str:` and `return VALUE` on the line below: what a function of that name gives. Moves only if
    /// a quoted text follows.
    pub(super) fn skip_to_returned(&mut self) -> bool {
        let start = self.position;
        if self.eat(b"(") {
            self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_alphanumeric() || b"_ ,&:".contains(&byte));
            if self.eat(b")") {
                self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_alphanumeric() || b"_ <>.-:&'".contains(&byte));
                let opener = self.bytes.get(self.position - 1).copied();
                if self.eat(b"{") || opener == Some(b':') {
                    self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
                    if self.eat(b"return ") && matches!(self.peek(), Some(b'"' | b'\'')) {
                        return true;
                    }
                }
            }
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

    /// `SecretString("…")`, `[]byte("…")`, `new Key(UTF8.GetBytes("…"))`, `b"…"`, `@"…"`: what may stand before a quoted value.
    pub(super) fn skip_wrappers(&mut self) {
        let start = self.position;
        for _ in 0..DEEPEST_CALL {
            self.eat(b"new ");
            let word = self.position;
            let length = self.skip_while(40, |b| b.is_ascii_alphanumeric() || b"_.:[]".contains(&b));
            let name = self.bytes.get(word..self.position).unwrap_or_default();
            let is_prefix = length <= 2 && !self.rest().starts_with(b"(");
            if is_prefix {
                self.eat(b"@");
            }
            if !(is_prefix || self.eat(b"(")) || reads_elsewhere(name) {
                break;
            }
            if matches!(self.peek(), Some(b'"' | b'\'' | b'`')) {
                return;
            }
            let is_call = self.rest().iter().take(40).any(|byte| *byte == b'(');
            if is_prefix || !is_call {
                break;
            }
        }
        self.position = start;
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

    /// Whether a word stands here that could be a credential, and is no path.
    pub(super) fn is_at_word(&self) -> bool {
        let rest = self.rest();
        let rest = rest.strip_prefix(b"`").or(rest.strip_prefix(b"\"")).unwrap_or(rest);
        let length = rest.iter().take(LONGEST_BLOCK).take_while(|byte| is_of_word(**byte)).count();
        length > 0 && rest.get(length) != Some(&b'/')
    }

    /// Whether the rest of the line is a password: one word of any characters.
    pub(super) fn is_at_lone_password(&self) -> bool {
        let length = self.rest().iter().take(LONGEST_BLOCK).take_while(|byte| byte.is_ascii_graphic()).count();
        length > 0 && matches!(self.peek_at(length), None | Some(b'\n' | b'\r'))
    }

    /// Whether the rest of the line is one long word.
    pub(super) fn is_at_lone_word(&self) -> bool {
        let rest = self.rest();
        let length = rest.iter().take(LONGEST_BLOCK).take_while(|byte| is_of_word(**byte)).count();
        let (word, after) = rest.split_at_checked(length).unwrap_or_default();
        let is_named = word.iter().rev().skip_while(|byte| **byte == b'=').any(|byte| *byte == b'=');
        length >= SHORTEST_WORD
            && !is_named
            && (after.is_empty() || after.starts_with(b"\n") || after.starts_with(b"\r\n"))
    }

    /// Whether a long word stands here that is none of prose, as its digits tell, and none of a program.
    pub(super) fn is_at_random_word(&self) -> bool {
        let rest = self.rest();
        let length = rest.iter().take(LONGEST_BLOCK).take_while(|byte| is_of_word(**byte)).count();
        let (word, after) = rest.split_at_checked(length).unwrap_or_default();
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        // `id=…` names something else.
        let is_named = word.iter().rev().skip_while(|byte| **byte == b'=').any(|byte| *byte == b'=');
        let is_ended = after.first().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`,;".contains(byte));
        length >= SHORTEST_WORD && digits >= 2 && word.iter().any(u8::is_ascii_alphabetic) && is_ended && !is_named
    }

    /// A heading, and one long word alone on the line below it. Moves only if there is such a thing.
    pub(super) fn skip_to_lone_word_below(&mut self) -> bool {
        let start = self.position;
        self.eat(b":");
        self.eat(b"\r");
        if self.eat(b"\n") {
            self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            if self.is_at_lone_word() {
                return true;
            }
        }
        self.position = start;
        false
    }
}

/// What a word is made of that could be a credential and is neither prose nor a program nor a path.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+=".contains(&byte)
}

/// Whether a function of that name looks the value up somewhere else, so that its argument is a name.
pub(super) fn reads_elsewhere(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    if name.ends_with(b"getbytes") {
        return false;
    }
    [
        "env", "get", "config", "param", "fetch", "lookup", "read", "load", "var", "flag", "find", "input", "file",
        "resolve",
    ]
    .iter()
    .any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some())
}
