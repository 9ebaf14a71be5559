//! Makes the plan. Pure but for making paths absolute: same findings, same terms, same policy, same plan.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::manual::{ManualSteps, NoCall};
use super::{Authority, Breaks, PLAN_SCHEMA, PlanEntry, PlannedAction, PlannedLiveness, PlannedLocation};
use super::{RevocationPlan, administration, manual, provider};
use crate::finding::{Fingerprint, Kind, LivenessState};
use crate::provider::Providers;
use crate::revoke::Subject;
use crate::revoke::policy::{CapCounter, Decision, Policy, PolicyAction, Question};
use crate::revoke::terms::{IssuerMatch, IssuerTerms, Survey};
use crate::rules::{BlastRadius, RevokeMethod, Rule, RuleSet};

/// How many places of a secret a plan names: enough to find the value again when some of them are gone.
const PLANNED_LOCATIONS: usize = 8;

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct PlanInput<'a> {
    /// The findings.
    pub subjects: &'a [Subject],
    /// Which trusted issuers they belong to, and what may be done there.
    pub survey: &'a Survey,
    /// The operator's policy.
    pub policy: &'a Policy,
    /// Whether findings count whose liveness is not known.
    pub include_unknown: bool,
    /// The rules that found them, which know how their provider revokes.
    pub rules: &'a RuleSet,
    /// Which providers' accounts are the operator's.
    pub providers: &'a Providers,
    /// The time, for policies that ask how old a leak is.
    pub now: OffsetDateTime,
}

/// Plans what to do about every live finding.
pub fn plan(input: &PlanInput<'_>) -> RevocationPlan {
    let mut entries: Vec<PlanEntry> = input
        .subjects
        .iter()
        .filter(|subject| subject.liveness != LivenessState::Dead)
        .map(|subject| (subject.liveness, entry(input, subject)))
        .filter(|(liveness, entry)| is_planned(*liveness, entry, input.include_unknown))
        .map(|(_, entry)| entry)
        .collect();
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut counter = CapCounter::default();
    for entry in &mut entries {
        let Some(issuer) = entry.action.issuer() else { continue };
        if entry.policy.action == PolicyAction::Auto
            && let Err(cap) =
                input.policy.hour_has_room(counter.in_run()).and_then(|()| input.policy.count(&mut counter, issuer))
        {
            entry.policy = Decision::approve(cap);
        }
    }
    RevocationPlan { schema: PLAN_SCHEMA, entries }
}

/// Whether a finding belongs into the plan: it is live, its liveness is not known and it was asked for nevertheless, or the
/// policy names its liveness and says `auto`.
fn is_planned(liveness: LivenessState, entry: &PlanEntry, include_unknown: bool) -> bool {
    match liveness {
        LivenessState::Live | LivenessState::LiveRestricted => true,
        LivenessState::Unknown | LivenessState::NotChecked => {
            include_unknown || entry.policy.action == PolicyAction::Auto
        }
        LivenessState::Dead => false,
    }
}

/// Calls before handwork; per issuer the refresh token first, since access tokens that still stand could be renewed with it, and
/// the client secret last, since the calls for its tokens may need it.
fn order(entry: &PlanEntry) -> (bool, &str, u8, Fingerprint) {
    let issuer = entry.action.issuer().unwrap_or_default();
    let rank = match entry.kind {
        Kind::RefreshToken => 0,
        Kind::ClientSecret => 2,
        _ => 1,
    };
    (!entry.is_call(), issuer, rank, entry.finding)
}

fn entry(input: &PlanInput<'_>, subject: &Subject) -> PlanEntry {
    let found_by = input.rules.get(&subject.rule).map(AsRef::as_ref);
    let rule = found_by.map(|rule| &*rule.revoke);
    let decide = |issuer: &str, shared, blast_radius| {
        input.policy.decide(&Question { subject, issuer, shared, blast_radius, now: input.now })
    };
    let (action, blast_radius, policy) = match find_call(input, subject, found_by) {
        Ok((issuer, action @ PlannedAction::Administration { .. })) => {
            let decision = decide(&issuer, false, BlastRadius::Client);
            (action, BlastRadius::Client, decision)
        }
        Ok((issuer, action @ PlannedAction::Provider { shared, .. })) => {
            let radius = rule.map_or(BlastRadius::Key, |rule| rule.blast_radius);
            let decision = decide(&issuer, shared, radius);
            (action, radius, decision)
        }
        Ok((issuer, action)) => {
            // The rule knows its provider, the issuer's identifier tells the server: the wider of both is meant.
            let radius = blast_radius_of_revocation(subject, &issuer);
            let radius = rule.map_or(radius, |rule| radius.max(rule.blast_radius));
            let decision = decide(&issuer, false, radius);
            (action, radius, decision)
        }
        Err(no_call) => {
            let by_hand = rule.filter(|rule| rule.method != RevokeMethod::Rfc7009);
            let from_rule = rule.map(|rule| rule.steps.as_slice()).unwrap_or_default();
            let action = PlannedAction::Manual {
                why: no_call.to_string(),
                steps: ManualSteps { kind: subject.kind, no_call: &no_call, from_rule }.list(),
            };
            let radius = by_hand.map_or_else(|| manual::blast_radius(subject.kind), |rule| rule.blast_radius);
            (action, radius, Decision::never("there is no call: a person does it"))
        }
    };
    let administered = administration::terms_of(input, &action);
    let by_rule = matches!(action, PlannedAction::Provider { .. } | PlannedAction::Manual { .. });
    let expected = match &action {
        PlannedAction::Rfc7009 { .. } | PlannedAction::Administration { .. } => expected(subject.kind, blast_radius),
        PlannedAction::Provider { .. } => provider::expected(blast_radius),
        PlannedAction::Manual { .. } => manual::expected(subject.kind),
    };
    PlanEntry {
        finding: subject.id,
        rule: subject.rule.clone(),
        provider: subject.provider.clone(),
        kind: subject.kind,
        confidence: subject.confidence,
        redacted: subject.redacted.clone(),
        liveness: PlannedLiveness {
            state: subject.liveness.as_str().to_owned(),
            method: subject.liveness_method.clone(),
            host: subject.liveness_host.clone(),
            account: subject.account.clone(),
            checked_at: subject.checked_at.and_then(|time| time.format(&Rfc3339).ok()),
        },
        expected: administered.map_or(expected, |administered| administered.expected).to_owned(),
        action,
        blast_radius,
        reversible: administered.is_some_and(|administered| administered.reversible)
            || by_rule && rule.is_some_and(|rule| rule.method != RevokeMethod::Rfc7009 && rule.reversible),
        breaks: Breaks {
            client_id: subject.client_id().map(str::to_owned),
            audience: subject.token.as_ref().map(|token| token.aud.clone()).unwrap_or_default(),
            scope: subject.token.as_ref().and_then(|token| token.scope.clone()),
        },
        owners: subject.owners.clone(),
        outlives: outlives(subject),
        oldest: subject.oldest.and_then(|time| time.format(&Rfc3339).ok()),
        policy,
        locations: planned_locations(subject),
        location_count: subject.locations.len(),
    }
}

/// The call that ends the credential and the issuer it goes to, or why there is none.
fn find_call(
    input: &PlanInput<'_>,
    subject: &Subject,
    found_by: Option<&Rule>,
) -> Result<(String, PlannedAction), NoCall> {
    let Some((rule, call)) = found_by.and_then(|rule| Some((rule, rule.revoke.call.as_deref()?))) else {
        return if subject.kind == Kind::ClientSecret {
            administration::find_call(input, subject)
        } else {
            find_rfc7009_call(input, subject, found_by)
        };
    };
    provider::find_call(input, subject, rule, call).or_else(|no_call| {
        if subject.kind == Kind::ClientSecret {
            return administration::find_call(input, subject).map_err(|_| no_call);
        }
        // Who trusts its issuer need not name its provider as well.
        let by_issuer = rule.endpoints.revocation.is_some().then(|| find_rfc7009_call(input, subject, None));
        by_issuer.and_then(Result::ok).ok_or(no_call)
    })
}

/// A token revocation request, and the issuer that it goes to.
fn find_rfc7009_call(
    input: &PlanInput<'_>,
    subject: &Subject,
    found_by: Option<&Rule>,
) -> Result<(String, PlannedAction), NoCall> {
    let rule = found_by.map(|rule| &*rule.revoke);
    let token_type_hint = match subject.kind {
        Kind::RefreshToken => "refresh_token",
        Kind::AccessToken | Kind::Jwt => "access_token",
        _ => return Err(NoCall::NotAToken),
    };
    if rule.is_some_and(|rule| rule.method != RevokeMethod::Rfc7009) {
        return Err(NoCall::NotByThisProvider { provider: subject.provider.clone() });
    }
    let (issuer, terms) = find_issuer(input, subject)?;
    if !terms.revoke {
        return Err(NoCall::NotOwned { issuer: issuer.to_owned() });
    }
    let endpoint = match &terms.revocation_endpoint {
        Ok(endpoint) => endpoint,
        Err(reason) => return Err(NoCall::NoEndpoint { reason: reason.clone() }),
    };
    let authority = find_authority(input, subject, issuer, terms)?;
    let action = PlannedAction::Rfc7009 {
        issuer: issuer.to_owned(),
        endpoint: format!("{}{}", endpoint.origin().ascii_serialization(), endpoint.path()),
        token_type_hint: token_type_hint.to_owned(),
        authority,
    };
    Ok((issuer.to_owned(), action))
}

/// The trusted issuer that the token belongs to; where nothing stands with the token itself, the one of the client secret
/// that leaked with it. What stands beside a token is only a hint: it can choose among the issuers that the operator trusts,
/// and never add one.
pub(super) fn find_issuer<'a>(input: &PlanInput<'a>, subject: &Subject) -> Result<(&'a str, &'a IssuerTerms), NoCall> {
    let of = |subject: &Subject| input.survey.matches.get(&subject.id).cloned().unwrap_or_default();
    let mut found = of(subject);
    if found.trusted.is_empty() && found.untrusted.is_empty() {
        for companion in companions(input, subject) {
            found.trusted.extend(of(companion).trusted);
        }
        found.trusted.sort_unstable();
        found.trusted.dedup();
    }
    match found.trusted.as_slice() {
        [] if found.untrusted.is_empty() => Err(NoCall::UnknownIssuer),
        [] => Err(NoCall::UntrustedIssuer { named: found.untrusted }),
        [issuer] => {
            let known = input.survey.terms.get_key_value(issuer).ok_or(NoCall::UnknownIssuer)?;
            Ok((known.0, known.1))
        }
        _ => Err(NoCall::AmbiguousIssuer),
    }
}

/// The client secrets that leaked with the token, those proven live first.
fn companions<'a>(input: &PlanInput<'a>, subject: &Subject) -> impl Iterator<Item = &'a Subject> {
    let client = subject.client_id().map(str::to_owned);
    let named: Vec<Fingerprint> = subject.findings_named("client_secret").collect();
    let mut secrets: Vec<&Subject> = input
        .subjects
        .iter()
        .filter(|other| other.kind == Kind::ClientSecret && other.liveness != LivenessState::Dead)
        .filter(|other| match (&client, other.client_id()) {
            (Some(client), Some(owner)) => owner == client,
            _ => named.contains(&other.id),
        })
        .collect();
    secrets.sort_by_key(|secret| {
        let is_live = matches!(secret.liveness, LivenessState::Live | LivenessState::LiveRestricted);
        (!is_live, !named.contains(&secret.id), secret.id)
    });
    secrets.into_iter()
}

/// Who may ask for the revocation: only the client that the token was issued to (RFC 7009 §2.1).
fn find_authority(
    input: &PlanInput<'_>,
    subject: &Subject,
    issuer: &str,
    terms: &IssuerTerms,
) -> Result<Authority, NoCall> {
    if Flavour::of(subject, issuer) == Flavour::Google {
        return Ok(Authority::Nobody);
    }
    let client = subject.client_id();
    if let Some(operator) = &terms.client_id
        && client == Some(operator)
    {
        return Ok(Authority::OperatorClient { client_id: operator.clone() });
    }
    let companion = companions(input, subject).find(|secret| {
        let issuers = input.survey.matches.get(&secret.id);
        let is_elsewhere =
            |found: &IssuerMatch| !found.trusted.is_empty() && !found.trusted.iter().any(|own| own == issuer);
        !issuers.is_some_and(is_elsewhere) && !secret.locations.is_empty()
    });
    if let Some(secret) = companion
        && let Some(client_id) = secret.client_id().or(client)
    {
        return Ok(Authority::FoundClient {
            client_id: client_id.to_owned(),
            credential: secret.id,
            credential_kind: secret.kind,
            locations: planned_locations(secret),
        });
    }
    match (client, &terms.client_id) {
        (Some(client), _) if terms.accepts_public_clients => {
            Ok(Authority::PublicClient { client_id: client.to_owned() })
        }
        // The token is not this client's, as far as one can tell. The issuer decides: some let a client of their operator
        // revoke for others, the rest refuse.
        (_, Some(operator)) => Ok(Authority::OperatorClient { client_id: operator.clone() }),
        (Some(client), None) => Err(NoCall::NoCredentials { issuer: issuer.to_owned(), client: client.to_owned() }),
        (None, None) => Err(NoCall::UnknownClient { issuer: issuer.to_owned() }),
    }
}

/// Servers whose revocation reaches further than the standard says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Standard,
    Google,
    Auth0,
    Keycloak,
    GitLab,
}

impl Flavour {
    /// Told by the provider of the rule, or by what only that server's issuers look like.
    fn of(subject: &Subject, issuer: &str) -> Self {
        if issuer == "https://accounts.google.com" {
            return Self::Google;
        }
        match subject.provider.as_str() {
            "auth0" => Self::Auth0,
            "keycloak" => Self::Keycloak,
            "gitlab" => Self::GitLab,
            _ if issuer.trim_end_matches('/').ends_with(".auth0.com") => Self::Auth0,
            _ if issuer.contains("/realms/") => Self::Keycloak,
            _ if issuer == "https://gitlab.com" => Self::GitLab,
            _ => Self::Standard,
        }
    }
}

fn blast_radius_of_revocation(subject: &Subject, issuer: &str) -> BlastRadius {
    match (Flavour::of(subject, issuer), subject.kind) {
        // At Google either token takes the whole consent of that user for that client with it.
        // Keycloak ends the user's session at the client; Auth0 tenants with their old setting delete the grant.
        (Flavour::Google, _) | (Flavour::Keycloak | Flavour::Auth0, Kind::RefreshToken) => BlastRadius::AppUser,
        (Flavour::GitLab, _) | (_, Kind::RefreshToken) => BlastRadius::Family,
        _ => BlastRadius::Token,
    }
}

fn expected(kind: Kind, radius: BlastRadius) -> &'static str {
    match (kind, radius) {
        (_, BlastRadius::AppUser) => {
            "all tokens of this client for this user stop working; the user has to consent or log in again"
        }
        (Kind::RefreshToken, _) => {
            "the refresh token stops working, and with it the access tokens of its grant that are asked about at the issuer"
        }
        (_, BlastRadius::Family) => "the access token stops working, and with it the refresh token of its grant",
        _ => "the access token stops working wherever the issuer is asked about it",
    }
}

/// A JWT is judged by its signature and its `exp`: who does not ask the issuer never learns that it was revoked.
fn outlives(subject: &Subject) -> Option<String> {
    match (subject.kind, &subject.token) {
        (Kind::AccessToken | Kind::Jwt, Some(token)) => {
            Some(match token.exp.map(OffsetDateTime::from_unix_timestamp) {
                Some(Ok(time)) => format!(
                    "a server that checks only the signature accepts this JWT until {}",
                    time.format(&Rfc3339).unwrap_or_else(|_| "its `exp`".to_owned())
                ),
                _ => "a server that checks only the signature accepts this JWT for ever: it has no usable `exp`"
                    .to_owned(),
            })
        }
        (Kind::RefreshToken, _) => Some(
            "access tokens that are JWTs stay good until their `exp` with servers that check only the signature"
                .to_owned(),
        ),
        _ => None,
    }
}

fn planned_locations(subject: &Subject) -> Vec<PlannedLocation> {
    subject.locations.iter().take(PLANNED_LOCATIONS).map(PlannedLocation::of).collect()
}
