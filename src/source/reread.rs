//! Reads the bytes of a known place again.
