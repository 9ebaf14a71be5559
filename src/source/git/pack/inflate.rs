//! [`Inflater`]: inflates the entries of a pack into memory that is used again and again.
//!
//! For whoever reads objects. A size that an entry claims is never believed before it is known to be possible.

use std::ops::Deref;

use libdeflater::Decompressor;
use thiserror::Error;

/// Inflates zlib streams. Keeps its tables, so each thread has one of its own.
#[derive(Default)]
pub struct Inflater {
    decompressor: Decompressor,
}

/// Why an entry cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InflateError {
    /// No stream of that length inflates to that size.
    #[error("its size of {0} bytes is more than its compressed bytes can hold")]
    ImpossibleSize(u64),
    /// The stream is not zlib, ends early, or has another checksum.
    #[error("its compressed bytes are damaged")]
    Damaged,
    /// The stream inflates to more or fewer bytes than claimed.
    #[error("its size is not the {0} bytes that it claims")]
    WrongSize(u64),
}

/// Bytes behind the last one that libdeflate is given room for. It writes past what it has inflated by up to 299 bytes while it
/// goes fast, and goes byte by byte where that much is not left: small entries as a whole.
const SLACK: usize = 320;

impl Inflater {
    /// Inflates the stream at the start of `stream`, which may be followed by anything, to exactly `size` bytes. A caller that
    /// limits memory checks `size` first. After an error the buffer holds nothing.
    pub fn inflate(&mut self, stream: &[u8], size: u64, buffer: &mut Buffer) -> Result<(), InflateError> {
        buffer.clear();
        if !is_possible(stream.len() as u64, size) {
            return Err(InflateError::ImpossibleSize(size));
        }
        let length = usize::try_from(size).map_err(|_| InflateError::ImpossibleSize(size))?;
        let inflated = self.decompressor.zlib_decompress(stream, buffer.reset_with(length, SLACK));
        let outcome = match inflated {
            Ok(inflated) if inflated == length => return Ok(()),
            Ok(_) | Err(libdeflater::DecompressionError::InsufficientSpace) => InflateError::WrongSize(size),
            Err(libdeflater::DecompressionError::BadData) => InflateError::Damaged,
        };
        buffer.clear();
        Err(outcome)
    }
}

/// Whether so many compressed bytes can inflate to that size. The densest that DEFLATE can say is 258 bytes in two bits.
pub fn is_possible(compressed: u64, size: u64) -> bool {
    size <= compressed.saturating_mul(258 * 4)
}

/// Bytes of an object, in memory that outlives it: what has been written once is not zeroed again for the next one.
#[derive(Default)]
pub struct Buffer {
    /// At least `length` long.
    memory: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// An empty buffer without memory.
    pub const fn new() -> Self {
        Self { memory: Vec::new(), length: 0 }
    }

    /// Gives room for so many bytes, which hold anything until they are overwritten.
    pub fn reset(&mut self, length: usize) -> &mut [u8] {
        self.reset_with(length, 0)
    }

    /// The same with so many bytes more behind the last one, which do not count.
    fn reset_with(&mut self, length: usize, slack: usize) -> &mut [u8] {
        let room = length.saturating_add(slack);
        if self.memory.len() < room {
            // Not grown in place: that would copy what is no longer wanted. An eighth more spares the next, slightly longer
            // version of the same file the same, and fresh memory of this size comes zeroed from the system.
            self.memory = Vec::new();
            self.memory = vec![0; room.saturating_add(length / 8)];
        }
        self.length = length;
        self.memory.get_mut(..room).unwrap_or_default()
    }

    /// Forgets the bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// How many bytes of memory it holds on to.
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// The bytes alone.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.memory.truncate(self.length);
        self.memory
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(memory: Vec<u8>) -> Self {
        Self { length: memory.len(), memory }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    fn check(stream: &[u8], size: u64, expected: Result<&[u8], InflateError>) {
        let mut buffer = Buffer::from(b"what was there before".to_vec());
        let inflated = Inflater::default().inflate(stream, size, &mut buffer);
        assert_eq!(inflated.map(|()| &*buffer), expected);
        assert!(inflated.is_ok() || buffer.is_empty());
    }

    #[test]
    fn streams_are_inflated_to_the_size_they_claim() {
        let stream = deflate(b"some bytes, some bytes");
        check(&stream, 22, Ok(b"some bytes, some bytes"));
        check(&[&stream[..], b"the next entry"].concat(), 22, Ok(b"some bytes, some bytes"));
        check(&stream, 21, Err(InflateError::WrongSize(21)));
        check(&stream, 23, Err(InflateError::WrongSize(23)));
        check(&stream[..stream.len() - 1], 22, Err(InflateError::Damaged));
        check(&deflate(b""), 0, Ok(b""));
        check(b"", 0, Err(InflateError::Damaged));
        check(b"not a stream", 22, Err(InflateError::Damaged));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused_before_memory_is_taken() {
        let zeros = vec![0; 1 << 20];
        let stream = deflate(&zeros);
        check(&stream, 1 << 20, Ok(&zeros));
        check(&stream, 1 << 40, Err(InflateError::ImpossibleSize(1 << 40)));
        check(&stream, u64::MAX, Err(InflateError::ImpossibleSize(u64::MAX)));
    }

    #[test]
    fn memory_is_kept() {
        let mut buffer = Buffer::new();
        buffer.reset(1000).fill(7);
        let capacity = buffer.capacity();
        buffer.reset(10);
        assert_eq!((buffer.len(), buffer.capacity()), (10, capacity));
        buffer.clear();
        assert_eq!((buffer.len(), buffer.capacity()), (0, capacity));
        buffer.reset(1000);
        assert_eq!(buffer.into_vec(), [7; 1000]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_inflated_or_refused(stream: Vec<u8>, size in 0_u64..1 << 20) {
            let mut buffer = Buffer::new();
            let inflated = Inflater::default().inflate(&stream, size, &mut buffer);
            assert_eq!(buffer.len() as u64, if inflated.is_ok() { size } else { 0 });
        }

        #[test]
        fn what_was_deflated_comes_back(bytes: Vec<u8>) {
            check(&deflate(&bytes), bytes.len() as u64, Ok(&bytes));
        }
    }
}
