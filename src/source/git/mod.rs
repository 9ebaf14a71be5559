//! Git: every object of a repository once, the index, revision ranges.
