//! Sets of bytes that are asked for a hundred times for each name: one look tells what a row of comparisons would.

/// A set of bytes.
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// These bytes.
    pub(super) const fn of(bytes: &[u8]) -> Self {
        Self([false; 256]).and(bytes)
    }

    /// These bytes, and letters and digits.
    pub(super) const fn of_alphanumeric_and(bytes: &[u8]) -> Self {
        let mut set = Self([false; 256]);
        let mut byte: u8 = 0;
        while byte.is_ascii() {
            set.0[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        set.and(bytes)
    }

    const fn and(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self.0[bytes[index] as usize] = true;
            index += 1;
        }
        self
    }

    #[inline]
    pub(super) const fn holds(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }
}
