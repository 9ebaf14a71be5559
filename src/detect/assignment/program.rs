//! What programs write around a value: types, calls, declarations, functions that return it.

use super::cursor::Cursor;
use super::{LONGEST_GAP, LONGEST_LABEL};

/// How many calls may stand around a value.
const DEEPEST_CALL: usize = 3;

/// What is said of a credential and is none.
const OTHERS: &[&[u8]] = &[
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
    b"version",
];

impl Cursor<'_> {
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
