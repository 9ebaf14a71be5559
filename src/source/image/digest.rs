//! Digests of blobs, computed while they are read.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256, Sha512};

/// A digest being computed, in the algorithm that the expected one names.
pub(super) enum Hash {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
    /// Of an algorithm that the image specification does not know: not checked.
    None,
}

impl Hash {
    /// For a digest as manifests write it: `sha256:` and hexadecimal digits.
    pub(super) fn new(expected: &str) -> Self {
        match expected.split_once(':') {
            Some(("sha256", _)) => Self::Sha256(Sha256::new()),
            Some(("sha512", _)) => Self::Sha512(Box::new(Sha512::new())),
            _ => Self::None,
        }
    }

    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
            Self::None => {}
        }
    }

    /// The digest in the same spelling; `None` if the algorithm is not known.
    pub(super) fn finish(self) -> Option<String> {
        let (algorithm, digest) = match self {
            Self::Sha256(hash) => ("sha256", hash.finalize().to_vec()),
            Self::Sha512(hash) => ("sha512", hash.finalize().to_vec()),
            Self::None => return None,
        };
        let mut text = format!("{algorithm}:");
        for byte in digest {
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }
}

/// Hashes what is read through it.
pub(super) struct Hashing<'a> {
    /// The bytes of the blob.
    pub(super) reader: &'a mut dyn Read,
    /// Of what has been read so far.
    pub(super) hash: Hash,
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(into)?;
        self.hash.update(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}
