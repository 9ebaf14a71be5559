//! Configuration: discovery, precedence, validation; the only reader of environment variables.
