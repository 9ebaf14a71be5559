//! The dictionary: from the four bytes at a candidate to the anchors that stand there, if any do.

use std::ops::Range;

use super::Sighting;
use super::neighbours::Neighbours;
use super::window::{CASE, WIDTH, Window, folded, hash};

/// Bits of the hash that the lists are found by.
const LIST_BITS: u32 = 12;

/// Bits of the hash of three bytes that finds a word of the map.
pub(super) const WORD_BITS: u32 = 12;

/// Bits of the hash of all four that finds a bit in the word.
pub(super) const BIT_BITS: u32 = 5;

/// The first three bytes of a window.
pub(super) const THREE: u32 = 0x00ff_ffff;

/// An anchor, how it may be spelled, and where in it its window begins.
struct Entry {
    window: u32,
    offset: u32,
    anchor: u16,
    /// Whether its tag tells all of it, spelled as it is wanted.
    is_told_by_tag: bool,
    /// Where its text stands among those of all.
    text: Range<u32>,
    /// The spellings that anybody wants. Any will do if there are none.
    spellings: Vec<Box<[u8]>>,
}

impl Entry {
    fn text_in<'a>(&self, texts: &'a [u8]) -> &'a [u8] {
        texts.get(self.text.start as usize..self.text.end as usize).unwrap_or_default()
    }

    /// Whether that is the anchor as it is wanted.
    fn is_spelled(&self, text: &[u8], texts: &[u8]) -> bool {
        let is_wanted = || self.spellings.is_empty() || self.spellings.iter().any(|spelling| **spelling == *text);
        text.eq_ignore_ascii_case(self.text_in(texts)) && is_wanted()
    }
}

/// How many bytes of the context of a place are looked at on each side of it.
const SIDE: usize = 8;

/// An anchor as far as it stands in the context of its window: cheap to compare, and mostly all of it.
#[derive(Clone, Copy)]
struct Tag {
    /// The bytes from [`SIDE`] before the window on; nought where they are not looked at.
    value: u128,
    /// Which bits of them are looked at.
    mask: u128,
}

/// All anchors with windows of one width.
struct Lists {
    /// Which bytes of four belong to a window.
    mask: u32,
    /// Where the list of each hash begins; the last says where all end.
    begins: Vec<u16>,
    /// All lists one after another.
    entries: Vec<Entry>,
    /// What each entry is told by, or nearly.
    tags: Vec<Tag>,
}

/// A bit for each window, few enough for the nearest cache. The first three bytes choose a word, and all four a bit in it, so that one
/// look is enough for windows of both widths.
pub(super) struct Map(pub(super) Box<[u32; 1 << WORD_BITS]>);

/// All anchors.
pub(super) struct Dictionary {
    /// What is looked at before anything else.
    pub(super) map: Map,
    /// And what after that.
    pub(super) neighbours: Neighbours,
    /// The anchors in lower case, one behind the other.
    texts: Vec<u8>,
    long: Lists,
    short: Lists,
}

impl Dictionary {
    /// A dictionary of anchors in lower case, each with the spellings that are wanted of it (any, if there are none).
    pub(super) fn new(windows: &[Window], anchors: &[Vec<u8>], spellings: impl Fn(u16) -> Vec<Box<[u8]>>) -> Self {
        let mut texts = Vec::with_capacity(anchors.iter().map(Vec::len).sum());
        let mut entries = |is_short: bool| {
            let windows = windows.iter().filter(|window| window.is_short == is_short);
            let list = |window: &Window| hash(u32::from_le_bytes(window.bytes), LIST_BITS);
            let mut windows: Vec<_> = windows.map(|window| (list(window), window.anchor, window)).collect();
            windows.sort_unstable_by_key(|(list, anchor, _)| (*list, *anchor));
            let mut entries = Vec::with_capacity(windows.len());
            entries.extend(windows.into_iter().filter_map(|(.., window)| {
                let start = u32::try_from(texts.len()).ok()?;
                texts.extend_from_slice(anchors.get(usize::from(window.anchor))?);
                let text = start..u32::try_from(texts.len()).ok()?;
                let offset = u32::try_from(window.offset).ok()?;
                let spellings = spellings(window.anchor);
                let (window, anchor) = (u32::from_le_bytes(window.bytes), window.anchor);
                Some(Entry { window, offset, anchor, is_told_by_tag: false, text, spellings })
            }));
            entries
        };
        let (long, short) = (entries(false), entries(true));
        let (long, short) = (Lists::new(u32::MAX, long, &texts), Lists::new(THREE, short, &texts));
        let mut map = Map(Box::new([0; 1 << WORD_BITS]));
        let mut neighbours = Neighbours::new();
        for entry in &long.entries {
            map.0[Map::word(entry.window)] |= 1 << Map::bit(entry.window);
            neighbours.allow(entry.window, entry.text_in(&texts), entry.offset as usize);
        }
        for entry in &short.entries {
            map.0[Map::word(entry.window)] = Map::ANY;
        }
        Self { map, neighbours, texts, long, short }
    }

    /// Whether what stands around a place that the map knows speaks for an anchor. Wrong in one case of ten, where none is.
    #[inline]
    pub(super) fn is_likely(&self, bytes: &[u8], position: usize) -> bool {
        let window = window_at(bytes, position);
        self.map.knows_short(window) | self.neighbours.admit(window, bytes, position)
    }

    /// Tells the anchors that have their window at `position` and lie in `zone`.
    pub(super) fn look_up(&self, bytes: &[u8], zone: &Range<usize>, position: usize, tell: &mut impl FnMut(Sighting)) {
        let (window, context) = (window_at(bytes, position), context_at(bytes, position));
        let mut tell_entry = |entry: &Entry| {
            let Some(start) = position.checked_sub(entry.offset as usize).filter(|start| *start >= zone.start) else {
                return;
            };
            let end = start + entry.text.len();
            if end <= zone.end
                && (entry.is_told_by_tag
                    || bytes.get(start..end).is_some_and(|text| entry.is_spelled(text, &self.texts)))
                && let Ok(start) = u32::try_from(start)
            {
                tell(Sighting { start, anchor: entry.anchor });
            }
        };
        self.long.each(window, context, &mut tell_entry);
        if self.map.knows_short(window) {
            self.short.each(window, context, &mut tell_entry);
        }
    }
}

impl Map {
    /// The word of a window of three bytes.
    pub(super) const ANY: u32 = u32::MAX;

    /// Whether an anchor may have a window of three bytes here.
    #[inline]
    fn knows_short(&self, window: u32) -> bool {
        self.0[Self::word(window)] == Self::ANY
    }

    /// Whether an anchor may have its window at `position`. Of what a filter lets through, wrong in one case of nine, where none has.
    #[inline]
    pub(super) fn knows(&self, bytes: &[u8], position: usize) -> bool {
        let window = window_at(bytes, position);
        self.0[Self::word(window)] >> Self::bit(window) & 1 != 0
    }

    #[inline]
    fn word(window: u32) -> usize {
        hash(window & THREE, WORD_BITS)
    }

    #[inline]
    fn bit(window: u32) -> usize {
        hash(window, BIT_BITS)
    }
}

impl Tag {
    /// The tag of an entry, and whether it tells all of it.
    fn of(entry: &Entry, texts: &[u8]) -> (Self, bool) {
        let offset = entry.offset as usize;
        let (text, is_exact) = match entry.spellings.as_slice() {
            [only] => (&**only, true),
            _ => (entry.text_in(texts), false),
        };
        let (mut value, mut mask) = ([0; 2 * SIDE], [0; 2 * SIDE]);
        // Where in the anchor the context begins, which may be before it.
        let (first, skipped) = (SIDE.saturating_sub(offset), offset.saturating_sub(SIDE));
        for ((value, mask), byte) in value.iter_mut().zip(&mut mask).skip(first).zip(text.iter().skip(skipped)) {
            *mask = if byte.is_ascii_alphabetic() && !is_exact { !CASE } else { u8::MAX };
            *value = byte & *mask;
        }
        let is_all = skipped == 0 && first + text.len() <= 2 * SIDE && entry.spellings.len() <= 1;
        (Self { value: u128::from_le_bytes(value), mask: u128::from_le_bytes(mask) }, is_all)
    }

    #[inline]
    fn is_in(&self, context: u128) -> bool {
        (context ^ self.value) & self.mask == 0
    }
}

impl Lists {
    /// The entries are in the order of their hashes.
    fn new(mask: u32, mut entries: Vec<Entry>, texts: &[u8]) -> Self {
        let mut begins = Vec::with_capacity((1 << LIST_BITS) + 1);
        for (index, entry) in (0_u16..).zip(&entries) {
            begins.resize(begins.len().max(hash(entry.window, LIST_BITS) + 1), index);
        }
        begins.resize((1 << LIST_BITS) + 1, u16::try_from(entries.len()).unwrap_or(u16::MAX));
        let tag = |entry: &mut Entry| {
            let (tag, is_all) = Tag::of(entry, texts);
            entry.is_told_by_tag = is_all;
            tag
        };
        let tags = entries.iter_mut().map(tag).collect();
        Self { mask, begins, entries, tags }
    }

    /// Where the list of a window stands.
    #[inline]
    fn list(&self, window: u32) -> Range<usize> {
        let list = hash(window & self.mask, LIST_BITS);
        match self.begins.get(list..list + 2) {
            Some([begin, end]) => usize::from(*begin)..usize::from(*end),
            _ => 0..0,
        }
    }

    /// Tells the anchors that have this window and agree with what stands around it.
    #[inline]
    fn each(&self, window: u32, context: u128, tell: &mut impl FnMut(&Entry)) {
        let list = self.list(window);
        let tags = self.tags.get(list.clone()).unwrap_or_default();
        let entries = self.entries.get(list).unwrap_or_default();
        for (entry, _) in entries.iter().zip(tags).filter(|(_, tag)| tag.is_in(context)) {
            tell(entry);
        }
    }
}

/// The bytes at a position, with [`CASE`] set. What lies behind the end of the bytes counts as nought.
#[inline]
pub(super) fn window_at(bytes: &[u8], position: usize) -> u32 {
    let rest = bytes.get(position..).unwrap_or_default();
    let window = rest.first_chunk::<WIDTH>().copied().unwrap_or_else(|| {
        let mut window = [0; WIDTH];
        window.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        window
    });
    folded(window)
}

/// The bytes around a position, from [`SIDE`] before it on. What lies outside counts as nought.
#[inline]
fn context_at(bytes: &[u8], position: usize) -> u128 {
    let whole = position.checked_sub(SIDE).and_then(|start| bytes.get(start..)?.first_chunk::<{ 2 * SIDE }>());
    let context = whole.copied().unwrap_or_else(|| {
        std::array::from_fn(|index| {
            let byte = (position + index).checked_sub(SIDE).and_then(|index| bytes.get(index));
            byte.copied().unwrap_or(0)
        })
    });
    u128::from_le_bytes(context)
}
