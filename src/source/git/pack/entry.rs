//! [`EntryHeader`]: what stands before the compressed bytes of each entry of a pack (`gitformat-pack`, "pack-*.pack files").
//!
//! For the sweep over a whole pack and for reading single objects. Nothing here inflates, allocates, or trusts an offset.

use thiserror::Error;

use crate::source::git::id::ObjectKind;

/// The header of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader<'a> {
    /// What the compressed bytes are.
    pub content: EntryContent<'a>,
    /// How many bytes they are when inflated: of the object, or of the delta. As the entry claims, unchecked.
    pub size: u64,
    /// Where in the pack the zlib stream starts.
    pub data: u64,
}

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryContent<'a> {
    /// A whole object.
    Whole(ObjectKind),
    /// A delta against the entry that starts at this offset, always an earlier one of the same pack.
    OffsetDelta(u64),
    /// A delta against the object of this id, wherever that is: 20 bytes, or 32 with SHA-256.
    IdDelta(&'a [u8]),
}

/// Why a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The entry starts behind the end of the pack, or its header does not end before it.
    #[error("its entry lies outside of the pack")]
    Outside,
    /// Type 0 or 5, which git reserves.
    #[error("its entry is of the unknown type {0}")]
    UnknownType(u8),
    /// A size or an offset of more than 64 bits.
    #[error("its entry has a number that is too large")]
    TooLarge,
    /// A delta against something before the start of the pack, or against itself.
    #[error("its delta base lies outside of the pack")]
    BaseOutside,
}

impl<'a> EntryHeader<'a> {
    /// Reads the header at an offset. `pack` are the entries: the file without the checksum at its end.
    pub fn read(pack: &'a [u8], offset: u64, hash_length: usize) -> Result<Self, EntryError> {
        let start = usize::try_from(offset).map_err(|_| EntryError::Outside)?;
        let mut rest = pack.get(start..).ok_or(EntryError::Outside)?;
        let (kind, size) = read_kind_and_size(&mut rest)?;
        let content = match kind {
            1 => EntryContent::Whole(ObjectKind::Commit),
            2 => EntryContent::Whole(ObjectKind::Tree),
            3 => EntryContent::Whole(ObjectKind::Blob),
            4 => EntryContent::Whole(ObjectKind::Tag),
            6 => {
                let distance = read_distance(&mut rest)?;
                let base = offset.checked_sub(distance).filter(|&base| base != offset);
                EntryContent::OffsetDelta(base.ok_or(EntryError::BaseOutside)?)
            }
            7 => {
                let (id, behind) = rest.split_at_checked(hash_length).ok_or(EntryError::Outside)?;
                rest = behind;
                EntryContent::IdDelta(id)
            }
            unknown => return Err(EntryError::UnknownType(unknown)),
        };
        // `rest` is the end of `pack`, so this cannot wrap.
        let data = (pack.len() - rest.len()) as u64;
        Ok(Self { content, size, data })
    }
}

/// Three bits of type and four of size, then seven more of size in each byte, the lowest first.
fn read_kind_and_size(rest: &mut &[u8]) -> Result<(u8, u64), EntryError> {
    let mut byte = next(rest)?;
    let kind = (byte >> 4) & 0b111;
    let mut size = u64::from(byte & 0b1111);
    let mut shift = 4;
    while byte & 0x80 != 0 {
        byte = next(rest)?;
        let bits = u64::from(byte & 0x7f);
        if shift >= u64::BITS || bits << shift >> shift != bits {
            return Err(EntryError::TooLarge);
        }
        size |= bits << shift;
        shift += 7;
    }
    Ok((kind, size))
}

/// Seven bits a byte, the highest first; each byte that follows adds one, so that no distance can be written in two ways.
fn read_distance(rest: &mut &[u8]) -> Result<u64, EntryError> {
    let mut byte = next(rest)?;
    let mut distance = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = next(rest)?;
        let above = distance.checked_add(1).and_then(|above| above.checked_mul(1 << 7));
        distance = above.ok_or(EntryError::TooLarge)? | u64::from(byte & 0x7f);
    }
    Ok(distance)
}

fn next(rest: &mut &[u8]) -> Result<u8, EntryError> {
    let (&byte, behind) = rest.split_first().ok_or(EntryError::Outside)?;
    *rest = behind;
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<(EntryContent<'_>, u64, u64), EntryError>) {
        let header = EntryHeader::read(bytes, 0, 20).map(|header| (header.content, header.size, header.data));
        assert_eq!(header, expected, "{bytes:02x?}");
    }

    #[test]
    fn headers_are_read() {
        check(&[0x1f], Ok((EntryContent::Whole(ObjectKind::Commit), 15, 1)));
        check(&[0xa0, 0x01, 0xff], Ok((EntryContent::Whole(ObjectKind::Tree), 16, 2)));
        check(&[0xbf, 0xff, 0x7f], Ok((EntryContent::Whole(ObjectKind::Blob), (1 << 18) - 1, 3)));
        check(&[0x40], Ok((EntryContent::Whole(ObjectKind::Tag), 0, 1)));
        let by_id = [&[0x75][..], &[9; 20], &[1, 2]].concat();
        check(&by_id, Ok((EntryContent::IdDelta(&[9; 20]), 5, 21)));
    }

    #[test]
    fn bases_lie_before_the_entry() {
        let check = |distance: &[u8], expected: Result<u64, EntryError>| {
            let mut pack = vec![0; 20_000];
            pack.splice(18_000.., [&[0x61], distance].concat());
            let header = EntryHeader::read(&pack, 18_000, 20);
            let base = header.map(|header| match header.content {
                EntryContent::OffsetDelta(base) => base,
                other => panic!("{other:?}"),
            });
            assert_eq!(base, expected, "{distance:02x?}");
        };
        check(&[1], Ok(17_999));
        check(&[0x7f], Ok(18_000 - 127));
        check(&[0x80, 0x00], Ok(18_000 - 128));
        check(&[0x81, 0x00], Ok(18_000 - 256));
        check(&[0x80, 0x80, 0x00], Ok(18_000 - 16_512));
        check(&[0x80, 0x8b, 0x50], Ok(0));
        check(&[0x80, 0x8b, 0x51], Err(EntryError::BaseOutside));
        check(&[0], Err(EntryError::BaseOutside));
        check(&[0x80], Err(EntryError::Outside));
        check(&[0xff; 16], Err(EntryError::TooLarge));
    }

    #[test]
    fn headers_that_cannot_be_are_refused() {
        check(&[], Err(EntryError::Outside));
        check(&[0xb0], Err(EntryError::Outside));
        check(&[0x05], Err(EntryError::UnknownType(0)));
        check(&[0x55], Err(EntryError::UnknownType(5)));
        check(&[0x75, 1, 2, 3], Err(EntryError::Outside));
        check(&[0xff; 16], Err(EntryError::TooLarge));
        assert_eq!(EntryHeader::read(&[0x30], u64::MAX, 20), Err(EntryError::Outside));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, offset in 0_u64..64, hash_length in 0_usize..64) {
            if let Ok(header) = EntryHeader::read(&bytes, offset, hash_length) {
                assert!(header.data > offset && header.data <= bytes.len() as u64);
                assert!(!matches!(header.content, EntryContent::OffsetDelta(base) if base >= offset));
            }
        }
    }
}
