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
        reversal: None,
    })
}

fn undo_intent(finding: &str, revocation: &Receipt) -> Event {
    Event::UndoIntent(UndoIntent {
        finding: finding.to_owned(),
        revocation: revocation.as_str().to_owned(),
        issuer: "https://iam.amazonaws.com".to_owned(),
        endpoint: "POST https://iam.amazonaws.com/".to_owned(),
        authority: "administrator".to_owned(),
        by: "yes".to_owned(),
    })
}

fn undo_outcome(finding: &str, intent: &Receipt, state: LedgerState) -> Event {
    Event::UndoOutcome {
        finding: finding.to_owned(),
        intent: intent.as_str().to_owned(),
        state,
        detail: "told of the undoing".to_owned(),
    }
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

#[test]
fn what_was_undone_stands_as_undone() {
    for (undoing, expected, detail) in [
        (None, LedgerState::Unknown, "a request to undo it was about to be sent, and no outcome is recorded"),
        (Some(LedgerState::Undone), LedgerState::Undone, "told of the undoing"),
        (Some(LedgerState::Accepted), LedgerState::Undone, "told of the undoing"),
        (Some(LedgerState::Unknown), LedgerState::Unknown, "told of the undoing"),
        // It stands as it stood.
        (Some(LedgerState::Refused), LedgerState::Revoked, "told"),
        (Some(LedgerState::Failed), LedgerState::Revoked, "told"),
    ] {
        let directory = tempfile::tempdir().expect("temporary directory");
        let mut ledger = Ledger::open(&directory.path().join("ledger.jsonl"), now()).expect("opens");
        let mut append = |event| ledger.append(event, now()).expect("appends");
        let sent = append(intent("one"));
        append(outcome("one", Some(&sent), LedgerState::Revoked));
        let undo = append(undo_intent("one", &sent));
        if let Some(state) = undoing {
            append(undo_outcome("one", &undo, state));
        }
        let standing = ledger.chain().standings().remove("one").expect("known");
        assert_eq!((standing.state, &*standing.detail), (expected, detail), "{undoing:?}");
        assert_eq!(standing.intent_hash.as_deref(), Some(sent.as_str()), "what was revoked is still known");
        // An undoing is no revocation: the cap of an hour does not count it.
        assert_eq!(ledger.chain().intents_since(now()), 1);
    }
}

/// A ledger with every sort of entry that exports tell.
fn exported() -> (TempDir, Chain) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("ledger.jsonl");
    let mut ledger = Ledger::open(&path, now()).expect("opens");
    let mut append = |event| ledger.append(event, now()).expect("appends");
    append(Event::Approved { plan: "p".to_owned(), by: "hash".to_owned(), calls: 2 });
    let sent = append(intent("one"));
    append(outcome("one", Some(&sent), LedgerState::Accepted));
    append(Event::Proof { finding: "one".to_owned(), state: LedgerState::Revoked, detail: "=dead,\"x\"".to_owned() });
    append(intent("two"));
    append(outcome("three", None, LedgerState::Refused));
    let undo = append(undo_intent("one", &sent));
    append(undo_outcome("one", &undo, LedgerState::Undone));
    let chain = Chain::read(&path).expect("reads");
    (directory, chain)
}

#[test]
fn csv_has_a_row_for_every_entry() {
    let (_directory, chain) = exported();
    let mut table = Vec::new();
    chain.write_csv(&mut table).expect("writes");
    let table = String::from_utf8(table).expect("text");
    let rows: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 1 + chain.entries.len());
    assert!(rows[0].starts_with("sequence,at,event,finding,state,detail,"), "{}", rows[0]);
    assert!(rows[1].starts_with("1,2027-01-15T08:00:00Z,approved,,,"), "{}", rows[1]);
    assert!(rows[4].contains(",proof,one,revoked,\"'=dead,\"\"x\"\"\",refresh_token,generic,"), "{}", rows[4]);
    for (row, (_, hash)) in rows[1..].iter().zip(&chain.entries) {
        assert!(row.ends_with(hash.as_str()), "{row}");
    }
    // What was never sent has no request.
    assert!(rows[6].contains(",outcome,three,refused,told,,,,,"), "{}", rows[6]);
}

/// The attributes that github.com/ocsf/ocsf-schema, v1.8.0, requires of Remediation Activity (7001) with those of its base and of
/// `metadata` and `product`, and the values that it knows.
#[test]
fn ocsf_events_have_what_the_schema_requires() {
    let (_directory, chain) = exported();
    let mut lines = Vec::new();
    chain.write_ocsf(&mut lines).expect("writes");
    let events: Vec<serde_json::Value> = String::from_utf8(lines)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object per line"))
        .collect();
    let told: Vec<(&str, i64)> = events
        .iter()
        .map(|event| (event["status_code"].as_str().expect("text"), event["status_id"].as_i64().expect("a number")))
        .collect();
    assert_eq!(told, [("accepted", 0), ("revoked", 1), ("unknown", 0), ("refused", 2), ("undone", 1)]);
    let tactics: Vec<&str> = events.iter().filter_map(|event| event["activity_name"].as_str()).collect();
    assert_eq!(tactics, ["Evict", "Evict", "Evict", "Evict", "Restore"]);
    for event in &events {
        let number = |name: &str| event[name].as_i64().unwrap_or_else(|| panic!("no {name} in {event:#}"));
        assert_eq!((number("class_uid"), number("category_uid")), (7001, 7));
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert!((1..=5).contains(&number("activity_id")) && (0..=6).contains(&number("severity_id")));
        assert_eq!(number("time"), 1_800_000_000_000, "milliseconds");
        assert!(event["command_uid"].as_str().is_some_and(|id| !id.is_empty()), "{event:#}");
        assert_eq!(event["metadata"]["version"], "1.8.0");
        assert_eq!(event["metadata"]["product"]["name"], "rescind");
        assert!(event["countermeasures"][0]["d3f_tactic"]["name"].is_string());
        // The caption of the status, and one that this class has.
        let captions = ["Unknown", "Success", "Failure", "Does Not Exist", "Partial", "Unsupported", "Error"];
        let status = usize::try_from(number("status_id")).expect("small");
        assert_eq!(event["status"], captions[status]);
    }
    assert_eq!(events[0]["command_uid"], events[1]["command_uid"], "both are about one request");
}

#[test]
fn what_was_revoked_before_is_dead_where_nobody_says_anything_today() {
    use crate::finding::{Kind, LivenessState, RevocationState};
    use crate::issuer::tests::finding;

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ledger.jsonl");
    let mut ledger = Ledger::open(&path, now()).expect("a new ledger");
    let of = |value: &str| finding(Kind::RefreshToken, value, &[]);
    let cases = [
        ("revoked", LedgerState::Revoked, LivenessState::Unknown, LivenessState::Dead, RevocationState::Revoked),
        (
            "revoked and unasked",
            LedgerState::Revoked,
            LivenessState::NotChecked,
            LivenessState::Dead,
            RevocationState::Revoked,
        ),
        ("revoked and dead", LedgerState::Revoked, LivenessState::Dead, LivenessState::Dead, RevocationState::Revoked),
        ("back again", LedgerState::Revoked, LivenessState::Live, LivenessState::Live, RevocationState::None),
        ("accepted", LedgerState::Accepted, LivenessState::Unknown, LivenessState::Unknown, RevocationState::None),
        ("never sent", LedgerState::Failed, LivenessState::Unknown, LivenessState::Unknown, RevocationState::None),
    ];
    for (value, state, ..) in cases {
        let id = of(value).id.to_string();
        let receipt = ledger.append(intent(&id), now()).expect("appended");
        ledger.append(outcome(&id, Some(&receipt), state), now()).expect("appended");
    }
    drop(ledger);
    let recalled = |chain: &Chain| {
        cases.map(|(value, _, today, ..)| {
            let mut finding = of(value);
            finding.liveness.state = today;
            chain.recall(std::slice::from_mut(&mut finding));
            (finding.liveness.state, finding.revocation.state)
        })
    };
    assert_eq!(recalled(&Chain::read(&path).expect("readable")), cases.map(|(.., state, end)| (state, end)));

    let changed = fs_err::read_to_string(&path).expect("text").replacen("told", "tole", 1);
    fs_err::write(&path, changed).expect("written");
    let nothing = cases.map(|(_, _, today, ..)| (today, RevocationState::None));
    assert_eq!(recalled(&Chain::read(&path).expect("readable")), nothing, "a changed ledger says nothing");
}
