//! [`Fingerprint`]: the name of a secret that does not give it away.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Kind;

/// The id of a finding: `rsc1_` and 32 hexadecimal digits (the first 128 bits of HMAC-SHA-256 over kind and value).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

/// Makes the fingerprint of a value that comes piece by piece.
pub struct Fingerprinter(Hmac<Sha256>);

/// The key of the fingerprint.
///
/// The default key is public: it makes ids equal on every machine, so that baselines can be shared, but lets somebody who
/// has a report test guesses of a weak value. An organisation that minds gives its own key (`fingerprint_key_file`).
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// A key of any length.
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// Begins the fingerprint of a value of that kind.
    pub fn start(&self, kind: Kind) -> Fingerprinter {
        let mut mac = self.0.clone();
        mac.update(kind.as_str().as_bytes());
        mac.update(&[0]);
        Fingerprinter(mac)
    }
}

impl Default for FingerprintKey {
    fn default() -> Self {
        Self::new(b"rescind fingerprint, version 1")
    }
}

impl Fingerprinter {
    /// Takes in the next piece of the value.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The fingerprint of all that was taken in.
    pub fn finish(self) -> Fingerprint {
        let digest = self.0.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Fingerprint(short)
    }
}

impl Fingerprint {
    /// The fingerprint of a normalised value of that kind.
    pub fn of(key: &FingerprintKey, kind: Kind, value: &[u8]) -> Self {
        let mut fingerprinter = key.start(kind);
        fingerprinter.add(value);
        fingerprinter.finish()
    }

    /// Reads the written form back.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("rsc1_")?;
        if digits.len() != 32 || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rsc1_{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_form_reads_back() {
        let id = Fingerprint::of(&FingerprintKey::default(), Kind::Jwt, b"value");
        assert_eq!(Fingerprint::parse(&id.to_string()), Some(id));
        for bad in ["", "rsc1_", "rsc2_00000000000000000000000000000000", "rsc1_+0000000000000000000000000000000"] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn kind_and_key_separate_equal_values() {
        let key = FingerprintKey::default();
        let id = Fingerprint::of(&key, Kind::Jwt, b"value");
        assert_ne!(id, Fingerprint::of(&key, Kind::ApiKey, b"value"));
        assert_ne!(id, Fingerprint::of(&FingerprintKey::new(b"ours"), Kind::Jwt, b"value"));
    }
}
