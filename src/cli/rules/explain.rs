//! `rescind rules explain FILE:LINE`: what the rules make of a line, and why.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::scan::read_allowlists;
use crate::cli::{CommandResult, Exit};
use crate::detect::{Candidate, Detector, Filter};
use crate::finding::FingerprintKey;
use crate::rules::{RuleSet, Whereabouts, names};

/// The most of a file that is looked at.
const LARGEST: u64 = 64 * 1024 * 1024;

/// How many rules are named that a filter speaks for.
const FEW: usize = 8;

/// What is wrong with the place that is asked about.
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    #[error("cannot read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` is larger than {} MiB", .0.display(), LARGEST / 1024 / 1024)]
    Large(PathBuf),
    #[error("`{}` has {lines} lines, not {line}", path.display())]
    Line { path: PathBuf, lines: usize, line: usize },
}

/// What is told of a value: what found it, and for each filter the rules that it refused it for.
type Told<'a> = (Vec<String>, BTreeMap<Filter, Vec<&'a str>>);

pub(super) fn run(place: &str, files: &[PathBuf]) -> CommandResult {
    let mut rules = super::load(files)?;
    // What a scan of this directory would obey.
    super::tell(&read_allowlists(&[PathBuf::from(".")], files, &mut rules));
    let rules = Arc::new(rules);
    let (path, line) = split(place);
    let bytes = read(&path)?;
    let starts: Vec<usize> = std::iter::once(0).chain(memchr::memchr_iter(b'\n', &bytes).map(|end| end + 1)).collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start <= offset);
    if let Some(line) = line.filter(|line| *line > starts.len()) {
        return Err(ExplainError::Line { path, lines: starts.len(), line }.into());
    }
    let (candidates, refusals) = Detector::new(Arc::clone(&rules), FingerprintKey::default()).explain(&bytes);
    let is_asked =
        |span: &Range<usize>| line.is_none_or(|line| (line_of(span.start)..=line_of(span.end)).contains(&line));
    let mut places: BTreeMap<(usize, usize), Told<'_>> = BTreeMap::new();
    for found in candidates.iter().filter(|found| is_asked(&found.span)) {
        let place = Whereabouts { target: 0, root: b".", path: path.as_os_str().as_encoded_bytes(), commit: None };
        let told = of_candidate(found, &rules, &place);
        places.entry((found.span.start, found.span.end)).or_default().0.push(told);
    }
    for refusal in refusals.iter().filter(|refusal| is_asked(&refusal.span)) {
        let (_, filters) = places.entry((refusal.span.start, refusal.span.end)).or_default();
        filters.entry(refusal.filter).or_default().push(&refusal.rule);
    }
    let mut out = anstream::stdout().lock();
    if places.is_empty() {
        writeln!(out, "{place}: no rule matches anything here")?;
    }
    for ((start, end), (found, filters)) in places {
        let line = line_of(start);
        let column = start + 1 - starts.get(line - 1).copied().unwrap_or_default();
        writeln!(out, "{}:{line}:{column}: a value of {} bytes", path.display(), end - start)?;
        for text in found {
            writeln!(out, "  {text}")?;
        }
        let (general, telling): (Vec<_>, Vec<_>) =
            filters.into_iter().partition(|(filter, _)| matches!(filter, Filter::Shape | Filter::Context));
        for (filter, rules) in telling.into_iter().chain(general) {
            writeln!(out, "  refused by filter `{}`: {}", filter.as_str(), filter.explanation())?;
            writeln!(out, "    for {}", listed(&rules))?;
        }
    }
    Ok(Exit::Clean)
}

/// A file, and a line of it if there is no file of the whole name.
fn split(place: &str) -> (PathBuf, Option<usize>) {
    let whole = PathBuf::from(place);
    match place.rsplit_once(':') {
        Some((path, line)) if !whole.exists() => match line.parse() {
            Ok(line) if line > 0 => (PathBuf::from(path), Some(line)),
            _ => (whole, None),
        },
        _ => (whole, None),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ExplainError> {
    let failed = |source| ExplainError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs_err::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST { Err(ExplainError::Large(path.to_owned())) } else { Ok(bytes) }
}

fn of_candidate(found: &Candidate, rules: &RuleSet, place: &Whereabouts<'_>) -> String {
    let mut told = format!(
        "found by `{}`: {} of {} bytes, confidence {}",
        found.rule.id,
        found.rule.title,
        found.span.len(),
        found.confidence.as_str(),
    );
    if found.is_allowed {
        told.push_str(", allowed by a comment");
    }
    if !found.rule.looks_at(names(place.path, place.root)) {
        told.push_str(", but its rule looks at other paths only");
    }
    if let Some(allowlist) = rules.allowlists.allowing(&found.rule.id, &found.agreeing, place) {
        told.extend([", allowed by `", &allowlist.name, "` (", &allowlist.file, ")"]);
    }
    told
}

/// The first few names, and how many more there are.
fn listed(rules: &[&str]) -> String {
    match rules.split_at_checked(FEW) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        _ => rules.join(", "),
    }
}
