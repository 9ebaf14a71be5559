//! `rescind hook`: installing beside whatever is there, and stopping commits and pushes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::env::Env;
use crate::repository::Repository;
use crate::samples;

/// A run of a program in a directory: exit code, and all that it wrote.
struct Ran {
    code: Option<i32>,
    output: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let written = [output.stdout, output.stderr].concat();
        Self { code: output.status.code(), output: String::from_utf8_lossy(&written).into_owned() }
    }

    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.output);
        self
    }

    fn says(self, text: &str) -> Self {
        assert!(self.output.contains(text), "`{text}` is not in:\n{}", self.output);
        self
    }

    fn keeps_quiet_about(self, text: &str) -> Self {
        assert!(!self.output.contains(text), "`{text}` is in:\n{}", self.output);
        self
    }

    /// The first id of a finding in the output.
    fn id(&self) -> &str {
        let start = self.output.find("rsc1_").expect("an id");
        self.output.get(start..start + 37).expect("a whole id")
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
    // Copied by another process: whatever this one starts meanwhile for another test would inherit the open copy, and a program that is
    // open for writing cannot be started ("Text file busy").
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_rescind")).arg(&program).status();
    assert!(copied.expect("`cp` starts").success());
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

#[test]
fn a_commit_with_a_secret_is_stopped() {
    let env = env();
    let repository = env.repository("repo");
    let commit = |arguments: &[&str]| {
        let command = ["commit", "--message", "x"].iter().chain(arguments);
        Ran::of(env.command("git").current_dir(&repository.path).args(command).output().expect("git starts"))
    };
    rescind(&env, &repository.path, ["hook", "install"]).exits(0);
    repository.write("config/.env", samples::environment_file("staged"));
    repository.git(["add", "config/.env"]);
    // Neither what is only in the work tree counts, nor that the staged file has been emptied since.
    repository.write("config/.env", "");
    repository.write("other.env", samples::environment_file("work tree"));
    let stopped = commit(&[])
        .exits(1)
        .says("config/.env:2:")
        .says("rescind stops this commit: it holds secrets")
        .says("hint: `git config --add rescind.allow ID`")
        .keeps_quiet_about("other.env")
        .keeps_quiet_about(&samples::random("staged", 40));

    repository.git(["config", "--add", "rescind.allow", stopped.id()]);
    commit(&[]).exits(0).keeps_quiet_about("rescind").keeps_quiet_about("scanned");
    repository.git(["config", "--unset", "rescind.allow"]);

    // What is in HEAD already is not the commit's doing.
    repository.git(["commit", "--quiet", "--allow-empty", "--message", "y"]);
    repository.git(["add", "other.env"]);
    commit(&[]).exits(1).says("other.env:2:");
    commit(&["--no-verify"]).exits(0);
}

#[test]
fn a_partial_commit_is_scanned_as_it_will_be() {
    let env = env();
    let repository = env.repository("repo");
    rescind(&env, &repository.path, ["hook", "install"]).exits(0);
    repository.write("clean.txt", "");
    repository.write("leak.env", samples::environment_file("partial"));
    repository.git(["add", "--all"]);
    // Git makes a temporary index of the named files and tells the hook where it is.
    git(&env, &repository.path, ["commit", "-m", "x", "clean.txt"]).exits(0);
    git(&env, &repository.path, ["commit", "-m", "x", "leak.env"]).exits(1).says("leak.env:2:");
}

#[test]
fn a_push_with_a_secret_is_stopped() {
    let env = env();
    let repository = env.repository("repo");
    env.tool("git", ["init", "--quiet", "--bare", env.input().join("remote.git").to_str().expect("a path in UTF-8")]);
    repository.git(["remote", "add", "origin", "../remote.git"]);
    rescind(&env, &repository.path, ["hook", "install", "--hook-type", "pre-push"]).exits(0);
    repository.write("readme", "");
    repository.commit("clean");
    git(&env, &repository.path, ["push", "origin", "main"]).exits(0).keeps_quiet_about("rescind");

    repository.write("leak.env", samples::environment_file("pushed"));
    let leaked = repository.commit("leak");
    repository.delete("leak.env");
    repository.commit("hide");
    for branch in ["main", "main:refs/heads/new"] {
        git(&env, &repository.path, ["push", "origin", branch])
            .exits(1)
            .says("leak.env:2:")
            .says(leaked.get(..12).expect("a commit id"))
            .says("rescind stops this push: it holds secrets")
            .keeps_quiet_about(&samples::random("pushed", 40));
    }
    git(&env, &repository.path, ["push", "--no-verify", "origin", "main"]).exits(0);

    // What the remote has is no business of later pushes, to whatever branch.
    repository.write("readme", "more");
    repository.commit("clean again");
    git(&env, &repository.path, ["push", "origin", "main", "main:refs/heads/new"]).exits(0);
    git(&env, &repository.path, ["push", "origin", ":new"]).exits(0);

    // A tag has a message, even if all its commits are known.
    repository.git(["tag", "-a", "v1", "-m", &samples::environment_file("tagged")]);
    git(&env, &repository.path, ["push", "origin", "v1"]).exits(1).says("message of tag");
}

/// The framework passes file names; its `--all-files` must not pass without looking, as it would with what is staged.
#[test]
fn the_pre_commit_framework_runs_it() {
    let env = Env::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hooks = env.repository("hooks");
    let offered = fs_err::read(root.join(".pre-commit-hooks.yaml")).expect("the hooks that are offered");
    hooks.write(".pre-commit-hooks.yaml", offered);
    let revision = hooks.commit("hooks");
    let repository = env.repository("repo");
    let repositories = serde_json::json!({"repos": [{
        "repo": hooks.path,
        "rev": revision,
        "hooks": [{"id": "rescind-system"}],
    }]});
    // YAML takes JSON.
    repository.write(".pre-commit-config.yaml", repositories.to_string());
    repository.write("-dashed name.env", samples::environment_file("framework"));
    repository.commit("leak");

    let program = Path::new(env!("CARGO_BIN_EXE_rescind")).parent().expect("a directory");
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory").join("tools");
    let search_path = std::env::var("PATH").expect("a search path in UTF-8");
    env.set("PATH", &format!("{}:{search_path}", program.display()));
    let framework = tools.join("venv/bin/pre-commit");
    assert!(framework.exists(), "no `{}`; `tests/run` installs it", framework.display());
    let run = |arguments: &[&str]| {
        let mut command = env.command(&framework);
        Ran::of(command.current_dir(&repository.path).arg("run").args(arguments).output().expect("it starts"))
    };
    let secret = samples::random("framework", 40);
    run(&["--all-files"])
        .exits(1)
        .says("-dashed name.env:2:")
        .says("rescind stops this commit")
        .keeps_quiet_about(&secret);
    run(&[]).exits(0).keeps_quiet_about("-dashed");

    repository.write("-dashed name.env", "");
    repository.write("staged.env", samples::environment_file("framework, staged"));
    repository.git(["add", "--all"]);
    run(&[]).exits(1).says("staged.env:2:").keeps_quiet_about("-dashed");
    repository.git(["rm", "--quiet", "--force", "staged.env"]);
    run(&["--all-files"]).exits(0);
}
