//! What the claims of a token make of it: whose it is, what it is for, how bad its leak is.

use serde_json::{Map, Value};

use super::Token;
use crate::finding::{Kind, SenderConstraint, Severity, TokenFacts, TokenUse, host_of_issuer, is_at_or_below};

/// The token with these claims. `facts` tell its header.
pub(super) fn signed(mut facts: TokenFacts, claims: &Map<String, Value>) -> Token {
    facts.iss = text(claims, "iss");
    facts.sub = text(claims, "sub");
    facts.aud = texts(claims.get("aud"));
    facts.exp = seconds(claims, "exp");
    facts.nbf = seconds(claims, "nbf");
    facts.iat = seconds(claims, "iat");
    let scopes = [claims.get("scope"), claims.get("scp")].into_iter().map(texts).find(|scopes| !scopes.is_empty());
    facts.scope = scopes.map(|scopes| scopes.join(" "));
    facts.client_id = ["client_id", "azp", "cid", "appid"].into_iter().find_map(|name| text(claims, name));
    facts.jti = text(claims, "jti");
    let is_user_flow = |name: &String| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("b2c_"));
    facts.policy = text(claims, "tfp").or_else(|| text(claims, "acr").filter(is_user_flow));
    facts.cnf = sender_constraint(claims);
    facts.usage = usage(&facts, claims);
    let kind = match facts.usage {
        Some(TokenUse::Refresh | TokenUse::Offline) => Kind::RefreshToken,
        _ => Kind::Jwt,
    };
    let severity = severity(&facts, claims, kind);
    let is_sample = is_sample(&facts, claims);
    Token { facts, kind, severity, is_sample, is_encrypted: false }
}

/// What the token is for, as its header and claims tell it: by what they say of its type, or by what only such tokens hold.
fn usage(facts: &TokenFacts, claims: &Map<String, Value>) -> Option<TokenUse> {
    let typ = facts.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    let has = |name: &str| claims.contains_key(name);
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "at+jwt" => return Some(TokenUse::Access),
        "logout+jwt" => return Some(TokenUse::Logout),
        "secevent+jwt" => return Some(TokenUse::SecurityEvent),
        "dpop+jwt" => return Some(TokenUse::DpopProof),
        "client-authentication+jwt" => return Some(TokenUse::ClientAssertion),
        _ => {}
    }
    if has("htm") && has("htu") {
        return Some(TokenUse::DpopProof);
    }
    if let Some(events) = claims.get("events") {
        let is_logout = events.get("http://schemas.openid.net/event/backchannel-logout").is_some();
        return Some(if is_logout { TokenUse::Logout } else { TokenUse::SecurityEvent });
    }
    let is_subject = |start: &str| facts.sub.as_deref().is_some_and(|subject| subject.starts_with(start));
    if is_subject("spiffe://") {
        return Some(TokenUse::Svid);
    }
    if is_subject("system:serviceaccount:") || has("kubernetes.io") {
        return Some(TokenUse::ServiceAccount);
    }
    // Keycloak says `typ`, Cognito `token_use`, others `token_type` or `type`.
    let said = ["typ", "token_use", "token_type", "tokenType", "type"].into_iter().find_map(|name| {
        match text(claims, name)?.to_ascii_lowercase().as_str() {
            "refresh" | "refresh_token" | "refreshtoken" => Some(TokenUse::Refresh),
            "offline" => Some(TokenUse::Offline),
            "id" | "id_token" => Some(TokenUse::Id),
            "access" | "access_token" | "bearer" => Some(TokenUse::Access),
            _ => None,
        }
    });
    if said.is_some() {
        return said;
    }
    if ["at_hash", "c_hash"].into_iter().any(has) || (has("nonce") && facts.scope.is_none()) {
        return Some(TokenUse::Id);
    }
    // A client that speaks for itself to its server (RFC 7523 §3).
    if facts.iss.is_some() && facts.iss == facts.sub && !facts.aud.is_empty() {
        return Some(TokenUse::ClientAssertion);
    }
    facts.scope.is_some().then_some(TokenUse::Access)
}

fn severity(facts: &TokenFacts, claims: &Map<String, Value>, kind: Kind) -> Severity {
    let opens_nothing = matches!(facts.usage, Some(TokenUse::DpopProof | TokenUse::Logout | TokenUse::SecurityEvent));
    if facts.alg.eq_ignore_ascii_case("none") || opens_nothing {
        return Severity::Info;
    }
    match text(claims, "role").as_deref() {
        Some("anon") if facts.iss.as_deref() == Some("supabase") => return Severity::Info,
        Some("service_role") => return Severity::Critical,
        _ => {}
    }
    let severity = match (kind, facts.usage) {
        (Kind::RefreshToken, _) => Severity::Critical,
        (_, Some(TokenUse::Id)) => Severity::Medium,
        _ => Severity::High,
    };
    let severity = if facts.exp.is_none() { severity.raised() } else { severity };
    if facts.cnf.is_some() { severity.lowered() } else { severity }
}

/// Tokens that specifications, tutorials and debuggers print with their keys.
fn is_sample(facts: &TokenFacts, claims: &Map<String, Value>) -> bool {
    let john = facts.sub.as_deref() == Some("1234567890") && text(claims, "name").as_deref() == Some("John Doe");
    let joe = facts.iss.as_deref() == Some("joe") && claims.contains_key("http://example.com/is_root");
    let issuer = facts.iss.as_deref().unwrap_or_default();
    john || joe || issuer == "supabase-demo" || is_example_issuer(issuer)
}

/// Whether an issuer is one that cannot exist (RFC 2606, RFC 6761) or that nobody has filled in.
pub(crate) fn is_example_issuer(issuer: &str) -> bool {
    let lower = issuer.to_ascii_lowercase();
    if ["your_domain", "your-domain", "yourdomain", "your-tenant", "your_tenant", "<"]
        .iter()
        .any(|text| lower.contains(text))
    {
        return true;
    }
    let host = host_of_issuer(&lower);
    ["example.com", "example.org", "example.net", "example", "test", "invalid"]
        .iter()
        .any(|name| is_at_or_below(&host, name) && (name.contains('.') || host.contains('.')))
}

fn sender_constraint(claims: &Map<String, Value>) -> Option<SenderConstraint> {
    let confirmation = claims.get("cnf")?.as_object()?;
    if let Some(thumbprint) = text(confirmation, "jkt") {
        return Some(SenderConstraint::Dpop(thumbprint));
    }
    if let Some(thumbprint) = text(confirmation, "x5t#S256") {
        return Some(SenderConstraint::MutualTls(thumbprint));
    }
    confirmation.keys().next().map(|name| SenderConstraint::Other(name.clone()))
}

pub(super) fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A NumericDate (RFC 7519 §2) may have a fraction, and some issuers write it as text.
fn seconds(object: &Map<String, Value>, name: &str) -> Option<i64> {
    match object.get(name)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole_seconds)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and a fraction of a second is meant to go")]
fn whole_seconds(number: f64) -> Option<i64> {
    (-1e15..=1e15).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::super::tests::token;
    use super::*;

    #[test]
    fn claims_become_facts() {
        let claims = r#"{"iss":"https://i.dev","sub":"s","aud":["a","b"],"exp":1.5e9,"nbf":"12","scp":["x","y"],
            "azp":"c","jti":"j","acr":"b2c_1_sign_in","cnf":{"jkt":"thumb"},"typ":"Bearer"}"#;
        let token = decode(token(r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#, claims).as_bytes()).unwrap();
        let expected = TokenFacts {
            alg: "RS256".into(),
            typ: Some("at+jwt".into()),
            kid: Some("k".into()),
            iss: Some("https://i.dev".into()),
            sub: Some("s".into()),
            aud: vec!["a".into(), "b".into()],
            exp: Some(1_500_000_000),
            nbf: Some(12),
            iat: None,
            scope: Some("x y".into()),
            client_id: Some("c".into()),
            jti: Some("j".into()),
            policy: Some("b2c_1_sign_in".into()),
            cnf: Some(SenderConstraint::Dpop("thumb".into())),
            usage: Some(TokenUse::Access),
        };
        assert_eq!(token.facts, expected);
        assert_eq!((token.kind, token.severity), (Kind::Jwt, Severity::Medium));
    }

    #[test]
    fn what_tokens_are_for() {
        for (header, claims, expected) in [
            (r#""typ":"application/at+jwt""#, r#""iss":"i""#, Some(TokenUse::Access)),
            (r#""typ":"JWT""#, r#""scp":"read""#, Some(TokenUse::Access)),
            (r#""typ":"JWT""#, r#""token_use":"id""#, Some(TokenUse::Id)),
            (r#""typ":"JWT""#, r#""nonce":"n","at_hash":"h""#, Some(TokenUse::Id)),
            (r#""typ":"JWT""#, r#""typ":"Refresh""#, Some(TokenUse::Refresh)),
            (r#""typ":"JWT""#, r#""typ":"Offline""#, Some(TokenUse::Offline)),
            (r#""typ":"JWT""#, r#""sub":"system:serviceaccount:a:b""#, Some(TokenUse::ServiceAccount)),
            (r#""typ":"JWT""#, r#""sub":"spiffe://acme.dev/ci""#, Some(TokenUse::Svid)),
            (r#""typ":"JWT""#, r#""iss":"app","sub":"app","aud":"https://as.dev""#, Some(TokenUse::ClientAssertion)),
            (r#""typ":"dpop+jwt""#, r#""htm":"GET","htu":"https://a.dev""#, Some(TokenUse::DpopProof)),
            (
                r#""typ":"JWT""#,
                r#""events":{"http://schemas.openid.net/event/backchannel-logout":{}}"#,
                Some(TokenUse::Logout),
            ),
            (r#""typ":"JWT""#, r#""events":{"urn:x":{}}"#, Some(TokenUse::SecurityEvent)),
            (r#""typ":"JWT""#, r#""iss":"i","sub":"s""#, None),
        ] {
            let token = token(&format!(r#"{{"alg":"RS256",{header}}}"#), &format!("{{{claims}}}"));
            assert_eq!(decode(token.as_bytes()).unwrap().facts.usage, expected, "{header} {claims}");
        }
    }

    #[test]
    fn samples_are_told() {
        for (claims, expected) in [
            (r#"{"sub":"1234567890","name":"John Doe"}"#, true),
            (r#"{"sub":"1234567890","name":"Jane Roe"}"#, false),
            (r#"{"iss":"joe","http://example.com/is_root":true}"#, true),
            (r#"{"iss":"https://server.example.com"}"#, true),
            (r#"{"iss":"https://example.company.io"}"#, false),
            (r#"{"iss":"https://YOUR_DOMAIN/"}"#, true),
            (r#"{"iss":"test"}"#, false),
        ] {
            assert_eq!(decode(token(r#"{"alg":"RS256"}"#, claims).as_bytes()).unwrap().is_sample, expected, "{claims}");
        }
    }
}
