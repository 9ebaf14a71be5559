//! Scans everything in a store: documents value by value, layers side by side, each blob once however many images use it.
//!
//! A blob is scanned once per entry of the store, not per digest or diff id that somebody claims for it: a claim is no proof,
//! and two different layers under one name must both be seen.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::RandomState;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256, Sha512};

use super::compression::{self, Compression};
use super::layer::{self, Limits, Visitor};
use super::layout::{self, Blob, Contents, Document};
use super::shadow::LayerPaths;
use super::store::{DOCUMENT_BYTES, EntryId, Store};
use super::values::{self, Text};
use crate::diagnostic::Diagnostic;
use crate::finding::{ImagePlace, Location, Place, SourcePath, TextSpan, escape};

/// What looks into the bytes, and takes what it finds back with its locations. The scan knows nothing of detection.
pub(super) trait Inspector: Sync {
    /// What is found.
    type Hit: Send;

    /// Everything found in the bytes of a subject, with where it stands.
    fn inspect(&self, subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, Self::Hit)>;

    /// Takes a hit with all its locations.
    fn report(&self, hit: Self::Hit, locations: Vec<Location>);

    /// Takes what could not be scanned.
    fn diagnose(&self, diagnostic: Diagnostic);

    /// Whether to stop.
    fn is_cancelled(&self) -> bool;

    /// Whether blobs of this digest have to be read at all.
    fn wants_layer(&self, digest: Option<&str>) -> bool;
}

/// What bytes belong to.
pub(super) enum Subject<'a> {
    /// A file, by its path in the layer or store.
    File(&'a [u8]),
    /// The values of one object or array of a document with this prefix.
    Values(&'a str, &'a Text<'a>),
}

/// One scan of one store.
pub(super) struct Scan<'a, I: Inspector> {
    store: &'a Store,
    contents: &'a Contents,
    name: Arc<str>,
    inspector: &'a I,
    limits: Limits,
    state: RandomState,
    paths: Mutex<HashMap<EntryId, LayerPaths>>,
    pending: Mutex<Vec<Pending<I::Hit>>>,
}

/// A hit in a blob. Which later layers hide it is known when all layers have been read.
struct Pending<H> {
    blob: usize,
    path: SourcePath,
    span: TextSpan,
    hit: H,
}

impl<'a, I: Inspector> Scan<'a, I> {
    /// A scan of `store`, which the user named `name`.
    pub(super) fn new(store: &'a Store, contents: &'a Contents, name: &str, inspector: &'a I, limits: Limits) -> Self {
        Self {
            store,
            contents,
            name: name.into(),
            inspector,
            limits,
            state: RandomState::new(),
            paths: Mutex::default(),
            pending: Mutex::new(Vec::new()),
        }
    }

    /// Does it.
    pub(super) fn run(self) {
        for diagnostic in self.store.troubles.iter().chain(&self.contents.diagnostics) {
            self.inspector.diagnose(diagnostic.clone());
        }
        if self.inspector.wants_layer(None) {
            self.contents.documents.par_iter().for_each(|document| self.document(document));
        }
        let mut blob_of = HashMap::new();
        let mut wanted = Vec::new();
        for (index, blob) in self.contents.blobs.iter().enumerate() {
            if self.digests(blob).iter().any(|digest| self.inspector.wants_layer(digest.as_deref())) {
                blob_of.insert(blob.entry, index);
                wanted.push(blob.entry);
            }
        }
        // The longest first: the last layer to be finished decides how long the scan takes.
        wanted.sort_by_key(|id| std::cmp::Reverse(self.store.entries().get(*id).map_or(0, |entry| entry.size)));
        let result = self.store.each(&wanted, &|id, reader| {
            if let Some(index) = blob_of.get(&id).filter(|_| !self.inspector.is_cancelled()) {
                self.blob(*index, reader);
            }
        });
        if let Err((left, error)) = result {
            let reason = format!("{}; layers and other blobs left unread: {left}", layer::reason_of(&error));
            self.inspector.diagnose(Diagnostic::gap("truncated-archive", &*self.name, reason));
        }
        self.report();
    }

    fn document(&self, document: &Document) {
        let Some(bytes) = self.store.document(document.entry).filter(|_| !self.inspector.is_cancelled()) else {
            return;
        };
        if let Some(expected) = &document.digest {
            let mut hash = Hash::new(expected);
            hash.update(&bytes);
            self.verify(hash, expected, &self.name);
        }
        let names =
            document.images.iter().filter_map(|index| self.contents.images.get(*index)).map(|image| image.name.clone());
        let mut names: Vec<Arc<str>> = names.collect();
        if names.is_empty() {
            names.push(self.name.clone());
        }
        let result = values::visit(&bytes, &mut |text| {
            for (range, hit) in self.inspector.inspect(&Subject::Values(document.prefix, text), text.bytes()) {
                let (pointer, span) = text.locate(&range);
                let path = SourcePath::new(format!("{}{pointer}", document.prefix).as_bytes());
                let locations = names.iter().map(|image| Location {
                    place: Place::Image(ImagePlace {
                        image: image.clone(),
                        layer: None,
                        instruction: None,
                        shadowed_by: None,
                    }),
                    path: path.clone(),
                    span,
                });
                self.inspector.report(hit, locations.collect());
            }
        });
        if result.is_err() {
            self.inspector.diagnose(Diagnostic::gap("corrupt-manifest", &*self.name, "a document is no JSON any more"));
        }
    }

    fn blob(&self, index: usize, reader: io::Result<&mut dyn Read>) {
        let Some(blob) = self.contents.blobs.get(index) else { return };
        let mut visitor = BlobVisitor { scan: self, index, place: self.place_of(blob) };
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => return visitor.gap("unreadable-file", None, layer::reason_of(&error)),
        };
        let mut hashing = Hashing { reader, hash: blob.digest.as_deref().map_or(Hash::None, Hash::new) };
        let is_whole = match self.content(blob, &mut hashing, &mut visitor) {
            Ok(is_whole) => is_whole,
            Err(error) => {
                visitor.gap(layer::code_of(&error), None, layer::reason_of(&error));
                false
            }
        };
        // A blob that is broken has been told of already; its digest adds whether it was meant to be so.
        if let Some(expected) = blob.digest.as_deref().filter(|_| !self.inspector.is_cancelled())
            && (io::copy(&mut hashing, &mut io::sink()).is_ok() || is_whole)
        {
            self.verify(hashing.hash, expected, &visitor.place);
        }
    }

    /// Scans a blob by what it is. Answers whether it was read to its end.
    fn content(&self, blob: &Blob, reader: &mut dyn Read, visitor: &mut BlobVisitor<'_, 'a, I>) -> io::Result<bool> {
        let (compression, decoded) = compression::decode(reader)?;
        let (head, decoded) = compression::peek(decoded)?;
        if compression::is_tar_header(&head)
            || (head.iter().all(|byte| *byte == 0) && (blob.is_promised_tar || head.is_empty()))
        {
            let paths = layer::walk(decoded, &self.limits, self.state.clone(), visitor);
            lock(&self.paths).insert(blob.entry, paths);
            return Ok(true);
        }
        if let Compression::Unsupported(name) = compression {
            visitor.gap("unsupported-compression", None, &format!("{name} is not supported"));
        } else if blob.is_promised_tar {
            visitor.gap("corrupt-layer", None, "it is no tar archive, in no compression that is known");
        }
        self.single(blob, decoded, visitor)
    }

    /// Scans a blob that is one file: an attestation, a signature, a chart, or a broken layer.
    fn single(&self, blob: &Blob, mut reader: impl Read, visitor: &mut BlobVisitor<'_, 'a, I>) -> io::Result<bool> {
        let entry = self.store.entries().get(blob.entry);
        let name = entry.map(|entry| entry.name.as_slice()).unwrap_or_default();
        let most = self.limits.file_bytes.max(DOCUMENT_BYTES);
        let mut bytes = Vec::new();
        reader.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        let is_json =
            bytes.len() as u64 <= DOCUMENT_BYTES && matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        if is_json && visitor.values(name, &bytes).is_ok() {
            return Ok(true);
        }
        if bytes.len() as u64 > self.limits.file_bytes {
            let reason = format!("more than the limit of {} bytes", self.limits.file_bytes);
            visitor.gap("oversize-file", None, &reason);
            return Ok(false);
        }
        visitor.file(name, &bytes);
        Ok(true)
    }

    /// How a blob is named in diagnostics: an image that uses it, and its digest.
    fn place_of(&self, blob: &Blob) -> String {
        let used = blob.uses.first().and_then(|(image, position)| {
            let image = self.contents.images.get(*image)?;
            Some(format!("{}: layer {}", image.name, image.layers.get(*position)?.digest))
        });
        used.unwrap_or_else(|| {
            let name = self.store.entries().get(blob.entry).map(|entry| escape(&entry.name)).unwrap_or_default();
            if name.is_empty() { self.name.to_string() } else { format!("{}: {name}", self.name) }
        })
    }

    /// The digests under which a blob is reported.
    fn digests(&self, blob: &Blob) -> Vec<Option<Arc<str>>> {
        if blob.uses.is_empty() {
            let name = self.store.entries().get(blob.entry).map(|entry| entry.name.as_slice()).unwrap_or_default();
            return vec![layout::digest_of_name(name).map(Into::into)];
        }
        let layer = |(image, position): &(usize, usize)| {
            Some(self.contents.images.get(*image)?.layers.get(*position)?.digest.clone())
        };
        blob.uses.iter().map(layer).collect()
    }

    fn verify(&self, hash: Hash, expected: &str, place: &str) {
        if hash.finish().is_some_and(|digest| !digest.eq_ignore_ascii_case(expected)) {
            let reason = format!(
                "the content does not have the digest {}; it was scanned as it is",
                escape(expected.as_bytes())
            );
            self.inspector.diagnose(Diagnostic::note("digest-mismatch", place, reason));
        }
    }

    /// Gives every hit in a blob to the inspector, with a location for each image that uses the blob.
    fn report(self) {
        let pending = self.pending.into_inner().unwrap_or_else(PoisonError::into_inner);
        let paths = self.paths.into_inner().unwrap_or_else(PoisonError::into_inner);
        for Pending { blob, path, span, hit } in pending {
            let Some(blob) = self.contents.blobs.get(blob) else { continue };
            let mut places = Vec::new();
            for (image, position) in &blob.uses {
                let Some(image) = self.contents.images.get(*image) else { continue };
                let Some(layer) = image.layers.get(*position) else { continue };
                let above = image.layers.get(position + 1..).unwrap_or_default();
                let shadow = above.iter().find(|layer| {
                    layer.entry.and_then(|entry| paths.get(&entry)).is_some_and(|paths| paths.hides(path.as_bytes()))
                });
                places.push(ImagePlace {
                    image: image.name.clone(),
                    layer: Some(layer.digest.clone()),
                    instruction: layer.instruction.clone(),
                    shadowed_by: shadow.map(|layer| layer.digest.clone()),
                });
            }
            if places.is_empty() {
                let name = self.store.entries().get(blob.entry).map(|entry| entry.name.as_slice()).unwrap_or_default();
                let layer = layout::digest_of_name(name).map(Into::into);
                places.push(ImagePlace { image: self.name.clone(), layer, instruction: None, shadowed_by: None });
            }
            let locations =
                places.into_iter().map(|place| Location { place: Place::Image(place), path: path.clone(), span });
            self.inspector.report(hit, locations.collect());
        }
    }
}

/// Takes the files of one blob.
struct BlobVisitor<'s, 'a, I: Inspector> {
    scan: &'s Scan<'a, I>,
    index: usize,
    place: String,
}

impl<I: Inspector> BlobVisitor<'_, '_, I> {
    /// Scans a JSON document that is a blob: an attestation, or an old image's own configuration.
    fn values(&mut self, name: &[u8], bytes: &[u8]) -> serde_json::Result<()> {
        let prefix =
            if layout::digest_of_name(name).is_some() { "blob:".to_owned() } else { format!("{}:", escape(name)) };
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

impl<I: Inspector> Visitor for BlobVisitor<'_, '_, I> {
    fn file(&mut self, path: &[u8], content: &[u8]) {
        for (range, hit) in self.scan.inspector.inspect(&Subject::File(path), content) {
            let span = TextSpan::locate(content, range.start, range.end);
            let path = SourcePath::new(path);
            lock(&self.scan.pending).push(Pending { blob: self.index, path, span, hit });
        }
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

/// A digest being computed, in the algorithm that the expected one names.
enum Hash {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
    /// Of an algorithm that the image specification does not know: not checked.
    None,
}

impl Hash {
    fn new(expected: &str) -> Self {
        match expected.split_once(':') {
            Some(("sha256", _)) => Self::Sha256(Sha256::new()),
            Some(("sha512", _)) => Self::Sha512(Box::new(Sha512::new())),
            _ => Self::None,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
            Self::None => {}
        }
    }

    fn finish(self) -> Option<String> {
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
struct Hashing<'a> {
    reader: &'a mut dyn Read,
    hash: Hash,
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(into)?;
        self.hash.update(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
