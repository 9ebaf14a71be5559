//! Asking issuers and acting on the answers, as far as the user and the configuration allow.
