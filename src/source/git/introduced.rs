//! What commits brought in: the blobs that their trees hold and the trees before them did not.

use super::id::{IdMap, IdSet, ObjectId};
use super::store::{ObjectStore, Reader};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Repository;
use super::graph::Graph;
use super::objects;
use super::raw::{self, CommitHeader, EntryKind};
use super::snapshot::{blobs_below, root_tree};
use super::visitor::lock;
use crate::diagnostic::Diagnostic;
use crate::source::Collector;

/// What a range of commits brought in.
pub(super) struct Introduced {
    /// Each blob, with its paths and the first commit that has it there.
    pub(super) blobs: IdMap<Vec<(Vec<u8>, ObjectId)>>,
    /// The commits themselves, in no order.
    pub(super) commits: Vec<ObjectId>,
}

/// Compares each commit with its parents, and all with what the commits before them held.
pub(super) fn introduced(
    repository: &Repository,
    store: &ObjectStore,
    commits: Vec<(ObjectId, CommitHeader)>,
    collector: &Collector,
) -> Introduced {
    let members: IdSet = commits.iter().map(|&(id, _)| id).collect();
    let edges: IdSet =
        commits.iter().flat_map(|(_, header)| &header.parents).filter(|id| !members.contains(id)).copied().collect();
    let additions: Mutex<Vec<(ObjectId, Addition)>> = Mutex::default();
    let unread: Mutex<IdSet> = Mutex::default();
    let budget = Budget::default();
    let reader = &store.reader();
    objects::for_each(store, &commits, collector, |reader, (id, header)| {
        let parents: Vec<ObjectId> = header.parents.iter().filter_map(|&parent| root_tree(reader, parent)).collect();
        let mut own = Vec::new();
        let missing = compare(reader, b"", header.tree, parents, &mut own, &budget);
        lock(&additions).extend(own.into_iter().map(|addition| (*id, addition)));
        lock(&unread).extend(missing);
    });
    let mut unread = unread.into_inner().unwrap_or_else(PoisonError::into_inner);

    let mut old_blobs = IdSet::default();
    let mut seen = IdSet::default();
    for tree in edges.iter().filter_map(|&edge| root_tree(reader, edge)) {
        unread.extend(blobs_below(reader, tree, &mut seen, |blob| {
            old_blobs.insert(blob);
        }));
    }
    let mut unread: Vec<ObjectId> = unread.into_iter().collect();
    unread.sort_unstable();
    if let Some(first) = unread.first() {
        let reason = format!("{} trees of the range cannot be read, {first} among them", unread.len());
        collector.diagnose(Diagnostic::gap("missing-object", &*repository.name, reason));
    }

    let graph = Graph::new(commits, &repository.shallow);
    let rank: IdMap<usize> =
        graph.order().into_iter().filter_map(|number| graph.commit(number)).map(|commit| commit.id).zip(0..).collect();
    let mut additions = additions.into_inner().unwrap_or_else(PoisonError::into_inner);
    additions.retain(|(_, addition)| !old_blobs.contains(&addition.blob));
    // The first commit of each blob and path comes first.
    additions.sort_unstable_by(|(a, left), (b, right)| {
        (left.blob, &left.path, rank.get(a)).cmp(&(right.blob, &right.path, rank.get(b)))
    });
    additions.dedup_by(|(_, right), (_, left)| left.blob == right.blob && left.path == right.path);
    let mut blobs: IdMap<Vec<(Vec<u8>, ObjectId)>> = IdMap::default();
    for (commit, addition) in additions {
        blobs.entry(addition.blob).or_default().push((addition.path, commit));
    }
    Introduced { blobs, commits: rank.into_keys().collect() }
}

/// A blob that a commit has at a path where none of its parents has it.
pub(super) struct Addition {
    pub(super) path: Vec<u8>,
    pub(super) blob: ObjectId,
}

/// How much comparing may cost in all. A few small trees can be built that repeat each other billions of times, or that lie
/// in each other so deep that their paths fill the memory.
pub(super) struct Budget {
    /// How often a tree may be entered that was entered before for the same commit.
    repeats: AtomicUsize,
    /// Bytes of paths, and of what is kept beside each.
    path_bytes: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        // Far more than an honest history has in the one, and than a usual machine can spare in the other.
        Self { repeats: AtomicUsize::new(1 << 18), path_bytes: AtomicUsize::new(1 << 31) }
    }
}

impl Budget {
    fn allows_repeat(&self) -> bool {
        take(&self.repeats, 1)
    }

    fn allows_path(&self, length: usize) -> bool {
        take(&self.path_bytes, length.saturating_add(size_of::<Addition>()))
    }
}

fn take(budget: &AtomicUsize, amount: usize) -> bool {
    budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount)).is_ok()
}

/// Compares a tree, which lies at `prefix`, with those of all parents, entering only what differs from each. Returns the trees
/// that could not be read, or no more within the budget, each once.
pub(super) fn compare(
    reader: &Reader<'_>,
    prefix: &[u8],
    tree: ObjectId,
    parents: Vec<ObjectId>,
    additions: &mut Vec<Addition>,
    budget: &Budget,
) -> IdSet {
    let mut unread = IdSet::default();
    let mut entered = IdSet::default();
    let mut open = vec![(prefix.to_vec(), tree, parents)];
    while let Some((prefix, tree, parents)) = open.pop() {
        if parents.contains(&tree) {
            continue;
        }
        if !entered.insert(tree) && !budget.allows_repeat() {
            unread.insert(tree);
            continue;
        }
        let Ok((_, bytes)) = reader.read(tree) else {
            unread.insert(tree);
            continue;
        };
        let parents: Vec<Entries> = parents.into_iter().filter_map(|parent| Entries::read(reader, parent)).collect();
        for entry in raw::tree_entries(&bytes, reader.hash_length()).map_while(Result::ok) {
            let in_parents = || parents.iter().filter_map(|parent| parent.find(entry.name));
            if entry.kind == EntryKind::Submodule || in_parents().any(|(kind, id)| kind == entry.kind && id == entry.id)
            {
                continue;
            }
            if !budget.allows_path(prefix.len().saturating_add(entry.name.len())) {
                unread.insert(tree);
                break;
            }
            let mut path = [&prefix, entry.name].concat();
            match entry.kind {
                EntryKind::Blob => additions.push(Addition { path, blob: entry.id }),
                EntryKind::Tree => {
                    path.push(b'/');
                    let subtrees =
                        in_parents().filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, id)| id).collect();
                    open.push((path, entry.id, subtrees));
                }
                EntryKind::Submodule => {}
            }
        }
    }
    unread
}

/// The entries of a parent's tree, by name.
struct Entries(Vec<(Box<[u8]>, EntryKind, ObjectId)>);

impl Entries {
    fn read(reader: &Reader<'_>, tree: ObjectId) -> Option<Self> {
        let (_, bytes) = reader.read(tree).ok()?;
        let entries = raw::tree_entries(&bytes, reader.hash_length()).map_while(Result::ok);
        let mut entries: Vec<_> = entries.map(|entry| (entry.name.into(), entry.kind, entry.id)).collect();
        entries.sort_unstable_by(|(a, ..): &(Box<[u8]>, _, _), (b, ..)| a.cmp(b));
        Some(Self(entries))
    }

    fn find(&self, name: &[u8]) -> Option<(EntryKind, ObjectId)> {
        let at = self.0.binary_search_by(|(held, ..)| (**held).cmp(name)).ok()?;
        self.0.get(at).map(|&(_, kind, id)| (kind, id))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Writes a tree as a loose object. Its id is made up: nothing compares it with the content.
    fn write(directory: &Path, tree: &[u8]) -> ObjectId {
        let id = ObjectId::from_bytes(&Sha256::digest(tree)).expect("an id");
        let (fan, name) = (&id.to_string()[..2], &id.to_string()[2..]);
        fs_err::create_dir_all(directory.join(fan)).expect("writable");
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        let object = [format!("tree {}\0", tree.len()).as_bytes(), tree].concat();
        encoder.write_all(&object).expect("memory takes all");
        fs_err::write(directory.join(fan).join(name), encoder.finish().expect("memory takes all")).expect("writable");
        id
    }

    /// Compares a chain of trees, each of which holds the one below under all `names`, with nothing. Gives the additions and
    /// the trees left out.
    fn check(depth: usize, names: &[&str], leaf: &[u8], budget: &Budget) -> (usize, usize) {
        let made = tempfile::tempdir().expect("a temporary directory");
        let mut tree = write(made.path(), leaf);
        for _ in 0..depth {
            let entries = names.iter().map(|name| [b"40000 ", name.as_bytes(), b"\0", tree.as_bytes()].concat());
            tree = write(made.path(), &entries.collect::<Vec<_>>().concat());
        }
        let store = ObjectStore::open(&[made.path().to_owned()], tree.as_bytes().len());
        let mut additions = Vec::new();
        let unread = compare(&store.reader(), b"", tree, Vec::new(), &mut additions, budget);
        (additions.len(), unread.len())
    }

    #[test]
    fn trees_that_repeat_each_other_without_a_file_come_to_an_end() {
        let budget = || Budget { repeats: AtomicUsize::new(100), ..Budget::default() };
        assert_eq!(check(5, &["a", "b"], b"", &budget()), (0, 0));
        let (additions, unread) = check(60, &["a", "b"], b"", &budget());
        assert!(additions == 0 && (1..=61).contains(&unread), "{unread}");
    }

    #[test]
    fn trees_that_lie_deep_in_each_other_do_not_fill_the_memory() {
        let leaf = [b"100644 f\0", &[7; 32][..]].concat();
        let budget = || Budget { path_bytes: AtomicUsize::new(10_000), ..Budget::default() };
        let name = "n".repeat(100);
        assert_eq!(check(10, &[&name], &leaf, &budget()), (1, 0));
        assert_eq!(check(50, &[&name], &leaf, &budget()), (0, 1));
    }
}
