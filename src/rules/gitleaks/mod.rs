//! Configurations of gitleaks: their rules become rules of ours, and their allowlists allow what ours find as well.
//!
//! A file that the user names may bring rules and allowlists, and take rules away. One that lies in the scanned content brings
//! allowlists for its own target and nothing else: a rule of it could claim what another rule would have found.

mod anchors;
mod convert;
mod document;
mod required;
mod section;
mod syntax;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{RuleError, RuleSet};
use crate::diagnostic::Diagnostic;
use crate::finding::escape;
use convert::Converted;
use document::{AllowlistEntry, Document, Problem, Spot};

/// The name of such a file at the root of a target.
pub const FILE_NAME: &str = ".gitleaks.toml";

/// How many files may build on each other, as for gitleaks.
const DEEPEST: usize = 2;

/// No more allowlists, patterns and names of rules are read from a file in the scanned content: each is asked about all that is found.
const MOST_PARTS: usize = 2000;

/// The code of everything that is told about such a file.
const CODE: &str = "gitleaks-configuration";

/// Whether a file in TOML is such a configuration.
pub(super) fn is_configuration(text: &str) -> bool {
    Document::is_one(text)
}

/// The code of what tells that the scanned content brings rules along.
pub const UNUSED_RULES: &str = "rules-in-content";

impl RuleSet {
    /// Adds the rules and allowlists of a configuration that the user has named, and takes away the rules that it disables.
    ///
    /// # Errors
    /// What is not valid in it, and what it builds on and cannot be read.
    pub(super) fn add_gitleaks(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        // Without the rules of the program, nobody knows what is missing.
        let is_whole = !self.rules.is_empty();
        let document = built(file, text, DEEPEST)?;
        if let Some(url) = &document.extend.url {
            self.note(url, "`url` is not followed, as gitleaks itself never did: a configuration opens no network; load the file and name it with `path`, or with `--rules`");
        }
        if let Some(path) = &document.extend.cut_off {
            self.note(path, "`path` is not followed: too many files build on each other");
        }
        let mut absent = Vec::new();
        for disabled in &document.extend.disabled_rules {
            let count = self.rules.len();
            self.rules.retain(|rule| rule.id != disabled.value);
            if self.rules.len() == count && !document.rules.iter().any(|rule| rule.id == disabled.value) {
                absent.push(format!("`{}`", escape(disabled.value.as_bytes())));
            }
        }
        if let (Some(first), true) = (document.extend.disabled_rules.first(), is_whole && !absent.is_empty()) {
            self.note(&first.spot, format!("`disabledRules` names no rule of these: {}", absent.join(", ")));
        }
        for entry in &document.rules {
            let about = |reason: &str| format!("rule `{}` {reason}", escape(entry.id.as_bytes()));
            match convert::rule(entry, &document, self)? {
                Converted::Rule(rule, note) => {
                    self.rules.push(Arc::from(rule));
                    if let Some(note) = note {
                        self.note(&entry.spot, about(&note));
                    }
                }
                Converted::Unusable(reason) => self.note(&entry.spot, about(&format!("{reason}: it is not used"))),
                Converted::Nothing => {}
            }
        }
        let mut lists = Vec::new();
        for (entry, rule) in allowlists(&document) {
            let (list, missing) = convert::allowlist(entry, rule, &document, self)?;
            if is_whole && !missing.is_empty() {
                self.note(&entry.spot, no_such_rules(&missing));
            }
            lists.push(list);
        }
        self.allowlists.add(lists, None).map_err(|_| RuleError::Syntax {
            file: file.to_owned(),
            line: 1,
            reason: "the patterns of its allowlists are too large together".to_owned(),
            nearest: None,
        })
    }

    /// Adds the allowlists of a configuration that lies in the scanned content, for what is found in that target alone, which is told
    /// by its number. Nothing in it can fail: what is wrong with it is told, and so is what of it is not used.
    pub fn add_gitleaks_of_content(&mut self, file: &str, text: &str, target: usize) -> Vec<Diagnostic> {
        let file = escape(file.as_bytes());
        let document = match Document::parse(&file, text) {
            Ok(document) => document,
            Err(problem) => return vec![told(&problem, "its allowlists are not obeyed")],
        };
        let mut notes = Vec::new();
        let rules = document
            .rules
            .iter()
            .filter(|rule| (rule.regex.is_some() || rule.path.is_some()) && !rule.skips_report)
            .count();
        if rules > 0 || document.extend.path.is_some() {
            let reason =
                format!("its rules ({rules}) and what it builds on are used only if it is named with `--rules`");
            notes.push(Diagnostic::note(UNUSED_RULES, file.as_ref(), reason));
        }
        let entries: Vec<_> = allowlists(&document).collect();
        let parts = |entry: &AllowlistEntry| 1 + entry.paths.len() + entry.regexes.len() + entry.rules.len();
        if entries.iter().map(|(entry, _)| parts(entry)).sum::<usize>() > MOST_PARTS {
            let reason = format!("its allowlists are not obeyed: they have more than {MOST_PARTS} parts");
            notes.push(Diagnostic::note(CODE, file.as_ref(), reason));
            return notes;
        }
        let mut lists = Vec::new();
        for (entry, rule) in entries {
            match convert::allowlist(entry, rule, &document, self) {
                Ok((list, _)) => lists.push(list),
                Err(problem) => notes.push(told(&problem, "its allowlist is not obeyed")),
            }
        }
        if self.allowlists.add(lists, Some(target)).is_err() {
            let reason = "its allowlists are not obeyed: their patterns are too large together";
            notes.push(Diagnostic::note(CODE, file.as_ref(), reason));
        }
        notes
    }

    fn note(&mut self, spot: &Spot, reason: impl ToString) {
        self.notes.push(Diagnostic::note(CODE, spot.to_string(), reason));
    }
}

/// A configuration with what it builds on.
fn built(file: &str, text: &str, depth: usize) -> Result<Document, RuleError> {
    let mut document = Document::parse(file, text)?;
    let Some(base) = document.extend.path.take() else { return Ok(document) };
    let Some(depth) = depth.checked_sub(1) else {
        document.extend.cut_off = Some(base.spot);
        return Ok(document);
    };
    let beside = Path::new(file).parent().unwrap_or(Path::new("")).join(&base.value);
    let path = if beside.exists() { beside } else { PathBuf::from(&base.value) };
    let (file, text) = super::read(&path)?;
    document.build_on(built(&file, &text, depth)?);
    Ok(document)
}

/// All allowlists, each with the id of the rule that it belongs to, if it belongs to one.
fn allowlists(document: &Document) -> impl Iterator<Item = (&AllowlistEntry, Option<&str>)> {
    let of_rules = document
        .rules
        .iter()
        .flat_map(|rule| rule.allowlists.iter().map(move |allowlist| (allowlist, Some(rule.id.as_str()))));
    of_rules.chain(document.allowlists.iter().map(|allowlist| (allowlist, None)))
}

fn no_such_rules(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{}`", escape(id.as_bytes()))).collect();
    format!("an allowlist is for rules that are not here: {}", ids.join(", "))
}

/// What is wrong with a file in the scanned content, and what that means.
fn told(problem: &Problem, consequence: &str) -> Diagnostic {
    let rule = problem.rule.as_ref().map(|rule| format!("rule `{}`: ", escape(rule.as_bytes()))).unwrap_or_default();
    Diagnostic::note(
        CODE,
        problem.spot.to_string(),
        format!("{consequence}: {rule}{}", escape(problem.reason.as_bytes())),
    )
}

impl std::fmt::Display for Spot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} line {}", self.file, self.line)
    }
}

impl From<Problem> for RuleError {
    fn from(Problem { spot: Spot { file, line }, rule, reason }: Problem) -> Self {
        let file = file.to_string();
        match rule {
            Some(id) => Self::Rule { file, line, id, reason },
            None => Self::Syntax { file, line, reason, nearest: None },
        }
    }
}
