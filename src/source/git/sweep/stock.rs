//! [`Stock`]: what is swept.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::Fault;
use super::survey::Survey;
use crate::source::git::id::ObjectKind;

/// The objects of a repository. Each has a number, and may be there several times.
pub struct Stock<'a> {
    /// One more than the highest number.
    pub count: u32,
    /// The packs.
    pub packs: Vec<PackEntries<'a>>,
    /// Numbers of the objects that have a file of their own.
    pub loose: Vec<u32>,
    /// Reads objects one by one.
    pub objects: &'a dyn Objects,
    /// What the headers say, which does not change from one sweep to the next.
    survey: OnceLock<Survey>,
}

impl<'a> Stock<'a> {
    /// `count` is one more than the highest number, `loose` are the numbers of the objects that have a file of their own.
    pub fn new(count: u32, packs: Vec<PackEntries<'a>>, loose: Vec<u32>, objects: &'a dyn Objects) -> Self {
        Self { count, packs, loose, objects, survey: OnceLock::new() }
    }

    /// Reads what the headers say, on all threads. It is read when first needed otherwise.
    pub fn make_ready(&self) {
        let _ = self.survey();
    }

    pub(super) fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| Survey::make(self))
    }
}

/// A pack and what its index says of it.
pub struct PackEntries<'a> {
    /// The file up to its checksum.
    pub(super) bytes: &'a [u8],
    /// How long the ids in it are, in bytes.
    pub(super) hash_length: usize,
    /// Where each entry starts, ascending, and the number of its object.
    pub(super) entries: Vec<(u64, u32)>,
}

impl<'a> PackEntries<'a> {
    /// The entries of a pack: `bytes` is the file up to its checksum, `hash_length` the length of its ids in bytes. Of each
    /// entry, in any order, where it starts and the number of its object.
    pub fn new(bytes: &'a [u8], hash_length: usize, mut entries: Vec<(u64, u32)>) -> Self {
        entries.par_sort_unstable();
        entries.dedup();
        Self { bytes, hash_length, entries }
    }
}

/// Reads objects one by one: loose ones, and those whose entry is damaged and that may be elsewhere too.
pub trait Objects: Sync {
    /// The number of the object with this id, if there is one.
    fn number(&self, id: &[u8]) -> Option<u32>;

    /// The kind of an object, and its size in bytes.
    fn header(&self, number: u32) -> Result<(ObjectKind, u64), Fault>;

    /// An object as a whole.
    fn read(&self, number: u32) -> Result<(ObjectKind, Vec<u8>), Fault>;
}
