//! Whole scans of images that are built byte by byte, with a stand-in for detection that finds `LEAK-` and the letters behind.

use std::io::Write as _;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::layer::Limits;
use super::scan::{Inspector, Scan, Subject};
use super::{ImageError, ImageFormat, ImageSource, reread, sniff};
use crate::diagnostic::Diagnostic;
use crate::finding::{ImagePlace, Location, Place, SourcePath};

/// Finds markers and remembers what it was given.
#[derive(Default)]
struct Probe {
    found: Mutex<Vec<(String, Location)>>,
    diagnostics: Mutex<Vec<Diagnostic>>,
    cancelled: AtomicBool,
}

impl Inspector for Probe {
    type Hit = String;

    fn inspect(&self, _subject: &Subject<'_>, bytes: &[u8]) -> Vec<(Range<usize>, String)> {
        memchr::memmem::find_iter(bytes, "LEAK-")
            .map(|start| {
                let length = bytes[start + 5..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                let end = start + 5 + length;
                (start..end, String::from_utf8_lossy(&bytes[start..end]).into_owned())
            })
            .collect()
    }

    fn report(&self, hit: String, locations: Vec<Location>) {
        self.found.lock().unwrap().extend(locations.into_iter().map(|location| (hit.clone(), location)));
    }

    fn diagnose(&self, diagnostic: Diagnostic) {
        self.diagnostics.lock().unwrap().push(diagnostic);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// What a scan answered, as lines: `marker image layer path [instruction] [shadowed by]`.
struct Answer {
    lines: Vec<String>,
    diagnostics: Vec<String>,
    places: Vec<(String, ImagePlace, SourcePath)>,
}

impl Answer {
    fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|known| known == line)
    }

    fn told(&self, code: &str) -> bool {
        self.diagnostics.iter().any(|known| known.starts_with(code))
    }
}

fn scan(path: &Path) -> Answer {
    scan_with(path, Limits::new(1 << 20), Probe::default())
}

fn scan_with(path: &Path, limits: Limits, probe: Probe) -> Answer {
    let source = ImageSource::open(path, "img").unwrap();
    Scan::new(&source.store, &source.contents, "img", &probe, limits).run();
    let mut lines = Vec::new();
    let mut places = Vec::new();
    for (marker, location) in probe.found.into_inner().unwrap() {
        let Place::Image(place) = location.place else { panic!("not in an image") };
        let words = [
            Some(marker.clone()),
            Some(place.image.to_string()),
            place.layer.as_deref().map(|layer| short(layer).to_owned()),
            Some(location.path.display().into_owned()),
            place.instruction.as_deref().map(|text| format!("[{text}]")),
            place.shadowed_by.as_deref().map(|layer| format!("hidden by {}", short(layer))),
        ];
        let line = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        lines.push(line);
        places.push((marker, place, location.path));
    }
    lines.sort();
    let mut diagnostics: Vec<String> = probe
        .diagnostics
        .into_inner()
        .unwrap()
        .into_iter()
        .map(|diagnostic| {
            let sort = if diagnostic.gap { "gap" } else { "note" };
            format!("{} {sort} {}: {}", diagnostic.code, diagnostic.place, diagnostic.reason)
        })
        .collect();
    diagnostics.sort();
    Answer { lines, diagnostics, places }
}

/// Enough of a digest to tell layers apart in an assertion.
fn short(digest: &str) -> &str {
    digest.get(..13).unwrap_or(digest)
}

fn digest(bytes: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// A tar of files; a name that ends in `/` is a directory, content that begins with `->` a symbolic link.
fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        if let Some(target) = content.strip_prefix(b"->") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
            continue;
        }
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
        }
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A tar entry with a path that the `tar` crate would not write.
fn raw_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// An OCI layout under construction: files by name.
struct Layout {
    files: Vec<(String, Vec<u8>)>,
    manifests: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        Self {
            files: vec![("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())],
            manifests: Vec::new(),
        }
    }

    fn blob(&mut self, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        self.files.push((format!("blobs/{}", digest.replace(':', "/")), bytes.to_vec()));
        digest
    }

    fn json(&mut self, value: &Value) -> String {
        self.blob(&serde_json::to_vec(value).unwrap())
    }

    /// Adds an image and answers the digests of its manifest and layers. The history calls the layers `step 0`, `step 1` …
    fn image(&mut self, layers: &[Vec<u8>], config: Value) -> (String, Vec<String>) {
        let mut history = vec![json!({"created_by": "ENV", "empty_layer": true})];
        history.extend((0..layers.len()).map(|step| json!({"created_by": format!("step {step}")})));
        let config = self.json(&json!({"config": config, "history": history}));
        let is_statement: Vec<bool> = layers.iter().map(|layer| layer.starts_with(b"{")).collect();
        let layers: Vec<String> = layers.iter().map(|layer| self.blob(layer)).collect();
        let mut descriptors: Vec<Value> = layers.iter().map(|layer| descriptor(layer)).collect();
        for (descriptor, _) in descriptors.iter_mut().zip(is_statement).filter(|(_, is_statement)| *is_statement) {
            descriptor["mediaType"] = json!("application/vnd.in-toto+json");
        }
        let manifest = self.json(&json!({"schemaVersion": 2, "config": {"digest": config}, "layers": descriptors}));
        (manifest, layers)
    }

    fn refer(&mut self, manifest: &str, tag: &str) {
        let annotations = json!({"org.opencontainers.image.ref.name": tag});
        self.manifests.push(json!({"digest": manifest, "annotations": annotations}));
    }

    fn finish(mut self) -> Vec<(String, Vec<u8>)> {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        self.files.push(("index.json".into(), serde_json::to_vec(&index).unwrap()));
        self.files
    }
}

fn descriptor(digest: &str) -> Value {
    json!({"digest": digest, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"})
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    tar_of(&files)
}

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("image");
        fs_err::write(&path, bytes).unwrap();
        path
    }

    fn directory(&self, files: &[(String, Vec<u8>)]) -> PathBuf {
        for (name, bytes) in files {
            let path = self.0.path().join("layout").join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        self.0.path().join("layout")
    }
}

#[test]
fn deleted_and_overwritten_files_are_found_and_annotated() {
    let mut layout = Layout::new();
    let base = tar_of(&[
        ("app/", b""),
        ("app/deleted", b"x LEAK-deleted"),
        ("app/overwritten", b"LEAK-overwritten"),
        ("app/kept", b"LEAK-kept"),
        ("opaque/deep/file", b"LEAK-opaque"),
        ("gone/deep/file", b"LEAK-gone"),
        ("lib/file", b"LEAK-replaced"),
    ]);
    let upper = tar_of(&[
        ("./app/.wh.deleted", b""),
        ("app/overwritten", b"LEAK-new"),
        ("opaque/here", b"LEAK-here"),
        ("opaque/.wh..wh..opq", b""),
        (".wh.gone", b""),
        ("lib", b"->usr/lib"),
    ]);
    let top = tar_of(&[("app/.wh.kept2", b"LEAK-whiteout")]);
    let (manifest, layers) = layout.image(&[gzip(&base), zstd(&upper), top], json!({}));
    layout.refer(&manifest, "latest");
    let files = layout.finish();
    let [lower, middle, highest] = [0, 1, 2].map(|layer| short(&layers[layer]).to_owned());
    let expected = [
        format!("LEAK-deleted img {lower} app/deleted [step 0] hidden by {middle}"),
        format!("LEAK-gone img {lower} gone/deep/file [step 0] hidden by {middle}"),
        format!("LEAK-here img {middle} opaque/here [step 1]"),
        format!("LEAK-kept img {lower} app/kept [step 0]"),
        format!("LEAK-new img {middle} app/overwritten [step 1]"),
        format!("LEAK-opaque img {lower} opaque/deep/file [step 0] hidden by {middle}"),
        format!("LEAK-overwritten img {lower} app/overwritten [step 0] hidden by {middle}"),
        format!("LEAK-replaced img {lower} lib/file [step 0] hidden by {middle}"),
        format!("LEAK-whiteout img {highest} app/.wh.kept2 [step 2]"),
    ];
    let disk = Disk::new();
    let tar = archive(&files);
    for path in [disk.directory(&files), disk.file(&tar)] {
        let answer = scan(&path);
        assert_eq!(answer.lines, expected);
        assert_eq!(answer.diagnostics, Vec::<String>::new());
    }
    for compressed in [gzip(&tar), zstd(&tar)] {
        let answer = scan(&disk.file(&compressed));
        assert_eq!(answer.lines, expected);
        assert_eq!(answer.diagnostics, Vec::<String>::new());
    }
}

#[test]
fn every_place_can_be_read_again() {
    let mut layout = Layout::new();
    let config = json!({"Env": ["A=1", "TOKEN=LEAK-env"], "Labels": {"a/b": "LEAK-label"}});
    let attestation = br#"{"predicate":{"args":{"TOKEN":"LEAK-attested"}}}"#.to_vec();
    let layer = tar_of(&[("etc/a", b"LEAK-file"), ("b", b"no")]);
    let (manifest, _) = layout.image(&[gzip(&layer), attestation], config);
    layout.refer(&manifest, "latest");
    layout.files.push(("extra".into(), b"LEAK-extra".to_vec()));
    let disk = Disk::new();
    let path = disk.file(&gzip(&archive(&layout.finish())));
    let answer = scan(&path);
    assert_eq!(answer.places.len(), 5);
    for (marker, place, inner) in answer.places {
        let mut seen = Vec::new();
        let mut visit = |bytes: &[u8]| {
            seen.push(String::from_utf8_lossy(bytes).into_owned());
            ControlFlow::Continue(())
        };
        let image = path.to_str().unwrap().into();
        let inner = SourcePath::new(inner.display().as_bytes());
        reread(&ImagePlace { image, ..place }, &inner, &mut visit).unwrap();
        assert_eq!(seen.len(), if inner.display().contains(":/") { 2 } else { 1 }, "{marker}: {seen:?}");
        assert!(seen.iter().all(|text| text.contains(&marker)), "{marker}: {seen:?}");
    }
}

#[test]
fn configuration_values_are_located_one_by_one() {
    let mut layout = Layout::new();
    let config = json!({
        "Env": ["PATH=/bin", "TOKEN=LEAK-env\"quoted"],
        "Cmd": ["serve", "--secret", "LEAK-cmd"],
        "Labels": {"org.example/key": "LEAK-label"},
        "Healthcheck": {"Test": ["CMD-SHELL", "curl LEAK-health"]},
    });
    let (manifest, _) = layout.image(&[tar_of(&[("a", b"b")])], config);
    layout.manifests.push(json!({"digest": manifest, "annotations": {"note": "LEAK-annotation"}}));
    let disk = Disk::new();
    let answer = scan(&disk.directory(&layout.finish()));
    assert_eq!(
        answer.lines,
        [
            "LEAK-annotation img index:/manifests/0/annotations/note",
            "LEAK-cmd img config:/config/Cmd/2",
            "LEAK-env img config:/config/Env/1",
            "LEAK-health img config:/config/Healthcheck/Test/1",
            "LEAK-label img config:/config/Labels/org.example~1key",
        ]
    );
}

#[test]
fn estargz_members_and_zstd_frames_are_all_read() {
    let tar = tar_of(&[("one", b"LEAK-one"), ("two", b"LEAK-two"), ("three", b"LEAK-three")]);
    let pieces: Vec<&[u8]> = tar.chunks(512).collect();
    let members: Vec<u8> = pieces.iter().flat_map(|piece| gzip(piece)).collect();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"toc!"].concat();
    let mut frames: Vec<u8> = skippable.clone();
    frames.extend(pieces.iter().flat_map(|piece| [zstd(piece), skippable.clone()].concat()));
    for layer in [members, frames] {
        let mut layout = Layout::new();
        let (manifest, _) = layout.image(&[layer], json!({}));
        layout.refer(&manifest, "latest");
        let disk = Disk::new();
        let answer = scan(&disk.directory(&layout.finish()));
        assert_eq!(answer.lines.len(), 3, "{:?}", answer.diagnostics);
        assert_eq!(answer.diagnostics, Vec::<String>::new());
    }
}

#[test]
fn legacy_docker_archives_share_layers_through_links() {
    let shared = tar_of(&[("shared", b"LEAK-shared")]);
    let own = tar_of(&[("own", b"LEAK-own"), (".wh.shared", b"")]);
    let config = |layers: &[&[u8]]| {
        let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let history: Vec<Value> = layers.iter().map(|_| json!({"created_by": "RUN x"})).collect();
        serde_json::to_vec(&json!({"rootfs": {"diff_ids": ids}, "history": history})).unwrap()
    };
    let manifest = json!([
        {"Config": "one.json", "RepoTags": ["app:one"], "Layers": ["aa/layer.tar"]},
        {"Config": "two.json", "RepoTags": ["app:two"], "Layers": ["bb/layer.tar", "cc/layer.tar"]},
    ]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let tar = tar_of(&[
        ("aa/layer.tar", &shared),
        ("aa/VERSION", b"1.0"),
        ("aa/json", br#"{"container_config":{"Env":["T=LEAK-old"]}}"#),
        ("bb/layer.tar", b"->../aa/layer.tar"),
        ("cc/layer.tar", &own),
        ("one.json", &config(&[&shared])),
        ("two.json", &config(&[&shared, &own])),
        ("manifest.json", &manifest),
    ]);
    let disk = Disk::new();
    for bytes in [tar.clone(), zstd(&tar)] {
        let answer = scan(&disk.file(&bytes));
        let [lower, upper] = [&shared, &own].map(|layer| short(&digest(layer)).to_owned());
        assert_eq!(
            answer.lines,
            [
                "LEAK-old img json:aa/json:/container_config/Env/0".to_owned(),
                format!("LEAK-own img#app:two {upper} own [RUN x]"),
                format!("LEAK-shared img#app:one {lower} shared [RUN x]"),
                format!("LEAK-shared img#app:two {lower} shared [RUN x] hidden by {upper}"),
            ]
        );
        assert_eq!(answer.diagnostics, Vec::<String>::new());
    }
}

#[test]
fn a_modern_docker_archive_is_one_image_not_two() {
    let mut layout = Layout::new();
    let (manifest, layers) = layout.image(&[tar_of(&[("a", b"LEAK-a")])], json!({"Env": ["T=LEAK-env"]}));
    layout.refer(&manifest, "latest");
    let path = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
    let config = layout.files.iter().find(|(_, bytes)| bytes.starts_with(b"{\"config\":{\"Env")).unwrap().0.clone();
    let docker = json!([{"Config": config, "RepoTags": ["app:1"], "Layers": [path(&layers[0])]}]);
    layout.files.push(("manifest.json".into(), serde_json::to_vec(&docker).unwrap()));
    let disk = Disk::new();
    let answer = scan(&disk.file(&archive(&layout.finish())));
    let layer = short(&layers[0]);
    assert_eq!(
        answer.lines,
        [format!("LEAK-a img {layer} a [step 0]"), "LEAK-env img config:/config/Env/0".to_owned()]
    );
}

#[test]
fn platforms_attestations_and_orphans_are_all_scanned() {
    let mut layout = Layout::new();
    let (first, _) = layout.image(&[tar_of(&[("a", b"LEAK-amd")])], json!({}));
    let (second, _) = layout.image(&[tar_of(&[("a", b"LEAK-arm")])], json!({}));
    let statement = br#"{"predicate":{"buildArgs":{"TOKEN":"LEAK-attested"}}}"#.to_vec();
    let (attestation, _) = layout.image(&[statement], json!({}));
    let inner = layout.json(&json!({"manifests": [{"digest": first}, {"digest": second}, {"digest": attestation}]}));
    layout.refer(&inner, "v1");
    layout.blob(&gzip(&tar_of(&[("orphan", b"LEAK-orphan")])));
    layout.blob(b"LEAK-bare");
    layout.image(&[tar_of(&[("b", b"LEAK-unnamed")])], json!({"Env": ["T=LEAK-unnamedenv"]}));
    let disk = Disk::new();
    let answer = scan(&disk.directory(&layout.finish()));
    let found: Vec<&str> = answer.lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        found,
        ["LEAK-amd", "LEAK-arm", "LEAK-attested", "LEAK-bare", "LEAK-orphan", "LEAK-unnamed", "LEAK-unnamedenv"]
    );
    let name = format!("img#v1@{first}");
    assert!(
        answer.places.iter().any(|(marker, place, _)| marker == "LEAK-amd" && *place.image == name),
        "{:?}",
        answer.lines
    );
    assert_eq!(answer.diagnostics, Vec::<String>::new());
}

#[test]
fn missing_and_wrong_blobs_are_told() {
    let mut layout = Layout::new();
    let (manifest, layers) = layout.image(&[tar_of(&[("a", b"x")]), tar_of(&[("b", b"LEAK-b")])], json!({}));
    layout.refer(&manifest, "latest");
    layout.manifests.push(json!({"digest": digest(b"another platform")}));
    let mut files = layout.finish();
    files.retain(|(name, _)| !name.ends_with(&layers[0][7..]));
    let changed = files.iter_mut().find(|(name, _)| name.ends_with(&layers[1][7..])).unwrap();
    changed.1 = tar_of(&[("b", b"LEAK-changed")]);
    let disk = Disk::new();
    let answer = scan(&disk.directory(&files));
    assert_eq!(answer.lines, [format!("LEAK-changed img {} b [step 1]", short(&layers[1]))]);
    assert_eq!(answer.diagnostics.len(), 3, "{:?}", answer.diagnostics);
    assert!(answer.told("absent-platform note img: sha256:"));
    assert!(answer.told("digest-mismatch gap img: layer sha256:"));
    assert!(answer.told(&format!("missing-blob gap img: {}", layers[0])));
}

#[test]
fn truncation_is_told_and_what_was_read_is_scanned() {
    let noise: Vec<u8> = (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let layer = tar_of(&[("first", b"LEAK-first"), ("noise", &noise), ("last", b"LEAK-last")]);
    for bytes in [layer.clone(), gzip(&layer), zstd(&layer)] {
        let mut layout = Layout::new();
        let (manifest, layers) = layout.image(std::slice::from_ref(&bytes), json!({}));
        layout.refer(&manifest, "latest");
        let mut files = layout.finish();
        let cut = files.iter_mut().find(|(name, _)| name.ends_with(&layers[0][7..])).unwrap();
        cut.1.truncate(bytes.len() / 2);
        let disk = Disk::new();
        let answer = scan(&disk.directory(&files));
        assert!(answer.has(&format!("LEAK-first img {} first [step 0]", short(&layers[0]))), "{:?}", answer.lines);
        assert!(answer.told(&format!("truncated-layer gap img: layer {}", layers[0])), "{:?}", answer.diagnostics);
        assert!(answer.told("digest-mismatch gap"), "{:?}", answer.diagnostics);
    }
}

#[test]
fn a_layer_that_ends_with_its_last_file_is_whole() {
    let mut layer = tar_of(&[("only", b"LEAK-only")]);
    for (length, is_whole) in [(512 + 9, true), (512 + 8, false)] {
        layer.truncate(length);
        let mut layout = Layout::new();
        let (manifest, _) = layout.image(std::slice::from_ref(&layer), json!({}));
        layout.refer(&manifest, "latest");
        let disk = Disk::new();
        let answer = scan(&disk.directory(&layout.finish()));
        assert_eq!(answer.diagnostics.is_empty(), is_whole, "{:?}", answer.diagnostics);
        assert_eq!(answer.told("truncated-layer gap"), !is_whole, "{:?}", answer.diagnostics);
    }
}

#[test]
fn a_cut_archive_is_told() {
    let mut layout = Layout::new();
    let noise: Vec<u8> = (0..50_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let (manifest, _) = layout.image(&[tar_of(&[("a", b"LEAK-a"), ("noise", &noise)])], json!({"Env": ["A=LEAK-env"]}));
    layout.refer(&manifest, "latest");
    let tar = archive(&layout.finish());
    let disk = Disk::new();
    for bytes in [tar.clone(), gzip(&tar), zstd(&tar)] {
        for keep in [bytes.len() / 4, bytes.len() / 2, bytes.len() * 9 / 10, bytes.len() - 1024] {
            let answer = scan(&disk.file(&bytes[..keep]));
            assert!(
                answer.told("truncated-archive gap") || answer.told("truncated-layer gap"),
                "{keep}: {:?}",
                answer.diagnostics
            );
        }
    }
}

#[test]
fn a_tar_that_is_no_image_is_one_archive() {
    let tar = tar_of(&[("manifest.json", br#"{"name":"web app"}"#), ("src/a", b"LEAK-a")]);
    let disk = Disk::new();
    for bytes in [tar.clone(), gzip(&tar), zstd(&tar)] {
        let path = disk.file(&bytes);
        assert_eq!(sniff(&path).unwrap(), Some(ImageFormat::Archive));
        assert_eq!(scan(&path).lines, ["LEAK-a img src/a"]);
    }
}

#[test]
fn skopeo_directories_are_layouts() {
    let layer = gzip(&tar_of(&[("a", b"LEAK-a")]));
    let config =
        serde_json::to_vec(&json!({"config": {"Env": ["A=LEAK-env"]}, "history": [{"created_by": "COPY"}]})).unwrap();
    let manifest = json!({"config": {"digest": digest(&config)}, "layers": [descriptor(&digest(&layer))]});
    let disk = Disk::new();
    let path = disk.directory(&[
        ("version".into(), b"Directory Transport Version: 1.1\n".to_vec()),
        ("manifest.json".into(), serde_json::to_vec(&manifest).unwrap()),
        (digest(&config)[7..].to_owned(), config),
        (digest(&layer)[7..].to_owned(), layer.clone()),
    ]);
    assert_eq!(sniff(&path).unwrap(), Some(ImageFormat::Layout));
    let layer = digest(&layer);
    assert_eq!(
        scan(&path).lines,
        [format!("LEAK-a img {} a [COPY]", short(&layer)), "LEAK-env img config:/config/Env/0".to_owned()]
    );
}

#[test]
fn other_inputs_are_refused() {
    let disk = Disk::new();
    for bytes in [
        &b""[..],
        b"text",
        &[0; 2048],
        &gzip(b"a log"),
        b"\x1f\x8b, which a text may begin with",
        b"\x28\xb5\x2f\xfd\xff and so on and so on",
    ] {
        assert_eq!(sniff(&disk.file(bytes)).unwrap(), None);
    }
    assert_eq!(sniff(disk.0.path()).unwrap(), None);
    let path = disk.file(b"text");
    assert!(matches!(ImageSource::open(&path, "img"), Err(ImageError::NotAnImage { .. })));
    assert!(matches!(sniff(&path.join("absent")), Err(ImageError::Unreadable { .. })));
}

/// What it is, a tar without its end, what has to be found, and the diagnostic.
type Case = (&'static str, Vec<u8>, &'static [&'static str], Option<&'static str>);

#[test]
fn hostile_entries_hide_nothing() {
    let end = [0; 1024];
    let huge_record = raw_entry("x", b'x', &vec![b'a'; 2 << 20]);
    let huge_name = raw_entry("x", b'L', &vec![b'a'; 2 << 20]);
    let plain = raw_entry("plain", b'0', b"LEAK-plain");
    let mut lying = raw_entry("lying", b'0', b"LEAK-lying");
    lying[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    let sum: u32 =
        lying[..512].iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
    lying[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let cases: [Case; 10] = [
        ("a hard link with content", raw_entry("link", b'1', b"LEAK-link"), &["LEAK-link img link"], None),
        ("a directory with content", raw_entry("dir", b'5', b"LEAK-dir"), &["LEAK-dir img dir"], None),
        ("an unknown type", raw_entry("odd", b'Z', b"LEAK-odd"), &["LEAK-odd img odd"], None),
        ("a global header", raw_entry("pax", b'g', b"20 comment=LEAK-pax\n"), &["LEAK-pax img pax"], None),
        ("a path that climbs", raw_entry("../../etc/x", b'0', b"LEAK-climb"), &["LEAK-climb img ../../etc/x"], None),
        (
            "bytes behind the end",
            [&plain[..], &end, b"LEAK-trailing"].concat(),
            &["LEAK-plain img plain", "LEAK-trailing img trailing:"],
            None,
        ),
        (
            "a huge record",
            [&plain[..], &huge_record, &plain].concat(),
            &["LEAK-plain img plain"],
            Some("corrupt-layer gap"),
        ),
        (
            "a huge name",
            [&plain[..], &huge_name, &plain].concat(),
            &["LEAK-plain img plain"],
            Some("corrupt-layer gap"),
        ),
        ("an absurd size", [&plain[..], &lying].concat(), &["LEAK-plain img plain"], Some("oversize-file gap")),
        ("a bad checksum", [&plain[..], &[1; 512]].concat(), &["LEAK-plain img plain"], Some("corrupt-layer gap")),
    ];
    let disk = Disk::new();
    for (what, mut tar, lines, code) in cases {
        tar.extend(end);
        let answer = scan(&disk.file(&gzip(&tar)));
        assert_eq!(answer.lines, lines, "{what}");
        match code {
            Some(code) => assert!(answer.told(code), "{what}: {:?}", answer.diagnostics),
            None => assert_eq!(answer.diagnostics, Vec::<String>::new(), "{what}"),
        }
    }
}

#[test]
fn hard_links_are_further_names_of_a_file() {
    let mut lower = raw_entry("a/file", b'0', b"LEAK-file");
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Link);
    link.set_path("b/link").unwrap();
    link.set_link_name("./a/file").unwrap();
    link.set_size(0);
    link.set_cksum();
    lower.extend(link.as_bytes());
    lower.extend([0; 1024]);
    let mut layout = Layout::new();
    let (manifest, layers) = layout.image(&[gzip(&lower), tar_of(&[("a/.wh.file", b"")])], json!({}));
    layout.refer(&manifest, "latest");
    let disk = Disk::new();
    let [lower, upper] = [0, 1].map(|layer| short(&layers[layer]).to_owned());
    assert_eq!(
        scan(&disk.directory(&layout.finish())).lines,
        [
            format!("LEAK-file img {lower} a/file [step 0] hidden by {upper}"),
            format!("LEAK-file img {lower} b/link [step 0]"),
        ]
    );
}

#[test]
fn a_legacy_layer_that_is_not_the_configured_one_is_told() {
    let layer = tar_of(&[("a", b"LEAK-a")]);
    for (diff_id, is_told) in [(digest(&layer), false), (digest(b"other"), true)] {
        let config = serde_json::to_vec(&json!({"rootfs": {"diff_ids": [diff_id]}})).unwrap();
        let manifest = serde_json::to_vec(&json!([{"Config": "c.json", "Layers": ["aa/layer.tar"]}])).unwrap();
        let tar = tar_of(&[("aa/layer.tar", &layer), ("c.json", &config), ("manifest.json", &manifest)]);
        let disk = Disk::new();
        let answer = scan(&disk.file(&tar));
        assert_eq!(answer.lines, [format!("LEAK-a img {} a", short(&diff_id))]);
        assert_eq!(answer.told("digest-mismatch gap img: layer"), is_told);
    }
}

#[test]
fn a_tar_without_end_is_whole_if_its_digest_says_so() {
    let whole = tar_of(&[("a", b"LEAK-a")]);
    for length in [1024, 512 + 6] {
        let disk = Disk::new();
        let layer = gzip(&whole[..length]);
        let mut layout = Layout::new();
        let (manifest, layers) = layout.image(std::slice::from_ref(&layer), json!({}));
        layout.refer(&manifest, "latest");
        let answer = scan(&disk.directory(&layout.finish()));
        assert_eq!(answer.lines, [format!("LEAK-a img {} a [step 0]", short(&layers[0]))]);
        assert_eq!(answer.diagnostics, Vec::<String>::new());
        let answer = scan(&disk.file(&layer));
        assert_eq!(answer.lines, ["LEAK-a img a"]);
        assert!(answer.told("truncated-layer gap img: it ends without the mark"), "{:?}", answer.diagnostics);
    }
}

#[test]
fn limits_are_told() {
    let tar = tar_of(&[("big", &[b'x'; 5000]), ("small", b"LEAK-small"), ("third", b"LEAK-third")]);
    let disk = Disk::new();
    let path = disk.file(&tar);
    let answer = scan_with(&path, Limits::new(4999), Probe::default());
    assert_eq!(answer.lines.len(), 2);
    assert!(answer.told("oversize-file gap img: big: 5000 bytes"), "{:?}", answer.diagnostics);
    let answer = scan_with(&path, Limits { entries: 2, ..Limits::new(5000) }, Probe::default());
    assert_eq!(answer.lines.len(), 1);
    assert!(answer.told("oversize-layer gap img: more than 2 entries"), "{:?}", answer.diagnostics);
    let answer = scan_with(&path, Limits { layer_bytes: 6000, ..Limits::new(5000) }, Probe::default());
    assert!(answer.told("corrupt-layer gap img: it expands beyond every limit"), "{:?}", answer.diagnostics);
}

#[test]
fn a_cancelled_scan_stops() {
    let disk = Disk::new();
    let path = disk.file(&tar_of(&[("a", b"LEAK-a")]));
    let probe = Probe { cancelled: AtomicBool::new(true), ..Probe::default() };
    assert_eq!(scan_with(&path, Limits::new(5000), probe).lines, Vec::<String>::new());
}
