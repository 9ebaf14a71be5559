//! [`PackWriter`]: packs by hand, with whatever is wrong with them.

use std::io::Write as _;

use crate::source::git::sweep::PackEntries;

/// A pack that grows entry by entry.
pub(super) struct PackWriter {
    pub(super) bytes: Vec<u8>,
    /// Where each entry starts, and the number of its object.
    pub(super) starts: Vec<(u64, u32)>,
    pub(super) hash_length: usize,
}

pub(super) const TREE: u8 = 2;
pub(super) const BLOB: u8 = 3;
const OFFSET_DELTA: u8 = 6;
const ID_DELTA: u8 = 7;

impl PackWriter {
    pub(super) fn new() -> Self {
        Self { bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), starts: Vec::new(), hash_length: 20 }
    }

    pub(super) fn entries(&self) -> PackEntries<'_> {
        PackEntries::new(&self.bytes, self.hash_length, self.starts.clone())
    }

    /// Adds a whole object, and tells where it starts.
    pub(super) fn whole(&mut self, number: u32, kind: u8, content: &[u8]) -> u64 {
        self.entry(number, kind, content.len() as u64, &[], &deflate(content))
    }

    /// Adds a delta against the entry at an offset.
    pub(super) fn delta(&mut self, number: u32, base: u64, delta: &[u8]) -> u64 {
        let mut distance = self.bytes.len() as u64 - base;
        let mut coded = vec![low_bits(distance)];
        while distance >> 7 > 0 {
            distance = (distance >> 7) - 1;
            coded.insert(0, low_bits(distance) | 0x80);
        }
        self.entry(number, OFFSET_DELTA, delta.len() as u64, &coded, &deflate(delta))
    }

    /// Adds a delta against an object.
    pub(super) fn delta_by_id(&mut self, number: u32, base: u32, delta: &[u8]) -> u64 {
        let base = id(base, self.hash_length);
        self.entry(number, ID_DELTA, delta.len() as u64, &base, &deflate(delta))
    }

    /// Adds an entry of these parts: the kind and the size of its header, what follows that, and its compressed bytes.
    pub(super) fn entry(&mut self, number: u32, kind: u8, size: u64, base: &[u8], stream: &[u8]) -> u64 {
        let start = self.bytes.len() as u64;
        self.starts.push((start, number));
        let mut rest = size >> 4;
        let more = |rest: u64| if rest > 0 { 0x80 } else { 0 };
        self.bytes.push(more(rest) | kind << 4 | (low_bits(size) & 0xf));
        while rest > 0 {
            let bits = low_bits(rest);
            rest >>= 7;
            self.bytes.push(more(rest) | bits);
        }
        self.bytes.extend([base, stream].concat());
        start
    }
}

/// The id of an object: its number and then zeros.
pub(super) fn id(number: u32, length: usize) -> Vec<u8> {
    let mut id = number.to_be_bytes().to_vec();
    id.resize(length, 0);
    id
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// A delta between any two objects: what they share at start and end is copied.
pub(super) fn difference(base: &[u8], object: &[u8]) -> Vec<u8> {
    let alike = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(left, right)| left == right).count();
    let before = alike(&mut base.iter().zip(object));
    let behind = alike(&mut base[before..].iter().rev().zip(object[before..].iter().rev()));
    let mut delta = [size(base.len() as u64), size(object.len() as u64)].concat();
    delta.extend(copy(0, before));
    for inserted in object[before..object.len() - behind].chunks(127) {
        delta.push(low_bits(inserted.len() as u64));
        delta.extend(inserted);
    }
    delta.extend(copy(base.len() - behind, behind));
    delta
}

/// The instructions that copy so many bytes.
pub(super) fn copy(mut offset: usize, mut length: usize) -> Vec<u8> {
    let mut instructions = Vec::new();
    while length > 0 {
        let copied = length.min(0xff_ffff);
        instructions.push(0xff);
        instructions.extend(&offset.to_le_bytes()[..4]);
        instructions.extend(&copied.to_le_bytes()[..3]);
        (offset, length) = (offset + copied, length - copied);
    }
    instructions
}

/// A size at the start of a delta.
pub(super) fn size(mut size: u64) -> Vec<u8> {
    let mut coded = Vec::new();
    while size >> 7 > 0 {
        coded.push(low_bits(size) | 0x80);
        size >>= 7;
    }
    coded.push(low_bits(size));
    coded
}

fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits")
}
