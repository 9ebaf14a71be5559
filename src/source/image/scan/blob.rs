//! One blob: decompressed, walked if it is a tar, its files handed to whoever has time to look into them.

use std::io::{self, Cursor, Read};
use std::sync::atomic::Ordering::Relaxed;

use rayon::Scope;

use super::{Inspector, Pending, Scan, Subject, lock};
use crate::diagnostic::Diagnostic;
use crate::finding::{Locator, SourcePath, escape};
use crate::source::archive::compression::{self, Compression};
use crate::source::archive::{self, Opened};
use crate::source::image::contents::{Blob, Expected};
use crate::source::image::digest::{Hash, Hashing};
use crate::source::image::layer::{self, Batch, Visitor};
use crate::source::image::store::{DOCUMENT_BYTES, begins_like_json};
use crate::source::image::{manifest, values};
use crate::source::whole_file::TakingIn;

/// More bytes than this do not wait for another thread: the one that unpacked them looks into them.
const MOST_WAITING: usize = 32 * 1024 * 1024;

/// So much is read of what begins like an archive, in bytes, before it is tried to open it: what turns out to be none within
/// that is looked into as it is.
const LONGEST_HEAD: u64 = 1 << 20;

impl<'a, I: Inspector> Scan<'a, I> {
    /// Unpacks one blob and scans what is in it.
    pub(super) fn blob(&self, index: usize, reader: io::Result<&mut dyn Read>) {
        let Some(blob) = self.contents.blobs.get(index) else { return };
        // Whoever has no layer to unpack looks into the files of those that others unpack.
        rayon::in_place_scope(|scope| {
            let mut visitor = BlobVisitor { scan: self, scope, index, place: self.place_of(blob) };
            self.unpack(blob, reader, &mut visitor);
        });
    }

    fn unpack(&self, blob: &Blob, reader: io::Result<&mut dyn Read>, visitor: &mut BlobVisitor<'_, '_, 'a, I>) {
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => return visitor.gap("unreadable-file", None, layer::reason_of(&error)),
        };
        let hash = blob.digest.as_ref().map_or(Hash::None, |digest| Hash::new(digest.as_str()));
        let mut hashing = Hashing { reader, hash };
        let result = self.content(blob, &mut hashing, visitor);
        if let Err(error) = &result {
            visitor.gap(layer::code_of(error), None, layer::reason_of(error));
        }
        let (is_plain, lacks_end) = match result {
            Ok((compression, lacks_end)) => (compression == Compression::Plain, lacks_end),
            Err(_) => (false, false),
        };
        // A broken blob has been told of already; its digest tells whether it was meant to be so.
        let expected = match &blob.digest {
            Some(Expected::Packed(digest)) => Some(digest),
            Some(Expected::Unpacked(digest)) if is_plain => Some(digest),
            _ => None,
        };
        if self.inspector.is_cancelled() {
            return;
        }
        let is_read = expected.is_some() && io::copy(&mut hashing, &mut io::sink()).is_ok();
        let is_whole = expected.is_some_and(|expected| is_read && self.verify(hashing.hash, expected, &visitor.place));
        if lacks_end && !is_whole {
            visitor.gap("truncated-layer", None, "it ends without the mark that ends a tar");
        }
    }

    /// Scans a blob by what it is. Answers how it was compressed, and whether it is a tar that may have lost its end.
    fn content(
        &self,
        blob: &Blob,
        reader: &mut dyn Read,
        visitor: &mut BlobVisitor<'_, '_, 'a, I>,
    ) -> io::Result<(Compression, bool)> {
        let (compression, decoded) = compression::decode(reader)?;
        let (head, decoded) = compression::peek(decoded)?;
        // A layer without files is nothing but the zeros that end an archive.
        let is_empty = head.iter().all(|byte| *byte == 0) && (blob.is_promised_tar || head.is_empty());
        if is_empty || compression::is_tar_header(&head) {
            let walked = layer::walk(decoded, &self.limits, self.shadows.clone(), visitor);
            lock(&self.paths).insert(blob.entry, walked.paths);
            return Ok((compression, walked.lacks_end && !is_empty));
        }
        if let Compression::Unsupported(name) = compression {
            visitor.gap("unsupported-compression", None, &format!("{name} is not supported"));
        } else if blob.is_promised_tar {
            visitor.gap("corrupt-layer", None, "it is no tar archive, in no compression that is known");
        }
        self.single(blob, decoded, visitor)?;
        Ok((compression, false))
    }

    /// Scans a blob that is one file: an attestation, a signature, a chart, or a broken layer.
    fn single(&self, blob: &Blob, mut reader: impl Read, visitor: &mut BlobVisitor<'_, '_, 'a, I>) -> io::Result<()> {
        let name = self.entry_name(blob);
        let most = self.limits.file_bytes.max(DOCUMENT_BYTES);
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes);
        let may_be_json = bytes.len() as u64 <= DOCUMENT_BYTES && begins_like_json(&bytes);
        let is_document = may_be_json && visitor.values(name, &bytes).is_ok();
        if bytes.len() as u64 > self.limits.file_bytes && !is_document {
            let reason = format!("more than the limit of {} bytes", self.limits.file_bytes);
            visitor.gap("oversize-file", None, &reason);
        } else if !is_document {
            visitor.files(Batch::of(name, bytes));
        }
        read.map(|_| ())
    }

    /// Looks into the files of a blob.
    fn inspect(&self, blob: usize, batch: &Batch) {
        for (path, content) in batch.files() {
            self.inspect_whole(blob, path, content);
            let is_opened =
                archive::is_archive(content) && archive::walk(path, content, &mut Members { scan: self, blob });
            if !is_opened {
                self.inspect_file(blob, path, content);
            }
        }
    }

    /// Looks at a file that has any content as a whole.
    fn inspect_whole(&self, blob: usize, path: &[u8], content: &[u8]) {
        let Some(mut taken) = self.inspector.content_of_file(path) else { return };
        taken.add(content);
        for (span, hit) in self.inspector.whole_file(taken) {
            lock(&self.pending).push(Pending { blob, path: SourcePath::new(path), span, hit });
        }
    }

    fn inspect_file(&self, blob: usize, path: &[u8], content: &[u8]) {
        let mut locator = Locator::new(content);
        for (range, hit) in self.inspector.inspect(&Subject::File(path), content) {
            let span = locator.locate(range.start, range.end);
            lock(&self.pending).push(Pending { blob, path: SourcePath::new(path), span, hit });
        }
    }
}

/// The members of an archive in an image.
struct Members<'s, 'a, I: Inspector> {
    scan: &'s Scan<'a, I>,
    blob: usize,
}

impl<I: Inspector> archive::Visitor for Members<'_, '_, I> {
    fn member(&mut self, path: &[u8], content: &[u8]) {
        self.scan.inspect_file(self.blob, path, content);
    }

    fn file(&mut self, path: &[u8], content: &[u8]) {
        self.scan.inspect_whole(self.blob, path, content);
    }

    fn trouble(&mut self, path: &[u8], reason: &str) {
        self.scan.inspector.diagnose(Diagnostic::gap("archive-not-read", escape(path).into_owned(), reason));
    }

    fn goes_on(&self) -> bool {
        !self.scan.inspector.is_cancelled()
    }
}

/// Takes the files of one blob.
struct BlobVisitor<'v, 's, 'a, I: Inspector> {
    scan: &'s Scan<'a, I>,
    scope: &'v Scope<'s>,
    index: usize,
    place: String,
}

impl<I: Inspector> BlobVisitor<'_, '_, '_, I> {
    /// Scans a JSON document that is a blob: an attestation, or an old image's own configuration.
    fn values(&mut self, name: &[u8], bytes: &[u8]) -> serde_json::Result<()> {
        let prefix = if manifest::digest_of_name(name).is_some() {
            "blob:".to_owned()
        } else {
            format!("json:{}:", escape(name))
        };
        // The whole document has to be JSON before anything of it is reported, for it is scanned as a text otherwise.
        values::visit(bytes, &mut |_| ())?;
        values::visit(bytes, &mut |text| {
            for (range, hit) in self.scan.inspector.inspect(&Subject::Values(&prefix, text), text.bytes()) {
                let (pointer, span) = text.locate(&range);
                let path = SourcePath::new(format!("{prefix}{pointer}").as_bytes());
                lock(&self.scan.pending).push(Pending { blob: self.index, path, span, hit });
            }
        })
    }
}

impl<I: Inspector> BlobVisitor<'_, '_, '_, I> {
    /// Looks into a large file as it is read, or into what it holds.
    fn stream_all(&mut self, path: &[u8], content: &mut dyn Read) -> io::Result<()> {
        let (mut head, _) = compression::peek(&mut *content)?;
        let mut all: Box<dyn Read> = if archive::is_archive(&head) {
            content.take(LONGEST_HEAD).read_to_end(&mut head)?;
            let mut members = Members { scan: self.scan, blob: self.index };
            match archive::walk_stream(path, &head, content, &mut members) {
                // What follows must be read in any case, to know that nothing was cut off.
                Opened::Yes => return io::copy(content, &mut io::sink()).map(drop),
                Opened::No => Box::new(Cursor::new(head).chain(content)),
                Opened::Kept(all) => all,
            }
        } else {
            Box::new(Cursor::new(head).chain(content))
        };
        let (hits, result) = self.scan.inspector.inspect_stream(&mut all);
        for (span, hit) in hits {
            lock(&self.scan.pending).push(Pending { blob: self.index, path: SourcePath::new(path), span, hit });
        }
        result
    }
}

impl<I: Inspector> Visitor for BlobVisitor<'_, '_, '_, I> {
    fn files(&mut self, batch: Batch) -> Batch {
        let scan = self.scan;
        let size = batch.size();
        if scan.waiting.fetch_add(size, Relaxed) > MOST_WAITING {
            scan.waiting.fetch_sub(size, Relaxed);
            scan.inspect(self.index, &batch);
            return batch.cleared();
        }
        let index = self.index;
        self.scope.spawn(move |_| {
            scan.inspect(index, &batch);
            scan.waiting.fetch_sub(size, Relaxed);
        });
        Batch::default()
    }

    fn stream(&mut self, path: &[u8], content: &mut dyn Read) -> Option<io::Result<()>> {
        let inspector = self.scan.inspector;
        if !inspector.takes_streams() {
            return None;
        }
        let mut content = TakingIn { reader: content, content: inspector.content_of_file(path) };
        let result = self.stream_all(path, &mut content);
        if let (Some(content), Ok(())) = (content.content, &result) {
            for (span, hit) in inspector.whole_file(content) {
                lock(&self.scan.pending).push(Pending { blob: self.index, path: SourcePath::new(path), span, hit });
            }
        }
        Some(result)
    }

    fn gap(&mut self, code: &'static str, path: Option<&[u8]>, reason: &str) {
        let place = match path {
            Some(path) => format!("{}: {}", self.place, escape(path)),
            None => self.place.clone(),
        };
        self.scan.inspector.diagnose(Diagnostic::gap(code, place, reason));
    }

    fn is_cancelled(&self) -> bool {
        self.scan.inspector.is_cancelled()
    }
}
