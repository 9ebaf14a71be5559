//! The delta-forest sweep: every wanted object once, and each entry of a pack inflated once.
//!
//! Most objects of a pack are differences to others, which form trees. A family, that is a whole object with all that is built
//! from it, is visited depth first by one thread, so that an object is at hand when those that are built from it need it, and
//! whoever looks at them can look at what is new alone. Families that hold nothing wanted are not inflated at all.
//!
//! - `stock`: what is swept: entries of packs, loose objects.
//! - `survey`: all entries with their bases, told from the headers alone.
//! - `forest`: the families, without those that hold nothing wanted.
//! - `traveller`: one thread on its way through families.
//! - `builder`: what it builds objects with.
//! - `fault`: why an object could not be visited.
//!
//! Nothing here knows what a visitor looks for, or how packs are found and opened. What the packs say is hostile: sizes, offsets,
//! circles and depth are checked, and memory is bounded by [`LARGEST_BASE`] and [`MEMORY_OF_A_THREAD`].

mod builder;
mod fault;
mod forest;
mod stock;
mod survey;
mod traveller;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use self::forest::Forest;
use self::traveller::Traveller;
use super::id::ObjectKind;
use super::pack::delta::Run;

pub use self::fault::{Fault, Trouble};
pub use self::stock::{Objects, PackEntries, Stock};

/// The largest object, in bytes, that others may be built from. Git itself makes no deltas of files over 512 MiB
/// (`core.bigFileThreshold`).
pub const LARGEST_BASE: u64 = 512 << 20;

/// How many bytes of objects a thread holds on to while it visits what is built from them. The two or three that it works
/// on may exceed this alone: 511 versions of 25 MB, two built from each, take 113 MB. What the headers tell takes 48 bytes for
/// each entry beside that.
pub const MEMORY_OF_A_THREAD: usize = 64 << 20;

/// Looks at objects as they come by.
pub trait Sweeper: Sync {
    /// What is known of an object once it has been visited, and kept while objects that are built from it are visited.
    type State;
    /// What a thread has for itself: memory to work in, what it found.
    type Worker: Send;

    /// Equips a thread.
    fn worker(&self) -> Self::Worker;

    /// The largest objects of a kind, in bytes, that are visited. `None` if none of them are.
    fn largest(&self, kind: ObjectKind) -> Option<u64>;

    /// Whether an object is wanted, whatever kind it turns out to be.
    fn is_wanted(&self, number: u32) -> bool {
        let _ = number;
        true
    }

    /// Is told how many objects are ahead, before the first of them.
    fn expect(&self, objects: u64) {
        let _ = objects;
    }

    /// Whether to stop. Asked between any two objects.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Looks at an object. Each is visited once, on any thread, after its base. `base` is what it was built from, if that was
    /// visited too.
    fn visit(&self, worker: &mut Self::Worker, object: &Object<'_>, base: Option<Base<'_, Self::State>>)
    -> Self::State;

    /// Is told of a wanted object that is larger than [`Sweeper::largest`] allows, instead of being shown it.
    fn pass_over(&self, worker: &mut Self::Worker, number: u32, kind: ObjectKind, size: u64);
}

/// An object that is visited.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// Its number in the stock.
    pub number: u32,
    /// What it is.
    pub kind: ObjectKind,
    /// All of it.
    pub bytes: &'a [u8],
    /// Whether others are built from it. If not, its state is dropped at once.
    pub is_base: bool,
}

/// What an object was built from.
#[derive(Debug)]
pub struct Base<'a, State> {
    /// The number of the base.
    pub number: u32,
    /// All of the base.
    pub bytes: &'a [u8],
    /// What the visit of the base gave.
    pub state: &'a State,
    /// What the object copied from it: ascending in `to`, neighbours merged. All else in the object is new.
    pub runs: &'a [Run],
}

/// What is left when all has been visited.
#[derive(Debug)]
pub struct Swept<Worker> {
    /// The workers of all threads, in no order that means anything.
    pub workers: Vec<Worker>,
    /// Wanted objects that could not be visited, in the order of their numbers. Not complete if cancelled.
    pub troubles: Vec<Trouble>,
}

/// Who is built from whom, and in which order a sweep comes by them.
pub struct Plan<'a> {
    forest: Forest<'a>,
}

impl<'a> Plan<'a> {
    /// A plan for a sweeper.
    pub fn of(stock: &'a Stock<'_>, sweeper: &impl Sweeper) -> Self {
        let is_kind_wanted = |kind| sweeper.largest(kind).is_some();
        let is_wanted = |number, kind: Option<_>| kind.is_none_or(is_kind_wanted) && sweeper.is_wanted(number);
        Self { forest: Forest::grow(stock, is_wanted) }
    }

    /// A plan for a sweeper of all objects of a kind, made before there is one.
    pub fn for_all(stock: &'a Stock<'_>, wanted: ObjectKind) -> Self {
        Self { forest: Forest::grow(stock, |_, kind| kind.is_none_or(|kind| kind == wanted)) }
    }
}

/// Visits every wanted object of the stock once, on all threads of the current pool.
pub fn sweep<S: Sweeper>(stock: &Stock<'_>, sweeper: &S) -> Swept<S::Worker> {
    sweep_as_planned(&Plan::of(stock, sweeper), stock, sweeper)
}

/// The same as [`sweep`], with a plan that was made before. The sweeper wants what the plan was made for.
pub fn sweep_as_planned<S: Sweeper>(plan: &Plan<'_>, stock: &Stock<'_>, sweeper: &S) -> Swept<S::Worker> {
    sweep_within(Limits { largest_base: LARGEST_BASE, memory: MEMORY_OF_A_THREAD }, plan, stock, sweeper)
}

/// What a thread may use.
#[derive(Clone, Copy)]
struct Limits {
    /// See [`LARGEST_BASE`].
    largest_base: u64,
    /// See [`MEMORY_OF_A_THREAD`].
    memory: usize,
}

fn sweep_within<S: Sweeper>(limits: Limits, plan: &Plan<'_>, stock: &Stock<'_>, sweeper: &S) -> Swept<S::Worker> {
    let forest = &plan.forest;
    sweeper.expect(forest.wanted());
    let new = || Traveller::new(limits, stock, forest, sweeper);
    let visit = |traveller: &mut Traveller<'_, S>, unit| {
        forest.unit(unit).iter().for_each(|&root| traveller.visit_family(root));
    };
    let (mut workers, troubles) = share(forest.units(), new, visit);
    let mut troubles = [&forest.troubles[..], &troubles].concat();
    troubles.sort_unstable_by_key(|trouble| trouble.number);
    if forest.has_copies() && !troubles.is_empty() {
        let is_settled: Vec<AtomicBool> = troubles.iter().map(|_| AtomicBool::new(false)).collect();
        let visit = |traveller: &mut Traveller<'_, S>, index: usize| {
            if let (Some(trouble), Some(is_settled)) = (troubles.get(index), is_settled.get(index)) {
                is_settled.store(!sweeper.is_cancelled() && traveller.visit_copy(trouble.number), Relaxed);
            }
        };
        workers.extend(share(troubles.len(), new, visit).0);
        let mut is_settled = is_settled.into_iter().map(AtomicBool::into_inner);
        troubles.retain(|_| !is_settled.next().unwrap_or(false));
    }
    Swept { workers, troubles }
}

/// Hands units of work to all threads, in their order.
fn share<'a, S: Sweeper + 'a>(
    units: usize,
    new: impl Fn() -> Traveller<'a, S> + Sync,
    visit: impl Fn(&mut Traveller<'a, S>, usize) + Sync,
) -> (Vec<S::Worker>, Vec<Trouble>) {
    let next = AtomicUsize::new(0);
    let travel = || {
        let mut traveller = new();
        loop {
            let unit = next.fetch_add(1, Relaxed);
            if unit >= units {
                return traveller.finish();
            }
            visit(&mut traveller, unit);
        }
    };
    // What one thread can do is done before others have woken up.
    let finished = if units > 1 { rayon::broadcast(|_| travel()) } else { vec![travel()] };
    let (workers, troubles): (Vec<_>, Vec<_>) = finished.into_iter().unzip();
    (workers, troubles.concat())
}

#[cfg(test)]
mod tests;
