//! From the description of a request to the request. Every value is encoded for the place where it goes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::self_signed::{Claims, self_signed_jwt};
use super::{Site, Values};
use crate::egress::{AwsCredentials, EgressError, Request};
use crate::rules::Rule;
use crate::rules::call::{
    Address, ApiBody, ApiRequest, AwsSignature, Piece, SECRET, SECRET_PATH, SelfSignedJwt, Signature, Template,
    is_list_of_secrets, whole_place,
};
use crate::secret::Secret;

/// Everything but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Makes the request to one of its addresses. Fails for values that cannot stand where they should: control characters in headers,
/// a segment of a path that would lead elsewhere.
pub fn build(
    rule: &Rule,
    request: &ApiRequest,
    address: &Address,
    site: &Site,
    values: &Values,
) -> Result<Request, EgressError> {
    let base = site.base(address).ok_or(EgressError::Url { reason: "its host is a customer's own" })?;
    let prefix = match site {
        Site::Instance(instance) => instance.url.path().trim_end_matches('/'),
        Site::Pinned => "",
    };
    let mut url = Zeroizing::new(base.to_owned());
    for piece in address.path.pieces() {
        match piece {
            Piece::Text(text) => url.push_str(text),
            Piece::Value(name) => {
                let value = text_of(name, values)?;
                // A dot segment would be resolved before it is sent.
                if matches!(value, "" | "." | "..") {
                    return Err(EgressError::Url { reason: "a value of its path is empty or a dot segment" });
                }
                if name == SECRET_PATH {
                    url.push_str(value);
                } else {
                    url.extend(utf8_percent_encode(value, RESERVED));
                }
            }
        }
    }
    for (name, template) in &request.query {
        let mark = if url.contains('?') { '&' } else { '?' };
        url.push(mark);
        url.extend(utf8_percent_encode(name, RESERVED));
        url.push('=');
        url.extend(utf8_percent_encode(&expanded(template, values)?, RESERVED));
    }
    let written = address.path.written();
    let path = written.split('?').next().unwrap_or_default();
    let mut built = Request::new(request.method, &site.destination(rule, &url)?).shown_as(&format!("{prefix}{path}"));
    for (name, template) in &request.headers {
        built = built.header(name, expanded(template, values)?.as_bytes())?;
    }
    if let Some((user, password)) = &request.basic {
        let mut pair = expanded(user, values)?;
        pair.push(':');
        pair.push_str(&expanded(password, values)?);
        built = built.basic_pair(pair.as_bytes());
    }
    let built = with_body(built, &request.body, std::slice::from_ref(values))?;
    match &request.signature {
        None => Ok(built),
        Some(Signature::Aws(signature)) => signed_for_aws(built, signature, values),
        Some(Signature::SelfSignedJwt(jwt)) => with_self_signed_jwt(built, jwt, values),
    }
}

/// One request for several secrets, in the list of its body that has a place for them.
pub fn build_batch(
    rule: &Rule,
    request: &ApiRequest,
    address: &Address,
    site: &Site,
    all: &[Values],
) -> Result<Request, EgressError> {
    let first = all.first().ok_or(EgressError::Incomplete { reason: "there is nothing to send" })?;
    with_body(build(rule, request, address, site, first)?, &request.body, all)
}

/// Adds the body: of the first values, and in a list for secrets of all of them.
fn with_body(built: Request, body: &ApiBody, all: &[Values]) -> Result<Request, EgressError> {
    let Some(values) = all.first() else { return Ok(built) };
    match body {
        ApiBody::None => Ok(built),
        ApiBody::Form(fields) => fields
            .iter()
            .try_fold(built, |built, (name, template)| Ok(built.field(name, expanded(template, values)?.as_str()))),
        ApiBody::Json(body) => {
            let mut body = body.clone();
            fill(&mut body, values, all)?;
            let json = Zeroizing::new(body.to_string().into_bytes());
            Ok(built.json(json))
        }
    }
}

// The issuer's clock is meant by both signatures, so that a test's own would not do.

fn signed_for_aws(built: Request, signature: &AwsSignature, values: &Values) -> Result<Request, EgressError> {
    let key_id = expanded(&signature.key_id, values)?;
    // Other keys have none, whatever stands beside them.
    let is_temporary = key_id.starts_with("ASIA");
    let session_token = signature
        .session_token
        .as_ref()
        .filter(|_| is_temporary)
        .map(|token| expanded(token, values))
        .and_then(Result::ok);
    let credentials = AwsCredentials {
        service: &signature.service,
        key_id: &key_id,
        secret: text_of(SECRET, values)?,
        session_token: session_token.as_deref().map(String::as_str),
    };
    built.signed_for_aws(&credentials, OffsetDateTime::now_utc())
}

fn with_self_signed_jwt(built: Request, jwt: &SelfSignedJwt, values: &Values) -> Result<Request, EgressError> {
    let (issuer, key_id) = (expanded(&jwt.issuer, values)?, expanded(&jwt.key_id, values)?);
    let claims = Claims { issuer: &issuer, key_id: &key_id, audience: &jwt.audience, is_spoilt: values.signs_wrongly };
    let key = text_of(SECRET, values)?;
    let token = self_signed_jwt(key.as_bytes(), &claims, OffsetDateTime::now_utc());
    built.bearer(&token.ok_or(EgressError::Incomplete { reason: "its value is no key that signs tokens" })?)
}

fn expanded(template: &Template, values: &Values) -> Result<Zeroizing<String>, EgressError> {
    let mut text = Zeroizing::new(String::new());
    for piece in template.pieces() {
        text.push_str(match piece {
            Piece::Text(literal) => literal,
            Piece::Value(name) => text_of(name, values)?,
        });
    }
    Ok(text)
}

fn fill(body: &mut Value, values: &Values, all: &[Values]) -> Result<(), EgressError> {
    match body {
        Value::String(text) => {
            if let Some(name) = whole_place(text) {
                *text = text_of(name, values)?.to_owned();
            }
            Ok(())
        }
        Value::Array(items) if is_list_of_secrets(items) => {
            let secrets = all.iter().map(|values| text_of(SECRET, values).map(Value::from));
            *items = secrets.collect::<Result<_, _>>()?;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, values, all)),
        Value::Object(members) => members.values_mut().try_for_each(|member| fill(member, values, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn text_of<'a>(name: &str, values: &'a Values) -> Result<&'a str, EgressError> {
    let value = values.get(name).and_then(Secret::expose_str);
    value.ok_or(EgressError::Incomplete { reason: "a value that the request needs is missing, or is no text" })
}
