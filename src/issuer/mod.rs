//! Issuers: trust, metadata (OIDC Discovery, RFC 8414), key sets, client authentication.
