//! Container images: archives and layouts, every file of every layer.
//!
//! For a security engineer who has an image and no daemon. Understands `docker save` (every version), OCI layouts as directory
//! or tar, skopeo's `dir:`, each also compressed as a whole; layers as plain tar, gzip or zstd. Everything is told by content.
//! A tar that is no image is scanned as one archive. Deleted files, unreferenced blobs, attestations and every platform are
//! scanned; the merged file system is never built and nothing is ever written to disk.

mod contents;
mod digest;
mod layer;
mod layout;
mod manifest;
mod meter;
mod naming;
mod scan;
mod shadow;
mod store;
#[cfg(test)]
mod tests;
mod values;

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::contents::Contents;
use self::layer::Limits;
use self::scan::{Inspector, Scan, Streamed, Subject};
use self::store::Store;
use super::stream::{Buffer, Part, Searched};
use super::whole_file::Content;
use super::{ScanContext, Source};
use crate::detect::Candidate;
use crate::diagnostic::Diagnostic;
use crate::finding::{ImagePlace, Location, SourcePath, TextSpan, escape};
use crate::source::archive::compression;

/// Files larger than this are not read again: no scan takes in more by mistake.
const MOST_REREAD: u64 = 1 << 30;

/// What a path holds, as far as a look at its beginning tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// A tar archive, perhaps compressed: an image archive, or any other tar.
    Archive,
    /// A directory in the OCI image layout, a directory of blobs, or skopeo's `dir:`.
    Layout,
}

/// Why a path cannot be scanned as an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It cannot be read at all.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is something else.
    #[error("`{}` is no container image: neither a tar archive nor an image layout", .path.display())]
    NotAnImage {
        /// The path.
        path: PathBuf,
    },
}

/// Tells whether a path holds an image or a tar archive, by content; `None` if it holds something else.
///
/// # Errors
/// When the path cannot be read.
pub fn sniff(path: &Path) -> Result<Option<ImageFormat>, ImageError> {
    let unreadable = |source| ImageError::Unreadable { path: path.to_path_buf(), source };
    let metadata = fs_err::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Ok(is_layout(path).then_some(ImageFormat::Layout));
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    let file = fs_err::File::open(path).map_err(unreadable)?;
    let head = compression::decode(file).and_then(|(_, decoded)| Ok(compression::peek(decoded)?.0));
    // What begins like compressed data and does not decompress is some other file.
    let head = match head {
        Ok(head) => head,
        Err(error) if error.raw_os_error().is_some() => return Err(unreadable(error)),
        // A compressed file that is cut before its first block may be anything: scanning it tells that it is cut.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(ImageFormat::Archive)),
        Err(_) => return Ok(None),
    };
    Ok(compression::is_tar_header(&head).then_some(ImageFormat::Archive))
}

/// Whether a directory is an image layout. `manifest.json` alone is no proof: web applications have files of that name.
fn is_layout(path: &Path) -> bool {
    let has_file = |name: &str| fs_err::metadata(path.join(name)).is_ok_and(|metadata| metadata.is_file());
    let has_directory = |name: &str| fs_err::metadata(path.join(name)).is_ok_and(|metadata| metadata.is_dir());
    has_file("oci-layout")
        || has_directory("blobs/sha256")
        || has_directory("blobs/sha512")
        || (has_file("manifest.json")
            && fs_err::read(path.join("version")).is_ok_and(|text| text.starts_with(b"Directory Transport Version")))
}

/// Opens an image for scanning; `name` is how the user named it.
///
/// # Errors
/// When the path cannot be read, or holds no image.
pub fn open(path: &Path, name: &str) -> Result<Box<dyn Source>, ImageError> {
    Ok(Box::new(ImageSource::open(path, name)?))
}

/// Reads again what stood at a place of an earlier scan: `visit` gets the file, or the value of the document, in which the
/// spans of that scan count; then, unless it breaks, the values beside that one as detection saw them, and further files: a
/// layer may hold several of one path. `inner` may be as it was shown.
///
/// # Errors
/// When the archive or layout cannot be read, or is none any more.
pub fn reread(
    place: &ImagePlace,
    inner: &SourcePath,
    visit: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
) -> Result<(), ImageError> {
    let name = target_of(&place.image);
    let source = ImageSource::open(Path::new(name), name)?;
    let rereader = Rereader { place, inner, visit: Mutex::new(Reading { visit, is_done: false }) };
    Scan::new(&source.store, &source.contents, name, &rereader, Limits::new(MOST_REREAD)).run();
    Ok(())
}

/// The path in the name of an image, which may have a tag or digest behind a `#`. A path may hold a `#` itself.
fn target_of(image: &str) -> &str {
    match image.rsplit_once('#') {
        Some((path, _)) if !Path::new(image).exists() => path,
        _ => image,
    }
}

/// An image archive or layout, listed and understood, not yet scanned.
struct ImageSource {
    name: String,
    store: Store,
    contents: Contents,
}

impl ImageSource {
    fn open(path: &Path, name: &str) -> Result<Self, ImageError> {
        let format = sniff(path)?.ok_or_else(|| ImageError::NotAnImage { path: path.to_path_buf() })?;
        let listed = match format {
            ImageFormat::Layout => Store::directory(path, name),
            ImageFormat::Archive => Store::archive(path, name)
                .and_then(|store| if layout::holds_images(&store) { Ok(store) } else { Store::whole(path) }),
        };
        let store = listed.map_err(|source| ImageError::Unreadable { path: path.to_path_buf(), source })?;
        let contents = layout::resolve(&store, name);
        Ok(Self { name: name.to_owned(), store, contents })
    }
}

impl Source for ImageSource {
    fn describe(&self) -> String {
        match self.contents.images.iter().filter(|image| !image.is_orphan).count() {
            0 if self.contents.images.is_empty() => format!("archive {}", self.name),
            0 | 1 => format!("container image {}", self.name),
            number => format!("{number} container images in {}", self.name),
        }
    }

    fn scan(&self, context: &ScanContext<'_>) {
        let limits = Limits { stream_bytes: context.max_stream_size, ..Limits::new(context.max_file_size) };
        Scan::new(&self.store, &self.contents, &self.name, context, limits).run();
    }
}

impl Inspector for ScanContext<'_> {
    type Hit = Candidate;

    fn inspect(&self, _subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, Candidate)> {
        self.collector.expect(1);
        let candidates = self.detector.detect(bytes);
        self.collector.count(bytes.len() as u64);
        candidates.into_iter().map(|candidate| (candidate.span.clone(), candidate)).collect()
    }

    fn takes_streams(&self) -> bool {
        true
    }

    fn inspect_stream(&self, content: &mut dyn Read) -> Streamed<Candidate> {
        self.collector.expect(1);
        let Searched { found, result, .. } = self.search_part(content, &mut Buffer::new(), Part::WHOLE);
        self.collector.count_item();
        (found.into_iter().map(|(candidate, span)| (span, candidate)).collect(), result)
    }

    fn content_of_file(&self, path: &[u8]) -> Option<Content> {
        self.looks_for_file(path).then(|| self.new_content())
    }

    fn whole_file(&self, content: Content) -> Vec<(TextSpan, Candidate)> {
        self.file_of(content).into_iter().map(|(candidate, span)| (span, candidate)).collect()
    }

    fn report(&self, hit: Candidate, locations: Vec<Location>) {
        self.collector.add(hit, locations);
    }

    fn diagnose(&self, diagnostic: Diagnostic) {
        self.collector.diagnose(diagnostic);
    }

    fn is_cancelled(&self) -> bool {
        self.collector.is_cancelled()
    }
}

/// Looks for one place.
struct Rereader<'a> {
    place: &'a ImagePlace,
    inner: &'a SourcePath,
    visit: Mutex<Reading<'a>>,
}

/// Who asked, and whether they have seen enough.
struct Reading<'a> {
    visit: &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    is_done: bool,
}

impl Inspector for Rereader<'_> {
    type Hit = ();

    fn inspect(&self, subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, ())> {
        let wanted = self.inner.as_bytes();
        let found = match subject {
            Subject::File(path) => (*path == wanted || escape(path).as_bytes() == wanted).then_some(bytes),
            Subject::Values(prefix, text) => wanted
                .strip_prefix(prefix.as_bytes())
                .and_then(|pointer| std::str::from_utf8(pointer).ok())
                .and_then(|pointer| text.at(pointer)),
        };
        if let Some(found) = found {
            let mut reading = self.visit.lock().unwrap_or_else(PoisonError::into_inner);
            let is_part = found.len() < bytes.len();
            reading.is_done =
                reading.is_done || (reading.visit)(found).is_break() || (is_part && (reading.visit)(bytes).is_break());
        }
        Vec::new()
    }

    fn report(&self, (): (), _locations: Vec<Location>) {}

    fn diagnose(&self, _diagnostic: Diagnostic) {}

    fn is_cancelled(&self) -> bool {
        self.visit.lock().unwrap_or_else(PoisonError::into_inner).is_done
    }

    fn wants(&self, image: &str, layer: Option<&str>) -> bool {
        image == &*self.place.image && layer == self.place.layer.as_deref()
    }
}
