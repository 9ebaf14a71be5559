//! Where the blobs of images lie: a directory, a tar, a compressed tar. Listed once, then read by entry, never copied to disk.
//!
//! An uncompressed archive is read by seeking, so that its layers are read side by side. A compressed one can only be read from
//! its beginning: its documents are kept in memory while it is listed, and its layers are scanned in one more pass, one behind
//! the other, while they stream by. Spooling it into a temporary file would leave secrets on a disk, and memory cannot hold it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::layer::{self, TRAILING};
use super::meter::{Meter, Metered};
use crate::diagnostic::Diagnostic;
use crate::finding::escape;
use crate::source::archive::compression::{self, Compression};

/// Entries of a compressed archive that may be documents are kept if they are not larger than this: four times what
/// registries accept as a manifest.
pub(super) const DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;

/// And as long as all of them together are not larger than this.
const KEPT_BYTES: u64 = 128 * 1024 * 1024;

/// More entries than this are no image archive.
const MOST_ENTRIES: usize = 1_000_000;

/// Links in a legacy archive lead to another layer in one step; a chain longer than this is a loop.
const MOST_LINKS: usize = 8;

/// Index of an entry in its store.
pub(super) type EntryId = usize;

/// One file of a layout or archive.
pub(super) struct Entry {
    /// Path below the layout, or within the archive, without `./` in front.
    pub(super) name: Vec<u8>,
    /// Length in bytes.
    pub(super) size: u64,
    content: Content,
}

enum Content {
    /// A file of a directory.
    File(PathBuf),
    /// Bytes of the archive from this offset.
    Extent(u64),
    /// Somewhere in a compressed archive.
    Streamed,
    /// Of a compressed archive, kept.
    Kept(Vec<u8>),
    /// A link to another entry of the archive, by its normalised name.
    Link(Vec<u8>),
    /// Of an archive, in a form that nobody writes images in: sparse.
    Unsupported,
}

/// All files of a layout or archive.
pub(super) struct Store {
    path: PathBuf,
    entries: Vec<Entry>,
    names: HashMap<Vec<u8>, EntryId>,
    /// What went wrong while listing.
    pub(super) troubles: Vec<Diagnostic>,
}

impl Store {
    /// Lists a directory with all below it.
    pub(super) fn directory(path: &Path, shown: &str) -> io::Result<Self> {
        let mut store = Self::empty(path);
        let mut pending = vec![(path.to_path_buf(), Vec::new())];
        // Only the layout itself has to be readable.
        fs_err::read_dir(path)?;
        while let Some((directory, prefix)) = pending.pop() {
            let listing = match fs_err::read_dir(&directory) {
                Ok(listing) => listing,
                Err(error) => {
                    let place = format!("{shown}: {}", escape(&prefix));
                    store.troubles.push(Diagnostic::gap("unreadable-directory", place, layer::reason_of(&error)));
                    continue;
                }
            };
            for item in listing {
                let Ok(item) = item else {
                    let place = format!("{shown}: {}", escape(&prefix));
                    store.troubles.push(Diagnostic::gap("unreadable-directory", place, "its listing ends in an error"));
                    break;
                };
                let mut name = prefix.clone();
                name.extend_from_slice(item.file_name().as_encoded_bytes());
                let is_link = item.file_type().is_ok_and(|kind| kind.is_symlink());
                // Layouts made by build systems hold links to blobs elsewhere. Links to directories could be loops.
                match fs_err::metadata(item.path()) {
                    Ok(metadata) if metadata.is_file() => {
                        store.push(name, metadata.len(), Content::File(item.path()));
                    }
                    Ok(metadata) if metadata.is_dir() && !is_link => {
                        name.push(b'/');
                        pending.push((item.path(), name));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let place = format!("{shown}: {}", escape(&name));
                        store.troubles.push(Diagnostic::gap("unreadable-file", place, layer::reason_of(&error)));
                    }
                }
            }
        }
        // The order of directories is the file system's; all that follows shall be the same on every machine.
        store.sort();
        Ok(store)
    }

    /// Lists a tar, compressed or not. One that is cut or damaged is listed as far as it can be read.
    pub(super) fn archive(path: &Path, shown: &str) -> io::Result<Self> {
        let mut file = fs_err::File::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(compression::HEAD as u64).read_to_end(&mut head)?;
        file.rewind()?;
        let mut store = Self::empty(path);
        if Compression::of(&head) == Compression::Plain {
            store.list_plain(file, shown)?;
        } else {
            store.list_compressed(file, shown)?;
        }
        Ok(store)
    }

    /// A file that is one blob as a whole.
    pub(super) fn whole(path: &Path) -> io::Result<Self> {
        let size = fs_err::metadata(path)?.len();
        let mut store = Self::empty(path);
        store.push(Vec::new(), size, Content::File(path.to_path_buf()));
        Ok(store)
    }

    /// Every entry, links included, in an order that does not change from run to run.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that name; of several with one name the last, as extracting would leave it. Links are followed within
    /// the archive.
    pub(super) fn find(&self, name: &[u8]) -> Option<EntryId> {
        let mut id = *self.names.get(&normalise(b"", name)?)?;
        for _ in 0..MOST_LINKS {
            match &self.entries.get(id)?.content {
                Content::Link(target) => id = *self.names.get(target)?,
                _ => return Some(id),
            }
        }
        None
    }

    /// Whether an entry only names another one.
    pub(super) fn is_link(&self, id: EntryId) -> bool {
        self.entries.get(id).is_some_and(|entry| matches!(entry.content, Content::Link(_)))
    }

    /// The content of an entry that may be a document: not larger than [`DOCUMENT_BYTES`], beginning like JSON.
    pub(super) fn document(&self, id: EntryId) -> Option<Vec<u8>> {
        let entry = self.entries.get(id)?;
        if entry.size > DOCUMENT_BYTES {
            return None;
        }
        let mut bytes = Vec::new();
        match &entry.content {
            Content::Kept(kept) => return Some(kept.clone()),
            Content::Streamed | Content::Link(_) | Content::Unsupported => return None,
            Content::File(_) | Content::Extent(_) => {
                let mut reader = self.open(entry).ok()?;
                // The first bytes spare reading all of a small layer.
                let mut head = [0; 16];
                let length = reader.read(&mut head).ok()?;
                let head = head.get(..length)?;
                if !begins_like_json(head) {
                    return None;
                }
                bytes.extend_from_slice(head);
                reader.read_to_end(&mut bytes).ok()?;
            }
        }
        Some(bytes)
    }

    /// Opens each of the entries wanted, side by side as far as the store allows, and hands it to `work`.
    ///
    /// # Errors
    /// When a compressed archive ends or breaks before all entries are read; the number is of those left.
    pub(super) fn each(
        &self,
        wanted: &[EntryId],
        work: &(dyn Fn(EntryId, io::Result<&mut dyn Read>) + Sync),
    ) -> Result<(), (usize, io::Error)> {
        let is_streamed =
            |id: &EntryId| self.entries.get(*id).is_some_and(|entry| matches!(entry.content, Content::Streamed));
        let (mut streamed, direct): (Vec<EntryId>, Vec<EntryId>) = wanted.iter().copied().partition(is_streamed);
        direct.into_par_iter().for_each(|id| {
            let Some(entry) = self.entries.get(id) else { return };
            match self.open(entry) {
                Ok(mut reader) => work(id, Ok(&mut reader)),
                Err(error) => work(id, Err(error)),
            }
        });
        if streamed.is_empty() {
            return Ok(());
        }
        streamed.sort_unstable();
        self.stream(&streamed, work)
    }

    /// One pass through a compressed archive. `wanted` is sorted.
    fn stream(
        &self,
        wanted: &[EntryId],
        work: &(dyn Fn(EntryId, io::Result<&mut dyn Read>) + Sync),
    ) -> Result<(), (usize, io::Error)> {
        let mut left = wanted.iter().copied().peekable();
        let mut pass = || -> io::Result<()> {
            let file = fs_err::File::open(&self.path)?;
            let meter = Meter::new(u64::MAX);
            let mut archive = tar::Archive::new(Metered::new(compression::decode(file)?.1, &meter));
            let mut entries = archive.entries()?;
            let mut unread = 0_u64;
            for id in 0.. {
                if left.peek().is_none() {
                    return Ok(());
                }
                meter.expect_header(unread);
                let Some(entry) = entries.next() else { break };
                let mut entry = entry?;
                meter.expect_content();
                if left.next_if_eq(&id).is_some() {
                    work(id, Ok(&mut entry));
                    io::copy(&mut entry, &mut io::sink())?;
                    unread = 0;
                } else {
                    unread = entry.size().max(entry.header().entry_size().unwrap_or(0));
                }
            }
            Err(io::ErrorKind::UnexpectedEof.into())
        };
        pass().map_err(|error| (left.count(), error))
    }

    fn open<'a>(&'a self, entry: &'a Entry) -> io::Result<Box<dyn Read + 'a>> {
        match &entry.content {
            Content::File(path) => Ok(Box::new(fs_err::File::open(path)?)),
            Content::Extent(offset) => {
                let mut file = fs_err::File::open(&self.path)?;
                file.seek(SeekFrom::Start(*offset))?;
                Ok(Box::new(file.take(entry.size)))
            }
            Content::Kept(bytes) => Ok(Box::new(bytes.as_slice())),
            Content::Streamed | Content::Link(_) | Content::Unsupported => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn list_plain(&mut self, file: fs_err::File, shown: &str) -> io::Result<()> {
        let length = file.metadata()?.len();
        let meter = Meter::new(u64::MAX);
        let reader = Metered::new(BufReader::with_capacity(4096, file), &meter);
        let mut archive = tar::Archive::new(reader);
        let mut end = 0_u64;
        for entry in archive.entries_with_seek()? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.listing_broken(shown, &error);
                    return Ok(());
                }
            };
            meter.expect_header(0);
            end = entry.raw_file_position().saturating_add(entry.size());
            let content = Content::Extent(entry.raw_file_position());
            self.push_member(&entry, content);
            if self.is_full(shown) {
                return Ok(());
            }
        }
        // Seeking behind the end of a file is no error, and a whole archive has at least one block behind its last entry.
        let end = end.checked_next_multiple_of(compression::HEAD as u64).unwrap_or(u64::MAX);
        if end.saturating_add(compression::HEAD as u64) > length {
            self.listing_broken(shown, &io::ErrorKind::UnexpectedEof.into());
            return Ok(());
        }
        let mut reader = BufReader::new(fs_err::File::open(&self.path)?);
        reader.seek(SeekFrom::Start(end))?;
        if let Some(zeros) = skip_zeros(&mut reader)? {
            let reason =
                "something stands behind the end of the archive, which most programs pass over; it was scanned";
            self.troubles.push(Diagnostic::note("trailing-data", shown, reason));
            self.push(TRAILING.to_vec(), length.saturating_sub(end + zeros), Content::Extent(end + zeros));
        }
        Ok(())
    }

    fn list_compressed(&mut self, file: fs_err::File, shown: &str) -> io::Result<()> {
        let meter = Meter::new(u64::MAX);
        let mut archive = tar::Archive::new(Metered::new(compression::decode(file)?.1, &meter));
        let mut kept = 0_u64;
        for entry in archive.entries()? {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.listing_broken(shown, &error);
                    return Ok(());
                }
            };
            meter.expect_content();
            let mut content = Content::Streamed;
            if (1..=DOCUMENT_BYTES).contains(&entry.size()) && may_be_document(&entry.path_bytes()) {
                let mut bytes = Vec::new();
                let head = entry.by_ref().take(16).read_to_end(&mut bytes);
                let may_be_kept = begins_like_json(&bytes) && kept + entry.size() <= KEPT_BYTES;
                let read = if may_be_kept { entry.read_to_end(&mut bytes) } else { head };
                if read.is_ok() && may_be_kept && bytes.len() as u64 == entry.size() {
                    kept += entry.size();
                    content = Content::Kept(bytes);
                }
            }
            self.push_member(&entry, content);
            if self.is_full(shown) {
                return Ok(());
            }
            meter.expect_header(entry.size().max(entry.header().entry_size().unwrap_or(0)));
        }
        meter.expect_content();
        let mut rest = BufReader::new(archive.into_inner());
        match rest.fill_buf() {
            Ok([]) => self.listing_broken(shown, &io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => match skip_zeros(&mut rest) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    let reason =
                        "something stands behind the end of the archive; unpack the archive to have it scanned";
                    self.troubles.push(Diagnostic::gap("trailing-data", shown, reason));
                }
                Err(error) => self.listing_broken(shown, &error),
            },
            Err(error) => self.listing_broken(shown, &error),
        }
        Ok(())
    }

    fn is_full(&mut self, shown: &str) -> bool {
        let is_full = self.entries.len() >= MOST_ENTRIES;
        if is_full {
            let reason = format!("more than {MOST_ENTRIES} entries");
            self.troubles.push(Diagnostic::gap("oversize-archive", shown, reason));
        }
        is_full
    }

    /// Every member gets an entry, whatever its type, so that the second pass through a compressed archive counts alike.
    fn push_member<R: Read>(&mut self, member: &tar::Entry<'_, R>, content: Content) {
        let name = member.path_bytes().into_owned();
        let kind = member.header().entry_type();
        let target = member.link_name_bytes().filter(|_| kind.is_symlink() || kind.is_hard_link());
        let content = match target {
            // The target of a hard link is a name in the archive, that of a symbolic link lies beside the link.
            Some(target) => {
                let parent =
                    memchr::memrchr(b'/', &name).and_then(|slash| name.get(..slash)).filter(|_| kind.is_symlink());
                Content::Link(normalise(parent.unwrap_or_default(), &target).unwrap_or_default())
            }
            None if kind.is_gnu_sparse() => Content::Unsupported,
            None => content,
        };
        let size = if matches!(content, Content::Link(_)) { 0 } else { member.size() };
        self.push(normalise(b"", &name).unwrap_or(name), size, content);
    }

    fn push(&mut self, name: Vec<u8>, size: u64, content: Content) {
        self.names.insert(name.clone(), self.entries.len());
        self.entries.push(Entry { name, size, content });
    }

    fn sort(&mut self) {
        self.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.names = self.entries.iter().enumerate().map(|(id, entry)| (entry.name.clone(), id)).collect();
    }

    fn listing_broken(&mut self, shown: &str, error: &io::Error) {
        let code = if layer::code_of(error) == "truncated-layer" { "truncated-archive" } else { "corrupt-archive" };
        self.troubles.push(Diagnostic::gap(code, shown, layer::reason_of(error)));
    }

    fn empty(path: &Path) -> Self {
        Self { path: path.to_path_buf(), entries: Vec::new(), names: HashMap::new(), troubles: Vec::new() }
    }
}

/// How many zeros come before the first other byte; `None` if nothing else comes.
fn skip_zeros(reader: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut zeros = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = bytes.len();
        let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
        zeros += skipped as u64;
        if skipped < length {
            return Ok(Some(zeros));
        }
        reader.consume(length);
    }
}

/// Whether a file may be a JSON object or array.
pub(super) fn begins_like_json(head: &[u8]) -> bool {
    matches!(head.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Whether manifests and configurations have names like this: on the first or second level, or a blob.
fn may_be_document(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    name.starts_with(b"blobs/") || memchr::memchr_iter(b'/', name).count() <= 1
}

/// A path below the root of the store, `.` and `..` resolved; `None` if it leads out of it.
fn normalise(directory: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut steps: Vec<&[u8]> = Vec::new();
    for step in directory.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/')) {
        match step {
            b"" | b"." => {}
            b".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    Some(steps.join(&b'/'))
}
