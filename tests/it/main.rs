//! The integration tests: one binary, one module per topic, each running the built program as a user would.
//!
//! Nothing here reaches past 127.0.0.1. What the tests need besides git (real servers, tools that make images,
//! the `pre-commit` framework) is installed by `tests/run`.

#![expect(clippy::disallowed_methods, reason = "tests read the environment they run in")]

mod archives;
mod authorization_server;
mod aws;
mod bad_input;
mod canaille;
mod cli_help;
mod client_keys;
mod crash;
mod delta_reuse;
mod demo;
mod django_oauth_toolkit;
mod end_to_end;
mod env;
mod gitleaks_config;
mod gitleaks_rules;
mod history;
mod hook;
mod hostile_issuer;
mod hostile_repository;
mod image;
mod issuer_trouble;
mod issuers;
mod leak;
mod leaked_files;
mod listener;
mod moto;
mod no_leak;
mod notify;
mod object_store;
mod oci_layout;
mod owners;
mod packed;
mod pairing;
mod plan_and_apply;
mod policy;
mod registration;
mod report;
mod repository;
mod reread;
mod revoke;
mod rules;
mod samples;
mod server;
mod session;
mod staged;
mod state;
mod terminal;
mod thousand;
mod tree;
mod verdaccio;
mod verify;
mod yes_sayer;

use std::collections::BTreeSet;
use std::path::Path;

/// A file that is no module of this binary would be compiled by nobody, and its tests would pass by not running.
#[test]
fn no_test_file_is_forgotten() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files: BTreeSet<String> = fs_err::read_dir(directory)
        .expect("the directory of this file")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") || path.is_dir())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "main" && name != "snapshots")
        .collect();
    let modules: BTreeSet<String> = include_str!("main.rs")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    assert_eq!(files, modules);
}
