//! Private keys. A key is never sent anywhere: it signs a message of ours, and the public keys that issuers publish are held
//! against the signature. Whose public half is published there can make tokens that everybody believes.

use jsonwebtoken::{Algorithm, DecodingKey};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::verdict::{asked, not_checked, unknown};
use super::{VerifyContext, client_secret};
use crate::egress::{DOCUMENT_BODY_LIMIT, Destination, Request};
use crate::finding::{Finding, Identity, Liveness, LivenessState};
use crate::issuer::key_set::SignatureCheck;
use crate::key_material::KeyMaterial;
use crate::rules::Rule;

/// The name of this method in verdicts.
pub(super) const METHOD: &str = "key-set";

/// What is signed. Nobody who sees the signature can take it for a token.
const MESSAGE: &[u8] = b"rescind looks for the public half of a leaked key";

/// Where Google publishes the certificates of a service account's keys, by their ids.
const GOOGLE_CERTIFICATES: &str = "https://www.googleapis.com/robot/v1/metadata/x509/";

/// Looks for the public half of a key in the key sets of the trusted issuers, and among the tokens of the scan.
pub(super) async fn ask(finding: &Finding, rule: &Rule, findings: &[Finding], context: &VerifyContext) -> Liveness {
    let key = KeyMaterial::read(finding.secret.expose());
    let Some((algorithm, signature)) = key.sign(MESSAGE) else {
        return not_checked(format!("it is {}; no key set has such keys", key.words));
    };
    if let Some(email) = finding.parts_named("client_email").next().filter(|_| rule.provider == "google") {
        return of_service_account(finding, rule, email, &signature, context).await;
    }
    let as_client = of_client(finding, context).await;
    if let Some(live) = as_client.as_ref().filter(|verdict| verdict.state == LivenessState::Live) {
        return live.clone();
    }
    let mut failures = Vec::new();
    let mut compared = 0;
    for issuer in context.issuers.to_verify() {
        let keys = context.issuers.key_set(issuer).await;
        let host = context.issuers.key_set_host(issuer).await;
        match (keys, host) {
            (Ok(keys), Ok(host)) => {
                compared += 1;
                if keys.check(None, algorithm, MESSAGE, &signature) == SignatureCheck::Good {
                    let reason = format!(
                        "it is {}, whose public half `{}` publishes: whoever has it can mint its tokens",
                        key.words, issuer.issuer
                    );
                    return asked(LivenessState::Live, METHOD, reason, &host, context.now());
                }
            }
            (Err(error), _) | (_, Err(error)) => failures.push(error.to_string()),
        }
    }
    let signed = findings.iter().find(|other| has_signed(&key, other));
    let also = signed.map(|token| format!("; it has signed the token of finding {}", token.id)).unwrap_or_default();
    if let Some(reason) = as_client.and_then(|verdict| verdict.reason) {
        return unknown(format!("it is {}{also}; {reason}", key.words), context.now());
    }
    match (failures.first(), compared) {
        (Some(failure), _) => unknown(format!("it is {}{also}; {failure}", key.words), context.now()),
        (None, 0) => not_checked(format!("it is {}{also}; no trusted issuer has keys to compare it with", key.words)),
        (None, _) => not_checked(format!("it is {}{also}; no trusted issuer publishes its public half", key.words)),
    }
}

/// Whether a client that stood with the key proves itself by it. Only a trusted issuer is asked, and the key is not sent.
async fn of_client(finding: &Finding, context: &VerifyContext) -> Option<Liveness> {
    let client_id = finding.parts_named("client_id").next()?;
    let matches = context.issuers.matching(finding).await;
    let issuer = matches.trusted.iter().find(|issuer| issuer.verify)?;
    Some(client_secret::ask_with_key(finding, issuer, client_id, context).await)
}

/// Whether the key made the token's signature. Only signatures without chance in them can be made again.
fn has_signed(key: &KeyMaterial, other: &Finding) -> bool {
    let is_exact = |algorithm| matches!(algorithm, Algorithm::RS256 | Algorithm::EdDSA);
    let token = other.token.as_ref().and(other.secret.expose_str());
    let Some((input, signature)) = token.and_then(|token| token.rsplit_once('.')) else { return false };
    let names_it = |algorithm| other.token.as_ref().is_some_and(|token| token.alg.parse() == Ok(algorithm));
    key.sign(input.as_bytes())
        .is_some_and(|(algorithm, own)| is_exact(algorithm) && names_it(algorithm) && own == signature)
}

/// Google publishes the certificates of all keys that an account has: what is not among them was deleted or disabled.
async fn of_service_account(
    finding: &Finding,
    rule: &Rule,
    email: &str,
    signature: &str,
    context: &VerifyContext,
) -> Liveness {
    if !context.providers.may_ask(rule) {
        return not_checked(format!("`{}` is not among the `providers` of the configuration", rule.provider));
    }
    let url = format!("{GOOGLE_CERTIFICATES}{}", utf8_percent_encode(email, NON_ALPHANUMERIC));
    let destination = match Destination::pinned(rule, &url) {
        Ok(destination) => destination,
        Err(error) => return unknown(error, context.now()),
    };
    let response = match context.ask(|| Request::get(&destination).limit(DOCUMENT_BODY_LIMIT)).await {
        Ok(response) => response,
        Err(error) => return unknown(error, context.now()),
    };
    let verdict = |state, reason: &str| asked(state, METHOD, reason, &destination, context.now());
    let document = response.json().ok();
    let certificates = document.as_ref().and_then(Value::as_object);
    match (response.status, certificates) {
        (200, Some(certificates)) => {
            let key_ids: Vec<&str> = finding.parts_named("key_id").collect();
            let is_meant = |id: &String| key_ids.is_empty() || key_ids.contains(&id.as_str());
            let mut meant = certificates.iter().filter(|(id, _)| is_meant(id)).filter_map(|(_, pem)| pem.as_str());
            if meant.any(|certificate| made(certificate, signature)) {
                let reason = "its account still has the key: whoever has it can act as the account";
                let identity = Identity { account: Some(email.to_owned()), ..Identity::default() };
                Liveness { identity: Some(Box::new(identity)), ..verdict(LivenessState::Live, reason) }
            } else {
                verdict(LivenessState::Dead, "its account does not have the key any more")
            }
        }
        (404, _) => verdict(LivenessState::Dead, "its account does not exist any more"),
        (status, _) => verdict(LivenessState::Unknown, &format!("the answer decides nothing (status {status})")),
    }
}

/// Whether the key of a certificate verifies the signature of our message.
fn made(certificate: &str, signature: &str) -> bool {
    let key = DecodingKey::from_rsa_pem(certificate.as_bytes());
    key.is_ok_and(|key| jsonwebtoken::crypto::verify(signature, MESSAGE, &key, Algorithm::RS256).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate as Google publishes them, and what its key, which nobody has any more, made of [`MESSAGE`].
    const CERTIFICATE: &str = "\
        MIIC+zCCAeOgAwIBAgIUCWewznOZjPUNlMxz8mFNI2Ndww4wDQYJKoZIhvcNAQELBQAwDDEKMAgGA1UEAwwBdDAgFw0yNjExMjIw\
        NDAyMzFaGA8yMTI2MTAyOTA0MDIzMVowDDEKMAgGA1UEAwwBdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMKXQZvY\
        1gB8QbKyvJgpTr7cbnkw0ABjgycYdL06x45q7KOc45hZ8wj8klTYUQhUZlBMn2bo6iXIYxtzLPK1nT+lJ7B5aCgenFvTH1bTX4OP\
        5aQOPPDExbRm61CWGPElss6O8hV4kl+aEfbph6Kj2FUmEF9pnozc2nbiCs2g2z5wB6BPNia/ScUhf1XhMCwdZLv4WCNC+lLrOxbq\
        xU45XkpC56PoGrV/Ti6eVTdXMXuJbECRhiL3JwYAmBT2U3V90Xw+EH7LNxVsrsU389ZMhnC6fSFcmUSZkZoqQE1K85OzgK843VjD\
        6pK9rg1t2q/yPBJdolf16E4UxJoO0Vchm/8CAwEAAaNTMFEwHQYDVR0OBBYEFLsK9VV3/dyYS5mVdJ09dCIi6Oh8MB8GA1UdIwQY\
        MBaAFLsK9VV3/dyYS5mVdJ09dCIi6Oh8MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBACaETLgTNpCa2dNWdOA5\
        vSYIJbZYFNZoOFdE1FwytGVxI3lo90UHIU/8cfj+A3Q5ifHW/Mfazxu4zb76gjXYI3pahC7O3ULa/12QKuG+WghL9KPp8B86f1Jc\
        oWhtVGsniZLD78UTp0Vipjbr70+cP2OPKiMc/au3kTtwXe7gmmHtJCYJxrMdBzLV+ftscuanWAH7O2HBA8v7bm0hKz2XFU+F6f1c\
        zGdujII/UedqCRJFX9B66YQFoaVcLhrqovZleXrpvDfrHPwaIXYR0OGH40VRVN+Q9bcFKQuQj+QjhqKvA60j7d/NzCjfk1owCOUB\
        mHTNtZPWhG3Iw8l5a+UdQEU=";
    const SIGNATURE: &str = "\
        IH4Bwq5qhhdcHvdBgSj0o1TUHMYldH4Mj1bQsOX3oc4pkNhuEy6pfReLjpDaa0rUvF6jho3Am0AC7jr5EgnjavuXFNzXTFJovplO\
        3U9BxTGldK6LhTbrwafn7izI00MaUMY8swj8L5xy-\
        lqbzglnB0lgqXq7-qdHfRmWLNC93vpAs5iUeU5GeeNlr_Hrw8Ve43sX9E6Ak4r5VQv-\
        OhiIK46ufQfV2bpU32f4a2D100Hzh4UEfumtrChD7I-dJCpnHOIRieK7IQqcg-Fq1jPFkj_-\
        VxgNicTgtMcf2FxjlcjkVC8E8RqFijVNifcpf2nYfsTgF2IwZDdrpaG-5fRuTw";

    #[test]
    fn certificates_tell_whose_signature_it_is() {
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n");
        assert!(made(&certificate, SIGNATURE));
        assert!(!made(&certificate, &SIGNATURE.replacen('A', "B", 1)));
        assert!(!made("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", SIGNATURE));
        assert!(!made("", SIGNATURE));
    }
}
