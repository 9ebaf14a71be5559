//! Tells a receiver of the operator's what came of revocations: a signed webhook, or a Security Event Token.
//!
//! For `cli`, after `revoke`. What is told holds no secret and changes nothing: that a receiver could not be told is told to the
//! user, and every outcome stands in the ledger whether anybody heard of it or not.

mod caep;
mod webhook;

use std::io;
use std::time::Duration;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::config::{Notify, NotifyFormat};
use crate::egress::{Destination, Egress, Method, Request, Response};
use crate::finding::{Revocation, RevocationState};
use crate::revoke::execute::Executed;
use crate::revoke::plan::PlanEntry;
use crate::secret::Secret;

/// The pause before an event is sent once more.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything that telling needs, ready before anything is revoked.
pub struct Notifier {
    destination: Destination,
    token: Option<Secret>,
    form: Form,
}

/// How events are written.
enum Form {
    Json { key: Option<Secret> },
    Caep(Box<caep::Signer>),
}

/// What came of one entry of a plan.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// What was planned.
    pub entry: &'a PlanEntry,
    /// What came of it.
    pub revocation: &'a Revocation,
    /// The hash of the plan.
    pub plan: &'a str,
    /// When it is told.
    pub at: OffsetDateTime,
}

/// What was sent, and what was not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many events the receiver has taken.
    pub sent: usize,
    /// How many it has not.
    pub failed: usize,
    /// Why, for the first of those.
    pub reason: Option<String>,
}

impl Notifier {
    /// Reads the operator's keys.
    ///
    /// # Errors
    /// In words, when a secret cannot be read, or a key is none of its algorithm.
    pub fn prepare(notify: &Notify) -> Result<Self, String> {
        let told = |reason: String| format!("`notify`: {reason}");
        let token = notify.token.as_ref().map(|token| token.read().map_err(told)).transpose()?;
        let form = match &notify.format {
            NotifyFormat::Json { key } => {
                let key = key.as_ref().map(|key| webhook::key(&key.read()?)).transpose();
                Form::Json { key: key.map_err(told)? }
            }
            NotifyFormat::Caep { key, algorithm, key_id, issuer, audience } => {
                let key = key.read().map_err(told)?;
                let signer = caep::Signer::new(&key, *algorithm, key_id.clone(), issuer.clone(), audience.clone());
                Form::Caep(Box::new(signer.map_err(told)?))
            }
        };
        Ok(Self { destination: Destination::of_receiver(notify), token, form })
    }

    /// Tells what came of each entry for which something was done or tried. Never fails: what could not be told is in the answer.
    ///
    /// # Errors
    /// When the machinery for sending does not start.
    pub fn tell(&self, egress: &Egress, events: &[Event<'_>]) -> io::Result<Told> {
        let events: Vec<&Event<'_>> = events.iter().filter(|event| self.is_told(event.revocation.state)).collect();
        if events.is_empty() {
            return Ok(Told::default());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let told = runtime.block_on(self.tell_all(egress, &events));
        runtime.shutdown_background();
        Ok(told)
    }

    /// A credential has changed, in the words of CAEP, only where that is proven.
    fn is_told(&self, state: RevocationState) -> bool {
        match (&self.form, state) {
            (_, RevocationState::None | RevocationState::Planned) => false,
            (Form::Caep(_), state) => state == RevocationState::Revoked,
            (Form::Json { .. }, _) => true,
        }
    }

    async fn tell_all(&self, egress: &Egress, events: &[&Event<'_>]) -> Told {
        let mut told = Told::default();
        for (event, number) in events.iter().zip(0..) {
            match self.tell_one(egress, event).await {
                Ok(()) => told.sent += 1,
                Err(Failure::Refused(reason)) => {
                    told.failed += 1;
                    told.reason.get_or_insert(reason);
                }
                // Nobody is there; asking for every one of them would only take time.
                Err(Failure::Absent(reason)) => {
                    told.failed += events.len() - number;
                    told.reason.get_or_insert(reason);
                    break;
                }
            }
        }
        told
    }

    async fn tell_one(&self, egress: &Egress, event: &Event<'_>) -> Result<(), Failure> {
        let mut failure = None;
        // Receivers know an event by its id, so that sending it once more is safe.
        for attempt in 0..2 {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let request = self.request(event).map_err(Failure::Refused)?;
            failure = Some(match egress.send(request).await {
                Ok(response) if (200..300).contains(&response.status) => return Ok(()),
                Ok(response) => match (response.status, Failure::Refused(reason(&response))) {
                    (429 | 500.., refused) => refused,
                    (_, refused) => return Err(refused),
                },
                Err(error) => Failure::Absent(error.to_string()),
            });
        }
        Err(failure.unwrap_or_else(|| Failure::Refused("it was not sent".to_owned())))
    }

    fn request(&self, event: &Event<'_>) -> Result<Request, String> {
        let request = Request::new(Method::Post, &self.destination).shown_as("/…");
        let mut request = match &self.form {
            Form::Json { key } => webhook::write(request, event, key.as_ref())?,
            Form::Caep(signer) => {
                let token = signer.sign(event)?;
                let request = request.json(Zeroizing::new(token.into_bytes()));
                request.header("content-type", b"application/secevent+jwt").map_err(|error| error.to_string())?
            }
        };
        if let Some(token) = &self.token {
            request = request.bearer(token).map_err(|error| error.to_string())?;
        }
        Ok(request)
    }
}

impl<'a> Event<'a> {
    /// The events of an executed plan, in its order.
    pub fn of(plan: &'a str, entries: &'a [PlanEntry], results: &'a [Executed], at: OffsetDateTime) -> Vec<Self> {
        let of = |result: &'a Executed| {
            let entry = entries.iter().find(|entry| entry.finding == result.finding)?;
            Some(Self { entry, revocation: &result.revocation, plan, at })
        };
        results.iter().filter_map(of).collect()
    }

    /// The same for every attempt to tell it, and another for every outcome.
    fn id(&self) -> String {
        let receipt = self.revocation.receipt.as_deref().unwrap_or_default();
        let receipt = receipt.get(..32).unwrap_or(receipt);
        if receipt.is_empty() { format!("msg_{}", self.entry.finding) } else { format!("msg_{receipt}") }
    }
}

/// Why an event was not taken.
enum Failure {
    /// The receiver does not want it.
    Refused(String),
    /// There is no receiver, as far as one can tell.
    Absent(String),
}

/// What a receiver's answer says, in words of our own: the body is its own.
fn reason(response: &Response) -> String {
    // RFC 8935 §2.4.
    const CODES: [&str; 6] = [
        "invalid_request",
        "invalid_key",
        "invalid_issuer",
        "invalid_audience",
        "authentication_failed",
        "access_denied",
    ];
    let told = response.json_text("err");
    let code = CODES.iter().find(|code| told.as_deref() == Some(**code));
    match code {
        Some(code) => format!("the receiver answered with status {} (`{code}`)", response.status),
        None => format!("the receiver answered with status {}", response.status),
    }
}

#[cfg(test)]
mod tests;
