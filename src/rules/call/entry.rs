//! How a rule file writes [`Check`] and [`Ending`], and what must hold for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{
    ADMINISTRATOR, ADMINISTRATOR_SESSION, ApiBody, ApiRequest, AwsSignature, Check, Ending, HttpMethod, Place, SECRET,
    SECRET_PASSWORD, SECRET_PATH, SelfSignedJwt, Sign, Signature, Taken, Template, Undo,
};
use super::{Address, AnswerExample, Meaning};

/// A table `[[check]]` or `[[revocation]]` as it is written.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::rules) struct CallEntry {
    pub(in crate::rules) name: String,
    /// The vendor's page that it rests on.
    #[serde(default)]
    source: String,
    get: Option<Addresses>,
    post: Option<Addresses>,
    put: Option<Addresses>,
    patch: Option<Addresses>,
    delete: Option<Addresses>,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    auth: Option<Scheme>,
    basic: Option<(Template, Template)>,
    #[serde(default)]
    query: BTreeMap<String, Template>,
    form: Option<BTreeMap<String, Template>>,
    json: Option<Value>,
    aws: Option<AwsSignature>,
    self_signed_jwt: Option<SelfSignedJwt>,
    #[serde(default)]
    live: Vec<Sign>,
    #[serde(default)]
    restricted: Vec<Sign>,
    #[serde(default)]
    dead: Vec<Sign>,
    #[serde(default)]
    accepted: Vec<Sign>,
    #[serde(default)]
    refused: Vec<Sign>,
    account: Option<Place>,
    scopes: Option<Place>,
    expires: Option<Place>,
    #[serde(default)]
    take: BTreeMap<String, Taken>,
    after: Option<Named>,
    settles_within_seconds: Option<u64>,
    batch: Option<usize>,
    undo: Option<Box<Self>>,
    account_pattern: Option<String>,
    #[serde(default)]
    examples: Vec<AnswerExample>,
}

/// A call of a file by its name, or, in the form that the build script gives it, the call itself.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(in crate::rules) enum Named {
    /// Its name.
    Name(String),
    /// Itself.
    Whole(Box<CallEntry>),
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Addresses {
    One(String),
    Several(Vec<String>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    Bearer,
}

/// What the rule that names a call knows.
pub(in crate::rules) struct Owner<'a> {
    pub(in crate::rules) hosts: &'a [String],
    /// The names of its parts and of the groups of its pattern.
    pub(in crate::rules) names: Vec<String>,
}

/// The call that is meant.
pub(in crate::rules) fn resolve<'a>(
    named: &'a Named,
    calls: &'a [CallEntry],
    table: &str,
) -> Result<&'a CallEntry, String> {
    match named {
        Named::Whole(entry) => Ok(entry),
        Named::Name(name) => calls
            .iter()
            .find(|call| call.name == *name)
            .ok_or_else(|| format!("there is no `[[{table}]]` named `{name}`")),
    }
}

impl CallEntry {
    /// The check that it describes. Without an owner nothing is validated: it is of the program, and a test has.
    pub(in crate::rules) fn check(&self, owner: Option<&Owner<'_>>) -> Result<Check, String> {
        let check = Check {
            name: self.name.clone(),
            request: self.request()?,
            live: self.live.clone(),
            restricted: self.restricted.clone(),
            dead: self.dead.clone(),
            account: self.account.clone(),
            scopes: self.scopes.clone(),
            expires: self.expires.clone(),
            take: self.take.clone().into_iter().collect(),
            examples: self.examples.clone(),
        };
        let Some(owner) = owner else { return Ok(check) };
        self.validate(&check.request, owner)?;
        if !matches!(check.request.method, HttpMethod::Get | HttpMethod::Post) {
            return Err(self.wrong("a check only reads: `get`, or `post` where nothing else is offered"));
        }
        if check.live.is_empty() || !self.accepted.is_empty() || !self.refused.is_empty() {
            return Err(self.wrong("a check needs signs of `live`, and has none of `accepted` and `refused`"));
        }
        // A portal in between answers 200 to everything; nothing answers 204 by itself.
        if check.live.iter().any(|sign| !sign.reads_body() && sign.status != [204]) {
            return Err(self.wrong("a sign of `live` looks at the body, or at status 204"));
        }
        let never_dead = |status: &u16| *status == 429 || *status >= 500 || *status < 400;
        if check.dead.iter().any(|sign| !sign.reads_body() && sign.status.iter().any(never_dead)) {
            return Err(self.wrong("that status alone is never a sign of `dead`"));
        }
        for example in &self.examples {
            let account = |place: &Option<Place>| example.read(place.as_ref());
            self.agrees(example, example.state_by(&check))?;
            for (told, place) in [
                (&example.account, &check.account),
                (&example.scopes, &check.scopes),
                (&example.expires, &check.expires),
            ] {
                if told.is_some() && *told != account(place) {
                    return Err(self.wrong(&format!(
                        "an example with status {} tells another account, scope or end",
                        example.status
                    )));
                }
            }
            if example.take.as_ref().is_some_and(|told| *told != example.taken_by(&check)) {
                let status = example.status;
                return Err(self.wrong(&format!("from an example with status {status} something else is taken")));
            }
        }
        // Nothing else shows that it is the credential's own.
        let is_shown = |name: &String| {
            self.examples.iter().any(|example| example.take.as_ref().is_some_and(|taken| taken.contains_key(name)))
        };
        let mut beside = check.take.iter().filter(|(_, taken)| matches!(taken, Taken::Beside(_)));
        if let Some((name, _)) = beside.find(|(name, _)| !is_shown(name)) {
            let reason = format!(
                "no example tells what `{name}` is: one needs a body with `{{secret}}` where the credential stands, and \
                 `take = {{ {name} = \"…\" }}`"
            );
            return Err(self.wrong(&reason));
        }
        // Some providers answer to dead ones as to those that may not ask.
        self.covers(if check.dead.is_empty() { &[Meaning::Live] } else { &[Meaning::Live, Meaning::Dead] })?;
        Ok(check)
    }

    /// The ending that it describes; `checks` are those of its file.
    pub(in crate::rules) fn ending(&self, checks: &[Self], owner: Option<&Owner<'_>>) -> Result<Ending, String> {
        let after = self.after.as_ref().map(|named| resolve(named, checks, "check")?.check(owner).map(Arc::new));
        let ending = Ending {
            name: self.name.clone(),
            request: self.request()?,
            accepted: self.accepted.clone(),
            refused: self.refused.clone(),
            after: after.transpose()?,
            settles_within: self.settles_within_seconds.map(Duration::from_secs),
            batch: self.batch.unwrap_or(1),
            undo: self.undo.as_ref().map(|entry| entry.undoing(owner).map(Arc::new)).transpose()?,
            examples: self.examples.clone(),
        };
        let Some(owner) = owner else { return Ok(ending) };
        if self.account_pattern.is_some() && !owner.names.iter().any(|name| name == ADMINISTRATOR) {
            return Err(self.wrong("only an `undo` has an `account_pattern`"));
        }
        let taken = ending.after.iter().flat_map(|check| check.take.iter().map(|(name, _)| name.clone()));
        let names = owner.names.iter().cloned().chain(taken).collect();
        self.validate(&ending.request, &Owner { hosts: owner.hosts, names })?;
        if ending.accepted.is_empty() || !self.live.is_empty() || !self.dead.is_empty() || !self.take.is_empty() {
            return Err(self.wrong("a revocation needs signs of `accepted`, and has none of `live` and `dead`"));
        }
        if self.batch.is_some() && (ending.batch < 2 || ending.after.is_some() || !ending.request.takes_many()) {
            return Err(self
                .wrong("a `batch` is of two or more, and needs the secret in a list of its `json` and nowhere else"));
        }
        for example in &self.examples {
            self.agrees(example, example.ending_by(&ending))?;
        }
        self.covers(&[Meaning::Accepted])?;
        Ok(ending)
    }

    /// What takes back a revocation. It knows the parts of the rule, an administrator's credential, and what the account tells.
    fn undoing(&self, owner: Option<&Owner<'_>>) -> Result<Undo, String> {
        let pattern = self.account_pattern.as_deref().map(crate::rules::compile).transpose();
        let pattern = pattern.map_err(|error| self.wrong(&format!("`account_pattern`: {error}")))?;
        let told = pattern.iter().flat_map(regex::bytes::Regex::capture_names).flatten().map(str::to_owned);
        let administrators = [ADMINISTRATOR, ADMINISTRATOR_SESSION].map(str::to_owned);
        let names = |owner: &Owner<'_>| owner.names.iter().cloned().chain(administrators).chain(told).collect();
        let owner = owner.map(|owner| Owner { hosts: owner.hosts, names: names(owner) });
        if self.after.is_some() || self.undo.is_some() {
            return Err(self.wrong("what undoes a revocation has neither `after` nor `undo`"));
        }
        Ok(Undo { request: self.ending(&[], owner.as_ref())?, account_pattern: self.account_pattern.clone() })
    }

    /// The check of the file that is made before it, if it is a revocation and names one.
    pub(in crate::rules) fn made_after(&self) -> Option<&str> {
        self.after.as_ref().and_then(|named| if let Named::Name(name) = named { Some(name.as_str()) } else { None })
    }

    /// What is wrong with a check whatever rule names it.
    pub(in crate::rules) fn problem_of_check(&self) -> Option<String> {
        let checked = self.demands().and_then(|(hosts, names)| self.check(Some(&Owner { hosts: &hosts, names })));
        checked.err()
    }

    /// What is wrong with a revocation whatever rule names it; `checks` are those of its file.
    pub(in crate::rules) fn problem_of_ending(&self, checks: &[Self]) -> Option<String> {
        let after = self.after.as_ref().and_then(|named| resolve(named, checks, "check").ok());
        let (mut hosts, mut names) = (Vec::new(), Vec::new());
        for call in std::iter::once(self).chain(after).chain(self.undo.as_deref()) {
            match call.demands() {
                Ok((own_hosts, own_names)) => {
                    hosts.extend(own_hosts);
                    names.extend(own_names);
                }
                Err(reason) => return Some(reason),
            }
        }
        // Those are known to what undoes it, and to nothing else.
        names.retain(|name| !matches!(name.as_str(), ADMINISTRATOR | ADMINISTRATOR_SESSION));
        self.ending(checks, Some(&Owner { hosts: &hosts, names })).err()
    }

    /// The hosts and values that it needs from a rule.
    fn demands(&self) -> Result<(Vec<String>, Vec<String>), String> {
        let request = self.request()?;
        let hosts = request.addresses.iter().filter_map(|address| address.origin.as_deref()?.strip_prefix("https://"));
        let names = request.names().into_iter().chain(request.optional_names());
        Ok((hosts.map(str::to_owned).collect(), names.map(str::to_owned).collect()))
    }

    fn request(&self) -> Result<ApiRequest, String> {
        let given = [
            (HttpMethod::Get, &self.get),
            (HttpMethod::Post, &self.post),
            (HttpMethod::Put, &self.put),
            (HttpMethod::Patch, &self.patch),
            (HttpMethod::Delete, &self.delete),
        ];
        let mut given = given.into_iter().filter_map(|(method, addresses)| Some((method, addresses.clone()?)));
        let (Some((method, addresses)), None) = (given.next(), given.next()) else {
            return Err(self.wrong("exactly one of `get`, `post`, `put`, `patch` and `delete` must be given"));
        };
        let addresses = match addresses {
            Addresses::One(address) => vec![address],
            Addresses::Several(several) => several,
        };
        let mut headers: Vec<(String, Template)> = self.headers.clone().into_iter().collect();
        if let Some(Scheme::Bearer) = self.auth {
            headers.push(("Authorization".to_owned(), Template::try_from("Bearer {secret}".to_owned())?));
        }
        let body = match (&self.form, &self.json) {
            (None, None) => ApiBody::None,
            (Some(form), None) => ApiBody::Form(form.clone().into_iter().collect()),
            (None, Some(json)) => ApiBody::Json(json.clone()),
            (Some(_), Some(_)) => return Err(self.wrong("`form` and `json` exclude each other")),
        };
        let signature = match (&self.aws, &self.self_signed_jwt) {
            (None, None) => None,
            (Some(aws), None) => Some(Signature::Aws(aws.clone())),
            (None, Some(jwt)) if self.auth.is_none() && self.basic.is_none() => {
                Some(Signature::SelfSignedJwt(jwt.clone()))
            }
            (_, Some(_)) => return Err(self.wrong("`self_signed_jwt` excludes `auth`, `basic` and `aws`")),
        };
        Ok(ApiRequest {
            method,
            addresses: addresses
                .into_iter()
                .map(Address::try_from)
                .collect::<Result<_, _>>()
                .map_err(|reason| self.wrong(reason))?,
            headers,
            basic: self.basic.clone(),
            query: self.query.clone().into_iter().collect(),
            body,
            signature,
        })
    }

    fn validate(&self, request: &ApiRequest, owner: &Owner<'_>) -> Result<(), String> {
        if !self.source.contains('.') || self.source.contains("://") {
            return Err(self.wrong("`source` is the vendor's page that it rests on, without https://"));
        }
        let hosts = request.addresses.iter().filter_map(|address| address.origin.as_deref()?.strip_prefix("https://"));
        if let Some(host) = hosts.into_iter().find(|host| !owner.hosts.iter().any(|known| known == host)) {
            return Err(self.wrong(&format!("`{host}` is not among the rule's `hosts`")));
        }
        if let Some(Signature::SelfSignedJwt(jwt)) = &request.signature {
            let unsigned = ApiRequest { signature: None, ..request.clone() };
            if unsigned.names().iter().any(|name| matches!(*name, SECRET | SECRET_PATH | SECRET_PASSWORD)) {
                return Err(
                    self.wrong("a key that signs is not sent: beside `self_signed_jwt`, `{secret}` has no place")
                );
            }
            let host = jwt.audience.strip_prefix("https://").and_then(|rest| rest.strip_suffix('/'));
            if !host.is_some_and(|host| owner.hosts.iter().any(|known| known == host)) {
                return Err(self.wrong("the `audience` of a JWT is one of the rule's `hosts`, as `https://HOST/`"));
            }
        }
        let is_known = |name: &str| {
            matches!(name, SECRET | SECRET_PATH | SECRET_PASSWORD) || owner.names.iter().any(|known| known == name)
        };
        let names = request.names().into_iter().chain(request.optional_names());
        if let Some(unknown) = names.into_iter().find(|name| !is_known(name)) {
            return Err(self.wrong(&format!("`{{{unknown}}}` is no part of the rule")));
        }
        let signs = [&self.live, &self.restricted, &self.dead, &self.accepted, &self.refused];
        match signs.into_iter().flatten().find_map(Sign::problem) {
            Some(problem) => Err(self.wrong(problem)),
            None => Ok(()),
        }
    }

    fn agrees(&self, example: &AnswerExample, meaning: Meaning) -> Result<(), String> {
        let (status, expected) = (example.status, example.state);
        let differ = || Err(self.wrong(&format!("an example with status {status} is {meaning:?}, not {expected:?}")));
        if meaning == expected { Ok(()) } else { differ() }
    }

    fn covers(&self, states: &[Meaning]) -> Result<(), String> {
        let missing = states.iter().find(|state| !self.examples.iter().any(|example| example.state == **state));
        missing.map_or(Ok(()), |state| Err(self.wrong(&format!("no example is {state:?}"))))
    }

    fn wrong(&self, reason: &str) -> String {
        format!("request `{}`: {reason}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNDOABLE: &str = r#"
        name = "inactive"
        source = "docs.acme.example/keys"
        post = "https://api.acme.example/keys/{key_id}/inactive"
        accepted = [204]
        examples = [{ status = 204, state = "accepted" }]
        [undo]
        name = "active"
        source = "docs.acme.example/keys"
        account_pattern = '^user/(?P<user_name>[a-z]+)$'
        post = "https://api.acme.example/users/{user_name}/keys/{key_id}/active"
        auth = "bearer"
        headers = { Administrator = "{administrator}" }
        accepted = [204]
        examples = [{ status = 204, state = "accepted" }]
    "#;

    fn ending(text: &str) -> Result<Ending, String> {
        let entry: CallEntry = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let hosts = ["api.acme.example".to_owned()];
        entry.ending(&[], Some(&Owner { hosts: &hosts, names: vec!["key_id".to_owned()] }))
    }

    const LISTED: &str = r#"
        name = "tokens"
        source = "docs.acme.example/keys"
        get = "https://api.acme.example/tokens"
        auth = "bearer"
        live = [{ status = 200, has = "/0" }]
        dead = [401]
        take = { token_id = "[/value={secret}]/id" }
        examples = [
            { status = 200, body = '[{"value":"x","id":"1"},{"value":"{secret}","id":"2"}]', state = "live", take = { token_id = "2" } },
            { status = 200, body = '[{"value":"x","id":"1"}]', state = "live", take = {} },
            { status = 401, state = "dead" },
        ]
    "#;

    #[test]
    fn what_is_taken_of_a_list_is_held_to_examples() {
        let check = |text: &str| {
            let entry: CallEntry = toml::from_str(text).map_err(|error| error.message().to_owned())?;
            let hosts = ["api.acme.example".to_owned()];
            entry.check(Some(&Owner { hosts: &hosts, names: Vec::new() }))
        };
        check(LISTED).expect("valid");
        for (good, bad, expected) in [
            ("{ token_id = \"2\" }", "{ token_id = \"1\" }", "something else is taken"),
            ("take = {} }", "take = { token_id = \"1\" } }", "something else is taken"),
            ("{secret}\",\"id", "x\",\"id", "something else is taken"),
            (", take = { token_id = \"2\" } }", " }", "no example tells what `token_id` is"),
            ("[/value={secret}]/id", "[/value={token}]/id", "is written `LIST[MEMBER={secret}]VALUE`"),
            (
                "take = { token_id = \"[",
                "account = \"[/value={secret}]/id\"\ntake = { token_id = \"[",
                "a place is a JSON pointer",
            ),
        ] {
            assert!(LISTED.contains(good), "{good}");
            let error = check(&LISTED.replace(good, bad)).expect_err(bad);
            assert!(error.contains(expected), "{bad}: {error}");
        }
    }

    #[test]
    fn a_self_signed_jwt_is_for_a_host_of_the_rule() {
        let own = "self_signed_jwt = { issuer = \"{key_id}\", key_id = \"{key_id}\", audience = \"https://api.acme.example/\" }";
        let signed = UNDOABLE.replacen("accepted", &format!("{own}\n        accepted"), 1);
        let valid = ending(&signed).expect("valid");
        assert_eq!(valid.request.names(), ["key_id", "secret"]);
        for (good, bad, expected) in [
            ("\"https://api.acme.example/\"", "\"https://evil.example/\"", "the `audience` of a JWT"),
            ("\"https://api.acme.example/\"", "\"https://api.acme.example\"", "the `audience` of a JWT"),
            ("issuer = \"{key_id}\"", "issuer = \"{nobody}\"", "`{nobody}` is no part of the rule"),
            (
                "self_signed_jwt",
                "json = { key = \"{secret}\" }\n        self_signed_jwt",
                "a key that signs is not sent",
            ),
            ("self_signed_jwt", "auth = \"bearer\"\n        self_signed_jwt", "excludes `auth`"),
        ] {
            assert!(signed.contains(good), "{good}");
            let error = ending(&signed.replacen(good, bad, 1)).expect_err(bad);
            assert!(error.contains(expected), "{bad}: {error}");
        }
    }

    #[test]
    fn an_undo_is_held_to_the_rule_and_the_account() {
        let whole = ending(UNDOABLE).expect("valid");
        let undo = whole.undo.expect("it can be undone");
        assert_eq!(undo.request.request.names(), ["administrator", "key_id", "secret", "user_name"]);
        for (good, bad, expected) in [
            ("(?P<user_name>[a-z]+)", "[a-z]+", "request `active`: `{user_name}` is no part of the rule"),
            ("(?P<user_name>[a-z]+)", "(?P<user_name>[a-z]+", "request `active`: `account_pattern`: "),
            ("/users/", "/{nobody}/", "request `active`: `{nobody}` is no part of the rule"),
            ("https://api.acme.example/users", "https://evil.example/users", "`evil.example` is not among"),
            (
                "/keys/{key_id}/inactive",
                "/keys/{administrator}/inactive",
                "request `inactive`: `{administrator}` is no",
            ),
            ("[undo]\n", "account_pattern = 'a'\n[undo]\n", "only an `undo` has an `account_pattern`"),
            ("auth = \"bearer\"", "after = \"me\"", "has neither `after` nor `undo`"),
            ("{administrator}\" }\n        accepted = [204]", "x\" }", "request `active`: a revocation needs signs"),
        ] {
            assert!(UNDOABLE.contains(good), "{good}");
            let error = ending(&UNDOABLE.replace(good, bad)).expect_err(bad);
            assert!(error.contains(expected), "{bad}: {error}");
        }
    }
}
