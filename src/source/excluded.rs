//! [`Excluded`]: paths that the user does not want to hear of, in the language of `.gitignore`.
//!
//! Only the command line says so. Nothing in the scanned content can hide anything.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::finding::SourcePath;
use crate::source::git::path_from_bytes;

/// A pattern that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is no pattern as in `.gitignore`")]
pub struct ExcludedError {
    /// As the user wrote it.
    pattern: String,
    /// What is wrong with it.
    source: ignore::Error,
}

/// What is left out. The last pattern that fits decides, and one that begins with `!` takes back in.
#[derive(Default)]
pub struct Excluded {
    patterns: Option<Gitignore>,
}

impl Excluded {
    /// Patterns as in `.gitignore`. Paths are matched as reports show them.
    pub fn new(patterns: &[String]) -> Result<Self, ExcludedError> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let wrong = |source| ExcludedError { pattern: pattern.clone(), source };
            builder.add_line(None, pattern).map_err(wrong)?;
        }
        let wrong = |source| ExcludedError { pattern: patterns.join(" "), source };
        Ok(Self { patterns: Some(builder.build().map_err(wrong)?) })
    }

    /// Whether a file is left out, by its own path or by that of a directory above it.
    pub(super) fn has(&self, path: &SourcePath) -> bool {
        self.patterns.as_ref().is_some_and(|patterns| {
            let path = path_from_bytes(without_root(path.as_bytes()));
            // What leads upwards, which only a path on the command line does, has no place in such a pattern.
            let path: &Path = path.strip_prefix("..").unwrap_or(&path);
            !path.as_os_str().is_empty() && patterns.matched_path_or_any_parents(path, false).is_ignore()
        })
    }

    /// Whether a directory is left out with all that is below it.
    pub(super) fn has_directory(&self, path: &SourcePath) -> bool {
        self.patterns.as_ref().is_some_and(|patterns| {
            let path = path_from_bytes(without_root(path.as_bytes()));
            patterns.num_whitelists() == 0 && patterns.matched(path, true).is_ignore()
        })
    }
}

fn without_root(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|byte| **byte == b'/').count();
    path.get(slashes..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        let check = |patterns: &[&str], path: &str, expected: bool| {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            let excluded = Excluded::new(&patterns).expect("patterns");
            assert_eq!(excluded.has(&SourcePath::new(path.as_bytes())), expected, "{patterns:?} {path}");
        };
        check(&[], "a.env", false);
        check(&["*.env"], "deep/a.env", true);
        check(&["/a.env"], "deep/a.env", false);
        check(&["vendor/"], "src/vendor/x/y", true);
        check(&["vendor/"], "src/vendor", false);
        check(&["vendor/"], "/root/vendor/x", true);
        check(&["src/*.c"], "src/a.c", true);
        check(&["**/test/**", "!keep.env"], "a/test/keep.env", false);
        check(&["*.env"], "../a.env", true);
        check(&["*"], "", false);
        assert!(Excluded::new(&["{a".to_owned()]).is_err());
    }
}
