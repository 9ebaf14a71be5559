//! What becomes of the rules and allowlists of a configuration.

use std::collections::BTreeSet;

use regex::bytes::Regex;

use super::anchors;
use super::document::{AllowlistEntry, Document, Placed, Problem, RuleEntry, Spot};
use super::required::{self, Requirements};
use super::syntax::{self, Groups};
use crate::finding::{Confidence, Kind, Severity, escape};
use crate::rules::allowlist::{Allowlist, Subject};
use crate::rules::rule::{
    BlastRadius, Borrowed, Deferred, Details, Endpoints, Matcher, Revoke, RevokeMethod, Rule, Shape, Verify,
    VerifyMethod, Window,
};
use crate::rules::schema::regex_reason;
use crate::rules::{self, RuleSet};

/// The provider of rules that were written for gitleaks: it has no such thing.
const PROVIDER: &str = "custom";

/// Longer descriptions are cut off, at a comma or full stop if there is one.
const LONGEST_NAME: usize = 60;

/// What becomes of a rule.
pub(super) enum Converted {
    /// It can be used, but not all of it.
    Rule(Box<Rule>, Option<String>),
    /// It cannot, for this reason.
    Unusable(String),
    /// It says nothing that is of use here.
    Nothing,
}

/// Makes a rule of ours of an entry of a configuration, under an id that is free in the set.
pub(super) fn rule(entry: &RuleEntry, document: &Document, set: &RuleSet) -> Result<Converted, Problem> {
    let path = path(entry)?;
    let Some(regex) = &entry.regex else {
        return Ok(match path {
            Some(_) if entry.skips_report => Converted::Nothing,
            Some(path) => {
                let ignored = "looks at paths alone: what it requires beside it is not looked for";
                let note = (!entry.required.is_empty()).then(|| ignored.to_owned());
                Converted::Rule(Box::new(of_files(entry, path, set)), note)
            }
            // It changes a rule of gitleaks itself; its allowlists may be of use.
            None if !entry.allowlists.is_empty() => Converted::Nothing,
            None => Converted::Unusable("has no `regex`".to_owned()),
        });
    };
    let (pattern, _) = compiled(entry, regex)?;
    if entry.skips_report {
        return Ok(Converted::Nothing);
    }
    let Some(found) = anchors::of(&pattern, &entry.keywords) else {
        let reason = "has no keyword, and no text in its `regex`, of three characters to look for";
        return Ok(Converted::Unusable(reason.to_owned()));
    };
    let Requirements { required, paths, absent } = required::of(entry, document, set)?;
    if !absent.is_empty() {
        return Ok(Converted::Unusable(format!("requires what no rule here finds: {}", absent.join(", "))));
    }
    let note = found.are_partial.then(|| "is used without what has less than three characters to look for".to_owned());
    let paths: Vec<Regex> = path.into_iter().chain(paths).collect();
    // What its allowlists allow is nothing to this rule alone: others may still speak for the same bytes.
    let gives_way = !paths.is_empty() || !entry.allowlists.is_empty();
    let rule = Rule {
        anchors: found.texts.into_iter().map(Into::into).collect(),
        window: found.window,
        matcher: Matcher::Pattern(pattern.into()),
        borrowed: Some(Box::new(Borrowed { name: entry.id.clone(), paths, gives_way, required })),
        ..unlooked_for(entry, Kind::ApiKey, set, |details| details.shape = shape(entry))
    };
    Ok(Converted::Rule(Box::new(rule), note))
}

/// A rule that reports files by their paths alone.
fn of_files(entry: &RuleEntry, path: Regex, set: &RuleSet) -> Rule {
    let (name, paths) = (entry.id.clone(), vec![path]);
    Rule {
        borrowed: Some(Box::new(Borrowed { name, paths, gives_way: true, required: Vec::new() })),
        ..unlooked_for(entry, Kind::File, set, |details| {
            details.revoke = Deferred::from(by_hand([
                "Find out what the file gives access to, and replace that where it was made.",
                "Take the file out of the places where it was found.",
            ]));
        })
    }
}

fn by_hand(steps: [&str; 2]) -> Revoke {
    Revoke {
        method: RevokeMethod::Manual,
        blast_radius: BlastRadius::Key,
        reversible: false,
        steps: steps.map(str::to_owned).into(),
        call: None,
    }
}

/// The regular expression of an entry in our syntax, as text and compiled.
pub(super) fn compiled(entry: &RuleEntry, regex: &Placed<String>) -> Result<(String, Regex), Problem> {
    let groups = if entry.secret_group == 0 { Groups::First } else { Groups::Numbered(entry.secret_group) };
    let bad = |reason| wrong(entry, &regex.spot, format!("bad pattern: {reason}"));
    let pattern = syntax::translated(&regex.value, groups).map_err(bad)?;
    let compiled = rules::compile(&pattern).map_err(|error| wrong(entry, &regex.spot, regex_reason(&error)))?;
    Ok((pattern, compiled))
}

/// What the paths of files must match for an entry.
pub(super) fn path(entry: &RuleEntry) -> Result<Option<Regex>, Problem> {
    let compile = |path: &Placed<String>| {
        let pattern = self::pattern(path).map_err(|problem| Problem { rule: Some(entry.id.clone()), ..problem })?;
        rules::compile(&pattern).map_err(|error| wrong(entry, &path.spot, regex_reason(&error)))
    };
    entry.path.as_ref().map(compile).transpose()
}

/// What the values of an entry look like. What has exactly the entropy that is given is refused.
pub(super) fn shape(entry: &RuleEntry) -> Shape {
    Shape { min_entropy: entry.entropy.map(f64::next_up), ..Shape::default() }
}

fn wrong(entry: &RuleEntry, spot: &Spot, reason: String) -> Problem {
    Problem { spot: spot.clone(), rule: Some(entry.id.clone()), reason }
}

/// A rule for an entry that does not yet tell what it looks for, with what is special about its details.
fn unlooked_for(entry: &RuleEntry, kind: Kind, set: &RuleSet, specialize: impl FnOnce(&mut Details)) -> Rule {
    let id = free_id(&entry.id, set);
    let mut details = Details {
        title: entry.description.as_deref().and_then(name).unwrap_or_else(|| id.clone()),
        kind,
        confidence: Confidence::Medium,
        severity: Severity::High,
        encoding: None,
        shape: Shape::default(),
        near: Vec::new(),
        under: Vec::new(),
        except: Vec::new(),
        parts: Vec::new(),
        hosts: Vec::new(),
        endpoints: Endpoints::default(),
        verify: Deferred::from(Verify {
            method: VerifyMethod::None,
            reason: Some("a rule of gitleaks does not tell whom to ask".to_owned()),
            check: None,
        }),
        revoke: Deferred::from(by_hand([
            "Find out who issued it, and make a new one there.",
            "Give the new one to whatever uses the leaked one, and delete that.",
        ])),
    };
    specialize(&mut details);
    Rule {
        id,
        provider: PROVIDER.to_owned(),
        anchors: Vec::new(),
        anchors_are_case_sensitive: false,
        window: Window { before: 0, after: 0 },
        matcher: Matcher::File,
        lengths: (details.shape.min_length, details.shape.max_length),
        has_exceptions: !details.except.is_empty(),
        file: entry.spot.file.to_string().into(),
        is_built_in: false,
        borrowed: None,
        details: Box::new(details).into(),
    }
}

/// Its own id as far as it can be shown, if no other rule has it.
fn free_id(id: &str, set: &RuleSet) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain: String = id.trim().chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let prefixed = format!("gitleaks-{plain}");
    let numbered = (2..).map(|number: usize| format!("{prefixed}-{number}"));
    let mut ids = [plain, prefixed.clone()].into_iter().chain(numbered);
    ids.find(|id| set.get(id).is_none()).unwrap_or(prefixed)
}

/// A description on one line, of bounded length. `None` if it says nothing.
fn name(description: &str) -> Option<String> {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = escape(line.trim_end_matches('.').as_bytes()).into_owned();
    let Some((end, _)) = line.char_indices().nth(LONGEST_NAME) else { return (!line.is_empty()).then_some(line) };
    let start = line.get(..end).unwrap_or_default();
    Some(match start.rfind([',', '.', ';', ':']) {
        Some(clause) if clause > 0 => start.get(..clause).unwrap_or_default().to_owned(),
        _ => format!("{}…", start.rsplit_once(' ').map_or(start, |(words, _)| words)),
    })
}

/// Makes an allowlist of ours of an entry, which is that of a rule or of the whole configuration. Also names the rules that it is
/// for and that are not in the set.
///
/// What a rule of the configuration finds may be required without being reported: the list is for that under its own name.
pub(super) fn allowlist(
    entry: &AllowlistEntry,
    rule: Option<&str>,
    document: &Document,
    set: &RuleSet,
) -> Result<(Allowlist, Vec<String>), Problem> {
    let wanted: Vec<&str> = rule.into_iter().chain(entry.rules.iter().map(|rule| rule.value.as_str())).collect();
    let is_required = |id: &str| document.rules.iter().flat_map(|rule| &rule.required).any(|wanted| wanted.id == id);
    let missing = wanted.iter().filter(|id| ids(id, set).is_empty() && !is_required(id));
    let missing = missing.map(|&id| id.to_owned()).collect();
    let patterns = |texts: &[Placed<String>]| -> Result<Vec<String>, Problem> {
        let patterns = texts.iter().filter(|text| !text.value.is_empty()).map(pattern);
        patterns
            .map(|pattern| pattern.map_err(|problem| Problem { rule: rule.map(str::to_owned), ..problem }))
            .collect()
    };
    let list = Allowlist {
        name: entry.description.as_deref().and_then(name).unwrap_or_else(|| "allowlist".to_owned()),
        file: format!("{} line {}", entry.spot.file, entry.spot.line),
        rules: (!wanted.is_empty()).then(|| {
            let own = wanted.iter().map(|&id| required::name_of(id));
            wanted.iter().flat_map(|id| ids(id, set)).chain(own).collect()
        }),
        needs_all: entry.needs_all,
        commits: entry.commits.iter().map(|commit| commit.trim().to_ascii_lowercase()).collect(),
        paths: patterns(&entry.paths)?,
        subject: match entry.target.as_str() {
            "match" => Subject::Match,
            "line" => Subject::Line,
            _ => Subject::Secret,
        },
        patterns: patterns(&entry.regexes)?,
        words: entry.stopwords.iter().filter(|word| !word.is_empty()).cloned().collect(),
    };
    Ok((list, missing))
}

/// A regular expression in our syntax, over bytes. Whether it is too large is told when all are compiled together.
fn pattern(expression: &Placed<String>) -> Result<String, Problem> {
    let bad = |reason| Problem { spot: expression.spot.clone(), rule: None, reason };
    let pattern = syntax::translated(&expression.value, Groups::Ignored);
    let pattern = pattern.map_err(|reason| bad(format!("bad pattern: {reason}")))?;
    rules::parse(&pattern).map(|_| pattern).map_err(|error| bad(regex_reason(&error)))
}

/// The rules of the set that an id of gitleaks stands for: those that it names; and where there is none, those of the provider
/// that it begins with, because gitleaks' own rules have other names here: `generic-api-key` for those of no provider.
pub(super) fn ids(id: &str, set: &RuleSet) -> BTreeSet<String> {
    let is_named = |rule: &Rule| rule.id == id || rule.borrowed.as_ref().is_some_and(|borrowed| borrowed.name == id);
    let named: BTreeSet<String> = set.rules.iter().filter(|rule| is_named(rule)).map(|rule| rule.id.clone()).collect();
    if !named.is_empty() {
        return named;
    }
    let begins = |provider: &str| id.strip_prefix(provider).is_some_and(|rest| rest.starts_with('-'));
    let of_provider = set.rules.iter().filter(|rule| begins(&rule.provider));
    let longest = of_provider.clone().map(|rule| rule.provider.len()).max().unwrap_or_default();
    of_provider.filter(|rule| rule.provider.len() == longest).map(|rule| rule.id.clone()).collect()
}
