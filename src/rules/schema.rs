//! The form of a rule file, and its way to validated [`Rule`]s.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use super::call::{CallEntry, Owner};
use super::error::RuleError;
use super::handling::{Calls, Complete as _, Handling, RevokeEntry, VerifyEntry, names};
use super::rule::{
    Checksum, Details, Encoding, Endpoints, Matcher, PartSpec, RevokeMethod, Rule, Shape, VerifyMethod, Window,
};
use super::sought::{Alphabet, DEFAULT_WINDOW, Scanner};
use super::unnamed::NamedCalls;
use super::vendor::{VendorEntry, VendorKey};
use super::vocabulary;
use crate::diagnostic::Diagnostic;
use crate::finding::{Confidence, Kind, Severity};
use crate::spelling;

/// No rule may look further than this, so that a scan stays linear in what it reads.
pub(super) const LARGEST_WINDOW: usize = 32 * 1024;

/// Shorter anchors stand nearly everywhere.
pub(super) const SHORTEST_ANCHOR: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    provider: Option<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleEntry>,
    #[serde(default)]
    vendors: Vec<VendorEntry>,
    /// The requests that rules of this file name.
    #[serde(default, rename = "check")]
    checks: Vec<CallEntry>,
    #[serde(default, rename = "revocation")]
    revocations: Vec<CallEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: Kind,
    pub(super) confidence: Confidence,
    pub(super) severity: Severity,
    #[serde(default)]
    pub(super) anchors: Vec<String>,
    #[serde(default = "yes")]
    pub(super) case_sensitive: bool,
    pub(super) window: Option<WindowEntry>,
    pub(super) pattern: Option<String>,
    /// What it names of what other rules find, in place of a pattern. Only the table of vendors has it.
    #[serde(skip)]
    pub(super) vendor: Option<VendorKey>,
    pub(super) keys: Option<Vec<String>>,
    pub(super) scanner: Option<Scanner>,
    pub(super) encoding: Option<Encoding>,
    #[serde(default)]
    pub(super) shape: ShapeEntry,
    #[serde(default)]
    pub(super) near: Vec<String>,
    #[serde(default)]
    pub(super) under: Vec<String>,
    #[serde(default)]
    pub(super) except: Vec<String>,
    #[serde(default)]
    pub(super) parts: Vec<PartEntry>,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) endpoints: Endpoints,
    pub(super) verify: Option<VerifyEntry>,
    pub(super) revoke: Option<RevokeEntry>,
    /// Both, where they are not made of the entry.
    #[serde(skip)]
    pub(super) handling: Option<Handling>,
    pub(super) examples: Option<ExamplesEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowEntry {
    pub(super) before: usize,
    pub(super) after: usize,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ShapeEntry {
    pub(super) min_length: usize,
    pub(super) max_length: Option<usize>,
    pub(super) alphabet: Option<Alphabet>,
    pub(super) min_entropy: Option<f64>,
    pub(super) random: bool,
    pub(super) mixed: bool,
    pub(super) checksum: Option<Checksum>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartEntry {
    pub(super) name: String,
    pub(super) keys: Option<Vec<String>>,
    pub(super) pattern: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExamplesEntry {
    #[serde(default)]
    pub(super) matches: Vec<String>,
    #[serde(default)]
    pub(super) rejects: Vec<String>,
}

/// What is wrong with an entry.
#[derive(Debug)]
pub(super) struct EntryError(pub(super) &'static str);

/// The examples of one rule, as written: templates are not expanded yet.
pub struct Examples {
    /// Id of the rule.
    pub rule: String,
    /// Texts that the rule must find something in.
    pub matches: Vec<String>,
    /// Texts that it must find nothing in.
    pub rejects: Vec<String>,
}

/// A rule file that was read.
pub(super) struct Parsed {
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) examples: Vec<Examples>,
    /// What of the file is not used.
    pub(super) notes: Vec<Diagnostic>,
}

/// How much of a rule file to test.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Part of the binary: the project's own tests have checked it, so that start-up need not.
    BuiltIn,
    /// An operator's: everything is checked, patterns are compiled.
    Operator,
}

fn yes() -> bool {
    true
}

/// Reads a rule file and checks everything in it.
pub(super) fn parse(file: &str, text: &str) -> Result<Parsed, RuleError> {
    let entries: RuleFile = toml::from_str(text).map_err(|error| syntax_error(file, text, &error))?;
    let mut parsed = Parsed {
        rules: Vec::with_capacity(entries.rules.len() + entries.vendors.len()),
        examples: Vec::new(),
        notes: Vec::new(),
    };
    let named = NamedCalls::by(&entries.rules);
    let calls = Calls { checks: &entries.checks, revocations: &entries.revocations };
    let mut convert = |context: Context<'_>, entry: RuleEntry, provider: &str| {
        let (rule, examples) = context.convert(entry, provider, &calls)?;
        parsed.rules.push(Arc::new(rule));
        parsed.examples.push(examples);
        Ok::<(), RuleError>(())
    };
    for entry in entries.rules {
        let context = Context { file, text, id: entry.id.clone(), name: entry.id.clone() };
        let Some(provider) = &entries.provider else {
            return Err(context.fail(None, "the file names no `provider`"));
        };
        convert(context, entry, provider)?;
    }
    for entry in entries.vendors {
        let (provider, id) = entry.names();
        let context = Context { file, text, id, name: entry.name.clone() };
        let entry = entry.rule(&context.id, true).map_err(|EntryError(reason)| context.fail(None, reason))?;
        convert(context, entry, &provider)?;
    }
    parsed.notes = named.notes_of_others(file, text, &entries.checks, &entries.revocations)?;
    Ok(parsed)
}

/// Turns the parser's error into one that names line and nearest spelling, and does not quote the file.
fn syntax_error(file: &str, text: &str, error: &toml::de::Error) -> RuleError {
    let message = error.message();
    let mut names = message.split('`').skip(1).step_by(2);
    let nearest = match names.next() {
        Some(wrong) if message.starts_with("unknown") => spelling::nearest(wrong, names).map(str::to_owned),
        _ => None,
    };
    let reason = match message.split_once(", expected") {
        Some((start, _)) if nearest.is_some() => start.to_owned(),
        _ => message.lines().collect::<Vec<_>>().join(" "),
    };
    RuleError::Syntax { file: file.to_owned(), line: line_of(text, error.span()), reason, nearest }
}

pub(super) fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let end = span.map_or(0, |span| span.start);
    text.bytes().take(end).filter(|byte| *byte == b'\n').count() + 1
}

/// What an error about one rule needs to know.
pub(super) struct Context<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) id: String,
    /// What the entry is found by in the text: its id or its name.
    pub(super) name: String,
}

impl Context<'_> {
    /// An error in the rule, at the line where that stands in it, or where its id stands.
    fn fail(&self, at: Option<&str>, reason: impl Into<String>) -> RuleError {
        let id = ['"', '\''].iter().find_map(|quote| self.text.find(&format!("{quote}{}{quote}", self.name)));
        let within = id.and_then(|id| self.text.get(id..)).unwrap_or(self.text);
        let offset = at.and_then(|at| within.find(at)).unwrap_or(0);
        let place = id.unwrap_or(0) + offset;
        RuleError::Rule {
            file: self.file.to_owned(),
            line: line_of(self.text, Some(place..place)),
            id: self.id.clone(),
            reason: reason.into(),
        }
    }

    fn convert(&self, mut entry: RuleEntry, provider: &str, calls: &Calls<'_>) -> Result<(Rule, Examples), RuleError> {
        let examples = entry.examples.take().unwrap_or(ExamplesEntry { matches: Vec::new(), rejects: Vec::new() });
        let examples = Examples { rule: self.id.clone(), matches: examples.matches, rejects: examples.rejects };
        let matcher = self.matcher(&mut entry)?;
        let mut anchors: Vec<Cow<'static, str>> =
            std::mem::take(&mut entry.anchors).into_iter().map(Cow::Owned).collect();
        if anchors.is_empty() {
            anchors = match &matcher {
                Matcher::Keys(_) => {
                    let keys = vocabulary::key_words(entry.keys.as_deref().unwrap_or_default());
                    vocabulary::anchors(&keys).into_iter().map(Cow::Owned).collect()
                }
                Matcher::Scanner(scanner) => scanner.anchors().iter().copied().map(Cow::Borrowed).collect(),
                Matcher::Pattern(_) | Matcher::Vendor(_) | Matcher::File => Vec::new(),
            };
        }
        let (before, after) = entry.window.as_ref().map_or(DEFAULT_WINDOW, |window| (window.before, window.after));
        let anchors_are_case_sensitive = entry.case_sensitive && !matches!(matcher, Matcher::Keys(_));
        let details = self.details(entry, Trust::Operator, calls)?;
        let rule = Rule {
            id: self.id.clone(),
            provider: provider.to_owned(),
            anchors,
            anchors_are_case_sensitive,
            window: Window { before, after },
            matcher,
            lengths: (details.shape.min_length, details.shape.max_length),
            has_exceptions: !details.except.is_empty(),
            file: self.file.to_owned().into(),
            is_built_in: false,
            borrowed: None,
            details: Box::new(details).into(),
        };
        self.validate(&rule)?;
        Ok((rule, examples))
    }

    /// All but what a rule looks for.
    pub(super) fn details(&self, entry: RuleEntry, trust: Trust, calls: &Calls<'_>) -> Result<Details, RuleError> {
        let (verify, revoke) = match (entry.handling, entry.verify, entry.revoke) {
            (Some(handling), ..) => handling,
            (None, Some(verify), Some(revoke)) => {
                let pattern = entry.pattern.as_deref().filter(|_| entry.keys.is_none());
                let owner = Owner { hosts: &entry.hosts, names: names(&entry.parts, pattern) };
                let verify = verify.complete(calls, Some(&owner)).map_err(|reason| self.fail(None, reason))?;
                let revoke = revoke.complete(calls, Some(&owner)).map_err(|reason| self.fail(None, reason))?;
                (verify.into(), revoke.into())
            }
            (None, None, _) => return Err(self.fail(None, "`verify` is missing")),
            (None, _, None) => return Err(self.fail(None, "`revoke` is missing")),
        };
        Ok(Details {
            title: entry.title,
            kind: entry.kind,
            confidence: entry.confidence,
            severity: entry.severity,
            encoding: entry.encoding,
            shape: Shape {
                min_length: entry.shape.min_length,
                max_length: entry.shape.max_length,
                alphabet: entry.shape.alphabet,
                min_entropy: entry.shape.min_entropy,
                random: entry.shape.random,
                mixed: entry.shape.mixed,
                pattern: entry.pattern.filter(|_| entry.keys.is_some()),
                checksum: entry.shape.checksum,
            },
            near: entry.near.into_iter().map(|word| word.to_ascii_lowercase()).collect(),
            under: entry.under.into_iter().map(|word| word.to_ascii_lowercase()).collect(),
            except: entry.except,
            parts: entry.parts.into_iter().map(|part| self.part(part, trust)).collect::<Result<_, _>>()?,
            hosts: entry.hosts,
            endpoints: entry.endpoints,
            verify,
            revoke,
        })
    }

    /// How a match is found.
    fn matcher(&self, entry: &mut RuleEntry) -> Result<Matcher, RuleError> {
        if let Some(key) = entry.vendor.take() {
            return Ok(Matcher::Vendor(key));
        }
        let keys = entry.keys.as_deref();
        if let Some(pattern) = &entry.pattern {
            let regex = super::compile(pattern).map_err(|error| self.fail(Some(pattern), regex_reason(&error)))?;
            if keys.is_none() && !regex.capture_names().flatten().any(|name| name == "secret") {
                return Err(self.fail(Some(pattern), "`pattern` has no group named `secret`"));
            }
            // Reports show parts.
            let is_secret =
                |name: &&str| ["secret", "password", "token", "private"].iter().any(|word| name.contains(word));
            let is_value = |name: &str| {
                name.strip_prefix("secret")
                    .is_some_and(|rest| rest.trim_start_matches('_').bytes().all(|b| b.is_ascii_digit()))
            };
            if let Some(name) = regex.capture_names().flatten().filter(is_secret).find(|name| !is_value(name)) {
                return Err(
                    self.fail(Some(pattern), format!("group `{name}` would be shown in reports: only `secret` is not"))
                );
            }
        }
        match (&entry.pattern, keys, entry.scanner) {
            (Some(pattern), None, None) => Ok(Matcher::Pattern(pattern.clone().into())),
            (_, Some(keys), None) => {
                let keys = vocabulary::key_words(keys);
                Ok(Matcher::Keys(keys.iter().map(|words| words.join(" ").into()).collect()))
            }
            (None, None, Some(scanner)) => Ok(Matcher::Scanner(scanner)),
            _ => Err(self.fail(
                None,
                "exactly one of `pattern`, `keys` and `scanner` must be given (`keys` may have a `pattern`)",
            )),
        }
    }

    fn part(&self, part: PartEntry, trust: Trust) -> Result<PartSpec, RuleError> {
        let needs_key = part.pattern.is_none() || part.keys.as_ref().is_some_and(|keys| !keys.is_empty());
        let keys = match part.keys {
            Some(keys) => vocabulary::key_words(&keys),
            None => vocabulary::part_keys(&part.name).ok_or_else(|| {
                self.fail(None, format!("part `{}` needs `keys`: it is none of the known", part.name))
            })?,
        };
        if let (Some(pattern), Trust::Operator) = (&part.pattern, trust) {
            super::compile(pattern).map_err(|error| self.fail(Some(pattern), regex_reason(&error)))?;
        }
        Ok(PartSpec { name: part.name, keys, pattern: part.pattern, needs_key })
    }

    fn validate(&self, rule: &Rule) -> Result<(), RuleError> {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if rule.id.is_empty() || !rule.id.bytes().all(kebab) {
            return Err(self.fail(None, "`id` must be lower-case words joined by `-`"));
        }
        if rule.title.trim().is_empty() {
            return Err(self.fail(None, "`title` is empty"));
        }
        if rule.anchors.is_empty() {
            return Err(self.fail(None, "`anchors` is empty: without a literal a rule cannot be found"));
        }
        if let Some(short) = rule.anchors.iter().find(|anchor| anchor.len() < SHORTEST_ANCHOR) {
            return Err(self.fail(None, format!("anchor `{short}` is shorter than three bytes")));
        }
        if rule.window.before > LARGEST_WINDOW || rule.window.after > LARGEST_WINDOW {
            return Err(self.fail(None, format!("`window` is larger than {LARGEST_WINDOW} bytes")));
        }
        if rule.verify.method == VerifyMethod::None && rule.verify.reason.is_none() {
            return Err(self.fail(None, "`verify` with method `none` needs a `reason`"));
        }
        if rule.revoke.method != RevokeMethod::Rfc7009 && rule.revoke.steps.is_empty() {
            return Err(
                self.fail(None, "`revoke` with this method needs `steps`: what a person does when there is no call")
            );
        }
        let endpoints = &rule.endpoints;
        for endpoint in [&endpoints.issuer, &endpoints.token, &endpoints.revocation, &endpoints.introspection] {
            let Some(endpoint) = endpoint else { continue };
            let host = url::Url::parse(endpoint)
                .ok()
                .filter(|url| url.scheme() == "https")
                .and_then(|url| url.host_str().map(str::to_owned));
            match host {
                Some(host) if rule.hosts.contains(&host) => {}
                Some(host) => return Err(self.fail(None, format!("`{host}` is not among the rule's `hosts`"))),
                None => return Err(self.fail(None, format!("`{endpoint}` is not an https URL"))),
            }
        }
        Ok(())
    }
}

/// The last line of a pattern error says what is wrong; those before it draw a picture.
pub(super) fn regex_reason(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim();
    format!("bad pattern: {}", reason.strip_prefix("error: ").unwrap_or(reason))
}
