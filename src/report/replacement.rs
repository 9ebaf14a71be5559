//! What takes the place of a credential so that nothing long-lived can leak again.

use crate::finding::{Finding, Kind, LivenessState, RevocationState};

/// What workloads use instead of the keys of a provider, by the name that rules call it. The vendors' own pages on federation of
/// workload identities, on trusted publishing and on short-lived tokens say so.
const OF_PROVIDERS: &[(&str, &str)] = &[
    (
        "aws",
        "roles instead of access keys: by OIDC from CI, by the instance or pod where it runs, by IAM Identity Center for people",
    ),
    ("azure", "managed identities, or federated credentials where the workload runs elsewhere"),
    ("entra", "managed identities, or federated credentials on the application instead of a secret"),
    ("google", "attached service accounts, or Workload Identity Federation from CI and other clouds, instead of keys"),
    ("github", "the workflow's own `GITHUB_TOKEN`, or tokens of a GitHub App, which live for an hour"),
    ("gitlab", "the job's own `CI_JOB_TOKEN`, or ID tokens of the job (`id_tokens`)"),
    ("atlassian", "OIDC from the pipeline, or OAuth with refresh tokens that rotate"),
    ("npm", "trusted publishing by OIDC from CI"),
    ("pypi", "trusted publishing by OIDC from CI"),
    ("rubygems", "trusted publishing by OIDC from CI"),
    ("rust-registry", "trusted publishing by OIDC from CI"),
    ("kubernetes", "bound tokens of the TokenRequest interface, which end with their pod"),
    ("vault", "a login by the workload's own identity (`jwt`, `kubernetes`, `aws`), and leases that end"),
    ("terraform", "workload identity of the run (dynamic provider credentials) instead of stored keys"),
    ("databricks", "OAuth token federation by the workload's own identity"),
    ("snowflake", "workload identity federation, or key pairs in a key store, instead of passwords"),
    ("buildkite", "OIDC tokens of the job"),
    ("circleci", "OIDC tokens of the job"),
    ("vercel", "OIDC federation of the deployment"),
    ("tailscale", "workload identity federation, or OAuth clients whose keys live as long as a device"),
    ("mongodb", "workload identity federation, or certificates that end soon"),
    ("slack", "tokens that rotate (token rotation of the app), kept in a secret store"),
];

/// What takes its place, if something does: told of what works, and of what was ended.
pub(super) fn replacement(finding: &Finding) -> Option<&'static str> {
    let is_live = matches!(finding.liveness.state, LivenessState::Live | LivenessState::LiveRestricted);
    if !is_live && finding.revocation.state == RevocationState::None {
        return None;
    }
    let by_provider = OF_PROVIDERS.iter().find(|(provider, _)| *provider == finding.provider).map(|(_, words)| *words);
    match finding.kind {
        Kind::ApiKey | Kind::AccessToken | Kind::PrivateKey | Kind::Password => {
            by_provider.or_else(|| of_kind(finding.kind))
        }
        // Elsewhere the words are about what acts for a workload, and a client acts for people.
        Kind::ClientSecret if matches!(&*finding.provider, "azure" | "entra") => by_provider,
        kind => of_kind(kind),
    }
}

/// What the standards offer for a credential of any provider.
fn of_kind(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::ClientSecret => Some(
            "a key that never leaves its store (`private_key_jwt`, RFC 7523; mTLS, RFC 8705), or a federated assertion",
        ),
        Kind::RefreshToken => {
            Some("tokens that rotate with every use, or are bound to a key (DPoP, RFC 9449; RFC 9700 §4.14)")
        }
        Kind::AccessToken | Kind::Jwt => Some(
            "tokens that live for minutes, got where they are used (token exchange, RFC 8693) and bound to a key (RFC 9449)",
        ),
        Kind::SigningKey => Some("an asymmetric key in a key store, which only signs and never leaves it"),
        Kind::PrivateKey => Some("a key in a key store or hardware, and certificates that end soon"),
        Kind::Password => {
            Some("a login by the workload's own identity or a certificate, or a password that a secret store rotates")
        }
        Kind::ApiKey | Kind::RegistrationToken | Kind::SessionCookie | Kind::WebhookUrl | Kind::File => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::tests::finding;

    #[test]
    fn what_works_or_was_ended_has_a_replacement() {
        for (kind, provider, state, expected) in [
            (Kind::ApiKey, "aws", LivenessState::Live, Some("roles instead of access keys")),
            (Kind::ApiKey, "aws", LivenessState::Dead, None),
            (Kind::ApiKey, "acme", LivenessState::Live, None),
            (Kind::RefreshToken, "google", LivenessState::Live, Some("tokens that rotate with every use")),
            (Kind::ClientSecret, "google", LivenessState::Live, Some("a key that never leaves its store")),
            (Kind::ClientSecret, "entra", LivenessState::LiveRestricted, Some("managed identities")),
            (Kind::WebhookUrl, "slack", LivenessState::Live, None),
        ] {
            let mut found = finding(kind, "value", &[]);
            provider.clone_into(&mut found.provider);
            found.liveness.state = state;
            let words = replacement(&found);
            assert!(words.is_some() == expected.is_some(), "{kind:?} {provider}: {words:?}");
            assert!(
                words.unwrap_or_default().starts_with(expected.unwrap_or_default()),
                "{kind:?} {provider}: {words:?}"
            );
            found.liveness.state = LivenessState::Dead;
            found.revocation.state = RevocationState::Revoked;
            let is_known = provider != "acme" && kind != Kind::WebhookUrl;
            assert_eq!(replacement(&found).is_some(), is_known, "what was ended: {kind:?} {provider}");
        }
    }
}
