//! Bad input: each is a clear error or a diagnostic with the exit code of the contract; never a panic, never a silent gap.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use fs_err as fs;

use crate::env::{Env, Run};
use crate::leak::text;
use crate::samples::environment_file;

fn scan(env: &Env, arguments: &[&str]) -> Run {
    env.run(["scan", "--format", "jsonl"].iter().chain(arguments))
}

/// Checks that the scan went on past the trouble, told of it, and did not call itself complete.
fn assert_gap(run: &Run, place: &str) {
    let diagnostics = run.diagnostics();
    let told = diagnostics.iter().any(|diagnostic| {
        diagnostic["gap"] == true
            && diagnostic["place"].as_str().is_some_and(|at| at.contains(place))
            && diagnostic["reason"].as_str().is_some_and(|reason| !reason.is_empty())
    });
    assert!(told, "no diagnostic of a gap at `{place}`:\n{}\n{}", run.stdout, run.stderr);
    assert_eq!(run.summary()["complete"], false);
}

/// Checks that the run ended before anything was read, with an error that names what is wrong.
fn assert_usage_error(run: Run, words: &[&str]) {
    let run = run.exits(2);
    assert_eq!(run.stdout, "", "an error is no data");
    for word in words {
        assert!(run.stderr.contains(word), "no `{word}` in: {}", run.stderr);
    }
}

#[test]
fn targets_that_are_not_there() {
    let env = Env::new();
    let missing = env.input().join("nowhere");
    for prefix in ["", "tree:", "git:", "image:"] {
        assert_usage_error(scan(&env, &[&format!("{prefix}{}", missing.display())]), &["nowhere"]);
    }
    // One bad target among good ones: nothing is scanned, so that no half of a job looks like the whole.
    let good = env.write("good/.env", environment_file("good"));
    assert_usage_error(scan(&env, &[text(&good), text(&missing)]), &["nowhere"]);
}

#[test]
fn directories_that_are_no_repository_or_image() {
    let env = Env::new();
    env.write("plain/file.txt", "nothing\n");
    let plain = env.input().join("plain");
    assert_usage_error(scan(&env, &[&format!("git:{}", plain.display())]), &["plain"]);
    assert_usage_error(scan(&env, &[&format!("image:{}", plain.display())]), &["plain"]);
    scan(&env, &[text(&plain)]).exits(0);
}

#[test]
fn revisions_that_are_not_there() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.commit("Start");
    let path = text(&repository.path);
    assert_usage_error(scan(&env, &["--since", "no-such-branch", path]), &["no-such-branch"]);
    assert_usage_error(scan(&env, &["--range", "HEAD..no-such-tag", path]), &["no-such-tag"]);
}

#[test]
fn an_unborn_head() {
    let env = Env::new();
    let repository = env.repository("new");
    let path = text(&repository.path);
    assert_eq!(scan(&env, &[path]).exits(0).summary()["complete"], true);
    repository.write(".env", environment_file("unborn"));
    assert_eq!(scan(&env, &[path]).exits(1).findings().len(), 1);
    repository.git(["add", ".env"]);
    let staged = env.rescind().args(["scan", "--staged", "--format", "jsonl"]).current_dir(path).output();
    assert_eq!(staged.expect("the program starts").status.code(), Some(1));
    assert_usage_error(scan(&env, &["--since", "HEAD", path]), &["HEAD"]);
}

#[test]
fn a_bare_repository_and_a_work_tree_of_another() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write(".env", environment_file("deleted"));
    let leaked = repository.commit("Start");
    repository.delete(".env");
    repository.commit("Clean");
    env.tool("git", ["clone", "--quiet", "--bare", text(&repository.path), text(&env.input().join("bare.git"))]);
    repository.git(["worktree", "add", "--quiet", "../beside", "-b", "beside"]);
    for name in ["shop", "bare.git", "beside"] {
        let run = scan(&env, &[text(&env.input().join(name))]).exits(1);
        let finding = run.finding("client_secret");
        assert_eq!(finding["locations"][0]["commit"], leaked, "{name}");
        assert_eq!(run.summary()["complete"], true, "{name}: {}", run.stdout);
    }
}

#[test]
fn a_shallow_clone_tells_where_its_history_ends() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write(".env", environment_file("deep"));
    repository.commit("Start");
    repository.delete(".env");
    repository.commit("Clean");
    let origin = format!("file://{}", repository.path.display());
    let clone = env.input().join("shallow");
    env.tool("git", ["clone", "--quiet", "--depth", "1", &origin, text(&clone)]);
    // A secret lies in what is not there: clean is not proven.
    let run = scan(&env, &[text(&clone)]).exits(3);
    assert_gap(&run, "shallow");
    assert_eq!(run.diagnostics()[0]["code"], "shallow-clone");
    assert!(run.stderr.contains("--unshallow"), "{}", run.stderr);
    scan(&env, &["--no-history", text(&clone)]).exits(0);
}

#[test]
fn a_partial_clone_with_missing_blobs() {
    let env = Env::new();
    let repository = env.repository("shop");
    repository.write("old.env", environment_file("old"));
    repository.commit("Start");
    repository.delete("old.env");
    repository.write("new.env", environment_file("new"));
    repository.commit("Clean");
    repository.git(["config", "uploadpack.allowFilter", "true"]);
    let origin = format!("file://{}", repository.path.display());
    let clone = env.input().join("partial");
    env.tool("git", ["clone", "--quiet", "--filter=blob:none", &origin, text(&clone)]);
    // Were the blobs fetched behind the user's back, they would come from here.
    fs::rename(&repository.path, env.input().join("moved")).expect("a directory that can be moved");
    let run = scan(&env, &[text(&clone)]).exits(1);
    assert_gap(&run, "");
    assert_eq!(run.findings().len(), 1, "{}", run.stdout);
}

#[test]
fn a_submodule_is_scanned_and_its_commit_not_missed() {
    let env = Env::new();
    let library = env.repository("library");
    library.write("config/.env", environment_file("library"));
    library.commit("Start");
    let repository = env.repository("shop");
    repository.write("README.md", "# Shop\n");
    repository.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../library", "vendor/library"]);
    repository.commit("Add the library");
    let run = scan(&env, &[text(&repository.path)]).exits(1);
    let finding = run.finding("client_secret");
    let locations = finding["locations"].as_array().expect("a list of locations");
    let inside = |path: &str| path.ends_with("vendor/library/config/.env");
    assert!(locations.iter().any(|place| place["path"].as_str().is_some_and(inside)), "{finding:#}");
    assert_eq!(run.summary()["complete"], true, "{}", run.stdout);
}

#[test]
fn a_corrupt_pack() {
    let env = Env::new();
    let repository = env.repository("shop");
    for number in 0..40 {
        // Content that does not compress, so that damage in the middle of the pack hits a blob.
        let filler: String =
            (0..40).map(|line| crate::samples::random(&format!("{number} {line}"), 80) + "\n").collect();
        repository.write(&format!("file-{number}.txt"), filler);
    }
    repository.commit("Start");
    repository.git(["repack", "--quiet", "-a", "-d"]);
    for entry in fs::read_dir(&repository.path).expect("the work tree") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::remove_file(path).expect("a file of the work tree");
        }
    }
    let packs = repository.path.join(".git/objects/pack");
    let pack = fs::read_dir(packs).expect("the packs").map(|entry| entry.expect("an entry").path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|it| it == "pack")).expect("a pack");
    let whole = fs::read(&pack).expect("the pack");
    fs::set_permissions(&pack, Permissions::from_mode(0o644)).expect("the own file");
    let middle = whole.len() / 2;

    let mut flipped = whole.clone();
    flipped[middle..middle + 64].iter_mut().for_each(|byte| *byte ^= 0xff);
    let truncated = whole[..middle].to_vec();
    let no_header = [b"JUNK", &whole[4..]].concat();
    for (what, content) in [("flipped", flipped), ("truncated", truncated), ("no header", no_header), ("empty", vec![])]
    {
        fs::write(&pack, content).expect("the pack");
        let run = scan(&env, &[text(&repository.path)]);
        assert_eq!(run.code, Some(3), "{what}: {}\n{}", run.stdout, run.stderr);
        assert_gap(&run, "");
    }
}

#[test]
fn a_damaged_image() {
    let env = Env::new();
    let layout = env.oci_layout("image", "/app/.env", environment_file("image").repeat(400));
    let archive = env.docker_archive(&layout, "image.tar");
    let whole = fs::read(&archive).expect("the archive");
    scan(&env, &[text(&archive)]).exits(1);

    let cut = env.write("cut.tar", &whole[..whole.len() / 3]);
    let run = scan(&env, &[&format!("image:{}", cut.display())]);
    match run.code {
        // Cut before its manifest, it can be no image at all: then it is an error that names it.
        Some(2) => assert!(run.stderr.contains("cut.tar"), "{}", run.stderr),
        _ => assert_gap(&run, "cut.tar"),
    }

    let blob = |digest: &str| layout.path.join("blobs/sha256").join(digest.strip_prefix("sha256:").expect("a digest"));
    let adding = blob(&layout.adding);
    let layer = fs::read(&adding).expect("the layer");
    for (what, content) in [
        ("truncated", layer[..layer.len() / 2].to_vec()),
        ("not gzip", b"nothing of the sort".to_vec()),
        ("empty", vec![]),
    ] {
        fs::write(&adding, content).expect("the layer");
        let run = scan(&env, &[text(&layout.path)]);
        assert!(matches!(run.code, Some(1 | 3)), "{what}: {}\n{}", run.stdout, run.stderr);
        assert_gap(&run, "");
    }
    fs::remove_file(&adding).expect("the layer");
    let run = scan(&env, &[text(&layout.path)]).exits(3);
    assert_gap(&run, "");
}

#[test]
fn a_file_and_a_directory_that_may_not_be_read() {
    let env = Env::new();
    let secret = env.write("tree/secret.env", environment_file("unreadable"));
    env.write("tree/closed/inner.env", environment_file("closed"));
    env.write("tree/readable.txt", "nothing\n");
    let tree = env.input().join("tree");
    let closed = tree.join("closed");
    for path in [&secret, &closed] {
        fs::set_permissions(path, Permissions::from_mode(0o000)).expect("the own file");
    }
    // The superuser reads everything but without these two capabilities.
    let mut command = if fs::read_dir(&closed).is_ok() {
        let mut command = env.command("setpriv");
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(env!("CARGO_BIN_EXE_rescind"));
        command
    } else {
        env.rescind()
    };
    let output = command.args(["scan", "--format", "jsonl"]).arg(&tree).output().expect("the program starts");
    fs::set_permissions(&closed, Permissions::from_mode(0o755)).expect("the own directory");
    let run = Run::of(output).exits(3);
    assert_gap(&run, "secret.env");
    assert_gap(&run, "closed");
}

#[test]
fn files_that_are_no_files() {
    let env = Env::new();
    env.write("tree/found.env", environment_file("found"));
    let tree = env.input().join("tree");
    env.tool("mkfifo", [text(&tree.join("pipe"))]);
    env.tool("ln", ["-s", "..", text(&tree.join("loop"))]);
    env.tool("ln", ["-s", "/nowhere", text(&tree.join("dangling"))]);
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).expect("a socket");
    let run = scan(&env, &[text(&tree)]).exits(1);
    assert_eq!(run.findings().len(), 1, "{}", run.stdout);
    assert_eq!(run.finding("client_secret")["locations"].as_array().map(Vec::len), Some(1));
    // Reading it fails for everybody.
    let run = scan(&env, &["/proc/self/mem"]).exits(3);
    assert_gap(&run, "/proc/self/mem");
    assert!(run.stdout.contains("Input/output error"), "{}", run.stdout);
    // These would never end.
    for path in ["/dev/zero", text(&tree.join("pipe"))] {
        assert_usage_error(scan(&env, &[path]), &[path]);
    }
}

#[test]
fn invalid_utf8_in_content_and_names() {
    let env = Env::new();
    let mut content = b"# gr\xfcn \xff\xfe\n".to_vec();
    content.extend_from_slice(environment_file("bytes").as_bytes());
    let directory = env.input().join("tree");
    fs::create_dir(&directory).expect("a directory");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 \x1b[31m.env");
    std::fs::write(directory.join(name), &content).expect("a file");
    let run = scan(&env, &[text(&directory)]).exits(1);
    let place = &run.finding("client_secret")["locations"][0];
    assert_eq!((&place["line"], &place["column"]), (&3.into(), &20.into()), "{place:#}");
    let start = usize::try_from(place["byte_start"].as_u64().expect("an offset")).expect("a small number");
    assert!(content[start..].starts_with(crate::samples::random("bytes", 40).as_bytes()));
    assert!(place["path"].as_str().is_some_and(|path| path.contains("caf\\xe9")), "{place:#}");
    for format in ["text", "sarif"] {
        let run = env.run(["scan", "--format", format, text(&directory)]).exits(1);
        assert!(
            !run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'),
            "a name steers the terminal: {run:?}"
        );
    }
}

#[test]
fn rule_files_that_are_wrong() {
    let env = Env::new();
    let target = env.write("file.txt", "nothing\n");
    for (name, content, words) in [
        ("syntax.toml", "[[rule]]\nid = \n", &["syntax.toml", "2"][..]),
        ("key.toml", "[[rule]]\nidd = \"x\"\n", &["key.toml", "idd", "id"]),
        ("bytes.toml", "\u{0}\u{1}", &["bytes.toml"]),
    ] {
        let file = env.write_work(name, content);
        assert_usage_error(scan(&env, &["--rules", text(&file), text(&target)]), words);
        assert_usage_error(env.run(["rules", "check", "--rules", text(&file)]), words);
    }
    assert_usage_error(scan(&env, &["--rules", "no-such-rules.toml", text(&target)]), &["no-such-rules.toml"]);
    assert_usage_error(scan(&env, &["--only", "no-such-rule", text(&target)]), &["no-such-rule"]);
    assert_usage_error(env.run(["rules", "show", "no-such-rule"]), &["no-such-rule"]);
}

#[test]
fn configurations_that_are_wrong() {
    let env = Env::new();
    let target = env.write("file.txt", "nothing\n");
    let issuer = "[[issuer]]\nissuer = \"https://id.test.invalid\"\n";
    for (name, content, words) in [
        ("section.toml", "[polcy]\n".to_owned(), &["section.toml", "polcy", "policy"][..]),
        ("issuer.toml", format!("{issuer}verfy = true\n"), &["issuer.toml", "verfy", "verify", "3"]),
        ("rule.toml", "[policy]\n[[policy.rule]]\nacton = \"auto\"\n".to_owned(), &["rule.toml", "acton", "action"]),
        ("word.toml", "[policy]\n[[policy.rule]]\naction = \"atuo\"\n".to_owned(), &["word.toml", "atuo", "auto"]),
        ("syntax.toml", "[[issuer]\n".to_owned(), &["syntax.toml", "1"]),
        ("type.toml", format!("{issuer}verify = \"yes\"\n"), &["type.toml", "line 3", "boolean"]),
        ("url.toml", "[[issuer]]\nissuer = \"not a url\"\n".to_owned(), &["url.toml"]),
    ] {
        let file = env.write_work(name, content);
        assert_usage_error(scan(&env, &["--verify", "--config", text(&file), text(&target)]), words);
    }
    assert_usage_error(scan(&env, &["--config", "no-such.toml", text(&target)]), &["no-such.toml"]);
}

#[test]
fn flags_that_are_wrong() {
    let env = Env::new();
    let target = env.write("file.txt", "nothing\n");
    for (arguments, words) in [
        (&["--formt", "json"][..], &["--formt", "--format"][..]),
        (&["--format", "jsn"], &["jsn", "json"]),
        (&["--fail-on", "dead"], &["dead"]),
        (&["--min-confidence", "hihg"], &["hihg", "high"]),
        (&["--since", "HEAD", "--range", "A..B"], &["--since", "--range"]),
        (&["--offline", "--verify"], &["--offline", "--verify"]),
    ] {
        assert_usage_error(env.run([&["scan"], arguments, &[text(&target)]].concat()), words);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = Env::new();
    for number in 0..300 {
        env.write(&format!("tree/{number}.env"), environment_file(&number.to_string()));
    }
    for format in ["text", "jsonl", "json", "sarif"] {
        let mut child = env
            .rescind()
            .args(["scan", "--format", format, text(&env.input())])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut first = [0; 10];
        let mut output = child.stdout.take().expect("a pipe");
        output.read_exact(&mut first).expect("some output");
        drop(output);
        let output = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{format}: {} {stderr}", output.status);
        assert!(!stderr.contains("panicked") && !stderr.contains("roken pipe"), "{format}: {stderr}");
    }
}

/// Standard output was once written first, and a reader that had gone away cost the reports in files.
#[test]
fn a_reader_that_goes_away_costs_no_report_in_a_file() {
    let env = Env::new();
    let file = env.write("found.env", environment_file("found"));
    let report = env.work().join("report.json");
    let mut child = env
        .rescind()
        .args(["scan", "--format", "jsonl", "--report", &format!("json={}", report.display()), text(&file), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The scan waits for the end of its input, so the reader is gone before anything is written.
    drop(child.stdout.take());
    drop(child.stdin.take());
    child.wait().expect("the program ends");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(&report).expect("the report")).expect("a whole report");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "{report:#}");
}

#[test]
fn places_that_cannot_be_written_to_are_told_before_the_scan() {
    let env = Env::new();
    let file = env.write("found.env", environment_file("found"));
    let nowhere = env.work().join("nowhere/out");
    let report = format!("sarif={}", nowhere.display());
    for arguments in
        [&["--output", text(&nowhere)][..], &["--report", &report], &["--revoke", "plan", "--plan", text(&nowhere)]]
    {
        let run = env.run(["scan", "--format", "jsonl"].iter().chain(arguments).chain(&[text(&file)]));
        assert_usage_error(run, &["nowhere"]);
    }
}

#[test]
fn an_interrupted_scan_reports_what_it_has_and_says_so() {
    let env = Env::new();
    let found = env.write("found.env", environment_file("found"));
    // Standard input never ends by itself, so the scan is under way for as long as it takes.
    let mut child = env
        .rescind()
        .args(["scan", "--format", "jsonl", text(&found), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"something\n").expect("the program reads");
    let process = child.id().to_string();
    wait_for_handler_of_interrupts(&process);
    env.tool("kill", ["-INT", &process]);
    let (ended, watch) = std::sync::mpsc::channel::<()>();
    let victim = process.clone();
    std::thread::spawn(move || {
        if watch.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            let _ = std::process::Command::new("kill").args(["-KILL", &victim]).status();
        }
    });
    let lines: Vec<String> =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok).collect();
    let output = child.wait_with_output().expect("the program ends");
    drop((input, ended));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{lines:?} {stderr}");
    let summary: serde_json::Value = serde_json::from_str(lines.last().expect("a report")).expect("JSON");
    assert_eq!((&summary["type"], &summary["complete"]), (&"summary".into(), &false.into()), "{summary:#}");
    assert_eq!(summary["interrupted"], true, "{summary:#}");
}

/// Waits until the process catches the signal, as the kernel tells it: before, the signal would just end it.
fn wait_for_handler_of_interrupts(process: &str) {
    let status = Path::new("/proc").join(process).join("status");
    loop {
        let status = fs::read_to_string(&status).expect("the process is there");
        assert!(!status.contains("State:\tZ"), "the program ended before it could be interrupted");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask of caught signals");
        let mask = u64::from_str_radix(caught.trim(), 16).expect("a mask in hexadecimal");
        if mask & (1 << 1) != 0 {
            return;
        }
        std::thread::yield_now();
    }
}
