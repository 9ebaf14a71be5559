//! Requests of a rule file that no rule of it names: they are checked as far as that goes without a rule, and told.
//!
//! One that is broken is an error, as it would be if a rule named it: it would become one with the first rule that does. One that
//! is well is no error: nothing is sent because of it, and a file may be written request by request.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::call::{CallEntry, Named};
use super::error::RuleError;
use super::schema::{RuleEntry, line_of};
use crate::diagnostic::Diagnostic;
use crate::finding::escape;

/// The code of what is told.
const CODE: &str = "unused-request";

/// The requests that a file names, as far as they are names.
pub(super) struct NamedCalls {
    checks: BTreeSet<String>,
    revocations: BTreeSet<String>,
}

impl NamedCalls {
    /// Those that rules name.
    pub(super) fn by(rules: &[RuleEntry]) -> Self {
        let name = |named: &Named| if let Named::Name(name) = named { Some(name.clone()) } else { None };
        let verify = rules.iter().filter_map(|rule| rule.verify.as_ref()?.check.as_ref());
        let revoke = rules.iter().filter_map(|rule| rule.revoke.as_ref()?.call.as_ref());
        Self { checks: verify.filter_map(name).collect(), revocations: revoke.filter_map(name).collect() }
    }

    /// What is to be told of the others, and of checks that no revocation is made after.
    ///
    /// # Errors
    /// One of them is not valid, or has the name of one before it.
    pub(super) fn notes_of_others(
        mut self,
        file: &str,
        text: &str,
        checks: &[CallEntry],
        revocations: &[CallEntry],
    ) -> Result<Vec<Diagnostic>, RuleError> {
        self.checks.extend(revocations.iter().filter_map(CallEntry::made_after).map(str::to_owned));
        let mut notes = Vec::new();
        for (table, calls, named) in [("check", checks, &self.checks), ("revocation", revocations, &self.revocations)] {
            for (number, call) in calls.iter().enumerate() {
                let line = || line_of(text, start_of(text, table, number));
                let wrong = |reason| RuleError::Syntax { file: file.to_owned(), line: line(), reason, nearest: None };
                let shown = escape(call.name.as_bytes());
                if calls.iter().take(number).any(|other| other.name == call.name) {
                    return Err(wrong(format!("there is another `[[{table}]]` named `{shown}` before it")));
                }
                if named.contains(&call.name) {
                    continue;
                }
                let problem = if table == "check" { call.problem_of_check() } else { call.problem_of_ending(checks) };
                if let Some(reason) = problem {
                    return Err(wrong(format!("`[[{table}]]`: {reason}")));
                }
                let place = format!("{file} line {}", line());
                let reason = format!("no rule names the `[[{table}]]` `{shown}`: it is never sent");
                notes.push(Diagnostic::note(CODE, place, reason));
            }
        }
        Ok(notes)
    }
}

/// Where a table begins that stands in a file several times, counted from 0.
fn start_of(text: &str, table: &str, number: usize) -> Option<std::ops::Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    Some(root.get_ref().get(table)?.get_ref().as_array()?.get(number)?.span())
}

#[cfg(test)]
mod tests {
    use crate::rules::RuleSet;

    /// A file of one rule, and what stands in it besides.
    fn file(more: &str) -> String {
        format!(
            r#"
provider = "acme"
[[rule]]
id = "acme-key"
title = "Acme key"
kind = "api_key"
confidence = "high"
severity = "high"
anchors = ["acme_"]
window = {{ before = 0, after = 40 }}
pattern = '(?P<secret>acme_[a-z]{{24}})'
hosts = ["api.acme.example"]
verify = {{ method = "none", reason = "nobody can be asked" }}
revoke = {{ method = "manual", blast_radius = "token", steps = ["Delete it."] }}
[rule.examples]
matches = ['acme_<<lower:24>>', 'key = acme_<<lower:24>>']
rejects = ['acme_', 'acme_x']
{more}"#
        )
    }

    /// A check that is well.
    const CHECK: &str = r#"
[[check]]
name = "token"
source = "docs.acme.example/api"
get = "https://api.acme.example/v1/{account_id}/me"
auth = "bearer"
live = [{ status = 200, has = "/user" }]
dead = [401]
examples = [{ status = 200, body = '{"user":1}', state = "live" }, { status = 401, body = '', state = "dead" }]
"#;

    /// A revocation that is well.
    const REVOCATION: &str = r#"
[[revocation]]
name = "end"
source = "docs.acme.example/api"
delete = "https://api.acme.example/v1/tokens/{secret}"
accepted = [204]
examples = [{ status = 204, state = "accepted" }]
"#;

    fn check(more: &str, expected: &str) {
        let text = file(more);
        let mut set = RuleSet::default();
        let told = match set.add("acme.toml", &text) {
            Ok(_) => {
                set.notes.iter().map(|note| format!("{}: {}", note.place, note.reason)).collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.to_string(),
        };
        let told = told.replace(&format!("line {}", text.lines().count() - more.lines().count() + 2), "LINE");
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{more}: {told}");
    }

    #[test]
    fn requests_that_no_rule_names_are_checked_and_told() {
        check("", "");
        check(CHECK, "acme.toml LINE: no rule names the `[[check]]` `token`: it is never sent");
        check(REVOCATION, "acme.toml LINE: no rule names the `[[revocation]]` `end`: it is never sent");
        for (from, to, expected) in [
            ("acme.example/api", "acme.example/other", ""),
            ("docs.acme.example/api", "docs", "`acme.toml` LINE: `[[check]]`: request `token`: `source` is"),
            ("get =", "put =", "a check only reads"),
            ("get =", "#", "exactly one of"),
            ("https://api", "http://api", "request `token`: "),
            (r#", has = "/user""#, "", "a sign of `live` looks at the body"),
            (r#"state = "dead""#, r#"state = "live""#, "an example with status 401 is Dead, not Live"),
            (r#", { status = 401, body = '', state = "dead" }"#, "", "no example is Dead"),
        ] {
            let text = CHECK.replace(from, to);
            assert_ne!(text, CHECK);
            check(&text, if expected.is_empty() { "never sent" } else { expected });
        }
        check(&format!("{CHECK}{CHECK}"), "there is another `[[check]]` named `token` before it");
        for (from, to, expected) in [
            (
                "accepted = [204]",
                "accepted = []",
                "`acme.toml` LINE: `[[revocation]]`: request `end`: a revocation needs",
            ),
            ("accepted = [204]", "accepted = [204]\nafter = \"nothing\"", "there is no `[[check]]` named `nothing`"),
        ] {
            check(&REVOCATION.replace(from, to), expected);
        }
        let after = REVOCATION.replace("accepted =", "after = \"token\"\naccepted =");
        check(&format!("{after}{CHECK}"), "no rule names the `[[revocation]]` `end`");
        let broken = CHECK.replace("get =", "put =");
        check(&format!("{after}{broken}"), "`[[revocation]]`: request `token`: a check only reads");
    }
}
