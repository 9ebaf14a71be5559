//! Refresh tokens. They are never redeemed: rotation with reuse detection (RFC 9700 §4.14) would end the whole family, or
//! leave the only valid successor here. What is left is introspection, and the expiry of those that are JWTs.

use super::VerifyContext;
use super::introspection;
use super::verdict::{Judgement, TokenSort};
use crate::config::Issuer;
use crate::finding::Finding;

/// Asks the issuers whether a refresh token is active.
pub(super) async fn ask(
    finding: &Finding,
    findings: &[Finding],
    issuers: &[&Issuer],
    context: &VerifyContext,
) -> Judgement {
    introspection::ask(finding, findings, issuers, TokenSort::Refresh, context).await
}
