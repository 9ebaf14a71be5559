//! [`Inventory`]: every object of a store, each with a number, in the order of ids.

use std::path::PathBuf;

use rayon::prelude::*;

use super::ids::Ids;
use super::loose;
use super::{ObjectError, ObjectStore};
use crate::source::git::id::{ObjectId, ObjectKind};
use crate::source::git::objects;
use crate::source::git::sweep::{self, Fault, Objects, PackEntries, Stock};

/// All distinct objects, numbered. What works on millions of them works with numbers.
pub(in crate::source::git) struct Inventory<'a> {
    store: &'a ObjectStore,
    ids: Ids,
    /// Numbers of the objects that have a file of their own.
    loose: Vec<u32>,
    /// Whether all objects are those of one pack, whose index has them in the order of their numbers; others may be empty.
    is_one_pack: bool,
    /// What could not be listed, and why.
    pub(in crate::source::git) troubles: Vec<(PathBuf, String)>,
}

impl<'a> Inventory<'a> {
    /// Lists the objects as they are now.
    pub(in crate::source::git) fn take(store: &'a ObjectStore) -> Self {
        let length = store.hash_length;
        let mut troubles = Vec::new();
        let directories = loose::directories(store).iter();
        let loose: Vec<ObjectId> =
            directories.flat_map(|directory| loose::list(directory, length, &mut troubles)).collect();
        // Most objects are in one pack, whose index has their ids in order already.
        let largest = store.packs().iter().enumerate().max_by_key(|(_, pack)| pack.count());
        let sorted =
            largest.and_then(|(place, pack)| Some((place, pack.ids().filter(|ids| is_ascending(ids, length))?)));
        let mut others: Vec<&[u8]> = loose.iter().map(ObjectId::as_bytes).collect();
        for (place, pack) in store.packs().iter().enumerate() {
            let told = (0..pack.count()).into_par_iter().with_min_len(4096).filter_map(|entry| pack.entry(entry));
            let told = if sorted.is_some_and(|(largest, _)| largest == place) {
                told.count()
            } else {
                let before = others.len();
                others.par_extend(told.map(|(id, _)| id));
                others.len() - before
            };
            let lost = pack.count().saturating_sub(told);
            if lost > 0 {
                let reason = format!("its index does not tell where {lost} of its objects are");
                troubles.push((pack.path().to_owned(), reason));
            }
        }
        others.par_sort_unstable();
        others.dedup();
        let is_one_pack = others.is_empty() && sorted.is_some();
        let ids = Ids::new(merge(sorted.map_or(&[], |(_, ids)| ids), &others, length), length);
        let mut inventory = Self { store, ids, loose: Vec::new(), is_one_pack, troubles };
        inventory.loose = loose.iter().filter_map(|id| inventory.number_of(id.as_bytes())).collect();
        inventory.loose.sort_unstable();
        inventory.loose.dedup();
        inventory
    }

    /// How many objects there are. Numbers are smaller.
    pub(in crate::source::git) fn count(&self) -> u32 {
        self.ids.count()
    }

    /// The id of an object.
    pub(in crate::source::git) fn id(&self, number: u32) -> Option<ObjectId> {
        ObjectId::from_bytes(self.id_bytes(number)?)
    }

    /// The id of an object, as bytes.
    pub(in crate::source::git) fn id_bytes(&self, number: u32) -> Option<&[u8]> {
        self.ids.get(number)
    }

    /// The number of an object, if it is there.
    pub(in crate::source::git) fn number_of(&self, id: &[u8]) -> Option<u32> {
        self.ids.number_of(id)
    }

    /// Numbers of the objects that have a file of their own, ascending.
    pub(in crate::source::git) fn loose(&self) -> &[u32] {
        &self.loose
    }

    /// The ids of objects that could not be visited.
    pub(in crate::source::git) fn name(&self, troubles: Vec<sweep::Trouble>) -> Vec<objects::Trouble> {
        let named = troubles.into_iter().filter_map(|trouble| {
            let (is_missing, reason) = (trouble.fault.is_missing(), trouble.fault.to_string());
            Some(objects::Trouble { id: self.id(trouble.number)?, is_missing, reason })
        });
        named.collect()
    }

    /// What can be swept.
    pub(in crate::source::git) fn stock(&self) -> Stock<'_> {
        let packs = self.store.packs().iter().map(|pack| {
            let entries = (0..pack.count()).into_par_iter().with_min_len(4096).filter_map(|entry| {
                let (id, offset) = pack.entry(entry)?;
                let number = if self.is_one_pack { u32::try_from(entry).ok() } else { self.number_of(id) };
                Some((offset, number?))
            });
            PackEntries::new(pack.bytes(), self.store.hash_length, entries.collect())
        });
        Stock::new(self.count(), packs.collect(), self.loose.clone(), self)
    }
}

/// Whether each id is greater than the one before.
fn is_ascending(ids: &[u8], length: usize) -> bool {
    ids.chunks_exact(length).is_sorted_by(|a, b| a < b)
}

/// Both as one, each id once. `sorted` are ids one after the other; both are ascending.
fn merge(sorted: &[u8], others: &[&[u8]], length: usize) -> Vec<u8> {
    let mut ids = Vec::with_capacity(sorted.len() + others.len() * length);
    let mut rest = sorted;
    for other in others {
        let before = rest.chunks_exact(length).take_while(|id| id < other).count();
        let (lower, behind) = rest.split_at_checked(before * length).unwrap_or((rest, &[]));
        ids.extend_from_slice(lower);
        rest = behind;
        if !rest.starts_with(other) {
            ids.extend_from_slice(other);
        }
    }
    ids.extend_from_slice(rest);
    ids
}

impl Objects for Inventory<'_> {
    fn number(&self, id: &[u8]) -> Option<u32> {
        self.number_of(id)
    }

    fn header(&self, number: u32) -> Result<(ObjectKind, u64), Fault> {
        let reader = self.store.reader();
        self.named(number).and_then(|id| reader.header(id)).map_err(fault)
    }

    fn read(&self, number: u32) -> Result<(ObjectKind, Vec<u8>), Fault> {
        let reader = self.store.reader();
        self.named(number).and_then(|id| reader.read(id)).map_err(fault)
    }
}

impl Inventory<'_> {
    fn named(&self, number: u32) -> Result<ObjectId, ObjectError> {
        self.id(number).ok_or(ObjectError::Missing)
    }
}

fn fault(error: ObjectError) -> Fault {
    Fault::Unread { is_missing: error.is_missing(), reason: error.to_string() }
}
