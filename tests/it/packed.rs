//! [`PackFile`]: packs written byte by byte, with deltas that git itself would never choose (`gitformat-pack`).

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha2::{Digest as _, Sha256};

use crate::samples::hexadecimal;

/// An entry of a pack.
pub(crate) enum Entry {
    /// The content of a blob.
    Whole(Vec<u8>),
    /// A delta against an earlier entry, told by how far back it starts.
    OffsetDelta(usize, Delta),
    /// A delta against any entry, told by its id.
    ReferenceDelta(usize, Delta),
}

/// Instructions that make a new content from a base.
#[derive(Clone, Default)]
pub(crate) struct Delta(pub(crate) Vec<Instruction>);

#[derive(Clone)]
pub(crate) enum Instruction {
    /// A range of the base.
    Copy(usize, usize),
    Insert(Vec<u8>),
}

impl Delta {
    /// What the instructions make of a base.
    pub(crate) fn apply(&self, base: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        for instruction in &self.0 {
            match instruction {
                Instruction::Copy(offset, length) => content.extend_from_slice(&base[*offset..offset + length]),
                Instruction::Insert(bytes) => content.extend_from_slice(bytes),
            }
        }
        content
    }

    fn encode(&self, base: usize, result: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for mut size in [base, result] {
            while size > 0x7f {
                bytes.push(low(size) | 0x80);
                size >>= 7;
            }
            bytes.push(low(size));
        }
        for instruction in &self.0 {
            match instruction {
                Instruction::Copy(offset, length) => {
                    for length in parts(*length, 0xff_ffff) {
                        let offset = u32::try_from(offset + length.start).expect("small texts").to_le_bytes();
                        let length = u32::try_from(length.len()).expect("small texts").to_le_bytes();
                        bytes.push(0xff);
                        bytes.extend_from_slice(&offset);
                        bytes.extend_from_slice(&length[..3]);
                    }
                }
                Instruction::Insert(text) => {
                    for part in text.chunks(0x7f) {
                        bytes.push(low(part.len()));
                        bytes.extend_from_slice(part);
                    }
                }
            }
        }
        bytes
    }
}

fn low(size: usize) -> u8 {
    u8::try_from(size & 0x7f).expect("seven bits")
}

/// A length in parts of at most so many.
fn parts(length: usize, most: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..length).step_by(most).map(move |start| start..length.min(start + most))
}

/// A pack, the ids and the contents of its objects, all of them blobs.
pub(crate) struct PackFile {
    /// By entry. Ids are told by the index and by nothing else, so that they need not be true.
    pub(crate) ids: Vec<String>,
    pub(crate) contents: Vec<Vec<u8>>,
}

impl PackFile {
    /// Writes a bare repository with one pack into the directory. The contents of the entries must be given: a reference
    /// delta may stand before its base.
    pub(crate) fn write(repository: &Path, entries: &[Entry], contents: Vec<Vec<u8>>) -> Self {
        let ids: Vec<[u8; 20]> = (0..).zip(&contents).map(|(number, content)| id(number, content)).collect();
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&u32::try_from(entries.len()).expect("few entries").to_be_bytes());
        let mut offsets: Vec<usize> = Vec::new();
        for (entry, content) in entries.iter().zip(&contents) {
            let offset = pack.len();
            match entry {
                Entry::Whole(content) => put(&mut pack, 3, &[], content),
                Entry::OffsetDelta(base, delta) => {
                    let delta = delta.encode(contents[*base].len(), content.len());
                    put(&mut pack, 6, &distance(offset - offsets[*base]), &delta);
                }
                Entry::ReferenceDelta(base, delta) => {
                    let delta = delta.encode(contents[*base].len(), content.len());
                    put(&mut pack, 7, &ids[*base], &delta);
                }
            }
            offsets.push(offset);
        }
        let trailer = id(0, &pack);
        pack.extend_from_slice(&trailer);

        for directory in ["objects/pack", "refs/heads"] {
            fs_err::create_dir_all(repository.join(directory)).expect("a directory");
        }
        fs_err::write(repository.join("HEAD"), "ref: refs/heads/main\n").expect("writable");
        let name = hexadecimal(&trailer);
        let path = repository.join(format!("objects/pack/pack-{name}"));
        fs_err::write(path.with_extension("pack"), &pack).expect("writable");
        fs_err::write(path.with_extension("idx"), index(&ids, &offsets, trailer)).expect("writable");
        let ids = ids.iter().map(|id| hexadecimal(id)).collect();
        Self { ids, contents }
    }
}

fn id(number: u32, content: &[u8]) -> [u8; 20] {
    let digest = Sha256::new().chain_update(number.to_be_bytes()).chain_update(content).finalize();
    *digest.first_chunk().expect("longer than that")
}

/// Type and size, four bits of it in the first byte and seven in each that follows; the base; the compressed content.
fn put(pack: &mut Vec<u8>, kind: u8, base: &[u8], content: &[u8]) {
    let mut first = kind << 4 | u8::try_from(content.len() & 0xf).expect("four bits");
    let mut size = content.len() >> 4;
    while size > 0 {
        pack.push(first | 0x80);
        first = low(size);
        size >>= 7;
    }
    pack.push(first);
    pack.extend_from_slice(base);
    let mut encoder = ZlibEncoder::new(pack, Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory is never full");
}

/// Seven bits a byte, the highest first; each byte but the last stands for one more than it says.
fn distance(mut distance: usize) -> Vec<u8> {
    let mut bytes = vec![low(distance)];
    while distance > 0x7f {
        distance = (distance >> 7) - 1;
        bytes.push(low(distance) | 0x80);
    }
    bytes.reverse();
    bytes
}

/// Version 2 of the index format.
fn index(ids: &[[u8; 20]], offsets: &[usize], pack: [u8; 20]) -> Vec<u8> {
    let mut sorted: Vec<(&[u8; 20], usize)> = ids.iter().zip(offsets.iter().copied()).collect();
    sorted.sort_unstable();
    let mut bytes = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=u8::MAX {
        let count = sorted.iter().filter(|(id, _)| id[0] <= first).count();
        bytes.extend_from_slice(&u32::try_from(count).expect("few entries").to_be_bytes());
    }
    for (id, _) in &sorted {
        bytes.extend_from_slice(&id[..]);
    }
    // Checksums of the entries, which nobody compares.
    bytes.extend(std::iter::repeat_n(0, 4 * sorted.len()));
    for (_, offset) in &sorted {
        bytes.extend_from_slice(&u32::try_from(*offset).expect("a small pack").to_be_bytes());
    }
    bytes.extend_from_slice(&pack);
    let own = id(1, &bytes);
    bytes.extend_from_slice(&own);
    bytes
}
