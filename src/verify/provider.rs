//! The provider's own read-only request, for everything that no OAuth endpoint can tell: API keys, personal tokens, webhooks.
//!
//! A verdict rests on what the body says, or on a status that means nothing else. Where it rests on a bare status that lets a
//! credential pass, or on an instance that anybody could run, a wrong twin of the credential is sent once: who treats both alike
//! tells nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::VerifyContext;
use super::canary::is_canary;
use super::client_secret::wrong_twin;
use super::verdict::{asked, not_checked, shown, unknown};
use crate::egress::{Destination, Response};
use crate::finding::{Finding, Identity, Liveness, LivenessState};
use crate::provider::{Site, Sites, Values, build};
use crate::rules::Rule;
use crate::rules::call::{Address, Check, Place};

/// The name of this method in verdicts.
pub(super) const METHOD: &str = "provider-request";

/// Whether hosts tell right from wrong, by what was asked where; or why they could not be asked, in words.
pub(super) type Controls = Mutex<HashMap<String, Arc<OnceCell<Result<bool, String>>>>>;

/// One question: what is asked about, where, and with which parts.
struct Question<'a> {
    rule: &'a Rule,
    check: &'a Check,
    address: &'a Address,
    site: &'a Site,
    values: &'a Values,
}

/// What one answer says.
struct Said {
    state: LivenessState,
    /// Whether a sign in the body says it.
    by_body: bool,
    response: Response,
    destination: Destination,
}

/// Asks the provider about a finding: at every region and instance, with every combination of parts, until it is accepted. It is
/// dead when all refuse it.
pub(super) async fn ask(
    finding: &Finding,
    rule: &Rule,
    check: &Check,
    findings: &[Finding],
    context: &VerifyContext,
) -> Liveness {
    if is_canary(finding) {
        return not_checked("it is of an account that hands out access keys as traps: asking would raise the alarm");
    }
    let Sites { sites, are_all } = match context.providers.sites(rule, &check.request, finding) {
        Ok(sites) => sites,
        Err(reason) => return not_checked(reason),
    };
    let combinations = match Values::combinations(&check.request, finding, findings) {
        Ok(combinations) => combinations,
        Err(reason) => return not_checked(reason),
    };
    let (mut undecided, mut dead): (Option<Liveness>, Option<Liveness>) = (None, None);
    for site in &sites {
        let addresses = check.request.addresses.iter();
        // An instance has one host, whatever regions the provider has.
        let addresses = addresses.take(if matches!(site, Site::Pinned) { usize::MAX } else { 1 });
        for (address, values) in addresses.flat_map(|address| combinations.iter().map(move |values| (address, values)))
        {
            let question = Question { rule, check, address, site, values };
            let verdict = question.settle(finding, context).await;
            match verdict.state {
                LivenessState::Live | LivenessState::LiveRestricted => return verdict,
                LivenessState::Dead => dead = dead.or(Some(verdict)),
                LivenessState::Unknown | LivenessState::NotChecked => undecided = undecided.or(Some(verdict)),
            }
        }
    }
    match undecided.or(dead) {
        Some(dead) if dead.state == LivenessState::Dead && !are_all => Liveness {
            state: LivenessState::Unknown,
            reason: Some("it is refused there, but may belong to an instance elsewhere".to_owned()),
            ..dead
        },
        verdict => verdict.unwrap_or_else(|| unknown("there is nobody to ask", context.now())),
    }
}

impl Question<'_> {
    async fn settle(&self, finding: &Finding, context: &VerifyContext) -> Liveness {
        let said = match self.put(self.values, context).await {
            Ok(said) => said,
            Err(reason) => return unknown(reason, context.now()),
        };
        let verdict = |state, reason: String| asked(state, METHOD, reason, &said.destination, context.now());
        let status = said.response.status;
        match said.state {
            LivenessState::Dead => verdict(LivenessState::Dead, format!("the provider refuses it (status {status})")),
            LivenessState::Live | LivenessState::LiveRestricted => {
                let is_proof = said.by_body && *self.site == Site::Pinned;
                if !is_proof {
                    let undecided = match self.tells_right_from_wrong(said.state, &said.destination, context).await {
                        Ok(true) => None,
                        Ok(false) => Some("a wrong credential gets the same answer there".to_owned()),
                        Err(error) => {
                            Some(format!("it is taken for right, but a wrong one could not be tried: {error}"))
                        }
                    };
                    if let Some(reason) = undecided {
                        return verdict(LivenessState::Unknown, reason);
                    }
                }
                let reason = match said.state {
                    LivenessState::Live => "the provider accepts it".to_owned(),
                    _ => format!("the provider knows it, but it may not ask this (status {status})"),
                };
                Liveness { identity: self.identity(&said.response, finding), ..verdict(said.state, reason) }
            }
            LivenessState::Unknown | LivenessState::NotChecked => {
                verdict(LivenessState::Unknown, format!("the answer decides nothing (status {status})"))
            }
        }
    }

    /// Sends the request. An error is a reason in words.
    async fn put(&self, values: &Values, context: &VerifyContext) -> Result<Said, String> {
        let make = || build(self.rule, &self.check.request, self.address, self.site, values);
        let first = make().map_err(|error| error.to_string())?;
        let destination = first.destination().clone();
        let response = context.ask_again(first, make).await.map_err(|error| error.to_string())?;
        let answer = response.answer();
        let judged = self.check.judge(&answer);
        let (state, by_body) =
            judged.map_or((LivenessState::Unknown, false), |(state, sign)| (state, sign.reads_body()));
        Ok(Said { state, by_body, response, destination })
    }

    /// Whether a wrong credential gets another answer, asked once for each check and host. An error is a reason in words.
    async fn tells_right_from_wrong(
        &self,
        state: LivenessState,
        destination: &Destination,
        context: &VerifyContext,
    ) -> Result<bool, String> {
        let key = format!("{} {} {} {state:?}", destination.origin(), self.rule.provider, self.check.name);
        let cell = {
            let mut controls = context.controls.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(controls.entry(key).or_default())
        };
        let control = || async {
            let twin = self.values.twisted(&self.check.request, wrong_twin);
            self.put(&twin, context).await.map(|said| said.state != state)
        };
        cell.get_or_init(control).await.clone()
    }

    fn identity(&self, response: &Response, finding: &Finding) -> Option<Box<Identity>> {
        let answer = response.answer();
        // An answer may repeat what was asked.
        let secret = finding.secret.expose_str().unwrap_or_default();
        let read = |place: &Option<Place>| {
            let text = place.as_ref()?.read(&answer, |name| response.header(name).map(str::to_owned))?;
            (!text.contains(secret)).then(|| shown(&text))
        };
        let Check { account, scopes, expires, .. } = self.check;
        let identity = Identity { account: read(account), scopes: read(scopes), expires: read(expires) };
        (identity != Identity::default()).then(|| Box::new(identity))
    }
}
