//! The program at a terminal, where a person is asked before anything that cannot be taken back.

use std::ffi::OsStr;

use crate::env::{Env, Run};
use crate::server::tools;

impl Env {
    /// Runs the program at a terminal of its own, and types this where it asks. Both of its outputs are in one.
    pub(crate) fn answer<S: AsRef<OsStr>>(&self, typed: &str, arguments: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.command(tools("issuers-venv").join("bin/python"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/terminal.py"));
        command.args([typed, env!("CARGO_BIN_EXE_rescind")]).args(arguments);
        let run = Run::of(command.output().expect("`tests/run` installs Python"));
        self.assert_no_leak_in("the terminal", &run.stdout);
        self.assert_no_leak_on_disk();
        run
    }
}

/// What a person may type who does not mean it: anything else, nothing, the end of the input, an interrupt; and the exit code.
pub(crate) const NO: [(&str, i32); 6] =
    [("no\n", 2), ("y\n", 2), ("\n", 2), ("revoke it, or undo it\n", 2), ("\u{4}", 2), ("\u{3}", 130)];
