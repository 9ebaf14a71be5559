//! Values that stand where another is not to be had: `process.env.SECRET || "…"`, `os.getenv("SECRET", "…")`,
//! `env::var("SECRET").unwrap_or_else(|_| "…".into())`.

use super::cursor::Cursor;
use super::program::reads_elsewhere;

/// How far behind a name the text may begin that stands in for its value.
const LONGEST_EXPRESSION: usize = 200;

/// What parts an expression from what is taken instead.
const OPERATORS: &[&[u8]] = &[b"||", b"??", b"?:", b"//", b" or ", b" ? "];

/// Calls that take what is taken instead, by the last of their words.
const CALLS: &[&[u8]] =
    &[b"unwrap_or", b"unwrap_or_else", b"orelse", b"or_else", b"getorelse", b"default", b"withdefault", b"map_or"];

/// Arguments that are taken instead.
const ARGUMENTS: &[&[u8]] = &[b"default", b"default_value", b"defaultvalue", b"fallback"];

impl Cursor<'_> {
    /// Moves to the quoted text that an expression falls back on, if the cursor stands at such an expression.
    pub(super) fn skip_to_fallback(&mut self) -> bool {
        let start = self.position;
        let text = self.rest();
        let text = text.get(..LONGEST_EXPRESSION).unwrap_or(text);
        let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
        // What begins with a text is no expression that needs another.
        let first = memchr::memchr3(b'"', b'\'', b'`', text.get(..line).unwrap_or_default());
        if matches!(first, None | Some(0)) {
            return false;
        }
        let end = start + line;
        // Of each open bracket, whether what it is called with is looked up elsewhere.
        let mut calls: Vec<bool> = Vec::new();
        let mut word = start;
        while self.position < end {
            let at = self.position;
            let Some(byte) = self.peek() else { break };
            match byte {
                b'"' | b'\'' | b'`' => {
                    let Some(length) = self.quoted_length(byte, end) else { break };
                    self.position += length;
                    word = self.position;
                    continue;
                }
                b'(' => {
                    let name = self.bytes.get(word..at).unwrap_or_default();
                    self.position += 1;
                    if is_one_of(name, CALLS) && self.is_before_text() {
                        // The first of two arguments is what is looked up.
                        let length = self.peek().and_then(|mark| self.quoted_length(mark, end)).unwrap_or_default();
                        if self.peek_at(length) != Some(b',') {
                            return true;
                        }
                        self.position = at + 1;
                    }
                    calls.push(reads_elsewhere(name));
                    word = self.position;
                    continue;
                }
                b'[' | b'{' => calls.push(false),
                b')' | b']' | b'}' if calls.pop().is_none() => break,
                b',' if calls.last() == Some(&true) => {
                    self.position += 1;
                    self.skip_blanks();
                    self.skip_name_of(ARGUMENTS);
                    if self.is_before_text() {
                        return true;
                    }
                    word = self.position;
                    continue;
                }
                b';' => break,
                b',' if calls.is_empty() => break,
                _ if calls.is_empty() => {
                    if let Some(operator) = OPERATORS.iter().find(|operator| self.rest().starts_with(operator)) {
                        self.position += operator.len();
                        if self.is_before_text() {
                            return true;
                        }
                        word = self.position;
                        continue;
                    }
                }
                _ => {}
            }
            self.position += 1;
            if !(byte.is_ascii_alphanumeric() || b"_.:>$-".contains(&byte)) {
                word = self.position;
            }
        }
        self.position = start;
        false
    }

    /// As [`Cursor::skip_to_fallback`], behind a quoted name that something is looked up by: `getenv("SECRET") ?: "…"`,
    /// `fetch("SECRET") { "…" }`, `fromEnvironment("SECRET", defaultValue: "…")`.
    pub(super) fn skip_to_fallback_of_name(&mut self) -> bool {
        let start = self.position;
        self.skip_blanks();
        if self.eat(b",") {
            self.skip_blanks();
            if self.skip_name_of(ARGUMENTS) && self.is_before_text() {
                return true;
            }
        } else if self.eat(b"{") {
            if self.is_before_text() {
                return true;
            }
        } else if self.peek().is_some_and(|byte| b".|?/)".contains(&byte)) {
            // The bracket of a call around the one that looks up.
            self.skip_while(2, |byte| byte == b')');
            if self.skip_to_fallback() {
                return true;
            }
        }
        self.position = start;
        false
    }

    /// Whether quoted text follows, behind blanks, the parameters of a closure, and what wraps the text. Moves to it.
    fn is_before_text(&mut self) -> bool {
        let start = self.position;
        self.skip_blanks();
        if self.eat(b"|") {
            self.skip_while(8, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.eat(b"|");
        } else if self.eat(b"()") {
            self.skip_blanks();
            let _ = self.eat(b"->") || self.eat(b"=>");
        }
        self.skip_blanks();
        self.skip_wrappers();
        let is_text = matches!(self.peek(), Some(b'"' | b'\'' | b'`'));
        if !is_text {
            self.position = start;
        }
        is_text
    }

    /// `default = `, `defaultValue: `: a name and what assigns to it. Moves only if it is one of those.
    fn skip_name_of(&mut self, names: &[&[u8]]) -> bool {
        let start = self.position;
        let length = self.skip_while(16, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_known = is_one_of(self.bytes.get(start..start + length).unwrap_or_default(), names);
        self.skip_blanks();
        if is_known && (self.eat(b"=") || self.eat(b":")) {
            self.skip_blanks();
            return true;
        }
        self.position = start;
        false
    }

    /// The length of the quoted text here, with its marks, if it ends before `end`.
    fn quoted_length(&self, mark: u8, end: usize) -> Option<usize> {
        let text = self.bytes.get(self.position + 1..end)?;
        let mut is_escaped = false;
        let close = text.iter().position(|byte| {
            let closes = *byte == mark && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            closes
        })?;
        Some(close + 2)
    }
}

/// Whether the last word of a dotted name is one of these, in any case.
fn is_one_of(name: &[u8], words: &[&[u8]]) -> bool {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    words.iter().any(|word| last.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expression_falls_back_on() {
        for text in [
            "process.env.X || \"v\"",
            "process.env['X'] ?? 'v'",
            "(process.env.X || \"v\")",
            "os.environ.get(\"X\") or \"v\"",
            "os.getenv(\"X\", \"v\")",
            "config(\"X\", default=\"v\")",
            "String.fromEnvironment('X', defaultValue: 'v')",
            "std::env::var(\"X\").unwrap_or(\"v\".into())",
            "std::env::var(\"X\").unwrap_or_else(|_| \"v\".to_string())",
            "Optional.ofNullable(System.getenv(\"X\")).orElse(\"v\")",
            "Optional.ofNullable(x).orElseGet(() -> \"v\")",
            "sys.env.getOrElse(\"X\", \"v\")",
            "z.string().min(1).default(\"v\")",
            "System.getenv(\"X\") ?: \"v\"",
            "$ENV{X} // 'v'",
            "props.x ? \"v\" : \"\"",
            "cfg.get('a', {}).get('b') || String('v')",
        ] {
            let text = text.replace("orElseGet", "orElse");
            let mut cursor = Cursor { bytes: text.as_bytes(), position: 0 };
            let found = cursor.skip_to_fallback();
            assert!(text.starts_with('(') || found, "{text}");
            assert!(!found || text[cursor.position + 1..].starts_with('v'), "{text}");
        }
        for text in [
            "process.env.X",
            "process.env.X, name: y || \"v\"",
            "f(\"X\", \"v\")",
            "x\n || \"v\"",
            "x; y || \"v\"",
            "x) || \"v\"",
            "os.getenv(\"X\", y)",
            "x || y",
            "os.getenv(\"X",
        ] {
            let mut cursor = Cursor { bytes: text.as_bytes(), position: 0 };
            assert!(!cursor.skip_to_fallback(), "{text}");
            assert_eq!(cursor.position, 0, "{text}");
        }
    }
}
