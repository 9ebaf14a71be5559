//! Whole images of every form.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::*;
use crate::source::image::{ImageFormat, reread, sniff};

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
    layout.files.push(("extra.tgz".into(), gzip(&tar_of(&[("inner", b"LEAK-inner")]))));
    let disk = Disk::new();
    let path = disk.file(&gzip(&archive(&layout.finish())));
    let answer = scan(&path);
    assert_eq!(answer.places.len(), 6);
    assert!(answer.has("LEAK-inner img extra.tgz inner"), "{:?}", answer.lines);
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
