//! What a rule of a configuration requires beside what it finds: `[[rules.required]]`, since version 8.28 of gitleaks.
//!
//! The rule that is required need not report anything, and need not be one that the prefilter could look for: it is tried around
//! what the requiring rule has found. What it requires itself does not matter, as for gitleaks.

use regex::bytes::Regex;

use super::convert;
use super::document::{Document, Problem, RequiredEntry, RuleEntry};
use crate::finding::escape;
use crate::rules::RuleSet;
use crate::rules::rule::{Required, RequiredCompanion};

/// What becomes of all that an entry requires.
#[derive(Default)]
pub(super) struct Requirements {
    pub(super) required: Vec<Required>,
    /// What the path of a file must match besides: rules that are required may look at paths.
    pub(super) paths: Vec<Regex>,
    /// What is required and found by no rule, quoted.
    pub(super) absent: Vec<String>,
}

/// What an entry requires.
///
/// # Errors
/// A rule is required that is nowhere, and a pattern that is not valid.
pub(super) fn of(entry: &RuleEntry, document: &Document, set: &RuleSet) -> Result<Requirements, Problem> {
    let mut requirements = Requirements::default();
    for wanted in &entry.required {
        requirements.add(entry, wanted, document, set)?;
    }
    Ok(requirements)
}

/// The name of what a rule of a configuration finds where another requires it. No rule of ours can have it.
pub(super) fn name_of(id: &str) -> String {
    format!("required: {id}")
}

impl Requirements {
    fn add(
        &mut self,
        entry: &RuleEntry,
        wanted: &RequiredEntry,
        document: &Document,
        set: &RuleSet,
    ) -> Result<(), Problem> {
        let shown = format!("`{}`", escape(wanted.id.as_bytes()));
        let rule = document.rules.iter().find(|rule| rule.id == wanted.id);
        if let Some(rule) = rule {
            self.paths.extend(convert::path(rule)?);
        }
        let companion = match rule.and_then(|rule| Some((rule, rule.regex.as_ref()?))) {
            Some((rule, regex)) => RequiredCompanion::Pattern {
                rule: name_of(&rule.id),
                pattern: convert::compiled(rule, regex)?.1,
                shape: convert::shape(rule),
            },
            None if rule.is_some_and(|rule| rule.path.is_some()) => return Ok(()),
            None => {
                let ids = convert::ids(&wanted.id, set);
                // Alone, it is not known what there is beside it.
                if ids.is_empty() && !set.rules.iter().any(|rule| rule.is_built_in) && document.extend.uses_default {
                    return Ok(());
                }
                if ids.is_empty() && (rule.is_some() || document.extend.uses_default) {
                    self.absent.push(shown);
                    return Ok(());
                }
                if ids.is_empty() {
                    let reason = format!("`required` names no rule: {shown}");
                    return Err(Problem { spot: wanted.spot.clone(), rule: Some(entry.id.clone()), reason });
                }
                RequiredCompanion::Rules(ids)
            }
        };
        let (within_lines, within_columns) = (wanted.within_lines, wanted.within_columns);
        self.required.push(Required { name: wanted.id.clone(), companion, within_lines, within_columns });
        Ok(())
    }
}
