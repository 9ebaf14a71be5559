//! A configuration of gitleaks as it stands in its file, before anything is made of it.
//!
//! Names of keys count in any case, as they do for gitleaks; keys that are not known are passed over, because later versions
//! may know them.

use std::sync::Arc;

use toml::de::DeTable;

use super::section::{Lines, Section};

/// A place in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) file: Arc<str>,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Something with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) spot: Spot,
    pub(super) value: T,
}

/// What is wrong, and where. Quotes nothing but names of keys and rules.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) spot: Spot,
    /// The rule that it is about.
    pub(super) rule: Option<String>,
    pub(super) reason: String,
}

/// A whole configuration.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) extend: Extend,
    pub(super) rules: Vec<RuleEntry>,
    pub(super) allowlists: Vec<AllowlistEntry>,
}

/// What it builds on.
#[derive(Debug, Default)]
pub(super) struct Extend {
    pub(super) uses_default: bool,
    pub(super) path: Option<Placed<String>>,
    pub(super) url: Option<Spot>,
    /// Where it builds on more files than are followed.
    pub(super) cut_off: Option<Spot>,
    pub(super) disabled_rules: Vec<Placed<String>>,
}

/// A rule.
#[derive(Debug)]
pub(super) struct RuleEntry {
    pub(super) spot: Spot,
    pub(super) id: String,
    pub(super) description: Option<String>,
    pub(super) regex: Option<Placed<String>>,
    pub(super) path: Option<Placed<String>>,
    pub(super) secret_group: usize,
    pub(super) entropy: Option<f64>,
    /// In lower case.
    pub(super) keywords: Vec<String>,
    pub(super) skips_report: bool,
    /// What must stand beside what it finds.
    pub(super) required: Vec<RequiredEntry>,
    pub(super) allowlists: Vec<AllowlistEntry>,
}

/// Another rule, which must find something beside what a rule finds.
#[derive(Clone, Debug)]
pub(super) struct RequiredEntry {
    pub(super) spot: Spot,
    pub(super) id: String,
    /// How far away it may be; anywhere in the file if nothing is said.
    pub(super) within_lines: Option<usize>,
    pub(super) within_columns: Option<usize>,
}

/// An allowlist.
#[derive(Clone, Debug)]
pub(super) struct AllowlistEntry {
    pub(super) spot: Spot,
    pub(super) description: Option<String>,
    /// `AND` and not `OR`.
    pub(super) needs_all: bool,
    pub(super) commits: Vec<String>,
    pub(super) paths: Vec<Placed<String>>,
    /// `secret`, `match` or `line`, in lower case.
    pub(super) target: String,
    pub(super) regexes: Vec<Placed<String>>,
    pub(super) stopwords: Vec<String>,
    /// Only those of a whole configuration have it.
    pub(super) rules: Vec<Placed<String>>,
}

impl Document {
    /// Reads a configuration.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let lines = Lines::new(file, text);
        let table = DeTable::parse(text).map_err(|error| Problem {
            spot: lines.spot(error.span().map_or(0, |span| span.start)),
            rule: None,
            reason: error.message().lines().collect::<Vec<_>>().join(" "),
        })?;
        let root = Section::whole(table.get_ref(), &lines);
        let mut document = Self { extend: Extend::default(), rules: Vec::new(), allowlists: root.allowlists()? };
        if let Some(extend) = root.sections("extend")?.first() {
            document.extend = Extend {
                uses_default: extend.flag("usedefault")?,
                path: extend.text("path")?.filter(|path| !path.value.is_empty()),
                cut_off: None,
                url: extend.text("url")?.filter(|url| !url.value.is_empty()).map(|url| url.spot),
                disabled_rules: extend.texts("disabledrules")?,
            };
        }
        for section in root.sections("rules")? {
            let rule = section.rule()?;
            // The last of several counts.
            document.rules.retain(|other| other.id != rule.id);
            document.rules.push(rule);
        }
        Ok(document)
    }

    /// Whether a file in TOML is such a configuration, and no rule file of ours.
    pub(super) fn is_one(text: &str) -> bool {
        let Ok(table) = DeTable::parse(text) else { return false };
        let has = |names: &[&str]| {
            table.get_ref().keys().any(|key| names.iter().any(|name| key.get_ref().eq_ignore_ascii_case(name)))
        };
        has(&["rules", "allowlist", "allowlists", "extend"]) && !has(&["provider", "rule", "vendors"])
    }

    /// Takes over what it builds on: its own rules come first, and what they leave out is that of the same rule there.
    pub(super) fn build_on(&mut self, base: Self) {
        let is_disabled = |id: &str| self.extend.disabled_rules.iter().any(|disabled| disabled.value == id);
        for below in base.rules.into_iter().filter(|rule| !is_disabled(&rule.id)) {
            match self.rules.iter_mut().find(|rule| rule.id == below.id) {
                Some(rule) => rule.build_on(below),
                None => self.rules.push(below),
            }
        }
        self.allowlists.extend(base.allowlists);
        self.extend.uses_default |= base.extend.uses_default;
        self.extend.url = self.extend.url.take().or(base.extend.url);
        self.extend.cut_off = self.extend.cut_off.take().or(base.extend.cut_off);
    }
}

impl RuleEntry {
    fn build_on(&mut self, below: Self) {
        self.description = self.description.take().or(below.description);
        self.regex = self.regex.take().or(below.regex);
        self.path = self.path.take().or(below.path);
        self.entropy = self.entropy.or(below.entropy);
        self.required.extend(below.required);
        if self.secret_group == 0 {
            self.secret_group = below.secret_group;
        }
        self.keywords.extend(below.keywords);
        self.allowlists.extend(below.allowlists);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_told_from_rule_files() {
        for (text, expected) in [
            ("[[rules]]\nid = 'x'", true),
            ("[allowlist]\npaths = []", true),
            ("[[AllowLists]]\npaths = []", true),
            ("[extend]\nuseDefault = true", true),
            ("provider = 'acme'\n[[rules]]\nid = 'x'", false),
            ("provider = 'acme'\n[[rule]]\nid = 'x'", false),
            ("title = 'x'", false),
            ("[[rules]", false),
            ("", false),
        ] {
            assert_eq!(Document::is_one(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_count_in_any_case_and_form() {
        let text = "title = 'x'\n[extend]\nUSEDEFAULT = true\ndisabledRules = 'a'\n[[rules]]\nid = 'acme'\nRegex = 'a(b)'\n\
            secretgroup = 1\nentropy = 3\nKeywords = ['ACME']\nnew-key = 1\n[rules.allowList]\nregexTarget = 'LINE'\n\
            condition = 'and'\n[[rules.allowlists]]\nStopWords = ['x']\n[[rules.required]]\nid = 'y'\n[allowlist]\ncommits = ['C']";
        let document = Document::parse("f", text).unwrap();
        assert!(document.extend.uses_default);
        assert_eq!(document.extend.disabled_rules.len(), 1);
        let [rule] = document.rules.as_slice() else { panic!("one rule") };
        assert_eq!((rule.spot.line, rule.secret_group, rule.entropy), (5, 1, Some(3.0)));
        assert_eq!(rule.keywords, ["acme"]);
        let [first, second] = rule.allowlists.as_slice() else { panic!("two allowlists") };
        assert_eq!((first.needs_all, first.target.as_str(), first.spot.line), (true, "line", 12));
        assert_eq!((second.needs_all, second.target.as_str()), (false, "secret"));
        assert_eq!(document.allowlists.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, reason) in [
            ("[[rules]]\nregex = 'a'", 1, "without `id`"),
            ("[[rules]]\nid = 'a'\nregex = 1", 3, "`regex` must be a string"),
            ("[[rules]]\nid = 'a'\nentropy = '3'", 3, "`entropy` must be a number"),
            ("[[rules]]\nid = 'a'\nsecretGroup = -1", 3, "`secretgroup` must be a whole number"),
            ("[[rules]]\nid = 'a'\nkeywords = [1]", 3, "`keywords` must be a list of strings"),
            ("\nrules = 1", 2, "`rules` must be a table"),
            ("[extend]\nuseDefault = 1", 2, "`usedefault` must be true or false"),
            ("[allowlist]\ncondition = 'XOR'", 2, "`condition` must be one of `OR`, `AND`"),
            ("[allowlist]\nregexTarget = 'file'", 2, "`regextarget` must be one of `secret`, `match`"),
            ("[[rules]\n", 1, ""),
        ] {
            let problem = Document::parse("f", text).expect_err(text);
            assert_eq!(problem.spot.line, line, "{text}");
            assert!(problem.reason.contains(reason), "{text}: {}", problem.reason);
        }
    }

    #[test]
    fn the_last_of_several_rules_with_an_id_counts() {
        let document = Document::parse("f", "[[rules]]\nid = 'a'\n[[rules]]\nid = 'b'\n[[rules]]\nid = 'a'").unwrap();
        let lines: Vec<usize> = document.rules.iter().map(|rule| rule.spot.line).collect();
        assert_eq!(lines, [3, 5]);
    }

    #[test]
    fn rules_build_on_those_of_the_same_id() {
        let parse = |text: &str| Document::parse("f", text).unwrap();
        let mut document = parse("[extend]\ndisabledRules = ['off']\n[[rules]]\nid = 'a'\nkeywords = ['x']");
        document.build_on(parse(
            "[[rules]]\nid = 'a'\nregex = 'r'\nkeywords = ['y']\n[[rules]]\nid = 'off'\n[[rules]]\nid = 'b'\n[allowlist]\npaths = ['p']",
        ));
        let ids: Vec<&str> = document.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(document.rules[0].keywords, ["x", "y"]);
        assert!(document.rules[0].regex.is_some());
        assert_eq!(document.allowlists.len(), 1);
    }
}
