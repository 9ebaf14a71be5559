//! The object database: lists every object and reads each once, side by side.
//!
//! The engine of history scans. Nothing outside this file knows how objects are stored or read.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, Once, PoisonError};

use git2::{ErrorCode, ObjectType, Odb, Oid};

use super::Repository;
use crate::diagnostic::Diagnostic;
use crate::finding::Collector;
use crate::source::SourceError;

/// Object ids are uniform already: their first bytes are the hash.
pub(super) type OidSet = HashSet<Oid, BuildHasherDefault<OidHasher>>;
/// A map keyed by object id.
pub(super) type OidMap<T> = HashMap<Oid, T, BuildHasherDefault<OidHasher>>;

/// Takes the first eight bytes of an id for its hash. Crafting ids that agree in them is as dear as breaking SHA-1 that far.
#[derive(Default)]
pub(super) struct OidHasher(u64);

impl Hasher for OidHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// An object as it is handed to a visitor.
pub(super) struct Object<'a> {
    pub(super) id: Oid,
    pub(super) kind: ObjectType,
    pub(super) bytes: &'a [u8],
}

/// What a visitor wants to see of an object, decided by its header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Read it.
    Read,
    /// Leave it.
    Leave,
}

/// Lists every object of the repository and its alternates, each once, in the order of the packs: neighbours there share
/// their delta bases.
pub(super) fn list(repository: &Repository, collector: &Collector) -> Result<Vec<Oid>, SourceError> {
    let odb = repository.open_objects()?;
    let mut seen = OidSet::default();
    let mut ids = Vec::new();
    let listed = odb.foreach(|&id| {
        if seen.insert(id) {
            ids.push(id);
        }
        !collector.is_cancelled()
    });
    if let Err(error) = listed
        && error.code() != ErrorCode::User
    {
        let reason = format!("not all objects could be listed: {}", error.message());
        collector.diagnose(Diagnostic::gap("corrupt-object", &*repository.name, reason));
    }
    Ok(ids)
}

/// Reads the objects on all threads. `wish` decides by kind and size what is read, `visit` gets it. What cannot be read is
/// diagnosed.
pub(super) fn sweep(
    repository: &Repository,
    ids: &[Oid],
    collector: &Collector,
    wish: impl Fn(Oid, ObjectType, u64) -> Wish + Sync,
    visit: impl Fn(Object<'_>) + Sync,
) {
    let trouble = Trouble::default();
    let read = |odb: &Odb<'_>, &id: &Oid| {
        if let Err(error) = read_one(odb, id, &wish, &visit) {
            trouble.tell(id, &error);
        }
    };
    for_each(repository, ids, collector, read);
    trouble.diagnose(repository, collector);
}

/// Does something with each item on all threads, each of which has its own handle on the objects. Stops when cancelled.
pub(super) fn for_each<T: Sync>(
    repository: &Repository,
    items: &[T],
    collector: &Collector,
    act: impl Fn(&Odb<'_>, &T) + Sync,
) {
    let batch = (items.len() / (16 * rayon::current_num_threads())).clamp(SMALLEST_BATCH, 4096);
    let next = AtomicUsize::new(0);
    let work = |thread: usize| {
        let odb = match repository.open_objects_for(thread) {
            Ok(odb) => odb,
            Err(error) => return collector.diagnose(Diagnostic::gap("corrupt-object", &*repository.name, error)),
        };
        loop {
            let start = next.fetch_add(batch, Relaxed);
            let Some(rest) = items.get(start..).filter(|rest| !rest.is_empty()) else { return };
            for item in rest.iter().take(batch) {
                if collector.is_cancelled() {
                    return;
                }
                act(&odb, item);
            }
        }
    };
    if items.len() <= SMALLEST_BATCH {
        // The handful of a commit hook is done before other threads have woken up.
        work(0);
    } else {
        rayon::broadcast(|thread| work(thread.index()));
    }
}

/// The fewest items that are worth a thread.
const SMALLEST_BATCH: usize = 64;

/// Reads one object of any size.
pub(super) fn read(odb: &Odb<'_>, id: Oid) -> Result<(ObjectType, Vec<u8>), git2::Error> {
    let object = odb.read(id)?;
    Ok((object.kind(), object.data().to_vec()))
}

/// Trees are needed whole to be read, and no honest one comes near this.
const LARGEST_TREE: usize = 256 << 20;

fn read_one(
    odb: &Odb<'_>,
    id: Oid,
    wish: &impl Fn(Oid, ObjectType, u64) -> Wish,
    visit: &impl Fn(Object<'_>),
) -> Result<(), git2::Error> {
    let (size, kind) = odb.read_header(id)?;
    if kind == ObjectType::Tree && size > LARGEST_TREE {
        return Err(git2::Error::from_str("a tree larger than any directory"));
    }
    if wish(id, kind, size as u64) == Wish::Read {
        let object = odb.read(id)?;
        visit(Object { id, kind: object.kind(), bytes: object.data() });
    }
    Ok(())
}

/// libgit2 hashes every object again when it reads it, and keeps what it has read: both cost more than the reading. Each
/// entry has zlib's own checksum, and nothing is read twice here.
pub(super) fn configure_libgit2() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        git2::opts::strict_hash_verification(false);
        git2::opts::enable_caching(false);
    });
}

/// How many broken objects are named one by one.
const NAMED_OBJECTS: usize = 20;

/// Objects that could not be read, gathered from all threads.
#[derive(Default)]
struct Trouble {
    objects: Mutex<Vec<(Oid, bool, String)>>,
}

impl Trouble {
    fn tell(&self, id: Oid, error: &git2::Error) {
        let is_missing = error.code() == ErrorCode::NotFound;
        let reason = error.message().to_owned();
        self.objects.lock().unwrap_or_else(PoisonError::into_inner).push((id, is_missing, reason));
    }

    fn diagnose(self, repository: &Repository, collector: &Collector) {
        let mut objects = self.objects.into_inner().unwrap_or_else(PoisonError::into_inner);
        objects.sort_unstable();
        for (id, is_missing, reason) in objects.iter().take(NAMED_OBJECTS) {
            let code = if *is_missing { "missing-object" } else { "corrupt-object" };
            collector.diagnose(Diagnostic::gap(code, format!("{}: {id}", repository.name), reason));
        }
        if let Some(more) = objects.len().checked_sub(NAMED_OBJECTS).filter(|&more| more > 0) {
            let reason = format!("{more} more objects cannot be read");
            collector.diagnose(Diagnostic::gap("corrupt-object", &*repository.name, reason));
        }
    }
}
