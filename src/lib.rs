//! rescind finds leaked credentials, asks their issuers which are alive, and takes those out of service, with proof.
//!
//! # The way of the data
//!
//! ```text
//! source ──bytes──▶ detect ──Candidate──▶ finding ──Finding──▶ verify ──Liveness──▶ revoke ──Receipt──▶ report
//!   tree git staged   anchors, patterns,    one secret,          │ issuer             │ plan, policy,      text json
//!   image stdin       shapes, pairing       many places          ▼                    ▼ ledger             jsonl sarif
//!                                                              egress  (the only code that opens a socket to an issuer)
//! ```
//!
//! # Code map, in reading order
//!
//! - [`cli`]: one file per subcommand: its arguments, then `run`. The only code, with [`report`], that writes to standard
//!   output; the only code that knows exit codes.
//! - [`config`]: finds, reads and validates the operator's configuration; the only reader of environment variables.
//! - [`secret`]: [`Secret`], the value that cannot print itself.
//! - [`finding`]: [`Finding`], its places, its id; the baseline.
//! - [`diagnostic`]: [`Diagnostic`]: what could not be scanned, told instead of passed over.
//! - [`rules`]: what to look for, where it may be sent, how it is checked and ended: data in `rules/*.toml`. Configurations of
//!   gitleaks, and what their allowlists keep back.
//! - [`detect`]: [`Detector`]: bytes in, candidates out.
//! - [`source`]: [`Source`]: trees, git, images, standard input; the [`Collector`](source::Collector) that all threads fill.
//! - [`egress`]: the one HTTP client to issuers.
//! - [`issuer`]: which issuers are trusted, their metadata and key sets, how a client authenticates.
//! - `key_material`: what a private key is, and what it signs.
//! - [`provider`]: requests to the providers' own interfaces, from the words of a rule to what is sent.
//! - [`verify`]: liveness, one file per protocol.
//! - [`revoke`]: plan, policy, ledger, execution, proof.
//! - [`notify`]: tells the operator's receiver what came of revocations.
//! - [`report`]: one file per format, with its own serialisable types.
//! - [`progress`]: bars on standard error.
//!
//! # Invariants
//!
//! - `detect` does no I/O, knows no clock and cannot fail. The same bytes give the same candidates, whatever the source.
//! - Only `egress` opens connections to issuers; `verify` and `revoke` are given it, with the clock.
//! - A scan that asks no issuer never starts an asynchronous runtime.
//! - Nothing in the scanned content can enable the network, choose a host that a secret is sent to, or allow a revocation.
//! - `revoke` cannot see `source`. The only irreversible functions carry `execute` in their names and take an approved plan, but for
//!   the redemption of refresh tokens in `verify`, which the operator has to ask for twice.
//! - A secret's value never reaches a log, an error, a report (without `--show-secrets`) or the ledger.
//! - What cannot be read becomes a diagnostic and makes the scan incomplete; it never stops the scan or passes in silence.

pub mod cli;
pub mod config;
pub mod detect;
pub mod diagnostic;
pub mod egress;
pub mod finding;
pub mod issuer;
mod key_material;
pub mod notify;
pub mod progress;
pub mod provider;
pub mod report;
pub mod revoke;
pub mod rules;
pub mod secret;
pub mod source;
mod spelling;
pub mod verify;

pub use detect::Detector;
pub use diagnostic::Diagnostic;
pub use finding::Finding;
pub use rules::RuleSet;
pub use secret::Secret;
pub use source::Source;
