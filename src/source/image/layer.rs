//! One pass over the files of a layer, or of any other tar, as it streams out of the decompressor.
//!
//! Nothing is ever written to disk, and no path is ever followed. Everything that holds bytes is handed out, whatever type its
//! header claims: parsers disagree about the size of a link or directory, and a file must not hide in the difference. What
//! follows the end of the archive is handed out too. Whatever cannot be read is told.

use std::hash::RandomState;
use std::io::{self, Read};

use super::meter::{Meter, Metered};
use super::shadow::LayerPaths;

/// The path under which bytes behind the end of an archive are reported.
const TRAILING: &[u8] = b"trailing:";

/// How much of a layer is read at most. Real layers stay far below; these bounds end decompression bombs.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Larger files are left out.
    pub(super) file_bytes: u64,
    /// A layer may expand to this many bytes.
    pub(super) layer_bytes: u64,
    /// And hold this many entries.
    pub(super) entries: u64,
}

impl Limits {
    /// The bounds of a scan that leaves out files larger than `file_bytes`.
    pub(super) fn new(file_bytes: u64) -> Self {
        Self { file_bytes, layer_bytes: 256 << 30, entries: 8_000_000 }
    }
}

/// Takes what a walk comes upon.
pub(super) trait Visitor {
    /// The whole content of a file, valid during the call only. `path` is relative to the root of the layer.
    fn file(&mut self, path: &[u8], content: &[u8]);

    /// Something was left unread: the file named, or the layer from here on.
    fn gap(&mut self, code: &'static str, path: Option<&[u8]>, reason: &str);

    /// Asked between two files.
    fn is_cancelled(&self) -> bool;
}

/// Walks a tar. The answer tells what its entries do to the layers below.
pub(super) fn walk(reader: impl Read, limits: &Limits, state: RandomState, visitor: &mut impl Visitor) -> LayerPaths {
    let mut paths = LayerPaths::new(state);
    let meter = Meter::new(limits.layer_bytes);
    let mut archive = tar::Archive::new(Metered::new(reader, &meter));
    let mut buffer = Vec::new();
    let ended = match archive.entries() {
        Ok(entries) => walk_entries(entries, limits, &meter, &mut buffer, &mut paths, visitor),
        Err(error) => {
            visitor.gap(code_of(&error), None, explain(&meter, &error));
            false
        }
    };
    if ended {
        meter.expect_content();
        trailing(&mut archive.into_inner(), limits, &meter, &mut buffer, visitor);
    }
    paths
}

/// The entries up to the archive's end; `false` if the walk stopped before it.
fn walk_entries<R: Read>(
    mut entries: tar::Entries<'_, R>,
    limits: &Limits,
    meter: &Meter,
    buffer: &mut Vec<u8>,
    paths: &mut LayerPaths,
    visitor: &mut impl Visitor,
) -> bool {
    let mut unread = 0_u64;
    for _ in 0..limits.entries {
        if visitor.is_cancelled() {
            return false;
        }
        meter.expect_header(unread);
        let mut entry = match entries.next() {
            None => return true,
            Some(Ok(entry)) => entry,
            Some(Err(error)) => {
                visitor.gap(code_of(&error), None, explain(meter, &error));
                return false;
            }
        };
        meter.expect_content();
        let path = path_of(&mut entry);
        let path = relative(&path);
        paths.record(path, entry.header().entry_type().is_dir() || path.ends_with(b"/"));

        let size = entry.size();
        unread = 0;
        if size > limits.file_bytes {
            visitor.gap(
                "oversize-file",
                Some(path),
                &format!("{size} bytes, more than the limit of {}", limits.file_bytes),
            );
            // What a sparse file stores is less than its size.
            unread = size.max(entry.header().entry_size().unwrap_or(0));
        } else if size > 0 {
            buffer.clear();
            let read = entry.read_to_end(buffer);
            visitor.file(path, buffer);
            if let Err(error) = read {
                visitor.gap(code_of(&error), Some(path), explain(meter, &error));
                return false;
            }
            if (buffer.len() as u64) < size {
                visitor.gap("truncated-layer", Some(path), "it ends in the middle of this file");
                return false;
            }
        }
    }
    visitor.gap("oversize-layer", None, &format!("more than {} entries", limits.entries));
    false
}

/// Reads what follows the end of the archive: zeros as a rule. The rest of the stream has to be read in any case, for a cut
/// or damaged stream shows only at its end.
fn trailing(reader: &mut impl Read, limits: &Limits, meter: &Meter, buffer: &mut Vec<u8>, visitor: &mut impl Visitor) {
    let mut chunk = vec![0; 64 * 1024];
    buffer.clear();
    let mut left_out = 0_u64;
    loop {
        let bytes = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => chunk.get(..length).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                visitor.gap(code_of(&error), None, explain(meter, &error));
                break;
            }
        };
        if visitor.is_cancelled() {
            return;
        }
        let content = if buffer.is_empty() {
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            bytes.get(start..).unwrap_or_default()
        } else {
            bytes
        };
        if (buffer.len() + content.len()) as u64 > limits.file_bytes {
            left_out += content.len() as u64;
        } else {
            buffer.extend_from_slice(content);
        }
    }
    if !buffer.is_empty() {
        visitor.file(TRAILING, buffer);
    }
    if left_out > 0 {
        visitor.gap("oversize-file", Some(TRAILING), &format!("{left_out} bytes behind the end of the archive"));
    }
}

/// The path of an entry, which GNU tar hides in a record of its own where the file is sparse.
fn path_of<R: Read>(entry: &mut tar::Entry<'_, R>) -> Vec<u8> {
    // Asking a header of records itself would read its content, which has to be handed out.
    let entry_type = entry.header().entry_type();
    if !entry_type.is_pax_global_extensions()
        && !entry_type.is_pax_local_extensions()
        && let Ok(Some(records)) = entry.pax_extensions()
        && let Some(record) = records.flatten().find(|record| record.key_bytes() == b"GNU.sparse.name")
    {
        return record.value_bytes().to_vec();
    }
    entry.path_bytes().into_owned()
}

/// The path without `./` or `/` in front.
fn relative(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")) {
        path = rest;
    }
    path
}

/// The stable name of what is wrong.
pub(super) fn code_of(error: &io::Error) -> &'static str {
    if is_truncation(error) { "truncated-layer" } else { "corrupt-layer" }
}

/// What is wrong, in words of ours: the messages of parsers quote what they read.
pub(super) fn reason_of(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if is_truncation(error) => "it ends too early",
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "its compressed data is damaged",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::NotFound => "it does not exist",
        _ => "it is damaged: no valid tar header where one must stand",
    }
}

fn explain(meter: &Meter, error: &io::Error) -> &'static str {
    meter.exceeded().unwrap_or_else(|| reason_of(error))
}

fn is_truncation(error: &io::Error) -> bool {
    // The `tar` crate has no kind of its own for these.
    error.kind() == io::ErrorKind::UnexpectedEof
        || matches!(
            error.to_string().as_str(),
            "unexpected EOF during skip" | "failed to read entire block" | "failed to read extension"
        )
}
