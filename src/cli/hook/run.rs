//! `rescind hook run`: what the installed hooks execute.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context as _, bail};

use super::git;
use super::{CommandResult, HookType, RunArgs};
use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::scan;
use crate::finding::Fingerprint;

/// What git may tell a `pre-push` hook at most; each reference is a line of some hundred bytes.
const MAX_INPUT: u64 = 16 << 20;

pub(super) fn run(args: &RunArgs, global: &Global) -> CommandResult {
    let allowed = allowed()?;
    match args.hook_type {
        HookType::PreCommit => {
            let exit = scan::staged(args.arguments.clone(), allowed, global)?;
            Ok(explained(
                exit,
                "commit",
                "`git commit --no-verify`, or under pre-commit `SKIP` with the id of this hook,",
            ))
        }
        HookType::PrePush => {
            let remote = args.arguments.first().and_then(|name| name.to_str()).unwrap_or_default();
            let mut input = String::new();
            let stdin = io::stdin().lock();
            stdin.take(MAX_INPUT).read_to_string(&mut input).context("cannot read what is about to be pushed")?;
            let mut commits = pushed(&input)?;
            if commits.tips.is_empty() {
                return Ok(Exit::Clean);
            }
            let mut known = git::tracked(remote)?;
            for id in commits.known.drain(..) {
                // Somebody else may have pushed what was not fetched yet.
                if git::holds(&id)? {
                    known.push(id);
                }
            }
            let exit = scan::pushed(commits.tips, known, allowed, global)?;
            Ok(explained(exit, "push", "`git push --no-verify`"))
        }
    }
}

/// The secrets that the owner of this clone lets through. Git's configuration is not part of what is scanned: nothing that
/// is committed can add to it.
fn allowed() -> anyhow::Result<Vec<Fingerprint>> {
    let parse = |id: String| {
        Fingerprint::parse(id.trim()).with_context(|| format!("`rescind.allow` holds `{id}`, which is no id"))
    };
    git::config_all("rescind.allow")?.into_iter().map(parse).collect()
}

/// Which commits a push would send: those that `tips` reach and `known` do not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Commits {
    tips: Vec<String>,
    known: Vec<String>,
}

/// Reads the lines that git gives a `pre-push` hook: local reference and id, remote reference and id. An id of zeros stands
/// for a reference that is deleted, or new (githooks(5)).
fn pushed(input: &str) -> anyhow::Result<Commits> {
    let mut commits = Commits::default();
    for line in input.lines().filter(|line| !line.trim().is_empty()) {
        let mut ids = line.split(' ').skip(1).step_by(2);
        let (Some(local), Some(remote)) = (ids.next(), ids.next()) else {
            bail!("git says something else of a push than four words per line");
        };
        for id in [local, remote] {
            if !matches!(id.len(), 40 | 64) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                bail!("git names something that is no object id");
            }
        }
        let is_none = |id: &str| id.bytes().all(|byte| byte == b'0');
        if is_none(local) {
            continue;
        }
        commits.tips.push(local.to_owned());
        if !is_none(remote) {
            commits.known.push(remote.to_owned());
        }
    }
    Ok(commits)
}

/// Tells why git stops, and what can be done.
fn explained(exit: Exit, action: &str, skip: &str) -> Exit {
    let reason = match exit {
        Exit::Findings => "it holds secrets",
        Exit::Incomplete => "not all of it could be scanned",
        Exit::Clean | Exit::Usage | Exit::Interrupted => return exit,
    };
    let mut stderr = anstream::stderr().lock();
    // The exit code says it too, should standard error be closed.
    let _ = writeln!(stderr, "rescind stops this {action}: {reason}");
    if exit == Exit::Findings {
        let _ = writeln!(stderr, "hint: take them out; one that has been anywhere else must be revoked as well");
        let _ = writeln!(stderr, "hint: `git config --add rescind.allow ID` lets one through in this clone");
    }
    let _ = writeln!(stderr, "hint: {skip} skips the scan once");
    exit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_is_read_as_git_tells_it() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let commits = |tips: &[&String], known: &[&String]| {
            let owned = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect();
            Some(Commits { tips: owned(tips), known: owned(known) })
        };
        for (input, expected) in [
            (String::new(), commits(&[], &[])),
            (format!("refs/heads/x {a} refs/heads/x {b}\n"), commits(&[&a], &[&b])),
            (format!("refs/heads/x {a} refs/heads/x {zero}\n"), commits(&[&a], &[])),
            (format!("(delete) {zero} refs/heads/x {b}\n"), commits(&[], &[])),
            (format!("HEAD {a} refs/heads/x {b}\nrefs/tags/t {b} refs/tags/t {zero}\n"), commits(&[&a, &b], &[&b])),
            ("refs/heads/x --all refs/heads/x HEAD\n".to_owned(), None),
            (format!("refs/heads/x {a}\n"), None),
        ] {
            assert_eq!(pushed(&input).ok(), expected, "{input}");
        }
    }
}
