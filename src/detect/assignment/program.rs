//! What programs write around a value: types, calls, declarations, functions that return it.

use super::bytes::ByteSet;
use super::cursor::Cursor;
use super::{LONGEST_GAP, LONGEST_LABEL, preceding};

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
        static OF_TYPE: ByteSet = ByteSet::of_alphanumeric_and(b"_<>[]&'.?*:, ");
        let start = self.position;
        let length = self.skip_while(48, |byte| OF_TYPE.holds(byte));
        if self.peek() != Some(b'=') {
            self.position = start;
            return false;
        }
        // `token sha256=…`: what is assigned to is the second word, and no credential.
        let word = self.bytes.get(start..self.position).unwrap_or_default().trim_ascii();
        let is_other = OTHERS.iter().any(|other| word.eq_ignore_ascii_case(other));
        // Base64 ends with the same sign, but long before it there is no blank.
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
        self.attempt(|cursor| {
            let is_skipped = if cursor.eat(b"[") {
                cursor.skip_while(LONGEST_LABEL, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                cursor.eat(b"]")
            } else if cursor.eat(b"{") {
                cursor.skip_blanks();
                let is_property = cursor.rest().starts_with(b"get");
                cursor.skip_while(LONGEST_GAP, |byte| !b"{}\n".contains(&byte));
                is_property && cursor.eat(b"}")
            } else {
                false
            };
            cursor.skip_blanks();
            is_skipped && cursor.peek() == Some(b'=')
        });
    }

    /// `"name=" + "value"`: text that is joined from parts, of which the first ends here. Moves only if there is such a thing.
    pub(super) fn skip_to_joined_text(&mut self, before: Option<u8>) -> bool {
        self.attempt(|cursor| {
            let mark = cursor.peek();
            let is_end = matches!(before, Some(b'"' | b'\'' | b'&' | b'?'))
                && cursor.skip_while(1, |byte| matches!(byte, b'"' | b'\'')) == 1;
            if !is_end {
                return false;
            }
            cursor.skip_blanks();
            cursor.skip_while(2, |byte| b"+.~&".contains(&byte));
            cursor.skip_blanks();
            cursor.peek() == mark && cursor.peek_at(1).is_some_and(|byte| byte.is_ascii_graphic())
        })
    }

    /// `() { return VALUE`, `(self) -> str:` and `return VALUE` on the line below: what a function of that name gives. Moves only if
    /// a quoted text follows.
    pub(super) fn skip_to_returned(&mut self) -> bool {
        self.attempt(|cursor| {
            if !cursor.eat(b"(") {
                return false;
            }
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_alphanumeric() || b"_ ,&:".contains(&byte));
            if !cursor.eat(b")") {
                return false;
            }
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_alphanumeric() || b"_ <>.-:&'".contains(&byte));
            let opens_block = preceding(cursor.bytes, cursor.position) == Some(b':');
            if !cursor.eat(b"{") && !opens_block {
                return false;
            }
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            cursor.eat(b"return ") && matches!(cursor.peek(), Some(b'"' | b'\''))
        })
    }

    /// `SecretString("…")`, `[]byte("…")`, `new Key(UTF8.GetBytes("…"))`, `b"…"`, `@"…"`: what may stand before a quoted value.
    pub(super) fn skip_wrappers(&mut self) {
        static OF_CALL: ByteSet = ByteSet::of_alphanumeric_and(b"_.:[]");
        let start = self.position;
        for _ in 0..DEEPEST_CALL {
            self.eat(b"new ");
            let word = self.position;
            let length = self.skip_while(40, |byte| OF_CALL.holds(byte));
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
    const SHORTEST: usize = 3;
    if name.len() < SHORTEST {
        return false;
    }
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
