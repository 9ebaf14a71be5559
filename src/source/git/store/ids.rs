//! [`Ids`]: the ids of all objects, ascending. The place of each is its number.

use std::cmp::Ordering;

/// How many bits of ids tell where to look for them at most: 16 MB of memory.
const MOST_BITS: u32 = 22;

/// So many ids are compared one after the other.
const FEW: u32 = 4;

/// Ids with what finds them.
pub(super) struct Ids {
    /// One after the other, each once.
    bytes: Vec<u8>,
    /// Length of one in bytes.
    length: usize,
    /// By the first bits of an id, about as many as tell one from the next, how many ids come before.
    fan_out: Vec<u32>,
    /// How far the first eight bytes of an id are shifted to leave those bits.
    shift: u32,
}

impl Ids {
    /// `bytes` are ids of that length, ascending. No more than can be numbered are kept.
    pub(super) fn new(mut bytes: Vec<u8>, length: usize) -> Self {
        bytes.truncate((u32::MAX as usize).saturating_mul(length));
        let bits = (bytes.len() / length).max(1).ilog2().clamp(1, MOST_BITS);
        let mut ids = Self { bytes, length, fan_out: Vec::new(), shift: u64::BITS - bits };
        ids.fan_out = ids.count_by_prefix();
        ids
    }

    /// How many there are. Numbers are smaller.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.bytes.len() / self.length).unwrap_or(u32::MAX)
    }

    /// The id with a number.
    pub(super) fn get(&self, number: u32) -> Option<&[u8]> {
        let start = number as usize * self.length;
        self.bytes.get(start..start + self.length)
    }

    /// The number of an id, if it is there.
    pub(super) fn number_of(&self, id: &[u8]) -> Option<u32> {
        let head = head_of(id);
        let prefix = self.prefix_of(head);
        let (mut low, mut high) = (*self.fan_out.get(prefix)?, *self.fan_out.get(prefix + 1)?);
        while low < high {
            // Mostly there is one, or none; but whoever makes the ids can make many begin alike.
            let middle = if high - low <= FEW { low } else { low + (high - low) / 2 };
            let own = self.get(middle)?;
            match head_of(own).cmp(&head).then_with(|| own.cmp(id)) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn prefix_of(&self, head: u64) -> usize {
        usize::try_from(head >> self.shift).unwrap_or(usize::MAX)
    }

    fn count_by_prefix(&self) -> Vec<u32> {
        let mut counts = vec![0_u32; self.prefix_of(u64::MAX) + 2];
        for id in self.bytes.chunks_exact(self.length) {
            if let Some(count) = counts.get_mut(self.prefix_of(head_of(id)) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        counts
    }
}

/// The first eight bytes of an id, in the order of ids: they tell nearly all of them apart, and are compared at once.
fn head_of(id: &[u8]) -> u64 {
    id.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Ids of 20 bytes that differ in their first byte, in the ninth, and in the last.
    fn id((first, ninth, last): (u8, u8, u8)) -> Vec<u8> {
        let mut id = vec![0x5a; 20];
        (id[0], id[8], id[19]) = (first, ninth, last);
        id
    }

    #[test]
    fn where_there_are_none_none_is_found() {
        let ids = Ids::new(Vec::new(), 20);
        assert_eq!((ids.count(), ids.get(0), ids.number_of(&id((0, 0, 0)))), (0, None, None));
    }

    proptest! {
        /// Also where many begin alike.
        #[test]
        fn each_is_found_by_its_number_and_no_other(
            parts in prop::collection::vec((0_u8..4, 0_u8..8, any::<u8>()), 0..200),
            others in prop::collection::vec((0_u8..5, 0_u8..9, any::<u8>()), 0..50),
        ) {
            let there: BTreeSet<Vec<u8>> = parts.into_iter().map(id).collect();
            let ids = Ids::new(there.iter().flatten().copied().collect(), 20);
            prop_assert_eq!(ids.count() as usize, there.len());
            for (number, id) in (0..).zip(&there) {
                prop_assert_eq!((ids.get(number), ids.number_of(id)), (Some(id.as_slice()), Some(number)));
            }
            for other in others.into_iter().map(id) {
                prop_assert_eq!(ids.number_of(&other).is_some(), there.contains(&other));
            }
        }
    }
}
