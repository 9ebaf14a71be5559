//! [`MultiPackIndex`]: one index for several packs (`gitformat-pack`, "multi-pack-index (MIDX) files").
//!
//! Git may keep no other index of these packs. Checked when it is opened: every table lies within the file.

use super::index::{IndexDamaged, number};

/// The tables of the file.
#[derive(Debug)]
pub struct MultiPackIndex<Bytes> {
    bytes: Bytes,
    hash_length: usize,
    count: usize,
    ids: usize,
    /// Number of the pack and offset within it, four bytes each.
    places: usize,
    large_offsets: usize,
    large_count: usize,
    /// The names of the packs, each ending in `.idx` or `.pack`.
    pub packs: Vec<Vec<u8>>,
}

/// Where a chunk lies.
type Chunk = std::ops::Range<usize>;

impl<Bytes: AsRef<[u8]>> MultiPackIndex<Bytes> {
    /// Takes the file apart.
    pub fn parse(bytes: Bytes) -> Result<Self, IndexDamaged> {
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

    /// Length of the ids in bytes.
    pub fn hash_length(&self) -> usize {
        self.hash_length
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The id of an entry; entries are in the order of their ids, if the file is honest.
    pub fn id(&self, entry: usize) -> Option<&[u8]> {
        let start = self.ids + entry * self.hash_length;
        (entry < self.count).then(|| self.bytes.as_ref().get(start..start + self.hash_length)).flatten()
    }

    /// The pack that holds an entry, by its place in `packs`, and where it starts there.
    pub fn place(&self, entry: usize) -> Option<(usize, u64)> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An index of 30 objects in two packs.
    fn file() -> Vec<u8> {
        let names = b"pack-a.idx\0pack-b.idx\0\0\0".to_vec();
        let ids: Vec<u8> = (0..30_u8).flat_map(|number| [number * 8; 20]).collect();
        let places: Vec<u8> = (0..30_u32)
            .flat_map(|number| [number % 2, if number == 7 { LARGE } else { number * 100 }])
            .flat_map(u32::to_be_bytes)
            .collect();
        let large = (5_u64 << 32).to_be_bytes().to_vec();
        let mut file = b"MIDX\x01\x01\x04\0\0\0\0\x02".to_vec();
        let mut start = 12 + 5 * 12;
        for (name, chunk) in [(b"PNAM", &names), (b"OIDL", &ids), (b"OOFF", &places), (b"LOFF", &large)] {
            file.extend(name);
            file.extend(u64::try_from(start).expect("small").to_be_bytes());
            start += chunk.len();
        }
        file.extend([0; 4]);
        file.extend(u64::try_from(start).expect("small").to_be_bytes());
        [file, names, ids, places, large, vec![0; 20]].concat()
    }

    #[test]
    fn objects_are_told_with_their_packs() {
        let index = MultiPackIndex::parse(file()).expect("an index");
        assert_eq!((index.count(), &index.packs), (30, &vec![b"pack-a.idx".to_vec(), b"pack-b.idx".to_vec()]));
        assert_eq!((index.id(3), index.place(3)), (Some(&[24; 20][..]), Some((1, 300))));
        assert_eq!(index.place(7), Some((1, 5 << 32)));
        assert_eq!((index.id(30), index.place(30)), (None, None));
    }

    #[test]
    fn what_ends_early_is_refused() {
        for end in 0..file().len() - 20 {
            assert!(MultiPackIndex::parse(&file()[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn damage_is_survived(place: prop::sample::Index, byte: u8) {
            let mut file = file();
            let place = place.index(file.len());
            file[place] = byte;
            if let Ok(index) = MultiPackIndex::parse(&file) {
                for entry in 0..index.count().min(100) {
                    let _ = (index.id(entry), index.place(entry));
                }
            }
        }
    }
}
