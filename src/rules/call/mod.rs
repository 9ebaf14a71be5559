//! Requests to the providers' own interfaces, as rule files describe them: [`Check`] asks whether a credential is alive, [`Ending`]
//! ends it. Both are data: where they go, where the secret stands in them, and what the answers mean. `verify` and `revoke` send
//! them, to hosts that the rule pins or the operator names.

mod entry;
mod example;
mod place;
mod sign;
mod signature;
mod template;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::finding::LivenessState;
pub(super) use entry::{CallEntry, Named, Owner, resolve};
pub use example::{AnswerExample, Meaning};
pub use place::{Beside, NotTaken, Place, Taken};
use sign::first_fit;
pub use sign::{Answer, Sign};
pub use signature::{AwsSignature, SelfSignedJwt, Signature};
pub use template::{Address, Piece, Template, whole_place};

/// The name of the value itself among those of a [`Template`].
pub const SECRET: &str = "secret";

/// The name of the id of an administrator's credential, among the values of an [`Undo`].
pub const ADMINISTRATOR: &str = "administrator";

/// The name of what belongs to an administrator's credential that is temporary.
pub const ADMINISTRATOR_SESSION: &str = "administrator_session";

/// The name of the path of a value that is itself a URL, as of webhooks. It is the one value that may hold slashes.
pub const SECRET_PATH: &str = "secret_path";

/// The name of the password of a value that is itself a URL. A group of a pattern would be a part, which reports show.
pub const SECRET_PASSWORD: &str = "secret_password";

/// A read-only request that tells whether a credential is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, for errors and evidence.
    pub name: String,
    /// What is asked.
    pub request: ApiRequest,
    /// Answers to one that is alive.
    pub live: Vec<Sign>,
    /// Answers to one that is alive but may not ask this.
    pub restricted: Vec<Sign>,
    /// Answers to one that is not.
    pub dead: Vec<Sign>,
    /// Whose it is.
    pub account: Option<Place>,
    /// What it may do.
    pub scopes: Option<Place>,
    /// When it ends.
    pub expires: Option<Place>,
    /// What an [`Ending`] needs of the answer, by name.
    pub take: Vec<(String, Taken)>,
    /// Answers as the vendor documents them; the rules of the binary are without.
    pub examples: Vec<AnswerExample>,
}

/// A request that ends a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its name, for plans and the ledger.
    pub name: String,
    /// What is sent.
    pub request: ApiRequest,
    /// Answers that say it is done. None is a proof.
    pub accepted: Vec<Sign>,
    /// Answers that say it is not.
    pub refused: Vec<Sign>,
    /// The check that is made before it and tells what it needs.
    pub after: Option<Arc<Check>>,
    /// How long the provider may take to make it take effect, where that is longer than a moment.
    pub settles_within: Option<Duration>,
    /// How many credentials one request may end: those that take its place in the list where its own stands.
    pub batch: usize,
    /// What takes it back.
    pub undo: Option<Arc<Undo>>,
    /// Answers as the vendor documents them; the rules of the binary are without.
    pub examples: Vec<AnswerExample>,
}

/// A request that takes an [`Ending`] back. A credential that was ended cannot ask for it: an administrator's does, and is the secret
/// of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// What is sent, and what its answers mean.
    pub request: Ending,
    /// A pattern that the account must match; the names of its groups are those of values.
    pub account_pattern: Option<String>,
}

/// A request as a rule file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: HttpMethod,
    /// Where to; several are regions of one provider, asked one after another.
    pub addresses: Vec<Address>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// User and password of HTTP Basic.
    pub basic: Option<(Template, Template)>,
    /// The query.
    pub query: Vec<(String, Template)>,
    /// The body.
    pub body: ApiBody,
    /// How it is signed, where sending the secret itself is not the way.
    pub signature: Option<Signature>,
}

/// The body of an [`ApiRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiBody {
    /// None.
    None,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// JSON; a text that is `{name}` as a whole is the place of a value.
    Json(Value),
}

/// The methods of HTTP that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Sends a body.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// Whether a list with nothing but the secret stands somewhere in it.
fn has_list_of_secrets(body: &Value) -> bool {
    match body {
        Value::Array(items) if is_list_of_secrets(items) => true,
        Value::Array(items) => items.iter().any(has_list_of_secrets),
        Value::Object(members) => members.values().any(has_list_of_secrets),
        _ => false,
    }
}

/// Whether it is a list with nothing but the secret.
pub(crate) fn is_list_of_secrets(items: &[Value]) -> bool {
    matches!(items, [Value::String(only)] if whole_place(only) == Some(SECRET))
}

impl HttpMethod {
    /// The method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Check {
    /// What the answer says: live, restricted or dead, and the sign of that. `None` decides nothing.
    pub fn judge(&self, answer: &Answer<'_>) -> Option<(LivenessState, &Sign)> {
        let groups = [
            (LivenessState::LiveRestricted, self.restricted.as_slice()),
            (LivenessState::Live, self.live.as_slice()),
            (LivenessState::Dead, self.dead.as_slice()),
        ];
        first_fit(&groups, answer)
    }
}

impl Ending {
    /// Whether the answer says that it is done. `None` says neither.
    pub fn judge(&self, answer: &Answer<'_>) -> Option<bool> {
        first_fit(&[(false, self.refused.as_slice()), (true, self.accepted.as_slice())], answer).map(|(done, _)| done)
    }
}

impl ApiRequest {
    /// The names of the values that it needs.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.addresses.iter().flat_map(|address| address.path.names()).collect();
        let fields = match &self.body {
            ApiBody::Form(fields) => fields.as_slice(),
            ApiBody::None | ApiBody::Json(_) => &[],
        };
        let pairs = self.headers.iter().chain(&self.query).chain(fields);
        names.extend(pairs.flat_map(|(_, template)| template.names()));
        names.extend(self.basic.iter().flat_map(|(user, password)| user.names().chain(password.names())));
        if let ApiBody::Json(body) = &self.body {
            places_of(body, &mut names);
        }
        names.extend(self.signature.iter().flat_map(Signature::names));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of the values that it takes if there are any.
    pub fn optional_names(&self) -> Vec<&str> {
        self.signature.iter().flat_map(Signature::optional_names).collect()
    }

    /// Whether its body has a list that takes any number of secrets, and nothing else of it depends on one.
    pub fn takes_many(&self) -> bool {
        let ApiBody::Json(body) = &self.body else { return false };
        let mut places = Vec::new();
        places_of(body, &mut places);
        let around = Self { body: ApiBody::None, ..self.clone() };
        places == [SECRET] && has_list_of_secrets(body) && around.names().is_empty()
    }

    /// Method and addresses as the rule has them, for people.
    pub fn written(&self) -> String {
        let written = |address: &Address| {
            let origin = address.origin.as_deref().unwrap_or("https://{host}");
            format!("{origin}{}", address.path.written())
        };
        let addresses: Vec<String> = self.addresses.iter().map(written).collect();
        format!("{} {}", self.method.as_str(), addresses.join(" or "))
    }

    /// Whether every customer of the provider has an own host.
    pub fn is_for_tenants(&self) -> bool {
        self.addresses.iter().any(|address| address.origin.is_none())
    }
}

fn places_of<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => names.extend(whole_place(text)),
        Value::Array(items) => items.iter().for_each(|item| places_of(item, names)),
        Value::Object(members) => members.values().for_each(|member| places_of(member, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
