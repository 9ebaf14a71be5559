//! `Mapped`: a file of the object database as bytes, without reading it.

use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file. Packs are larger than memory should be, and are read in no order: mapped, they cost no copy and no
/// system call for each of a million entries.
pub(in crate::source::git) struct Mapped(Option<Mmap>);

impl Mapped {
    /// Maps a regular file.
    ///
    /// Whoever truncates it meanwhile ends the process, as with git itself; git never changes a pack or an index that has its
    /// name.
    #[expect(unsafe_code, reason = "packs are read in no order, and are too large to be read into memory")]
    pub(in crate::source::git) fn open(path: &Path) -> std::io::Result<Self> {
        if !fs_err::metadata(path)?.is_file() {
            // A pipe in its place would never end.
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        let file = fs_err::File::open(path)?;
        if file.metadata()?.len() == 0 {
            // No system maps nothing.
            return Ok(Self(None));
        }
        // SAFETY: the map is only read, as bytes of any value. Git replaces these files and never writes into them; a change
        // by somebody else is seen as other bytes, which every reader has to expect anyway.
        let map = unsafe { Mmap::map(file.file()) }?;
        Ok(Self(Some(map)))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
