//! UTF-16 (RFC 2781), with a byte order mark or told by the noughts of its ASCII characters.

use std::ops::Range;

/// So many bytes tell what the rest is.
const HEAD: usize = 64;

/// Text of UTF-16 as UTF-8, and where each of its bytes stands.
pub(in crate::detect) struct Narrowed {
    pub(in crate::detect) text: Vec<u8>,
    /// Where the unit begins that each byte is of.
    places: Vec<u32>,
}

impl Narrowed {
    /// The text, if it is one.
    pub(in crate::detect) fn of(bytes: &[u8]) -> Option<Self> {
        let order = Order::of(bytes)?;
        let mut narrowed =
            Self { text: Vec::with_capacity(bytes.len() / 2), places: Vec::with_capacity(bytes.len() / 2) };
        let units = bytes.as_chunks::<2>().0.iter().map(|unit| match order {
            Order::Little => u16::from_le_bytes(*unit),
            Order::Big => u16::from_be_bytes(*unit),
        });
        let mut place = 0;
        for character in char::decode_utf16(units) {
            let (character, width) = character.map_or((char::REPLACEMENT_CHARACTER, 2), |c| (c, c.len_utf16() * 2));
            let start = u32::try_from(place).ok()?;
            // The mark itself is no text.
            if character != '\u{feff}' {
                narrowed.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                narrowed.places.resize(narrowed.text.len(), start);
            }
            place += width;
        }
        Some(narrowed)
    }

    /// Where some of the text stands.
    pub(in crate::detect) fn place_of(&self, span: &Range<usize>) -> Range<usize> {
        let place = |index: usize| self.places.get(index).or(self.places.last()).map_or(0, |place| *place as usize);
        place(span.start)..place(span.end.saturating_sub(1)) + 2
    }

    /// Whether [`Narrowed::of`] would give something.
    pub(in crate::detect) fn is_text(bytes: &[u8]) -> bool {
        Order::of(bytes).is_some()
    }
}

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // The mark of UTF-32 begins alike.
            [0xff, 0xfe, 0, 0, ..] => None,
            [0xff, 0xfe, ..] => Some(Self::Little),
            [0xfe, 0xff, ..] => Some(Self::Big),
            [first, second, ..] if (*first == 0) != (*second == 0) => {
                let head = bytes.get(..HEAD)?.as_chunks::<2>().0;
                let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
                if head.iter().all(|unit| is_text(unit[0]) && unit[1] == 0) {
                    Some(Self::Little)
                } else if head.iter().all(|unit| unit[0] == 0 && is_text(unit[1])) {
                    Some(Self::Big)
                } else {
                    None
                }
            }
            _ => None,
        }
    }
}
