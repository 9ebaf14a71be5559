//! [`Env`]: a machine of its own for each test: home, git configuration, clock of the commits, and the built program.
//!
//! Every run is searched for the secrets that the test has planted, in each form a careless program would let them out, so
//! that no test can pass while a value leaks.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::samples;

/// A hermetic place to run the program in. Everything is deleted with it.
pub(crate) struct Env {
    root: TempDir,
    planted: RefCell<Vec<String>>,
    variables: RefCell<Vec<(String, String)>>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code; `None` when a signal ended the program.
    pub(crate) code: Option<i32>,
    /// Standard output, invalid UTF-8 replaced.
    pub(crate) stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub(crate) stderr: String,
}

impl Env {
    /// An empty machine: `input` for what is scanned, `home` and `work` for everything else.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("rescind-it-").tempdir().expect("a temporary directory");
        for directory in ["home", "input", "work"] {
            fs_err::create_dir(root.path().join(directory)).expect("a directory in the temporary directory");
        }
        let env = Self { root, planted: RefCell::default(), variables: RefCell::default() };
        fs_err::write(env.home().join(".gitconfig"), "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n")
            .expect("a git configuration");
        // No test may ask a real provider, whatever it scans.
        write(&env.home().join(".config/rescind/config.toml"), "providers = []\n");
        env
    }

    /// The home directory of every command; nothing of the real one is seen.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Where what is scanned lies: the only directory that may hold secrets.
    pub(crate) fn input(&self) -> PathBuf {
        self.root.path().join("input")
    }

    /// The working directory of every command, outside everything scanned: configuration, ledgers, reports.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Writes a file below `input`, with the directories above it, and gives its path.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.input().join(path), content)
    }

    /// Writes a file below `work`, such as a configuration, and gives its path.
    pub(crate) fn write_work(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.work().join(path), content)
    }

    /// Sets an environment variable for every command that follows.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.variables.borrow_mut().push((name.to_owned(), value.to_owned()));
    }

    /// Tells the secrets that no output and no file outside `input` may hold from now on.
    pub(crate) fn plant<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        self.planted.borrow_mut().extend(secrets.into_iter().map(str::to_owned));
    }

    /// A command in this machine: empty environment but for what makes it hermetic.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join(".config"))
            .env("XDG_CACHE_HOME", self.home().join(".cache"))
            .env("XDG_DATA_HOME", self.home().join(".local/share"))
            .env("XDG_STATE_HOME", self.home().join(".local/state"))
            .env("XDG_RUNTIME_DIR", self.home().join(".run"))
            .env("TMPDIR", self.root.path())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", self.home().join(".gitconfig"))
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", "Ada Author")
            .env("GIT_AUTHOR_EMAIL", "ada@test.invalid")
            .env("GIT_COMMITTER_NAME", "Carl Committer")
            .env("GIT_COMMITTER_EMAIL", "carl@test.invalid")
            .envs(self.variables.borrow().iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The built program, in this machine; for runs that need more than arguments.
    pub(crate) fn rescind(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_rescind"))
    }

    /// Runs the program to its end and checks that it neither panicked nor let a planted secret out.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.run_with_input(arguments, b"")
    }

    /// [`Env::run`] with something on standard input.
    pub(crate) fn run_with_input<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: impl Into<Vec<u8>>,
    ) -> Run {
        let mut command = self.rescind();
        command.args(arguments);
        let shows_secrets = command.get_args().any(|argument| argument == "--show-secrets");
        let output = assert_cmd::Command::from_std(command)
            .write_stdin(input)
            .timeout(Duration::from_secs(120))
            .output()
            .expect("the built program starts");
        let run = Run::of(output);
        assert!(!run.stderr.contains("panicked at"), "{run:?}");
        if !shows_secrets {
            self.assert_no_leak_in("standard output", &run.stdout);
            self.assert_no_leak_in("standard error", &run.stderr);
            self.assert_no_leak_on_disk();
        }
        run
    }

    /// Runs another program that must succeed, and gives its standard output without the last line break.
    pub(crate) fn tool<S: AsRef<OsStr>>(&self, program: &str, arguments: impl IntoIterator<Item = S>) -> String {
        let output = self.command(program).args(arguments).output();
        let output =
            output.unwrap_or_else(|error| panic!("`{program}` does not start ({error}); `tests/run` installs it"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{program}`: {}\n{stderr}", output.status);
        String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned()
    }

    /// Fails when a text holds a planted secret in any form.
    pub(crate) fn assert_no_leak_in(&self, name: &str, text: &str) {
        for secret in self.planted.borrow().iter() {
            if let Some(form) = samples::leaked_form(text, secret) {
                panic!("{name} holds a planted secret of {} characters, {form}", secret.len());
            }
        }
    }

    /// Fails when a file outside `input` holds a planted secret in any form.
    pub(crate) fn assert_no_leak_on_disk(&self) {
        let mut directories = vec![self.home(), self.work()];
        while let Some(directory) = directories.pop() {
            for entry in fs_err::read_dir(directory).expect("a readable directory") {
                let path = entry.expect("a readable entry").path();
                if path.is_symlink() {
                    // Leads to something that is looked at where it lies.
                } else if path.is_dir() {
                    directories.push(path);
                } else if let Ok(content) = fs_err::read(&path) {
                    self.assert_no_leak_in(&path.display().to_string(), &String::from_utf8_lossy(&content));
                }
            }
        }
    }
}

impl Run {
    /// What a finished process left behind.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code and gives the run back, to go on with its output.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The objects of a JSON Lines report.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}\n{self:?}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The lines of a JSON Lines report of one `type`.
    pub(crate) fn lines_of(&self, kind: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["type"] == kind).collect()
    }

    /// The findings of a JSON Lines report.
    pub(crate) fn findings(&self) -> Vec<Value> {
        self.lines_of("finding")
    }

    /// The one finding of a kind in a JSON Lines report.
    pub(crate) fn finding(&self, kind: &str) -> Value {
        let mut found = self.findings();
        found.retain(|finding| finding["kind"] == kind);
        assert_eq!(found.len(), 1, "one finding of kind `{kind}` in\n{}\n{}", self.stdout, self.stderr);
        found.remove(0)
    }

    /// The diagnostics of a JSON Lines report.
    pub(crate) fn diagnostics(&self) -> Vec<Value> {
        self.lines_of("diagnostic")
    }

    /// The summary of a JSON Lines report, which must be its last line.
    pub(crate) fn summary(&self) -> Value {
        let last = self.lines().pop().unwrap_or_else(|| panic!("no report on standard output\n{}", self.stderr));
        assert_eq!(last["type"], "summary", "{}", self.stdout);
        last
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    fs_err::create_dir_all(path.parent().expect("a file in a directory")).expect("a writable directory");
    fs_err::write(path, content).expect("a writable file");
    path.to_owned()
}
