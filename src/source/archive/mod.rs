//! Archives among the scanned files: zip and what is one by another name (jar, whl, nupkg, docx), tar, gzip, zstd, xz, one within
//! the other.
//!
//! They are told by their first bytes, never by their names. A member's path is that of the archive, `!/`, and its own.

pub(in crate::source) mod compression;
mod scan;
mod spool;

use std::io::{self, BufReader, Cursor, Read, Seek};

use compression::Compression;

pub(super) use scan::{member, outermost};
pub(super) use spool::{Opened, walk_stream};

/// Archives within archives are opened so deep.
const DEEPEST: usize = 4;

/// No member is read beyond this size, in bytes.
const LARGEST_MEMBER: u64 = 64 << 20;

/// No archive is unpacked beyond this size, in bytes, with all that is in it.
const LARGEST: u64 = 1 << 30;

/// No archive is read beyond this number of members.
const MOST_MEMBERS: usize = 200_000;

/// So much of a file is read at once, in bytes.
const BUFFER: usize = 128 << 10;

/// What parts the path of an archive from that of a member.
pub(super) const SEPARATOR: &str = "!/";

/// What is told of an archive.
pub(super) trait Visitor {
    /// A member that is no archive, or is not opened as one.
    fn member(&mut self, path: &[u8], content: &[u8]);

    /// Any member, whether it is opened or not.
    fn file(&mut self, _path: &[u8], _content: &[u8]) {}

    /// Something in it is left unread.
    fn trouble(&mut self, path: &[u8], reason: &str);

    /// Whether to go on.
    fn goes_on(&self) -> bool;
}

/// What begins like an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    Compressed,
    Xz,
}

impl Kind {
    fn of(head: &[u8]) -> Option<Self> {
        match (head, Compression::of(head)) {
            ([b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..], _) => Some(Self::Zip),
            (_, Compression::Gzip | Compression::Zstd) => Some(Self::Compressed),
            (_, Compression::Unsupported("xz")) => Some(Self::Xz),
            (_, Compression::Unsupported(_)) => None,
            (_, Compression::Plain) => {
                let is_tar = head.get(257..262) == Some(b"ustar") && compression::is_tar_header(head);
                is_tar.then_some(Self::Tar)
            }
        }
    }
}

/// Whether these are the first bytes of an archive.
pub(super) fn is_archive(head: &[u8]) -> bool {
    Kind::of(head).is_some()
}

/// Tells every member of an archive. `false` if it cannot be opened at all: then it is bytes like any other.
pub(super) fn walk(path: &[u8], bytes: &[u8], visitor: &mut dyn Visitor) -> bool {
    Walk::new(visitor).open(path, bytes, 0)
}

/// The same for an archive that is a file, of which little is held in memory. `head` is its beginning.
pub(super) fn walk_file(path: &[u8], head: &[u8], file: impl Read + Seek, visitor: &mut dyn Visitor) -> bool {
    let mut walk = Walk::new(visitor);
    let file = BufReader::with_capacity(BUFFER, file);
    let opened = match Kind::of(head) {
        None => return false,
        Some(Kind::Zip) => walk.zip(path, file, 0),
        Some(kind) => walk.unpack(kind, path, file, 0),
    };
    walk.told(path, opened)
}

struct Walk<'a> {
    /// How much more may be unpacked.
    left: u64,
    /// How many more members may be read.
    members: usize,
    visitor: &'a mut dyn Visitor,
}

impl<'a> Walk<'a> {
    fn new(visitor: &'a mut dyn Visitor) -> Self {
        Self { left: LARGEST, members: MOST_MEMBERS, visitor }
    }
}

impl Walk<'_> {
    fn open(&mut self, path: &[u8], bytes: &[u8], depth: usize) -> bool {
        let single = || compression::single_gzip(bytes, LARGEST_MEMBER.min(self.left));
        let opened = match Kind::of(bytes) {
            None => return false,
            Some(Kind::Zip) => self.zip(path, Cursor::new(bytes), depth),
            Some(kind) => match (kind == Kind::Compressed).then(single).flatten() {
                Some(content) => self.stream(path, content.as_slice(), depth),
                None => self.unpack(kind, path, bytes, depth),
            },
        };
        self.told(path, opened)
    }

    /// Opens what can be read from its beginning to its end.
    fn unpack(&mut self, kind: Kind, path: &[u8], reader: impl Read, depth: usize) -> io::Result<()> {
        match kind {
            Kind::Zip => Err(io::Error::other("it must be read from its end")),
            Kind::Tar => self.tar(path, reader, depth),
            Kind::Compressed => self.stream(path, compression::decode(reader)?.1, depth),
            Kind::Xz => self.xz(path, reader, depth),
        }
    }

    /// Tells what kept an archive from being opened, and whether nothing did.
    fn told(&mut self, path: &[u8], opened: io::Result<()>) -> bool {
        if let Err(error) = &opened {
            self.visitor.trouble(path, &format!("it cannot be unpacked: {error}"));
        }
        opened.is_ok()
    }

    /// Hands on a member, or what is in it.
    fn member(&mut self, path: &[u8], content: &[u8], depth: usize) {
        self.visitor.file(path, content);
        if depth + 1 >= DEEPEST || !self.open(path, content, depth + 1) {
            self.visitor.member(path, content);
        }
    }

    /// Reads a member as far as it may be read. `None` ends the archive.
    fn read(&mut self, path: &[u8], reader: impl Read) -> Option<Vec<u8>> {
        if !self.visitor.goes_on() {
            return None;
        }
        let Some(members) = self.members.checked_sub(1) else {
            self.visitor.trouble(path, &format!("more than {MOST_MEMBERS} members are not read"));
            return None;
        };
        self.members = members;
        let most = LARGEST_MEMBER.min(self.left);
        let mut content = Vec::new();
        let read = reader.take(most + 1).read_to_end(&mut content);
        self.left = self.left.saturating_sub(content.len() as u64);
        if let Err(error) = read {
            self.visitor.trouble(path, &format!("it cannot be read to its end: {error}"));
        }
        if content.len() as u64 > most {
            content.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            self.visitor.trouble(path, &format!("what stands behind the first {most} bytes is not read"));
        }
        if self.left == 0 {
            let reason = format!("the archive holds more than {LARGEST} bytes: nothing behind this is read");
            self.visitor.trouble(path, &reason);
            return None;
        }
        Some(content)
    }

    fn zip(&mut self, path: &[u8], reader: impl Read + Seek, depth: usize) -> io::Result<()> {
        let mut archive = zip::ZipArchive::new(reader).map_err(io::Error::other)?;
        for index in 0..archive.len() {
            let unread = |visitor: &mut dyn Visitor, error: &zip::result::ZipError| {
                visitor.trouble(path, &format!("member {} cannot be read: {error}", index + 1));
            };
            match archive.by_index(index) {
                Ok(file) if file.is_dir() => {}
                Ok(file) => {
                    let path = joined(path, file.name_raw());
                    let Some(content) = self.read(&path, file) else { break };
                    self.member(&path, &content, depth);
                }
                Err(error) => unread(self.visitor, &error),
            }
        }
        Ok(())
    }

    fn tar(&mut self, path: &[u8], reader: impl Read, depth: usize) -> io::Result<()> {
        for entry in tar::Archive::new(reader).entries()? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.visitor.trouble(path, &format!("it cannot be read to its end: {error}"));
                    break;
                }
            };
            if entry.header().entry_type().is_file() {
                let path = joined(path, &entry.path_bytes());
                let Some(content) = self.read(&path, entry) else { break };
                self.member(&path, &content, depth);
            }
        }
        Ok(())
    }

    /// What was compressed: a tar, or a single file.
    fn stream(&mut self, path: &[u8], reader: impl Read, depth: usize) -> io::Result<()> {
        let (head, reader) = compression::peek(reader)?;
        if Kind::of(&head) == Some(Kind::Tar) {
            return self.tar(path, reader.take(self.left), depth);
        }
        let path = joined(path, without_ending(path));
        if let Some(content) = self.read(&path, reader) {
            self.member(&path, &content, depth);
        }
        Ok(())
    }

    fn xz(&mut self, path: &[u8], reader: impl Read, depth: usize) -> io::Result<()> {
        let mut content = Capped { content: Vec::new(), most: LARGEST_MEMBER.min(self.left) };
        let unpacked = lzma_rs::xz_decompress(&mut BufReader::with_capacity(BUFFER, reader), &mut content);
        let content = content.content;
        match unpacked {
            Err(_) if content.is_empty() => return Err(io::Error::other("it is no xz that is understood")),
            Err(_) => self.visitor.trouble(path, "it is too large, or damaged: only its beginning is read"),
            Ok(()) => {}
        }
        self.stream(path, content.as_slice(), depth)
    }
}

/// Takes so much and no more.
struct Capped {
    content: Vec<u8>,
    most: u64,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.content.len() + bytes.len()) as u64 > self.most {
            return Err(io::Error::other("limit"));
        }
        self.content.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The path of a member.
fn joined(archive: &[u8], member: &[u8]) -> Vec<u8> {
    let member = member.strip_prefix(b"./").or(member.strip_prefix(b"/")).unwrap_or(member);
    [archive, SEPARATOR.as_bytes(), member].concat()
}

/// The name of a file without the ending that its compression gave it.
fn without_ending(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let endings = [&b".gz"[..], b".tgz", b".zst", b".xz", b".z"];
    endings.iter().find_map(|ending| name.strip_suffix(*ending)).filter(|name| !name.is_empty()).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[derive(Default)]
    struct Members {
        members: Vec<(String, String)>,
        troubles: Vec<String>,
    }

    impl Visitor for Members {
        fn member(&mut self, path: &[u8], content: &[u8]) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.members.push((text(path), text(content)));
        }

        fn trouble(&mut self, path: &[u8], reason: &str) {
            self.troubles.push(format!("{}: {reason}", String::from_utf8_lossy(path)));
        }

        fn goes_on(&self) -> bool {
            true
        }
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        lzma_rs::xz_compress(&mut io::BufReader::new(bytes), &mut packed).unwrap();
        packed
    }

    fn check(path: &str, bytes: &[u8], expected: &[(&str, &str)]) {
        let mut members = Members::default();
        assert!(walk(path.as_bytes(), bytes, &mut members), "{path}");
        let found: Vec<(&str, &str)> =
            members.members.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
        assert_eq!(found, expected, "{path}");
        assert!(members.troubles.is_empty(), "{:?}", members.troubles);
        // However it comes, it holds the same.
        for length in [512.min(bytes.len()), bytes.len()] {
            let (head, mut rest) = bytes.split_at(length);
            let mut streamed = Members::default();
            assert!(matches!(walk_stream(path.as_bytes(), head, &mut rest, &mut streamed), Opened::Yes), "{path}");
            assert_eq!((&streamed.members, &streamed.troubles), (&members.members, &members.troubles), "{path}");
            let mut of_file = Members::default();
            assert!(walk_file(path.as_bytes(), head, Cursor::new(bytes), &mut of_file), "{path}");
            assert_eq!((&of_file.members, &of_file.troubles), (&members.members, &members.troubles), "{path}");
        }
    }

    #[test]
    fn streams_that_cannot_be_opened_are_given_back() {
        let (whole, text) = (zip(&[("a", &[b'x'; 3000])]), [b'x'; 5000]);
        let fake = [&[0x1f, 0x8b, 9][..], &text].concat();
        for (bytes, head, expected, troubles) in [
            (&text[..], 512, "no", 0),
            (&whole[..whole.len() - 8], 40, "kept", 1),
            // Where more than the head was read of it, it is gone.
            (&fake[..], 100, "yes", 1),
            (&fake[..], fake.len(), "no", 1),
        ] {
            let (head, mut rest) = bytes.split_at(head);
            let mut members = Members::default();
            let opened = match walk_stream(b"x", head, &mut rest, &mut members) {
                Opened::Yes => "yes",
                Opened::No => "no",
                Opened::Kept(mut all) => {
                    let mut kept = Vec::new();
                    all.read_to_end(&mut kept).unwrap();
                    assert_eq!(kept, bytes);
                    "kept"
                }
            };
            assert_eq!((opened, members.troubles.len()), (expected, troubles), "{:?}", members.troubles);
        }
    }

    #[test]
    fn members_of_all_archives() {
        let files: &[(&str, &[u8])] = &[("a/.env", b"one"), ("b", b"two")];
        check("x.jar", &zip(files), &[("x.jar!/a/.env", "one"), ("x.jar!/b", "two")]);
        check("x.tar", &tar(files), &[("x.tar!/a/.env", "one"), ("x.tar!/b", "two")]);
        check("x.tgz", &gzip(&tar(files)), &[("x.tgz!/a/.env", "one"), ("x.tgz!/b", "two")]);
        check("d/x.env.gz", &gzip(b"one"), &[("d/x.env.gz!/x.env", "one")]);
        check("x.zst", &zstd::encode_all(&b"one"[..], 3).unwrap(), &[("x.zst!/x", "one")]);
        check("x.tar.xz", &xz(&tar(files)), &[("x.tar.xz!/a/.env", "one"), ("x.tar.xz!/b", "two")]);
        let nested = zip(&[("lib/y.jar", &zip(files)), ("z.gz", &gzip(b"three"))]);
        check(
            "x.zip",
            &nested,
            &[("x.zip!/lib/y.jar!/a/.env", "one"), ("x.zip!/lib/y.jar!/b", "two"), ("x.zip!/z.gz!/z", "three")],
        );
    }

    #[test]
    fn what_is_no_archive_or_a_broken_one() {
        for bytes in [&b""[..], b"PK", b"text", &[0; 600]] {
            assert!(!walk(b"x", bytes, &mut Members::default()));
        }
        let whole = zip(&[("a", b"one")]);
        let mut members = Members::default();
        assert!(!walk(b"x", &whole[..whole.len() - 8], &mut members));
        assert_eq!(members.troubles.len(), 1, "{:?}", members.troubles);
        let whole = gzip(&tar(&[("a", &[b'x'; 5000])]));
        let mut members = Members::default();
        walk(b"x", &whole[..whole.len() / 2], &mut members);
        assert!(!members.troubles.is_empty());
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let mut bytes = b"end".to_vec();
        for _ in 0..12 {
            bytes = gzip(&bytes);
        }
        let mut members = Members::default();
        assert!(walk(b"x", &bytes, &mut members));
        assert_eq!(members.members.len(), 1);
        let size = usize::try_from(LARGEST_MEMBER).unwrap() + 1000;
        let bomb = gzip(&vec![0; size]);
        let mut members = Members::default();
        assert!(walk(b"x", &bomb, &mut members));
        assert_eq!(members.members.first().map(|(_, content)| content.len() as u64), Some(LARGEST_MEMBER));
        assert_eq!(members.troubles.len(), 1);
    }
}
