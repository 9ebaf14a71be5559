//! Whom to tell of a finding: the entry of `CODEOWNERS` that its path matches, and the author of the commit that brought it there.
//!
//! Both are scanned content, and hostile: they are read within bounds, shown escaped, and decide nothing.

mod codeowners;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use self::codeowners::Codeowners;
use super::archive;
use super::git::{GitEnvironment, Repository, path_from_bytes};
use crate::diagnostic::Diagnostic;
use crate::finding::{Finding, GitObject, Location, Owner, OwnerSource, Place, escape};

/// Where the file is looked for, below the root; the first one counts. The last place is GitLab's alone.
const PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// Larger files are not read: about half of what GitHub reads.
const LARGEST_FILE: u64 = 1 << 20;

/// Owners of one finding behind these are left out.
const MAX_OWNERS: usize = 12;

/// Tells each finding its owners. `roots` are the directories that the targets are; the files of repositories are those of the
/// commit at HEAD. Gives what could not be read, as notes.
pub fn assign(findings: &mut [Finding], roots: &[PathBuf]) -> Vec<Diagnostic> {
    let mut files = Files { roots, known: HashMap::new(), notes: Vec::new() };
    for finding in findings {
        let (mut owners, mut authors) = (Vec::new(), Vec::new());
        // Who has it in their files now comes before who has had it.
        let mut locations: Vec<&Location> = finding.locations.iter().collect();
        locations.sort_by_key(|location| !is_current(&location.place));
        for location in locations {
            let named = files.owners(location);
            owners.extend(named.into_iter().map(|name| Owner { name, source: OwnerSource::Codeowners }));
            if let Place::Git(git) = &location.place
                && let Some(commit) = &git.commit
            {
                authors.push(Owner { name: commit.author.clone(), source: OwnerSource::Author });
            }
            unique(&mut owners);
            unique(&mut authors);
        }
        owners.append(&mut authors);
        owners.truncate(MAX_OWNERS);
        finding.owners = owners;
    }
    files.notes
}

fn unique(owners: &mut Vec<Owner>) {
    let mut kept: Vec<Owner> = Vec::with_capacity(owners.len().min(MAX_OWNERS));
    for owner in owners.drain(..) {
        if kept.len() < MAX_OWNERS && !kept.contains(&owner) {
            kept.push(owner);
        }
    }
    *owners = kept;
}

fn is_current(place: &Place) -> bool {
    match place {
        Place::Git(git) => git.in_head == Some(true),
        Place::File | Place::Staged { .. } | Place::Stdin | Place::Image(_) => true,
    }
}

/// The files that have been read, each once.
struct Files<'a> {
    roots: &'a [PathBuf],
    known: HashMap<Root, Option<Codeowners>>,
    notes: Vec<Diagnostic>,
}

/// What a file is of.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Root {
    /// A directory.
    Tree(PathBuf),
    /// A repository's commit at HEAD.
    Repository(String),
}

impl Files<'_> {
    /// The owners of a place, in the words of the file.
    fn owners(&mut self, location: &Location) -> Vec<String> {
        let path = location.path.as_bytes();
        // A member of an archive is owned by who owns the archive.
        let path = archive::outermost(path).unwrap_or(path);
        let (root, below) = match &location.place {
            Place::Git(git) if git.object == GitObject::Blob && !path.is_empty() => {
                (Root::Repository(git.repository.to_string()), path)
            }
            Place::Staged { repository, .. } => (Root::Repository(repository.to_string()), path),
            Place::File => match self.roots.iter().find_map(|root| Some((root, below(root, path)?))) {
                Some((root, below)) => (Root::Tree(root.clone()), below),
                None => return Vec::new(),
            },
            Place::Git(_) | Place::Stdin | Place::Image(_) => return Vec::new(),
        };
        if !self.known.contains_key(&root) {
            let file = self.read(&root);
            self.known.insert(root.clone(), file);
        }
        let file = self.known.get(&root).and_then(Option::as_ref);
        file.map(|file| file.owners(below).into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    fn read(&mut self, root: &Root) -> Option<Codeowners> {
        let (found, shown) = match root {
            Root::Tree(directory) => (in_tree(directory), directory.clone()),
            Root::Repository(name) => (at_head(name), path_from_bytes(name.as_bytes())),
        };
        let (place, bytes) = found?;
        let place_of = || {
            let path = shown.join(place);
            escape(path.as_os_str().as_encoded_bytes()).into_owned()
        };
        let Some(bytes) = bytes else {
            self.notes.push(Diagnostic::note("code-owners", place_of(), "not read: it is larger than 1 MiB"));
            return None;
        };
        let file = Codeowners::parse(&String::from_utf8_lossy(&bytes), place.starts_with(".gitlab/"));
        if file.is_none() {
            self.notes.push(Diagnostic::note(
                "code-owners",
                place_of(),
                "not used: its patterns are too many to be matched",
            ));
        }
        file
    }
}

/// A file that is there, and its content unless it is too large.
type Found = (&'static str, Option<Vec<u8>>);

/// The first of the files in a directory. No link, device or pipe is followed.
fn in_tree(directory: &Path) -> Option<Found> {
    PLACES.iter().find_map(|place| {
        let path = directory.join(place);
        let metadata = fs_err::symlink_metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        if metadata.len() > LARGEST_FILE {
            return Some((*place, None));
        }
        Some((*place, Some(fs_err::read(&path).ok()?)))
    })
}

/// The first of the files in the commit at HEAD of a repository, as the scan named it.
fn at_head(repository: &str) -> Option<Found> {
    let path = path_from_bytes(repository.as_bytes());
    let repository = Repository::discover(&path, &GitEnvironment::default()).ok()?;
    repository.first_at_head(&PLACES, LARGEST_FILE)
}

/// What lies behind a root in a path, if it is below it.
fn below<'a>(root: &Path, path: &'a [u8]) -> Option<&'a [u8]> {
    let root = root.as_os_str().as_encoded_bytes();
    let root = root.strip_prefix(b"./").unwrap_or(root);
    let root = root.strip_suffix(b"/").unwrap_or(root);
    match root {
        b"" => None,
        b"." => Some(path),
        _ => path.strip_prefix(root)?.strip_prefix(b"/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_their_roots() {
        for (root, path, expected) in [
            (".", "a/b", Some("a/b")),
            ("./src", "src/b", Some("b")),
            ("src/", "src/b", Some("b")),
            ("src", "srcs/b", None),
            ("/srv/app", "/srv/app/x/y", Some("x/y")),
            ("", "a", None),
        ] {
            assert_eq!(below(Path::new(root), path.as_bytes()), expected.map(str::as_bytes), "{root} {path}");
        }
    }
}
