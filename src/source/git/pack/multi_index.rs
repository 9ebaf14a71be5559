//! [`MultiPackIndex`]: one index for several packs (`gitformat-pack`, "multi-pack-index (MIDX) files").
//!
//! Git may keep no other index of these packs. Checked when it is opened: every table lies within the file.

use super::index::{IndexDamaged, number};

/// The tables of the file.
#[derive(Debug)]
pub(in crate::source::git) struct MultiPackIndex<Bytes> {
    bytes: Bytes,
    hash_length: usize,
    count: usize,
    ids: usize,
    /// Number of the pack and offset within it, four bytes each.
    places: usize,
    large_offsets: usize,
    large_count: usize,
    /// The names of the packs, each ending in `.idx` or `.pack`.
    pub(in crate::source::git) packs: Vec<Vec<u8>>,
}

/// Where a chunk lies.
type Chunk = std::ops::Range<usize>;

impl<Bytes: AsRef<[u8]>> MultiPackIndex<Bytes> {
    /// Takes the file apart.
    pub(in crate::source::git) fn parse(bytes: Bytes) -> Result<Self, IndexDamaged> {
        let (hash_length, [names, ids, places, large_offsets]) = chunks(bytes.as_ref()).ok_or(IndexDamaged)?;
        let count = ids.len() / hash_length;
        let names = bytes.as_ref().get(names).unwrap_or_default();
        let packs = usize::try_from(number(bytes.as_ref(), 8).unwrap_or_default()).unwrap_or(0);
        let packs: Vec<Vec<u8>> =
            names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).take(packs).map(<[u8]>::to_vec).collect();
        if !ids.len().is_multiple_of(hash_length) || places.len() != 8 * count {
            return Err(IndexDamaged);
        }
        Ok(Self {
            bytes,
            hash_length,
            count,
            ids: ids.start,
            places: places.start,
            large_offsets: large_offsets.start,
            large_count: large_offsets.len() / 8,
            packs,
        })
    }

    /// How many objects there are.
    pub(in crate::source::git) fn count(&self) -> usize {
        self.count
    }

    /// The id of an entry; entries are in the order of their ids, if the file is honest.
    pub(in crate::source::git) fn id(&self, entry: usize) -> Option<&[u8]> {
        let start = self.ids + entry * self.hash_length;
        (entry < self.count).then(|| self.bytes.as_ref().get(start..start + self.hash_length)).flatten()
    }

    /// The pack that holds an entry, by its place in `packs`, and where it starts there.
    pub(in crate::source::git) fn place(&self, entry: usize) -> Option<(usize, u64)> {
        if entry >= self.count {
            return None;
        }
        let bytes = self.bytes.as_ref();
        let pack = usize::try_from(number(bytes, self.places + 8 * entry)?).ok()?;
        let offset = number(bytes, self.places + 8 * entry + 4)?;
        if offset & LARGE == 0 || self.large_count == 0 {
            return Some((pack, u64::from(offset)));
        }
        let place = usize::try_from(offset & !LARGE).ok().filter(|&place| place < self.large_count)?;
        let offset = bytes.get(self.large_offsets + 8 * place..)?.first_chunk()?;
        Some((pack, u64::from_be_bytes(*offset)))
    }
}

/// Says that an offset is to be looked up among the large ones.
const LARGE: u32 = 1 << 31;

/// The length of ids, and the chunks of pack names, ids, places and large offsets. The last may be left out.
fn chunks(file: &[u8]) -> Option<(usize, [Chunk; 4])> {
    let [b'M', b'I', b'D', b'X', 1 | 2, hash, count, ..] = file else { return None };
    let hash_length = match hash {
        1 => 20,
        2 => 32,
        _ => return None,
    };
    let mut found: [Chunk; 4] = Default::default();
    // Each entry of the table has a name and where the chunk starts; the next entry tells where it ends.
    for entry in 0..usize::from(*count) {
        let at = 12 + 12 * entry;
        let start = |at: usize| usize::try_from(u64::from_be_bytes(*file.get(at + 4..)?.first_chunk()?)).ok();
        let (start, end) = (start(at)?, start(at + 12)?);
        file.get(start..end)?;
        let slot = match file.get(at..at + 4)? {
            b"PNAM" => 0,
            b"OIDL" => 1,
            b"OOFF" => 2,
            b"LOFF" => 3,
            _ => continue,
        };
        *found.get_mut(slot)? = start..end;
    }
    Some((hash_length, found))
}
