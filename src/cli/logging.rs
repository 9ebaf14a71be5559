//! Logs on standard error: `-v`, `-vv` and `RESCIND_LOG`.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::environment::Environment;
use crate::progress;

/// Starts logging at the level that `RESCIND_LOG` names (`error`, `warn`, `info`, `debug`, `trace`), or that the number of
/// `-v` stands for. Without either, no logger is installed at all.
///
/// Only this crate's own events are ever shown, whatever the level: a dependency may log what it sends to an issuer.
pub(crate) fn start(verbosity: u8, environment: &Environment) -> anyhow::Result<()> {
    let level = match (environment.variable("RESCIND_LOG"), verbosity) {
        (Some(level), _) => level.to_string_lossy().parse().map_err(|_| {
            anyhow::anyhow!("`RESCIND_LOG` is not a log level: use `error`, `warn`, `info`, `debug` or `trace`")
        })?,
        (None, 0) => return Ok(()),
        (None, 1) => LevelFilter::INFO,
        (None, 2) => LevelFilter::DEBUG,
        (None, _) => LevelFilter::TRACE,
    };
    let format = tracing_subscriber::fmt::layer().with_writer(progress::stderr).with_ansi(false);
    tracing_subscriber::registry().with(format).with(Targets::new().with_target("rescind", level)).init();
    Ok(())
}
