//! The ledger: every revocation that was attempted, in an append-only file of JSON Lines whose entries are chained by hash.
//!
//! For the auditor, and for the next run after a crash. An entry is on the disk before anything that rests on it happens:
//! an intent before its request leaves, the outcome right after. One program writes at a time. Nothing in it is secret.

mod chain;
mod checkpoint;
mod csv;
mod entry;
mod ocsf;
mod recall;
mod standing;
mod told;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use chain::{Chain, ChainBreak, TornTail};
pub use checkpoint::{Checkpoint, CheckpointError, SigningKey, VerifyingKey};
pub use entry::{Entry, Event, Intent, LedgerState, Reversal, UndoIntent};
pub use standing::Standing;

use entry::{LEDGER_SCHEMA, seal};
use standing::Standings;

/// Why a ledger cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It cannot be opened or read.
    #[error("cannot read the ledger")]
    Unreadable {
        /// Names the path.
        #[source]
        source: io::Error,
    },
    /// An entry could not be brought to the disk.
    #[error("cannot write the ledger")]
    Unwritable {
        /// Names the path.
        #[source]
        source: io::Error,
    },
    /// Another program is writing it.
    #[error("another run is writing the ledger `{path}`")]
    Locked {
        /// The ledger.
        path: PathBuf,
    },
    /// Its chain does not hold, so nothing may be appended to it.
    #[error("the chain of the ledger `{path}` is broken at line {line}: {reason}")]
    Broken {
        /// The ledger.
        path: PathBuf,
        /// The first broken line, counted from 1.
        line: usize,
        /// What is wrong, in words.
        reason: &'static str,
    },
    /// An earlier entry could not be written, so the file's end is not known.
    #[error("the ledger `{path}` cannot be continued in this run after a failed write")]
    Poisoned {
        /// The ledger.
        path: PathBuf,
    },
}

/// A ledger that this program alone may write.
pub struct Ledger {
    file: File,
    chain: Chain,
    standings: Standings,
    recovered: Option<TornTail>,
    is_poisoned: bool,
}

/// The hash of the entry that holds an outcome: what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(String);

impl Receipt {
    /// The hash in hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ledger {
    /// Opens the ledger for writing and makes it where there is none. A torn last line is closed off and vouched for by an
    /// entry of its own: see [`Ledger::recovered`].
    ///
    /// # Errors
    /// When it cannot be read or written, another program writes it, or its chain is broken.
    pub fn open(path: &Path, now: OffsetDateTime) -> Result<Self, LedgerError> {
        let unwritable = |source| LedgerError::Unwritable { source };
        let is_new = !path.exists();
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs_err::create_dir_all(directory).map_err(unwritable)?;
        }
        let mut file = open_private(path).map_err(unwritable)?;
        file.metadata().and_then(|metadata| chain::check_is_file(path, &metadata)).map_err(unwritable)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => LedgerError::Locked { path: path.to_owned() },
            std::fs::TryLockError::Error(source) => LedgerError::Unwritable { source },
        })?;
        if is_new {
            sync_directory(path).map_err(unwritable)?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|source| LedgerError::Unreadable { source })?;
        let chain = Chain::check(&bytes);
        if let Some(broken) = chain.breaks.first() {
            return Err(LedgerError::Broken { path: path.to_owned(), line: broken.line, reason: broken.reason });
        }
        let standings = Standings::of(&chain);
        let mut ledger = Self { file, chain, standings, recovered: None, is_poisoned: false };
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// What a crash had left of a last line when the ledger was opened.
    pub fn recovered(&self) -> Option<&TornTail> {
        self.recovered.as_ref()
    }

    /// The entries, those of this run included.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// How a finding stands, this run included.
    pub fn standing(&self, finding: &str) -> Option<&Standing> {
        self.standings.get(finding)
    }

    /// Appends an entry and returns when it is on the disk.
    ///
    /// # Errors
    /// When it may not be there: what rests on the entry must then not happen.
    pub fn append(&mut self, event: Event, now: OffsetDateTime) -> Result<Receipt, LedgerError> {
        if self.is_poisoned {
            return Err(LedgerError::Poisoned { path: self.file.path().to_owned() });
        }
        let entry = Entry {
            schema: LEDGER_SCHEMA,
            sequence: self.chain.entries.last().map_or(1, |(last, _)| last.sequence.saturating_add(1)),
            at: now.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default(),
            event,
            previous: self.chain.head().to_owned(),
        };
        let (mut line, hash) = seal(&entry);
        line.push('\n');
        self.write(line.as_bytes())?;
        self.standings.accept(&entry, &hash);
        self.chain.entries.push((entry, hash.clone()));
        Ok(Receipt(hash))
    }

    fn recover(&mut self, now: OffsetDateTime) -> Result<(), LedgerError> {
        if self.chain.unfinished {
            self.write(b"\n")?;
            self.chain.unfinished = false;
        }
        if let Some(torn) = self.chain.torn_tail.take() {
            self.write(b"\n")?;
            let event = Event::Recovered { torn_bytes: torn.bytes, torn_sha256: torn.sha256.clone() };
            self.append(event, now)?;
            self.recovered = Some(torn);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|source| {
            self.is_poisoned = true;
            LedgerError::Unwritable { source }
        })
    }
}

/// Opens for appending; a new file is readable by its owner only, since it tells which credentials have leaked.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use fs_err::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Makes the name of a new file as durable as its content.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
