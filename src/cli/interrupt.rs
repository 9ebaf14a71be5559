//! What an interrupt (Ctrl-C) does to a run that has begun something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Context as _;

/// From now on, the first interrupt sets the flag, so that what was begun is carried to its end and told; the second ends the
/// process.
pub(super) fn set_on_interrupt(flag: Arc<AtomicBool>) -> anyhow::Result<()> {
    ctrlc::set_handler(move || {
        if flag.swap(true, Relaxed) {
            #[expect(clippy::exit, clippy::disallowed_methods, reason = "a second interrupt asks for exactly this")]
            std::process::exit(130);
        }
    })
    .context("cannot watch for interrupts")
}
