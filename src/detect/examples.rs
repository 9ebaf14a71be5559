//! Runs the examples that rules carry: each rule must find its own true ones and stay quiet on its false ones.

use std::sync::Arc;

use super::Detector;
use crate::finding::{Confidence, FingerprintKey};
use crate::rules::{self, Examples, RuleSet, TemplateError};

/// How many examples of each label a rule needs.
const FEWEST: usize = 2;

/// An example that shows something else than its label says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExampleFailure {
    /// Too few examples.
    #[error("`{file}`: rule `{rule}` has {count} `{label}` examples; at least {FEWEST} are needed")]
    TooFew {
        /// The file of the rule.
        file: String,
        /// Id of the rule.
        rule: String,
        /// `matches` or `rejects`.
        label: &'static str,
        /// How many there are.
        count: usize,
    },
    /// An example cannot be expanded.
    #[error("`{file}`: rule `{rule}`: `{label}` example {number}")]
    Template {
        /// The file of the rule.
        file: String,
        /// Id of the rule.
        rule: String,
        /// `matches` or `rejects`.
        label: &'static str,
        /// Which one, from 1.
        number: usize,
        /// What is wrong.
        #[source]
        source: TemplateError,
    },
    /// A true example in which the rule finds nothing.
    #[error("`{file}`: rule `{rule}`: nothing found in `matches` example {number}{}", because(.refused))]
    NotFound {
        /// The file of the rule.
        file: String,
        /// Id of the rule.
        rule: String,
        /// Which one, from 1.
        number: usize,
        /// The filters that refused something in it, or other rules that won.
        refused: Vec<String>,
    },
    /// A false example in which the rule finds something.
    #[error("`{file}`: rule `{rule}`: finds something in `rejects` example {number}")]
    Found {
        /// The file of the rule.
        file: String,
        /// Id of the rule.
        rule: String,
        /// Which one, from 1.
        number: usize,
    },
}

fn because(refused: &[String]) -> String {
    if refused.is_empty() { String::new() } else { format!(" ({})", refused.join(", ")) }
}

/// Runs all examples against all the rules together, as a scan would. Gives what failed.
pub fn check_examples(rules: &Arc<RuleSet>, examples: &[Examples]) -> Vec<ExampleFailure> {
    let detector = Detector::new(Arc::clone(rules), FingerprintKey::default());
    let mut failures = Vec::new();
    for examples in examples {
        let id = &examples.rule;
        let file = rules.get(id).map(|rule| rule.file.clone()).unwrap_or_default();
        for (label, texts) in [("matches", &examples.matches), ("rejects", &examples.rejects)] {
            if texts.len() < FEWEST {
                failures.push(ExampleFailure::TooFew {
                    file: file.to_string(),
                    rule: id.clone(),
                    label,
                    count: texts.len(),
                });
            }
            for (text, number) in texts.iter().zip(1..) {
                let text = match rules::expand(text, &format!("{id}/{label}/{number}")) {
                    Ok(text) => text,
                    Err(source) => {
                        failures.push(ExampleFailure::Template {
                            file: file.to_string(),
                            rule: id.clone(),
                            label,
                            number,
                            source,
                        });
                        continue;
                    }
                };
                let (candidates, refusals) = detector.explain(text.as_bytes());
                // What a rule itself doubts is not reported by default.
                let is_found = candidates.iter().any(|candidate| {
                    candidate.rule.id == *id
                        && candidate.confidence >= candidate.rule.confidence.min(Confidence::Medium)
                });
                if is_found && label == "rejects" {
                    failures.push(ExampleFailure::Found { file: file.to_string(), rule: id.clone(), number });
                } else if !is_found && label == "matches" {
                    let refused = refusals.iter().filter(|refusal| refusal.rule == *id);
                    let refused = refused.map(|refusal| format!("refused by `{}`", refusal.filter.as_str()));
                    let others = candidates.iter().map(|candidate| format!("found by `{}`", candidate.rule.id));
                    let refused = refused.chain(others).collect();
                    failures.push(ExampleFailure::NotFound {
                        file: file.to_string(),
                        rule: id.clone(),
                        number,
                        refused,
                    });
                }
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_binary_hold_on_their_examples() {
        let (rules, examples) = RuleSet::with_examples(&[]).unwrap();
        let failures = check_examples(&Arc::new(rules), &examples);
        let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{}", shown.join("\n"));
    }
}
