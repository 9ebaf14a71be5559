//! One file, in constant memory: a small one by one thread, a large one by all of them.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::{diagnose_io, shown, siblings, source_path};
use crate::detect::Candidate;
use crate::diagnostic::Diagnostic;
use crate::finding::{Location, Origin, Place};
use crate::source::stream::{Buffer, Part, Searched};
use crate::source::{ScanContext, archive};

/// How much of a large file one thread searches at a time, in bytes.
const SEGMENT: u64 = 8 << 20;

/// In so many segments is a file divided at most: a sparse one may claim any size.
const MOST_SEGMENTS: u64 = 4096;

thread_local! {
    /// One buffer per thread, so that a file costs no allocation.
    static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer::new()) };
}

/// Scans a file with few system calls: it is opened, read to its end and closed. Only a large one, or one that may be over the
/// limit, is asked for its size.
pub(super) fn scan<'scope>(scope: &Scope<'scope>, path: &Path, context: &'scope ScanContext<'_>) {
    if let Err(error) = try_scan(scope, path, context) {
        diagnose_io(path, &error, context);
    }
}

fn try_scan<'scope>(scope: &Scope<'scope>, path: &Path, context: &'scope ScanContext<'_>) -> io::Result<()> {
    let file = fs_err::File::open(path)?;
    let limit = context.max_stream_size;
    if limit < u64::MAX {
        let size = file.metadata()?.len();
        if size > limit {
            let reason = format!("{size} bytes are more than the limit of {limit} bytes");
            context.collector.diagnose(Diagnostic::gap("file-too-large", shown(path), reason));
            return Ok(());
        }
    }
    if context.detector.looks_for_files() {
        let open = || Ok(Box::new(fs_err::File::open(path)?) as Box<dyn Read>);
        context.report_file(open, &Place::File, &source_path(path))?;
    }
    let takes_over = |head: &[u8], is_whole: bool, _: &mut &fs_err::File| {
        if archive::is_archive(head) {
            return scan_archive(path, head, is_whole, context);
        }
        if is_whole {
            return false;
        }
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let is_large = size >= 2 * SEGMENT;
        if is_large {
            Segments::hand_out(scope, path, size, context);
        }
        is_large
    };
    let elsewhere = |candidate: &Candidate| siblings::parts(candidate, path, context);
    BUFFER.with_borrow_mut(|buffer| {
        context.scan_stream(&file, buffer, takes_over, &Place::File, || source_path(path), elsewhere)
    })
}

/// Scans what an archive holds, unless it cannot be opened. Of a large one only the beginning was read, and little is held.
fn scan_archive(path: &Path, head: &[u8], is_whole: bool, context: &ScanContext<'_>) -> bool {
    let name = source_path(path);
    if is_whole {
        return context.scan_archive(head, &Place::File, &name);
    }
    match fs_err::File::open(path) {
        Ok(file) => context.scan_archive_file(head, file, &Place::File, &name),
        Err(_) => false,
    }
}

/// A large file, whose segments are searched side by side.
struct Segments {
    path: PathBuf,
    /// The length of a segment; the last one ends where the file does.
    length: u64,
    /// What the segments hold, as far as they have been searched.
    searched: Mutex<Vec<Option<Searched>>>,
}

impl Segments {
    fn hand_out<'scope>(scope: &Scope<'scope>, path: &Path, size: u64, context: &'scope ScanContext<'_>) {
        let length = SEGMENT.max(size.div_ceil(MOST_SEGMENTS));
        let count = size / length;
        let searched = Mutex::new((0..count).map(|_| None).collect());
        let segments = Arc::new(Self { path: path.to_owned(), length, searched });
        for number in 0..count {
            let segments = Arc::clone(&segments);
            scope.spawn(move |_| {
                let searched = segments.search(number, number + 1 == count, context);
                segments.hand_in(number, searched, context);
            });
        }
    }

    fn search(&self, number: u64, is_last: bool, context: &ScanContext<'_>) -> Searched {
        let begin = number.saturating_mul(self.length);
        let lead = context.detector.reach().min(usize::try_from(begin).unwrap_or(usize::MAX));
        let length = if is_last { u64::MAX } else { self.length };
        let open = || {
            let mut file = fs_err::File::open(&self.path)?;
            file.seek(SeekFrom::Start(begin.saturating_sub(lead as u64)))?;
            Ok(file)
        };
        match open() {
            _ if context.collector.is_cancelled() => {
                Searched { found: Vec::new(), behind: Origin::START, result: Ok(()) }
            }
            Ok(file) => BUFFER.with_borrow_mut(|buffer| context.search_part(file, buffer, Part { lead, length })),
            Err(error) => Searched { found: Vec::new(), behind: Origin::START, result: Err(error) },
        }
    }

    /// Takes what a segment holds. With the last one to come in, the lines are known, and everything found gets its place.
    fn hand_in(&self, number: u64, searched: Searched, context: &ScanContext<'_>) {
        let mut all = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = usize::try_from(number).ok().and_then(|number| all.get_mut(number)) {
            *slot = Some(searched);
        }
        if all.iter().any(Option::is_none) {
            return;
        }
        let mut origin = Origin::START;
        let path = source_path(&self.path);
        for Searched { found, behind, result } in all.drain(..).flatten() {
            for (candidate, span) in found {
                let location = Location { place: Place::File, path: path.clone(), span: origin.moved_span(span) };
                let parts = siblings::parts(&candidate, &self.path, context);
                context.collector.add_with(candidate, vec![location], parts);
            }
            origin = origin.moved(behind);
            if let Err(error) = result {
                diagnose_io(&self.path, &error, context);
            }
        }
        context.collector.count_item();
    }
}
