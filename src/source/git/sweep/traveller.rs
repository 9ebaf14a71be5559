//! [`Traveller`]: one thread on its way through families.
//!
//! For the sweep. Goes depth first and without recursion. Of the children of a node those with the smallest families come first,
//! and a node is forgotten before the family of its last child is entered: a chain of any length needs two objects at a time, and
//! a family of `n` no more than `log2(n)`. Where objects are so large that this is still too much, those nearest to the root are
//! forgotten, and built again when they are needed.

use std::cmp::Reverse;

use super::builder::Builder;
use super::forest::{Forest, Member};
use super::survey::{LOOSE, Node};
use super::{Base, Fault, Limits, Object, Stock, Sweeper, Trouble};
use crate::source::git::id::ObjectKind;
use crate::source::git::pack::inflate::Buffer;

/// A thread's place, and what its visitor keeps.
pub(super) struct Traveller<'a, S: Sweeper> {
    limits: Limits,
    stock: &'a Stock<'a>,
    forest: &'a Forest<'a>,
    sweeper: &'a S,
    worker: S::Worker,
    troubles: Vec<Trouble>,
    builder: Builder<'a>,
    /// The nodes from the root to here that have children left.
    path: Vec<Step<S::State>>,
    /// How many bytes of memory the path holds.
    held: usize,
    /// The children that are left, of all nodes of the path.
    pending: Vec<u32>,
    cost: Cost,
}

/// A node on the path.
struct Step<State> {
    index: u32,
    /// `None` if forgotten.
    bytes: Option<Buffer>,
    /// What its visit gave, if it was visited.
    state: Option<State>,
    /// Where its children start among the pending.
    floor: usize,
}

/// What holds for all members of a family.
#[derive(Clone, Copy)]
struct Terms {
    kind: ObjectKind,
    /// The largest that are visited, in bytes.
    largest: u64,
}

/// How many bytes of a family have been built, and how many of these again.
#[derive(Default)]
struct Cost {
    built: u64,
    rebuilt: u64,
}

impl<'a, S: Sweeper> Traveller<'a, S> {
    /// At the beginning.
    pub(super) fn new(limits: Limits, stock: &'a Stock<'a>, forest: &'a Forest<'a>, sweeper: &'a S) -> Self {
        Self {
            limits,
            stock,
            forest,
            sweeper,
            worker: sweeper.worker(),
            troubles: Vec::new(),
            builder: Builder::new(limits, stock),
            path: Vec::new(),
            held: 0,
            pending: Vec::new(),
            cost: Cost::default(),
        }
    }

    /// What is left at the end.
    pub(super) fn finish(self) -> (S::Worker, Vec<Trouble>) {
        (self.worker, self.troubles)
    }

    /// Visits a family, from its root on.
    pub(super) fn visit_family(&mut self, root: u32) {
        self.cost = Cost::default();
        let terms = match self.enter_root(root) {
            Ok(Some(terms)) => terms,
            Ok(None) => return,
            Err(fault) => return self.fail(root, fault),
        };
        while let Some(mut step) = self.leave() {
            let Some(child) = self.pending.pop() else { break };
            if self.sweeper.is_cancelled() {
                break;
            }
            let entered = self.recall(&mut step).and_then(|()| self.enter(terms, &step, child));
            if self.pending.len() > step.floor {
                self.stay(step);
            } else if let Some(bytes) = step.bytes {
                self.builder.recycle(bytes);
            }
            match entered {
                Ok(Some((bytes, state))) => self.descend(child, bytes, state),
                Ok(None) => {}
                Err(fault) => self.fail(child, fault),
            }
        }
        self.path.clear();
        self.pending.clear();
        self.held = 0;
    }

    /// Visits an object that has failed once more, by itself, wherever there is another copy of it. Tells whether there is.
    pub(super) fn visit_copy(&mut self, number: u32) -> bool {
        let objects = self.stock.objects;
        let Ok((kind, size)) = objects.header(number) else { return false };
        let Some(terms) = self.terms(kind) else { return true };
        let node = Node::new(number, LOOSE, 0);
        let member = Member { node: &node, is_wanted: true, is_base: false };
        match self.is_due(terms, member, size) {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
        let Ok((_, bytes)) = objects.read(number) else { return false };
        self.arrive(terms, member, bytes.into(), None);
        true
    }

    /// Builds and visits a root. `None` if that was all.
    fn enter_root(&mut self, root: u32) -> Result<Option<Terms>, Fault> {
        let Some(member) = self.forest.member(root) else { return Ok(None) };
        let node = member.node;
        let (kind, size) = match node.kind {
            Some(kind) => (kind, node.size),
            None => self.stock.objects.header(node.number)?,
        };
        let Some(terms) = self.terms(kind) else { return Ok(None) };
        if !self.is_due(terms, member, size)? {
            return Ok(None);
        }
        let bytes = self.builder.whole(node)?;
        let Some((bytes, state)) = self.arrive(terms, member, bytes, None) else { return Ok(None) };
        self.descend(root, bytes, state);
        Ok(Some(terms))
    }

    /// Builds and visits a child. `None` if nothing is built from it in turn.
    fn enter(&mut self, terms: Terms, parent: &Step<S::State>, child: u32) -> Result<Entered<S::State>, Fault> {
        let Some(member) = self.forest.member(child) else { return Ok(None) };
        let size = self.builder.open(member.node)?;
        if !self.is_due(terms, member, size)? {
            return Ok(None);
        }
        self.make_room(size);
        let base = parent.bytes.as_deref().unwrap_or_default();
        let bytes = self.builder.apply(base)?;
        self.cost.built = self.cost.built.saturating_add(size);
        Ok(self.arrive(terms, member, bytes, Some(parent)))
    }

    /// Whether an object has to be built: to be visited, or because others are built from it.
    fn is_due(&mut self, terms: Terms, member: Member<'_>, size: u64) -> Result<bool, Fault> {
        let Member { node, is_wanted, is_base } = member;
        if is_base && size > terms.largest.max(self.limits.largest_base) {
            return Err(Fault::TooLarge(size));
        }
        if !is_base && is_wanted && size > terms.largest {
            // Nothing else would become of it. Where others are built from it, it shows whether the size is a lie.
            self.sweeper.pass_over(&mut self.worker, node.number, terms.kind, size);
            return Ok(false);
        }
        Ok(is_base || is_wanted)
    }

    /// Visits an object that has been built, or passes over it, and keeps it if others are built from it.
    fn arrive(
        &mut self,
        terms: Terms,
        member: Member<'_>,
        bytes: Buffer,
        parent: Option<&Step<S::State>>,
    ) -> Entered<S::State> {
        let Member { node, is_wanted, is_base } = member;
        let size = bytes.len() as u64;
        let state = (is_wanted && size <= terms.largest).then(|| {
            let object = Object { number: node.number, kind: terms.kind, bytes: &bytes, is_base };
            let base = parent.and_then(|parent| {
                let (state, bytes) = (parent.state.as_ref()?, parent.bytes.as_deref()?);
                let number = self.forest.node(parent.index)?.number;
                Some(Base { number, bytes, state, runs: &self.builder.runs })
            });
            self.sweeper.visit(&mut self.worker, &object, base)
        });
        if is_wanted && size > terms.largest {
            self.sweeper.pass_over(&mut self.worker, node.number, terms.kind, size);
        }
        if is_base {
            return Some((bytes, state));
        }
        self.builder.recycle(bytes);
        None
    }

    /// Goes on to the children of a node, the smallest families first.
    fn descend(&mut self, index: u32, bytes: Buffer, state: Option<S::State>) {
        let (forest, floor) = (self.forest, self.pending.len());
        self.pending.extend(forest.children(index));
        let own = self.pending.get_mut(floor..).unwrap_or_default();
        // The last is the next.
        own.sort_unstable_by_key(|&child| Reverse((forest.descendants(child), child)));
        self.stay(Step { index, bytes: Some(bytes), state, floor });
    }

    fn stay(&mut self, step: Step<S::State>) {
        self.held += step.bytes.as_ref().map_or(0, Buffer::capacity);
        self.path.push(step);
    }

    fn leave(&mut self) -> Option<Step<S::State>> {
        let step = self.path.pop()?;
        self.held -= step.bytes.as_ref().map_or(0, Buffer::capacity);
        Some(step)
    }

    /// Forgets what stands nearest to the root, and is needed last, until so much more can be held.
    fn make_room(&mut self, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        for step in &mut self.path {
            if self.held.saturating_add(size) <= self.limits.memory {
                break;
            }
            self.held -= step.bytes.take().map_or(0, |bytes| bytes.capacity());
        }
    }

    /// Builds again what was forgotten.
    fn recall(&mut self, step: &mut Step<S::State>) -> Result<(), Fault> {
        if step.bytes.is_none() {
            let (cost, allowance) = (&mut self.cost, 8 * self.limits.memory as u64);
            let pay = |size: u64| {
                cost.rebuilt = cost.rebuilt.saturating_add(size);
                // As much as the family itself costs, and a little more: hostile families would take it a hundred times.
                let is_fair = cost.rebuilt <= cost.built.saturating_add(allowance);
                if is_fair { Ok(()) } else { Err(Fault::TooMuchMemory) }
            };
            step.bytes = Some(self.builder.rebuild(self.forest, step.index, pay)?);
        }
        Ok(())
    }

    /// Tells of an object that cannot be built, and of all that is built from it.
    fn fail(&mut self, index: u32, fault: Fault) {
        let mut fault = Some(fault);
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let fault = fault.take().unwrap_or(Fault::BrokenBase);
            if let Some(member) = self.forest.member(index).filter(|member| member.is_wanted) {
                self.troubles.push(Trouble { number: member.node.number, fault });
            }
            open.extend(self.forest.children(index));
        }
    }

    fn terms(&self, kind: ObjectKind) -> Option<Terms> {
        self.sweeper.largest(kind).map(|largest| Terms { kind, largest })
    }
}

/// The bytes and the state of an object that others are built from.
type Entered<State> = Option<(Buffer, Option<State>)>;
