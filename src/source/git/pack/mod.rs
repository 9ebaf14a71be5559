//! Packs: many objects in one file, most of them as differences to others.
//!
//! - `mapped`: the file as bytes.
//! - `index`, `multi_index`: which objects are where in it.
//! - `entry`: the header of an entry.
//! - `inflate`: the bytes of an entry.
//! - `delta`: an object from its base and a delta.
//! - `Pack`: a pack with what tells where its objects are.

pub mod delta;
pub mod entry;
mod file;
pub mod index;
pub mod inflate;
pub mod mapped;
pub mod multi_index;

pub(super) use file::{Pack, PackError};
