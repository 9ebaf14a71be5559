//! Rules as data: `rules/*.toml`, compiled into the binary, and the operator's own.
//!
//! A rule file is complete in itself: what to look for, what it means, where it may be sent, how it is checked and ended, and
//! examples of both labels. Nothing here scans anything.

mod allowlist;
pub mod call;
pub(crate) mod checksum;
mod compiled;
mod error;
mod gitleaks;
mod handling;
mod last_name;
mod rule;
mod schema;
mod sought;
mod template;
mod unnamed;
mod vendor;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use allowlist::{Allowlist, Allowlists};
pub(crate) use allowlist::{Content, Whereabouts, names, own_names};
pub use error::RuleError;
pub use gitleaks::{FILE_NAME as GITLEAKS_FILE_NAME, UNUSED_RULES};
pub(crate) use last_name::{compile_set, pattern_of_last_name};
pub use rule::{
    BlastRadius, Borrowed, Checksum, Deferred, Details, Encoding, Endpoints, Matcher, PartSpec, Required,
    RequiredCompanion, Revoke, RevokeMethod, Rule, Shape, Verify, VerifyMethod, Window,
};
pub use schema::Examples;
pub use sought::{Alphabet, Scanner};
pub use template::{TemplateError, expand};
pub use vendor::VendorKey;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Diagnostic;
use crate::spelling;

/// A rule file of the binary.
struct BuiltIn {
    /// Its name.
    file: &'static str,
    /// Its text.
    text: &'static str,
}

/// The rule files of the binary.
const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Memory that one compiled pattern may take, so that no rule file can exhaust the machine.
const PATTERN_SIZE_LIMIT: usize = 4 * 1024 * 1024;

/// All rules of a run.
#[derive(Default)]
pub struct RuleSet {
    /// The rules, in the order they were loaded.
    pub rules: Vec<Arc<Rule>>,
    /// What is not to be reported of what they find.
    pub allowlists: Allowlists,
    /// What of the loaded files is not used.
    pub notes: Vec<Diagnostic>,
}

impl RuleSet {
    /// The rules of the binary and those of the given files and directories, configurations of gitleaks among them.
    ///
    /// # Errors
    /// An operator's file that cannot be read or is not valid, and an id that is used twice.
    pub fn load(extra: &[PathBuf]) -> Result<Self, RuleError> {
        let mut set = Self { rules: compiled::rules(), ..Self::default() };
        for (file, text) in read_all(extra)? {
            set.add(&file, &text)?;
        }
        Ok(set)
    }

    /// Adds the rules of a file, and gives their examples.
    fn add(&mut self, file: &str, text: &str) -> Result<Vec<Examples>, RuleError> {
        if gitleaks::is_configuration(text) {
            self.add_gitleaks(file, text)?;
            return Ok(Vec::new());
        }
        let mut parsed = schema::parse(file, text)?;
        let examples = std::mem::take(&mut parsed.examples);
        self.notes.append(&mut parsed.notes);
        for rule in parsed.rules {
            if let Some(other) = self.get(&rule.id) {
                return Err(RuleError::Duplicate {
                    file: file.to_owned(),
                    id: rule.id.clone(),
                    other: other.file.to_string(),
                });
            }
            self.rules.push(rule);
        }
        Ok(examples)
    }

    /// A digest of all that decides what these rules find, the version of the program among it.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(env!("CARGO_PKG_VERSION"));
        for rule in &self.rules {
            digest.update(format!("{rule:?}"));
        }
        digest.update(format!("{:?}", self.allowlists));
        digest.finalize().into()
    }

    /// Reads rule files alone, without those of the binary, checking everything; also gives their examples. Without paths
    /// it is the files of the binary that are read.
    ///
    /// # Errors
    /// As [`RuleSet::load`].
    pub fn with_examples(files: &[PathBuf]) -> Result<(Self, Vec<Examples>), RuleError> {
        let sources = if files.is_empty() {
            BUILT_IN.iter().map(|built_in| (built_in.file.to_owned(), built_in.text.to_owned())).collect()
        } else {
            read_all(files)?
        };
        let mut set = Self::default();
        let mut examples = Vec::new();
        for (file, text) in sources {
            examples.append(&mut set.add(&file, &text)?);
        }
        Ok((set, examples))
    }

    /// Keeps the rules named in `only` (all, when it is empty) and drops those named in `except`.
    ///
    /// # Errors
    /// [`RuleError::UnknownRule`] for a name that no rule has.
    pub fn select(&mut self, only: &[String], except: &[String]) -> Result<(), RuleError> {
        for id in only.iter().chain(except) {
            if self.get(id).is_none() {
                let nearest = spelling::nearest(id, self.rules.iter().map(|rule| rule.id.as_str())).map(str::to_owned);
                return Err(RuleError::UnknownRule { id: id.clone(), nearest });
            }
        }
        self.rules.retain(|rule| (only.is_empty() || only.contains(&rule.id)) && !except.contains(&rule.id));
        Ok(())
    }

    /// The rule of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// Compiles a rule's pattern: over bytes, ASCII classes, bounded in size.
///
/// # Errors
/// What is wrong with the pattern, or that it is too large.
pub fn compile(pattern: &str) -> Result<regex::bytes::Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(PATTERN_SIZE_LIMIT)
        .dfa_size_limit(PATTERN_SIZE_LIMIT)
        .build()
}

/// What a rule's pattern says, as [`compile`] understands it.
///
/// # Errors
/// What is wrong with the pattern.
pub(crate) fn parse(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).map_err(Box::new)
}

/// The contents of files, and of the `*.toml` files in directories, by name.
fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, String)>, RuleError> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |source| RuleError::Read { path: path.clone(), source };
        if !fs_err::metadata(path).map_err(failed)?.is_dir() {
            files.push(read(path)?);
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs_err::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            if entry.extension().is_some_and(|extension| extension == "toml") {
                inside.push(entry);
            }
        }
        if inside.is_empty() {
            return Err(RuleError::Empty { path: path.clone() });
        }
        inside.sort_unstable();
        for entry in inside {
            files.push(read(&entry)?);
        }
    }
    Ok(files)
}

fn read(path: &Path) -> Result<(String, String), RuleError> {
    let text = fs_err::read_to_string(path).map_err(|source| RuleError::Read { path: path.to_owned(), source })?;
    Ok((path.display().to_string(), text))
}
