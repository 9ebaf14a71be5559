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
