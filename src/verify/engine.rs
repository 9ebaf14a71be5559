//! Runs the questions: one per distinct secret, several at once, within a budget.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::verdict::{Judgement, TokenSort, not_checked, unknown};
use super::{Observer, VerifyContext, client_secret, introspection, jwt, private_key, provider, redeem, refresh_token};
use crate::config::Issuer;
use crate::finding::{Finding, Kind, Liveness};
use crate::issuer::hints;
use crate::rules::call::Check;
use crate::rules::{Rule, Verify, VerifyMethod};

/// How often a caller is asked whether to stop.
const CANCELLATION_INTERVAL: Duration = Duration::from_millis(50);

/// How far a finding has come.
enum Progress {
    Waiting,
    Asking,
    Judged(Box<Judgement>),
}

/// Judges all findings, each once. When the budget is spent or the caller stops, what is known is kept, and the rest says so.
///
/// Client secrets come first: tokens are asked about with those that work, and not with those that are refused, each of which
/// would be one more failed login.
pub async fn run(findings: &mut [Finding], context: &VerifyContext, observer: &Observer<'_>) {
    let (secrets, others): (Vec<usize>, Vec<usize>) = (0..findings.len())
        .partition(|index| findings.get(*index).is_some_and(|finding| finding.kind == Kind::ClientSecret));
    let done = AtomicUsize::new(0);
    let mut interruption = None;
    let deadline = Instant::now() + context.budget;
    for indices in [secrets, others] {
        let progress: Vec<Mutex<Progress>> = indices.iter().map(|_| Mutex::new(Progress::Waiting)).collect();
        if interruption.is_none() {
            interruption = tokio::select! {
                () = ask_about(findings, &indices, &progress, &done, context, observer) => None,
                () = tokio::time::sleep_until(deadline) => Some("the time for verification was over"),
                () = cancellation(observer) => Some("verification was interrupted"),
            };
        }
        // An `active: false` can be understood only now, when all answers are known.
        let cause = interruption.unwrap_or("verification was interrupted");
        for (index, progress) in indices.into_iter().zip(progress) {
            let verdict = match progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Progress::Judged(judgement) => judgement.settle(context),
                Progress::Asking => unknown(cause, context.now()),
                Progress::Waiting => not_checked(cause),
            };
            if let Some(finding) = findings.get_mut(index) {
                finding.liveness = verdict;
            }
        }
    }
    if context.is_active && interruption.is_none() {
        redeem::ask_all(findings, context, observer, deadline).await;
    }
}

/// Works through some of the findings, several at once.
async fn ask_about(
    findings: &[Finding],
    indices: &[usize],
    progress: &[Mutex<Progress>],
    done: &AtomicUsize,
    context: &VerifyContext,
    observer: &Observer<'_>,
) {
    let next = AtomicUsize::new(0);
    let set = |slot: &Mutex<Progress>, state| *slot.lock().unwrap_or_else(PoisonError::into_inner) = state;
    let take = || {
        let position = next.fetch_add(1, Relaxed);
        let finding = indices.get(position).and_then(|index| findings.get(*index));
        finding.zip(progress.get(position))
    };
    let work = || async {
        while let Some((finding, slot)) = take() {
            set(slot, Progress::Asking);
            set(slot, Progress::Judged(Box::new(judge(finding, findings, context).await)));
            (observer.progress)(done.fetch_add(1, Relaxed) + 1, findings.len());
        }
    };
    join_all((0..context.concurrency.clamp(1, indices.len().max(1))).map(|_| work()).collect()).await;
}

/// Judges what needs no issuer, and everything when no issuer may be asked. Tells whether that was all.
pub(super) fn settle_locally(findings: &mut [Finding], context: &VerifyContext) -> bool {
    let judge = |finding: &Finding| {
        let may_ask = !context.issuers.is_empty()
            || context.issuers.pinned_by_rule(&finding.rule).is_some()
            || provider_check(finding, context).is_some()
            || is_private_key(finding, context)
            || jwt::may_ask_known(finding, context);
        let without_trust = || without_trust(finding, findings, &hints(finding), context);
        without_issuer(finding, context).or_else(|| (!may_ask).then(without_trust))
    };
    let verdicts: Vec<Option<Liveness>> = findings.iter().map(judge).collect();
    let is_complete = verdicts.iter().all(Option::is_some);
    for (finding, verdict) in findings.iter_mut().zip(verdicts) {
        if let Some(verdict) = verdict {
            finding.liveness = verdict;
        }
    }
    is_complete
}

/// Judges one finding.
pub(super) async fn judge(finding: &Finding, findings: &[Finding], context: &VerifyContext) -> Judgement {
    if let Some(verdict) = without_issuer(finding, context) {
        return verdict.into();
    }
    if let Some(rule) = context.rules.get(&finding.rule).filter(|_| is_private_key(finding, context)) {
        return private_key::ask(finding, rule, findings, context).await.into();
    }
    if let Some((rule, check)) = provider_check(finding, context) {
        return provider::ask(finding, rule, check, findings, context).await.into();
    }
    let matches = context.issuers.matching(finding).await;
    let rule = context.rules.get(&finding.rule).map(AsRef::as_ref);
    let may_receive = |issuer: &&Issuer| rule.is_none_or(|rule| is_for(rule, issuer, finding));
    let (switched_on, off): (Vec<&Issuer>, Vec<&Issuer>) =
        matches.trusted.iter().map(AsRef::as_ref).partition(|issuer: &&Issuer| issuer.verify);
    let mut issuers: Vec<&Issuer> = switched_on.iter().copied().filter(may_receive).collect();
    // A JWT names its issuer itself, and what names another host than the provider's is likely self-hosted there; everything
    // else may go where its own rule says.
    let is_elsewhere = |named: &String| rule.is_some_and(|rule| !is_on_hosts(rule, Url::parse(named).ok().as_ref()));
    let may_be_pinned = finding.token.is_none() && !matches.untrusted.iter().any(is_elsewhere);
    let pinned = context.issuers.pinned_by_rule(&finding.rule).filter(|_| may_be_pinned);
    issuers.extend(pinned.map(AsRef::as_ref));
    if issuers.is_empty() {
        return match (switched_on.first(), off.first()) {
            (Some(issuer), _) => {
                let (provider, issuer) = (&finding.provider, &issuer.issuer);
                not_checked(format!("credentials of `{provider}` are not sent to issuer `{issuer}`"))
            }
            (None, Some(issuer)) => not_checked(format!("verification is switched off for issuer `{}`", issuer.issuer)),
            (None, None) => match jwt::ask_known(finding, findings, context).await {
                Some(verdict) => verdict,
                None => without_trust(finding, findings, &matches.untrusted, context),
            },
        }
        .into();
    }
    match finding.kind {
        Kind::ClientSecret => client_secret::ask(finding, &issuers, context).await.into(),
        Kind::RefreshToken => refresh_token::ask(finding, findings, &issuers, context).await,
        _ if finding.token.is_some() => jwt::ask(finding, findings, &issuers, context).await,
        _ => introspection::ask(finding, findings, &issuers, TokenSort::Access, context).await,
    }
}

/// Whether its public half is to be looked for.
fn is_private_key(finding: &Finding, context: &VerifyContext) -> bool {
    context.rules.get(&finding.rule).is_some_and(|rule| rule.verify.method == VerifyMethod::PrivateKey)
}

/// The rule of a finding and the provider's own request, if there is one.
fn provider_check<'a>(finding: &Finding, context: &'a VerifyContext) -> Option<(&'a Rule, &'a Check)> {
    let rule = context.rules.get(&finding.rule)?;
    Some((rule, rule.verify.check.as_deref()?))
}

/// The verdict when no issuer may be asked: `untrusted` are those that were named. That a token was signed with a key which
/// everybody knows is worth telling even then.
fn without_trust(finding: &Finding, findings: &[Finding], untrusted: &[String], context: &VerifyContext) -> Liveness {
    let token = finding.token.as_ref();
    let symmetric = token.and_then(|token| jwt::judge_symmetric(finding, token, findings, context.now()));
    symmetric.unwrap_or_else(|| introspection::nobody_to_ask(untrusted, context.now()))
}

/// The verdict that needs no issuer, if there is one.
fn without_issuer(finding: &Finding, context: &VerifyContext) -> Option<Liveness> {
    let token = finding.token.as_ref();
    if let Some(verdict) = token.and_then(|token| jwt::judge_locally(token, context.now())) {
        return Some(verdict);
    }
    if let Some(verdict) = context.memory.as_ref().and_then(|memory| memory.verdict(finding, context.now())) {
        return Some(verdict);
    }
    let verify = context.rules.get(&finding.rule).map(|rule| &*rule.verify);
    if let Some(Verify { method: VerifyMethod::None, reason: Some(reason), .. }) = verify {
        return Some(not_checked(reason.as_str()));
    }
    match finding.kind {
        _ if is_private_key(finding, context) => None,
        _ if verify.is_some_and(|verify| verify.check.is_some()) => None,
        Kind::ClientSecret | Kind::RefreshToken | Kind::AccessToken | Kind::Jwt => None,
        _ => Some(not_checked("there is no check for this kind of credential yet")),
    }
}

/// Whether an issuer that stood beside a finding may be sent it. A rule that names its provider's hosts is not overruled by a
/// neighbour: other issuers must be the operator's own, or be known to have that very client (custom domains, self-hosting).
fn is_for(rule: &Rule, issuer: &Issuer, finding: &Finding) -> bool {
    let has_client = || finding.parts_named("client_id").any(|id| issuer.client_ids.iter().any(|known| known == id));
    rule.hosts.is_empty() || is_on_hosts(rule, issuer.url.as_ref()) || issuer.revoke || has_client()
}

/// Whether the URL is on one of the hosts that the rule names.
fn is_on_hosts(rule: &Rule, url: Option<&Url>) -> bool {
    url.and_then(Url::host_str).is_some_and(|host| rule.is_host(host))
}

async fn cancellation(observer: &Observer<'_>) {
    while !(observer.is_cancelled)() {
        tokio::time::sleep(CANCELLATION_INTERVAL).await;
    }
}

/// Waits for all of a few futures. Each is looked at on every wake-up, which for a handful is cheaper than keeping count.
async fn join_all<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
