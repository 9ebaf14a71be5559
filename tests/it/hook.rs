//! `rescind hook`: installing beside whatever is there, and stopping commits and pushes.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::env::Env;
use crate::repository::Repository;

/// A run of a program in a directory: exit code and standard error.
struct Ran {
    code: Option<i32>,
    stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self { code: output.status.code(), stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }

    fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in:\n{}", self.stderr);
        self
    }
}

fn rescind<const N: usize>(env: &Env, directory: &Path, arguments: [&str; N]) -> Ran {
    Ran::of(env.rescind().current_dir(directory).args(arguments).output().expect("the built program starts"))
}

fn git<const N: usize>(env: &Env, directory: &Path, arguments: [&str; N]) -> Ran {
    Ran::of(env.command("git").current_dir(directory).args(arguments).output().expect("git starts"))
}

/// Makes every run of our hook fail in a way that nothing else does, and shows that a commit runs it.
fn assert_commit_runs_hook(env: &Env, repository: &Repository<'_>) {
    repository.git(["config", "rescind.allow", "nonsense"]);
    git(env, &repository.path, ["commit", "--allow-empty", "-m", "x"])
        .exits(1)
        .says("`rescind.allow` holds `nonsense`");
    repository.git(["config", "--unset", "rescind.allow"]);
    git(env, &repository.path, ["commit", "--allow-empty", "-m", "x"]).exits(0);
}

fn hook(repository: &Repository<'_>) -> PathBuf {
    repository.path.join(".git/hooks/pre-commit")
}

/// Puts a git before the real one that calls itself another version.
fn pretend_git_version(env: &Env, version: &str) {
    let search_path = std::env::var("PATH").expect("a search path in UTF-8");
    let path = env.write_work(
        "bin/git",
        format!(
            "#!/bin/sh\n[ \"$1\" = version ] && echo git version {version} && exit\nPATH='{search_path}' exec git \"$@\"\n"
        ),
    );
    env.tool("chmod", ["+x", path.to_str().expect("a path in UTF-8")]);
    env.set("PATH", &format!("{}:{search_path}", path.parent().expect("a directory").display()));
}

fn env() -> Env {
    let env = Env::new();
    pretend_git_version(&env, "2.53.0");
    env
}

#[test]
fn installs_once_and_leaves_no_trace() {
    let env = env();
    let repository = env.repository("repo");
    rescind(&env, &repository.path, ["hook", "install"]).exits(0).says("installed `");
    let script = fs_err::read_to_string(hook(&repository)).expect("a hook");
    assert_commit_runs_hook(&env, &repository);
    rescind(&env, &repository.path, ["hook", "install"]).exits(0).says("is installed already");
    assert_eq!(fs_err::read_to_string(hook(&repository)).expect("a hook"), script);
    rescind(&env, &repository.path, ["hook", "uninstall"]).exits(0).says("removed `");
    assert!(!hook(&repository).exists());
    rescind(&env, &repository.path, ["hook", "uninstall"]).exits(0).says("no hook of ours");
}

#[test]
fn hooks_of_others_are_left_alone() {
    let env = env();
    let repository = env.repository("repo");
    rescind(&env, &repository.path, ["hook", "install"]).exits(0);
    let ours = fs_err::read_to_string(hook(&repository)).expect("a hook");
    for theirs in ["#!/bin/sh\nmake lint\n", "", &format!("{ours}make lint\n")] {
        fs_err::write(hook(&repository), theirs).expect("a writable hook");
        rescind(&env, &repository.path, ["hook", "install"])
            .exits(2)
            .says("is somebody else's hook")
            .says("hint: add the line `rescind hook run --hook-type pre-commit \"$@\" || exit 1`");
        rescind(&env, &repository.path, ["hook", "uninstall"]).exits(0).says("no hook of ours");
        assert_eq!(fs_err::read_to_string(hook(&repository)).expect("a hook"), theirs);
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_hook_is_not_followed() {
    let env = env();
    let repository = env.repository("repo");
    fs_err::create_dir_all(hook(&repository).parent().expect("a directory")).expect("a writable directory");
    fs_err::os::unix::fs::symlink(env.work().join("elsewhere"), hook(&repository)).expect("a link");
    rescind(&env, &repository.path, ["hook", "install"]).exits(2).says("is somebody else's hook");
    assert!(!env.work().join("elsewhere").exists());
}

#[cfg(unix)]
#[test]
fn any_path_of_the_program_will_do() {
    let env = env();
    let repository = env.repository("it's a repo");
    let directory = env.work().join("it's $HOME \"here\"");
    fs_err::create_dir(&directory).expect("a directory");
    let program = directory.join("rescind");
    fs_err::copy(env!("CARGO_BIN_EXE_rescind"), &program).expect("a copy of the program");
    let output = env.command(&program).current_dir(&repository.path).args(["hook", "install"]).output();
    Ran::of(output.expect("the copy starts")).exits(0);
    assert_commit_runs_hook(&env, &repository);
    // With the program gone, and none in the search path, a commit is stopped rather than let through unseen.
    fs_err::remove_file(program).expect("the copy");
    git(&env, &repository.path, ["commit", "--allow-empty", "-m", "x"]).exits(1).says("rescind");
}

#[test]
fn worktrees_and_subdirectories_share_the_hook() {
    let env = env();
    let repository = env.repository("repo");
    repository.write("deep/er/file", "");
    repository.commit("first");
    repository.git(["worktree", "add", "--quiet", "../linked"]);
    rescind(&env, &env.input().join("linked/deep/er"), ["hook", "install"]).exits(0);
    assert_commit_runs_hook(&env, &repository);
    assert_commit_runs_hook(&env, &env.existing_repository("linked"));
    rescind(&env, &repository.path.join("deep"), ["hook", "uninstall"]).exits(0).says("removed `");
    assert!(!hook(&repository).exists());
}

#[test]
fn the_configured_directory_is_honoured() {
    let env = env();
    let repository = env.repository("repo");
    let own = env.work().join("own hooks");
    repository.git(["config", "core.hooksPath", own.to_str().expect("a path in UTF-8")]);
    rescind(&env, &repository.path, ["hook", "install"]).exits(0);
    assert!(own.join("pre-commit").exists() && !hook(&repository).exists());
    assert_commit_runs_hook(&env, &repository);

    repository.git(["config", "core.hooksPath", ".husky"]);
    rescind(&env, &repository.path, ["hook", "install"])
        .exits(2)
        .says("belongs to the work tree")
        .says("hint: add the");
    assert!(!repository.path.join(".husky").exists());
}

#[test]
fn a_directory_shared_by_all_repositories_needs_global() {
    let env = env();
    let repository = env.repository("repo");
    rescind(&env, &env.work(), ["hook", "install", "--global"]).exits(2).says("hint: they need git 2.54");
    env.tool("git", ["config", "--global", "core.hooksPath", "~/shared"]);
    rescind(&env, &repository.path, ["hook", "install"]).exits(2).says("hint: `--global` installs there");
    rescind(&env, &env.work(), ["hook", "install", "--global"]).exits(0);
    assert!(env.home().join("shared/pre-commit").exists());
    assert_commit_runs_hook(&env, &repository);
    rescind(&env, &repository.path, ["hook", "uninstall"]).exits(0).says("no hook of ours");
    assert!(env.home().join("shared/pre-commit").exists());
    rescind(&env, &env.work(), ["hook", "uninstall", "--global"]).exits(0).says("removed `");
}

#[test]
fn outside_of_a_repository_there_is_nothing_to_install() {
    let env = env();
    for action in ["install", "uninstall"] {
        rescind(&env, &env.work(), ["hook", action]).exits(2).says("in no git repository");
    }
}

/// Git 2.54 runs hooks from its configuration, next to any hook that is a file.
#[test]
fn a_new_git_is_configured() {
    let env = env();
    let repository = env.repository("repo");
    rescind(&env, &repository.path, ["hook", "install"]).exits(0);
    pretend_git_version(&env, "2.54.0");
    let arguments = ["hook", "install", "--hook-type", "pre-commit", "--hook-type", "pre-push"];
    rescind(&env, &repository.path, arguments).exits(0).says("installed `hook.rescind-pre-commit`").says("removed `");
    assert!(!hook(&repository).exists());
    assert_eq!(repository.git(["config", "--local", "hook.rescind-pre-commit.event"]), "pre-commit");
    assert_eq!(repository.git(["config", "--local", "hook.rescind-pre-push.event"]), "pre-push");

    // As git does: the command is the shell's.
    let command = repository.git(["config", "--local", "hook.rescind-pre-commit.command"]);
    repository.git(["config", "rescind.allow", "nonsense"]);
    let output = env.command("sh").current_dir(&repository.path).args(["-c", &command]).output();
    Ran::of(output.expect("a shell")).exits(2).says("`rescind.allow` holds");

    rescind(&env, &repository.path, arguments).exits(0);
    rescind(&env, &repository.path, ["hook", "install", "--global"]).exits(0);
    assert_eq!(env.tool("git", ["config", "--global", "hook.rescind-pre-commit.event"]), "pre-commit");
    rescind(&env, &env.work(), ["hook", "uninstall", "--global"]).exits(0);
    rescind(&env, &repository.path, ["hook", "uninstall", "--hook-type", "pre-commit", "--hook-type", "pre-push"])
        .exits(0);
    let left = env.command("git").current_dir(&repository.path).args(["config", "--get-regexp", "^hook"]).output();
    assert_eq!(String::from_utf8_lossy(&left.expect("git starts").stdout), "");
}
