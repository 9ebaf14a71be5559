//! However git keeps its objects, the same is found in them.

use fs_err as fs;
use serde_json::Value;

use crate::env::{Env, Run};
use crate::leak::text;
use crate::repository::Repository;
use crate::samples::{environment_file, random};

fn history(env: &Env, repository: &Repository<'_>) -> Run {
    env.run(["scan", "--format", "jsonl", "--history-only", text(&repository.path)])
}

/// A history of some depth, with leaks in blobs that are deltas of each other, in messages, and in what was deleted.
fn fill(repository: &Repository<'_>) {
    let mut lines: Vec<String> =
        (0..200).map(|line| format!("setting_{line} = {}", random(&line.to_string(), 9))).collect();
    for version in 0..12 {
        lines.insert(version * 9, environment_file(&format!("version {}", version / 3)));
        lines.remove(version);
        repository.write("settings.env", lines.join("\n"));
        repository.write(&format!("part/{version}.txt"), lines[version..].join("\n"));
        repository.commit(&format!(
            "Change {version}\n\n{}",
            if version == 5 { environment_file("message") } else { String::new() }
        ));
    }
    repository.delete("settings.env");
    repository.commit("Clean");
}

/// The files of packs with that extension.
fn packs(repository: &Repository<'_>, extension: &str) -> Vec<std::path::PathBuf> {
    let git_dir = repository.git(["rev-parse", "--absolute-git-dir"]);
    let entries = fs::read_dir(std::path::Path::new(&git_dir).join("objects/pack")).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|other| other == extension)).collect();
    paths.sort();
    paths
}

fn writable(path: &std::path::Path) {
    let mut permissions = fs::metadata(path).expect("a file").permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a file of this test alone")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).expect("a file of ours");
}

#[test]
fn objects_are_found_in_any_kind_of_storage() {
    for format in ["sha1", "sha256"] {
        let env = Env::new();
        let path = env.input().join("shop");
        env.tool("git", ["init", "--quiet", "--object-format", format, text(&path)]);
        let repository = env.existing_repository("shop");
        fill(&repository);
        let loose = history(&env, &repository).exits(1);
        assert_eq!(loose.findings().len(), 5);
        let check = |how: &str| {
            let run = history(&env, &repository).exits(1);
            assert_eq!(run.findings(), loose.findings(), "{format} {how}");
            assert_eq!(run.summary()["complete"], true, "{format} {how}: {}", run.stderr);
        };
        repository.git(["repack", "-q", "-a", "-d", "-f", "--depth=50", "--window=50"]);
        check("one pack");
        repository.git(["-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f"]);
        check("bases by id");
        repository.git(["-c", "pack.indexVersion=1", "repack", "-q", "-a", "-d", "-f"]);
        check("index of version 1");
        repository.git(["-c", "core.looseCompression=0", "-c", "core.compression=0", "repack", "-q", "-a", "-d", "-F"]);
        check("uncompressed");
        repository.git(["repack", "-q", "-a", "-d", "-f", "--max-pack-size=1m"]);
        check("packs of limited size");

        // Everything twice: in a pack, and as loose objects beside a second pack.
        let pack = packs(&repository, "pack")[0].clone();
        let copy = env.input().join("copy.pack");
        fs::copy(&pack, &copy).expect("a copy");
        env.tool("sh", ["-c", &format!("git -C {} unpack-objects -q < {}", text(&path), text(&copy))]);
        fs::remove_file(pack.with_extension("idx")).expect("there");
        fs::remove_file(&pack).expect("there");
        env.tool("sh", ["-c", &format!("git -C {} unpack-objects -q < {}", text(&path), text(&copy))]);
        check("loose again");
        env.tool("sh", ["-c", &format!("git -C {} index-pack --stdin --keep < {}", text(&path), text(&copy))]);
        check("loose and packed");
        repository.git(["repack", "-q", "-a", "-d"]);
        check("several packs");
        fs::remove_file(packs(&repository, "keep")[0].clone()).expect("there");
        repository.git(["multi-pack-index", "write"]);
        check("an index for several packs beside their own");
        for index in packs(&repository, "idx") {
            fs::remove_file(index).expect("there");
        }
        check("an index for several packs alone");
    }
}

#[test]
fn unreachable_objects_are_found_in_a_cruft_pack() {
    let env = Env::new();
    let repository = env.repository("shop");
    fill(&repository);
    repository.write("lost.env", environment_file("lost"));
    repository.commit("Lose me");
    repository.git(["reset", "-q", "--hard", "HEAD~1"]);
    repository.git(["reflog", "expire", "--expire=now", "--all"]);
    repository.git(["repack", "-q", "--cruft", "-d"]);
    assert_eq!(packs(&repository, "mtimes").len(), 1);
    let run = history(&env, &repository).exits(1);
    let lost: Vec<Value> =
        run.findings().into_iter().filter(|finding| finding["locations"][0]["path"] == "lost.env").collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0]["locations"][0]["reachable"], false);
}

#[test]
fn borrowed_objects_are_found() {
    let env = Env::new();
    let lender = env.repository("lender");
    fill(&lender);
    lender.git(["repack", "-q", "-a", "-d"]);
    let input = env.input();
    env.tool("git", ["clone", "-q", "--shared", text(&lender.path), text(&input.join("borrower"))]);
    let borrower = env.existing_repository("borrower");
    let (own, other) = (history(&env, &borrower).exits(1), history(&env, &lender).exits(1));
    assert_eq!(own.findings().len(), other.findings().len());
    // A circle, a comment, and a directory that is gone.
    let alternates = |text: &str| {
        fs::write(borrower.path.join(".git/objects/info/alternates"), text).expect("writable");
    };
    let lent = lender.path.join(".git/objects");
    alternates(&format!("# mine\n{0}\n../objects\n{0}/../objects\n", text(&lent)));
    fs::write(lent.join("info/alternates"), format!("{}\n", text(&borrower.path.join(".git/objects"))))
        .expect("writable");
    assert_eq!(history(&env, &borrower).exits(1).findings(), own.findings());
    alternates(&format!("{}\n/nowhere/at/all\n", text(&lent)));
    let run = history(&env, &borrower).exits(1);
    assert_eq!(run.findings(), own.findings());
    assert_eq!(run.summary()["complete"], false);
    assert!(run.stderr.contains("/nowhere/at/all"), "{}", run.stderr);
}

#[test]
fn ranges_and_the_index_of_a_sha256_repository() {
    let env = Env::new();
    env.tool("git", ["init", "--quiet", "--object-format=sha256", text(&env.input().join("shop"))]);
    let repository = env.existing_repository("shop");
    repository.write("old.env", environment_file("old"));
    let old = repository.commit("Old");
    assert_eq!(old.len(), 64);
    repository.write("new.env", environment_file("new"));
    repository.commit("New");
    repository.git(["tag", "-a", "-m", "A tag", "v1"]);
    let path = text(&repository.path);
    for range in
        [&format!("{old}..HEAD"), &format!("{}..main", &old[..9]), "HEAD~1..v1", "v1^..v1^{commit}", "HEAD^1..@"]
    {
        let run = env.run(["scan", "--format", "jsonl", "--range", range, path]).exits(1);
        let findings = run.findings();
        assert_eq!(findings.len(), 1, "{range}");
        assert_eq!(findings[0]["locations"][0]["path"], "new.env", "{range}");
    }
    for wrong in ["HEAD~5..HEAD", "HEAD^2..HEAD", "nothing..HEAD", "ffffff..HEAD", "HEAD^{tree}..HEAD", "HEAD~0x..HEAD"]
    {
        env.run(["scan", "--range", wrong, path]).exits(2);
    }
    repository.write("staged.env", environment_file("staged"));
    repository.git(["add", "staged.env"]);
    let output = env.rescind().current_dir(&repository.path).args(["scan", "--format", "jsonl", "--staged"]).output();
    let run = Run::of(output.expect("it starts")).exits(1);
    assert_eq!(run.findings().len(), 1);
    assert_eq!(run.findings()[0]["locations"][0]["path"], "staged.env");
}

/// Packs everything into one pack, and gives its file and that of its index, which can be written to, with their bytes.
fn one_pack(repository: &Repository<'_>) -> [(std::path::PathBuf, Vec<u8>); 2] {
    repository.git(["repack", "-q", "-a", "-d", "-f"]);
    let pack = packs(repository, "pack")[0].clone();
    [pack.clone(), pack.with_extension("idx")].map(|path| {
        writable(&path);
        let bytes = fs::read(&path).expect("readable");
        (path, bytes)
    })
}

#[test]
fn damaged_packs_are_told_and_the_rest_is_found() {
    let env = Env::new();
    let repository = env.repository("shop");
    fill(&repository);
    let [(pack, whole_pack), (index, whole_index)] = one_pack(&repository);

    // Single bytes, all over the file: never a crash, never silence about what got lost.
    let sound = history(&env, &repository).exits(1).findings().len();
    for place in (12..whole_pack.len() - 20).step_by(whole_pack.len() / 40) {
        let mut damaged = whole_pack.clone();
        damaged[place] ^= 0x55;
        fs::write(&pack, &damaged).expect("writable");
        let run = history(&env, &repository);
        assert!(matches!(run.code, Some(1 | 3)), "{place}: {:?}", run.code);
        assert!(run.summary()["complete"] == false || run.findings().len() == sound, "{place}");
    }
    fs::write(&pack, &whole_pack[..whole_pack.len() / 2]).expect("writable");
    let run = history(&env, &repository).exits(3);
    assert!(run.stderr.contains("not the pack that its index was made for"), "{}", run.stderr);
    fs::write(&pack, &whole_pack).expect("writable");

    for length in [0, 7, 1000, whole_index.len() - 1] {
        fs::write(&index, &whole_index[..length]).expect("writable");
        let run = history(&env, &repository).exits(3);
        assert!(run.stderr.contains("its index is damaged"), "{length}: {}", run.stderr);
    }
    fs::remove_file(&index).expect("there");
    let run = history(&env, &repository).exits(3);
    assert!(run.stderr.contains("has no index"), "{}", run.stderr);
}

#[test]
fn what_an_index_keeps_quiet_about_is_told() {
    let env = Env::new();
    let repository = env.repository("shop");
    fill(&repository);
    let [(pack, whole_pack), (index, whole_index)] = one_pack(&repository);
    let sound = history(&env, &repository).exits(1).findings().len();

    let mut longer = whole_pack.clone();
    longer[11] += 1;
    fs::write(&pack, longer).expect("writable");
    let run = history(&env, &repository).exits(3);
    assert!(run.stderr.contains("does not hold the objects that its index tells"), "{}", run.stderr);
    fs::write(&pack, &whole_pack).expect("writable");

    // The first entry of the table of offsets is to be looked up in a table that is not there.
    let count = u32::from_be_bytes(*whole_pack[8..].first_chunk().expect("a header")) as usize;
    let mut nowhere = whole_index.clone();
    nowhere[8 + 4 * 256 + count * (20 + 4)] |= 0x80;
    fs::write(&index, nowhere).expect("writable");
    let run = history(&env, &repository);
    assert!(run.stderr.contains("does not tell where 1 of its objects"), "{}", run.stderr);
    assert_eq!(run.summary()["complete"], false);
    assert!(run.findings().len() <= sound);
}

#[test]
fn storage_that_cannot_be_listed_is_told() {
    let check = |place: &str, damage: &dyn Fn(&std::path::Path), expected: &str| {
        let env = Env::new();
        let repository = env.repository("shop");
        repository.write("settings.env", environment_file("leak"));
        repository.commit("Leak");
        let sound = history(&env, &repository).exits(1);
        assert_eq!(sound.summary()["complete"], true);
        damage(&repository.path.join(".git/objects").join(place));
        let run = history(&env, &repository).exits(1);
        assert_eq!(run.findings(), sound.findings(), "{place}");
        assert_eq!(run.summary()["complete"], false, "{place}");
        assert!(run.stderr.contains(expected), "{place}: {}", run.stderr);
    };
    let replace_by_file = |path: &std::path::Path| {
        let _ = fs::remove_dir(path);
        fs::write(path, "no directory").expect("writable");
    };
    check("pack", &replace_by_file, "objects may be left out");
    check("info/alternates", &|path| fs::create_dir_all(path).expect("writable"), "objects may be left out");
    // A file of three gigabytes that takes no space.
    let sparse = |path: &std::path::Path| {
        fs::create_dir_all(path.parent().expect("a directory")).expect("writable");
        fs::File::create(path).and_then(|file| file.set_len(3 << 30)).expect("a file system with holes");
    };
    check(&format!("00/{}", "7".repeat(38)), &sparse, "too large");
}
