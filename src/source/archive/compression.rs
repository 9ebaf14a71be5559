//! Compression of archives and blobs, told by their first bytes.
//!
//! Media types and file names are never believed: registries hold zstd layers declared as gzip, and plain tars named
//! `.tar.gz`. Decoders here read every gzip member and every zstd frame: eStargz is many members in one file, zstd:chunked
//! many frames and skippable frames between them.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::source::git::pack::inflate;

/// How many bytes tell what something is: one tar header.
pub(in crate::source) const HEAD: usize = 512;

/// Input is read from files in pieces of this size.
const BUFFER: usize = 128 * 1024;

/// Window of the largest zstd frame that is decoded, as a power of two: the default of the format's own tool. A frame that
/// wants more could make us allocate gigabytes.
const ZSTD_WINDOW: u32 = 27;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Compression {
    /// None that we know.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// A compression that is recognised and not decoded, by name.
    Unsupported(&'static str),
}

impl Compression {
    /// Tells by the magic numbers.
    pub(in crate::source) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Unsupported("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Unsupported("xz"),
            _ => Self::Plain,
        }
    }
}

/// Reads the first [`HEAD`] bytes, or fewer at the end of the input, and gives them back in front of the rest.
pub(in crate::source) fn peek<'a>(mut reader: impl Read + 'a) -> io::Result<(Vec<u8>, impl Read + 'a)> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// Undoes one layer of compression, whichever it is; what is not compressed is passed through.
pub(in crate::source) fn decode<'a>(reader: impl Read + 'a) -> io::Result<(Compression, Box<dyn BufRead + 'a>)> {
    let (head, reader) = peek(reader)?;
    let compression = Compression::of(&head);
    let reader = BufReader::with_capacity(BUFFER, reader);
    let decoded: Box<dyn BufRead + 'a> = match compression {
        Compression::Plain | Compression::Unsupported(_) => Box::new(reader),
        Compression::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(reader))),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    };
    Ok((compression, decoded))
}

/// What a gzip file of one member holds, at more than twice the speed of [`decode`]. `None` where it may be several, is damaged, or
/// holds more than `most` bytes.
pub(in crate::source) fn single_gzip(bytes: &[u8], most: u64) -> Option<Vec<u8>> {
    const START: [u8; 3] = [0x1f, 0x8b, 8];
    let rest = bytes.strip_prefix(&START)?;
    if memchr::memmem::find(rest, &START).is_some() {
        return None;
    }
    // RFC 1952 §2.3.1: the size stands at the end, modulo 2³².
    let size = u32::from_le_bytes(*rest.last_chunk()?);
    if u64::from(size) > most || !inflate::is_possible(rest.len() as u64, u64::from(size)) {
        return None;
    }
    let mut content = vec![0; usize::try_from(size).ok()?];
    let inflated = libdeflater::Decompressor::new().gzip_decompress(bytes, &mut content).ok()?;
    (inflated == content.len()).then_some(content)
}

/// Whether a block is a tar header: its checksum holds. Older tars have no magic number.
pub(in crate::source) fn is_tar_header(head: &[u8]) -> bool {
    let Some(block) = head.get(..HEAD) else { return false };
    let header = tar::Header::from_byte_slice(block);
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(offset, byte)| if (148..156).contains(&offset) { u32::from(b' ') } else { u32::from(*byte) })
        .sum();
    block.iter().any(|byte| *byte != 0) && header.cksum().is_ok_and(|stated| stated == sum)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn skippable(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap();
        [&[0x5e, 0x2a, 0x4d, 0x18], &length.to_le_bytes()[..], bytes].concat()
    }

    fn check(input: &[u8], expected: &[u8]) {
        let mut decoded = Vec::new();
        decode(input).unwrap().1.read_to_end(&mut decoded).unwrap();
        assert_eq!(decoded, expected);
    }

    #[test]
    fn every_member_and_frame_is_read() {
        check(b"", b"");
        check(b"plain", b"plain");
        check(&gzip(b"one"), b"one");
        check(&[gzip(b"one"), gzip(b""), gzip(b"two")].concat(), b"onetwo");
        check(&[zstd_frame(b"one"), skippable(b"manifest"), zstd_frame(b"two")].concat(), b"onetwo");
        check(&[skippable(b"first"), zstd_frame(b"one"), skippable(b"")].concat(), b"one");
    }

    #[test]
    fn a_single_member_is_read_at_once() {
        assert_eq!(single_gzip(&gzip(b"one"), 3).as_deref(), Some(&b"one"[..]));
        assert_eq!(single_gzip(&gzip(b""), 3).as_deref(), Some(&b""[..]));
        for several in [
            [gzip(b"one"), gzip(b"two")].concat(),
            [gzip(b"one"), b"rest".to_vec()].concat(),
            gzip(b"four"),
            gzip(b"one").split_off(1),
            gzip(b"one")[..12].to_vec(),
            b"\x1f\x8b\x08".to_vec(),
        ] {
            assert_eq!(single_gzip(&several, 3), None);
        }
    }

    #[test]
    fn cut_input_is_an_error() {
        for whole in [gzip(&[7; 5000]), zstd_frame(&[7; 5000])] {
            let cut = &whole[..whole.len() - 2];
            let error = decode(cut).unwrap().1.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn tar_headers_are_told_by_their_checksum() {
        let mut header = tar::Header::new_old();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        assert!(is_tar_header(header.as_bytes()));
        header.as_mut_bytes()[0] = b'b';
        assert!(!is_tar_header(header.as_bytes()));
        assert!(!is_tar_header(&[0; 512]));
        assert!(!is_tar_header(b"short"));
    }
}
