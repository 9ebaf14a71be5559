//! Archives that come as streams: through a pipe, or out of a layer as it is unpacked.
//!
//! What can be read from its beginning is, and little of it is held. A zip has its table of contents at its end: it is kept, in
//! memory where it is small, and beyond that in a temporary file without a name, which is gone when the process is.

use std::io::{self, Read, Seek as _, SeekFrom};

use super::{Kind, LARGEST, Visitor, Walk};

/// More than this is not kept in memory, in bytes.
const MOST_IN_MEMORY: usize = 16 << 20;

/// What became of a stream.
pub(in crate::source) enum Opened {
    /// It was walked through, as far as that was possible.
    Yes,
    /// It is no archive, or cannot be opened, and nothing was read of it.
    No,
    /// It cannot be opened. It was read, and this is all of it once more.
    Kept(Box<dyn Read>),
}

/// Tells every member of an archive. `head` was read of it before, which must be enough to tell what it is; `rest` is what
/// follows. What stands behind the end of the archive may be left unread.
pub(in crate::source) fn walk_stream(
    path: &[u8],
    head: &[u8],
    rest: &mut dyn Read,
    visitor: &mut dyn Visitor,
) -> Opened {
    let mut rest = Watched { reader: rest, is_read: false };
    let reader = head.chain(&mut rest);
    let mut walk = Walk::new(visitor);
    let opened = match Kind::of(head) {
        None => return Opened::No,
        Some(Kind::Zip) => return zip(&mut walk, path, reader),
        Some(kind) => walk.unpack(kind, path, reader, 0),
    };
    // Once more than the head was read, the stream is lost to others.
    if walk.told(path, opened) || rest.is_read { Opened::Yes } else { Opened::No }
}

fn zip(walk: &mut Walk<'_>, path: &[u8], reader: impl Read) -> Opened {
    let mut spool = tempfile::spooled_tempfile(MOST_IN_MEMORY);
    let kept = io::copy(&mut reader.take(LARGEST + 1), &mut spool);
    let rewound = kept.and_then(|kept| spool.rewind().map(|()| kept));
    let kept = match rewound {
        Ok(kept) => kept,
        Err(error) => {
            walk.visitor.trouble(path, &format!("it cannot be kept until its end is read: {error}"));
            return Opened::Yes;
        }
    };
    if kept > LARGEST {
        walk.visitor.trouble(path, &format!("it is larger than {LARGEST} bytes"));
        return Opened::Yes;
    }
    let opened = walk.zip(path, io::BufReader::with_capacity(super::BUFFER, &mut spool), 0);
    if walk.told(path, opened) {
        return Opened::Yes;
    }
    match spool.seek(SeekFrom::Start(0)) {
        Ok(_) => Opened::Kept(Box::new(spool)),
        Err(_) => Opened::Yes,
    }
}

/// Remembers whether anything was read.
struct Watched<'a> {
    reader: &'a mut dyn Read,
    is_read: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_read = true;
        self.reader.read(into)
    }
}
