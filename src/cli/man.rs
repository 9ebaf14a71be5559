//! `rescind man`: manual pages, made from the same definitions as `--help`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::CommandFactory as _;

use super::CommandResult;
use super::exit::Exit;

/// Print the manual page, or write the pages of all subcommands into a directory
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write `rescind.1`, `rescind-scan.1` and so on into this directory
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> CommandResult {
    if let Some(directory) = &args.directory {
        fs_err::create_dir_all(directory)?;
        clap_mangen::generate_to(super::Cli::command(), directory)?;
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(super::Cli::command()).render(&mut page)?;
        std::io::stdout().write_all(&page)?;
    }
    Ok(Exit::Clean)
}
