//! [`Secret`]: the value of a found credential.
//!
//! It cannot print itself: no `Display`, `Debug`, `Serialize` or `Clone`. The bytes are zeroed when it is dropped and leave
//! only through [`Secret::expose`], so that one search shows every place where a value can escape.

use zeroize::Zeroize;

/// A credential's value: bytes that must not reach a log, an error, a report or a file.
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes ownership of the bytes, which are zeroed on drop.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves. Every caller is a door out: detection shape checks, hashing, requests to an issuer, and
    /// `--show-secrets`.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, if it is UTF-8; the same door as [`Secret::expose`].
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Makes a second owner of the same bytes. Spelled out, so that copies are as easy to find as exposures.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A form that may be shown: the first and last characters of a long value, none of a short one.
    ///
    /// At most four characters at each end and never more than a quarter of the value in all, so that what is shown helps a
    /// person recognise the credential and helps nobody guess it. Line breaks and other control characters are shown as `·`.
    ///
    /// Of a PEM block (RFC 7468) the label is shown, which is the same for all keys of a sort.
    pub fn redacted(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        if let Some((label, _)) = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----"))
            && label.len() <= 64
            && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ')
        {
            return format!("-----BEGIN {label}-----…");
        }
        let characters: Vec<char> = text.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
        let shown = (characters.len() / 8).min(4);
        let head: String = characters.iter().take(shown).collect();
        let tail: String = characters.iter().skip(characters.len() - shown).collect();
        format!("{head}…{tail}")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redaction_shows_at_most_a_quarter() {
        for (value, expected) in [
            ("", "…"),
            ("short", "…"),
            ("0123456789abcdef", "01…ef"),
            ("0123456789abcdef0123456789abcdef0123456789abcdef", "0123…cdef"),
            ("-----BEGIN RSA PRIVATE -----abcdefghijklmnop", "-----BEGIN RSA PRIVATE -----…"),
            ("-----BEGIN lower-----abcdefghijklmnop", "----…mnop"),
            ("\n123456\n123456\n123456\n123456\n1234\n", "·123…234·"),
        ] {
            assert_eq!(Secret::new(value).redacted(), expected, "{}", value.len());
        }
    }
}
