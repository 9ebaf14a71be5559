//! [`PendingFile`]: a file that takes its name when it is complete, so that nobody reads half of it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Output that becomes a file with [`PendingFile::commit`], and nothing without it.
pub(super) struct PendingFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
}

impl PendingFile {
    /// Begins a file beside the place that it will take, which tells at once whether that can be written to. Where it
    /// `is_private`, only its owner can read it; otherwise the umask decides, as it does for any file.
    pub(super) fn create(path: &Path, is_private: bool) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".rescind-");
        #[cfg(unix)]
        if !is_private {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        #[cfg(not(unix))]
        let _ = is_private;
        let file = builder.tempfile_in(folder).with_context(|| cannot_write(path))?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file) })
    }

    /// Gives the file its name.
    pub(super) fn commit(self) -> anyhow::Result<()> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        let persisted = file.and_then(|file| file.persist(&self.path).map_err(|error| error.error));
        persisted.map(drop).with_context(|| cannot_write(&self.path))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}
