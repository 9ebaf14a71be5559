//! The arguments of `rescind scan`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use crate::finding::Confidence;
use crate::progress;
use crate::report::Format;
use crate::source::git::Attribution;

/// Find credentials in files, git history, container images and standard input; ask their issuers; revoke
///
/// A target is a directory, a file, a git repository (its work tree and all its history), an image archive or OCI layout, or
/// `-` for standard input. What it is is told by its content, or forced with a prefix: `tree:PATH`, `git:PATH`, `image:PATH`.
/// Without a target, the current directory is scanned.
///
/// Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or configuration, 3 the scan is incomplete and found
/// nothing, 130 interrupted.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Args {
    /// What to scan
    #[arg(value_name = "TARGET")]
    pub targets: Vec<OsString>,

    #[command(flatten)]
    pub history: HistoryArgs,

    #[command(flatten)]
    pub detection: DetectionArgs,

    #[command(flatten)]
    pub online: OnlineArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which part of a repository is scanned.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Git")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct HistoryArgs {
    /// Scan what `git commit` would record: the index, never the work tree. Targets are then names of staged files
    #[arg(long, conflicts_with_all = ["since", "range", "no_history", "history_only"])]
    pub staged: bool,

    /// Scan what the commits after REV brought in, up to HEAD
    #[arg(long, value_name = "REV", conflicts_with_all = ["range", "no_history"])]
    pub since: Option<String>,

    /// Scan what the commits of a revision range brought in, such as `main..topic`
    #[arg(long, value_name = "A..B", conflicts_with = "no_history")]
    pub range: Option<String>,

    /// Scan work trees only
    #[arg(long, conflicts_with = "history_only")]
    pub no_history: bool,

    /// Scan histories only
    #[arg(long)]
    pub history_only: bool,

    /// Scan only the git objects that earlier scans with this file have not, and add to it what was scanned. What they found
    /// is not reported again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["staged", "since", "range", "no_history"])]
    pub state: Option<PathBuf>,

    /// Search every version of a file from end to end, instead of only what each version changed: slower, and finds the same
    #[arg(long)]
    pub no_delta_reuse: bool,

    /// Find out so much about where a history holds what was found
    #[arg(long, value_enum, value_name = "EXTENT", default_value = "full", conflicts_with_all = ["staged", "since", "range"])]
    pub attribution: AttributionExtent,
}

/// `--attribution`.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AttributionExtent {
    /// Every path, the commit that brought it there, and the branches that still have it
    #[default]
    Full,
    /// The first commit that brought it anywhere, with the path there
    First,
    /// The object alone: no directory is read, so objects that are missing go unnoticed too
    None,
}

impl From<AttributionExtent> for Attribution {
    fn from(extent: AttributionExtent) -> Self {
        match extent {
            AttributionExtent::Full => Self::Full,
            AttributionExtent::First => Self::First,
            AttributionExtent::None => Self::None,
        }
    }
}

/// What is looked for, and what is left out.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Detection")]
pub(crate) struct DetectionArgs {
    /// Load rules from a file or a directory of `.toml` files as well; a `.gitleaks.toml` will do (can be repeated)
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,

    /// Use this rule only (can be repeated)
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,

    /// Leave this rule out (can be repeated)
    #[arg(long, value_name = "RULE")]
    pub except: Vec<String>,

    /// Report findings of at least this confidence
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "medium")]
    pub min_confidence: ConfidenceLevel,

    /// Leave out the findings that a file lists: an earlier JSON or JSON Lines report, one id a line, or what gitleaks reads and
    /// writes as such, a `.gitleaksignore` or a JSON report
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Show also what the scanned content itself allows: by comments (`rescind:allow`, `gitleaks:allow`, `ggignore` and the
    /// like), and by `.rescindignore`, `.gitleaksignore` and the allowlists of a `.gitleaks.toml` at the root of a target
    #[arg(long)]
    pub no_suppressions: bool,

    /// Leave out paths that match a pattern as in `.gitignore`, in files, histories and images alike (can be repeated)
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,

    /// Leave out files larger than this, with a diagnostic; `K`, `M` and `G` are understood [default: 256M in git history,
    /// where a file is held in memory; none elsewhere]
    #[arg(long, value_name = "SIZE", value_parser = ByteSize::from_str)]
    pub max_file_size: Option<ByteSize>,

    /// Use so many threads [default: one for each processor]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

/// What may be asked and done outside this machine.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Issuers")]
pub(crate) struct OnlineArgs {
    /// Ask providers and the issuers that the configuration trusts whether what was found still works; `active` also redeems
    /// refresh tokens at issuers with `active_checks = true`
    #[arg(long, value_enum, value_name = "CHECKS", num_args = 0..=1, require_equals = true, default_missing_value = "read-only")]
    pub verify: Option<Checks>,

    /// Plan the revocation of what is live, or also do what the policy marks `auto`; implies --verify
    #[arg(long, value_enum, value_name = "MODE")]
    pub revoke: Option<RevokeMode>,

    /// Open no connection at all
    #[arg(long, conflicts_with_all = ["verify", "revoke"])]
    pub offline: bool,

    /// Allow connections to a loopback or private address, as HOST:PORT (can be repeated)
    #[arg(long, value_name = "HOST:PORT")]
    pub allow_host: Vec<String>,

    /// Remember what issuers say in this file, and do not ask them again about the same secret for a quarter of an hour
    /// (`verdict_seconds` in the configuration); with --revoke, everything is asked again
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    pub verdicts: Option<PathBuf>,

    /// Write down every request that was made, as JSON lines without anything secret
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    pub evidence: Option<PathBuf>,

    /// Save the revocation plan to a file, for `rescind revoke apply`
    #[arg(long, value_name = "FILE", requires = "revoke")]
    pub plan: Option<PathBuf>,

    /// Record revocations in this ledger, and tell what it has proven before [default: `rescind/ledger.jsonl` in the user's state directory]
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// Where the report goes and what it looks like.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Write the report in this format
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Write the report to a file instead of standard output; the file appears whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write one more report, as FORMAT=FILE (can be repeated)
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportTarget>,

    /// Exit with 1 for findings of this liveness or worse
    #[arg(long, value_enum, value_name = "WHEN", default_value = "any")]
    pub fail_on: FailOn,

    /// Write the values of the secrets into the reports
    #[arg(long)]
    pub show_secrets: bool,

    /// Show progress on standard error
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub progress: progress::Mode,
}

/// `--fail-on`.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Any finding, dead ones too
    #[default]
    Any,
    /// What is live, or not known to be dead
    Unknown,
    /// What is live
    Live,
    /// Nothing
    Never,
}

/// `--verify`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Checks {
    /// What changes nothing
    ReadOnly,
    /// Also what uses up a refresh token, where nothing else tells whether it works; its successor is revoked at once
    Active,
}

/// `--revoke`.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RevokeMode {
    /// Show what would be done
    Plan,
    /// Do what the policy marks `auto`, plan the rest
    Auto,
}

/// `--min-confidence`.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfidenceLevel {
    /// Context alone says so
    Low,
    /// Shape and context agree
    #[default]
    Medium,
    /// A checksum or an unmistakable shape proves it
    High,
}

impl From<ConfidenceLevel> for Confidence {
    fn from(level: ConfidenceLevel) -> Self {
        match level {
            ConfidenceLevel::Low => Self::Low,
            ConfidenceLevel::Medium => Self::Medium,
            ConfidenceLevel::High => Self::High,
        }
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(pub u64);

impl Default for ByteSize {
    fn default() -> Self {
        Self(256 << 20)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" | "kib" => 1 << 10,
            "m" | "mb" | "mib" => 1 << 20,
            "g" | "gb" | "gib" => 1 << 30,
            unit => return Err(format!("unknown unit `{unit}`: use K, M or G")),
        };
        let number: u64 =
            digits.parse().map_err(|_| "a whole number with an optional K, M or G is wanted".to_owned())?;
        number.checked_mul(factor).map(Self).ok_or_else(|| "too large".to_owned())
    }
}

/// `--report FORMAT=FILE`.
#[derive(Clone)]
pub(crate) struct ReportTarget {
    pub format: Format,
    pub file: PathBuf,
}

impl FromStr for ReportTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((format, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
            return Err("FORMAT=FILE is wanted, such as `sarif=rescind.sarif`".to_owned());
        };
        Ok(Self { format: Format::from_str(format, false)?, file: file.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("4k", Some(4096)),
            ("256M", Some(256 << 20)),
            ("1GiB", Some(1 << 30)),
            ("", None),
            ("M", None),
            ("1.5M", None),
            ("-1", None),
            ("5x", None),
            ("99999999999999999999G", None),
            ("18446744073709551615K", None),
        ] {
            assert_eq!(text.parse::<ByteSize>().ok(), expected.map(ByteSize), "{text}");
        }
    }
}
