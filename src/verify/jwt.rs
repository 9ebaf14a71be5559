//! JWTs (RFC 7519): time and signature, then introspection.
//!
//! Of the token's header only `alg`, `kid` and `crit` are looked at; `jwk`, `jku`, `x5c` and `x5u` are an attacker's word and
//! never followed. A good signature does not say "not revoked": where introspection answers, it decides.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Value;
use time::OffsetDateTime;

use super::VerifyContext;
use super::introspection::{self, Answer};
use super::userinfo;
use super::verdict::{Judgement, TokenSort, asked, local, shown, shown_time, unknown};
use super::weak_keys::{self, KnownKey};
use crate::config::Issuer;
use crate::egress::{Destination, parse_json};
use crate::finding::{Finding, Kind, Liveness, LivenessState, SenderConstraint, TokenFacts};
use crate::issuer::key_set::{SignatureCheck, algorithm_of};

/// Clocks differ by so many seconds (RFC 7519 §4.1.4 leaves the leeway open).
const LEEWAY_SECONDS: i64 = 60;

/// Longer tokens are not decoded.
const MAX_TOKEN_BYTES: usize = 128 << 10;

const EXPIRY: &str = "jwt-expiry";
pub(super) const SIGNATURE: &str = "jwt-signature";

/// A signed token (JWS compact serialisation), taken apart.
struct Signed<'a> {
    signing_input: &'a str,
    signature: &'a str,
    header: Value,
}

/// The verdict that the token alone gives, if it does.
pub(super) fn judge_locally(token: &TokenFacts, now: OffsetDateTime) -> Option<Liveness> {
    let seconds = now.unix_timestamp();
    if let Some(exp) = token.exp
        && exp.saturating_add(LEEWAY_SECONDS) < seconds
    {
        return Some(local(LivenessState::Dead, Some(EXPIRY), format!("expired at {}", shown_time(exp)), now));
    }
    if token.alg.is_empty() || token.alg.eq_ignore_ascii_case("none") {
        return Some(unknown("it is not signed (`alg` is `none`), so nothing can prove it", now));
    }
    if let Some(nbf) = token.nbf
        && nbf.saturating_sub(LEEWAY_SECONDS) > seconds
    {
        let reason = format!("not valid before {}", shown_time(nbf));
        return Some(local(LivenessState::Unknown, Some(EXPIRY), reason, now));
    }
    None
}

/// What can be said of a token that is signed with a shared key, when its issuer cannot be asked: only whether that key is known.
pub(super) fn judge_symmetric(
    finding: &Finding,
    token: &TokenFacts,
    findings: &[Finding],
    now: OffsetDateTime,
) -> Option<Liveness> {
    let reason = match known_key(finding, token, findings)? {
        KnownKey::Published => {
            "it is signed with a key from public documentation: anybody can forge such tokens".to_owned()
        }
        KnownKey::Found(key) => format!("its signing key is finding {key}: whoever has it can forge such tokens"),
    };
    Some(local(LivenessState::Unknown, Some(SIGNATURE), reason, now))
}

/// Asks the issuer that the token names, and that is trusted.
pub(super) async fn ask(
    finding: &Finding,
    findings: &[Finding],
    issuers: &[&Issuer],
    context: &VerifyContext,
) -> Judgement {
    let (Some(token), Some(issuer)) = (&finding.token, issuers.first()) else {
        return introspection::nobody_to_ask(&[], context.now()).into();
    };
    let by_signature = judge_signature(finding, token, findings, issuer, context).await;
    if by_signature.state == LivenessState::Dead {
        return by_signature.into();
    }
    let sort = if finding.kind == Kind::RefreshToken { TokenSort::Refresh } else { TokenSort::Access };
    let answer = introspection::introspect(finding, findings, issuer, sort, context).await;
    if !matches!(answer, Answer::Active(_))
        && may_ask_for_user(token)
        && let Some(verdict) = userinfo::ask(finding, issuer, context).await
    {
        return verdict.into();
    }
    match answer {
        Answer::Active(host) => introspection::active(&host, context.now()).into(),
        Answer::Inactive(host, callers) => {
            let otherwise = if is_access_token(finding, token) && by_signature.state == LivenessState::Live {
                let reason = "signature and time are good, but the issuer calls it inactive, and is not known to tell this \
                              caller of such tokens";
                asked(LivenessState::Unknown, introspection::METHOD, reason, &host, context.now())
            } else {
                by_signature
            };
            introspection::inactive(finding, issuer, sort, callers, &host, otherwise, context.now())
        }
        Answer::Undecided(_) => by_signature.into(),
    }
}

/// Holds the token against the key set of an issuer that the program lists, which is sent nothing. `None` where the token names no
/// such issuer, or is signed with a key that no key set has.
pub(super) async fn ask_known(finding: &Finding, findings: &[Finding], context: &VerifyContext) -> Option<Liveness> {
    let token = finding.token.as_ref().filter(|token| algorithm_of(&token.alg).is_some())?;
    let issuer = context.issuers.known(token.iss.as_deref()?, token.policy.as_deref())?;
    Some(judge_signature(finding, token, findings, &issuer, context).await)
}

/// Whether [`ask_known`] has somebody to ask.
pub(super) fn may_ask_known(finding: &Finding, context: &VerifyContext) -> bool {
    let token = finding.token.as_ref().filter(|token| algorithm_of(&token.alg).is_some());
    token.and_then(|token| token.iss.as_deref()).is_some_and(|issuer| context.issuers.may_know(issuer))
}

/// Checks the signature with the issuer's published keys.
async fn judge_signature(
    finding: &Finding,
    token: &TokenFacts,
    findings: &[Finding],
    issuer: &Issuer,
    context: &VerifyContext,
) -> Liveness {
    let undecided = |reason: String| unknown(reason, context.now());
    let Some(signed) = finding.secret.expose_str().and_then(Signed::parse) else {
        return undecided("it is encrypted or cannot be decoded, so only its issuer can read it".to_owned());
    };
    if signed.header.get("crit").is_some() {
        return undecided("its header has critical extensions that are not understood".to_owned());
    }
    let Some(algorithm) = algorithm_of(&token.alg) else {
        let symmetric = judge_symmetric(finding, token, findings, context.now());
        let alg = shown(&token.alg);
        return symmetric.unwrap_or_else(|| undecided(format!("its `{alg}` signature cannot be checked from outside")));
    };
    let keys = match context.issuers.key_set(issuer).await {
        Ok(keys) => keys,
        Err(error) => return undecided(error.to_string()),
    };
    let host = match context.issuers.key_set_host(issuer).await {
        Ok(host) => host,
        Err(error) => return undecided(error.to_string()),
    };
    let input = signed.signing_input.as_bytes();
    match keys.check(token.kid.as_deref(), algorithm, input, signed.signature) {
        SignatureCheck::Good => live(token, &host, context.now()),
        // Microsoft hashes the nonce after signing: outsiders cannot check such tokens.
        _ if signed.header.get("nonce").is_some() => {
            undecided("its header holds a `nonce`, with which only its audience can check the signature".to_owned())
        }
        SignatureCheck::Bad => {
            let reason = "its signature does not verify with the issuer's keys";
            asked(LivenessState::Dead, SIGNATURE, reason, &host, context.now())
        }
        SignatureCheck::UnknownKey if issuer.has_other_keys() => {
            undecided("the issuer does not publish the keys of such tokens: only it can check them".to_owned())
        }
        SignatureCheck::UnknownKey => {
            let reason = "the issuer does not publish the key that it names (rotated, or never its own)";
            asked(LivenessState::Dead, SIGNATURE, reason, &host, context.now())
        }
        SignatureCheck::Undecidable => {
            undecided("the issuer's key is of a type or size that is not supported".to_owned())
        }
    }
}

fn live(token: &TokenFacts, host: &Destination, now: OffsetDateTime) -> Liveness {
    let bound = match &token.cnf {
        None => "",
        Some(SenderConstraint::Dpop(_)) => "; it works only with its DPoP key",
        Some(SenderConstraint::MutualTls(_)) => "; it works only with its client certificate",
        Some(SenderConstraint::Other(_)) => "; it works only with the key it is bound to",
    };
    let until =
        token.exp.map_or_else(|| "it never expires".to_owned(), |exp| format!("valid until {}", shown_time(exp)));
    let reason = format!("signature and time are good, {until}; a revocation would not show{bound}");
    asked(LivenessState::Live, SIGNATURE, reason, host, now)
}

/// Whether introspection is about such tokens at all: it is not about ID tokens.
fn is_access_token(finding: &Finding, token: &TokenFacts) -> bool {
    let is_typed = token
        .typ
        .as_deref()
        .is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt"));
    finding.kind == Kind::AccessToken || is_typed || token.scope.is_some()
}

/// Whether UserInfo is meant for such tokens: those with the scope `openid`.
fn may_ask_for_user(token: &TokenFacts) -> bool {
    token.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|word| word == "openid"))
}

fn known_key(finding: &Finding, token: &TokenFacts, findings: &[Finding]) -> Option<KnownKey> {
    let algorithm = match token.alg.as_str() {
        "HS256" => Algorithm::HS256,
        "HS384" => Algorithm::HS384,
        "HS512" => Algorithm::HS512,
        _ => return None,
    };
    let signed = Signed::parse(finding.secret.expose_str()?)?;
    weak_keys::find(algorithm, signed.signing_input.as_bytes(), signed.signature, findings)
}

impl<'a> Signed<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (signing_input, signature) = token.rsplit_once('.')?;
        let (header, claims) = signing_input.split_once('.')?;
        if token.len() > MAX_TOKEN_BYTES || claims.contains('.') {
            return None;
        }
        Some(Self { signing_input, signature, header: decode(header)? })
    }
}

fn decode(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    parse_json(&bytes).ok().filter(Value::is_object)
}
