//! [`Pack`]: a pack with what tells where its objects are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::{IndexDamaged, PackIndex, number, search};
use super::mapped::Mapped;
use super::multi_index::MultiPackIndex;

/// An open pack.
pub(in crate::source::git) struct Pack {
    path: PathBuf,
    bytes: Mapped,
    /// Where the checksum at the end begins.
    end: usize,
    listing: Listing,
}

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::source::git) enum PackError {
    /// A file of it cannot be opened.
    #[error("cannot be opened: {}", .0.kind())]
    Open(#[from] std::io::Error),
    /// It is no pack, or of a version that git never wrote.
    #[error("is no pack")]
    NoPack,
    /// Nothing tells where its objects are.
    #[error("has no index; make one with `git index-pack`")]
    NoIndex,
    /// Its index makes no sense.
    #[error(transparent)]
    Damaged(#[from] IndexDamaged),
    /// It holds more objects than its index tells of, or fewer.
    #[error("does not hold the objects that its index tells")]
    OtherCount,
    /// Its index is that of another pack, or its end is missing.
    #[error("is not the pack that its index was made for")]
    Other,
}

/// What tells where the objects are.
enum Listing {
    Own(PackIndex<Mapped>),
    /// Entries of an index for several packs that belong to this one, in the order of their ids.
    Shared(Arc<MultiPackIndex<Mapped>>, Vec<u32>),
}

impl Pack {
    /// Opens a pack by the name of its `.pack` file. Where it has no index of its own, `shared` tells its place in one for
    /// several packs.
    pub(in crate::source::git) fn open(
        path: &Path,
        hash_length: usize,
        shared: Option<(&Arc<MultiPackIndex<Mapped>>, usize)>,
    ) -> Result<Self, PackError> {
        let own = open_index(&path.with_extension("idx"), hash_length);
        let listing = match (own, shared) {
            (Ok(index), _) => Listing::Own(index),
            (Err(_), Some((index, place))) => Listing::of(index, place)?,
            (Err(PackError::Open(error)), None) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(PackError::NoIndex);
            }
            (Err(error), None) => return Err(error),
        };
        let bytes = Mapped::open(path)?;
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, ..] = &*bytes else { return Err(PackError::NoPack) };
        let end = bytes.len().checked_sub(hash_length).filter(|&end| end >= HEADER).ok_or(PackError::NoPack)?;
        if let Listing::Own(index) = &listing
            && bytes.get(end..) != Some(index.pack_checksum())
        {
            return Err(PackError::Other);
        }
        // What an index keeps quiet about would never be looked at. One for several packs leaves out what others hold, too.
        if let Listing::Own(index) = &listing
            && number(&bytes, 8).and_then(|count| usize::try_from(count).ok()) != Some(index.count())
        {
            return Err(PackError::OtherCount);
        }
        Ok(Self { path: path.to_owned(), bytes, end, listing })
    }

    /// Its `.pack` file.
    pub(in crate::source::git) fn path(&self) -> &Path {
        &self.path
    }

    /// The entries: the file up to its checksum.
    pub(in crate::source::git) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// The checksum of the pack, which names its content.
    pub(in crate::source::git) fn checksum(&self) -> &[u8] {
        self.bytes.get(self.end..).unwrap_or_default()
    }

    /// How many objects are known to be in it.
    pub(in crate::source::git) fn count(&self) -> usize {
        match &self.listing {
            Listing::Own(index) => index.count(),
            Listing::Shared(_, entries) => entries.len(),
        }
    }

    /// The ids of all objects, one after the other, if its index keeps them so.
    pub(in crate::source::git) fn ids(&self) -> Option<&[u8]> {
        match &self.listing {
            Listing::Own(index) => index.ids(),
            Listing::Shared(..) => None,
        }
    }

    /// The id of an object and where its entry starts, by its place in the order of ids.
    pub(in crate::source::git) fn entry(&self, entry: usize) -> Option<(&[u8], u64)> {
        match &self.listing {
            Listing::Own(index) => Some((index.id(entry)?, index.offset(entry)?)),
            Listing::Shared(index, entries) => {
                let entry = *entries.get(entry)? as usize;
                Some((index.id(entry)?, index.place(entry)?.1))
            }
        }
    }

    /// Where the entry of an object starts.
    pub(in crate::source::git) fn find(&self, id: &[u8]) -> Option<u64> {
        match &self.listing {
            Listing::Own(index) => index.offset(index.find(id)?),
            Listing::Shared(index, entries) => {
                let entry = search(entries.len(), id, |entry| index.id(*entries.get(entry)? as usize))?;
                Some(index.place(*entries.get(entry)? as usize)?.1)
            }
        }
    }
}

impl Listing {
    fn of(index: &Arc<MultiPackIndex<Mapped>>, place: usize) -> Result<Self, IndexDamaged> {
        let count = u32::try_from(index.count()).map_err(|_| IndexDamaged)?;
        let mut entries = Vec::new();
        for entry in 0..count {
            let (pack, _) = index.place(entry as usize).ok_or(IndexDamaged)?;
            if pack == place {
                entries.push(entry);
            }
        }
        Ok(Self::Shared(Arc::clone(index), entries))
    }
}

/// Signature, version, number of objects.
const HEADER: usize = 12;

fn open_index(path: &Path, hash_length: usize) -> Result<PackIndex<Mapped>, PackError> {
    Ok(PackIndex::parse(Mapped::open(path)?, hash_length)?)
}
