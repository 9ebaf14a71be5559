//! What the commonest anchors become in encodings.

/// An encoding, and where in it an anchor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) enum Coding {
    /// Base64 (RFC 4648 §4 and §5): how many characters stand between the beginning of a group of four and the anchor.
    Base64(u8),
    /// Hexadecimal digits (RFC 4648 §8).
    Hex,
    /// A gzip stream in base64, which the anchor begins.
    Gzip,
}

/// Words that most texts with credentials hold, without a first letter that may be a capital, and beginnings of tokens.
const WORDS: &[&str] = &[
    "ecret",
    "SECRET",
    "token",
    "TOKEN",
    "Token",
    "assword",
    "PASSWORD",
    "api_key",
    "API_KEY",
    "apiKey",
    "-----BEGIN ",
    "eyJhbGciOi",
    "eyJ0eXAiOi",
    "eyJraWQiOi",
];

/// Those that are looked for in base64 within base64.
const NESTED: &[&str] = &["ecret", "SECRET", "assword"];

/// Those that are looked for as UTF-16 in base64, which commands of PowerShell are handed over in.
const WIDE: &[&str] = &["ecret", "SECRET", "assword", "oken"];

/// Those that are looked for in hexadecimal.
const IN_HEX: &[&str] = &["secret", "SECRET", "token", "TOKEN", "password", "PASSWORD", "eyJhbGciOi"];

/// The least length of an anchor in base64: shorter ones stand everywhere.
const SHORTEST: usize = 6;

/// The anchors, and what each shows.
pub(in crate::detect) fn anchors() -> Vec<(String, Coding)> {
    let mut anchors = Vec::new();
    for word in WORDS {
        anchors.extend(in_base64(word.as_bytes()));
    }
    for word in NESTED {
        for (inner, _) in in_base64(word.as_bytes()) {
            anchors.extend(in_base64(inner.as_bytes()));
        }
    }
    for word in WIDE {
        let bytes: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
        anchors.extend(in_base64(&bytes));
    }
    let digits = |byte: u8| format!("{byte:02x}").into_bytes();
    let hex = |word: &&str| (word.bytes().flat_map(digits).map(char::from).collect(), Coding::Hex);
    anchors.extend(IN_HEX.iter().map(hex));
    // The first bytes of gzip, as all writers write them, and those in base64 once more.
    anchors.push(("H4sIA".to_owned(), Coding::Gzip));
    anchors.push(("SDRzSU".to_owned(), Coding::Base64(0)));
    anchors
}

/// What some bytes become, wherever in a group of three they begin: the characters that no neighbour has a say in.
fn in_base64(bytes: &[u8]) -> Vec<(String, Coding)> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let with_offset = |offset: usize| {
        let (first, end) = ((offset * 8).div_ceil(6), (offset + bytes.len()) * 8 / 6);
        let bit = |index: usize| {
            let byte = bytes.get(index / 8 - offset).copied().unwrap_or_default();
            usize::from(byte >> (7 - index % 8) & 1)
        };
        let digit = |place: usize| (place * 6..place * 6 + 6).fold(0, |digit, index| digit << 1 | bit(index));
        let text: String = (first..end).map(|place| char::from(DIGITS[digit(place)])).collect();
        (text, Coding::Base64(u8::try_from(first).unwrap_or_default()))
    };
    (0..3).map(with_offset).filter(|(text, _)| text.len() >= SHORTEST).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn anchors_stand_in_what_is_encoded() {
        let all = anchors();
        for word in WORDS {
            for before in ["", "x", "xy", "xyz="] {
                let text = STANDARD.encode(format!("{before}{word}=value"));
                let found = all.iter().any(|(anchor, coding)| match coding {
                    Coding::Base64(skip) => {
                        text.match_indices(anchor.as_str()).any(|(at, _)| at % 4 == usize::from(*skip) % 4)
                    }
                    _ => false,
                });
                assert!(found, "{text}");
            }
        }
        assert!(all.iter().all(|(anchor, _)| anchor.len() >= 5));
    }
}
