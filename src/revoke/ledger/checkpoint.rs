//! [`Checkpoint`]: a signed word on how far a ledger had come, to be kept where its writer cannot reach. A chain of hashes tells
//! what was changed inside it; who writes the whole file anew, or cuts off its end, makes a chain that holds. Against a checkpoint
//! neither does.
//!
//! The form is a signed note (C2SP, c2sp.org/signed-note) with an Ed25519 signature (RFC 8032), which `golang.org/x/mod/sumdb/note`
//! and its kin verify. Its text is our own: the checkpoints of transparency logs (c2sp.org/tlog-checkpoint) name the root of a Merkle
//! tree, which a chain has not, so that nobody must take this one for theirs.

use std::fmt::Write as _;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::chain::Chain;

/// The first line of the text.
const TITLE: &str = "rescind ledger checkpoint v1";
/// The name of the key in notes.
const KEY_NAME: &str = "rescind-ledger";
/// The type of Ed25519 signatures in notes.
const ED25519_TYPE: u8 = 1;
/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410); DER leaves no choice.
const PUBLIC_KEY_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// How far a ledger had come at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Hash of its first entry, which no other ledger has: hexadecimal digits.
    pub ledger: String,
    /// How many entries it had.
    pub entries: usize,
    /// Hash of the last of them.
    pub head: String,
    /// When that was signed, in RFC 3339.
    pub at: String,
}

/// The key that checkpoints are signed with.
pub struct SigningKey(Ed25519KeyPair);

/// The key that they are verified with.
pub struct VerifyingKey([u8; 32]);

/// Why there is no checkpoint, or why a ledger is not what a checkpoint says.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file that holds no such key. Its content is not told.
    #[error("no Ed25519 {expected} key in PEM{hint}")]
    Key {
        /// `private` or `public`.
        expected: &'static str,
        /// What it is instead, as a clause, or nothing.
        hint: &'static str,
    },
    /// A ledger without entries.
    #[error("the ledger is empty")]
    Empty,
    /// A ledger that does not hold already.
    #[error("the chain of the ledger does not hold")]
    Broken,
    /// Not a signed note, or one with another text.
    #[error("not a checkpoint of a ledger")]
    Malformed,
    /// Signed by others only.
    #[error("the checkpoint is not signed with that key")]
    OtherKey,
    /// Somebody has changed it.
    #[error("the signature of the checkpoint does not match its text")]
    Forged,
    /// Another ledger was signed.
    #[error("the checkpoint is of another ledger, or this one was begun anew")]
    OtherLedger,
    /// Entries are missing.
    #[error("the ledger had {had} entries at {at} and has {has} now: it was cut off")]
    CutOff {
        /// By the checkpoint.
        had: usize,
        /// By the ledger.
        has: usize,
        /// The time of the checkpoint.
        at: String,
    },
    /// Entries are others.
    #[error("entry {entry} of the ledger is not the one of the checkpoint: it was written anew")]
    Rewritten {
        /// Counted from 1.
        entry: usize,
    },
}

impl SigningKey {
    /// Reads an unencrypted private key: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, CheckpointError> {
        let wrong = |hint| CheckpointError::Key { expected: "private", hint };
        let block = pem::parse(text).map_err(|_| wrong(""))?;
        match block.tag() {
            "PRIVATE KEY" => {}
            "ENCRYPTED PRIVATE KEY" => return Err(wrong(": it is encrypted")),
            "PUBLIC KEY" => return Err(wrong(": it is a public one")),
            _ => return Err(wrong("")),
        }
        let der = Zeroizing::new(block.into_contents());
        Ed25519KeyPair::from_pkcs8(&der).map(Self).map_err(|_| wrong(""))
    }
}

impl VerifyingKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, CheckpointError> {
        let wrong = |hint| CheckpointError::Key { expected: "public", hint };
        let block = pem::parse(text).map_err(|_| wrong(""))?;
        if block.tag() != "PUBLIC KEY" {
            return Err(wrong(if block.tag().ends_with("PRIVATE KEY") { ": it is a private one" } else { "" }));
        }
        let key = block.contents().strip_prefix(&PUBLIC_KEY_PREFIX).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| wrong(""))
    }
}

impl Chain {
    /// Where the ledger stands.
    ///
    /// # Errors
    /// When it has no entry, or its chain does not hold: nobody should sign for that.
    pub fn checkpoint(&self, now: OffsetDateTime) -> Result<Checkpoint, CheckpointError> {
        if !self.is_intact() {
            return Err(CheckpointError::Broken);
        }
        let (_, ledger) = self.entries.first().ok_or(CheckpointError::Empty)?;
        Ok(Checkpoint {
            ledger: ledger.clone(),
            entries: self.entries.len(),
            head: self.head().to_owned(),
            at: now.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default(),
        })
    }
}

impl Checkpoint {
    /// The signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        let mut note = self.text();
        let signature = key.0.sign(note.as_bytes());
        let public: &[u8] = key.0.public_key().as_ref();
        let signed = [&key_id(KEY_NAME, public)[..], signature.as_ref()].concat();
        // Writing to a string cannot fail.
        let _ = writeln!(note, "\n\u{2014} {KEY_NAME} {}", STANDARD.encode(signed));
        note
    }

    /// Reads a signed note and verifies it. Signatures of other keys beside the given one do no harm.
    ///
    /// # Errors
    /// When it is none, or not signed with that key.
    pub fn open(note: &[u8], key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let note = std::str::from_utf8(note).map_err(|_| CheckpointError::Malformed)?;
        let split = note.rfind("\n\n").ok_or(CheckpointError::Malformed)?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        let mut is_signed = false;
        for line in signatures.split_terminator('\n') {
            let (name, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .and_then(|(name, encoded)| Some((name, STANDARD.decode(encoded).ok()?)))
                .ok_or(CheckpointError::Malformed)?;
            let (id, signature) = signature.split_first_chunk::<4>().ok_or(CheckpointError::Malformed)?;
            if *id != key_id(name, &key.0) {
                continue;
            }
            let public = UnparsedPublicKey::new(&ED25519, &key.0);
            public.verify(text.as_bytes(), signature).map_err(|_| CheckpointError::Forged)?;
            is_signed = true;
        }
        if !is_signed {
            return Err(CheckpointError::OtherKey);
        }
        Self::parse(text).ok_or(CheckpointError::Malformed)
    }

    /// Whether the ledger holds everything that it held then, and how many entries it has got since.
    ///
    /// # Errors
    /// What was done to it.
    pub fn check(&self, chain: &Chain) -> Result<usize, CheckpointError> {
        let hash = |entry: usize| chain.entries.get(entry).map(|(_, hash)| hash);
        if hash(0).is_some_and(|first| *first != self.ledger) {
            return Err(CheckpointError::OtherLedger);
        }
        let has = chain.entries.len();
        let last = self.entries.saturating_sub(1);
        match hash(last) {
            None => Err(CheckpointError::CutOff { had: self.entries, has, at: self.at.clone() }),
            Some(head) if *head != self.head => Err(CheckpointError::Rewritten { entry: self.entries }),
            Some(_) => Ok(has - last - 1),
        }
    }

    /// What is signed.
    fn text(&self) -> String {
        let Self { ledger, entries, head, at } = self;
        format!("{TITLE}\nledger sha256:{ledger}\nentries {entries}\nhead sha256:{head}\ntime {at}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split_terminator('\n');
        let mut member = |name: &str| lines.next()?.strip_prefix(name).map(str::to_owned);
        let checkpoint = member(TITLE).and_then(|_| {
            Some(Self {
                ledger: member("ledger sha256:")?,
                entries: member("entries ")?.parse().ok()?,
                head: member("head sha256:")?,
                at: member("time ")?,
            })
        })?;
        // One that is written in another way than ours says something that is not understood here.
        let is_whole = checkpoint.text() == text && checkpoint.entries > 0;
        (is_whole && OffsetDateTime::parse(&checkpoint.at, &Rfc3339).is_ok()).then_some(checkpoint)
    }
}

/// What tells keys apart in a note.
fn key_id(name: &str, public: &[u8]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519_TYPE]).chain_update(public).finalize();
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revoke::ledger::{Event, Ledger};

    /// A key that is made of one byte.
    fn keys(seed: u8) -> (SigningKey, VerifyingKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed of 32 bytes");
        let public = [&PUBLIC_KEY_PREFIX, pair.public_key().as_ref()].concat();
        let private = pair.to_pkcs8v1().expect("a key");
        let private = pem::encode(&pem::Pem::new("PRIVATE KEY", private.as_ref()));
        let public = pem::encode(&pem::Pem::new("PUBLIC KEY", public));
        let signing = SigningKey::from_pem(private.as_bytes()).expect("a private key");
        (signing, VerifyingKey::from_pem(public.as_bytes()).expect("a public key"))
    }

    /// A ledger that tells of that many approvals of a plan.
    fn chain(plan: &str, entries: usize) -> Chain {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path, now()).expect("opens");
        for calls in 0..entries {
            let event = Event::Approved { plan: plan.to_owned(), by: "hash".to_owned(), calls };
            ledger.append(event, now()).expect("appends");
        }
        Chain::read(&path).expect("reads")
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("in range")
    }

    #[test]
    fn a_ledger_is_held_against_a_checkpoint() {
        let (signing, verifying) = keys(1);
        let note = chain("a", 3).checkpoint(now()).expect("a checkpoint").sign(&signing);
        let checkpoint = Checkpoint::open(note.as_bytes(), &verifying).expect("opens");
        assert_eq!((checkpoint.entries, &*checkpoint.at), (3, "2027-01-15T08:00:00Z"));
        let mut rewritten = chain("a", 3);
        rewritten.entries[2].1 = "0".repeat(64);
        let cut = CheckpointError::CutOff { had: 3, has: 2, at: checkpoint.at.clone() };
        let gone = CheckpointError::CutOff { had: 3, has: 0, at: checkpoint.at.clone() };
        for (what, chain, expected) in [
            ("the same", chain("a", 3), Ok(0)),
            ("extended", chain("a", 5), Ok(2)),
            ("cut off", chain("a", 2), Err(cut)),
            ("emptied", chain("a", 0), Err(gone)),
            ("another", chain("b", 3), Err(CheckpointError::OtherLedger)),
            ("written anew behind its first entry", rewritten, Err(CheckpointError::Rewritten { entry: 3 })),
        ] {
            assert_eq!(checkpoint.check(&chain), expected, "{what}");
        }
        assert_eq!(chain("a", 0).checkpoint(now()), Err(CheckpointError::Empty));
    }

    #[test]
    fn only_what_was_signed_is_believed() {
        let ((signing, verifying), (other_signing, other)) = (keys(1), keys(2));
        let note = chain("a", 3).checkpoint(now()).expect("a checkpoint").sign(&signing);
        assert!(matches!(Checkpoint::open(note.as_bytes(), &other), Err(CheckpointError::OtherKey)));
        // Nothing in the text can be changed.
        let end = note.find("\n\n").expect("a blank line");
        for at in 0..=end {
            let mut changed = note.clone().into_bytes();
            changed[at] ^= 1;
            let error = Checkpoint::open(&changed, &verifying).expect_err("refused");
            assert!(matches!(error, CheckpointError::Forged | CheckpointError::Malformed), "{at}: {error}");
        }
        for cut in 0..note.len() - 1 {
            assert!(Checkpoint::open(&note.as_bytes()[..cut], &verifying).is_err(), "{cut}");
        }
        // A witness may sign as well; with one key wrong, all is.
        let (text, own) = note.split_once("\n\n").expect("a blank line");
        let witness = Checkpoint::parse(&format!("{text}\n")).expect("ours").sign(&other_signing);
        let (_, beside) = witness.split_once("\n\n").expect("a blank line");
        let both = format!("{text}\n\n{beside}{own}");
        assert!(Checkpoint::open(both.as_bytes(), &verifying).is_ok());
        assert!(Checkpoint::open(both.as_bytes(), &other).is_ok());
        // A text that is signed and no checkpoint.
        let signature = signing.0.sign(b"hello\n");
        let public: &[u8] = signing.0.public_key().as_ref();
        let signed = STANDARD.encode([&key_id("x", public)[..], signature.as_ref()].concat());
        let hello = format!("hello\n\n\u{2014} x {signed}\n");
        assert_eq!(Checkpoint::open(hello.as_bytes(), &verifying), Err(CheckpointError::Malformed));
    }

    #[test]
    fn keys_are_told_from_what_is_none() {
        let pem = |tag: &str, bytes: &[u8]| pem::encode(&pem::Pem::new(tag, bytes));
        for (text, expected) in [
            (String::new(), "no Ed25519 private key in PEM"),
            (pem("PRIVATE KEY", b"x"), "no Ed25519 private key in PEM"),
            (pem("ENCRYPTED PRIVATE KEY", b"x"), "no Ed25519 private key in PEM: it is encrypted"),
            (pem("PUBLIC KEY", b"x"), "no Ed25519 private key in PEM: it is a public one"),
        ] {
            let error = SigningKey::from_pem(text.as_bytes()).err().expect("refused");
            assert_eq!(error.to_string(), expected);
        }
        for (text, expected) in [
            (pem("PUBLIC KEY", b"x"), "no Ed25519 public key in PEM"),
            (pem("PUBLIC KEY", &[0; 44]), "no Ed25519 public key in PEM"),
            (pem("PRIVATE KEY", b"x"), "no Ed25519 public key in PEM: it is a private one"),
        ] {
            let error = VerifyingKey::from_pem(text.as_bytes()).err().expect("refused");
            assert_eq!(error.to_string(), expected);
        }
    }

    /// The rule of c2sp.org/signed-note: the beginning of SHA-256 over name, line break, type and key.
    #[test]
    fn key_ids_are_those_of_signed_notes() {
        // As `sha256sum` has it of `rescind-ledger`, a line break, a byte 1 and 32 zeros.
        assert_eq!(key_id(KEY_NAME, &[0; 32]), [0x76, 0xf8, 0x5d, 0xc8]);
    }
}
