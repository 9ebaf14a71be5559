//! `rescind rules`: what is looked for, and whether one's own rules do what they say.

mod explain;

use std::borrow::Cow;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use serde::Serialize;

use super::exit::{Exit, Hint};
use super::{CommandResult, ListFormat as Format};
use crate::detect::check_examples;
use crate::diagnostic::Diagnostic;
use crate::rules::{Matcher, Required, Rule, RuleError, RuleSet};

/// List, show and check the rules that find credentials
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List all rules
    List {
        /// Add the rules of a file, or of the *.toml files of a directory; those of gitleaks will do (can be repeated)
        #[arg(long, value_name = "PATH")]
        rules: Vec<PathBuf>,
        /// Choose the form of the list
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show everything about one rule
    Show {
        /// The id of the rule, as in the list
        #[arg(value_name = "ID")]
        id: String,
        /// Add the rules of a file, or of the *.toml files of a directory; those of gitleaks will do (can be repeated)
        #[arg(long, value_name = "PATH")]
        rules: Vec<PathBuf>,
        /// Choose the form of the answer
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show what the rules make of a file or line: what is found, and what each filter refuses and why
    Explain {
        /// A file, or a line of it: FILE:LINE
        #[arg(value_name = "FILE[:LINE]")]
        place: String,
        /// Add the rules of a file, or of the *.toml files of a directory; those of gitleaks will do (can be repeated)
        #[arg(long, value_name = "PATH")]
        rules: Vec<PathBuf>,
    },
    /// Check rule files against their own examples; without files, check the rules of the program
    Check {
        /// Rule files, or directories of them; of a configuration of gitleaks, only whether it can be used is checked
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Check these as well (can be repeated)
        #[arg(long, value_name = "PATH")]
        rules: Vec<PathBuf>,
    },
}

pub(crate) fn run(args: &Args) -> CommandResult {
    match &args.command {
        Command::List { rules, format } => list(&load(rules)?, *format),
        Command::Show { id, rules, format } => show(&RuleSet::load(rules)?, id, *format),
        Command::Explain { place, rules } => explain::run(place, rules),
        Command::Check { files, rules } => check(&[files.as_slice(), rules].concat()),
    }
}

/// The rules of the program and those of files, of which it is told what is not used.
fn load(files: &[PathBuf]) -> Result<RuleSet, RuleError> {
    let set = RuleSet::load(files)?;
    tell(&set.notes);
    Ok(set)
}

/// Says on standard error what of the loaded files is not used.
fn tell(notes: &[Diagnostic]) {
    let mut stderr = anstream::stderr().lock();
    for Diagnostic { place, reason, .. } in notes {
        // A closed standard error is no reason to fail.
        let _ = writeln!(stderr, "rescind: {place}: {reason}");
    }
}

fn list(set: &RuleSet, format: Format) -> CommandResult {
    let mut rules: Vec<&Rule> = set.rules.iter().map(AsRef::as_ref).collect();
    rules.sort_by(|a, b| (&a.provider, &a.id).cmp(&(&b.provider, &b.id)));
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &rules.into_iter().map(Shown::new).collect::<Vec<_>>())?;
            writeln!(out)?;
        }
        Format::Text => {
            let width = |column: fn(&Rule) -> usize| rules.iter().map(|rule| column(rule)).max().unwrap_or_default();
            let id = width(|rule| rule.id.len()).max(4);
            let provider = width(|rule| rule.provider.len()).max(8);
            let kind = width(|rule| rule.kind.as_str().len()).max(4);
            writeln!(out, "{:id$}  {:provider$}  {:kind$}  {:8}  TITLE", "RULE", "PROVIDER", "KIND", "SEVERITY")?;
            for rule in rules {
                let (name, kind_name, severity) = (&rule.id, rule.kind.as_str(), rule.severity.as_str());
                writeln!(
                    out,
                    "{name:id$}  {:provider$}  {kind_name:kind$}  {severity:8}  {}",
                    rule.provider, rule.title
                )?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn show(set: &RuleSet, id: &str, format: Format) -> CommandResult {
    let Some(rule) = set.get(id) else {
        let nearest = crate::spelling::nearest(id, set.rules.iter().map(|rule| rule.id.as_str())).map(str::to_owned);
        let error = RuleError::UnknownRule { id: id.to_owned(), nearest };
        return Err(Hint::attach(error, "`rescind rules list` lists all rules"));
    };
    let shown = Shown::new(rule);
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => serde_json::to_writer_pretty(&mut out, &shown)?,
        Format::Text => write!(out, "{}", shown.text())?,
    }
    writeln!(out)?;
    Ok(Exit::Clean)
}

fn check(files: &[PathBuf]) -> CommandResult {
    let (set, examples) = RuleSet::with_examples(files)?;
    tell(&set.notes);
    let borrowed = set.rules.iter().filter(|rule| rule.borrowed.is_some()).count();
    let (count, allowlists) = (set.rules.len() - borrowed, set.allowlists.len());
    let has_borrowed = borrowed + allowlists + set.notes.len() > 0;
    let answers: usize = set.rules.iter().map(|rule| documented_answers(rule)).sum();
    let failures = check_examples(&Arc::new(set), &examples);
    if failures.is_empty() {
        let mut out = anstream::stdout().lock();
        let tried: usize = examples.iter().map(|examples| examples.matches.len() + examples.rejects.len()).sum();
        if count > 0 || !has_borrowed {
            let (hold, its) = if count == 1 { ("rule holds", "its") } else { ("rules hold", "their") };
            let requests =
                if answers == 0 { String::new() } else { format!(", and {its} requests on {answers} answers") };
            writeln!(out, "{count} {hold} on {its} {tried} examples{requests}")?;
        }
        if has_borrowed {
            writeln!(out, "{borrowed} rules and {allowlists} allowlists of gitleaks can be used")?;
        }
        return Ok(Exit::Clean);
    }
    let mut stderr = anstream::stderr().lock();
    for failure in &failures {
        let reason = std::error::Error::source(failure).map(|source| format!(": {source}")).unwrap_or_default();
        writeln!(stderr, "rescind: {failure}{reason}")?;
    }
    Ok(Exit::Usage)
}

/// How many answers to its requests a rule brings along; they were held to while it was read.
fn documented_answers(rule: &Rule) -> usize {
    let check = rule.verify.check.as_ref().map_or(0, |check| check.examples.len());
    check + rule.revoke.call.as_ref().map_or(0, |call| call.examples.len())
}

/// A rule as shown.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    provider: &'a str,
    title: &'a str,
    kind: &'a str,
    confidence: &'a str,
    severity: &'a str,
    file: &'a str,
    anchors: &'a [Cow<'static, str>],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paths: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanner: Option<crate::rules::Scanner>,
    parts: Vec<&'a str>,
    hosts: &'a [String],
    endpoints: &'a crate::rules::Endpoints,
    verify: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_request: Option<String>,
    revoke: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_request: Option<String>,
    blast_radius: &'a str,
    reversible: bool,
    steps: &'a [String],
}

impl<'a> Shown<'a> {
    fn new(rule: &'a Rule) -> Self {
        let keys = match &rule.matcher {
            Matcher::Keys(keys) => keys.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self {
            id: &rule.id,
            provider: &rule.provider,
            title: &rule.title,
            kind: rule.kind.as_str(),
            confidence: rule.confidence.as_str(),
            severity: rule.severity.as_str(),
            file: &rule.file,
            anchors: &rule.anchors,
            paths: rule.borrowed.iter().flat_map(|borrowed| &borrowed.paths).map(regex::bytes::Regex::as_str).collect(),
            required: rule.borrowed.iter().flat_map(|borrowed| &borrowed.required).map(written).collect(),
            pattern: match &rule.matcher {
                Matcher::Pattern(pattern) => Some(Cow::Borrowed(pattern)),
                Matcher::Vendor(key) => Some(Cow::Owned(key.pattern(&rule.anchors))),
                Matcher::Keys(_) | Matcher::Scanner(_) | Matcher::File => None,
            },
            keys,
            scanner: if let Matcher::Scanner(scanner) = rule.matcher { Some(scanner) } else { None },
            parts: rule.parts.iter().map(|part| part.name.as_str()).collect(),
            hosts: &rule.hosts,
            endpoints: &rule.endpoints,
            verify: rule.verify.method.as_str(),
            verify_reason: rule.verify.reason.as_deref(),
            verify_request: rule.verify.check.as_ref().map(|check| check.request.written()),
            revoke: rule.revoke.method.as_str(),
            revoke_request: rule.revoke.call.as_ref().map(|call| call.request.written()),
            undo_request: rule
                .revoke
                .call
                .as_ref()
                .and_then(|call| call.undo.as_ref())
                .map(|undo| undo.request.request.written()),
            blast_radius: rule.revoke.blast_radius.as_str(),
            reversible: rule.revoke.reversible,
            steps: &rule.revoke.steps,
        }
    }

    /// One line for each thing that there is to say.
    fn text(&self) -> String {
        let join = |values: &[String]| values.join(", ");
        let hosts = if self.hosts.is_empty() { "only what the operator trusts".to_owned() } else { join(self.hosts) };
        let scanner = match self.scanner {
            Some(crate::rules::Scanner::Jwt) => "JSON Web Tokens",
            Some(crate::rules::Scanner::Jwk) => "JSON Web Keys",
            None => "",
        };
        let verify = match self.verify_reason.or(self.verify_request.as_deref()) {
            Some(more) => format!("{} ({more})", self.verify),
            None => self.verify.to_owned(),
        };
        let revoke = match &self.revoke_request {
            Some(request) => format!("{} ({request})", self.revoke),
            None => self.revoke.to_owned(),
        };
        let reversible = match (&self.undo_request, self.reversible) {
            (Some(request), _) => format!("yes, by an administrator ({request})"),
            (None, true) => "yes".to_owned(),
            (None, false) => "no".to_owned(),
        };
        let endpoint = |endpoint: &Option<String>| endpoint.clone().unwrap_or_default();
        let lines = [
            ("rule", self.id.to_owned()),
            ("title", self.title.to_owned()),
            ("provider", self.provider.to_owned()),
            ("kind", self.kind.to_owned()),
            ("severity", self.severity.to_owned()),
            ("confidence", self.confidence.to_owned()),
            ("anchors", self.anchors.join(", ")),
            ("looks at paths", self.paths.join(" and ")),
            ("pattern", self.pattern.clone().unwrap_or_default().into_owned()),
            ("beside it", join(&self.required)),
            ("keys", join(&self.keys)),
            ("scanner", scanner.to_owned()),
            ("parts", self.parts.join(", ")),
            ("sent to", hosts),
            ("issuer", endpoint(&self.endpoints.issuer)),
            ("token endpoint", endpoint(&self.endpoints.token)),
            ("revocation", endpoint(&self.endpoints.revocation)),
            ("introspection", endpoint(&self.endpoints.introspection)),
            ("verified by", verify),
            ("revoked by", revoke),
            ("takes down", self.blast_radius.to_owned()),
            ("reversible", reversible),
            ("file", self.file.to_owned()),
        ];
        let mut text: Vec<String> = lines
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name:14}  {value}"))
            .collect();
        text.extend(self.steps.iter().zip(1..).map(|(step, number)| format!("{:14}  {number}. {step}", "")));
        text.join("\n")
    }
}

/// What must stand beside what a rule finds, in words.
fn written(required: &Required) -> String {
    let limit = |limit: Option<usize>, what: &str| limit.map(|limit| format!(" within {limit} {what}"));
    let limits = [limit(required.within_lines, "lines"), limit(required.within_columns, "columns")];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    format!("{}{}", required.name, limits.join(" and"))
}
