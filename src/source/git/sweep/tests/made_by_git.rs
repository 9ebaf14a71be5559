//! Packs that git makes of random versions of files: every object comes out as it went in.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A repository with nothing but packs.
struct Packed {
    directory: tempfile::TempDir,
    ids: Vec<Vec<u8>>,
    contents: HashMap<Vec<u8>, Vec<u8>>,
    packs: Vec<Pack>,
}

/// A pack up to its checksum; where its entries start, and the numbers of their objects.
struct Pack {
    bytes: Vec<u8>,
    entries: Vec<(u64, u32)>,
}

impl Packed {
    fn new(contents: &[Vec<u8>]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let repository = git2::Repository::init_bare(directory.path()).expect("a new repository");
        let add =
            |content: &Vec<u8>| (repository.blob(content).expect("writable").as_bytes().to_vec(), content.clone());
        let contents: HashMap<Vec<u8>, Vec<u8>> = contents.iter().map(add).collect();
        let mut ids: Vec<Vec<u8>> = contents.keys().cloned().collect();
        ids.sort();
        Self { directory, ids, contents, packs: Vec::new() }
    }

    /// Packs the objects with these numbers.
    fn pack(&mut self, numbers: impl Iterator<Item = usize>, options: &[String]) {
        // The paths bring versions of one file together.
        let wanted: Vec<String> = numbers.map(|number| format!("{} file\n", hex(&self.ids[number]))).collect();
        let stem = self.directory.path().join("made");
        let stem = stem.to_str().expect("a path of ASCII");
        let options: Vec<&str> = options.iter().map(String::as_str).chain(["--quiet", stem]).collect();
        let name = git(self.directory.path(), &[&["pack-objects"], &options[..]].concat(), wanted.concat().as_bytes());
        let stem = format!("{stem}-{}", String::from_utf8_lossy(&name).trim());
        let mut bytes = fs_err::read(format!("{stem}.pack")).expect("the pack");
        bytes.truncate(bytes.len() - 20);
        let index = fs_err::read(format!("{stem}.idx")).expect("its index");
        let listed = git(self.directory.path(), &["show-index"], &index);
        let entry = |line: &str| {
            let mut words = line.split(' ');
            let offset = words.next().and_then(|word| word.parse().ok()).expect("an offset");
            let id = words.next().expect("an id");
            let number = self.ids.iter().position(|other| hex(other) == id).expect("one of ours");
            (offset, u32::try_from(number).expect("few"))
        };
        let entries = String::from_utf8_lossy(&listed).lines().map(entry).collect();
        self.packs.push(Pack { bytes, entries });
    }
}

impl Objects for Packed {
    fn number(&self, id: &[u8]) -> Option<u32> {
        self.ids.iter().position(|other| other == id).map(|number| u32::try_from(number).expect("few"))
    }

    fn header(&self, number: u32) -> Result<(ObjectKind, u64), Fault> {
        self.read(number).map(|(kind, bytes)| (kind, bytes.len() as u64))
    }

    fn read(&self, number: u32) -> Result<(ObjectKind, Vec<u8>), Fault> {
        Ok((ObjectKind::Blob, self.contents[&self.ids[number as usize]].clone()))
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

fn hex(id: &[u8]) -> String {
    git2::Oid::from_bytes(id).expect("twenty bytes").to_string()
}

/// Versions of a file: each is one of those before it, with a few lines changed.
fn versions() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u32..20, 0_usize..4);
    vec((any::<prop::sample::Index>(), vec(edit, 1..4)), 1..40).prop_map(|steps| {
        let line = |number: u32| format!("line {number}: {:x}\n", number.wrapping_mul(0x9e37_79b9));
        let mut files: Vec<Vec<String>> = vec![(0..60).map(line).collect()];
        for (origin, edits) in steps {
            let mut file = origin.get(&files).clone();
            for (from, source, number, length) in edits {
                let start = from.index(file.len() + 1);
                let end = (start + length).min(file.len());
                let moved = source.index(file.len());
                let moved = file[moved..(moved + length).min(file.len())].to_vec();
                file.splice(start..end, moved.into_iter().chain([line(number + 100)]));
            }
            files.push(file);
        }
        files.into_iter().map(|file| file.concat().into_bytes()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_object_comes_out_as_it_went_in(
        files in versions(),
        window in 0..20,
        depth in 1..50,
        uses_offsets: bool,
        parts in vec(0..3, 41),
    ) {
        let mut packed = Packed::new(&files);
        let mut options = vec![format!("--window={window}"), format!("--depth={depth}")];
        options.extend(uses_offsets.then(|| "--delta-base-offset".to_owned()));
        // In the first pack, in the second, or in both; all have a third copy that is not packed.
        for other in [0, 1] {
            let numbers = (0..packed.ids.len()).filter(|&number| parts[number] != other);
            packed.pack(numbers, &options);
        }
        let packs = packed.packs.iter().map(|pack| PackEntries::new(&pack.bytes, 20, pack.entries.clone())).collect();
        let count = u32::try_from(packed.ids.len()).expect("few");
        let stock = Stock::new(count, packs, (0..count).collect(), &packed);
        let swept = sweep(&stock, &Recorder::default());
        assert_eq!(swept.troubles, []);
        let mut visits: Vec<Visit> = swept.workers.into_iter().flatten().collect();
        visits.sort_by_key(|visit| visit.number);
        let numbers: Vec<u32> = visits.iter().map(|visit| visit.number).collect();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        for visit in visits {
            assert_eq!(visit.bytes, packed.contents[&packed.ids[visit.number as usize]]);
        }
    }
}
