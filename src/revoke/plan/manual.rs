//! What a person has to do where the program has no call: why there is none, and the steps.

use std::fmt;

use crate::finding::Kind;
use crate::rules::BlastRadius;

/// Why a finding cannot be revoked by a call.
#[derive(Debug)]
pub(super) enum NoCall {
    /// RFC 7009 revokes tokens only.
    NotAToken,
    /// Its rule says that its provider has no such call, or one that this program does not make.
    NotByThisProvider {
        /// The provider.
        provider: String,
    },
    /// RFC 7009 revokes tokens only, and the operator does not say how the issuer's clients are administered.
    NotAdministered {
        /// The issuer.
        issuer: String,
    },
    /// The administration interface cannot be asked to end it.
    NotByAdministration {
        /// Why.
        reason: String,
    },
    /// The provider's own call cannot be made.
    NotByProvider {
        /// Why.
        reason: String,
    },
    /// Nothing tells the issuer.
    UnknownIssuer,
    /// The issuers named are not in the operator's configuration.
    UntrustedIssuer {
        /// What the token or its neighbours name.
        named: Vec<String>,
    },
    /// Several trusted issuers stand beside the token.
    AmbiguousIssuer,
    /// The operator trusts the issuer and has not said that it is theirs.
    NotOwned {
        /// The issuer.
        issuer: String,
    },
    /// The revocation endpoint is not known, or not trusted.
    NoEndpoint {
        /// Why.
        reason: String,
    },
    /// The client is known and its credentials are not.
    NoCredentials {
        /// The issuer.
        issuer: String,
        /// The client.
        client: String,
    },
    /// Nothing tells the client.
    UnknownClient {
        /// The issuer.
        issuer: String,
    },
}

impl fmt::Display for NoCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAToken => f.write_str("token revocation (RFC 7009) does not end this kind of credential"),
            Self::NotAdministered { issuer } => {
                write!(f, "the configuration does not say how clients of `{issuer}` are administered")
            }
            Self::NotByThisProvider { provider } => {
                write!(f, "there is no token revocation (RFC 7009) for such credentials of `{provider}`")
            }
            Self::UnknownIssuer => f.write_str("nothing tells which issuer it belongs to"),
            Self::UntrustedIssuer { named } => {
                write!(f, "the configuration does not have its issuer `{}`", named.join("`, `"))
            }
            Self::AmbiguousIssuer => f.write_str("several trusted issuers stand beside it"),
            Self::NotOwned { issuer } => write!(f, "the configuration does not say `revoke = true` for `{issuer}`"),
            Self::NotByAdministration { reason } | Self::NotByProvider { reason } | Self::NoEndpoint { reason } => {
                f.write_str(reason)
            }
            Self::NoCredentials { issuer, client } => {
                write!(f, "no credentials of its client `{client}` at `{issuer}` are at hand")
            }
            Self::UnknownClient { issuer } => write!(f, "nothing tells its client at `{issuer}`"),
        }
    }
}

/// What the steps are made from.
pub(super) struct ManualSteps<'a> {
    pub(super) kind: Kind,
    pub(super) no_call: &'a NoCall,
    pub(super) from_rule: &'a [String],
}

impl ManualSteps<'_> {
    /// What would let the program do it, then the rule's own steps or those for the kind.
    pub(super) fn list(self) -> Vec<String> {
        let mut steps: Vec<String> = self.remedy().into_iter().collect();
        if self.from_rule.is_empty() {
            steps.extend(steps_for(self.kind).iter().map(|&step| step.to_owned()));
        } else {
            steps.extend_from_slice(self.from_rule);
        }
        steps
    }

    /// What would let the program do it.
    fn remedy(&self) -> Option<String> {
        Some(match self.no_call {
            NoCall::NotAToken | NoCall::NotByAdministration { .. } | NoCall::NotByThisProvider { .. } => return None,
            NoCall::NotAdministered { issuer } => format!(
                "If you administer the clients of `{issuer}`, say how with `[issuer.administration]` in your configuration and plan \
                 again, or:"
            ),
            NoCall::NotByProvider { .. } => {
                "If the account is yours, name its provider in `revoke_providers`, or say `revoke = true` for its `[[instance]]`, in \
                 your configuration, and plan again with `--verify`. Otherwise:"
                    .to_owned()
            }
            NoCall::UnknownIssuer | NoCall::AmbiguousIssuer => {
                "Find out which issuer made it, and list its client under `client_ids` of that issuer in your configuration. \
                 Then plan again, or:"
                    .to_owned()
            }
            NoCall::UntrustedIssuer { .. } => {
                "If that issuer is yours, add it to your configuration with `revoke = true` and plan again. Otherwise:"
                    .to_owned()
            }
            NoCall::NotOwned { issuer } => {
                format!("If `{issuer}` is yours, set `revoke = true` for it and plan again. Otherwise:")
            }
            NoCall::NoEndpoint { .. } => {
                "If the issuer has a revocation endpoint, set `revocation_endpoint` for it and plan again. Otherwise:"
                    .to_owned()
            }
            NoCall::NoCredentials { client, .. } => format!(
                "Give `client_id = \"{client}\"` and its secret for the issuer in your configuration and plan again, or:"
            ),
            NoCall::UnknownClient { .. } => {
                "Give its client and the client's secret for the issuer in your configuration and plan again, or:".to_owned()
            }
        })
    }
}

/// How far the handwork reaches.
pub(super) fn blast_radius(kind: Kind) -> BlastRadius {
    match kind {
        Kind::ClientSecret => BlastRadius::Client,
        Kind::RefreshToken => BlastRadius::Family,
        // Nobody knows what a file opens: it may be a key.
        Kind::SigningKey | Kind::PrivateKey | Kind::File => BlastRadius::Key,
        Kind::SessionCookie | Kind::Password => BlastRadius::Sessions,
        Kind::AccessToken | Kind::Jwt | Kind::ApiKey | Kind::RegistrationToken | Kind::WebhookUrl => BlastRadius::Token,
    }
}

/// What the handwork brings about.
pub(super) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::ClientSecret => "whoever authenticates with the old client secret is refused",
        Kind::SigningKey => "tokens signed with the old key are refused, forged and genuine ones alike",
        Kind::PrivateKey => "signatures and certificates of the old key are refused",
        Kind::RefreshToken => "the refresh token can no longer be redeemed",
        Kind::File => "what the file gives access to is refused to whoever has it",
        _ => "the credential is refused",
    }
}

/// What holds for a kind of credential with any provider.
fn steps_for(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ClientSecret => &[
            "Add a second secret to the client at its issuer, or rotate the one there.",
            "Give the new secret to everything that runs as this client.",
            "Delete the old secret, and check that a request with it is answered `invalid_client`.",
        ],
        Kind::RefreshToken => &[
            "End the grant or session at the issuer: in the user's list of applications, or as an administrator.",
            "Have the application obtain a new grant.",
        ],
        Kind::AccessToken | Kind::Jwt => &[
            "End the session or grant that the token was issued from.",
            "If it must die before it expires, have the servers that accept it deny its `jti`.",
        ],
        Kind::SigningKey => &[
            "Make a new key, and have tokens signed with it.",
            "Remove the old key from everything that checks signatures; waiting for old tokens to expire leaves forged ones good as well.",
            "Look in the logs for tokens that the issuer never made.",
        ],
        Kind::PrivateKey => &[
            "Make a new key pair and register its public half.",
            "Remove the old public half from key sets, authorized keys and client registrations, and revoke its certificates.",
        ],
        Kind::Password => &["Set a new password.", "End the sessions that the old one opened."],
        Kind::RegistrationToken => &[
            "Make a new registration token and delete the old one.",
            "Look for clients or runners that were registered with it.",
        ],
        Kind::SessionCookie => &["End the session: log out everywhere."],
        Kind::WebhookUrl => &["Delete the webhook and make a new one."],
        Kind::File => &[
            "Find out what the file gives access to, and replace that where it was made.",
            "Take the file out of the places where it was found.",
        ],
        Kind::ApiKey => &[
            "Make a new key with the least permissions that suffice, and deploy it.",
            "Delete the old key in its provider's console, and check that it is refused.",
        ],
    }
}
