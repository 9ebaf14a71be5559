//! Arbitrary bytes as a commit, a tag or a tree: reading them never panics, and takes nothing from behind their end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::source::git::raw;

fuzz_target!(|bytes: &[u8]| {
    let header = raw::CommitHeader::parse(bytes);
    let parents = header.map_or(0, |header| header.parents.len());
    assert!(parents <= bytes.len() / 40);
    assert!(raw::tag_target(bytes).is_none() || bytes.starts_with(b"object "));
    assert!(bytes.ends_with(raw::message(bytes)));
    if let Some(author) = raw::author(bytes) {
        assert!(author.display().chars().all(|character| !character.is_control()));
        assert!(!author.date().is_empty());
    }
    for hash_length in [20, 32] {
        let mut rest = bytes;
        while let Some((entry, length)) = raw::first_entry(rest, hash_length) {
            assert_eq!(entry.id.len(), hash_length);
            assert!(length > hash_length + entry.name.len());
            rest = &rest[length..];
        }
    }
});
