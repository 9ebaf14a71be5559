//! [`Reader`]: reads objects one by one, for whoever needs some and not all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read as _;
use std::rc::Rc;

use flate2::read::ZlibDecoder;

use super::ObjectStore;
use super::loose::Loose;
use crate::source::git::id::{ObjectId, ObjectKind};
use crate::source::git::pack::Pack;
use crate::source::git::pack::delta::{Delta, DeltaError};
use crate::source::git::pack::entry::{EntryContent, EntryError, EntryHeader};
use crate::source::git::pack::inflate::{Buffer, InflateError, Inflater};

/// The largest object that is read as a whole.
pub(super) const LARGEST_OBJECT: u64 = 2 << 30;

/// The longest chain of deltas that is followed. Git's own limit is 4095.
const DEEPEST_CHAIN: usize = 10_000;

/// How many bytes of bases are kept for the objects built from them: neighbours in a history share theirs.
const KEPT_BASES: usize = 16 << 20;

/// Why an object cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(in crate::source::git) enum ObjectError {
    /// It is nowhere.
    #[error("it is not there")]
    Missing,
    /// The object that it is built from is nowhere.
    #[error("its delta base `{0}` is missing")]
    MissingBase(ObjectId),
    /// The header of its entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Its compressed bytes.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// Its delta.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// It is built from itself, or by more steps than git ever makes.
    #[error("its delta bases have no end")]
    Endless,
    /// It is larger than what is read.
    #[error("its {0} bytes are too many to be read")]
    TooLarge(u64),
    /// The file of a loose object has no header.
    #[error("its file is no object")]
    LooseHeader,
    /// The file of a loose object cannot be read.
    #[error("its file cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
}

impl ObjectError {
    /// Whether something is missing, rather than damaged.
    pub(in crate::source::git) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing | Self::MissingBase(_))
    }
}

/// Reads objects of a store. Each thread has its own.
pub(in crate::source::git) struct Reader<'a> {
    store: &'a ObjectStore,
    memory: RefCell<Memory>,
}

/// What a reader keeps from one object to the next.
#[derive(Default)]
struct Memory {
    inflater: Inflater,
    delta: Buffer,
    bases: HashMap<(usize, u64), Rc<Whole>>,
    kept: usize,
}

/// An object with its bytes.
struct Whole {
    kind: ObjectKind,
    bytes: Vec<u8>,
}

/// Where an object is.
enum Place {
    Packed { pack: usize, offset: u64 },
    Loose(Loose),
}

/// A delta to be applied: the pack and the offset of its entry, its size, and where its stream starts.
struct Step {
    pack: usize,
    offset: u64,
    size: u64,
    data: u64,
}

/// A chain of deltas, the object itself first, and what it starts from.
struct Chain {
    steps: Vec<Step>,
    root: Root,
}

enum Root {
    Kept(Rc<Whole>),
    Packed { pack: usize, offset: u64, kind: ObjectKind, size: u64, data: u64 },
    Loose(Loose),
}

impl<'a> Reader<'a> {
    pub(super) fn new(store: &'a ObjectStore) -> Self {
        Self { store, memory: RefCell::default() }
    }

    /// An object with its bytes.
    pub(in crate::source::git) fn read(&self, id: ObjectId) -> Result<(ObjectKind, Vec<u8>), ObjectError> {
        let place = self.locate(id)?.ok_or(ObjectError::Missing)?;
        let mut memory = self.memory.borrow_mut();
        let chain = self.follow(place, Some(&memory))?;
        let whole = memory.build(self.store, chain)?;
        drop(memory);
        Ok((whole.kind, Rc::try_unwrap(whole).map_or_else(|shared| shared.bytes.clone(), |whole| whole.bytes)))
    }

    /// The kind of an object and its size in bytes, without building it.
    pub(in crate::source::git) fn header(&self, id: ObjectId) -> Result<(ObjectKind, u64), ObjectError> {
        let place = self.locate(id)?.ok_or(ObjectError::Missing)?;
        let chain = self.follow(place, None)?;
        let (kind, size) = match chain.root {
            Root::Kept(whole) => (whole.kind, whole.bytes.len() as u64),
            Root::Packed { kind, size, .. } => (kind, size),
            Root::Loose(loose) => (loose.kind, loose.size),
        };
        match chain.steps.first() {
            None => Ok((kind, size)),
            Some(step) => {
                let mut sizes = Vec::new();
                let stream = self.store.stream(step.pack, step.data);
                // Two numbers of at most ten bytes each. What is damaged behind them is told by whoever reads on.
                let _ = ZlibDecoder::new(stream).take(20).read_to_end(&mut sizes);
                Ok((kind, Delta::parse(&sizes)?.result_size))
            }
        }
    }

    /// Length of ids in bytes.
    pub(in crate::source::git) fn hash_length(&self) -> usize {
        self.store.hash_length
    }

    fn locate(&self, id: ObjectId) -> Result<Option<Place>, ObjectError> {
        for (pack, file) in self.store.packs().iter().enumerate() {
            if let Some(offset) = file.find(id.as_bytes()) {
                return Ok(Some(Place::Packed { pack, offset }));
            }
        }
        Ok(Loose::open(self.store, id)?.map(Place::Loose))
    }

    /// Follows the deltas to a whole object, or to one that is kept in memory.
    fn follow(&self, place: Place, memory: Option<&Memory>) -> Result<Chain, ObjectError> {
        let mut steps = Vec::new();
        let mut place = place;
        loop {
            let (pack, offset) = match place {
                Place::Packed { pack, offset } => (pack, offset),
                Place::Loose(loose) => return Ok(Chain { steps, root: Root::Loose(loose) }),
            };
            if let Some(whole) = memory.and_then(|memory| memory.bases.get(&(pack, offset))) {
                return Ok(Chain { steps, root: Root::Kept(Rc::clone(whole)) });
            }
            let file = self.store.packs().get(pack).ok_or(ObjectError::Missing)?;
            let EntryHeader { content, size, data } = EntryHeader::read(file.bytes(), offset, self.store.hash_length)?;
            if steps.len() >= DEEPEST_CHAIN {
                return Err(ObjectError::Endless);
            }
            place = match content {
                EntryContent::Whole(kind) => {
                    return Ok(Chain { steps, root: Root::Packed { pack, offset, kind, size, data } });
                }
                EntryContent::OffsetDelta(base) => Place::Packed { pack, offset: base },
                EntryContent::IdDelta(id) => {
                    let id = ObjectId::from_bytes(id).ok_or(ObjectError::Missing)?;
                    match file.find(id.as_bytes()) {
                        Some(offset) => Place::Packed { pack, offset },
                        None => self.locate(id)?.ok_or(ObjectError::MissingBase(id))?,
                    }
                }
            };
            steps.push(Step { pack, offset, size, data });
        }
    }
}

impl ObjectStore {
    /// The pack from a place on.
    fn stream(&self, pack: usize, data: u64) -> &[u8] {
        let start = usize::try_from(data).unwrap_or(usize::MAX);
        self.packs().get(pack).map(Pack::bytes).and_then(|bytes| bytes.get(start..)).unwrap_or_default()
    }
}

impl Memory {
    fn build(&mut self, store: &ObjectStore, chain: Chain) -> Result<Rc<Whole>, ObjectError> {
        let mut whole = match chain.root {
            Root::Kept(whole) => whole,
            Root::Loose(loose) => Rc::new(Whole { kind: loose.kind, bytes: loose.content(&mut self.inflater)? }),
            Root::Packed { pack, offset, kind, size, data } => {
                let mut buffer = Buffer::new();
                self.inflate(store.stream(pack, data), size, &mut buffer)?;
                let whole = Rc::new(Whole { kind, bytes: buffer.into_vec() });
                if !chain.steps.is_empty() {
                    self.keep((pack, offset), &whole);
                }
                whole
            }
        };
        let mut runs = Vec::new();
        for (number, step) in chain.steps.iter().enumerate().rev() {
            let mut delta = std::mem::take(&mut self.delta);
            let inflated = self.inflate(store.stream(step.pack, step.data), step.size, &mut delta);
            let mut object = Buffer::new();
            let built = inflated.and_then(|()| {
                let delta = Delta::parse(&delta)?;
                if delta.result_size > LARGEST_OBJECT {
                    return Err(ObjectError::TooLarge(delta.result_size));
                }
                Ok(delta.apply(&whole.bytes, &mut object, &mut runs)?)
            });
            self.delta = delta;
            built?;
            whole = Rc::new(Whole { kind: whole.kind, bytes: object.into_vec() });
            if number > 0 {
                self.keep((step.pack, step.offset), &whole);
            }
        }
        Ok(whole)
    }

    fn inflate(&mut self, stream: &[u8], size: u64, buffer: &mut Buffer) -> Result<(), ObjectError> {
        if size > LARGEST_OBJECT {
            return Err(ObjectError::TooLarge(size));
        }
        Ok(self.inflater.inflate(stream, size, buffer)?)
    }

    /// Keeps a base. When there are too many, all are forgotten: that is rare, and what is needed comes back.
    fn keep(&mut self, place: (usize, u64), whole: &Rc<Whole>) {
        let size = whole.bytes.capacity();
        if size > KEPT_BASES / 4 {
            return;
        }
        if self.kept + size > KEPT_BASES {
            self.bases.clear();
            self.kept = 0;
        }
        if self.bases.insert(place, Rc::clone(whole)).is_none() {
            self.kept += size;
        }
    }
}
