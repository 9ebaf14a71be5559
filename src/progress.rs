//! Bars on standard error.
