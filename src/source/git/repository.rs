//! [`Repository`]: where a git repository keeps its things.
//!
//! It is taken apart here and not opened by libgit2, which refuses repositories of other users (`safe.directory`) and
//! those with extensions that matter to writers only (partial clones). That protection is for programs that run what a
//! repository's configuration names. This one reads objects, references and the index, and runs nothing.

use super::id::{IdSet, ObjectId};
use super::store::ObjectStore;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::raw;
use crate::finding::GitObject;
use crate::source::{SourceError, tree};

/// What git's own environment variables say, for hooks: read by the caller, never here.
#[derive(Clone, Debug, Default)]
pub struct GitEnvironment {
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`: `git commit` with paths builds an index of its own.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`: where a push is kept in quarantine until its hooks agree.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`, taken apart.
    pub alternate_object_directories: Vec<PathBuf>,
}

/// The parts of a repository, found but not read.
#[derive(Clone, Debug)]
pub struct Repository {
    /// As the user named it; stands in every location.
    pub(super) name: Arc<str>,
    /// The path the user named.
    pub(super) path: PathBuf,
    /// `.git`, or the directory of this worktree within the main repository.
    pub(super) git_dir: PathBuf,
    /// The main repository's: holds objects, branches and tags.
    pub(super) common_dir: PathBuf,
    /// Where the files are; `None` for a bare repository.
    pub(super) work_tree: Option<PathBuf>,
    /// The index.
    pub(super) index_file: PathBuf,
    /// Object directories; their alternates are not among them.
    object_directories: Vec<PathBuf>,
    /// Length of object ids in bytes: 20, or 32 with SHA-256.
    pub(super) hash_length: usize,
    /// Whether the objects left out were promised by a remote.
    pub(super) is_partial: bool,
    /// Whether references are kept in a form that is not read.
    pub(super) has_reftable: bool,
    /// Whether its configuration names further files, so that libgit2 may not open the repository by itself.
    pub(super) has_includes: bool,
    /// Commits whose parents were left out by a shallow clone.
    pub(super) shallow: IdSet,
}

impl Repository {
    /// The repository at that very path: a work tree, a bare repository or a `.git` directory. `Ok(None)` if it is none.
    pub fn at(path: &Path) -> Result<Option<Self>, SourceError> {
        if is_git_directory(path) {
            return Self::assemble(path, path, None, &GitEnvironment::default()).map(Some);
        }
        match linked_git_directory(path)? {
            Some(git_dir) if is_git_directory(&git_dir) => {
                Self::assemble(path, &git_dir, Some(path), &GitEnvironment::default()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The repository that `path` belongs to, as `git` itself would find it: named by the environment, or here, or above.
    pub fn discover(path: &Path, environment: &GitEnvironment) -> Result<Self, SourceError> {
        let open = |source| SourceError::Open { path: path.to_owned(), source };
        let absolute = fs_err::canonicalize(path).map_err(open)?;
        if let Some(git_dir) = &environment.git_dir {
            if !is_git_directory(git_dir) {
                return Err(SourceError::NotARepository { path: git_dir.clone() });
            }
            let work_tree = environment.work_tree.as_deref().unwrap_or(&absolute);
            return Self::assemble(path, git_dir, Some(work_tree), environment);
        }
        for directory in absolute.ancestors() {
            if is_git_directory(directory) {
                return Self::assemble(path, directory, None, environment);
            }
            if let Some(git_dir) = linked_git_directory(directory)?
                && is_git_directory(&git_dir)
            {
                return Self::assemble(path, &git_dir, Some(directory), environment);
            }
        }
        Err(SourceError::NotARepository { path: path.to_owned() })
    }

    /// Whether there are files beside the history.
    pub fn has_work_tree(&self) -> bool {
        self.work_tree.is_some()
    }

    /// Whether the directory of the object database can be read at all.
    pub(super) fn check_objects(&self) -> Result<(), SourceError> {
        let directory = self.object_directories.first().map_or(&*self.common_dir, PathBuf::as_path);
        let open = |source| SourceError::Open { path: directory.to_owned(), source };
        fs_err::read_dir(directory).map(drop).map_err(open)
    }

    /// The object database, with all alternates.
    pub(super) fn open_objects(&self) -> Result<ObjectStore, SourceError> {
        self.check_objects()?;
        Ok(ObjectStore::open(&self.object_directories, self.hash_length))
    }

    /// The content of a blob, or the message of a commit or tag: what a [`Location`](crate::finding::Location)'s span counts in.
    pub(in crate::source) fn read_text(&self, id: ObjectId, object: GitObject) -> Result<Vec<u8>, SourceError> {
        let read = self.open_objects()?.reader().read(id);
        let (_, bytes) = read.map_err(|_| SourceError::Gone { what: "what is no longer in the repository" })?;
        Ok(match object {
            GitObject::Blob => bytes,
            GitObject::Commit | GitObject::Tag => raw::message(&bytes).to_vec(),
        })
    }

    fn assemble(
        named: &Path,
        git_dir: &Path,
        work_tree: Option<&Path>,
        environment: &GitEnvironment,
    ) -> Result<Self, SourceError> {
        let common_dir = common_directory(git_dir);
        let (config, has_includes) = read_config(&common_dir.join("config"))?;
        let setting = |name: &str| config.as_ref().and_then(|config| config.get_string(name).ok());
        let hash_length = match setting("extensions.objectformat").map(|format| format.to_ascii_lowercase()) {
            None => 20,
            Some(format) if format == "sha1" => 20,
            Some(format) if format == "sha256" => 32,
            Some(format) => {
                let feature = format!("the object format {}", crate::finding::escape(format.as_bytes()));
                return Err(SourceError::UnsupportedRepository { path: named.to_owned(), feature });
            }
        };
        let objects = environment.object_directory.clone().unwrap_or_else(|| common_dir.join("objects"));
        let mut object_directories = vec![objects];
        object_directories.extend(environment.alternate_object_directories.iter().cloned());
        Ok(Self {
            name: tree::shown(named).into(),
            path: named.to_owned(),
            work_tree: work_tree.map(Path::to_owned),
            index_file: environment.index_file.clone().unwrap_or_else(|| git_dir.join("index")),
            object_directories,
            hash_length,
            is_partial: setting("extensions.partialclone").is_some() || config.as_ref().is_some_and(has_promisor),
            has_reftable: setting("extensions.refstorage").is_some_and(|storage| !storage.starts_with("files")),
            has_includes,
            shallow: read_shallow(&common_dir.join("shallow")),
            git_dir: git_dir.to_owned(),
            common_dir,
        })
    }
}

/// Whether this directory is itself a repository, bare or the inside of `.git`, by git's own criteria.
pub(in crate::source) fn is_git_directory(path: &Path) -> bool {
    if !path.join("HEAD").symlink_metadata().is_ok_and(|head| !head.is_dir()) {
        return false;
    }
    let common_dir = common_directory(path);
    common_dir.join("objects").is_dir() && common_dir.join("refs").is_dir()
}

/// The directory that `.git` in `work_tree` is or, in a worktree or submodule, points to. It need not exist.
pub(in crate::source) fn linked_git_directory(work_tree: &Path) -> Result<Option<PathBuf>, SourceError> {
    let dot_git = work_tree.join(".git");
    let Ok(metadata) = fs_err::metadata(&dot_git) else { return Ok(None) };
    if metadata.is_dir() {
        return Ok(Some(dot_git));
    }
    let open = |source| SourceError::Open { path: dot_git.clone(), source };
    let link = read_file(&dot_git).map_err(open)?;
    let target = link.strip_prefix(b"gitdir:").map(|rest| path_from_bytes(rest.trim_ascii()));
    Ok(target.map(|target| work_tree.join(target)))
}

/// A path out of one of git's files, which hold raw bytes.
pub(in crate::source) fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

/// Larger files of git are not read into memory. A file with a hole in it can be of any size and take no space.
const LARGEST_FILE: u64 = 2 << 30;

/// Reads one of git's own files as a whole. Only regular ones: a pipe in their place would never end.
pub(super) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = fs_err::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    if metadata.len() > LARGEST_FILE {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    fs_err::read(path)
}

fn common_directory(git_dir: &Path) -> PathBuf {
    match read_file(&git_dir.join("commondir")) {
        Ok(link) => git_dir.join(path_from_bytes(link.trim_ascii())),
        Err(_) => git_dir.to_owned(),
    }
}

/// The repository's own configuration, without the user's and the system's, and as git does for these settings without what it
/// includes; and whether it would include anything. Only what tells how objects and references are stored is looked at.
fn read_config(path: &Path) -> Result<(Option<git2::Config>, bool), SourceError> {
    if !path.is_file() {
        return Ok((None, false));
    }
    let git = |source| SourceError::Git { path: path.to_owned(), source };
    let open = |source| SourceError::Open { path: path.to_owned(), source };
    let mut text = read_file(path).map_err(open)?;
    if !defuse_includes(&mut text) {
        return git2::Config::open(path).map(|config| (Some(config), false)).map_err(git);
    }
    // libgit2 always follows includes. Ten files that include each other tenfold would never be read to the end, nor a pipe.
    let defused = tempfile::NamedTempFile::new().map_err(open)?;
    fs_err::write(defused.path(), text).map_err(open)?;
    let config = git2::Config::open(defused.path()).and_then(|mut config| config.snapshot());
    config.map(|config| (Some(config), true)).map_err(git)
}

/// Renames the sections that include other files, `[include]` and `[includeIf "…"]`. Tells whether there is any.
fn defuse_includes(config: &mut [u8]) -> bool {
    const HEADER: &[u8] = b"[include";
    let starts: Vec<usize> = memchr::memchr_iter(HEADER[0], config)
        .filter(|&start| config.get(start..start + HEADER.len()).is_some_and(|name| name.eq_ignore_ascii_case(HEADER)))
        .collect();
    for &start in &starts {
        if let Some(first) = config.get_mut(start + 1) {
            *first = b'x';
        }
    }
    !starts.is_empty()
}

fn has_promisor(config: &git2::Config) -> bool {
    let mut is_found = false;
    let Ok(entries) = config.entries(Some(r"^remote\..*\.promisor$")) else { return false };
    let _ = entries.for_each(|entry| is_found |= entry.value().is_ok_and(|value| value != "false"));
    is_found
}

fn read_shallow(path: &Path) -> IdSet {
    let text = read_file(path).unwrap_or_default();
    text.split(|&byte| byte == b'\n').filter_map(|line| ObjectId::parse(line.trim_ascii())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_configuration_includes_is_not_read() {
        let made = tempfile::tempdir().expect("a temporary directory");
        git2::Repository::init_bare(made.path()).expect("a repository");
        let config = made.path().join("config");
        let included = "[extensions]\nobjectFormat = sha512\n";
        fs_err::write(made.path().join("other"), included).expect("writable");
        for header in ["[include]", "  [InClude]", "[core]\nbare = true\n[includeIf \"gitdir:/\"]"] {
            let text = format!("{header}\npath = other\n[remote \"origin\"]\npromisor = true\n");
            fs_err::write(&config, &text).expect("writable");
            let repository = Repository::at(made.path()).expect("supported").expect("a repository");
            assert!(repository.is_partial && repository.has_includes, "{text}");
        }
        fs_err::write(&config, included).expect("writable");
        assert!(Repository::at(made.path()).is_err());
    }
}
