//! Which later layer deletes or overwrites a file.
//!
//! Only for telling: whatever a later layer does, every file of every layer is scanned, since a deleted secret can still be
//! pulled. The merged file system is never built. A layer is remembered as keyed hashes of its paths, eight bytes each, so
//! that nobody can choose paths that collide, and a million files cost no more than some megabytes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// The name of a whiteout: `.wh.` and the name that it deletes.
const WHITEOUT: &[u8] = b".wh.";

/// The name that deletes everything that lower layers have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Longer names of hard links are not remembered: no system takes them.
const LONGEST_LINK: usize = 4096;

/// What a layer's entry does to the layers below.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    /// Something stands at this path and replaces what stood there.
    Entry,
    /// What stands at this path is no directory, so nothing can lie below it any more.
    Barrier,
    /// This path, and all below it, is deleted.
    Whiteout,
    /// All below this path is deleted.
    Opaque,
}

/// Paths are remembered up to this many marks, over all layers of a scan: some hundred megabytes, which no honest image needs.
const MOST_MARKS: usize = 16_000_000;

/// What the layers of one scan share.
#[derive(Clone)]
pub(super) struct Shadows {
    state: RandomState,
    left: Arc<AtomicUsize>,
}

impl Shadows {
    /// With room for every honest image.
    pub(super) fn new() -> Self {
        Self::with_room(MOST_MARKS)
    }

    fn with_room(marks: usize) -> Self {
        Self { state: RandomState::new(), left: Arc::new(AtomicUsize::new(marks)) }
    }

    /// Whether paths were forgotten, so that a file may be told as visible that is not.
    pub(super) fn are_incomplete(&self) -> bool {
        self.left.load(Relaxed) == 0
    }

    fn take_room(&self, marks: usize) -> bool {
        let take = |left: usize| Some(left.saturating_sub(marks));
        self.left.fetch_update(Relaxed, Relaxed, take).is_ok_and(|left| left >= marks)
    }
}

/// What one layer does to the layers below it.
pub(super) struct LayerPaths {
    shadows: Shadows,
    marks: HashSet<u64>,
    /// Hard links by the hash of their target.
    links: HashMap<u64, Vec<Vec<u8>>>,
}

impl LayerPaths {
    /// Nothing yet.
    pub(super) fn new(shadows: Shadows) -> Self {
        Self { shadows, marks: HashSet::new(), links: HashMap::new() }
    }

    /// Notes an entry of the layer. `path` is as the archive has it.
    pub(super) fn record(&mut self, path: &[u8], is_directory: bool) {
        let path = normalise(path);
        let (parent, name) = split(&path);
        if name == OPAQUE {
            self.mark(Mark::Opaque, parent);
        } else if let Some(name) = name.strip_prefix(WHITEOUT).filter(|name| !name.starts_with(WHITEOUT)) {
            let deleted = if parent.is_empty() { name.to_vec() } else { [parent, b"/", name].concat() };
            self.mark(Mark::Whiteout, &deleted);
        } else {
            self.mark(Mark::Entry, &path);
            if !is_directory && !path.is_empty() {
                self.mark(Mark::Barrier, &path);
            }
        }
    }

    /// Whether this layer deletes or overwrites a file that a lower layer has at `path`.
    pub(super) fn hides(&self, path: &[u8]) -> bool {
        let path = normalise(path);
        if self.has(Mark::Entry, &path) || self.has(Mark::Whiteout, &path) {
            return true;
        }
        let mut below: &[u8] = &path;
        while !below.is_empty() {
            below = split(below).0;
            if [Mark::Opaque, Mark::Barrier, Mark::Whiteout].into_iter().any(|mark| self.has(mark, below)) {
                return true;
            }
        }
        false
    }

    /// Notes that `path`, a hard link, is another name of the file at `target`.
    pub(super) fn link(&mut self, target: &[u8], path: &[u8]) {
        if path.len() <= LONGEST_LINK && self.shadows.take_room(4 + path.len() / 8) {
            let target = self.shadows.state.hash_one(normalise(target));
            self.links.entry(target).or_default().push(path.to_vec());
        }
    }

    /// The other names of the file at `path` in this layer.
    pub(super) fn links(&self, path: &[u8]) -> &[Vec<u8>] {
        self.links.get(&self.shadows.state.hash_one(normalise(path))).map(Vec::as_slice).unwrap_or_default()
    }

    fn mark(&mut self, mark: Mark, path: &[u8]) {
        if self.shadows.take_room(1) {
            self.marks.insert(self.shadows.state.hash_one((mark, path)));
        }
    }

    fn has(&self, mark: Mark, path: &[u8]) -> bool {
        self.marks.contains(&self.shadows.state.hash_one((mark, path)))
    }
}

/// The directory and the name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default()),
        None => (b"", path),
    }
}

/// The path as it is applied: relative to the root, without `.` and empty steps, `..` resolved and held below the root.
fn normalise(path: &[u8]) -> Vec<u8> {
    let mut steps: Vec<&[u8]> = Vec::new();
    for step in path.split(|byte| *byte == b'/') {
        match step {
            b"" | b"." => {}
            b".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a layer with `entries` (directories end in `/`) hides `path`.
    fn check(entries: &[&str], path: &str, expected: bool) {
        let mut layer = LayerPaths::new(Shadows::new());
        for entry in entries {
            layer.record(entry.as_bytes(), entry.ends_with('/'));
        }
        assert_eq!(layer.hides(path.as_bytes()), expected, "{entries:?} hides {path}");
    }

    #[test]
    fn later_layers_hide_files() {
        check(&["app/.wh.key"], "app/key", true);
        check(&["./app/.wh.key"], "app/key", true);
        check(&["app/.wh.key"], "app/key2", false);
        check(&["app/.wh.key"], "other/key", false);
        check(&[".wh.app"], "app/config/key", true);
        check(&["app/.wh..wh..opq"], "app/config/key", true);
        check(&["app/.wh..wh..opq"], "apple/key", false);
        check(&[".wh..wh..opq"], "key", true);
        check(&["app/.wh..wh.aufs"], "app/key", false);
        check(&["app/key"], "app/key", true);
        check(&["/app/./x/../key"], "app/key", true);
        check(&["app/"], "app/key", false);
        check(&["app"], "app/key", true);
        check(&["app/key/"], "app/key", true);
        check(&["/"], "app/key", false);
        check(&["."], "app/key", false);
        check(&[], "app/key", false);
    }

    #[test]
    fn memory_is_bounded_and_its_end_is_seen() {
        let shadows = Shadows::with_room(3);
        let mut layer = LayerPaths::new(shadows.clone());
        layer.record(b"first", false);
        assert!(!shadows.are_incomplete());
        layer.record(b"second", false);
        assert!(shadows.are_incomplete());
        assert!(layer.hides(b"first"));
        layer.record(b"third", false);
        assert!(!layer.hides(b"third"));
    }
}
