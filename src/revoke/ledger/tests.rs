//! The ledger under tampering, crashes and concurrent writers.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn outcome(finding: &str, intent: Option<&Receipt>, state: LedgerState) -> Event {
    Event::Outcome {
        finding: finding.to_owned(),
        plan: "p".to_owned(),
        intent: intent.map(|receipt| receipt.as_str().to_owned()),
        state,
        detail: "told".to_owned(),
    }
}

fn intent(finding: &str) -> Event {
    Event::Intent(Intent {
        finding: finding.to_owned(),
        plan: "p".to_owned(),
        kind: "refresh_token".to_owned(),
        provider: "generic".to_owned(),
        issuer: "https://id.example.com".to_owned(),
        method: "rfc7009".to_owned(),
        endpoint: "https://id.example.com/revoke".to_owned(),
        authority: "operator_client".to_owned(),
        client_id: Some("web".to_owned()),
        blast_radius: "family".to_owned(),
        policy: "auto: rule 1".to_owned(),
    })
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in range")
}

/// A directory with a ledger of three entries, and the ledger's bytes.
fn written() -> (TempDir, PathBuf, Vec<u8>) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("state/ledger.jsonl");
    let mut ledger = Ledger::open(&path, now()).expect("opens");
    let sent = ledger.append(intent("one"), now()).expect("appends");
    ledger.append(outcome("one", Some(&sent), LedgerState::Revoked), now()).expect("appends");
    ledger.append(intent("two"), now()).expect("appends");
    drop(ledger);
    let bytes = fs_err::read(&path).expect("reads");
    (directory, path, bytes)
}

#[test]
fn entries_chain_and_are_read_back() {
    let (_directory, path, bytes) = written();
    let chain = Chain::read(&path).expect("reads");
    assert!(chain.is_intact(), "{:?}", chain.breaks);
    assert_eq!(chain.entries.len(), 3);
    assert_eq!(chain.entries[1].0.previous, chain.entries[0].1);

    let mut ledger = Ledger::open(&path, now()).expect("opens again");
    ledger.append(outcome("two", None, LedgerState::Failed), now()).expect("appends");
    drop(ledger);
    let longer = fs_err::read(&path).expect("reads");
    assert!(longer.starts_with(&bytes), "a ledger only grows");
    assert!(Chain::check(&longer).is_intact());
}

#[test]
fn every_changed_byte_is_detected() {
    let (_directory, _path, bytes) = written();
    for index in 0..bytes.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[index] ^= change;
            assert!(!Chain::check(&changed).is_intact(), "byte {index} changed by {change}");
        }
    }
}

#[test]
fn removed_exchanged_and_repeated_lines_are_detected() {
    let (_directory, _path, bytes) = written();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    for order in [vec![1, 2], vec![0, 2], vec![1, 0, 2], vec![0, 1, 1, 2], vec![0, 1, 2, 2]] {
        let changed = order.iter().map(|&index| lines[index]).collect::<Vec<_>>().concat();
        assert!(!Chain::check(&changed).is_intact(), "{order:?}");
    }
}

#[test]
fn a_torn_line_is_told_and_the_chain_goes_on() {
    let (_directory, path, bytes) = written();
    let last = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').expect("several lines") + 1;
    for kept in last + 1..bytes.len() - 1 {
        fs_err::write(&path, &bytes[..kept]).expect("writes");
        let chain = Chain::read(&path).expect("reads");
        assert_eq!(chain.torn_tail.as_ref().map(|torn| torn.bytes), Some(kept - last));
        assert!(!chain.is_intact());

        let mut ledger = Ledger::open(&path, now()).expect("opens");
        assert_eq!(ledger.recovered(), chain.torn_tail.as_ref());
        ledger.append(intent("three"), now()).expect("appends");
        drop(ledger);
        let mended = fs_err::read(&path).expect("reads");
        assert!(mended.starts_with(&bytes[..kept]), "what was there stays");
        let chain = Chain::check(&mended);
        assert!(chain.is_intact(), "{kept}: {:?}", chain.breaks);
        assert_eq!(chain.entries.len(), 4, "two whole ones, the recovery, the new one");

        let mut changed = mended;
        changed[last] ^= 1;
        assert!(!Chain::check(&changed).is_intact(), "the torn line is vouched for");
    }
}

#[test]
fn a_whole_line_without_its_break_counts() {
    let (_directory, path, bytes) = written();
    fs_err::write(&path, &bytes[..bytes.len() - 1]).expect("writes");
    let ledger = Ledger::open(&path, now()).expect("opens");
    assert_eq!(ledger.recovered(), None);
    drop(ledger);
    assert_eq!(fs_err::read(&path).expect("reads"), bytes);
}

#[test]
fn a_broken_chain_is_not_continued() {
    let (_directory, path, mut bytes) = written();
    bytes[20] ^= 1;
    fs_err::write(&path, &bytes).expect("writes");
    assert!(matches!(Ledger::open(&path, now()), Err(LedgerError::Broken { line: 1, .. })));
    assert_eq!(fs_err::read(&path).expect("reads"), bytes);
}

#[test]
fn what_may_not_be_on_the_disk_is_an_error_and_ends_the_run() {
    let (_directory, path, bytes) = written();
    let mut ledger = Ledger::open(&path, now()).expect("opens");
    ledger.file = File::open(&path).expect("opens for reading");
    assert!(matches!(ledger.append(intent("three"), now()), Err(LedgerError::Unwritable { .. })));
    assert!(matches!(ledger.append(intent("three"), now()), Err(LedgerError::Poisoned { .. })));
    assert_eq!(fs_err::read(&path).expect("reads"), bytes);
}

#[test]
#[cfg(unix)]
fn a_device_is_no_ledger() {
    let path = Path::new("/dev/zero");
    assert!(matches!(Chain::read(path), Err(LedgerError::Unreadable { .. })));
    assert!(matches!(Ledger::open(path, now()), Err(LedgerError::Unwritable { .. })));
}

#[test]
fn only_one_writes_at_a_time() {
    let (_directory, path, _bytes) = written();
    let first = Ledger::open(&path, now()).expect("opens");
    assert!(matches!(Ledger::open(&path, now()), Err(LedgerError::Locked { .. })));
    drop(first);
    Ledger::open(&path, now()).expect("opens when the other is done");
}

#[test]
fn writers_that_wait_their_turn_make_one_chain() {
    let (_directory, path, _bytes) = written();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for number in 0..5 {
                    let mut ledger = loop {
                        match Ledger::open(path, now()) {
                            Ok(ledger) => break ledger,
                            Err(LedgerError::Locked { .. }) => std::thread::yield_now(),
                            Err(other) => panic!("{other}"),
                        }
                    };
                    ledger.append(intent(&format!("{writer}-{number}")), now()).expect("appends");
                }
            });
        }
    });
    let chain = Chain::read(&path).expect("reads");
    assert!(chain.is_intact(), "{:?}", chain.breaks);
    assert_eq!(chain.entries.len(), 3 + 20);
}

#[test]
fn standings_tell_the_last_word() {
    let (_directory, path, _bytes) = written();
    let mut ledger = Ledger::open(&path, now()).expect("opens");
    ledger.append(outcome("two", None, LedgerState::Refused), now()).expect("appends");
    ledger.append(outcome("three", None, LedgerState::Refused), now()).expect("appends");
    let standings = ledger.chain().standings();
    assert_eq!(standings["one"].state, LedgerState::Revoked);
    assert_eq!(standings["two"].state, LedgerState::Unknown, "not sending again leaves the earlier request open");
    assert_eq!(standings["three"].state, LedgerState::Refused);
}

proptest! {
    /// Whatever a file holds, reading it neither panics nor calls it intact unless this program wrote it.
    #[test]
    fn foreign_files_are_not_intact(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        prop_assert!(!Chain::check(&bytes).is_intact());
    }
}
