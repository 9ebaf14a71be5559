//! One pass over the files of a layer, or of any other tar, as it streams out of the decompressor.
//!
//! Nothing is written to disk here, and no path is ever followed. Everything that holds bytes is handed out, whatever type its
//! header claims: parsers disagree about the size of a link or directory, and a file must not hide in the difference. What
//! follows the end of the archive is handed out too. Whatever cannot be read is told.

use std::io::{self, Read};
use std::ops::Range;

use super::meter::{Meter, Metered};
use super::shadow::{LayerPaths, Shadows};

/// The path under which bytes behind the end of an archive are reported.
pub(super) const TRAILING: &[u8] = b"trailing:";

/// Files are handed out when so many bytes are together.
const BATCH_BYTES: usize = 1024 * 1024;

/// Files larger than this are not held in memory where they can be looked into as they are read.
const LARGEST_HELD: u64 = 32 << 20;

/// How much of a layer is read at most. Real layers stay far below; these bounds end decompression bombs.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Larger files are left out where they have to be held in memory.
    pub(super) file_bytes: u64,
    /// Larger files are left out where they are looked into as they are read.
    pub(super) stream_bytes: u64,
    /// A layer may expand to this many bytes.
    pub(super) layer_bytes: u64,
    /// And hold this many entries.
    pub(super) entries: u64,
}

impl Limits {
    /// The bounds of a scan that leaves out files larger than `file_bytes`.
    pub(super) fn new(file_bytes: u64) -> Self {
        Self { file_bytes, stream_bytes: file_bytes, layer_bytes: 256 << 30, entries: 8_000_000 }
    }
}

/// Files that are handed out together, so that small ones cost little and another thread can look into them.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    files: Vec<(Vec<u8>, Range<usize>)>,
}

impl Batch {
    /// A batch of one file.
    pub(super) fn of(path: &[u8], content: Vec<u8>) -> Self {
        Self { files: vec![(path.to_vec(), 0..content.len())], bytes: content }
    }

    /// The path of each file, relative to the root of the layer, and its whole content.
    pub(super) fn files(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.files.iter().map(|(path, range)| (path.as_slice(), self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// The length of all contents.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The same memory without files; not that of a very large one, which a whole layer would hold.
    pub(super) fn cleared(mut self) -> Self {
        self.bytes.clear();
        self.bytes.shrink_to(2 * BATCH_BYTES);
        self.files.clear();
        self
    }
}

/// Takes what a walk comes upon.
pub(super) trait Visitor {
    /// Takes files, and gives back an empty batch.
    fn files(&mut self, batch: Batch) -> Batch;

    /// Looks into a large file as it is read. `None`, and nothing is read, if files have to be taken whole.
    fn stream(&mut self, path: &[u8], content: &mut dyn Read) -> Option<io::Result<()>>;

    /// Something was left unread: the file named, or the layer from here on.
    fn gap(&mut self, code: &'static str, path: Option<&[u8]>, reason: &str);

    /// Asked between two files.
    fn is_cancelled(&self) -> bool;
}

/// What a walk brings back.
pub(super) struct Walked {
    /// What the entries do to the layers below.
    pub(super) paths: LayerPaths,
    /// Whether the tar ends where all that was read ends, without the blocks of zeros that must end it. `umoci` writes such
    /// layers, and so does a full disk: a digest can tell which.
    pub(super) lacks_end: bool,
}

/// Walks a tar.
pub(super) fn walk(reader: impl Read, limits: &Limits, shadows: Shadows, visitor: &mut impl Visitor) -> Walked {
    let meter = Meter::new(limits.layer_bytes);
    let paths = LayerPaths::new(shadows);
    let mut walk = Walk { limits, meter: &meter, batch: Batch::default(), paths, lacks_end: false, visitor };
    let mut archive = tar::Archive::new(Metered::new(reader, &meter));
    let result = match archive.entries() {
        Ok(entries) => walk.entries(entries),
        Err(error) => Err((None, error)),
    };
    let result = result.and_then(|has_ended| {
        if has_ended { walk.trailing(&mut archive.into_inner()).map_err(|error| (None, error)) } else { Ok(()) }
    });
    walk.flush();
    if let Err((path, error)) = result {
        let reason = meter.exceeded().unwrap_or_else(|| reason_of(&error));
        walk.visitor.gap(code_of(&error), path.as_deref(), reason);
    }
    Walked { paths: walk.paths, lacks_end: walk.lacks_end }
}

/// Where reading ended too early, and why.
type Broken = (Option<Vec<u8>>, io::Error);

struct Walk<'a, V> {
    limits: &'a Limits,
    meter: &'a Meter,
    batch: Batch,
    paths: LayerPaths,
    lacks_end: bool,
    visitor: &'a mut V,
}

impl<V: Visitor> Walk<'_, V> {
    /// The entries up to the archive's end; `false` if the walk was given up before it.
    fn entries<R: Read>(&mut self, mut entries: tar::Entries<'_, R>) -> Result<bool, Broken> {
        let mut unread = 0;
        for _ in 0..self.limits.entries {
            if self.visitor.is_cancelled() {
                return Ok(false);
            }
            self.meter.expect_header(unread);
            let Some(entry) = entries.next() else { return Ok(true) };
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) if unread == 0 && is_end_within_padding(&error) => return Ok(true),
                Err(error) => return Err((None, error)),
            };
            self.meter.expect_content();
            unread = self.entry(&mut entry)?;
        }
        self.visitor.gap("oversize-layer", None, &format!("more than {} entries", self.limits.entries));
        Ok(false)
    }

    /// One entry. Answers how many bytes of it may have been left unread.
    fn entry<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<u64, Broken> {
        let path = path_of(entry);
        let path = relative(&path);
        let kind = entry.header().entry_type();
        self.paths.record(path, kind.is_dir() || path.ends_with(b"/"));
        if kind.is_hard_link()
            && let Some(target) = entry.link_name_bytes()
        {
            self.paths.link(&target, path);
        }

        let size = entry.size();
        if size == 0 {
            return Ok(0);
        }
        // Reading a sparse file makes up the zeros between what it stores, and there may be any number of them.
        let is_sparse = kind.is_gnu_sparse();
        if size > LARGEST_HELD && size <= self.limits.stream_bytes && !is_sparse {
            let mut content = entry.by_ref().take(size);
            if let Some(read) = self.visitor.stream(path, &mut content) {
                let unread = content.limit();
                let is_cut = unread > 0 && !self.visitor.is_cancelled();
                let read = if is_cut { read.and(Err(io::ErrorKind::UnexpectedEof.into())) } else { read };
                return read.map(|()| unread).map_err(|error| (Some(path.to_vec()), error));
            }
        }
        if size > self.limits.file_bytes {
            let reason = format!("{size} bytes, more than the limit of {}", self.limits.file_bytes);
            self.visitor.gap("oversize-file", Some(path), &reason);
            if is_sparse {
                return Ok(size.max(entry.header().entry_size().unwrap_or(0)));
            }
            return self.skip(entry, size).map_err(|error| (Some(path.to_vec()), error));
        }
        if size > BATCH_BYTES as u64 {
            self.flush();
        }
        let start = self.batch.bytes.len();
        let read = entry.read_to_end(&mut self.batch.bytes);
        let end = self.batch.bytes.len();
        self.batch.files.push((path.to_vec(), start..end));
        read.map_err(|error| (Some(path.to_vec()), error))?;
        if ((end - start) as u64) < size {
            return Err((Some(path.to_vec()), io::ErrorKind::UnexpectedEof.into()));
        }
        if end >= BATCH_BYTES {
            self.flush();
        }
        Ok(0)
    }

    /// Reads over the content of an entry, as long as nobody wants to stop. Answers how many bytes are left unread.
    fn skip(&mut self, content: &mut impl Read, size: u64) -> io::Result<u64> {
        let mut left = size;
        while left > 0 && !self.visitor.is_cancelled() {
            match io::copy(&mut content.take(BATCH_BYTES as u64), &mut io::sink())? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => left = left.saturating_sub(length),
            }
        }
        Ok(left)
    }

    /// Reads what follows the end of the archive: zeros as a rule. The rest of the stream has to be read in any case, for a
    /// cut or damaged stream shows only at its end.
    fn trailing(&mut self, reader: &mut impl Read) -> io::Result<()> {
        self.meter.expect_content();
        let mut chunk = vec![0; 64 * 1024];
        let mut content = Vec::new();
        let mut left_out = 0_u64;
        self.lacks_end = true;
        while !self.visitor.is_cancelled() {
            let bytes = match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => chunk.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.lacks_end = false;
            let skipped = if content.is_empty() { bytes.iter().take_while(|byte| **byte == 0).count() } else { 0 };
            let bytes = bytes.get(skipped..).unwrap_or_default();
            if (content.len() + bytes.len()) as u64 > self.limits.file_bytes {
                left_out += bytes.len() as u64;
            } else {
                content.extend_from_slice(bytes);
            }
        }
        if !content.is_empty() {
            self.visitor.files(Batch::of(TRAILING, content));
        }
        if left_out > 0 {
            let reason = format!("{left_out} bytes behind the end of the archive");
            self.visitor.gap("oversize-file", Some(TRAILING), &reason);
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.batch.files.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.batch = self.visitor.files(batch);
        }
    }
}

/// The path of an entry, which GNU tar hides in a record of its own where the file is sparse.
fn path_of<R: Read>(entry: &mut tar::Entry<'_, R>) -> Vec<u8> {
    // Asking a header of records itself would read its content, which has to be handed out.
    let entry_type = entry.header().entry_type();
    if !entry_type.is_pax_global_extensions()
        && !entry_type.is_pax_local_extensions()
        && let Ok(Some(records)) = entry.pax_extensions()
        && let Some(record) = records.flatten().find(|record| record.key_bytes() == b"GNU.sparse.name")
    {
        return record.value_bytes().to_vec();
    }
    entry.path_bytes().into_owned()
}

/// The path without `./` or `/` in front.
fn relative(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")) {
        path = rest;
    }
    path
}

/// The stable name of what is wrong.
pub(super) fn code_of(error: &io::Error) -> &'static str {
    if is_truncation(error) { "truncated-layer" } else { "corrupt-layer" }
}

/// What is wrong, in words of ours: the messages of parsers quote what they read.
pub(super) fn reason_of(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if is_truncation(error) => "it ends too early",
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "its compressed data is damaged",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::NotFound => "it does not exist",
        _ => "it is damaged: no valid tar header where one must stand",
    }
}

fn is_truncation(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
        || is_end_within_padding(error)
        || matches!(error.to_string().as_str(), "failed to read entire block" | "failed to read extension")
}

/// The `tar` crate has no kind of its own for an input that ends between two headers.
fn is_end_within_padding(error: &io::Error) -> bool {
    error.to_string() == "unexpected EOF during skip"
}
