//! [`PendingFile`]: a file that takes its name when it is complete, so that nobody reads half of it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Output that becomes a file with [`PendingFile::commit`], and nothing without it.
pub(super) struct PendingFile {
    /// As the user wrote it.
    name: PathBuf,
    /// Where its links lead.
    path: PathBuf,
    out: BufWriter<Target>,
}

enum Target {
    /// To be renamed.
    Temporary(NamedTempFile),
    /// A device or a pipe: what is written is gone at once, and its name must stay what it is.
    Stream(fs_err::File),
}

impl PendingFile {
    /// Begins a file beside the place that it will take, which tells at once whether that can be written to. Where it
    /// `is_private`, only its owner can read it; otherwise the umask decides, as it does for any file.
    pub(super) fn create(path: &Path, is_private: bool) -> anyhow::Result<Self> {
        // A link stays a link: what it leads to is replaced.
        let name = path.to_owned();
        let path = fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let target = match fs_err::metadata(&path) {
            Ok(existing) if !existing.is_file() => {
                Target::Stream(fs_err::OpenOptions::new().write(true).open(&path).with_context(|| cannot_write(&name))?)
            }
            _ => Target::Temporary(temporary(&path, is_private).with_context(|| cannot_write(&name))?),
        };
        Ok(Self { name, path, out: BufWriter::new(target) })
    }

    /// The name that it will take, as the user wrote it.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// Gives the file its name.
    pub(super) fn commit(self) -> anyhow::Result<()> {
        let target = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        let named = target.and_then(|target| match target {
            Target::Temporary(file) => file.persist(&self.path).map(drop).map_err(|error| error.error),
            Target::Stream(mut stream) => stream.flush(),
        });
        named.with_context(|| cannot_write(&self.name))
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

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

fn temporary(path: &Path, is_private: bool) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rescind-");
    #[cfg(unix)]
    if !is_private {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = is_private;
    builder.tempfile_in(folder)
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::FileTypeExt as _;

    use super::*;

    fn write(path: &Path, text: &str) {
        let mut file = PendingFile::create(path, false).expect("a place to write to");
        file.write_all(text.as_bytes()).expect("room");
        file.commit().expect("a name");
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report");
        let mut file = PendingFile::create(&path, false).expect("a place to write to");
        file.write_all(b"half").expect("room");
        assert!(!path.exists());
        drop(file);
        assert_eq!(fs_err::read_dir(folder.path()).expect("the folder").count(), 0);
        write(&path, "whole");
        assert_eq!(fs_err::read(&path).expect("the file"), b"whole");
    }

    /// `--output /dev/null` once replaced the device by a file, which nothing on the machine survives for long. A pipe stands
    /// in for the device here.
    #[test]
    fn a_device_or_pipe_is_written_to_and_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("`mkfifo` starts");
        assert!(made.success());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs_err::read(path)
        });
        write(&path, "whole");
        assert_eq!(reader.join().expect("no panic").expect("the pipe"), b"whole");
        assert!(fs_err::symlink_metadata(&path).expect("the pipe").file_type().is_fifo());
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("report"), folder.path().join("link"));
        fs_err::write(&path, "old").expect("the file");
        fs_err::os::unix::fs::symlink(&path, &link).expect("a link");
        write(&link, "new");
        assert_eq!(fs_err::read(&path).expect("the file"), b"new");
        assert!(fs_err::symlink_metadata(&link).expect("the link").is_symlink());
    }
}
