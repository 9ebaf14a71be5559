//! Reads a ledger and checks its chain.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LedgerError;
use super::entry::{Entry, Event, GENESIS, LEDGER_SCHEMA, unseal};
use crate::revoke::canonical::sha256_hex;

/// A ledger as it was read.
#[derive(Debug)]
pub struct Chain {
    /// The entries whose own hash holds, with that hash, in their order.
    pub entries: Vec<(Entry, String)>,
    /// Where the chain is broken: nothing behind such a place can be relied upon.
    pub breaks: Vec<ChainBreak>,
    /// What a crash left of a last line.
    pub torn_tail: Option<TornTail>,
    /// Whether the last entry is whole and lacks only its line break.
    pub(super) unfinished: bool,
}

/// A line that does not follow from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainBreak {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub reason: &'static str,
}

/// The rest of a line that was not written to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Its length.
    pub bytes: usize,
    /// Its SHA-256.
    pub sha256: String,
}

impl Chain {
    /// Reads and checks the ledger at `path`.
    ///
    /// # Errors
    /// When the file cannot be read. A broken chain is no error: see [`Chain::breaks`].
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let read = || {
            check_is_file(path, &fs_err::metadata(path)?)?;
            fs_err::read(path)
        };
        let bytes = read().map_err(|source| LedgerError::Unreadable { source })?;
        Ok(Self::check(&bytes))
    }

    /// Whether every line follows from the one before and the last one is whole.
    pub fn is_intact(&self) -> bool {
        self.breaks.is_empty() && self.torn_tail.is_none()
    }

    /// The hash of the last entry. Kept elsewhere, it shows later that nothing was cut off the end.
    pub fn head(&self) -> &str {
        self.entries.last().map_or(GENESIS, |(_, hash)| hash)
    }

    /// How many requests were about to leave at that time or after it. An entry without a readable time may be of any.
    pub fn intents_since(&self, since: OffsetDateTime) -> usize {
        let is_recent = |entry: &Entry| OffsetDateTime::parse(&entry.at, &Rfc3339).map_or(true, |at| at >= since);
        let is_intent = |entry: &Entry| matches!(entry.event, Event::Intent(_));
        self.entries.iter().filter(|(entry, _)| is_intent(entry) && is_recent(entry)).count()
    }

    /// Whether an entry has that hash; written in full, with or without `sha256:`.
    pub fn holds(&self, receipt: &str) -> bool {
        let receipt = receipt.trim();
        let digits = receipt.strip_prefix("sha256:").unwrap_or(receipt);
        self.entries.iter().any(|(_, hash)| hash.eq_ignore_ascii_case(digits))
    }

    /// Checks the bytes of a ledger.
    pub(super) fn check(bytes: &[u8]) -> Self {
        let mut chain = Self { entries: Vec::new(), breaks: Vec::new(), torn_tail: None, unfinished: false };
        let mut torn_before: Option<TornTail> = None;
        let mut number = 0;
        let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            number += 1;
            let (line, is_finished) = match line.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (line, false),
            };
            let torn = TornTail { bytes: line.len(), sha256: sha256_hex(line) };
            match unseal(line) {
                Ok((entry, hash)) => {
                    chain.accept(number, entry, hash, torn_before.take());
                    chain.unfinished = !is_finished;
                }
                Err(_) if !is_finished => chain.torn_tail = Some(torn),
                // A torn line may stand in the middle if the entry behind it vouches for it.
                Err(_) if torn_before.is_none() && lines.peek().is_some_and(|next| is_recovery(next)) => {
                    torn_before = Some(torn);
                }
                Err(reason) => chain.breaks.push(ChainBreak { line: number, reason }),
            }
        }
        chain
    }

    /// Takes an entry whose own hash holds and notes where it does not follow.
    fn accept(&mut self, line: usize, entry: Entry, hash: String, torn_before: Option<TornTail>) {
        let sequence = self.entries.last().map_or(0, |(last, _)| last.sequence);
        let vouched = match (&entry.event, &torn_before) {
            (Event::Recovered { torn_bytes, torn_sha256 }, Some(torn)) => {
                *torn_bytes == torn.bytes && *torn_sha256 == torn.sha256
            }
            (Event::Recovered { .. }, None) | (_, Some(_)) => false,
            (_, None) => true,
        };
        let reason = if entry.schema != LEDGER_SCHEMA {
            Some("it has another version")
        } else if entry.previous != self.head() {
            Some("it does not name the line before by its hash")
        } else if sequence.checked_add(1) != Some(entry.sequence) {
            Some("its number does not follow")
        } else if !vouched {
            Some("the torn line before it is not the one that was found after the crash")
        } else {
            None
        };
        self.breaks.extend(reason.map(|reason| ChainBreak { line, reason }));
        self.entries.push((entry, hash));
    }
}

/// A device has no end to read to, and no line that stays where it was written.
pub(super) fn check_is_file(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` is not a file", path.display())))
}

fn is_recovery(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    unseal(line).is_ok_and(|(entry, _)| matches!(entry.event, Event::Recovered { .. }))
}
