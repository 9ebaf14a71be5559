//! Scans everything in a store: documents value by value, layers side by side, each blob once however many images use it.
//!
//! A blob is scanned once per entry of the store, not per digest or diff id that somebody claims for it: a claim is no proof,
//! and two different layers under one name must both be seen.

mod blob;

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::diagnostic::Diagnostic;
use crate::finding::{ImagePlace, Location, Place, SourcePath, TextSpan, escape};
use crate::source::image::contents::{Blob, Contents, Document, Layer};
use crate::source::image::digest::Hash;
use crate::source::image::layer::{self, Limits};
use crate::source::image::manifest;
use crate::source::image::shadow::{LayerPaths, Shadows};
use crate::source::image::store::{EntryId, Store};
use crate::source::image::values::{self, Text};
use crate::source::whole_file::Content;

/// A file with more hard links than this is told with the first of them.
const MOST_NAMES: usize = 100;

/// What looks into the bytes, and takes what it finds back with its locations. The scan knows nothing of detection.
pub(super) trait Inspector: Sync {
    /// What is found.
    type Hit: Send;

    /// Everything found in the bytes of a subject, with where it stands.
    fn inspect(&self, subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, Self::Hit)>;

    /// Whether large files can be looked into as they are read; otherwise they are taken whole.
    fn takes_streams(&self) -> bool {
        false
    }

    /// Everything found in a large file as it is read, and whether all of it could be.
    fn inspect_stream(&self, _content: &mut dyn Read) -> Streamed<Self::Hit> {
        (Vec::new(), Ok(()))
    }

    /// Takes in the content of the file at that path as it is read, if somebody looks for the file.
    fn content_of_file(&self, _path: &[u8]) -> Option<Content> {
        None
    }

    /// What a file is by itself whose content was taken in.
    fn whole_file(&self, _content: Content) -> Vec<(TextSpan, Self::Hit)> {
        Vec::new()
    }

    /// Takes a hit with all its locations.
    fn report(&self, hit: Self::Hit, locations: Vec<Location>);

    /// Takes what could not be scanned.
    fn diagnose(&self, diagnostic: Diagnostic);

    /// Whether to stop.
    fn is_cancelled(&self) -> bool;

    /// Whether what belongs to this image and layer has to be read at all.
    fn wants(&self, _image: &str, _layer: Option<&str>) -> bool {
        true
    }
}

/// What is found in a file as it is read, and whether all of it could be read.
pub(super) type Streamed<H> = (Vec<(TextSpan, H)>, io::Result<()>);

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
    shadows: Shadows,
    paths: Mutex<HashMap<EntryId, LayerPaths>>,
    pending: Mutex<Vec<Pending<I::Hit>>>,
    /// Bytes handed to other threads and not yet looked into.
    waiting: AtomicUsize,
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
            shadows: Shadows::new(),
            paths: Mutex::default(),
            pending: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Does it.
    pub(super) fn run(self) {
        for diagnostic in self.store.troubles.iter().chain(&self.contents.diagnostics) {
            self.inspector.diagnose(diagnostic.clone());
        }
        self.contents.documents.par_iter().for_each(|document| self.document(document));
        let mut blob_of = HashMap::new();
        let mut wanted = Vec::new();
        for (index, blob) in self.contents.blobs.iter().enumerate() {
            if self.is_wanted(blob) {
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
        if self.shadows.are_incomplete() {
            let reason = "too many files to remember: some that a later layer deletes may be told as visible";
            self.inspector.diagnose(Diagnostic::note("shadows-unknown", &*self.name, reason));
        }
        self.report();
    }

    fn document(&self, document: &Document) {
        let names =
            document.images.iter().filter_map(|index| self.contents.images.get(*index)).map(|image| image.name.clone());
        let mut names: Vec<Arc<str>> = names.collect();
        if names.is_empty() {
            names.push(self.name.clone());
        }
        if self.inspector.is_cancelled() || !names.iter().any(|name| self.inspector.wants(name, None)) {
            return;
        }
        let Some(bytes) = self.store.document(document.entry) else {
            let reason = "a document cannot be read any more";
            return self.inspector.diagnose(Diagnostic::gap("unreadable-file", &*self.name, reason));
        };
        if let Some(expected) = &document.digest {
            let mut hash = Hash::new(expected);
            hash.update(&bytes);
            self.verify(hash, expected, &self.name);
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

    /// How a blob is named in diagnostics: an image that uses it, and its digest.
    fn place_of(&self, blob: &Blob) -> String {
        let used = blob.uses.first().and_then(|(image, position)| {
            let image = self.contents.images.get(*image)?;
            Some(format!("{}: layer {}", image.name, image.layers.get(*position)?.digest))
        });
        used.unwrap_or_else(|| {
            let name = escape(self.entry_name(blob));
            if name.is_empty() { self.name.to_string() } else { format!("{}: {name}", self.name) }
        })
    }

    fn is_wanted(&self, blob: &Blob) -> bool {
        if blob.uses.is_empty() {
            let wants = |is_unpacked| self.inspector.wants(&self.name, self.orphan_layer(blob, is_unpacked).as_deref());
            return wants(true) || wants(false);
        }
        blob.uses.iter().any(|(image, position)| {
            let image = self.contents.images.get(*image);
            let layer = image.and_then(|image| image.layers.get(*position));
            image.zip(layer).is_some_and(|(image, layer)| self.inspector.wants(&image.name, Some(&layer.digest)))
        })
    }

    /// Whether a digest is the expected one; tells if not. One of an algorithm that is not known is not.
    fn verify(&self, hash: Hash, expected: &str, place: &str) -> bool {
        let Some(digest) = hash.finish() else { return false };
        let is_same = digest.eq_ignore_ascii_case(expected);
        if !is_same {
            let expected = escape(expected.as_bytes());
            let reason = format!("the content does not have the digest {expected}; it was scanned as it is");
            self.inspector.diagnose(Diagnostic::gap("digest-mismatch", place, reason));
        }
        is_same
    }

    /// Gives every hit in a blob to the inspector, with a location for each image that uses the blob.
    fn report(&self) {
        let pending = std::mem::take(&mut *lock(&self.pending));
        let paths = lock(&self.paths);
        for Pending { blob, path, span, hit } in pending {
            let Some(blob) = self.contents.blobs.get(blob) else { continue };
            let links = paths.get(&blob.entry).map(|own| own.links(path.as_bytes())).unwrap_or_default();
            let links = links.iter().take(MOST_NAMES).map(|link| SourcePath::new(link));
            let mut locations = Vec::new();
            for path in std::iter::once(path.clone()).chain(links) {
                locations.extend(self.places(blob, &path, &paths).into_iter().map(|place| Location {
                    place: Place::Image(place),
                    path: path.clone(),
                    span,
                }));
            }
            self.inspector.report(hit, locations);
        }
    }

    /// Where a file of a blob stands: once for each image and position that the blob is used at.
    fn places(&self, blob: &Blob, path: &SourcePath, paths: &HashMap<EntryId, LayerPaths>) -> Vec<ImagePlace> {
        if blob.uses.is_empty() {
            let layer = self.orphan_layer(blob, paths.contains_key(&blob.entry));
            return vec![ImagePlace { image: self.name.clone(), layer, instruction: None, shadowed_by: None }];
        }
        let hides = |layer: &&Layer| {
            layer.entry.and_then(|entry| paths.get(&entry)).is_some_and(|paths| paths.hides(path.as_bytes()))
        };
        let place = |(image, position): &(usize, usize)| {
            let image = self.contents.images.get(*image)?;
            let layer = image.layers.get(*position)?;
            let above = image.layers.get(position + 1..).unwrap_or_default();
            Some(ImagePlace {
                image: image.name.clone(),
                layer: Some(layer.digest.clone()),
                instruction: layer.instruction.clone(),
                shadowed_by: above.iter().find(hides).map(|layer| layer.digest.clone()),
            })
        };
        blob.uses.iter().filter_map(place).collect()
    }

    /// What stands for the layer where no image uses the blob: its digest; of another archive its name, since the paths are
    /// those within it.
    fn orphan_layer(&self, blob: &Blob, is_unpacked: bool) -> Option<Arc<str>> {
        let name = self.entry_name(blob);
        match manifest::digest_of_name(name) {
            Some(digest) => Some(digest.into()),
            None if is_unpacked && !name.is_empty() => Some(escape(name).into()),
            None => None,
        }
    }

    fn entry_name(&self, blob: &Blob) -> &[u8] {
        self.store.entries().get(blob.entry).map(|entry| entry.name.as_slice()).unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
