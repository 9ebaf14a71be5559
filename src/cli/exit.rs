//! The exit codes of the contract, and how an error is printed.

use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// How a run ends. `Findings` outranks `Incomplete`; every report says whether the scan was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing at or above `--fail-on`.
    Clean,
    /// 1: findings at or above `--fail-on`.
    Findings,
    /// 2: usage or configuration.
    Usage,
    /// 3: the scan is incomplete and found nothing, so clean is not proven.
    Incomplete,
    /// 130: interrupted; what was found until then has been reported.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// Advice to go with an error, printed on a line of its own: `hint: …`.
#[derive(Debug)]
pub(crate) struct Hint {
    error: anyhow::Error,
    hint: String,
}

impl Hint {
    /// Attaches advice to an error.
    pub(crate) fn attach(error: impl Into<anyhow::Error>, hint: impl Into<String>) -> anyhow::Error {
        Self { error: error.into(), hint: hint.into() }.into()
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl Error for Hint {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Prints the error, if any, with its causes and hints, and turns the result into an exit. A reader that went away
/// (`rescind … | head`) is no error.
pub(crate) fn report(result: anyhow::Result<Exit>) -> Exit {
    let error = match result {
        Ok(exit) => return exit,
        Err(error) => error,
    };
    let gone = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(gone) {
        return Exit::Clean;
    }
    let mut stderr = anstream::stderr().lock();
    // Nothing is left to tell the user with when standard error is closed too.
    let _ = writeln!(stderr, "rescind: {error:#}");
    for cause in error.chain() {
        if let Some(hint) = cause.downcast_ref::<Hint>() {
            let _ = writeln!(stderr, "hint: {}", hint.hint);
        }
    }
    Exit::Usage
}
