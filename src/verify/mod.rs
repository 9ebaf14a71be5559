//! Liveness: asks issuers whether what was found still works.
