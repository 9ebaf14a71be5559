//! What history costs before anybody looks at it: inflating entries, applying deltas, the whole sweep of a pack.
//!
//! `cargo bench --bench history` (needs `git`, which packs a history of made-up text, the same each time)

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rescind::source::git::id::ObjectKind;
use rescind::source::git::pack::delta::Delta;
use rescind::source::git::pack::entry::{EntryContent, EntryHeader};
use rescind::source::git::pack::inflate::{Buffer, Inflater};
use rescind::source::git::sweep::{Base, Fault, Object, Objects, PackEntries, Stock, Sweeper, sweep};

/// How many files the history has, and how many versions of each.
const FILES: usize = 150;
const VERSIONS: usize = 40;

/// A pack up to its checksum, and where its entries start with the numbers of their objects.
struct Pack {
    bytes: Vec<u8>,
    entries: Vec<(u64, u32)>,
}

impl Pack {
    fn make() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let git = |arguments: &[&str], input: &[u8]| git(directory.path(), arguments, input);
        git(&["init", "--quiet", "--bare", "."], b"");
        git(&["fast-import", "--quiet"], history().as_bytes());
        git(&["repack", "-adfq", "--window=20", "--depth=50", "--threads=1"], b"");
        let packs = directory.path().join("objects/pack");
        let files = fs_err::read_dir(packs).expect("a directory").map(|entry| entry.expect("readable").path());
        let path = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "pack"));
        let path = path.expect("a pack");
        let mut bytes = fs_err::read(&path).expect("readable");
        bytes.truncate(bytes.len() - 20);
        let listed = git(&["show-index"], &fs_err::read(path.with_extension("idx")).expect("readable"));
        let offset = |line: &str| line.split(' ').next().and_then(|word| word.parse().ok()).expect("an offset");
        let entries = String::from_utf8_lossy(&listed).lines().map(offset).zip(0..).collect();
        Self { bytes, entries }
    }
}

fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.current_dir(directory).args(arguments).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git is installed");
    child.stdin.take().expect("a pipe").write_all(input).expect("git reads it");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success());
    output.stdout
}

/// What `git fast-import` makes commits of: each changes a few lines of one file.
fn history() -> String {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("below a usize")
    };
    let words = ["let", "total", "=", "items", ".", "iter", "(", ")", "map", "weight", ";", "if", "{", "}", "return"];
    let mut line = move || {
        let length = next(12) + 1;
        let words: Vec<&str> = (0..length).map(|_| words[next(words.len())]).collect();
        (format!("    {} // {}\n", words.join(" "), next(100_000)), next(1 << 16))
    };
    let mut stream = String::new();
    for file in 0..FILES {
        let mut lines: Vec<String> = (0..200 + line().1 % 800).map(|_| line().0).collect();
        for version in 0..VERSIONS {
            for _ in 0..=version % 7 {
                let (text, place) = line();
                let place = place % lines.len();
                lines[place] = text;
            }
            let content = lines.concat();
            let _ =
                writeln!(stream, "commit refs/heads/main\ncommitter A <a@example.com> {} +0000", file * 1000 + version);
            let _ = writeln!(stream, "data 0\nM 100644 inline file_{file}\ndata {}\n{content}", content.len());
        }
    }
    stream
}

/// Looks at nothing.
struct Idle;

impl Sweeper for Idle {
    type State = ();
    type Worker = u64;

    fn worker(&self) -> u64 {
        0
    }

    fn largest(&self, kind: ObjectKind) -> Option<u64> {
        (kind == ObjectKind::Blob).then_some(u64::MAX)
    }

    fn visit(&self, bytes: &mut u64, object: &Object<'_>, _base: Option<Base<'_, ()>>) {
        *bytes += object.bytes.len() as u64;
    }

    fn pass_over(&self, _bytes: &mut u64, _number: u32, _kind: ObjectKind, _size: u64) {}
}

/// All is in the pack.
struct Nowhere;

impl Objects for Nowhere {
    fn number(&self, _id: &[u8]) -> Option<u32> {
        None
    }

    fn header(&self, _number: u32) -> Result<(ObjectKind, u64), Fault> {
        Err(Fault::BrokenBase)
    }

    fn read(&self, _number: u32) -> Result<(ObjectKind, Vec<u8>), Fault> {
        Err(Fault::BrokenBase)
    }
}

fn inflate(criterion: &mut Criterion, pack: &Pack) {
    let header = |&(start, _): &(u64, u32)| EntryHeader::read(&pack.bytes, start, 20).expect("an entry");
    let mut group = criterion.benchmark_group("inflate");
    for (name, is_delta) in [("whole objects", false), ("deltas", true)] {
        let headers = pack.entries.iter().map(header);
        let of_kind = |header: &EntryHeader<'_>| matches!(header.content, EntryContent::OffsetDelta(_)) == is_delta;
        let headers: Vec<EntryHeader<'_>> = headers.filter(of_kind).collect();
        group.throughput(Throughput::Bytes(headers.iter().map(|header| header.size).sum()));
        let (mut inflater, mut buffer) = (Inflater::default(), Buffer::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for header in &headers {
                    let start = usize::try_from(header.data).expect("within the pack");
                    inflater.inflate(&pack.bytes[start..], header.size, &mut buffer).expect("sound");
                    black_box(&*buffer);
                }
            });
        });
    }
    group.finish();
}

fn apply(criterion: &mut Criterion) {
    let base: Vec<u8> = (0..=u8::MAX).cycle().take(20_000).collect();
    let mut group = criterion.benchmark_group("apply a delta");
    for (name, copied) in [("many small copies", 40), ("few large copies", 4000)] {
        let mut instructions = Vec::new();
        let mut size = 0;
        for offset in (0..base.len() - copied).step_by(copied) {
            let bytes = |number: usize| u8::try_from(number & 0xff).expect("a byte");
            instructions.extend([0xb3, bytes(offset), bytes(offset >> 8), bytes(copied), bytes(copied >> 8)]);
            instructions.extend(b"\x05fresh");
            size += copied + 5;
        }
        let coded = |size: usize| [size & 0x7f | 0x80, size >> 7 & 0x7f | 0x80, size >> 14];
        let sizes = [coded(base.len()), coded(size)].concat();
        let sizes = sizes.into_iter().map(|byte| u8::try_from(byte).expect("seven bits"));
        let delta: Vec<u8> = sizes.chain(instructions).collect();
        let (mut object, mut runs) = (Buffer::new(), Vec::new());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let delta = Delta::parse(black_box(&delta)).expect("sizes");
                delta.apply(&base, &mut object, &mut runs).expect("sound");
                black_box((&*object, &runs));
            });
        });
    }
    group.finish();
}

fn whole_sweep(criterion: &mut Criterion, pack: &Pack) {
    let entries = || vec![PackEntries::new(&pack.bytes, 20, pack.entries.clone())];
    let count = u32::try_from(pack.entries.len()).expect("few");
    let stock = Stock::new(count, entries(), Vec::new(), &Nowhere);
    let mut group = criterion.benchmark_group("sweep");
    group.throughput(Throughput::Bytes(sweep(&stock, &Idle).workers.iter().sum()));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        group.bench_function(format!("all blobs, threads: {threads}"), |bencher| {
            bencher.iter(|| pool.install(|| black_box(sweep(&stock, &Idle))));
        });
    }
    group.finish();
}

fn history_of_text(criterion: &mut Criterion) {
    let pack = Pack::make();
    inflate(criterion, &pack);
    apply(criterion);
    whole_sweep(criterion, &pack);
}

criterion_group!(benches, history_of_text);
criterion_main!(benches);
