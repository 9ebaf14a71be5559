//! [`Baseline`]: the findings that are known and accepted, by id or by place.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{Finding, Fingerprint, Location, Place};

/// What is known and accepted.
#[derive(Debug, Default)]
pub struct Baseline {
    ids: HashSet<Fingerprint>,
    places: HashSet<KnownPlace>,
}

/// A line that another tool was told to be silent about, whatever rule spoke there: rules have other names here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct KnownPlace {
    /// Id of the commit; `None` for a file of the tree.
    commit: Option<String>,
    /// Below the root of the repository.
    path: String,
    /// Counted from 1.
    line: u32,
}

/// An entry of a JSON report of gitleaks, as far as it tells a place.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GitleaksEntry {
    file: String,
    start_line: u32,
    #[serde(default)]
    commit: String,
}

impl Baseline {
    /// Reads what is known: every id that stands anywhere in the text, so that an earlier report in any format and a list with
    /// comments will do; a JSON report of gitleaks; and the lines of a `.gitleaksignore`.
    pub fn parse(text: &[u8]) -> Self {
        let ids = memchr::memmem::find_iter(text, "rsc1_").filter_map(|start| {
            let id = text.get(start..start + "rsc1_".len() + 32)?;
            Fingerprint::parse(std::str::from_utf8(id).ok()?)
        });
        let places = match serde_json::from_slice::<Vec<GitleaksEntry>>(text) {
            Ok(entries) => entries.into_iter().map(KnownPlace::of_entry).collect(),
            Err(_) => text.split(|byte| *byte == b'\n').filter_map(KnownPlace::parse).collect(),
        };
        Self { ids: ids.collect(), places }
    }

    /// Adds ids that are accepted as well.
    pub fn extend(&mut self, ids: impl IntoIterator<Item = Fingerprint>) {
        self.ids.extend(ids);
    }

    /// Adds what is accepted elsewhere.
    pub fn unite(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.places.extend(other.places);
    }

    /// How many ids and places there are.
    pub fn len(&self) -> usize {
        self.ids.len() + self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the known findings out, and the known places of others. `roots` are the scanned directories: places of files are
    /// told from there. Returns how many findings there were, and the ids and places that nothing stands for any more.
    pub fn suppress(&self, roots: &[&str], findings: &mut Vec<Finding>) -> (u64, Vec<String>) {
        let before = findings.len();
        let mut stale_ids = self.ids.clone();
        let mut is_used: HashMap<KnownPlace, bool> = self.places.iter().cloned().map(|place| (place, false)).collect();
        findings.retain_mut(|finding| {
            stale_ids.remove(&finding.id);
            if !is_used.is_empty() {
                finding.locations.retain(|location| {
                    let mut known = KnownPlace::all_of(location, roots).filter_map(|place| {
                        let is_used = is_used.get_mut(&place)?;
                        *is_used = true;
                        Some(())
                    });
                    known.next().is_none()
                });
            }
            !finding.locations.is_empty() && !self.ids.contains(&finding.id)
        });
        let stale_places = is_used.into_iter().filter(|(_, is_used)| !is_used).map(|(place, _)| place.to_string());
        let mut stale: Vec<String> = stale_ids.iter().map(ToString::to_string).chain(stale_places).collect();
        stale.sort_unstable();
        ((before - findings.len()) as u64, stale)
    }
}

impl KnownPlace {
    fn of_entry(entry: GitleaksEntry) -> Self {
        let commit = Some(entry.commit).filter(|commit| !commit.is_empty());
        Self { commit, path: entry.file, line: entry.start_line }
    }

    /// A line of a `.gitleaksignore`: `commit:path:rule:line`, or `path:rule:line`.
    fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim();
        let (rest, number) = line.rsplit_once(':').filter(|_| !line.starts_with('#') && !line.contains("rsc1_"))?;
        let (rest, _rule) = rest.rsplit_once(':')?;
        let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (commit, path) = match rest.split_once(':') {
            Some((commit, path)) if is_id(commit) => (Some(commit.to_owned()), path),
            _ => (None, rest),
        };
        (!path.is_empty()).then_some(Self { commit, path: path.to_owned(), line: number.parse().ok()? })
    }

    /// What a location may be called in such a list.
    fn all_of<'a>(location: &'a Location, roots: &'a [&str]) -> impl Iterator<Item = Self> + 'a {
        let path = std::str::from_utf8(location.path.as_bytes()).unwrap_or_default();
        let line = location.span.line;
        let commit = match &location.place {
            Place::Git(place) => place.commit.as_ref().map(|commit| commit.id.to_string()),
            _ => None,
        };
        let below = move |root: &&str| {
            let below = path.strip_prefix(root.trim_end_matches('/'))?;
            below.strip_prefix('/').filter(|_| !root.is_empty())
        };
        let paths = std::iter::once(path).chain(roots.iter().filter_map(below));
        paths.map(move |path| Self { commit: commit.clone(), path: path.to_owned(), line })
    }
}

impl std::fmt::Display for KnownPlace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { commit, path, line } = self;
        let path = super::escape(path.as_bytes());
        match commit {
            Some(commit) => write!(formatter, "{commit}:{path}:{line}"),
            None => write!(formatter, "{path}:{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_any_text() {
        let id = "rsc1_0123456789abcdef0123456789abcdef";
        for (text, expected) in [
            (String::new(), 0),
            (format!("# accepted\n{id} # why\n"), 1),
            (format!(r#"{{"type":"finding","id":"{id}"}}{{"id":"{id}"}}"#), 1),
            ("rsc1_0123456789abcdef".to_owned(), 0),
            ("rsc1_0123456789ABCDEF0123456789abcdef".to_owned(), 0),
        ] {
            assert_eq!(Baseline::parse(text.as_bytes()).ids.len(), expected, "{text}");
        }
    }

    #[test]
    fn places_are_read_as_gitleaks_writes_them() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let place = |commit: Option<&str>, path: &str, line| KnownPlace {
            commit: commit.map(str::to_owned),
            path: path.to_owned(),
            line,
        };
        for (text, expected) in [
            (format!("{commit}:src/a.env:generic-api-key:12"), Some(place(Some(commit), "src/a.env", 12))),
            ("src/a.env:generic-api-key:12\r".to_owned(), Some(place(None, "src/a.env", 12))),
            (r"C:\x\a.env:rule:3".to_owned(), Some(place(None, r"C:\x\a.env", 3))),
            (
                format!(r#"[{{"RuleID":"x","File":"a.env","StartLine":4,"Commit":"{commit}"}}]"#),
                Some(place(Some(commit), "a.env", 4)),
            ),
            (r#"[{"File":"a.env","StartLine":4,"Commit":"","Secret":"s"}]"#.to_owned(), Some(place(None, "a.env", 4))),
            ("# src/a.env:generic-api-key:12".to_owned(), None),
            ("src/a.env".to_owned(), None),
            ("src/a.env:generic-api-key:x".to_owned(), None),
        ] {
            let read: Vec<KnownPlace> = Baseline::parse(text.as_bytes()).places.into_iter().collect();
            assert_eq!(read, Vec::from_iter(expected), "{text}");
        }
    }
}
