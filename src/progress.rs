//! [`Progress`]: shows on standard error that a scan is under way.
//!
//! A bar where a person looks on, a plain line now and then where a CI system would otherwise take silence for a hang,
//! nothing where it was turned off. It reads counters and never touches the work, so a scan is as fast with it as without.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::source::Counters;

/// How often the bar is drawn.
const DRAW: Duration = Duration::from_millis(100);
/// A scan that ends before this shows no bar at all.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often the plain line is written.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The bar that log lines have to make room for; there is one terminal, so there is one bar.
static ON_SCREEN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A bar on a terminal, otherwise a line every 30 seconds
    #[default]
    Auto,
    /// As `auto`, also with `--quiet`
    Always,
    /// Nothing
    Never,
}

/// Shows progress from [`Progress::start`] until it is finished or dropped, also by a panic of the scan.
pub struct Progress<'scope> {
    /// Dropping it ends the thread.
    running: Option<Sender<()>>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

/// What the thread shows.
#[derive(Clone, Copy)]
enum Display {
    Bar,
    Heartbeat,
}

impl<'scope> Progress<'scope> {
    /// Starts showing `counters` under the name of what is done. `is_quiet` leaves out the plain lines.
    pub fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        mode: Mode,
        is_quiet: bool,
        subject: impl Into<String>,
        counters: &'scope Counters,
    ) -> Self {
        let display = match mode {
            Mode::Never => None,
            Mode::Auto if is_quiet => None,
            _ if io::stderr().is_terminal() => Some(Display::Bar),
            _ => Some(Display::Heartbeat),
        };
        let Some(display) = display else { return Self { running: None, thread: None } };
        let (running, stopped) = channel();
        // The subject may come from a scanned repository's path.
        let subject = crate::finding::escape(subject.into().as_bytes()).into_owned();
        let thread = scope.spawn(move || match display {
            Display::Bar => show_bar(&subject, counters, &stopped),
            Display::Heartbeat => show_heartbeat(&subject, counters, &stopped),
        });
        Self { running: Some(running), thread: Some(thread) }
    }

    /// Takes the bar off the screen.
    pub fn finish(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            // A panic while drawing costs the bar, not the scan.
            let _ = thread.join();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs `write`, which writes to standard error, with the bar out of the way.
pub fn suspend<R>(write: impl FnOnce() -> R) -> R {
    let bar = ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard error for log lines, with the bar out of their way.
pub fn stderr() -> impl io::Write {
    Suspending
}

struct Suspending;

impl io::Write for Suspending {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        suspend(|| io::stderr().lock().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

fn show_bar(subject: &str, counters: &Counters, stopped: &Receiver<()>) {
    if is_over(stopped, PATIENCE) {
        return;
    }
    let bar = ProgressBar::new(0).with_message(subject.to_owned());
    let style = "{spinner} {msg} [{bar:24}] {human_pos}/{human_len} {prefix} {elapsed}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    *ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    loop {
        let items = counters.items.load(Relaxed);
        // A source that does not know what is ahead must not show a full bar.
        bar.set_length(counters.expected.load(Relaxed).max(items));
        bar.set_position(items);
        bar.set_prefix(bytes_read(counters));
        bar.tick();
        if is_over(stopped, DRAW) {
            break;
        }
    }
    *ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    bar.finish_and_clear();
}

fn show_heartbeat(subject: &str, counters: &Counters, stopped: &Receiver<()>) {
    let started = Instant::now();
    while !is_over(stopped, HEARTBEAT) {
        let line = heartbeat(subject, counters, started.elapsed());
        // A closed standard error is no reason to stop a scan.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

fn heartbeat(subject: &str, counters: &Counters, elapsed: Duration) -> String {
    let items = counters.items.load(Relaxed);
    let ahead = match counters.expected.load(Relaxed) {
        expected if expected > items => format!(" of {}", HumanCount(expected)),
        _ => String::new(),
    };
    let bytes = match bytes_read(counters) {
        bytes if bytes.is_empty() => bytes,
        bytes => format!(", {bytes}"),
    };
    format!("{subject}: {}{ahead} items{bytes}, {} s", HumanCount(items), elapsed.as_secs())
}

/// How much has been read; nothing where nothing is read, as when issuers are asked.
fn bytes_read(counters: &Counters) -> String {
    match counters.bytes.load(Relaxed) {
        0 => String::new(),
        bytes => HumanBytes(bytes).to_string(),
    }
}

/// Waits so long for the end of the scan; whether it came.
fn is_over(stopped: &Receiver<()>, wait: Duration) -> bool {
    !matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_tells_how_far_the_scan_is() {
        let counters = Counters::default();
        let check =
            |expected: &str| assert_eq!(heartbeat("scanning repo", &counters, Duration::from_secs(61)), expected);
        check("scanning repo: 0 items, 61 s");
        counters.items.store(1234, Relaxed);
        counters.bytes.store(3 << 20, Relaxed);
        check("scanning repo: 1,234 items, 3.00 MiB, 61 s");
        counters.expected.store(9999, Relaxed);
        check("scanning repo: 1,234 of 9,999 items, 3.00 MiB, 61 s");
    }

    #[test]
    fn the_thread_ends_with_the_scan() {
        let counters = Counters::default();
        for mode in [Mode::Auto, Mode::Always, Mode::Never] {
            // The scope ends only when the thread has.
            std::thread::scope(|scope| Progress::start(scope, mode, false, "repo", &counters).finish());
        }
        assert_eq!(suspend(|| 1), 1);
    }
}
