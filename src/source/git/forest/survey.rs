//! [`Notes`]: what one thread notes down while it sees trees.
//!
//! For the forest. A tree is noted as what it has more and less than its base, and of that only what may matter: the trees
//! in it, what was found, and what is not there. All else is forgotten at once, so that millions of trees fit into memory.

use foldhash::HashMap;

use super::layout::{Layout, Step};
use crate::source::git::pack::delta::Run;
use crate::source::git::raw::{EntryKind, RawEntry};

/// Stands for no node.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of the objects before the trees are read.
pub(super) trait Ground: Sync {
    /// The number of an object; `None` if it is not there.
    fn number(&self, id: &[u8]) -> Option<u32>;

    /// Whether something was found in that object.
    fn is_found(&self, number: u32) -> bool;

    /// Whether a rule may look for files of that name.
    fn is_looked_for(&self, name: &[u8]) -> bool;
}

/// An entry that a tree has and its base does not, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Change {
    /// Number of the object; of one that is not there, its place among those, with [`Change::UNKNOWN`] set.
    child: u32,
    /// Number of the name, with [`Change::BLOB`] set for what is no tree.
    name: u32,
}

/// What an entry leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// A tree that is there, by number.
    Tree(u32),
    /// A found blob, by number.
    Blob(u32),
    /// Something that is not there, by its place among what is not.
    Unknown {
        /// Its place.
        place: u32,
        /// Whether it would be a tree.
        is_tree: bool,
    },
}

impl Change {
    const UNKNOWN: u32 = 1 << 31;
    const BLOB: u32 = 1 << 31;

    /// What the entry leads to.
    pub(super) fn child(self) -> Child {
        let is_tree = self.name & Self::BLOB == 0;
        match self.child & Self::UNKNOWN {
            0 if is_tree => Child::Tree(self.child),
            0 => Child::Blob(self.child),
            _ => Child::Unknown { place: self.child & !Self::UNKNOWN, is_tree },
        }
    }

    /// The number of its name. What is not there has none.
    pub(super) fn name(self) -> u32 {
        self.name & !Self::BLOB
    }

    /// The same with other numbers for names and for what is not there.
    pub(super) fn renumbered(self, names: &[u32], unknown: &[u32]) -> Self {
        let map = |map: &[u32], number: u32| map.get(number as usize).copied().unwrap_or(number);
        match self.child() {
            Child::Unknown { place, .. } => Self { child: map(unknown, place) | Self::UNKNOWN, ..self },
            _ => Self { name: map(names, self.name()) | (self.name & Self::BLOB), ..self },
        }
    }
}

/// A tree as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Number of the tree.
    pub(super) number: u32,
    /// The node of its base, among those of the same thread; [`NONE`] if it was seen as a whole.
    pub(super) base: u32,
    /// How many changes are entries that the base does not have, and how many are entries of the base that it does not have.
    pub(super) added: u32,
    pub(super) removed: u32,
}

/// What a tree hands on to those that are built from it.
pub(super) struct Inheritance {
    node: u32,
    layout: Layout,
    /// The entries that matter, by their places.
    kept: Vec<(u32, Change)>,
}

/// What one thread has seen.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) names: Interner,
    /// Ids of what is not there.
    pub(super) unknown: Interner,
    pub(super) nodes: Vec<Node>,
    /// Of each node what was added, then what was removed.
    pub(super) changes: Vec<Change>,
    /// Trees that make no sense up to their end.
    pub(super) malformed: Vec<u32>,
    /// Whether the allowance was used up, and trees were left out.
    pub(super) is_cut: bool,
}

impl Notes {
    /// Notes a tree down. `allowance` is how many bytes all notes may have: a few deltas can be made that repeat each other
    /// as millions of large trees.
    pub(super) fn see(
        &mut self,
        ground: &impl Ground,
        number: u32,
        tree: (&[u8], usize),
        base: Option<(&Inheritance, &[Run])>,
        allowance: usize,
    ) -> Inheritance {
        let (bytes, hash_length) = tree;
        let node = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let is_full = self.bytes() > allowance || node >= Change::UNKNOWN;
        let mut kept: Vec<(u32, Change)> = Vec::new();
        let mut removed = Vec::new();
        let (first_change, mut place) = (self.changes.len(), 0_u32);
        // What of the base has not been compared yet.
        let mut rest = base.map_or(&[][..], |(base, _)| &base.kept);
        let layout =
            Layout::read(bytes, hash_length, base.map(|(base, runs)| (&base.layout, runs)), |step| match step {
                Step::Inherited(entries) => {
                    let at = |wanted: usize| move |&(place, _): &(u32, Change)| (place as usize) < wanted;
                    let (left_out, behind) = rest.split_at(rest.partition_point(at(entries.start)));
                    let (inherited, behind) = behind.split_at(behind.partition_point(at(entries.end)));
                    removed.extend(left_out.iter().map(|&(_, change)| change));
                    let shift = place.wrapping_sub(number_of(entries.start));
                    kept.extend(inherited.iter().map(|&(place, change)| (place.wrapping_add(shift), change)));
                    rest = behind;
                    place = place.saturating_add(number_of(entries.len()));
                }
                Step::Read(entry) => {
                    if !is_full && let Some(change) = self.classify(ground, &entry) {
                        self.changes.push(change);
                        kept.push((place, change));
                    }
                    place = place.saturating_add(1);
                }
            });
        removed.extend(rest.iter().map(|&(_, change)| change));
        if !layout.is_whole {
            self.malformed.push(number);
        }
        self.is_cut |= is_full;
        if !is_full {
            cancel(&mut self.changes, first_change, &mut removed);
            let added = number_of(self.changes.len() - first_change);
            self.changes.extend_from_slice(&removed);
            let base = base.map_or(NONE, |(base, _)| base.node);
            self.nodes.push(Node { number, base, added, removed: number_of(removed.len()) });
        }
        Inheritance { node: if is_full { NONE } else { node }, layout, kept }
    }

    /// Roughly how much memory the notes take.
    fn bytes(&self) -> usize {
        let lists = self.nodes.len() * size_of::<Node>() + self.changes.len() * size_of::<Change>();
        lists + self.names.bytes + self.unknown.bytes
    }

    fn classify(&mut self, ground: &impl Ground, entry: &RawEntry<'_>) -> Option<Change> {
        let blob = match entry.kind {
            EntryKind::Submodule => return None,
            EntryKind::Blob => Change::BLOB,
            EntryKind::Tree => 0,
        };
        match ground.number(entry.id) {
            // A tree that is said to be a file is one that nothing was found in, and the other way round.
            Some(child) => {
                let matters = match blob {
                    0 => !ground.is_found(child),
                    _ => ground.is_found(child) || ground.is_looked_for(entry.name),
                };
                matters.then(|| Change { child, name: self.names.number(entry.name) | blob })
            }
            None => Some(Change { child: self.unknown.number(entry.id) | Change::UNKNOWN, name: blob }),
        }
    }
}

/// Takes away what is both in the list from `first` on and in `removed`: entries that the delta wrote out again.
fn cancel(added: &mut Vec<Change>, first: usize, removed: &mut Vec<Change>) {
    let Some(own) = added.get_mut(first..) else { return };
    own.sort_unstable();
    removed.sort_unstable();
    if own.is_empty() || removed.is_empty() {
        return;
    }
    let own = own.to_vec();
    added.truncate(first);
    let mut gone = std::mem::take(removed).into_iter().peekable();
    for change in own {
        removed.extend(std::iter::from_fn(|| gone.next_if(|&other| other < change)));
        if gone.next_if_eq(&change).is_none() {
            added.push(change);
        }
    }
    removed.extend(gone);
}

/// Trees have no more entries than bytes, and not more bytes than this.
fn number_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Gives numbers to texts, in the order in which they come.
#[derive(Default)]
pub(super) struct Interner {
    pub(super) numbers: HashMap<Box<[u8]>, u32>,
    bytes: usize,
}

impl Interner {
    fn number(&mut self, text: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = number_of(self.numbers.len());
        self.bytes += text.len() + size_of::<(Box<[u8]>, u32)>();
        self.numbers.insert(text.into(), number);
        number
    }
}
