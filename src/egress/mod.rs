//! The one HTTP client to issuers: destination policy, pinned addresses, limits, redaction.
