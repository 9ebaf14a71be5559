//! What belongs to a secret in the other files of its directory: the client id in `docker-compose.yml`, the secret in `.env`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::source_path;
use crate::detect::{Candidate, Elsewhere};
use crate::finding::{Pairing, Part, PartPlace, SourcePath};
use crate::source::ScanContext;

/// How many files of a directory are looked at.
const MOST_FILES: usize = 32;

/// How much of each, in bytes.
const MOST_BYTES: u64 = 64 << 10;

/// How many names of a directory are looked through.
const MOST_NAMES: usize = 4096;

/// What files of settings are called.
const EXTENSIONS: [&str; 14] = [
    "env",
    "yml",
    "yaml",
    "json",
    "toml",
    "ini",
    "cfg",
    "conf",
    "config",
    "properties",
    "tfvars",
    "tf",
    "xml",
    "plist",
];

/// The settings in a directory.
#[derive(Default)]
struct Settings {
    directory: PathBuf,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// The settings in the directory that was asked for last: the files of one are scanned one after another.
#[derive(Default)]
pub(in crate::source) struct Siblings(Mutex<Arc<Settings>>);

impl Siblings {
    fn of(&self, directory: &Path) -> Arc<Settings> {
        let last = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::clone(&last());
        if known.directory == directory && !known.files.is_empty() {
            return known;
        }
        let settings = Arc::new(Settings::read(directory));
        *last() = Arc::clone(&settings);
        settings
    }
}

/// What the other files in the directory of `path` have that belongs to a candidate and its own file, which is one of settings too,
/// does not have.
pub(super) fn parts(candidate: &Candidate, path: &Path, context: &ScanContext<'_>) -> Vec<Part> {
    if !path.file_name().is_some_and(is_of_settings) || !candidate.lacks_companions() {
        return Vec::new();
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    let settings = context.collector.siblings.of(directory);
    let others = settings.files.iter().filter(|(other, _)| other != path);
    let others = others.map(|(other, bytes)| (source_path(other), bytes.as_slice()));
    let (paths, texts): (Vec<SourcePath>, Vec<&[u8]>) =
        others.filter(|(other, _)| !context.collector.excluded.has(other)).unzip();
    let part = |Elsewhere { name, value, text, line }| {
        let place = PartPlace { path: paths.get(text)?.clone(), line, pairing: Pairing::SiblingFile };
        Some(Part { place: Some(place), ..Part::public(&name, &value) })
    };
    context.detector.companions_elsewhere(candidate, &texts).into_iter().filter_map(part).collect()
}

impl Settings {
    /// What cannot be read is left out: the scan of that file tells of it.
    fn read(directory: &Path) -> Self {
        let place = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let entries = fs_err::read_dir(place).into_iter().flatten().take(MOST_NAMES).flatten();
        let is_file = |entry: &fs_err::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        let names = entries.filter(|entry| is_of_settings(&entry.file_name()) && is_file(entry));
        let mut names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        names.truncate(MOST_FILES);
        let read = |name| {
            let path = directory.join(name);
            let mut bytes = Vec::new();
            fs_err::File::open(&path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
            Some((path, bytes))
        };
        Self { directory: directory.to_owned(), files: names.into_iter().filter_map(read).collect() }
    }
}

fn is_of_settings(name: &std::ffi::OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    name.as_encoded_bytes().starts_with(b".env")
        || extension.is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
