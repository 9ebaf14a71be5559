//! How much one host is asked at once and per second, and for how long it wants to be left alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The pace of one host.
pub(super) struct Pace {
    slots: Semaphore,
    interval: Duration,
    burst: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next request would be due at a perfectly even pace (generic cell rate algorithm).
    due: Option<Instant>,
    /// Until when the host asked for silence.
    silent_until: Option<Instant>,
}

impl Pace {
    pub(super) fn new(concurrency: usize, per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            slots: Semaphore::new(concurrency.max(1)),
            interval,
            burst: Duration::from_secs(1).saturating_sub(interval),
            state: Mutex::default(),
        }
    }

    /// Waits for a turn, which lasts as long as the permit. Fails at once with the rest of the pause when the host asked for
    /// one that is longer than `patience`.
    pub(super) async fn turn(&self, patience: Duration) -> Result<SemaphorePermit<'_>, Duration> {
        let permit = self.slots.acquire().await.expect("the semaphore is never closed");
        let wait = self.wait(Instant::now(), patience)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(permit)
    }

    /// Keeps silence for that long from now.
    pub(super) fn silence(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.silent_until = state.silent_until.max(Some(until));
    }

    fn wait(&self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = state.silent_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if silence > patience {
            return Err(silence);
        }
        let due = state.due.map_or(now, |due| due.max(now));
        state.due = Some(due + self.interval);
        Ok(silence.max(due.saturating_duration_since(now).saturating_sub(self.burst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_pace_after_a_burst() {
        let pace = Pace::new(1, 4);
        let now = Instant::now();
        let waits: Vec<u128> =
            (0..7).filter_map(|_| pace.wait(now, Duration::ZERO).ok()).map(|d| d.as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500, 750]);
        assert_eq!(pace.wait(now + Duration::from_secs(60), Duration::ZERO), Ok(Duration::ZERO));
    }

    #[test]
    fn silence_is_kept() {
        let pace = Pace::new(1, 4);
        pace.silence(Duration::from_secs(3600));
        let patience = Duration::from_secs(10);
        assert!(pace.wait(Instant::now(), patience).is_err_and(|rest| rest > Duration::from_secs(3500)));
        assert_eq!(pace.wait(Instant::now() + Duration::from_secs(3601), patience), Ok(Duration::ZERO));
    }
}
