//! [`PackIndex`]: which objects a pack holds, and where (`gitformat-pack`, "pack-*.idx files").
//!
//! Versions 1 and 2, which git writes, and 3 as planned in git's "hash-function-transition". Checked when it is opened: every
//! table lies within the file. The numbers in it are believed by nobody.

/// The tables of an index.
#[derive(Debug)]
pub struct PackIndex<Bytes> {
    bytes: Bytes,
    layout: Layout,
    count: usize,
    hash_length: usize,
    /// Where the checksum of the pack stands.
    pack_checksum: usize,
}

/// Where the tables start.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Offset and id side by side.
    Pairs { entries: usize },
    /// Ids, offsets of 31 bits, and those that need more.
    Tables { ids: usize, offsets: usize, large_offsets: usize, large_count: usize },
    /// Ids in the order of the pack, and which of them each entry means.
    Mapped { ids: usize, order: usize, offsets: usize, large_offsets: usize, large_count: usize },
}

/// An index that is none, or that ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its index is damaged")]
pub struct IndexDamaged;

/// How many entries the fan-out table has, four bytes each.
const FAN_OUT: usize = 256;

impl<Bytes: AsRef<[u8]>> PackIndex<Bytes> {
    /// Takes an index apart. `hash_length` is 20 or 32, as the repository says; a version 3 says itself.
    pub fn parse(bytes: Bytes, hash_length: usize) -> Result<Self, IndexDamaged> {
        let file = bytes.as_ref();
        let parsed = if file.starts_with(b"\xfftOc") {
            match number(file, 4) {
                Some(2) => version_2(file, hash_length),
                Some(3) => version_3(file, hash_length),
                _ => None,
            }
        } else {
            version_1(file, hash_length)
        };
        let (layout, count, pack_checksum) = parsed.ok_or(IndexDamaged)?;
        Ok(Self { bytes, layout, count, hash_length, pack_checksum })
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The checksum of the pack that this is the index of.
    pub fn pack_checksum(&self) -> &[u8] {
        self.slice(self.pack_checksum, self.hash_length).unwrap_or_default()
    }

    /// All ids, one after the other, if this version keeps them so.
    pub fn ids(&self) -> Option<&[u8]> {
        match self.layout {
            Layout::Tables { ids, .. } => self.slice(ids, self.count.checked_mul(self.hash_length)?),
            Layout::Pairs { .. } | Layout::Mapped { .. } => None,
        }
    }

    /// The id of an entry; entries are in the order of their ids, if the index is honest.
    pub fn id(&self, entry: usize) -> Option<&[u8]> {
        if entry >= self.count {
            return None;
        }
        match self.layout {
            Layout::Pairs { entries } => self.slice(entries + entry * (4 + self.hash_length) + 4, self.hash_length),
            Layout::Tables { ids, .. } => self.slice(ids + entry * self.hash_length, self.hash_length),
            Layout::Mapped { ids, order, .. } => {
                let place = usize::try_from(number(self.bytes.as_ref(), order + 4 * entry)?).ok()?;
                if place >= self.count {
                    return None;
                }
                self.slice(ids + place * self.hash_length, self.hash_length)
            }
        }
    }

    /// Where an entry starts in the pack.
    pub fn offset(&self, entry: usize) -> Option<u64> {
        if entry >= self.count {
            return None;
        }
        let bytes = self.bytes.as_ref();
        let (offsets, large_offsets, large_count) = match self.layout {
            Layout::Pairs { entries } => {
                return number(bytes, entries + entry * (4 + self.hash_length)).map(u64::from);
            }
            Layout::Tables { offsets, large_offsets, large_count, .. }
            | Layout::Mapped { offsets, large_offsets, large_count, .. } => (offsets, large_offsets, large_count),
        };
        let offset = number(bytes, offsets + 4 * entry)?;
        if offset & LARGE == 0 {
            return Some(u64::from(offset));
        }
        let place = usize::try_from(offset & !LARGE).ok().filter(|&place| place < large_count)?;
        let offset = bytes.get(large_offsets + 8 * place..)?.first_chunk()?;
        Some(u64::from_be_bytes(*offset))
    }

    /// The entry of an object.
    pub fn find(&self, id: &[u8]) -> Option<usize> {
        search(self.count, id, |entry| self.id(entry))
    }

    fn slice(&self, start: usize, length: usize) -> Option<&[u8]> {
        self.bytes.as_ref().get(start..start.checked_add(length)?)
    }
}

/// Says that an offset is to be looked up among the large ones.
const LARGE: u32 = 1 << 31;

/// Finds an id in a sorted table. In one that is not sorted it finds some or none.
pub(super) fn search<'a>(count: usize, id: &[u8], at: impl Fn(usize) -> Option<&'a [u8]>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle)?.cmp(id) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle),
        }
    }
    None
}

/// Four bytes, the highest first.
pub(super) fn number(bytes: &[u8], start: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(start..)?.first_chunk()?))
}

type Parsed = Option<(Layout, usize, usize)>;

/// Fan-out table, pairs of offset and id, the checksums of pack and index.
fn version_1(file: &[u8], hash_length: usize) -> Parsed {
    let count = fan_out(file, 0)?;
    let entries = 4 * FAN_OUT;
    let pack_checksum = entries.checked_add(count.checked_mul(4 + hash_length)?)?;
    let end = pack_checksum.checked_add(2 * hash_length)?;
    (file.len() == end).then_some((Layout::Pairs { entries }, count, pack_checksum))
}

/// Signature and version, fan-out table, ids, checksums of entries, offsets, large offsets, the checksums of pack and index.
fn version_2(file: &[u8], hash_length: usize) -> Parsed {
    let count = fan_out(file, 8)?;
    let ids = 8 + 4 * FAN_OUT;
    let checksums = ids.checked_add(count.checked_mul(hash_length)?)?;
    let offsets = checksums.checked_add(count.checked_mul(4)?)?;
    let large_offsets = offsets.checked_add(count.checked_mul(4)?)?;
    let pack_checksum = file.len().checked_sub(2 * hash_length)?;
    let large = pack_checksum.checked_sub(large_offsets)?;
    let layout = Layout::Tables { ids, offsets, large_offsets, large_count: large / 8 };
    large.is_multiple_of(8).then_some((layout, count, pack_checksum))
}

/// Signature, version, length of the header, number of objects, number of formats; for each format its name, the length of
/// shortened ids, and where its tables start; where the trailer starts. The tables of a format are shortened ids in order,
/// full ids in the order of the pack, the place of each shortened id among those, checksums and offsets in the order of the
/// shortened ids, large offsets.
fn version_3(file: &[u8], hash_length: usize) -> Parsed {
    let count = usize::try_from(number(file, 12)?).ok()?;
    let formats = usize::try_from(number(file, 16)?).ok().filter(|&formats| formats <= 2)?;
    let name: &[u8] = if hash_length == 20 { b"sha1" } else { b"s256" };
    let format = (0..formats).map(|format| 20 + 12 * format).find(|&at| file.get(at..at + 4) == Some(name))?;
    let short = usize::try_from(number(file, format + 4)?).ok()?;
    let start = usize::try_from(number(file, format + 8)?).ok()?;
    let trailer = usize::try_from(number(file, 20 + 12 * formats)?).ok()?;
    let after = |start: usize, size: usize| start.checked_add(count.checked_mul(size)?);
    let ids = after(start, short)?;
    let order = after(ids, hash_length)?;
    let checksums = after(order, 4)?;
    let offsets = after(checksums, 4)?;
    let large_offsets = after(offsets, 4)?;
    // Large offsets end where the other format begins, or the trailer; an entry that points behind them is out of bounds.
    let starts = (0..formats).filter_map(|format| usize::try_from(number(file, 20 + 12 * format + 8)?).ok());
    let end = starts.chain([trailer]).filter(|&end| end >= large_offsets).min()?;
    let is_whole = file.len() == trailer.checked_add(2 * hash_length)?;
    let large_count = (end - large_offsets) / 8;
    let layout = Layout::Mapped { ids, order, offsets, large_offsets, large_count };
    is_whole.then_some((layout, count, trailer))
}

/// The number of objects: the last entry of the fan-out table, of which no other may be more than the next.
fn fan_out(file: &[u8], start: usize) -> Option<usize> {
    let table = file.get(start..start + 4 * FAN_OUT)?;
    let (entries, _) = table.as_chunks::<4>();
    let mut last = 0;
    for entry in entries {
        let count = u32::from_be_bytes(*entry);
        if count < last {
            return None;
        }
        last = count;
    }
    usize::try_from(last).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: usize = 20;

    /// Objects in the order of ids, with their offsets.
    fn objects() -> Vec<([u8; LENGTH], u64)> {
        (0..40_u8).map(|number| ([number * 5; LENGTH], 12 + u64::from(number) * 7 % 40 * 100)).collect()
    }

    fn big_endian(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
        numbers.into_iter().flat_map(u32::to_be_bytes).collect()
    }

    fn fan_out_of(objects: &[([u8; LENGTH], u64)]) -> Vec<u8> {
        let count = |first: u8| objects.iter().filter(|(id, _)| id[0] <= first).count();
        big_endian((0..=u8::MAX).map(|first| u32::try_from(count(first)).expect("few")))
    }

    /// The table of offsets and that of large ones; every third is written as a large one.
    fn offsets_of(objects: &[([u8; LENGTH], u64)]) -> (Vec<u8>, Vec<u8>) {
        let (mut offsets, mut large) = (Vec::new(), Vec::new());
        for (number, (_, offset)) in objects.iter().enumerate() {
            if number % 3 == 0 {
                offsets.push(LARGE | u32::try_from(large.len() / 8).expect("few"));
                large.extend(offset.to_be_bytes());
            } else {
                offsets.push(u32::try_from(*offset).expect("small"));
            }
        }
        (big_endian(offsets), large)
    }

    fn first_version() -> Vec<u8> {
        let mut file = fan_out_of(&objects());
        for (id, offset) in objects() {
            file.extend(u32::try_from(offset).expect("small").to_be_bytes());
            file.extend(id);
        }
        file.extend([0xaa; LENGTH]);
        file.extend([0xbb; LENGTH]);
        file
    }

    fn second_version() -> Vec<u8> {
        let (offsets, large) = offsets_of(&objects());
        let ids = objects().into_iter().flat_map(|(id, _)| id).collect();
        let start = [&b"\xfftOc"[..], &2_u32.to_be_bytes()].concat();
        let checksums = vec![0; 4 * objects().len()];
        [start, fan_out_of(&objects()), ids, checksums, offsets, large, vec![0xaa; LENGTH], vec![0xbb; LENGTH]].concat()
    }

    fn third_version() -> Vec<u8> {
        let objects = objects();
        let mut in_pack: Vec<usize> = (0..objects.len()).collect();
        in_pack.sort_by_key(|&object| objects[object].1);
        let place = |object: usize| in_pack.iter().position(|&other| other == object).expect("there");
        let short: Vec<u8> = objects.iter().map(|(id, _)| id[0]).collect();
        let ids: Vec<u8> = in_pack.iter().flat_map(|&object| objects[object].0).collect();
        let order = big_endian((0..objects.len()).map(|object| u32::try_from(place(object)).expect("few")));
        let (offsets, large) = offsets_of(&objects);
        let tables = [short, ids, order, vec![0; 4 * objects.len()], offsets, large].concat();
        let count = u32::try_from(objects.len()).expect("few");
        let trailer = u32::try_from(36 + tables.len()).expect("small");
        let header = [&b"\xfftOc"[..], &big_endian([3, 36, count, 1]), b"sha1", &big_endian([1, 36, trailer])].concat();
        [header, tables, vec![0xaa; LENGTH], vec![0xbb; LENGTH]].concat()
    }

    #[test]
    fn every_version_says_the_same() {
        for file in [first_version(), second_version(), third_version()] {
            let index = PackIndex::parse(&file, LENGTH).expect("an index");
            assert_eq!((index.count(), index.pack_checksum()), (40, &[0xaa; LENGTH][..]));
            for (number, (id, offset)) in objects().iter().enumerate() {
                assert_eq!((index.id(number), index.offset(number)), (Some(&id[..]), Some(*offset)));
                assert_eq!(index.find(id), Some(number));
            }
            assert_eq!((index.id(40), index.offset(40), index.find(&[1; LENGTH])), (None, None, None));
        }
    }

    #[test]
    fn what_ends_early_is_refused() {
        for file in [first_version(), second_version(), third_version()] {
            for end in (0..file.len()).step_by(7) {
                // An index of the second version may lack large offsets: entries that need them then have no offset.
                if let Ok(index) = PackIndex::parse(&file[..end], LENGTH) {
                    assert!((0..index.count()).any(|entry| index.offset(entry).is_none()), "{end}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn damage_is_survived(version in 0..3_usize, place: prop::sample::Index, byte: u8, length in prop::sample::select(vec![20_usize, 32])) {
            let mut file = [first_version(), second_version(), third_version()][version].clone();
            let place = place.index(file.len());
            file[place] = byte;
            if let Ok(index) = PackIndex::parse(&file, length) {
                for entry in 0..index.count().min(100) {
                    let id = index.id(entry).map(<[u8]>::to_vec);
                    let _ = (index.offset(entry), id.and_then(|id| index.find(&id)));
                }
            }
        }
    }
}
