//! Which client a found token belongs to, as far as the scan tells.

use super::ClientCredentials;
use crate::finding::{Finding, Kind, LivenessState, PartValue};

/// The most clients that one finding is tried with.
const MAX_CLIENTS: usize = 4;

/// The clients that a token may have been issued to: the client ids that stood with it or in it, each with the secret that was
/// found for it anywhere in `findings`, or without one. Clients with a secret come first, those whose secret is known to work
/// before the others; a secret that is known not to work is left out.
pub fn client_credentials(finding: &Finding, findings: &[Finding]) -> Vec<ClientCredentials> {
    let mut client_ids: Vec<&str> = finding.parts_named("client_id").collect();
    client_ids.extend(finding.token.as_ref().and_then(|token| token.client_id.as_deref()));
    let paired = |secret: &Finding| {
        finding.parts.iter().any(|part| part.value == PartValue::Finding(secret.id) && part.name == "client_secret")
    };
    let mut secrets: Vec<&Finding> = findings
        .iter()
        .filter(|other| other.kind == Kind::ClientSecret && other.liveness.state != LivenessState::Dead)
        .collect();
    secrets.sort_by_key(|secret| secret.liveness.state != LivenessState::Live);

    let mut clients: Vec<ClientCredentials> = Vec::new();
    let mut public: Vec<ClientCredentials> = Vec::new();
    for client_id in client_ids {
        if clients.iter().chain(&public).any(|client| client.client_id == client_id) {
            continue;
        }
        let of_client = |secret: &&&Finding| secret.parts_named("client_id").any(|id| id == client_id);
        let unnamed = |secret: &&&Finding| paired(secret) && secret.part("client_id").is_none();
        let known = clients.len();
        for secret in secrets.iter().filter(|secret| of_client(secret) || unnamed(secret)) {
            clients.push(ClientCredentials::confidential(client_id, secret.secret.duplicate()));
        }
        if clients.len() == known {
            public.push(ClientCredentials::public(client_id));
        }
    }
    clients.append(&mut public);
    clients.truncate(MAX_CLIENTS);
    clients
}
