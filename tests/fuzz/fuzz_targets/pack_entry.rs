//! Arbitrary bytes as an entry of a pack: reading its header and inflating what follows never panics, hangs or takes more
//! memory than the compressed bytes can fill.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::pack::entry::EntryHeader;
use rescind::source::git::pack::inflate::{Buffer, Inflater, is_possible};

fuzz_target!(|input: (u16, bool, &[u8])| {
    let (offset, has_long_ids, pack) = input;
    let Ok(header) = EntryHeader::read(pack, offset.into(), if has_long_ids { 32 } else { 20 }) else { return };
    let stream = &pack[usize::try_from(header.data).expect("within the pack")..];
    let mut buffer = Buffer::new();
    let inflated = Inflater::default().inflate(stream, header.size, &mut buffer);
    assert_eq!(buffer.len() as u64, if inflated.is_ok() { header.size } else { 0 });
    // Less what libdeflate may write behind the last byte.
    let capacity = buffer.capacity().saturating_sub(1 << 10) as u64;
    assert!(is_possible(stream.len() as u64, capacity / 2));
});
