//! Git: every object of a repository once, the index, revision ranges.
//!
//! - [`repository`](Repository): where a repository keeps its things. Nothing of its configuration is obeyed: no hook, filter
//!   or helper can run, whoever owns the directory.
//! - [`id`]: how objects are named.
//! - [`pack`]: the files that hold most objects, and how they are packed.
//! - `store`: all packs and loose objects, listed, and read one by one; `objects` reads some of them side by side.
//! - [`sweep`]: every object once, and what is packed inflated once.
//! - `inspection`: what a sweep looks for, and what each version of a file hands on to the next.
//! - `raw`: commits, tags and trees as bytes.
//! - `refs`: what is reachable starts here.
//! - `graph`: the commits in their order.
//! - `forest`, `attribution`: which commit brought a found object to which path.
//! - `branches`, `presence`: where it still stands.
//! - `settle`: puts all that together for what was found.
//! - `index`: the files of the next commit.
//! - `walk`, `introduced`: the commits of a range, and what they brought in.
//! - `snapshot`: the files of one commit.
//! - `visitor`: looks for credentials in what is read one by one.
//! - `authors`: who wrote what was found.
//! - [`SeenObjects`]: what earlier scans have looked through already.
//! - `history`, `staged`, `range`: the scans.

mod attribution;
mod authors;
mod branches;
pub mod forest;
mod graph;
mod history;
pub mod id;
mod index;
mod inspection;
mod introduced;
mod objects;
pub mod pack;
mod presence;
mod range;
pub mod raw;
mod refs;
mod repository;
mod seen;
mod settle;
mod snapshot;
mod staged;
mod store;
pub mod sweep;
mod visitor;
mod walk;

pub use attribution::Attribution;
pub use history::History;
pub use range::Range;
pub use repository::{GitEnvironment, Repository};
pub(in crate::source) use repository::{is_git_directory, linked_git_directory, path_from_bytes};
pub use seen::{SeenError, SeenObjects};
pub use staged::Staged;
