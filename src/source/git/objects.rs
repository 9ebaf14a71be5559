//! Reads some objects of a repository side by side, for scans that do not need all of them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::id::{ObjectId, ObjectKind};
use super::store::{ObjectError, ObjectStore, Reader};
use crate::diagnostic::Diagnostic;
use crate::source::Collector;

/// An object as it is handed to a visitor.
pub(super) struct Object<'a> {
    pub(super) id: ObjectId,
    pub(super) kind: ObjectKind,
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

/// Reads the objects on all threads. `wish` decides by kind and size what is read, `visit` gets it. What cannot be read is
/// diagnosed, as something of the repository that is called `name`.
pub(super) fn read_all(
    store: &ObjectStore,
    name: &str,
    ids: &[ObjectId],
    collector: &Collector,
    wish: impl Fn(ObjectId, ObjectKind, u64) -> Wish + Sync,
    visit: impl Fn(Object<'_>) + Sync,
) {
    let troubles: Mutex<Vec<Trouble>> = Mutex::default();
    for_each(store, ids, collector, |reader, &id| {
        if let Err(error) = read_one(reader, id, &wish, &visit) {
            let trouble = Trouble { id, is_missing: error.is_missing(), reason: error.to_string() };
            troubles.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
        }
    });
    diagnose(troubles.into_inner().unwrap_or_else(PoisonError::into_inner), name, collector);
}

fn read_one(
    reader: &Reader<'_>,
    id: ObjectId,
    wish: &impl Fn(ObjectId, ObjectKind, u64) -> Wish,
    visit: &impl Fn(Object<'_>),
) -> Result<(), ObjectError> {
    let (kind, size) = reader.header(id)?;
    if wish(id, kind, size) == Wish::Read {
        let (kind, bytes) = reader.read(id)?;
        visit(Object { id, kind, bytes: &bytes });
    }
    Ok(())
}

/// Does something with each item on all threads, each of which has a reader of its own. Stops when cancelled.
pub(super) fn for_each<T: Sync>(
    store: &ObjectStore,
    items: &[T],
    collector: &Collector,
    act: impl Fn(&Reader<'_>, &T) + Sync,
) {
    let batch = (items.len() / (16 * rayon::current_num_threads())).clamp(SMALLEST_BATCH, 4096);
    let next = AtomicUsize::new(0);
    let work = || {
        let reader = store.reader();
        loop {
            let start = next.fetch_add(batch, Relaxed);
            let Some(rest) = items.get(start..).filter(|rest| !rest.is_empty()) else { return };
            for item in rest.iter().take(batch) {
                if collector.is_cancelled() {
                    return;
                }
                act(&reader, item);
            }
        }
    };
    if items.len() <= SMALLEST_BATCH {
        // The handful of a commit hook is done before other threads have woken up.
        work();
    } else {
        rayon::broadcast(|_| work());
    }
}

/// The fewest items that are worth a thread.
const SMALLEST_BATCH: usize = 64;

/// An object that could not be read.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trouble {
    pub(super) id: ObjectId,
    pub(super) is_missing: bool,
    pub(super) reason: String,
}

/// How many broken objects are named one by one.
const NAMED_OBJECTS: usize = 20;

/// Tells of objects that could not be read.
pub(super) fn diagnose(mut troubles: Vec<Trouble>, name: &str, collector: &Collector) {
    troubles.sort_unstable();
    for Trouble { id, is_missing, reason } in troubles.iter().take(NAMED_OBJECTS) {
        let code = if *is_missing { "missing-object" } else { "corrupt-object" };
        collector.diagnose(Diagnostic::gap(code, format!("{name}: {id}"), reason));
    }
    if let Some(more) = troubles.len().checked_sub(NAMED_OBJECTS).filter(|&more| more > 0) {
        let reason = format!("{more} more objects cannot be read");
        collector.diagnose(Diagnostic::gap("corrupt-object", name, reason));
    }
}
