//! Archives are opened wherever they lie, and what is in them can be read again.

use std::io::{Cursor, Write as _};

use crate::env::Env;
use crate::leak::text;
use crate::samples::{environment_file, random};

/// Writes a zip, or a tar in gzip, that holds one file.
const PACK: &str = r#"
import io, sys, tarfile, zipfile
path, name, content = sys.argv[1:]
if path.endswith("z"):
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
else:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
"#;

fn pack(env: &Env, path: &str, name: &str, content: &str) {
    env.tool("python3", ["-c", PACK, path, name, content]);
}

#[test]
fn members_are_found_in_trees_and_histories() {
    let env = Env::new();
    let repository = env.repository("shop");
    let (jar, dump) = (repository.path.join("lib.jar"), repository.path.join("dump.tgz"));
    pack(&env, text(&jar), "app/.env", &environment_file("jar"));
    pack(&env, text(&dump), "srv/.env", &environment_file("dump"));
    env.plant([random("jar", 40).as_str(), random("dump", 40).as_str()]);
    repository.commit("Add what was built");
    repository.delete("dump.tgz");
    let run = env.run(["scan", text(&repository.path), "--format", "jsonl"]).exits(1);
    let mut places: Vec<(String, String)> = Vec::new();
    for finding in run.findings() {
        for location in finding["locations"].as_array().expect("places") {
            let of = |field: &str| location[field].as_str().unwrap_or_default().to_owned();
            places
                .push((of("source"), of("path").rsplit_once("shop/").map_or(of("path"), |(_, path)| path.to_owned())));
        }
    }
    places.sort();
    let expected = [("file", "lib.jar!/app/.env"), ("git", "dump.tgz!/srv/.env"), ("git", "lib.jar!/app/.env")];
    assert_eq!(places, expected.map(|(source, path)| (source.to_owned(), path.to_owned())), "{}", run.stdout);
}

#[test]
fn an_archive_that_is_cut_off_is_told_of() {
    let env = Env::new();
    let path = env.work().join("cut.tgz");
    pack(&env, text(&path), "a.env", &environment_file("cut").repeat(50));
    let bytes = fs_err::read(&path).expect("the archive");
    fs_err::write(&path, &bytes[..bytes.len() - 30]).expect("the archive");
    let run = env.run(["scan", text(&path), "--format", "jsonl"]);
    let codes: Vec<String> =
        run.diagnostics().iter().filter_map(|told| told["code"].as_str().map(str::to_owned)).collect();
    assert!(
        codes.contains(&"archive-not-read".to_owned()) || codes.contains(&"truncated-layer".to_owned()),
        "{codes:?}"
    );
}

/// So much is held in memory of a file in an image, in bytes; what is piped in is held far less.
const LARGE: usize = 33 << 20;

/// A zip that holds something large and then a small text, neither of them compressed.
fn large_zip(content: &[u8], size: usize) -> Vec<u8> {
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("filling", &vec![0; size][..]), ("app/.env", content)] {
        writer.start_file(name, options).expect("a member");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("an archive").into_inner()
}

/// The same as a tar.
fn large_tar(content: &[u8], size: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("filling", &vec![0; size][..]), ("app/.env", content)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).expect("a member");
    }
    builder.into_inner().expect("an archive")
}

/// The same in gzip, which leaves it as large as it is.
fn large_tgz(content: &[u8], size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(&large_tar(content, size)).expect("memory");
    encoder.finish().expect("an archive")
}

#[test]
fn large_archives_are_opened_wherever_they_come_from() {
    let env = Env::new();
    let content = environment_file("large");
    env.plant([random("large", 40).as_str()]);
    for (name, archive) in [
        ("x.zip", large_zip(content.as_bytes(), LARGE)),
        ("x.tar", large_tar(content.as_bytes(), LARGE)),
        ("x.tgz", large_tgz(content.as_bytes(), LARGE)),
    ] {
        let path = env.write(name, &archive);
        let image = env.oci_layout(&format!("image-{name}"), &format!("/srv/{name}"), &archive);
        for run in [
            env.run(["scan", text(&path), "--format", "jsonl"]),
            env.run_with_input(["scan", "-", "--format", "jsonl"], archive.clone()),
            env.run(["scan", text(&image.path), "--format", "jsonl"]),
        ] {
            let run = run.exits(1);
            assert_eq!((run.summary()["complete"].as_bool(), run.findings().len()), (Some(true), 1), "{}", run.stdout);
            let at = &run.findings()[0]["locations"][0];
            assert!(at["path"].as_str().is_some_and(|path| path.ends_with("app/.env")), "{name}: {at}");
            assert_eq!(at["line"], 2);
        }
    }
}

#[test]
fn what_of_a_piped_archive_cannot_be_read_is_told() {
    let env = Env::new();
    let content = environment_file("large");
    env.plant([random("large", 40).as_str()]);
    let size = 3 << 20;
    let (zip, tgz) = (large_zip(content.as_bytes(), size), large_tgz(content.as_bytes(), size));
    let fake = [&[0x1f, 0x8b, 9][..], &vec![0; size], b"\n", content.as_bytes()].concat();
    for (name, input, found) in [
        // What cannot be opened is bytes like any other; what is compressed shows nothing then.
        ("cut zip", &zip[..zip.len() - 20], 1),
        ("cut tgz", &tgz[..tgz.len() - 600], 1),
        ("no gzip", &fake[..], 1),
    ] {
        let run = env.run_with_input(["scan", "-", "--format", "jsonl"], input);
        let codes: Vec<_> = run.diagnostics().iter().map(|told| told["code"].clone()).collect();
        assert!(!codes.is_empty() && codes.iter().all(|code| code == "archive-not-read"), "{name}: {codes:?}");
        assert_eq!((run.findings().len(), run.summary()["complete"].as_bool()), (found, Some(false)), "{name}");
    }
    for (format, expected) in [("short", "standard input!/app/.env:2:20: "), ("sarif", "\"stdin%21/app/.env\"")] {
        let run = env.run_with_input(["scan", "-", "--format", format], tgz.clone()).exits(1);
        assert!(run.stdout.contains(expected), "{}", run.stdout);
    }
}
