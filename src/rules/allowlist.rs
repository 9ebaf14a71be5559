//! [`Allowlists`]: findings that whoever wrote a configuration does not want to hear of, by what they are and where they stand.
//!
//! What is found knows no place, and a place no content. So an allowlist is asked twice: the detector asks which lists have no
//! objection left to the content ([`Allowlists::agreeing`]), and whoever knows the place asks whether one of them allows it
//! there ([`Allowlists::allowing`]).

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::PATTERN_SIZE_LIMIT;

/// Memory that the patterns of a sort may take of a file that the user names.
const LARGEST_NAMED: usize = 2 * PATTERN_SIZE_LIMIT;

/// The same for a file in the scanned content, which may be made to cost time for each state and byte: those for paths, which are
/// read once for many findings, and all others.
const LARGEST_IN_CONTENT: [usize; 2] = [2 * 1024 * 1024, 128 * 1024];

/// No pattern reads more than so many bytes.
const LONGEST: usize = 8 * 1024;

/// The allowlists of a run.
#[derive(Debug, Default)]
pub struct Allowlists {
    files: Vec<AllowlistFile>,
    /// Those of all files, one file after the other.
    lists: Vec<Allowlist>,
}

/// One allowlist.
#[derive(Debug, Default)]
pub struct Allowlist {
    /// What it is for, as its author says, or where it stands.
    pub name: String,
    /// The file that it stands in.
    pub file: String,
    /// Ids of the rules that it is for; all if there are none.
    pub(super) rules: Option<BTreeSet<String>>,
    /// Whether all of its demands must be met; otherwise one is enough.
    pub(super) needs_all: bool,
    /// Ids of commits, in lower case.
    pub(super) commits: BTreeSet<String>,
    /// Regular expressions for paths.
    pub(super) paths: Vec<String>,
    /// What the other regular expressions are for.
    pub(super) subject: Subject,
    /// Regular expressions for the subject.
    pub(super) patterns: Vec<String>,
    /// Words that stand in the secret, in any case.
    pub(super) words: Vec<String>,
}

/// What the patterns of an allowlist are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Subject {
    /// The secret.
    #[default]
    Secret,
    /// All that the rule's pattern matched.
    Match,
    /// The lines that the match stands on.
    Line,
}

/// The content of something found, as far as allowlists ask for it.
#[derive(Clone, Copy)]
pub(crate) struct Content<'a> {
    /// Id of its rule.
    pub(crate) rule: &'a str,
    pub(crate) secret: &'a [u8],
    /// All that the rule's pattern matched.
    pub(crate) matched: &'a [u8],
    pub(crate) lines: &'a [u8],
}

/// A place of something found, as far as allowlists ask for it.
#[derive(Clone, Copy)]
pub(crate) struct Whereabouts<'a> {
    /// Which of the scanned targets it stands in.
    pub(crate) target: usize,
    /// The path of that target.
    pub(crate) root: &'a [u8],
    /// The path, as reports show it.
    pub(crate) path: &'a [u8],
    /// Id of the commit.
    pub(crate) commit: Option<&'a str>,
}

/// What is compiled of the allowlists of one file. All patterns of a sort are searched for in one pass.
struct AllowlistFile {
    /// The target that brought the file along, for whose findings alone it is; `None` if the user named the file.
    target: Option<usize>,
    /// Its lists, by number.
    numbers: Range<usize>,
    paths: Patterns,
    /// The path that was asked about last and its target, and the lists that have a pattern for it: findings come file by file.
    last_path: Mutex<(Vec<u8>, usize, BTreeSet<usize>)>,
    secrets: Patterns,
    matches: Patterns,
    lines: Patterns,
    words: Option<AhoCorasick>,
    /// The list of each word.
    word_lists: Vec<usize>,
}

/// Patterns, and the list that each belongs to.
#[derive(Default)]
struct Patterns {
    set: RegexSet,
    lists: Vec<usize>,
}

impl Patterns {
    fn new<'a>(patterns: impl Iterator<Item = (usize, &'a String)>, limit: usize) -> Result<Self, regex::Error> {
        let (lists, patterns): (Vec<usize>, Vec<&String>) = patterns.unzip();
        let set = RegexSetBuilder::new(patterns).unicode(false).size_limit(limit).dfa_size_limit(limit).build()?;
        Ok(Self { set, lists })
    }

    /// Adds the lists of which a pattern matches.
    fn add_matching(&self, text: &[u8], to: &mut BTreeSet<usize>) {
        if !self.lists.is_empty() {
            let text = text.get(..LONGEST).unwrap_or(text);
            to.extend(self.set.matches(text).into_iter().filter_map(|index| self.lists.get(index)));
        }
    }
}

impl Allowlists {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Adds the allowlists of a file; `target` is the scanned target that it was found in, if it was. Each pattern is valid.
    ///
    /// # Errors
    /// The patterns take too much memory together; nothing is added.
    pub(super) fn add(&mut self, lists: Vec<Allowlist>, target: Option<usize>) -> Result<(), regex::Error> {
        let [path_limit, limit] = if target.is_some() { LARGEST_IN_CONTENT } else { [LARGEST_NAMED; 2] };
        let first = self.lists.len();
        let numbered = || (first..).zip(&lists);
        let patterns = |subject: Subject| {
            let lists = numbered().filter(move |(_, list)| list.subject == subject);
            let patterns = lists.flat_map(|(number, list)| list.patterns.iter().map(move |pattern| (number, pattern)));
            Patterns::new(patterns, limit)
        };
        let paths = numbered().flat_map(|(number, list)| list.paths.iter().map(move |path| (number, path)));
        let words = numbered().flat_map(|(number, list)| list.words.iter().map(move |word| (number, word)));
        let (word_lists, words): (Vec<usize>, Vec<&String>) = words.unzip();
        let words = if words.is_empty() {
            None
        } else {
            // A pattern that is too large is the only thing that this can refuse, and files are bounded.
            AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
        };
        let (paths, secrets, matches) =
            (Patterns::new(paths, path_limit)?, patterns(Subject::Secret)?, patterns(Subject::Match)?);
        let lines = patterns(Subject::Line)?;
        let numbers = first..first + lists.len();
        self.files.push(AllowlistFile {
            target,
            numbers,
            paths,
            last_path: Mutex::default(),
            secrets,
            matches,
            lines,
            words,
            word_lists,
        });
        self.lists.extend(lists);
        Ok(())
    }

    /// The lists that the content does not keep from allowing it, by number, for [`Allowlists::allowing`].
    pub(crate) fn agreeing(&self, content: &Content<'_>) -> Vec<usize> {
        let (mut by_pattern, mut by_word) = (BTreeSet::new(), BTreeSet::<usize>::new());
        for file in &self.files {
            file.secrets.add_matching(content.secret, &mut by_pattern);
            file.matches.add_matching(content.matched, &mut by_pattern);
            file.lines.add_matching(content.lines, &mut by_pattern);
            if let Some(words) = &file.words {
                let found = words.find_overlapping_iter(content.secret);
                by_word.extend(found.filter_map(|word| file.word_lists.get(word.pattern().as_usize())));
            }
        }
        let agrees = |(number, list): (usize, &Allowlist)| {
            let (has_pattern, has_word) = (by_pattern.contains(&number), by_word.contains(&number));
            let agrees = if list.needs_all {
                (list.patterns.is_empty() || has_pattern) && (list.words.is_empty() || has_word)
            } else {
                has_pattern || has_word
            };
            (agrees && list.is_for(content.rule)).then_some(number)
        };
        self.lists.iter().enumerate().filter_map(agrees).collect()
    }

    /// Whether a list of a file that the user named allows that content wherever it stands.
    pub(crate) fn allows_anywhere(&self, content: &Content<'_>) -> bool {
        let agreeing = self.agreeing(content);
        let named = self.files.iter().filter(|file| file.target.is_none());
        named
            .flat_map(|file| file.numbers.clone().zip(self.lists.get(file.numbers.clone()).unwrap_or_default()))
            .any(|(number, list)| list.is_for(content.rule) && list.allows(agreeing.contains(&number), false, None))
    }

    /// The first list that allows what `rule` found there, given those that its content agrees with.
    pub(crate) fn allowing(&self, rule: &str, agreeing: &[usize], place: &Whereabouts<'_>) -> Option<&Allowlist> {
        let mut files = self.files.iter().filter(|file| file.target.is_none_or(|target| target == place.target));
        files.find_map(|file| {
            let by_path = file.lists_for_path(place);
            let lists = self.lists.get(file.numbers.clone()).unwrap_or_default();
            let mut numbered = file.numbers.clone().zip(lists);
            let allows = |(number, list): &(usize, &Allowlist)| {
                list.is_for(rule) && list.allows(agreeing.contains(number), by_path.contains(number), place.commit)
            };
            numbered.find(allows).map(|(_, list)| list)
        })
    }
}

impl AllowlistFile {
    /// The lists that have a pattern for a path.
    fn lists_for_path(&self, place: &Whereabouts<'_>) -> BTreeSet<usize> {
        if self.paths.lists.is_empty() {
            return BTreeSet::new();
        }
        let mut last = self.last_path.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != place.path || last.1 != place.target {
            let mut lists = BTreeSet::new();
            names(place.path, place.root).for_each(|name| self.paths.add_matching(name, &mut lists));
            *last = (place.path.to_vec(), place.target, lists);
        }
        last.2.clone()
    }
}

impl Allowlist {
    fn is_for(&self, rule: &str) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.contains(rule))
    }

    /// Whether it allows what its content agrees with or not, at a path that it names or not.
    fn allows(&self, agrees: bool, has_path: bool, commit: Option<&str>) -> bool {
        let has_commit = commit.is_some_and(|commit| self.commits.contains(commit));
        if !self.needs_all {
            return agrees || has_path || has_commit;
        }
        let asks =
            !(self.commits.is_empty() && self.paths.is_empty() && self.patterns.is_empty() && self.words.is_empty());
        asks && agrees && (self.paths.is_empty() || has_path) && (self.commits.is_empty() || has_commit)
    }
}

impl fmt::Debug for AllowlistFile {
    /// What it is compiled from stands in the lists.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AllowlistFile").field("target", &self.target).finish_non_exhaustive()
    }
}

/// What a path may be called in a configuration: as it is below the target, so that no directory above that counts; elsewhere as
/// reports show it, and without the slash at its beginning. What stands in an archive is also called what the archive is.
pub(crate) fn names<'a>(path: &'a [u8], root: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
    own_names(path, root).flat_map(|name| {
        let archives = memchr::memmem::find_iter(name, b"!/").filter_map(move |end| name.get(..end));
        std::iter::once(name).chain(archives).filter(|name| !name.is_empty())
    })
}

/// The same without those of the archives that it lies in.
pub(crate) fn own_names<'a>(path: &'a [u8], root: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
    let trimmed = root.strip_suffix(b"/").unwrap_or(root);
    let below = path.strip_prefix(trimmed).filter(|_| !trimmed.is_empty()).and_then(|below| below.strip_prefix(b"/"));
    let relative = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/"));
    [below.or(Some(path)), relative.filter(|_| below.is_none())].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a list allows a secret of the rule `acme-token`, which stands at `path` below `root` in a commit.
    fn check(list: Allowlist, [secret, matched, lines]: [&str; 3], [path, root]: [&str; 2], expected: bool) {
        let shown = format!("{list:?} {secret} {path}");
        let mut allowlists = Allowlists::default();
        allowlists.add(vec![Allowlist { words: vec!["unrelated".to_owned()], ..Allowlist::default() }], None).unwrap();
        allowlists.add(vec![list], Some(1)).unwrap();
        let [secret, matched, lines] = [secret, matched, lines].map(str::as_bytes);
        let agreeing = allowlists.agreeing(&Content { rule: "acme-token", secret, matched, lines });
        let place = Whereabouts { target: 1, root: root.as_bytes(), path: path.as_bytes(), commit: Some("c0ffee") };
        assert_eq!(allowlists.allowing("acme-token", &agreeing, &place).is_some(), expected, "{shown}");
        let elsewhere = Whereabouts { target: 0, ..place };
        assert!(allowlists.allowing("acme-token", &agreeing, &elsewhere).is_none(), "{shown}");
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn one_demand_is_enough_or_all_are_needed() {
        let text = ["s3cret-EXAMPLE", "key=s3cret-EXAMPLE", "  key=s3cret-EXAMPLE # made up"];
        let place = ["/repo/src/app.env", "/repo"];
        let list = |paths: &[&str], patterns: &[&str], words: &[&str], commits: &[&str]| Allowlist {
            paths: texts(paths),
            patterns: texts(patterns),
            words: texts(words),
            commits: texts(commits).into_iter().collect(),
            ..Allowlist::default()
        };
        for (list, one, all) in [
            (list(&[], &[], &[], &[]), false, false),
            (list(&["^src/"], &[], &[], &[]), true, true),
            (list(&["^test/"], &[], &[], &[]), false, false),
            (list(&[], &["^s3cret"], &[], &[]), true, true),
            (list(&[], &["^key"], &[], &[]), false, false),
            (list(&[], &[], &["example"], &[]), true, true),
            (list(&[], &[], &[], &["c0ffee"]), true, true),
            (list(&["^test/"], &["^s3cret"], &[], &[]), true, false),
            (list(&["^src/"], &["^s3cret"], &["example"], &["c0ffee"]), true, true),
            (list(&["^src/"], &["^s3cret"], &["sample"], &[]), true, false),
            (list(&["^src/"], &[], &[], &["badc0de"]), true, false),
        ] {
            let again = || Allowlist {
                paths: list.paths.clone(),
                patterns: list.patterns.clone(),
                words: list.words.clone(),
                commits: list.commits.clone(),
                ..Allowlist::default()
            };
            check(again(), text, place, one);
            check(Allowlist { needs_all: true, ..again() }, text, place, all);
            let others = Some(BTreeSet::from(["other".to_owned()]));
            check(Allowlist { rules: others, ..again() }, text, place, false);
        }
        for (subject, pattern, expected) in [
            (Subject::Match, "^key", true),
            (Subject::Match, "made", false),
            (Subject::Line, "made up$", true),
            (Subject::Line, "^key", false),
        ] {
            let list = Allowlist { subject, patterns: texts(&[pattern]), ..Allowlist::default() };
            check(list, text, place, expected);
        }
    }

    #[test]
    fn paths_have_several_names() {
        for (path, root, expected) in [
            ("shop/src/a.env", "shop", &["src/a.env"][..]),
            ("shop/src/a.env", "shop/", &["src/a.env"]),
            ("/test/shop/a.env", "/test/shop", &["a.env"]),
            ("/test/a.env", "/test/a.env", &["/test/a.env", "test/a.env"]),
            ("shopping/a.env", "shop", &["shopping/a.env"]),
            ("./a.env", ".", &["a.env"]),
            ("/app/a.env", "image.tar", &["/app/a.env", "app/a.env"]),
            ("", "", &[]),
            ("lib.jar!/x.zip!/a.env", "", &["lib.jar!/x.zip!/a.env", "lib.jar", "lib.jar!/x.zip"]),
        ] {
            let names: Vec<&[u8]> = names(path.as_bytes(), root.as_bytes()).collect();
            let expected: Vec<&[u8]> = expected.iter().map(|name| name.as_bytes()).collect();
            assert_eq!(names, expected, "{path}");
        }
    }
}
