//! [`Repository`]: a git repository made with the git command line, whose dates and names are the same in every run.

use std::cell::Cell;
use std::path::PathBuf;

use crate::env::Env;

/// The author date of the first commit, in seconds since the epoch; each further one is a minute later.
const FIRST_DATE: u64 = 1_700_000_000;

/// A repository below the `input` of an [`Env`].
pub(crate) struct Repository<'a> {
    env: &'a Env,
    /// Its work tree, or itself if it is bare.
    pub(crate) path: PathBuf,
    name: String,
    commits: Cell<u64>,
}

impl Env {
    /// A new repository without a commit, in `input/NAME`.
    pub(crate) fn repository(&self, name: &str) -> Repository<'_> {
        let path = self.input().join(name);
        fs_err::create_dir_all(&path).expect("a writable directory");
        let repository = self.existing_repository(name);
        repository.git(["init", "--quiet"]);
        repository
    }

    /// A repository that a command has made in `input/NAME`, such as a clone.
    pub(crate) fn existing_repository(&self, name: &str) -> Repository<'_> {
        Repository { env: self, path: self.input().join(name), name: name.to_owned(), commits: Cell::new(0) }
    }
}

impl Repository<'_> {
    /// Runs git in the repository and gives its output.
    pub(crate) fn git<const N: usize>(&self, arguments: [&str; N]) -> String {
        let path = self.path.to_str().expect("a path in UTF-8");
        self.env.tool("git", ["-C", path].into_iter().chain(arguments))
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.env.write(&format!("{}/{path}", self.name), content)
    }

    /// Commits the whole work tree, deletions too, and gives the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        let date = format!("{} +0000", FIRST_DATE + 60 * self.commits.replace(self.commits.get() + 1));
        self.git(["add", "--all"]);
        let path = self.path.to_str().expect("a path in UTF-8");
        self.env.tool(
            "env",
            [
                &format!("GIT_AUTHOR_DATE={date}"),
                &format!("GIT_COMMITTER_DATE={date}"),
                "git",
                "-C",
                path,
                "commit",
                "--quiet",
                "--allow-empty",
                "-m",
                message,
            ],
        );
        self.git(["rev-parse", "HEAD"])
    }

    /// Deletes a file of the work tree.
    pub(crate) fn delete(&self, path: &str) {
        fs_err::remove_file(self.path.join(path)).expect("a file that is there");
    }
}
