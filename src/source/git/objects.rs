//! The object database: lists every object and reads each once, side by side.
//!
//! The engine of history scans. Nothing outside this file knows how objects are stored or read.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use git2::{ErrorCode, ObjectType, Odb, Oid};

use super::Repository;
use crate::diagnostic::Diagnostic;
use crate::source::Collector;
use crate::source::SourceError;

/// A set of object ids.
pub(super) type OidSet = HashSet<Oid, OidState>;
/// A map keyed by object id.
pub(super) type OidMap<T> = HashMap<Oid, T, OidState>;

/// Makes the hashers of one process, all with the same secret. An honest id is its own hash, but ids need not be: a tree names
/// any that it likes, a pack's index gives any to its objects, and a million that agree in what is hashed would take hours.
#[derive(Clone, Copy)]
pub(super) struct OidState([u64; 2]);

impl Default for OidState {
    fn default() -> Self {
        static SECRET: LazyLock<[u64; 2]> = LazyLock::new(|| [0, 1].map(|number| RandomState::new().hash_one(number)));
        Self(*SECRET)
    }
}

impl BuildHasher for OidState {
    type Hasher = OidHasher;

    fn build_hasher(&self) -> OidHasher {
        OidHasher { secret: self.0, hash: 0 }
    }
}

/// Multiplies the parts of an id with each other, which whoever chose them cannot foresee without the secret.
pub(super) struct OidHasher {
    secret: [u64; 2],
    hash: u64,
}

impl Hasher for OidHasher {
    fn write(&mut self, bytes: &[u8]) {
        let part = |start: usize| {
            let part = bytes.get(start..).and_then(<[u8]>::first_chunk);
            part.map_or(0, |part| u64::from_le_bytes(*part))
        };
        let [left, right] = self.secret;
        // The parts overlap, so that all twenty bytes count.
        self.hash ^= fold(fold(part(0) ^ left, part(8) ^ right) ^ left, part(12) ^ right);
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

/// Both halves of the product, one over the other.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let lower = product as u64;
    lower ^ (product >> 64) as u64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_agree_in_most_bytes_do_not_share_a_hash() {
        for place in 0..20 {
            let ids = (0..=u8::MAX).map(|byte| {
                let mut id = [7; 20];
                id[place] = byte;
                Oid::from_bytes(&id).expect("twenty bytes")
            });
            let state = OidState::default();
            let hashes: HashSet<u64> = ids.map(|id| state.hash_one(id)).collect();
            assert_eq!(hashes.len(), 256, "byte {place}");
        }
    }
}
