//! `rescind revoke checkpoint`.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::CommandResult;
use crate::cli::exit::Exit;
use crate::cli::mandate::ledger_file;
use crate::cli::pending_file::PendingFile;
use crate::config::environment::Environment;
use crate::revoke::ledger::{Chain, SigningKey};

/// Sign how far the ledger has come
///
/// Keep what it writes where those who can write the ledger cannot: `rescind revoke status --check --checkpoint` then tells whether
/// the ledger was cut off or written anew. It is a signed note (c2sp.org/signed-note) of the number of entries, the hash of the last
/// one, the hash of the first one, which names the ledger, and the time.
///
/// `openssl genpkey -algorithm ed25519 -out key.pem` makes a key, and `openssl pkey -in key.pem -pubout` tells its public half.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Sign with this Ed25519 private key (PKCS#8, PEM, not encrypted)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Read this ledger [default: `rescind/ledger.jsonl` in the user's state directory]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,

    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, environment: &Environment) -> CommandResult {
    let path = ledger_file(args.ledger.as_ref(), environment)?;
    let pem = Zeroizing::new(fs_err::read(&args.key).context("cannot read the key")?);
    let key = SigningKey::from_pem(&pem).with_context(|| format!("`{}`", args.key.display()))?;
    let chain = Chain::read(&path)?;
    let checkpoint = chain.checkpoint(OffsetDateTime::now_utc()).with_context(|| {
        format!("cannot sign for `{}`, which `rescind revoke status --check` tells more of", path.display())
    })?;
    let note = checkpoint.sign(&key);
    match &args.output {
        Some(name) => {
            let mut file = PendingFile::create(name, false)?;
            file.write_all(note.as_bytes())?;
            file.commit()?;
        }
        None => anstream::stdout().lock().write_all(note.as_bytes())?,
    }
    Ok(Exit::Clean)
}
