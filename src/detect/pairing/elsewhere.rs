//! What belongs to a candidate, but stands in another text than it does.
//!
//! Files of one directory have less to do with each other than the lines of one file: names must say the same here, not just nothing
//! against it, and nobody is looked for who could be asked if the candidate's own text names somebody.

use std::sync::Arc;

use super::fit::{self, Kinship, Standpoint};
use super::{Neighbour, Pairer, fitting, kind_of_part};
use crate::detect::{Candidate, Detector};
use crate::rules::PartSpec;

/// Something in another text that belongs to a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// What it is, in the words of [`crate::finding::Part::name`].
    pub name: String,
    /// Its value.
    pub value: String,
    /// The text, by its place among those that were looked at.
    pub text: usize,
    /// Its line there, counted from 1.
    pub line: u32,
}

impl Candidate {
    /// Whether its rule looks for something beside it that was not found there.
    pub fn lacks_companions(&self) -> bool {
        self.rule.parts.iter().any(|spec| is_lacking(self, spec))
    }
}

impl Detector {
    /// What a candidate lacks and other texts have, if no name says that it belongs to something else. All values that fit equally
    /// well are told, each once.
    pub fn companions_elsewhere(&self, candidate: &Candidate, texts: &[&[u8]]) -> Vec<Elsewhere> {
        let pairer = self.pairer.get_or_init(|| Pairer::new(self.rules.rules.len()));
        let Some(rule) = self.rules.rules.iter().position(|rule| Arc::ptr_eq(rule, &candidate.rule)) else {
            return Vec::new();
        };
        let Some(wanted) = pairer.wanted(rule, &candidate.rule.parts) else { return Vec::new() };
        let texts: Vec<(&[u8], Vec<Neighbour>)> = texts
            .iter()
            .map(|bytes| (*bytes, wanted.assignments_in(bytes, std::iter::once(0..bytes.len()), &[])))
            .collect();
        let mut all: Vec<Elsewhere> = Vec::new();
        for (spec, pattern) in candidate.rule.parts.iter().zip(&wanted.patterns) {
            if !is_lacking(candidate, spec) || all.iter().any(|found| is_alike(&found.name, &spec.name)) {
                continue;
            }
            let mut found: Vec<(Kinship, Elsewhere)> = Vec::new();
            for (text, (bytes, neighbours)) in texts.iter().enumerate() {
                found.extend(neighbours.iter().filter_map(|neighbour| {
                    let (stem, value) = fitting(bytes, spec, pattern.as_ref(), neighbour)?;
                    let Standpoint { stem, around } = neighbour.standpoint(bytes, stem);
                    let names = fit::names(stem, around);
                    if names.is_empty() != candidate.names.is_empty() {
                        return None;
                    }
                    let kinship = Kinship::of(&candidate.names, &names)?;
                    let lines = memchr::memchr_iter(b'\n', bytes.get(..neighbour.assigned.span.start)?).count();
                    let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
                    Some((kinship, Elsewhere { name: spec.name.clone(), value, text, line }))
                }));
            }
            let best = found.iter().map(|(kinship, _)| *kinship).min();
            for (kinship, found) in found {
                let is_known = all.iter().any(|known| known.name == found.name && known.value == found.value);
                if Some(kinship) == best && !is_known {
                    all.push(found);
                }
            }
        }
        all
    }
}

/// Whether a companion could be told by its name, and neither it nor one like it was found.
fn is_lacking(candidate: &Candidate, spec: &PartSpec) -> bool {
    let is_named = !spec.keys.is_empty() && kind_of_part(&spec.name).is_none() && candidate.token.is_none();
    is_named && !candidate.companions.iter().any(|companion| is_alike(&companion.name, &spec.name))
}

/// Whether two parts are the same, or both tell whom to ask.
fn is_alike(one: &str, other: &str) -> bool {
    const ASKED: [&str; 4] = ["issuer", "token_endpoint", "tenant", "host"];
    one == other || (ASKED.contains(&one) && ASKED.contains(&other))
}
