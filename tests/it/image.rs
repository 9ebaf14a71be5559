//! Images made by `umoci` and `skopeo`, in every form that these write.

use std::path::Path;

use serde_json::Value;

use crate::env::{Env, Run};
use crate::oci_layout::OciLayout;
use crate::samples::{environment_file, random};

/// A layout with one secret in a deleted file and another one in the configuration.
fn layout(env: &Env) -> OciLayout {
    let layout = env.oci_layout("layout", "/app/.env", environment_file("deleted"));
    let image = format!("{}:test", layout.path.display());
    let secret = random("configured", 40);
    env.tool("umoci", ["config", "--image", &image, "--config.env", &format!("OIDC_CLIENT_SECRET={secret}")]);
    env.tool("umoci", ["config", "--image", &image, "--config.env", "OIDC_CLIENT_ID=shop-configured"]);
    env.tool("umoci", ["gc", "--layout", &layout.path.display().to_string()]);
    let deleted = random("deleted", 40);
    env.plant([deleted.as_str(), secret.as_str()]);
    layout
}

fn scan(env: &Env, target: &Path) -> Run {
    env.run([Path::new("scan"), Path::new("--format=jsonl"), target]).exits(1)
}

/// The location of the one finding that stands at `path`.
fn at(run: &Run, path: &str) -> Value {
    let findings = run.findings();
    let locations = findings.iter().flat_map(|finding| finding["locations"].as_array().expect("a list"));
    let mut found: Vec<&Value> = locations.filter(|location| location["path"] == path).collect();
    assert_eq!(found.len(), 1, "one location at {path} in\n{}\n{}", run.stdout, run.stderr);
    found.remove(0).clone()
}

#[test]
fn every_form_of_an_image_gives_the_same_findings() {
    let env = Env::new();
    let layout = layout(&env);
    let source = format!("oci:{}:test", layout.path.display());
    let copy = |kind: &str, name: &str, options: &[&str]| {
        let path = env.input().join(name);
        let destination = format!("{kind}:{}{}", path.display(), if kind == "dir" { "" } else { ":test" });
        let arguments = [&["copy", "--quiet"], options, &[&source, &destination]].concat();
        env.tool("skopeo", arguments);
        path
    };
    let zstd = ["--dest-compress-format", "zstd"];
    let forms = [
        (layout.path.clone(), Some(&layout)),
        (copy("oci", "copied", &[]), Some(&layout)),
        (copy("oci-archive", "archive.oci", &[]), Some(&layout)),
        (copy("dir", "directory", &[]), Some(&layout)),
        (copy("oci", "zstd", &[&zstd[..], &["--dest-compress"]].concat()), None),
        (env.docker_archive(&layout, "docker.tar"), None),
    ];
    for (path, same_digests) in forms {
        let run = scan(&env, &path);
        let shown = path.display().to_string();
        assert_eq!(run.findings().len(), 2, "{shown}: {}", run.stdout);
        assert_eq!(run.diagnostics(), Vec::<Value>::new(), "{shown}");

        let deleted = at(&run, "app/.env");
        assert_eq!(deleted["source"], "image");
        assert_eq!(deleted["image"], shown);
        assert_eq!(deleted["instruction"], "COPY . /app");
        assert_eq!(deleted["line"], 2);
        for digest in ["layer", "shadowed_by"] {
            assert!(deleted[digest].as_str().expect("a digest").starts_with("sha256:"), "{shown}: {deleted}");
        }
        if let Some(layout) = same_digests {
            assert_eq!(deleted["layer"], layout.adding, "{shown}");
            assert_eq!(deleted["shadowed_by"], layout.deleting, "{shown}");
        }

        let configured = at(&run, "config:/config/Env/0");
        assert_eq!(configured["image"], shown);
        assert_eq!(configured.get("layer"), None);
        let findings = run.findings();
        let parts: Vec<&Value> =
            findings.iter().flat_map(|finding| finding["parts"].as_array().expect("a list")).collect();
        assert!(parts.iter().any(|part| part["value"] == "shop-configured"), "paired across entries: {parts:?}");
    }
}

#[test]
fn build_arguments_are_found_in_the_history() {
    let env = Env::new();
    let layout = layout(&env);
    let image = format!("{}:test", layout.path.display());
    let secret = random("argument", 40);
    env.plant([secret.as_str()]);
    let instruction = format!("RUN |1 OIDC_CLIENT_SECRET={secret} /bin/sh -c make install");
    env.tool("umoci", ["config", "--image", &image, "--history.created_by", &instruction, "--author", "nobody"]);
    env.tool("umoci", ["gc", "--layout", &layout.path.display().to_string()]);
    let run = scan(&env, &layout.path);
    let findings = run.findings();
    let locations = findings.iter().flat_map(|finding| finding["locations"].as_array().expect("a list"));
    let paths: Vec<&str> = locations.filter_map(|location| location["path"].as_str()).collect();
    let history = |path: &&&str| path.starts_with("config:/history/") && path.ends_with("/created_by");
    assert_eq!(paths.iter().filter(history).count(), 1, "{paths:?}");
}

#[test]
fn a_compressed_archive_is_an_archive() {
    let env = Env::new();
    let layout = layout(&env);
    let archive = env.docker_archive(&layout, "docker.tar");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut fs_err::File::open(&archive).expect("the archive"), &mut encoder).expect("memory takes all");
    let compressed = env.write("without-a-telling-name", encoder.finish().expect("memory takes all"));
    let run = scan(&env, &compressed);
    assert_eq!(at(&run, "app/.env")["instruction"], "COPY . /app");
    at(&run, "config:/config/Env/0");
    assert_eq!(run.diagnostics(), Vec::<Value>::new());
}

#[test]
fn a_layer_that_is_missing_makes_the_scan_incomplete() {
    let env = Env::new();
    let layout = layout(&env);
    let layer = layout.path.join("blobs").join(layout.adding.replace(':', "/"));
    fs_err::remove_file(layer).expect("the layer");
    let run = scan(&env, &layout.path);
    assert_eq!(run.findings().len(), 1);
    let diagnostics = run.diagnostics();
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    assert_eq!(diagnostics[0]["code"], "missing-blob");
    let place = diagnostics[0]["place"].as_str().expect("a text");
    assert!(place.contains(&layout.adding), "{place}");
    assert_eq!(run.summary()["complete"], false);
}
