//! `rescind revoke plan`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;

use super::{IssuerArgs, prepare};
use crate::cli::exit::Exit;
use crate::cli::pending_file::PendingFile;
use crate::cli::{CommandResult, Global, mandate};
use crate::config::environment::Environment;
use crate::revoke::report_input::read_report;
use crate::revoke::{self};

/// Plan what ends the live credentials of a report
///
/// Asks the trusted issuers where they revoke tokens; sends no secret and changes nothing. Paths in the report are taken from
/// the current directory, as they were in the scan.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The report, in JSON Lines
    #[arg(value_name = "REPORT")]
    report: PathBuf,

    /// Save the plan to a file, for `rescind revoke apply`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show the plan in this form
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Show which part of the policy decided, and more of the places
    #[arg(long)]
    explain: bool,

    /// Plan for credentials too whose liveness is not known
    #[arg(long)]
    include_unknown: bool,

    #[command(flatten)]
    issuers: IssuerArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// What `--output` saves
    Json,
}

pub(super) fn run(args: &Args, global: &Global, environment: &Environment) -> CommandResult {
    let subjects = read_report(&args.report)?;
    let mandate = prepare(&args.issuers, global, environment)?;
    let file = args.output.as_deref().map(|path| PendingFile::create(path, false)).transpose()?;
    let plan = revoke::plan_subjects(&subjects, args.include_unknown, &mandate.context())?;
    let command = file.map(|file| mandate::save_plan(&plan, file)).transpose()?;
    let mut stdout = anstream::stdout().lock();
    match args.format {
        Format::Text => stdout.write_all(plan.to_text(args.explain).as_bytes())?,
        Format::Json => stdout.write_all(&plan.to_json())?,
    }
    if let Some(command) = command.filter(|_| !global.quiet && !plan.entries.is_empty()) {
        writeln!(anstream::stderr().lock(), "To carry it out: {command}")?;
    }
    Ok(Exit::Clean)
}
