//! `CODEOWNERS` files of GitHub and GitLab (docs.github.com "About code owners", docs.gitlab.com "CODEOWNERS syntax").
//!
//! The crates that read them know one dialect each and none of GitLab's sections. What is wrong in a file is passed over, line
//! by line, as both services do.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Entries behind these are not looked at.
const MAX_ENTRIES: usize = 5_000;

/// Longer patterns are none that anybody wrote.
const MAX_PATTERN: usize = 512;

/// Owners of one entry behind these are not looked at.
const MAX_OWNERS: usize = 10;

/// Longer names are no owners.
const MAX_OWNER: usize = 128;

/// Who owns which paths.
pub(super) struct Codeowners {
    globs: GlobSet,
    /// Which entry each glob is of.
    entry_of: Vec<usize>,
    entries: Vec<Entry>,
}

struct Entry {
    section: usize,
    owners: Vec<String>,
    /// Whether what matches has no owner in this section, whatever else matches (`!pattern`).
    excludes: bool,
}

/// How patterns are read. They differ where it matters: `docs/` is everywhere on GitLab.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    GitHub,
    GitLab,
}

/// A section's head: `[Name]`, `^[Optional]`, `[Name][2] @default-owner`.
struct Head<'a> {
    name: &'a str,
    owners: Vec<String>,
}

impl Codeowners {
    /// Reads a file. `is_gitlab` says that only GitLab reads a file at that place; otherwise its sections tell. `None` when its
    /// patterns cannot be matched.
    pub(super) fn parse(text: &str, is_gitlab: bool) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let has_sections = text.lines().any(|line| head(line.trim()).is_some());
        let dialect = if is_gitlab || has_sections { Dialect::GitLab } else { Dialect::GitHub };
        let (mut entries, mut entry_of, mut globs) = (Vec::new(), Vec::new(), GlobSetBuilder::new());
        // Before the first head, entries are of a section without a name.
        let mut sections = vec![(String::new(), Vec::new())];
        let mut current = 0;
        for line in text.lines().map(str::trim) {
            if entries.len() == MAX_ENTRIES {
                break;
            }
            if let Some(Head { name, owners }) = head(line).filter(|_| dialect == Dialect::GitLab) {
                let folded = name.to_lowercase();
                let known = sections.iter().position(|(known, _)| *known == folded);
                current = known.unwrap_or(sections.len());
                match sections.get_mut(current) {
                    Some((_, defaults)) => *defaults = owners,
                    None => sections.push((folded, owners)),
                }
                continue;
            }
            let Some((pattern, rest)) = pattern_of(line) else { continue };
            let (pattern, excludes) = match (pattern.strip_prefix('!'), dialect) {
                (Some(pattern), Dialect::GitLab) => (pattern, true),
                (Some(_), Dialect::GitHub) => continue,
                (None, _) => (pattern, false),
            };
            let mut owners = owners_in(rest);
            if let (true, Some((_, defaults))) = (owners.is_empty(), sections.get(current)) {
                owners.clone_from(defaults);
            }
            for glob in globs_of(pattern, dialect) {
                let built = GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build();
                if let Ok(glob) = built {
                    globs.add(glob);
                    entry_of.push(entries.len());
                }
            }
            entries.push(Entry { section: current, owners, excludes });
        }
        Some(Self { globs: globs.build().ok()?, entry_of, entries })
    }

    /// The owners of a path below the root: of each section the last entry that matches decides.
    pub(super) fn owners(&self, path: &[u8]) -> Vec<&str> {
        let path = String::from_utf8_lossy(path);
        let mut deciding: Vec<&Entry> = Vec::new();
        let matching = self.globs.matches(&*path).into_iter().filter_map(|glob| self.entry_of.get(glob));
        for entry in matching.filter_map(|entry| self.entries.get(*entry)) {
            match deciding.iter_mut().find(|known| known.section == entry.section) {
                Some(known) if known.excludes => {}
                Some(known) => *known = entry,
                None => deciding.push(entry),
            }
        }
        let mut owners = Vec::new();
        for owner in deciding.iter().filter(|entry| !entry.excludes).flat_map(|entry| &entry.owners) {
            if !owners.contains(&owner.as_str()) {
                owners.push(owner);
            }
        }
        owners
    }
}

/// The head of a section, if the line is one.
fn head(line: &str) -> Option<Head<'_>> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, rest) = rest.split_once(']')?;
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => rest,
    };
    let is_head = !name.trim().is_empty() && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_head.then(|| Head { name: name.trim(), owners: owners_in(rest) })
}

/// The pattern that a line begins with, and what follows it. A blank in it is written `\ `.
fn pattern_of(line: &str) -> Option<(&str, &str)> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut escaped = false;
    let end = line.char_indices().find(|(_, character)| {
        let ends = character.is_whitespace() && !escaped;
        escaped = *character == '\\' && !escaped;
        ends
    });
    let (pattern, rest) = line.split_at(end.map_or(line.len(), |(at, _)| at));
    (pattern.len() <= MAX_PATTERN).then_some((pattern, rest))
}

/// Names and addresses; the rest of the line is a comment from `#` on.
fn owners_in(text: &str) -> Vec<String> {
    let words = text.split_whitespace().take_while(|word| !word.starts_with('#'));
    let is_owner = |word: &&str| word.contains('@') && word.len() > 1 && word.len() <= MAX_OWNER;
    words.filter(is_owner).take(MAX_OWNERS).map(str::to_owned).collect()
}

/// The globs for what a pattern matches: the path itself, and all that lies below it.
fn globs_of(pattern: &str, dialect: Dialect) -> Vec<String> {
    let path = pattern.trim_start_matches('/');
    let bare = path.trim_end_matches('/');
    if bare.is_empty() || (dialect == Dialect::GitHub && pattern.contains(['[', ']'])) {
        return Vec::new();
    }
    let is_anchored = match dialect {
        Dialect::GitHub => pattern.starts_with('/') || bare.contains('/'),
        Dialect::GitLab => pattern.starts_with('/'),
    };
    // Braces mean nothing there.
    let bare = bare.replace('{', "\\{").replace('}', "\\}");
    let glob = if is_anchored { bare } else { format!("**/{bare}") };
    let is_directory = path.ends_with('/');
    let last = glob.rsplit('/').next().unwrap_or_default();
    match dialect {
        _ if is_directory => vec![format!("{glob}/**")],
        // `docs/*` is what lies in that directory, and nothing below it.
        _ if last == "*" && is_anchored => vec![glob],
        Dialect::GitLab => vec![glob],
        Dialect::GitHub => vec![format!("{glob}/**"), glob],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_gitlab: bool, expected: &[(&str, &str)]) {
        let file = Codeowners::parse(text, is_gitlab).expect("globs that can be built");
        for (path, owners) in expected {
            assert_eq!(file.owners(path.as_bytes()).join(" "), *owners, "{path} in {text}");
        }
    }

    /// The examples of docs.github.com, "Example of a CODEOWNERS file".
    #[test]
    fn the_last_match_decides_on_github() {
        let text = "# comment\n*       @global-owner1 @global-owner2\n*.js    @js-owner #This is an inline comment.\n\
                    *.go docs@example.com\n/build/logs/ @doctocat\ndocs/* docs2@example.com\napps/ @octocat\n/docs/ @doctocat\n\
                    /scripts/ @doctocat @octocat\n**/logs @octocat\n/apps/ @octocat\n/apps/github\n[abc].txt @nobody\n!x @nobody\r\n";
        let all = "@global-owner1 @global-owner2";
        check(
            text,
            false,
            &[
                ("README.md", all),
                ("src/deep/x.js", "@js-owner"),
                ("x.go", "docs@example.com"),
                ("build/logs/a/b.txt", "@octocat"),
                ("build/a.txt", all),
                ("docs/getting-started.md", "@doctocat"),
                ("deep/docs/a.md", all),
                ("deep/apps/a", "@octocat"),
                ("scripts/a/b", "@doctocat @octocat"),
                ("deeply/nested/logs/x", "@octocat"),
                ("apps/a", "@octocat"),
                ("apps/github", ""),
                ("apps/github/x", ""),
                ("a.txt", all),
                ("x", all),
            ],
        );
        check("docs/* @a\n", false, &[("docs/a", "@a"), ("docs/b/c", ""), ("x/docs/a", "")]);
        check("a{b,c} @a\na\\ b @b\n\u{feff}", false, &[("ab", ""), ("a{b,c}", "@a"), ("a b", "@b")]);
    }

    /// After docs.gitlab.com, "CODEOWNERS syntax".
    #[test]
    fn every_section_has_its_say_on_gitlab() {
        let text = "* @everybody\n[Documentation] @docs-team\ndocs/\nREADME.md @readme\n^[Database][2] @dba\n/db/\n\
                    [documentation]\n/docs/api/ @api\n[Ruby]\n*.rb @ruby\n!/vendor/\n/vendor/x.rb @x\n";
        check(
            text,
            false,
            &[
                ("x", "@everybody"),
                ("docs/a.md", "@everybody @docs-team"),
                ("deep/docs/a.md", "@everybody @docs-team"),
                ("README.md", "@everybody @readme"),
                ("db/schema.sql", "@everybody @dba"),
                ("deep/db/schema.sql", "@everybody"),
                ("docs/api/a.rb", "@everybody @api @ruby"),
                ("vendor/x.rb", "@everybody"),
            ],
        );
        check("docs/ @a\n", true, &[("deep/docs/x", "@a")]);
        check("docs/ @a\n/b\\#c @b", false, &[("deep/docs/x", "@a"), ("b#c", "@b")]);
    }

    #[test]
    fn a_hostile_file_is_bounded() {
        let many = "* @a @b @c @d @e @f @g @h @i @j @k @l\n".to_owned() + &"/x/y/z* @z\n".repeat(MAX_ENTRIES * 2);
        let file = Codeowners::parse(&many, false).expect("globs that can be built");
        assert_eq!((file.owners(b"a").len(), file.entries.len()), (MAX_OWNERS, MAX_ENTRIES));
        let long = format!("{} @a\nx {} @b\n", "*a".repeat(MAX_PATTERN), "@".repeat(MAX_OWNER + 1));
        check(&long, false, &[("aaaa", ""), ("x", "@b")]);
    }

    proptest::proptest! {
        #[test]
        fn any_file_is_survived(text in "([\\[\\]^!#*?{}\\\\/a-b@ \n]|\\PC){0,80}", path in "[a-b/]{0,8}") {
            for is_gitlab in [false, true] {
                if let Some(file) = Codeowners::parse(&text, is_gitlab) {
                    file.owners(path.as_bytes());
                }
            }
        }
    }
}
