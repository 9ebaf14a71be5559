//! What is read out of manifests, indexes and configurations. A member of a wrong type is as good as none.

use std::sync::Arc;

use serde_json::Value;

/// What sort of manifest a document is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// `manifest.json` of `docker save`.
    DockerArchive,
    /// OCI index, Docker manifest list.
    Index,
    /// OCI or Docker manifest; schema 1 as well.
    Manifest,
}

/// Tells by the members; media types are often left out.
pub(super) fn sort_of(value: &Value) -> Option<Sort> {
    let has_descriptors = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().all(|item| item.get("digest").is_some()))
    };
    if value.as_array().is_some_and(|list| list.iter().any(|item| item.get("Layers").is_some_and(Value::is_array))) {
        Some(Sort::DockerArchive)
    } else if has_descriptors("manifests") {
        Some(Sort::Index)
    } else if has_descriptors("layers") || value.get("fsLayers").is_some_and(Value::is_array) {
        Some(Sort::Manifest)
    } else {
        None
    }
}

/// The digest that the name of an entry promises: `blobs/sha256/<hex>`, `<hex>`, `<hex>.tar`, `<hex>.json`.
pub(super) fn digest_of_name(name: &[u8]) -> Option<String> {
    let mut steps = std::str::from_utf8(name).ok()?.rsplit('/');
    let hex = steps.next()?;
    match (steps.next(), steps.next()) {
        (Some(algorithm @ ("sha256" | "sha512")), Some("blobs")) => Some(format!("{algorithm}:{hex}")),
        (None, None) => {
            let hex = hex.strip_suffix(".tar").or_else(|| hex.strip_suffix(".json")).unwrap_or(hex);
            let hex = hex.strip_suffix(".manifest").unwrap_or(hex);
            let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_digest.then(|| format!("sha256:{hex}"))
        }
        _ => None,
    }
}

/// The digest of a descriptor.
pub(super) fn digest_of(descriptor: &Value) -> Option<String> {
    descriptor.get("digest").and_then(Value::as_str).map(str::to_owned)
}

/// What a manifest says of a layer.
pub(super) struct LayerDescriptor {
    /// Its digest.
    pub(super) digest: String,
    /// Whether it is a layer of files, and not the content of some artifact.
    pub(super) is_tar: bool,
    /// Whether it can be read with a key only.
    pub(super) is_encrypted: bool,
    /// Whether it is kept at a URL, away from the image.
    pub(super) is_foreign: bool,
}

/// The layers of a manifest, lowest first.
pub(super) fn layers_of(manifest: &Value) -> Vec<LayerDescriptor> {
    let list = |key: &str| manifest.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let descriptor = |value: &Value| {
        let media_type = value.get("mediaType").and_then(Value::as_str).unwrap_or_default();
        let is_encrypted = media_type.contains("+encrypted");
        Some(LayerDescriptor {
            digest: digest_of(value)?,
            is_tar: media_type.contains(".tar") && !is_encrypted,
            is_encrypted,
            is_foreign: value.get("urls").and_then(Value::as_array).is_some_and(|urls| !urls.is_empty()),
        })
    };
    // Schema 1 lists the newest layer first.
    let old = |value: &Value| {
        let digest = value.get("blobSum")?.as_str()?.to_owned();
        Some(LayerDescriptor { digest, is_tar: true, is_encrypted: false, is_foreign: false })
    };
    let layers = list("layers").iter().filter_map(descriptor);
    layers.chain(list("fsLayers").iter().rev().filter_map(old)).collect()
}

/// The name that an image has in an index: containerd writes the whole reference, others the tag alone.
pub(super) fn tag_of(value: &Value) -> Option<String> {
    let annotations = value.get("annotations")?;
    ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
        .iter()
        .find_map(|key| annotations.get(key).and_then(Value::as_str))
        .map(str::to_owned)
}

/// The digests of the unpacked layers, lowest first.
pub(super) fn diff_ids_of(config: &Value) -> Vec<String> {
    let list = config.get("rootfs").and_then(|rootfs| rootfs.get("diff_ids")).and_then(Value::as_array);
    list.into_iter().flatten().map(|id| id.as_str().unwrap_or_default().to_owned()).collect()
}

/// What built each layer that is not empty, lowest first.
pub(super) fn instructions_of(config: &Value) -> Vec<Option<Arc<str>>> {
    let history = config.get("history").and_then(Value::as_array);
    history
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("empty_layer").and_then(Value::as_bool) != Some(true))
        .map(|entry| entry.get("created_by").and_then(Value::as_str).filter(|text| !text.is_empty()).map(Arc::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_promise_digests() {
        let hex = "0123456789abcdef".repeat(4);
        for (name, expected) in [
            (format!("blobs/sha256/{hex}"), Some(format!("sha256:{hex}"))),
            ("deep/blobs/sha512/abc".to_owned(), Some("sha512:abc".to_owned())),
            (hex.clone(), Some(format!("sha256:{hex}"))),
            (format!("{hex}.tar"), Some(format!("sha256:{hex}"))),
            (format!("{hex}.json"), Some(format!("sha256:{hex}"))),
            (format!("{hex}.manifest.json"), Some(format!("sha256:{hex}"))),
            (format!("{hex}/layer.tar"), None),
            ("manifest.json".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(digest_of_name(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(digest_of_name(b"blobs/sha256/\xff"), None);
    }

    #[test]
    fn members_of_wrong_types_are_as_good_as_none() {
        let hostile =
            json!({"config": 1, "layers": [1, {"digest": 2}], "history": {"a": 1}, "rootfs": [], "annotations": []});
        assert!(layers_of(&hostile).is_empty());
        assert!(diff_ids_of(&hostile).is_empty());
        assert!(instructions_of(&hostile).is_empty());
        assert_eq!((digest_of(&hostile), tag_of(&hostile)), (None, None));
        let manifest = json!({"fsLayers": [{"blobSum": "sha256:upper"}, {"blobSum": "sha256:lower"}]});
        let digests: Vec<String> = layers_of(&manifest).into_iter().map(|layer| layer.digest).collect();
        assert_eq!(digests, ["sha256:lower", "sha256:upper"]);
    }
}
