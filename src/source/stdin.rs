//! Standard input: one item without a path.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::archive::{self, Opened};
use super::stream::Buffer;
use super::{Collector, ScanContext, Source};
use crate::diagnostic::Diagnostic;
use crate::finding::{Place, SourcePath};

/// How much is read at once, in bytes.
const CHUNK: usize = 256 << 10;
/// How long an interruption may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Scans what is piped in. It is read to its end, in constant memory, or to the size limit if one was set.
pub struct Stdin;

impl Source for Stdin {
    fn describe(&self) -> String {
        "standard input".to_owned()
    }

    fn scan(&self, context: &ScanContext<'_>) {
        scan_reader(io::stdin(), context);
    }
}

fn scan_reader(reader: impl Read + Send + 'static, context: &ScanContext<'_>) {
    let (collector, limit) = (context.collector, context.max_stream_size);
    collector.expect(1);
    let mut input = Input { chunks: chunks_of(reader), chunk: Vec::new(), read: 0, collector };
    // What lies within the limit is worth a look in any case: there is no second chance to read a pipe.
    let within = (&mut input).take(limit);
    let name = SourcePath::new(b"-");
    let mut kept = None;
    let takes_over = |head: &[u8], is_whole: bool, rest: &mut dyn Read| {
        if is_whole {
            return archive::is_archive(head) && context.scan_archive(head, &Place::Stdin, &name);
        }
        match context.scan_archive_stream(head, rest, &Place::Stdin, &name) {
            Opened::Yes => true,
            Opened::No => false,
            Opened::Kept(all) => {
                kept = Some(all);
                true
            }
        }
    };
    let mut result = scan_as_text(within, takes_over, context);
    // What cannot be opened is bytes like any other.
    if let Some(all) = kept {
        result = result.and(scan_as_text(all, |_, _, _| false, context));
    }
    if let Err(error) = result {
        collector.diagnose(Diagnostic::gap("unreadable-file", "standard input", error));
    } else if limit < u64::MAX && matches!(input.read(&mut [0]), Ok(1..)) {
        let reason = format!("only the first {limit} bytes were scanned");
        collector.diagnose(Diagnostic::gap("file-too-large", "standard input", reason));
    }
}

fn scan_as_text<R: Read>(
    reader: R,
    takes_over: impl FnOnce(&[u8], bool, &mut dyn Read) -> bool,
    context: &ScanContext<'_>,
) -> io::Result<()> {
    let takes_over = |head: &[u8], is_whole: bool, rest: &mut R| takes_over(head, is_whole, rest);
    context.scan_stream(reader, &mut Buffer::new(), takes_over, &Place::Stdin, SourcePath::default, |_| Vec::new())
}

/// What the reading thread sends, as one stream that ends when the scan is interrupted.
struct Input<'a> {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// How much of the chunk has been read.
    read: usize,
    collector: &'a Collector,
}

impl Read for Input<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while self.read == self.chunk.len() {
            if self.collector.is_cancelled() {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => (self.chunk, self.read) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let mut rest = self.chunk.get(self.read..).unwrap_or_default();
        let length = rest.read(space)?;
        self.read += length;
        Ok(length)
    }
}

/// Reads on a thread of its own. A pipe may be silent for ever and reading it cannot be called off, so an interrupted scan
/// leaves the thread behind.
fn chunks_of(mut reader: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => {
                    chunk.truncate(length);
                    Ok(chunk)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_over = read.is_err();
            if sender.send(read).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detector;
    use crate::finding::FingerprintKey;
    use crate::source::Collector;

    fn check(input: &'static [u8], limit: u64, expected: &[&str]) {
        let detector = Detector::new(std::sync::Arc::default(), FingerprintKey::default());
        let collector = Collector::default();
        let context = ScanContext { max_stream_size: limit, ..ScanContext::new(&detector, &collector) };
        scan_reader(input, &context);
        let (_, diagnostics) = collector.finish();
        assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn input_beyond_the_limit_is_told() {
        check(b"12345", 5, &[]);
        check(b"123456", 5, &["file-too-large"]);
        check(b"123456", u64::MAX, &[]);
        check(b"", 0, &[]);
    }
}
