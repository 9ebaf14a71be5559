//! Whole scans of images that are built byte by byte, with a stand-in for detection that finds `LEAK-` and the letters behind.

mod hostile;
mod layouts;

use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::ImageSource;
use super::layer::Limits;
use super::scan::{Inspector, Scan, Subject};
use crate::diagnostic::Diagnostic;
use crate::finding::{ImagePlace, Location, Place, SourcePath};

/// Finds markers and remembers what it was given.
#[derive(Default)]
struct Probe {
    found: Mutex<Vec<(String, Location)>>,
    diagnostics: Mutex<Vec<Diagnostic>>,
    cancelled: AtomicBool,
}

impl Inspector for Probe {
    type Hit = String;

    fn inspect(&self, _subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, String)> {
        memchr::memmem::find_iter(bytes, "LEAK-")
            .map(|start| {
                let length = bytes[start + 5..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                let end = start + 5 + length;
                (start..end, String::from_utf8_lossy(&bytes[start..end]).into_owned())
            })
            .collect()
    }

    fn report(&self, hit: String, locations: Vec<Location>) {
        self.found.lock().unwrap().extend(locations.into_iter().map(|location| (hit.clone(), location)));
    }

    fn diagnose(&self, diagnostic: Diagnostic) {
        self.diagnostics.lock().unwrap().push(diagnostic);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// What a scan answered, as lines: `marker image layer path [instruction] [shadowed by]`.
struct Answer {
    lines: Vec<String>,
    diagnostics: Vec<String>,
    places: Vec<(String, ImagePlace, SourcePath)>,
}

impl Answer {
    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|known| known == line)
    }

    fn told(&self, code: &str) -> bool {
        self.diagnostics.iter().any(|known| known.starts_with(code))
    }
}

fn scan(path: &Path) -> Answer {
    scan_with(path, Limits::new(1 << 20), Probe::default())
}

fn scan_with(path: &Path, limits: Limits, probe: Probe) -> Answer {
    let source = ImageSource::open(path, "img").unwrap();
    Scan::new(&source.store, &source.contents, "img", &probe, limits).run();
    let mut lines = Vec::new();
    let mut places = Vec::new();
    for (marker, location) in probe.found.into_inner().unwrap() {
        let Place::Image(place) = location.place else { panic!("not in an image") };
        let words = [
            Some(marker.clone()),
            Some(place.image.to_string()),
            place.layer.as_deref().map(|layer| short(layer).to_owned()),
            Some(location.path.display().into_owned()),
            place.instruction.as_deref().map(|text| format!("[{text}]")),
            place.shadowed_by.as_deref().map(|layer| format!("hidden by {}", short(layer))),
        ];
        let line = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        lines.push(line);
        places.push((marker, place, location.path));
    }
    lines.sort();
    let mut diagnostics: Vec<String> = probe
        .diagnostics
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|diagnostic| {
            let sort = if diagnostic.gap { "gap" } else { "note" };
            format!("{} {sort} {}: {}", diagnostic.code, diagnostic.place, diagnostic.reason)
        })
        .collect();
    diagnostics.sort();
    Answer { lines, diagnostics, places }
}

/// Enough of a digest to tell layers apart in an assertion.
fn short(digest: &str) -> &str {
    digest.get(..13).unwrap_or(digest)
}

fn digest(bytes: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// A tar of files; a name that ends in `/` is a directory, content that begins with `->` a symbolic link.
fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        if let Some(target) = content.strip_prefix(b"->") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
            continue;
        }
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar entry with a path that the `tar` crate would not write.
fn raw_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// An OCI layout under construction: files by name.
struct Layout {
    files: Vec<(String, Vec<u8>)>,
    manifests: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        Self {
            files: vec![("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())],
            manifests: Vec::new(),
        }
    }

    fn blob(&mut self, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        self.files.push((format!("blobs/{}", digest.replace(':', "/")), bytes.to_vec()));
        digest
    }

    fn json(&mut self, value: &Value) -> String {
        self.blob(&serde_json::to_vec(value).unwrap())
    }

    /// Adds an image and answers the digests of its manifest and layers. The history calls the layers `step 0`, `step 1` …
    fn image(&mut self, layers: &[Vec<u8>], config: Value) -> (String, Vec<String>) {
        let mut history = vec![json!({"created_by": "ENV", "empty_layer": true})];
        history.extend((0..layers.len()).map(|step| json!({"created_by": format!("step {step}")})));
        let config = self.json(&json!({"config": config, "history": history}));
        let is_statement: Vec<bool> = layers.iter().map(|layer| layer.starts_with(b"{")).collect();
        let layers: Vec<String> = layers.iter().map(|layer| self.blob(layer)).collect();
        let mut descriptors: Vec<Value> = layers.iter().map(|layer| descriptor(layer)).collect();
        for (descriptor, _) in descriptors.iter_mut().zip(is_statement).filter(|(_, is_statement)| *is_statement) {
            descriptor["mediaType"] = json!("application/vnd.in-toto+json");
        }
        let manifest = self.json(&json!({"schemaVersion": 2, "config": {"digest": config}, "layers": descriptors}));
        (manifest, layers)
    }

    fn refer(&mut self, manifest: &str, tag: &str) {
        let annotations = json!({"org.opencontainers.image.ref.name": tag});
        self.manifests.push(json!({"digest": manifest, "annotations": annotations}));
    }

    fn finish(mut self) -> Vec<(String, Vec<u8>)> {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        self.files.push(("index.json".into(), serde_json::to_vec(&index).unwrap()));
        self.files
    }
}

fn descriptor(digest: &str) -> Value {
    json!({"digest": digest, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"})
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    tar_of(&files)
}

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("image");
        fs_err::write(&path, bytes).unwrap();
        path
    }

    fn directory(&self, files: &[(String, Vec<u8>)]) -> PathBuf {
        for (name, bytes) in files {
            let path = self.0.path().join("layout").join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        self.0.path().join("layout")
    }
}
