//! The help of every subcommand, as a user sees it: a change of it is a change of the contract.

use crate::env::Env;

#[test]
fn help_of_every_subcommand() {
    let env = Env::new();
    let mut paths: Vec<Vec<String>> = vec![vec![]];
    while let Some(path) = paths.pop() {
        let run = env.run(path.iter().map(String::as_str).chain(["--help"])).exits(0);
        assert_eq!(run.stderr, "");
        paths.extend(subcommands(&run.stdout).into_iter().map(|name| [&path[..], &[name]].concat()));
        let name = std::iter::once("rescind").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
        insta::assert_snapshot!(name, run.stdout);
    }
}

#[test]
fn the_version_is_told() {
    let run = Env::new().run(["--version"]).exits(0);
    assert_eq!(run.stdout, format!("rescind {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn without_arguments_the_help_is_shown_as_an_error() {
    let run = Env::new().run::<&str>([]).exits(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("Usage: rescind"), "{}", run.stderr);
}

/// The names under `Commands:` but `help`, whose help is that of the others.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
