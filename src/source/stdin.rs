//! Standard input: one item without a path.

use std::io::Read;

use super::{ScanContext, Source};
use crate::diagnostic::Diagnostic;
use crate::finding::{Place, SourcePath};

/// Scans what is piped in. It is read to its end or to the size limit, so that a value is never cut in two.
pub struct Stdin;

impl Source for Stdin {
    fn describe(&self) -> String {
        "standard input".to_owned()
    }

    fn scan(&self, context: &ScanContext<'_>) {
        scan_reader(&mut std::io::stdin().lock(), context);
    }
}

fn scan_reader(reader: &mut impl Read, context: &ScanContext<'_>) {
    let limit = context.max_file_size;
    let mut bytes = Vec::new();
    context.collector.expect(1);
    if let Err(error) = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
        context.collector.diagnose(Diagnostic::gap("unreadable-file", "standard input", error));
    }
    if bytes.len() as u64 > limit {
        // What lies within the limit is still worth a look: there is no second chance to read a pipe.
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let reason = format!("only the first {limit} bytes were scanned");
        context.collector.diagnose(Diagnostic::gap("file-too-large", "standard input", reason));
    }
    context.scan_item(&bytes, &Place::Stdin, SourcePath::default);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detector;
    use crate::finding::{Collector, FingerprintKey};

    fn check(input: &[u8], limit: u64, expected: &[&str]) {
        let detector = Detector::new(std::sync::Arc::default(), FingerprintKey::default());
        let collector = Collector::default();
        let context = ScanContext { detector: &detector, collector: &collector, max_file_size: limit };
        scan_reader(&mut &*input, &context);
        let (_, diagnostics) = collector.finish();
        assert_eq!(diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn input_beyond_the_limit_is_told() {
        check(b"12345", 5, &[]);
        check(b"123456", 5, &["file-too-large"]);
        check(b"", 0, &[]);
    }
}
