//! `rescind hook`: stop a secret before it is committed or pushed.
//!
//! Installing touches nothing that is not ours: a hook of somebody else is never edited, and one of ours that was edited
//! counts as theirs. Running asks no issuer.

mod git;
mod install;
mod run;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::{CommandResult, Global};

/// Scan what is about to be committed or pushed, as a git hook
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install the hook in this repository, or for all of yours
    ///
    /// With git 2.54 or newer the hook is an entry of git's configuration, next to any other hook. With an older git it is a
    /// file in the directory of hooks, which is written only if there is none.
    Install(Which),
    /// Remove what `install` has installed
    Uninstall(Which),
    /// Do what the hook does: scan the index, or the commits about to be pushed
    ///
    /// With files named, as the `pre-commit` framework does, all of their content in the index is scanned; with none, what
    /// the commit would change.
    Run(RunArgs),
}

#[derive(clap::Args)]
struct Which {
    /// When the hook runs (can be repeated)
    #[arg(long = "hook-type", value_name = "TYPE", default_value = "pre-commit")]
    hook_types: Vec<HookType>,
    /// For all repositories of this user
    #[arg(long)]
    global: bool,
}

#[derive(clap::Args)]
struct RunArgs {
    /// Which hook to be
    #[arg(long, value_name = "TYPE", default_value = "pre-commit")]
    hook_type: HookType,
    /// Files of the index; for `pre-push`, the name of the remote and its URL
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    arguments: Vec<PathBuf>,
}

/// A moment at which git asks whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HookType {
    /// Before a commit is made
    PreCommit,
    /// Before commits leave for a remote
    PrePush,
}

impl HookType {
    /// Git's name for it.
    fn as_str(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
        }
    }
}

pub(crate) fn run(args: &Args, global: &Global) -> CommandResult {
    match &args.action {
        Action::Install(which) => install::install(which),
        Action::Uninstall(which) => install::uninstall(which),
        Action::Run(args) => run::run(args, global),
    }
}
