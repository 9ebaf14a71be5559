//! Where a secret stands: a source, a path within it, and a span of text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

/// One place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The source it was found in, and what that source knows of it.
    pub place: Place,
    /// The path within the source: below the repository's or layer's root, or as reached from the target for plain files.
    pub path: SourcePath,
    /// The lines, columns and bytes.
    pub span: TextSpan,
}

/// The source of a [`Location`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A file of a directory tree or one named on the command line.
    File,
    /// Standard input.
    Stdin,
    /// The object database of a git repository.
    Git(GitPlace),
    /// The index of a git repository: what `git commit` would record.
    Staged {
        /// The repository as the user named it.
        repository: Arc<str>,
        /// Object id of the staged blob.
        blob: Arc<str>,
    },
    /// A container image.
    Image(ImagePlace),
}

/// A place in git history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitPlace {
    /// The repository as the user named it.
    pub repository: Arc<str>,
    /// What sort of object holds the secret.
    pub object: GitObject,
    /// Id of that object.
    pub oid: Arc<str>,
    /// The commit that introduced it at this path; `None` for an object that no commit reaches.
    pub commit: Option<Arc<CommitInfo>>,
    /// Whether the commit at HEAD still has this object at this path; `None` if nobody looked.
    pub in_head: Option<bool>,
    /// Whether any reference reaches it; `None` if nobody looked.
    pub reachable: Option<bool>,
    /// The branches that still have it; `None` if nobody looked.
    pub branches: Option<Arc<Branches>>,
}

/// The branches that still have something: a blob at that path in their last commit, a commit in their history.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branches {
    /// Their names, local branches first and then those of remotes (`origin/main`), each sorted; the first of them if there
    /// are many. A repository chooses them, so they are escaped before they are shown.
    pub names: Vec<Arc<str>>,
    /// How many more there are.
    pub more: usize,
}

/// What sort of git object holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GitObject {
    /// A file's content.
    Blob,
    /// A commit message.
    Commit,
    /// An annotated tag's message.
    Tag,
}

/// Who introduced something and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitInfo {
    /// Commit id.
    pub id: Arc<str>,
    /// `Name <address>` of the author, control characters replaced.
    pub author: String,
    /// Author date, RFC 3339 with the author's offset.
    pub date: String,
}

/// A place in a container image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImagePlace {
    /// The archive or layout as the user named it, followed by `#` and the tag or digest where it holds several images.
    pub image: Arc<str>,
    /// Digest of the layer's blob as the manifest names it; `None` for the image's configuration and manifests.
    pub layer: Option<Arc<str>>,
    /// The build instruction (`created_by`) of that layer.
    pub instruction: Option<Arc<str>>,
    /// Digest of the later layer that deletes or overwrites the file.
    pub shadowed_by: Option<Arc<str>>,
}

/// A span of text. Lines and columns count from 1, columns in Unicode code points (an invalid byte counts as one), the end
/// exclusive; bytes count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextSpan {
    /// Line of the first byte.
    pub line: u32,
    /// Column of the first byte.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column just behind the last character.
    pub end_column: u32,
    /// Offset of the first byte.
    pub byte_start: u64,
    /// Offset just behind the last byte.
    pub byte_end: u64,
}

impl TextSpan {
    /// Locates `bytes[start..end]`. Costs a pass over `bytes[..end]`: take a [`Locator`] for several spans of one text.
    pub fn locate(bytes: &[u8], start: usize, end: usize) -> Self {
        Locator::new(bytes).locate(start, end)
    }
}

/// Where a piece of a text begins within the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Line of the first byte, counted from 1.
    pub line: u32,
    /// Column of the first byte, counted from 1.
    pub column: u32,
    /// Offset of the first byte.
    pub byte: u64,
}

impl Origin {
    /// The start of the text.
    pub const START: Self = Self { line: 1, column: 1, byte: 0 };

    /// The place behind `bytes`, which begin here. Exact if the text is not cut within a character.
    #[must_use]
    pub fn behind(self, bytes: &[u8]) -> Self {
        let (line, column) = advance((self.line, self.column), bytes);
        Self { line, column, byte: self.byte.saturating_add(bytes.len() as u64) }
    }

    /// A place that was told as if the text began here, within the whole.
    #[must_use]
    pub fn moved(self, place: Self) -> Self {
        let (line, column) = self.position(place.line, place.column);
        Self { line, column, byte: self.byte.saturating_add(place.byte) }
    }

    /// A span that was told as if the text began here, within the whole.
    #[must_use]
    pub fn moved_span(self, span: TextSpan) -> TextSpan {
        let (line, column) = self.position(span.line, span.column);
        let (end_line, end_column) = self.position(span.end_line, span.end_column);
        let offset = |byte: u64| self.byte.saturating_add(byte);
        let (byte_start, byte_end) = (offset(span.byte_start), offset(span.byte_end));
        TextSpan { line, column, end_line, end_column, byte_start, byte_end }
    }

    /// Only what stands on the first line is moved to the right.
    fn position(self, line: u32, column: u32) -> (u32, u32) {
        let column = if line == 1 { self.column.saturating_add(column.saturating_sub(1)) } else { column };
        (self.line.saturating_add(line.saturating_sub(1)), column)
    }
}

/// Locates spans of one text. Those that come in the order of their starts cost one pass over the text all together.
pub struct Locator<'a> {
    bytes: &'a [u8],
    origin: Origin,
    /// How far the text has been read, and the line and column there.
    read: usize,
    position: (u32, u32),
}

impl<'a> Locator<'a> {
    /// For that text.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::within(bytes, Origin::START)
    }

    /// For a piece of a text that begins at `origin`: spans are told as of the whole.
    pub fn within(bytes: &'a [u8], origin: Origin) -> Self {
        Self { bytes, origin, read: 0, position: (origin.line, origin.column) }
    }

    /// The lines, columns and bytes of `bytes[start..end]`.
    pub fn locate(&mut self, start: usize, end: usize) -> TextSpan {
        let end = end.min(self.bytes.len());
        let start = start.min(end);
        if start < self.read {
            *self = Self::within(self.bytes, self.origin);
        }
        let (line, column) = advance(self.position, &self.bytes[self.read..start]);
        (self.read, self.position) = (start, (line, column));
        let (end_line, end_column) = advance((line, column), &self.bytes[start..end]);
        let offset = |index: usize| self.origin.byte.saturating_add(index as u64);
        TextSpan { line, column, end_line, end_column, byte_start: offset(start), byte_end: offset(end) }
    }
}

/// The line and column behind `bytes`, counted from the position given.
fn advance((mut line, mut column): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let breaks = memchr::memchr_iter(b'\n', bytes).count();
    let rest = match memchr::memrchr(b'\n', bytes) {
        Some(last) => {
            line = line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
            column = 1;
            &bytes[last + 1..]
        }
        None => bytes,
    };
    // Each byte of ASCII is a character, and that a line is nothing else is soon told.
    let characters: usize = if rest.is_ascii() {
        rest.len()
    } else {
        rest.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
    };
    (line, column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX)))
}

/// A path as the source has it: any bytes, separated by `/`. Content chooses it, so it is escaped before it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePath(Arc<[u8]>);

impl SourcePath {
    /// A path of raw bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, control characters and invalid bytes escaped as `\x1b`, so that it can neither steer a terminal nor
    /// break a line-based report.
    pub fn display(&self) -> Cow<'_, str> {
        escape(&self.0)
    }
}

/// Text from a foreign source made fit to show: control characters and invalid UTF-8 become `\xNN` or `\u{NN}`.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(is_unsafe_to_show)
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unsafe_to_show(character) {
                shown.extend(character.escape_unicode());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    Cow::Owned(shown)
}

/// Control characters, and the bidirectional overrides that make a terminal show something else than is there.
fn is_unsafe_to_show(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_code_points() {
        let text = "a\nbä\u{1F600}secret\nend".as_bytes();
        let start = 2 + 1 + 2 + 4;
        let span = TextSpan::locate(text, start, start + 6);
        assert_eq!((span.line, span.column, span.end_line, span.end_column), (2, 4, 2, 10));
        assert_eq!((span.byte_start, span.byte_end), (9, 15));
        let whole = TextSpan::locate(text, 0, text.len());
        assert_eq!((whole.end_line, whole.end_column), (3, 4));
        assert_eq!(TextSpan::locate(b"\xff\xfe\nx", 0, 99).end_column, 2);
    }

    #[test]
    fn a_locator_agrees_with_itself_in_any_order() {
        let text = "one\ntwo äö three\n\nfour five".as_bytes();
        let spans = [(0, 3), (4, 7), (13, 18), (20, 24), (25, 29), (4, 18), (0, 0), (29, 29)];
        let mut locator = Locator::new(text);
        for (start, end) in spans {
            assert_eq!(locator.locate(start, end), TextSpan::locate(text, start, end), "{start}..{end}");
        }
    }

    #[test]
    fn a_piece_is_located_within_the_whole() {
        let text = "one\ntwo äö three\n\nfour \u{1F600} five".as_bytes();
        for cut in (0..text.len()).filter(|cut| text[*cut] & 0xC0 != 0x80) {
            let origin = Origin::START.behind(&text[..cut]);
            let mut locator = Locator::within(&text[cut..], origin);
            for (start, end) in [(cut, cut), (cut, text.len()), (text.len() - 4, text.len())] {
                let within = start.saturating_sub(cut)..end - cut;
                let expected = TextSpan::locate(text, start.max(cut), end);
                assert_eq!(locator.locate(within.start, within.end), expected, "{cut}: {start}..{end}");
                let alone = TextSpan::locate(&text[cut..], within.start, within.end);
                assert_eq!(origin.moved_span(alone), expected, "{cut}: {start}..{end}");
            }
            assert_eq!(origin.moved(Origin::START.behind(&text[cut..])), Origin::START.behind(text), "{cut}");
        }
    }

    #[test]
    fn shown_paths_cannot_steer_a_terminal() {
        assert_eq!(SourcePath::new(b"src/\x1b[31m\xff.rs").display(), "src/\\u{1b}[31m\\xff.rs");
        assert_eq!(SourcePath::new("a\u{202e}b".as_bytes()).display(), "a\\u{202e}b");
        assert_eq!(SourcePath::new("grün".as_bytes()).display(), "grün");
    }
}
