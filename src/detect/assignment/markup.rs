//! Elements and attributes of XML and HTML that hold a value.

use std::ops::Range;

use super::cursor::Cursor;
use super::data::ends_with_value;
use super::value::LONGEST_VALUE;
use super::{LONGEST_GAP, Quote};

/// The longest name of an element that is read.
const LONGEST_TAG: usize = 32;

/// Elements that hold what the element before them names, besides those that end with `value`.
const HOLDERS: &[&[u8]] = &[b"string", b"td", b"dd", b"code", b"data"];

/// What opens text that nothing in it marks up.
const CDATA: &[u8] = b"<![CDATA[";

impl Cursor<'_> {
    /// `<name>`, `<name type="…">`, `name="…">`, `<key>name</key><string>`: leaves the cursor behind what opens the element with the
    /// value. Moves only if there is one.
    pub(super) fn enter_element(&mut self, before: Option<u8>, is_quoted: bool, name_start: usize) -> bool {
        self.attempt(|cursor| match before {
            Some(b'<') => cursor.eat(b">") || (cursor.skip_blanks() > 0 && cursor.skip_attributes()),
            Some(b'>') => cursor.skip_to_next_element(),
            _ if is_quoted && cursor.is_named_by_attribute(name_start) && cursor.skip_attributes() => {
                cursor.skip_to_holder();
                true
            }
            _ => false,
        })
    }

    /// The value of the element that the cursor is in: where its text stands, and how long it is with the blanks before it.
    pub(super) fn text_of_element(&mut self) -> Option<&[u8]> {
        self.eat(CDATA);
        let rest = self.rest();
        let rest = rest.get(..LONGEST_VALUE).unwrap_or(rest);
        let text = rest.get(..memchr::memchr(b'<', rest)?)?;
        Some(text.strip_suffix(b"]]>").unwrap_or(text))
    }

    fn is_named_by_attribute(&self, name_start: usize) -> bool {
        let tag = self.before(name_start);
        let tag = tag.strip_suffix(b"\"").or_else(|| tag.strip_suffix(b"'")).unwrap_or(tag);
        [&b"name="[..], b"key=", b"id="].iter().any(|attribute| tag.ends_with(attribute))
    }

    /// The attributes up to the end of the tag, if none of them holds the value.
    fn skip_attributes(&mut self) -> bool {
        let start = self.position;
        self.skip_while(LONGEST_GAP, |byte| !b"<>/\n".contains(&byte));
        let attributes = self.bytes.get(start..self.position).unwrap_or_default();
        memchr::memmem::find(attributes, b"value").is_none() && self.eat(b">")
    }

    /// `<value>` within an element that an attribute names. Stays where it is if the text is the element's own.
    fn skip_to_holder(&mut self) {
        self.attempt(|cursor| {
            cursor.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
            cursor.open_holder()
        });
    }

    /// `</key><string>`, `</td> <td>`, `</code>: <code>`.
    fn skip_to_next_element(&mut self) -> bool {
        if !self.eat(b"</") {
            return false;
        }
        self.skip_while(LONGEST_TAG, is_of_tag);
        if !self.eat(b">") {
            return false;
        }
        self.eat(b":");
        self.skip_while(LONGEST_GAP, |byte| byte.is_ascii_whitespace());
        self.open_holder()
    }

    /// What opens an element that holds a value.
    fn open_holder(&mut self) -> bool {
        self.attempt(|cursor| {
            if !cursor.eat(b"<") {
                return false;
            }
            let start = cursor.position;
            let length = cursor.skip_while(LONGEST_TAG, is_of_tag);
            let name = cursor.bytes.get(start..start + length).unwrap_or_default();
            let holds = ends_with_value(name) || HOLDERS.iter().any(|holder| name.eq_ignore_ascii_case(holder));
            holds && cursor.eat(b">")
        })
    }
}

/// The value of `value="VALUE" key="NAME"`, read backwards from the name.
pub(super) fn value_before(text: &[u8], start: usize) -> Option<(Range<usize>, Quote)> {
    let text = text.strip_suffix(b"\"")?;
    let attributes = [&b"key="[..], b"name=", b"Key=", b"Name="];
    let text = attributes.iter().find_map(|attribute| text.strip_suffix(*attribute))?;
    let blanks = text.len() - text.trim_ascii_end().len();
    let text = text.trim_ascii_end().strip_suffix(b"\"").filter(|_| blanks > 0)?;
    let open = text.iter().rposition(|byte| *byte == b'"')?;
    let before = text.get(..open)?;
    let is_value = before.ends_with(b" value=") || before.ends_with(b" Value=");
    (is_value && open + 1 < text.len()).then_some((start + open + 1..start + text.len(), Quote::Mark(b'"')))
}

fn is_of_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_:-".contains(&byte)
}
