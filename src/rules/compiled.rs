//! The rules of the binary, in the form that the build script gave them.
//!
//! The project's own tests have checked them, so that start-up need not. Of each it reads what the rule looks for; the rest is read
//! when somebody asks for it.

use std::sync::Arc;

use super::handling::{Calls, RevokeEntry, VerifyEntry, compiled};
use super::rule::{Deferred, Details, Matcher, Revoke, Rule, Verify, Window};
use super::schema::{Context, RuleEntry, Trust};
use super::sought::{By, Sought};
use super::vendor::{VendorEntry, VendorKey};

/// What each rule looks for.
const SOUGHT: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.txt"));

/// The rest of each.
const REST: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));

/// What is owed to the build script.
const WELL_FORMED: &str = "the rules of the binary are read whole by a test";

/// All rules of the binary.
pub(super) fn rules() -> Vec<Arc<Rule>> {
    let (mut text, mut rest) = (SOUGHT, REST);
    let mut take = |length: usize| {
        let (piece, others) = rest.split_at_checked(length).expect(WELL_FORMED);
        rest = others;
        piece
    };
    let mut rules = Vec::new();
    while !text.is_empty() {
        let sought = Sought::read(&mut text).expect(WELL_FORMED);
        let rest = Rest {
            id: sought.id,
            file: sought.file,
            is_vendor: matches!(sought.by, By::Vendor(..)),
            texts: sought.rest.map(&mut take),
        };
        rules.push(Arc::new(rule(sought, rest)));
    }
    rules
}

fn rule(sought: Sought<'static>, rest: Rest) -> Rule {
    let (before, after) = sought.window;
    Rule {
        id: sought.id.to_owned(),
        provider: sought.provider.to_owned(),
        anchors: sought.anchors.into_iter().map(Into::into).collect(),
        anchors_are_case_sensitive: sought.is_case_sensitive,
        window: Window { before, after },
        matcher: match sought.by {
            By::Pattern(pattern) => Matcher::Pattern(pattern.into()),
            By::Keys(keys) => Matcher::Keys(keys.into_iter().map(Into::into).collect()),
            By::Scanner(scanner) => Matcher::Scanner(scanner),
            By::Vendor(alphabet, lengths) => Matcher::Vendor(VendorKey::new(alphabet, lengths)),
        },
        lengths: sought.lengths,
        has_exceptions: sought.has_exceptions,
        file: sought.file.into(),
        is_built_in: true,
        borrowed: None,
        details: Deferred::new(move || Box::new(rest.read())),
    }
}

/// What the details of a rule are made of.
struct Rest {
    id: &'static str,
    file: &'static str,
    is_vendor: bool,
    /// As in [`Sought::rest`].
    texts: [&'static str; 3],
}

impl Rest {
    fn read(&self) -> Details {
        let [entry, verify, revoke] = self.texts;
        let entry = if self.is_vendor {
            let entry: VendorEntry = serde_json::from_str(entry).expect(WELL_FORMED);
            entry.rule(self.id, false).expect(WELL_FORMED)
        } else {
            let mut entry: RuleEntry = serde_json::from_str(entry).expect(WELL_FORMED);
            entry.handling = Some((compiled::<VerifyEntry, Verify>(verify), compiled::<RevokeEntry, Revoke>(revoke)));
            entry
        };
        let context = Context { file: self.file, text: "", id: self.id.to_owned(), name: String::new() };
        let calls = Calls { checks: &[], revocations: &[] };
        context.details(entry, Trust::BuiltIn, &calls).expect(WELL_FORMED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{BUILT_IN, schema};

    #[test]
    fn they_are_those_of_the_files() {
        let parsed = BUILT_IN.iter().flat_map(|file| schema::parse(file.file, file.text).expect("is valid").rules);
        let parsed: Vec<_> = parsed.collect();
        let compiled = rules();
        assert_eq!(compiled.len(), parsed.len());
        for (compiled, parsed) in compiled.iter().zip(parsed) {
            // The build script leaves out the examples of requests.
            let text = |rule: &Rule| format!("{rule:?}").split(", verify: ").next().map(str::to_owned);
            let parsed = text(&parsed).map(|text| text.replace("is_built_in: false", "is_built_in: true"));
            assert_eq!(text(compiled), parsed);
        }
    }
}
