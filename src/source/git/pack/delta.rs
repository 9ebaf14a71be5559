//! [`Delta`]: instructions that build an object from another one (`gitformat-pack`, "Deltified representation").
//!
//! For whoever reads deltified objects. Every instruction is checked against both sizes; nothing is written outside of them.

use thiserror::Error;

use super::inflate::Buffer;
pub use crate::detect::Run;

/// A delta whose sizes have been read.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    /// How large the base has to be, in bytes.
    pub base_size: u64,
    /// How large the object will be, in bytes. As the delta claims: a caller that limits memory checks it.
    pub result_size: u64,
    instructions: &'a [u8],
}

/// One step towards the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction<'a> {
    /// Bytes of the base come next. The range may lie outside of it.
    Copy {
        /// Where they start in the base, in bytes.
        offset: usize,
        /// How many they are, at least one.
        length: usize,
    },
    /// These bytes come next, at least one.
    Insert(&'a [u8]),
}

/// Why a delta cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// The delta ends within a size or an instruction.
    #[error("its delta ends early")]
    Truncated,
    /// Instruction 0, which git reserves.
    #[error("its delta has the reserved instruction 0")]
    Reserved,
    /// The delta was made for another base.
    #[error("its delta is for a base of {0} bytes")]
    OtherBase(u64),
    /// A copy from behind the end of the base.
    #[error("its delta copies from outside of its base")]
    Outside,
    /// The instructions give more or fewer bytes than claimed, or more than memory can hold.
    #[error("its delta does not give the {0} bytes that it claims")]
    WrongSize(u64),
}

impl<'a> Delta<'a> {
    /// Reads the sizes at the start.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DeltaError> {
        let mut rest = bytes;
        let base_size = read_size(&mut rest)?;
        let result_size = read_size(&mut rest)?;
        Ok(Self { base_size, result_size, instructions: rest })
    }

    /// The instructions in their order. Ends behind the first that cannot be read.
    pub fn instructions(&self) -> Instructions<'a> {
        Instructions { rest: self.instructions }
    }

    /// Whether the instructions can give an object of the claimed size: each has at least one byte, and copies at most
    /// 16 MiB. Known before memory is taken for it.
    pub fn is_possible(&self) -> bool {
        self.result_size <= (self.instructions.len() as u64).saturating_mul(LARGEST_COPY)
    }

    /// Builds the object, and notes in `runs` what of it was copied: ascending in `to`, and neighbours that are neighbours
    /// in the base too are one. After an error both hold nothing.
    pub fn apply(&self, base: &[u8], object: &mut Buffer, runs: &mut Vec<Run>) -> Result<(), DeltaError> {
        runs.clear();
        object.clear();
        let built = self.build(base, object, runs);
        if built.is_err() {
            runs.clear();
            object.clear();
        }
        built
    }

    fn build(&self, base: &[u8], object: &mut Buffer, runs: &mut Vec<Run>) -> Result<(), DeltaError> {
        if self.base_size != base.len() as u64 {
            return Err(DeltaError::OtherBase(self.base_size));
        }
        let wrong_size = DeltaError::WrongSize(self.result_size);
        let length = usize::try_from(self.result_size).ok().filter(|_| self.is_possible()).ok_or(wrong_size)?;
        let mut rest = object.reset(length);
        let mut run = Run { from: 0, to: 0, length: 0 };
        let mut instructions = self.instructions();
        while let Some(instruction) = instructions.next() {
            let at = length - rest.len();
            // What is written next, and how much of it.
            let (source, count) = match instruction? {
                Instruction::Insert(bytes) => {
                    let end = self.instructions.len() - instructions.rest.len();
                    (self.instructions.get(end - bytes.len()..).unwrap_or(bytes), bytes.len())
                }
                Instruction::Copy { offset, length } => {
                    let source = base.get(offset..).filter(|behind| behind.len() >= length);
                    // Checked to lie within the base, so that the sums cannot overflow.
                    let source = source.ok_or(DeltaError::Outside)?;
                    if run.to + run.length == at && run.from + run.length == offset {
                        run.length += length;
                    } else {
                        if run.length > 0 {
                            runs.push(run);
                        }
                        run = Run { from: offset, to: at, length };
                    }
                    (source, length)
                }
            };
            rest = write(source, count, rest).ok_or(wrong_size)?;
        }
        if run.length > 0 {
            runs.push(run);
        }
        if rest.is_empty() { Ok(()) } else { Err(wrong_size) }
    }
}

/// Copies the first `count` bytes of a source, and gives what is left to write. `None` if there is not so much room.
#[inline]
fn write<'a>(source: &[u8], count: usize, rest: &'a mut [u8]) -> Option<&'a mut [u8]> {
    // Most instructions are short: to copy a fixed number of bytes takes no call. What it writes too much is written over.
    if count <= SHORT
        && let (Some(source), Some(here)) = (source.first_chunk::<SHORT>(), rest.first_chunk_mut::<SHORT>())
    {
        *here = *source;
        return rest.get_mut(count..);
    }
    let (here, behind) = rest.split_at_mut_checked(count)?;
    here.copy_from_slice(source.get(..count)?);
    Some(behind)
}

/// So many bytes are copied without asking how many it are.
const SHORT: usize = 64;

/// What one copy instruction can copy at most: its length has three bytes.
const LARGEST_COPY: u64 = 0xff_ffff;

/// See [`Delta::instructions`].
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Instructions<'a> {
    type Item = Result<Instruction<'a>, DeltaError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&code, behind) = self.rest.split_first()?;
        let instruction = if code & 0x80 == 0 { insert(code, behind) } else { copy(code, behind) };
        let (instruction, behind) =
            instruction.map_or_else(|error| (Err(error), &[][..]), |(found, rest)| (Ok(found), rest));
        self.rest = behind;
        Some(instruction)
    }
}

#[inline]
fn insert(length: u8, rest: &[u8]) -> Result<(Instruction<'_>, &[u8]), DeltaError> {
    if length == 0 {
        return Err(DeltaError::Reserved);
    }
    let (bytes, behind) = rest.split_at_checked(usize::from(length)).ok_or(DeltaError::Truncated)?;
    Ok((Instruction::Insert(bytes), behind))
}

/// The seven lower bits of the code tell which bytes of offset (four) and length (three) follow, the lowest first; the
/// others are zero. A length of zero stands for 64 KiB.
#[inline]
fn copy(code: u8, mut rest: &[u8]) -> Result<(Instruction<'_>, &[u8]), DeltaError> {
    let mut value = [0; 8];
    for (bit, place) in value.iter_mut().take(7).enumerate() {
        if code & (1 << bit) != 0 {
            let (&byte, behind) = rest.split_first().ok_or(DeltaError::Truncated)?;
            *place = byte;
            rest = behind;
        }
    }
    let value = u64::from_le_bytes(value);
    let (offset, length) = (value & 0xffff_ffff, value >> 32);
    let length = if length == 0 { 0x1_0000 } else { length };
    // Where 32 bits are the most that can be addressed, whatever does not fit lies outside of the base.
    let fit = |number: u64| usize::try_from(number).map_err(|_| DeltaError::Outside);
    Ok((Instruction::Copy { offset: fit(offset)?, length: fit(length)? }, rest))
}

/// Seven bits a byte, the lowest first.
fn read_size(rest: &mut &[u8]) -> Result<u64, DeltaError> {
    let mut size = 0;
    let mut shift = 0;
    loop {
        let (&byte, behind) = rest.split_first().ok_or(DeltaError::Truncated)?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        if shift >= u64::BITS || bits << shift >> shift != bits {
            return Err(DeltaError::WrongSize(u64::MAX));
        }
        size |= bits << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;

    use super::*;

    const BASE: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

    /// The object, and of each run where it starts in the base, where in the object, and its length.
    type Applied<'a> = (&'a [u8], &'a [(usize, usize, usize)]);

    fn check(delta: &[u8], expected: Result<Applied<'_>, DeltaError>) {
        let mut object = Buffer::from(b"what was there before".to_vec());
        let mut runs = vec![Run { from: 0, to: 0, length: 1 }];
        let applied = Delta::parse(delta).and_then(|delta| delta.apply(BASE, &mut object, &mut runs));
        let runs: Vec<_> = runs.iter().map(|run| (run.from, run.to, run.length)).collect();
        assert_eq!(applied.map(|()| (&*object, &runs[..])), expected, "{delta:02x?}");
    }

    #[test]
    fn objects_are_built() {
        check(&[36, 3, 3, b'x', b'y', b'z'], Ok((b"xyz", &[])));
        check(&[36, 4, 0x91, 10, 4], Ok((b"abcd", &[(10, 0, 4)])));
        check(&[36, 4, 0x90, 4], Ok((b"0123", &[(0, 0, 4)])));
        check(&[36, 0], Ok((b"", &[])));
    }

    #[test]
    fn neighbours_in_both_are_one_run() {
        check(&[36, 5, 0x91, 1, 2, 0x91, 3, 3], Ok((b"12345", &[(1, 0, 5)])));
        // A junction: neighbours in the object, not in the base.
        check(&[36, 4, 0x91, 1, 2, 0x91, 4, 2], Ok((b"1245", &[(1, 0, 2), (4, 2, 2)])));
        // Neighbours in the base, not in the object.
        check(&[36, 5, 0x91, 1, 2, 1, b'x', 0x91, 3, 2], Ok((b"12x34", &[(1, 0, 2), (3, 3, 2)])));
    }

    #[test]
    fn deltas_that_cannot_be_are_refused() {
        check(&[], Err(DeltaError::Truncated));
        check(&[36], Err(DeltaError::Truncated));
        check(&[0x80, 0x80], Err(DeltaError::Truncated));
        check(&[0xff; 12], Err(DeltaError::WrongSize(u64::MAX)));
        check(&[35, 1, 1, b'x'], Err(DeltaError::OtherBase(35)));
        check(&[36, 1, 0, b'x'], Err(DeltaError::Reserved));
        check(&[36, 4, 4, b'x'], Err(DeltaError::Truncated));
        check(&[36, 4, 0x91, 1], Err(DeltaError::Truncated));
        check(&[36, 4, 0x91, 33, 4], Err(DeltaError::Outside));
        check(&[36, 4, 0x9f, 0xff, 0xff, 0xff, 0xff, 4], Err(DeltaError::Outside));
        check(&[36, 0x80, 0x80, 4, 0x80], Err(DeltaError::Outside));
        check(&[36, 3, 0x91, 1, 4], Err(DeltaError::WrongSize(3)));
        check(&[36, 5, 0x91, 1, 4], Err(DeltaError::WrongSize(5)));
        check(&[36, 0], Ok((b"", &[])));
        check(&[36, 1], Err(DeltaError::WrongSize(1)));
        // 2^56 bytes from one instruction: refused before memory is taken.
        check(
            &[36, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0x91, 1, 4],
            Err(DeltaError::WrongSize(1 << 56)),
        );
    }

    #[test]
    fn no_length_stands_for_the_largest_of_two_bytes_and_one() {
        let base = vec![b'x'; 0x1_0001];
        let mut object = Buffer::new();
        let delta = Delta::parse(&[0x81, 0x80, 4, 0x80, 0x80, 4, 0x81, 1]).expect("sizes");
        assert_eq!(delta.apply(&base, &mut object, &mut Vec::new()), Ok(()));
        assert_eq!(&*object, &base[1..]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_applied_or_refused(delta: Vec<u8>) {
            let (mut object, mut runs) = (Buffer::new(), Vec::new());
            if let Ok(delta) = Delta::parse(&delta) {
                let _ = delta.apply(BASE, &mut object, &mut runs);
            }
        }

        #[test]
        fn runs_tell_what_was_copied(steps in vec((0_usize..36, 1_usize..20, vec(0_u8..255, 0..20)), 0..20)) {
            let (mut instructions, mut expected) = (Vec::new(), Vec::new());
            for (offset, length, inserted) in steps {
                let length = length.min(36 - offset);
                let copied = [0x91, u8::try_from(offset).expect("small"), u8::try_from(length).expect("small")];
                instructions.extend(copied);
                expected.extend(&BASE[offset..offset + length]);
                if !inserted.is_empty() {
                    instructions.push(u8::try_from(inserted.len()).expect("small"));
                    instructions.extend(&inserted);
                    expected.extend(inserted);
                }
            }
            let (low, high) = (expected.len() & 0x7f | 0x80, expected.len() >> 7);
            let header = [36, low, high].map(|byte| u8::try_from(byte).expect("small"));
            let delta = [&header[..], &instructions].concat();
            let (mut object, mut runs) = (Buffer::new(), Vec::new());
            Delta::parse(&delta).expect("sizes").apply(BASE, &mut object, &mut runs).expect("well formed");
            assert_eq!(&*object, &expected);
            let mut end = 0;
            for run in &runs {
                assert!(run.to >= end && run.length > 0);
                assert_eq!(object[run.to..run.to + run.length], BASE[run.from..run.from + run.length]);
                end = run.to + run.length;
            }
            for pair in runs.windows(2) {
                let [left, right] = pair else { continue };
                assert!(left.to + left.length < right.to || left.from + left.length != right.from);
            }
        }
    }
}
