//! Packs: many objects in one file, most of them as differences to others.
//!
//! - `entry`: the header of an entry.
//! - `inflate`: the bytes of an entry.
//! - `delta`: an object from its base and a delta.

pub mod delta;
pub mod entry;
pub mod inflate;
