//! Archives are opened wherever they lie, and what is in them can be read again.

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
