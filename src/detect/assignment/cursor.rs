//! A place in the bytes that moves over what is understood.

use super::bytes::ByteSet;
use super::{DEEPEST_QUOTE, LONGEST_BLOCK, LONGEST_GAP, LONGEST_KEY};

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

    /// Lets `read` move the cursor, and takes it back to where it was if `read` tells that it has found nothing.
    pub(super) fn attempt(&mut self, read: impl FnOnce(&mut Self) -> bool) -> bool {
        let start = self.position;
        let is_found = read(self);
        if !is_found {
            self.position = start;
        }
        is_found
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
        length >= SHORTEST_WORD
            && !holds_assignment(word)
            && (after.is_empty() || after.starts_with(b"\n") || after.starts_with(b"\r\n"))
    }

    /// Whether a long word stands here that is none of prose, as its digits tell, and none of a program.
    pub(super) fn is_at_random_word(&self) -> bool {
        let rest = self.rest();
        let length = rest.iter().take(LONGEST_BLOCK).take_while(|byte| is_of_word(**byte)).count();
        let (word, after) = rest.split_at_checked(length).unwrap_or_default();
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        let is_ended = after.first().is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`,;".contains(byte));
        length >= SHORTEST_WORD
            && digits >= 2
            && word.iter().any(u8::is_ascii_alphabetic)
            && is_ended
            && !holds_assignment(word)
    }

    /// A heading, and one long word alone on the line below it. Moves only if there is such a thing.
    pub(super) fn skip_to_lone_word_below(&mut self) -> bool {
        self.attempt(|cursor| {
            cursor.eat(b":");
            cursor.eat(b"\r");
            if !cursor.eat(b"\n") {
                return false;
            }
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            cursor.is_at_lone_word()
        })
    }
}

/// Whether a word is a name and what is assigned to it, as `id=…`: not the end of base64.
fn holds_assignment(word: &[u8]) -> bool {
    word.iter().rev().skip_while(|byte| **byte == b'=').any(|byte| *byte == b'=')
}

/// What a word is made of that could be a credential and is neither prose nor a program nor a path.
fn is_of_word(byte: u8) -> bool {
    static OF_WORD: ByteSet = ByteSet::of_alphanumeric_and(b"-._~+=");
    OF_WORD.holds(byte)
}
