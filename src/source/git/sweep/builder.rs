//! [`Builder`]: builds objects from entries, in memory that is used again and again.
//!
//! For one thread of the sweep. Knows nothing of what is wanted; whoever calls has looked at the sizes.

use super::forest::Forest;
use super::survey::{LOOSE, Node};
use super::{Fault, Limits, Stock};
use crate::source::git::pack::delta::{Delta, Run};
use crate::source::git::pack::inflate::{Buffer, Inflater};

/// The tools and the memory of a thread.
pub(super) struct Builder<'a> {
    limits: Limits,
    stock: &'a Stock<'a>,
    inflater: Inflater,
    delta: Buffer,
    /// What the last object that was built from another has copied from it.
    pub(super) runs: Vec<Run>,
    spare: Vec<Buffer>,
    /// How many bytes of memory are spare.
    spare_bytes: usize,
}

impl<'a> Builder<'a> {
    /// With empty hands.
    pub(super) fn new(limits: Limits, stock: &'a Stock<'a>) -> Self {
        let (inflater, delta) = (Inflater::default(), Buffer::new());
        Self { limits, stock, inflater, delta, runs: Vec::new(), spare: Vec::new(), spare_bytes: 0 }
    }

    /// A whole object.
    pub(super) fn whole(&mut self, node: &Node) -> Result<Buffer, Fault> {
        if node.pack == LOOSE {
            return Ok(self.stock.objects.read(node.number)?.1.into());
        }
        let mut bytes = self.take();
        match self.inflater.inflate(stream(self.stock, node), node.size, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => {
                self.recycle(bytes);
                Err(error.into())
            }
        }
    }

    /// Takes the delta of a node in hand, and tells how large the object will be.
    pub(super) fn open(&mut self, node: &Node) -> Result<u64, Fault> {
        if node.size > self.limits.largest_base {
            return Err(Fault::TooLarge(node.size));
        }
        self.inflater.inflate(stream(self.stock, node), node.size, &mut self.delta)?;
        Ok(Delta::parse(&self.delta)?.result_size)
    }

    /// Applies the delta in hand to its base.
    pub(super) fn apply(&mut self, base: &[u8]) -> Result<Buffer, Fault> {
        let mut bytes = self.take();
        let delta = Delta::parse(&self.delta)?;
        match delta.apply(base, &mut bytes, &mut self.runs) {
            Ok(()) => Ok(bytes),
            Err(error) => {
                self.recycle(bytes);
                Err(error.into())
            }
        }
    }

    /// Builds a node again that has been built before, from its root on. `pay` is told how many bytes each step costs, and may
    /// refuse.
    pub(super) fn rebuild(
        &mut self,
        forest: &Forest<'_>,
        index: u32,
        mut pay: impl FnMut(u64) -> Result<(), Fault>,
    ) -> Result<Buffer, Fault> {
        let mut line: Vec<&Node> = std::iter::successors(forest.node(index), |node| forest.node(node.base)).collect();
        let Some(root) = line.pop() else { return Err(Fault::BrokenBase) };
        pay(root.size)?;
        let mut bytes = self.whole(root)?;
        while let Some(node) = line.pop() {
            pay(self.open(node)?)?;
            let next = self.apply(&bytes)?;
            self.recycle(std::mem::replace(&mut bytes, next));
        }
        Ok(bytes)
    }

    /// Takes memory back.
    pub(super) fn recycle(&mut self, buffer: Buffer) {
        let spare_bytes = self.spare_bytes.saturating_add(buffer.capacity());
        if spare_bytes <= self.limits.memory / 4 {
            self.spare_bytes = spare_bytes;
            self.spare.push(buffer);
        }
    }

    fn take(&mut self) -> Buffer {
        let buffer = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= buffer.capacity();
        buffer
    }
}

/// The compressed bytes of an entry, and all that follows: libdeflate is slower close to the end of what it is given.
fn stream<'a>(stock: &Stock<'a>, node: &Node) -> &'a [u8] {
    let bytes = stock.packs.get(node.pack as usize).map_or(&[][..], |pack| pack.bytes);
    let start = usize::try_from(node.offset + u64::from(node.header_length));
    start.ok().and_then(|start| bytes.get(start..)).unwrap_or_default()
}
