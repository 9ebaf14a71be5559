//! Opening the targets and scanning them: threads, progress, interruption.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::args::Args;
use crate::cli::Global;
use crate::cli::exit::Hint;
use crate::cli::interrupt::set_on_interrupt;
use crate::config::environment::Environment;
use crate::detect::Detector;
use crate::diagnostic::Diagnostic;
use crate::finding::Finding;
use crate::progress::Progress;
use crate::source::git::{GitEnvironment, SeenObjects};
use crate::source::target::{self, Scope, TargetOptions};
use crate::source::{Collector, ScanContext, Source};

/// What a scan brought to light.
pub(super) struct Gathered {
    pub findings: Vec<Finding>,
    /// How many secrets are not among them because comments allow them.
    pub allowed: u64,
    pub diagnostics: Vec<Diagnostic>,
    pub items: u64,
    pub bytes: u64,
    pub duration: Duration,
    /// Set when the user stopped it, then or later.
    pub stop: Arc<AtomicBool>,
}

impl Gathered {
    /// Whether the user stopped the run.
    pub(super) fn is_interrupted(&self) -> bool {
        self.stop.load(Relaxed)
    }
}

/// The paths of the targets, without their prefixes; the current directory where none is named.
pub(super) fn paths(args: &Args) -> Vec<PathBuf> {
    if args.targets.is_empty() {
        return vec![PathBuf::from(".")];
    }
    args.targets.iter().map(target::path).collect()
}

/// The directories that the targets are, in their order, as far as they are any: with `--staged`, targets are files of the
/// repository here.
pub(super) fn roots(args: &Args, scope: &Scope) -> Vec<PathBuf> {
    if matches!(scope, Scope::Staged { .. }) { vec![PathBuf::from(".")] } else { paths(args) }
}

/// A source, and the number of the target that it belongs to.
pub(super) type Numbered = (usize, Box<dyn Source>);

/// Opens every target. What cannot be opened is an error with a hint; nothing has been scanned then.
pub(super) fn open(args: &Args, scope: Scope, environment: &Environment) -> anyhow::Result<Vec<Numbered>> {
    let here = [".".into()];
    let targets_are_files = matches!(scope, Scope::Staged { .. });
    let targets = if targets_are_files || args.targets.is_empty() { &here[..] } else { &args.targets };
    let options = TargetOptions { scope, environment: git_environment(environment) };
    let mut sources = Vec::new();
    for (target, number) in targets.iter().zip(0..) {
        let opened = target::open(target, &options).map_err(|error| match error.hint() {
            Some(hint) => Hint::attach(error, hint),
            None => error.into(),
        })?;
        sources.extend(opened.into_iter().map(|source| (number, source)));
    }
    Ok(sources)
}

/// Which part of the targets the options ask for.
pub(super) fn scope(args: &Args) -> Scope {
    let history = &args.history;
    if history.staged {
        Scope::Staged { files: args.targets.iter().map(PathBuf::from).collect() }
    } else if history.no_history {
        Scope::Files
    } else if history.history_only {
        Scope::History
    } else if let Some(revision) = &history.since {
        Scope::Since(revision.clone())
    } else if let Some(range) = &history.range {
        Scope::Range(range.clone())
    } else {
        Scope::Everything
    }
}

/// What git's own variables say: a hook runs with them set.
fn git_environment(environment: &Environment) -> GitEnvironment {
    let path = |name| environment.variable(name).map(PathBuf::from);
    let alternates = environment.variable("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    GitEnvironment {
        git_dir: path("GIT_DIR"),
        work_tree: path("GIT_WORK_TREE"),
        index_file: path("GIT_INDEX_FILE"),
        object_directory: path("GIT_OBJECT_DIRECTORY"),
        alternate_object_directories: std::env::split_paths(&alternates)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
    }
}

/// Scans all sources, one after the other, each on all threads.
pub(super) fn scan(
    sources: &[Numbered],
    detector: &Detector,
    seen: Option<&SeenObjects>,
    collector: Collector,
    args: &Args,
    global: &Global,
) -> anyhow::Result<Gathered> {
    let started = Instant::now();
    set_on_interrupt(collector.cancel_flag())?;
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.detection.jobs {
        pool = pool.num_threads(usize::from(jobs));
    }
    let pool = pool.build().context("cannot start the scanning threads")?;
    let defaults = ScanContext::new(detector, &collector);
    let max_file_size = args.detection.max_file_size.map(|size| size.0);
    let context = ScanContext {
        max_file_size: max_file_size.unwrap_or(defaults.max_file_size),
        max_stream_size: max_file_size.unwrap_or(defaults.max_stream_size),
        reuses_deltas: !args.history.no_delta_reuse,
        seen,
        attribution: args.history.attribution.into(),
        // Of a rule that is left out, nobody knows what it would find there.
        tells_unused_marks: args.detection.only.is_empty()
            && args.detection.except.is_empty()
            && !args.detection.no_suppressions,
        ..defaults
    };
    std::thread::scope(|scope| {
        for (target, source) in sources {
            if collector.is_cancelled() {
                break;
            }
            collector.enter(*target);
            let subject = format!("scanning {}", source.describe());
            tracing::info!("{subject}");
            let progress = Progress::start(scope, args.output.progress, global.quiet, subject, &collector.counters);
            pool.install(|| source.scan(&context));
            progress.finish();
        }
    });
    if collector.is_cancelled() {
        collector.diagnose(Diagnostic::gap("interrupted", "scan", "stopped before everything was scanned"));
    }
    let stop = collector.cancel_flag();
    let (items, bytes) = (collector.counters.items.load(Relaxed), collector.counters.bytes.load(Relaxed));
    let allowed = collector.count_allowed();
    let (findings, diagnostics) = collector.finish();
    Ok(Gathered { findings, allowed, diagnostics, items, bytes, duration: started.elapsed(), stop })
}
