//! The object database: packs and loose objects, the repository's own and those it borrows.
//!
//! - [`ObjectStore`]: what there is.
//! - [`Reader`]: reads objects one by one.
//! - [`Inventory`]: every object with a number, for sweeps.
//! - `ids`: what finds the number of an object by its id.
//! - `loose`: objects that have a file of their own.
//!
//! Nothing here believes what a file says of itself. Every size, offset and id is checked where it is used.

mod ids;
mod inventory;
mod loose;
mod reader;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::id::ObjectId;
use super::pack::mapped::Mapped;
use super::pack::multi_index::MultiPackIndex;
use super::pack::{Pack, PackError};
use super::repository::{path_from_bytes, read_file};

pub(super) use inventory::Inventory;
pub(super) use reader::{ObjectError, Reader};

/// How often one repository may borrow from another that borrows, as in git.
const DEEPEST_ALTERNATE: usize = 5;

/// Names the object directories that an object directory borrows from, one a line.
const ALTERNATES: &str = "info/alternates";

/// The fewest digits that stand for an id, as in git.
const SHORTEST_ABBREVIATION: usize = 4;

/// The objects of a repository. Opened once and shared between threads.
pub(super) struct ObjectStore {
    /// Object directories, the repository's own first.
    directories: Vec<PathBuf>,
    packs: Vec<Pack>,
    /// Length of ids in bytes.
    hash_length: usize,
    /// What could not be opened, and why.
    pub(super) troubles: Vec<(PathBuf, String)>,
}

impl ObjectStore {
    /// Opens the packs of these object directories and of those they borrow from.
    pub(super) fn open(directories: &[PathBuf], hash_length: usize) -> Self {
        let mut store = Self { directories: Vec::new(), packs: Vec::new(), hash_length, troubles: Vec::new() };
        let mut open: Vec<(PathBuf, usize)> = directories.iter().rev().map(|path| (path.clone(), 0)).collect();
        let mut entered: Vec<PathBuf> = Vec::new();
        while let Some((directory, depth)) = open.pop() {
            let Ok(real) = fs_err::canonicalize(&directory) else {
                store.troubles.push((directory, "the object directory is not there".to_owned()));
                continue;
            };
            if entered.contains(&real) {
                continue;
            }
            entered.push(real);
            if depth < DEEPEST_ALTERNATE {
                match alternates(&directory) {
                    Ok(others) => open.extend(others.into_iter().rev().map(|path| (path, depth + 1))),
                    Err(error) => store.troubles.push((directory.join(ALTERNATES), unread(&error))),
                }
            } else if directory.join(ALTERNATES).exists() {
                store.troubles.push((directory.clone(), "borrows from too many repositories in a row".to_owned()));
            }
            store.open_packs(&directory.join("pack"));
            store.directories.push(directory);
        }
        store
    }

    /// A reader of its own for a thread.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader::new(self)
    }

    /// The objects whose ids begin with these hexadecimal digits, at least four; sorted and without repetitions.
    pub(super) fn abbreviated(&self, digits: &str) -> Vec<ObjectId> {
        let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal || !(SHORTEST_ABBREVIATION..2 * self.hash_length).contains(&digits.len()) {
            return Vec::new();
        }
        let digits = digits.to_ascii_lowercase();
        let first = digits.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let packed = self.packs.iter().flat_map(|pack| (0..pack.count()).filter_map(|entry| pack.entry(entry)));
        let packed =
            packed.filter(|(id, _)| id.first().copied() == first).filter_map(|(id, _)| ObjectId::from_bytes(id));
        let loose =
            self.directories.iter().flat_map(|directory| loose::list(directory, self.hash_length, &mut Vec::new()));
        let mut found: Vec<ObjectId> = packed.chain(loose).filter(|id| id.to_string().starts_with(&digits)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The packs.
    pub(super) fn packs(&self) -> &[Pack] {
        &self.packs
    }

    fn open_packs(&mut self, directory: &Path) {
        let listed = fs_err::read_dir(directory)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>());
        let mut packs = match listed {
            Ok(packs) => packs,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.troubles.push((directory.to_owned(), unread(&error))),
        };
        packs.retain(|path| path.extension().is_some_and(|extension| extension == "pack"));
        if packs.is_empty() {
            return;
        }
        // Every run opens them in the same order.
        packs.sort_unstable();
        let shared = multi_indexes(directory, self.hash_length);
        for path in packs {
            let place = shared.iter().find_map(|index| Some((index, place_in(index, &path)?)));
            match Pack::open(&path, self.hash_length, place) {
                Ok(pack) => self.packs.push(pack),
                // Git was deleting it while we looked.
                Err(PackError::Open(error)) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => self.troubles.push((path, error.to_string())),
            }
        }
    }
}

/// The directories that a directory of objects borrows from (`gitrepository-layout`, "objects/info/alternates").
fn alternates(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let text = match read_file(&directory.join(ALTERNATES)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    Ok(lines.map(|line| directory.join(path_from_bytes(line))).collect())
}

/// Why some of the objects may be missing from what is listed.
fn unread(error: &std::io::Error) -> String {
    format!("cannot be read, and objects may be left out: {}", error.kind())
}

/// The index for several packs, or the chain of them. One for ids of another length tells nothing about these packs.
fn multi_indexes(directory: &Path, hash_length: usize) -> Vec<Arc<MultiPackIndex<Mapped>>> {
    let chain = directory.join("multi-pack-index.d");
    let names = read_file(&chain.join("multi-pack-index-chain")).unwrap_or_default();
    let names = names.split(|byte| *byte == b'\n').filter(|name| name.iter().all(u8::is_ascii_hexdigit));
    let of_chain = names.filter(|name| !name.is_empty()).map(|name| {
        let name = String::from_utf8_lossy(name);
        chain.join(format!("multi-pack-index-{name}.midx"))
    });
    let paths = std::iter::once(directory.join("multi-pack-index")).chain(of_chain);
    let indexes = paths.filter_map(|path| MultiPackIndex::parse(Mapped::open(&path).ok()?).ok());
    indexes.filter(|index| index.hash_length() == hash_length).map(Arc::new).collect()
}

/// The place of a pack in an index for several.
fn place_in(index: &MultiPackIndex<Mapped>, pack: &Path) -> Option<usize> {
    let stem = pack.file_stem()?.as_encoded_bytes();
    let is_it = |name: &Vec<u8>| {
        let name = name.strip_suffix(b".idx").or_else(|| name.strip_suffix(b".pack")).unwrap_or(name);
        name == stem
    };
    index.packs.iter().position(is_it)
}
