//! Trees, commits and tags: any bytes are read or refused, and nothing is read twice.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::raw::{CommitHeader, author, message, tag_target, tree_entries};

fuzz_target!(|bytes: &[u8]| {
    for hash_length in [20, 32] {
        let entries = tree_entries(bytes, hash_length).map_while(Result::ok);
        let taken: usize = entries.map(|entry| entry.name.len() + hash_length + 2).sum();
        assert!(taken <= bytes.len());
    }
    if let Some(header) = CommitHeader::parse(bytes) {
        assert!(header.parents.len() < bytes.len());
    }
    let _ = tag_target(bytes);
    if let Some(author) = author(bytes) {
        let _ = (author.display(), author.date());
    }
    assert!(message(bytes).len() <= bytes.len());
});
