//! Ends the input where a hostile archive would make its reader hold or expand too much.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};

/// The headers that describe one entry of a tar (long names, PAX records, maps of sparse files) may take this many bytes: the
/// `tar` crate holds them in memory.
const DESCRIPTION_BYTES: u64 = 1024 * 1024;

/// What a [`Metered`] reader may still give.
pub(super) struct Meter {
    /// Until the next entry is found.
    allowance: Cell<u64>,
    /// In all.
    total: Cell<u64>,
}

impl Meter {
    /// A reader may give `total` bytes; the first header is looked for.
    pub(super) fn new(total: u64) -> Self {
        Self { allowance: Cell::new(DESCRIPTION_BYTES), total: Cell::new(total) }
    }

    /// The next entry is looked for, behind what is `unread` of the last one.
    pub(super) fn expect_header(&self, unread: u64) {
        self.allowance.set(unread.saturating_add(DESCRIPTION_BYTES));
    }

    /// Content is read.
    pub(super) fn expect_content(&self) {
        self.allowance.set(u64::MAX);
    }

    /// Which limit ended the input, if one did.
    pub(super) fn exceeded(&self) -> Option<&'static str> {
        if self.total.get() == 0 {
            Some("it expands beyond every limit")
        } else if self.allowance.get() == 0 {
            Some("the headers of one entry take more than a megabyte")
        } else {
            None
        }
    }
}

/// Reads as long as its meter allows.
pub(super) struct Metered<'a, R> {
    reader: R,
    meter: &'a Meter,
}

impl<'a, R> Metered<'a, R> {
    /// Puts a reader under a meter.
    pub(super) fn new(reader: R, meter: &'a Meter) -> Self {
        Self { reader, meter }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Meter { allowance, total } = self.meter;
        let left = allowance.get().min(total.get());
        if left == 0 && !into.is_empty() {
            return Err(io::Error::other("limit"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let read = self.reader.read(into.get_mut(..most).unwrap_or_default())?;
        allowance.set(allowance.get().saturating_sub(read as u64));
        total.set(total.get().saturating_sub(read as u64));
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<'_, R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.reader.seek(position)
    }
}
