//! Container images made by the tools that others make them with: `umoci` and `skopeo`.

use std::path::PathBuf;

use serde_json::Value;

use crate::env::Env;

/// An OCI layout in which a first layer adds a file and a second one deletes it again.
pub(crate) struct OciLayout {
    /// Its directory.
    pub(crate) path: PathBuf,
    /// Digest of the compressed layer that adds the file.
    pub(crate) adding: String,
    /// Digest of the compressed layer that deletes it.
    pub(crate) deleting: String,
}

impl Env {
    /// Makes one in `input/NAME`, with the file at `path` in the image.
    pub(crate) fn oci_layout(&self, name: &str, path: &str, content: impl AsRef<[u8]>) -> OciLayout {
        let file = self.write(&format!("{name}.files/added"), content);
        let layout = self.input().join(name);
        let directory = layout.to_str().expect("a path in UTF-8");
        let file = file.to_str().expect("a path in UTF-8");
        let image = &format!("{directory}:test");
        self.tool("umoci", ["init", "--layout", directory]);
        self.tool("umoci", ["new", "--image", image]);
        let by = |instruction| format!("--history.created_by={instruction}");
        self.tool("umoci", ["insert", "--rootless", "--image", image, &by("COPY . /app"), file, path]);
        self.tool("umoci", ["insert", "--rootless", "--image", image, "--whiteout", &by("RUN rm -r /app"), path]);
        // Each insertion leaves the manifest before it behind.
        self.tool("umoci", ["gc", "--layout", directory]);
        fs_err::remove_dir_all(self.input().join(format!("{name}.files"))).expect("the file inserted above");
        let history: Value =
            serde_json::from_str(&self.tool("umoci", ["stat", "--json", "--image", image])).expect("JSON");
        let layers: Vec<String> = history["history"]
            .as_array()
            .expect("a history")
            .iter()
            .filter_map(|entry| Some(entry["layer"]["digest"].as_str()?.to_owned()))
            .collect();
        let [adding, deleting] = layers.try_into().expect("the two layers inserted above");
        OciLayout { path: layout, adding, deleting }
    }

    /// Turns a layout into an archive as `docker save` writes it, in `input/NAME`.
    pub(crate) fn docker_archive(&self, layout: &OciLayout, name: &str) -> PathBuf {
        let archive = self.input().join(name);
        let source = format!("oci:{}:test", layout.path.display());
        let destination = format!("docker-archive:{}:test/app:latest", archive.display());
        self.tool("skopeo", ["copy", "--quiet", &source, &destination]);
        archive
    }
}
