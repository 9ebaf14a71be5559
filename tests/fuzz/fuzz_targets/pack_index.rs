//! Indexes of packs, of one and of several: any bytes are read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::pack::index::PackIndex;
use rescind::source::git::pack::multi_index::MultiPackIndex;

fuzz_target!(|input: (bool, &[u8])| {
    let (is_sha256, bytes) = input;
    if let Ok(index) = PackIndex::parse(bytes, if is_sha256 { 32 } else { 20 }) {
        for entry in 0..index.count().min(1000) {
            let found = index.id(entry).and_then(|id| index.find(id));
            assert!(found.is_none_or(|found| found < index.count()));
            let _ = index.offset(entry);
        }
    }
    if let Ok(index) = MultiPackIndex::parse(bytes) {
        for entry in 0..index.count().min(1000) {
            let _ = (index.id(entry), index.place(entry));
        }
    }
});
