//! How much one host is asked at once and per second, and for how long it wants to be left alone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The pace of one host.
pub(super) struct Pace {
    slots: Semaphore,
    per_second: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the last requests were begun, as many as fit into a second. A host counts those of any second, wherever it starts:
    /// an even pace behind a first burst would be twice as much in the first of them.
    begun: VecDeque<Instant>,
    /// Until when the host asked for silence.
    silent_until: Option<Instant>,
}

impl Pace {
    pub(super) fn new(concurrency: usize, per_second: u32) -> Self {
        Self {
            slots: Semaphore::new(concurrency.max(1)),
            per_second: usize::try_from(per_second.max(1)).unwrap_or(usize::MAX),
            state: Mutex::default(),
        }
    }

    /// Waits for a turn, which lasts as long as the permit. Fails at once with the rest of the pause when the host asked for
    /// one that is longer than `patience`.
    pub(super) async fn turn(&self, patience: Duration) -> Result<SemaphorePermit<'_>, Duration> {
        let permit = self.slots.acquire().await.expect("the semaphore is never closed");
        loop {
            let wait = self.begin(Instant::now(), patience)?;
            if wait.is_zero() {
                return Ok(permit);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Keeps silence for that long from now.
    pub(super) fn silence(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.silent_until = state.silent_until.max(Some(until));
    }

    /// Notes that a request is begun, or tells after how long to ask again. Nothing is reserved: who sleeps longer than told
    /// begins later, and is counted then.
    fn begin(&self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = state.silent_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        if silence > patience {
            return Err(silence);
        }
        while state.begun.front().is_some_and(|&begun| now.saturating_duration_since(begun) >= SECOND) {
            state.begun.pop_front();
        }
        let is_full = state.begun.len() >= self.per_second;
        let oldest = state.begun.front().filter(|_| is_full);
        let full = oldest.map_or(Duration::ZERO, |&begun| (begun + SECOND).saturating_duration_since(now));
        let wait = silence.max(full);
        if wait.is_zero() {
            state.begun.push_back(now);
        }
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_holds_more() {
        let pace = Pace::new(1, 4);
        let start = Instant::now();
        let waits = [0, 0, 300, 300, 300, 999, 1000, 1001, 1299, 1300].map(|milliseconds| {
            let at = start + Duration::from_millis(milliseconds);
            pace.begin(at, Duration::ZERO).expect("no silence").as_millis()
        });
        // The first two fall out of the second at its end, the next two 300 ms later.
        assert_eq!(waits, [0, 0, 0, 0, 700, 1, 0, 0, 1, 0]);
        assert_eq!(pace.begin(start + Duration::from_secs(60), Duration::ZERO), Ok(Duration::ZERO));
    }

    #[test]
    fn silence_is_kept() {
        let pace = Pace::new(1, 4);
        pace.silence(Duration::from_secs(3600));
        let patience = Duration::from_secs(10);
        assert!(pace.begin(Instant::now(), patience).is_err_and(|rest| rest > Duration::from_secs(3500)));
        assert_eq!(pace.begin(Instant::now() + Duration::from_secs(3601), patience), Ok(Duration::ZERO));
    }
}
