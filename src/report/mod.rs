//! Report formats, one file each, with their own serialisable types.
