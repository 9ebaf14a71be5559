//! What the entries of a store are: images with their layers, configurations and manifests, and whatever nothing refers to.
//!
//! Understands what `docker save` writes (before and since version 25), the OCI image layout, and skopeo's `dir:`. Manifests
//! are read leniently: a member of a wrong type is as good as none. Understanding serves attribution only. What is not
//! understood is still scanned, because every entry of the store ends up in [`Contents`], as a document or as a blob.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::contents::{Blob, Contents, Document, Expected, Image, Layer};
use super::manifest::{Sort, diff_ids_of, digest_of, digest_of_name, instructions_of, layers_of, sort_of, tag_of};
use super::naming::{Reference, name_images};
use super::store::{EntryId, Store};
use super::values;
use crate::diagnostic::Diagnostic;
use crate::finding::escape;

/// An index may hold indexes; more levels than this are a loop or a joke.
const DEEPEST_INDEX: usize = 8;

/// Whether a store holds images, in any shape, whole or damaged. All that is no image is scanned as one archive.
pub(super) fn holds_images(store: &Store) -> bool {
    let has_layout = |name: &[u8]| name == b"oci-layout" || name.ends_with(b"/oci-layout");
    let is_layer = |name: &[u8]| {
        let stem = name.strip_suffix(b"/layer.tar").or_else(|| name.strip_suffix(b".tar"));
        stem.is_some_and(|stem| stem.len() == 64 && stem.iter().all(u8::is_ascii_hexdigit))
    };
    let is_manifest = || {
        let document = store.find(b"manifest.json").and_then(|id| store.document(id));
        let value = document.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        value.is_some_and(|value: Value| sort_of(&value).is_some())
    };
    store
        .entries()
        .iter()
        .any(|entry| has_layout(&entry.name) || is_layer(&entry.name) || digest_of_name(&entry.name).is_some())
        || is_manifest()
}

/// Finds out what every entry is. `name` is the target as the user named it.
pub(super) fn resolve(store: &Store, name: &str) -> Contents {
    let mut resolver = Resolver {
        store,
        drafts: Vec::new(),
        documents: Vec::new(),
        document_of: HashMap::new(),
        twins: HashMap::new(),
        is_orphan: false,
        seen: HashMap::new(),
        diagnostics: Vec::new(),
        name,
    };
    for root in roots(store) {
        resolver.root(&root);
    }
    resolver.unreferenced_manifests();
    resolver.finish()
}

/// An image that has no name yet.
#[derive(Default)]
struct Draft {
    reference: Reference,
    config: Option<EntryId>,
    layers: Vec<DraftLayer>,
    /// What it refers to and the store does not have: digest and reason.
    missing: Vec<(String, &'static str)>,
}

/// The configuration and layers of an image.
type Parts = (Option<EntryId>, Vec<Option<EntryId>>);

impl Draft {
    fn parts(&self) -> Parts {
        (self.config, self.layers.iter().map(|layer| layer.entry).collect())
    }
}

struct DraftLayer {
    entry: Option<EntryId>,
    digest: String,
    expected: Option<Expected>,
    is_tar: bool,
    instruction: Option<Arc<str>>,
}

struct Resolver<'a> {
    store: &'a Store,
    name: &'a str,
    drafts: Vec<Draft>,
    documents: Vec<Document>,
    document_of: HashMap<(EntryId, &'static str), usize>,
    /// Images by what they consist of.
    twins: HashMap<Parts, usize>,
    /// Whether what is met from now on is met by chance, and not led to.
    is_orphan: bool,
    /// Manifests and indexes met so far; the image of a manifest.
    seen: HashMap<EntryId, Option<usize>>,
    diagnostics: Vec<Diagnostic>,
}

impl Resolver<'_> {
    /// The documents that stand at fixed names below a layout.
    fn root(&mut self, root: &[u8]) {
        for name in ["index.json", "manifest.json"] {
            let Some(id) = self.store.find(&[root, name.as_bytes()].concat()) else { continue };
            match self.read(id) {
                Some(value) => self.manifest(id, &value, root, None, None, 0),
                None => self.gap(
                    "corrupt-manifest",
                    name,
                    "it is no JSON document, so that nothing tells what the blobs are",
                ),
            }
        }
    }

    /// Manifests that nothing refers to still tell which configuration and layers belong together.
    fn unreferenced_manifests(&mut self) {
        self.is_orphan = true;
        for (id, entry) in self.store.entries().iter().enumerate() {
            let Some(digest) = digest_of_name(&entry.name) else { continue };
            if self.seen.contains_key(&id) || self.store.is_link(id) {
                continue;
            }
            if let Some(value) = self.read(id) {
                let root = root_of_blob(&entry.name);
                self.manifest(id, &value, root, Some(digest), None, 0);
            }
        }
    }

    /// Any manifest, told by its content.
    fn manifest(
        &mut self,
        id: EntryId,
        value: &Value,
        root: &[u8],
        digest: Option<String>,
        tag: Option<String>,
        depth: usize,
    ) {
        let Some(sort) = sort_of(value) else { return };
        if let Some(known) = self.seen.get(&id) {
            if let Some(draft) = known.and_then(|index| self.drafts.get_mut(index)) {
                let reference = &mut draft.reference;
                reference.tag = reference.tag.take().or(tag);
            }
            return;
        }
        self.seen.insert(id, None);
        match sort {
            Sort::DockerArchive => {
                self.document(id, "manifest:", None, digest);
                for image in value.as_array().into_iter().flatten() {
                    self.docker_image(image, root);
                }
            }
            Sort::Index => {
                self.document(id, "index:", None, digest);
                self.index(value, root, tag.as_deref(), depth);
            }
            Sort::Manifest => {
                let draft = self.image(value, root, digest.clone(), tag);
                let config = draft.config;
                let index = self.add(draft);
                self.seen.insert(id, Some(index));
                self.document(id, "manifest:", Some(index), digest);
                if let Some(config) = config {
                    let digest = value.get("config").and_then(digest_of);
                    self.document(config, "config:", Some(index), digest);
                }
            }
        }
    }

    fn index(&mut self, value: &Value, root: &[u8], parent_tag: Option<&str>, depth: usize) {
        let children = value.get("manifests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut absent = Vec::new();
        for child in children {
            let Some(digest) = digest_of(child) else { continue };
            let tag = tag_of(child).or_else(|| parent_tag.map(str::to_owned));
            match self.find(root, &digest) {
                None => absent.push(digest),
                Some(id) if depth < DEEPEST_INDEX => match self.read(id) {
                    Some(value) => self.manifest(id, &value, root, Some(digest), tag, depth + 1),
                    None => self.gap("corrupt-manifest", &digest, "it is no JSON document"),
                },
                Some(_) => self.gap("corrupt-manifest", &digest, "indexes lie in indexes beyond every measure"),
            }
        }
        for digest in &absent {
            // An archive of one platform keeps the index of all of them: the others are not in it, and are not missing.
            let place = format!("{}: {}", self.name, escape(digest.as_bytes()));
            self.diagnostics.push(if self.is_orphan || absent.len() < children.len() {
                Diagnostic::note("absent-platform", place, "an index names this manifest; it is not here")
            } else {
                Diagnostic::gap("missing-blob", place, "an index names this manifest; it is not here")
            });
        }
    }

    fn image(&mut self, value: &Value, root: &[u8], digest: Option<String>, tag: Option<String>) -> Draft {
        let reference = Reference { tag: tag.or_else(|| tag_of(value)), digest, is_orphan: self.is_orphan };
        let mut draft = Draft { reference, ..Draft::default() };
        if let Some(config) = value.get("config").and_then(digest_of) {
            draft.config = self.find(root, &config);
            if draft.config.is_none() {
                draft.missing.push((config, "the manifest names this configuration; it is not here"));
            }
        }
        for descriptor in layers_of(value) {
            let entry = self.find(root, &descriptor.digest);
            if entry.is_none() {
                let reason = if descriptor.is_foreign {
                    "the manifest names this layer; it is kept elsewhere, at a URL"
                } else {
                    "the manifest names this layer; it is not here"
                };
                draft.missing.push((descriptor.digest.clone(), reason));
            } else if descriptor.is_encrypted {
                self.gap("encrypted-layer", &descriptor.digest, "only the holder of its key can read it");
            }
            draft.layers.push(DraftLayer {
                entry,
                expected: Some(Expected::Packed(descriptor.digest.clone())),
                digest: descriptor.digest,
                is_tar: descriptor.is_tar,
                instruction: None,
            });
        }
        draft
    }

    /// One element of the `manifest.json` of `docker save`.
    fn docker_image(&mut self, value: &Value, root: &[u8]) {
        let tag = value.get("RepoTags").and_then(|tags| tags.get(0)).and_then(Value::as_str).map(str::to_owned);
        let reference = Reference { tag, digest: None, is_orphan: self.is_orphan };
        let mut draft = Draft { reference, ..Draft::default() };
        let mut diff_ids = Vec::new();
        if let Some(config) = value.get("Config").and_then(Value::as_str) {
            draft.config = self.store.find(&[root, config.as_bytes()].concat());
            draft.reference.digest = digest_of_name(config.as_bytes());
            match draft.config.and_then(|id| self.read(id)) {
                Some(config) => diff_ids = diff_ids_of(&config),
                None if draft.config.is_none() => {
                    draft.missing.push((config.to_owned(), "the manifest names this configuration; it is not here"));
                }
                None => {}
            }
        }
        for (position, layer) in value.get("Layers").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let Some(path) = layer.as_str() else { continue };
            let entry = self.store.find(&[root, path.as_bytes()].concat());
            let diff_id = diff_ids.get(position).cloned();
            let named = digest_of_name(path.as_bytes());
            if entry.is_none() {
                draft.missing.push((path.to_owned(), "the manifest names this layer; it is not here"));
            }
            draft.layers.push(DraftLayer {
                entry,
                expected: named.clone().map(Expected::Packed).or_else(|| diff_id.clone().map(Expected::Unpacked)),
                digest: named.or(diff_id).unwrap_or_else(|| path.to_owned()),
                is_tar: true,
                instruction: None,
            });
        }
        // Since version 25 the same image stands in `index.json` too.
        if let Some(twin) = self.twins.get(&draft.parts()).and_then(|index| self.drafts.get_mut(*index)) {
            twin.reference.tag = draft.reference.tag.or(twin.reference.tag.take());
            return;
        }
        let digest = draft.reference.digest.clone();
        let config = draft.config;
        let index = self.add(draft);
        if let Some(config) = config {
            self.document(config, "config:", Some(index), digest);
        }
    }

    /// Takes an image, its layers attributed to the history of its configuration.
    fn add(&mut self, mut draft: Draft) -> usize {
        let config = draft.config.map(|id| self.read(id));
        if let Some(None) = config {
            let what = draft.reference.digest.clone().unwrap_or_default();
            let place = format!("{}: {}", self.name, escape(what.as_bytes()));
            let reason = "the configuration of this image is no JSON document; it is scanned as a text";
            self.diagnostics.push(Diagnostic::note("corrupt-configuration", place, reason));
        }
        if let Some(Some(config)) = config {
            let instructions = instructions_of(&config);
            // Squashed and foreign-built images have a history of another length: guessing would accuse the wrong line.
            if instructions.len() == draft.layers.len() {
                for (layer, instruction) in draft.layers.iter_mut().zip(instructions) {
                    layer.instruction = instruction;
                }
            }
        }
        let index = self.drafts.len();
        self.twins.insert(draft.parts(), index);
        self.drafts.push(draft);
        index
    }

    /// Notes that an entry is a document, and of which image. What is no JSON stays a blob.
    fn document(&mut self, entry: EntryId, prefix: &'static str, image: Option<usize>, digest: Option<String>) {
        if let Some(known) = self.document_of.get(&(entry, prefix)).and_then(|index| self.documents.get_mut(*index)) {
            known.images.extend(image);
            return;
        }
        let is_json = self.store.document(entry).is_some_and(|bytes| values::visit(&bytes, &mut |_| ()).is_ok());
        if is_json {
            self.document_of.insert((entry, prefix), self.documents.len());
            self.documents.push(Document { entry, prefix, images: image.into_iter().collect(), digest });
        }
    }

    fn read(&self, id: EntryId) -> Option<Value> {
        serde_json::from_slice(&self.store.document(id)?).ok()
    }

    /// The entry of a digest, in the places that layouts keep blobs in.
    fn find(&self, root: &[u8], digest: &str) -> Option<EntryId> {
        let (algorithm, hex) = digest.split_once(':')?;
        [format!("blobs/{algorithm}/{hex}"), hex.to_owned(), format!("{hex}.tar"), format!("{hex}.manifest.json")]
            .iter()
            .find_map(|name| self.store.find(&[root, name.as_bytes()].concat()))
    }

    fn gap(&mut self, code: &'static str, what: &str, reason: &str) {
        let place = format!("{}: {}", self.name, escape(what.as_bytes()));
        self.diagnostics.push(Diagnostic::gap(code, place, reason));
    }

    fn finish(self) -> Contents {
        let names = name_images(self.name, &self.drafts.iter().map(|draft| &draft.reference).collect::<Vec<_>>());
        let mut diagnostics = self.diagnostics;
        let mut blobs: Vec<Blob> = Vec::new();
        let mut blob_of: HashMap<EntryId, usize> = HashMap::new();
        let is_orphan: Vec<bool> = self.drafts.iter().map(|draft| draft.reference.is_orphan).collect();
        let mut images = Vec::new();
        for (index, (draft, name)) in self.drafts.into_iter().zip(names).enumerate() {
            for (what, reason) in draft.missing {
                let place = format!("{name}: {}", escape(what.as_bytes()));
                // What is left of an earlier build is not an image that anybody could run.
                diagnostics.push(if draft.reference.is_orphan {
                    Diagnostic::note("missing-blob", place, reason)
                } else {
                    Diagnostic::gap("missing-blob", place, reason)
                });
            }
            let mut layers = Vec::new();
            for (position, layer) in draft.layers.into_iter().enumerate() {
                if let Some(entry) = layer.entry {
                    let slot = *blob_of.entry(entry).or_insert_with(|| {
                        blobs.push(Blob { entry, uses: Vec::new(), digest: None, is_promised_tar: false });
                        blobs.len() - 1
                    });
                    if let Some(blob) = blobs.get_mut(slot) {
                        blob.uses.push((index, position));
                        blob.is_promised_tar |= layer.is_tar;
                        blob.digest = blob.digest.take().or(layer.expected);
                    }
                }
                let digest = escape(layer.digest.as_bytes()).into();
                layers.push(Layer { entry: layer.entry, digest, instruction: layer.instruction });
            }
            images.push(Image { name, layers, is_orphan: draft.reference.is_orphan });
        }
        // The leftovers of earlier builds hold the same layers as the image itself, and would only repeat every place.
        for blob in &mut blobs {
            let is_led_to = |(image, _): &(usize, usize)| is_orphan.get(*image) == Some(&false);
            if blob.uses.iter().any(is_led_to) {
                blob.uses.retain(is_led_to);
            }
        }
        let documents: HashSet<EntryId> = self.documents.iter().map(|document| document.entry).collect();
        for (id, entry) in self.store.entries().iter().enumerate() {
            if entry.size > 0 && !documents.contains(&id) && !blob_of.contains_key(&id) && !self.store.is_link(id) {
                let digest = digest_of_name(&entry.name).map(Expected::Packed);
                blobs.push(Blob { entry: id, uses: Vec::new(), digest, is_promised_tar: false });
            }
        }
        Contents { images, documents: self.documents, blobs, diagnostics }
    }
}

/// The directories that a layout lies in: the root, and what has an `oci-layout` file.
fn roots(store: &Store) -> Vec<Vec<u8>> {
    let mut roots = vec![Vec::new()];
    roots.extend(store.entries().iter().filter_map(|entry| {
        let root = entry.name.strip_suffix(b"oci-layout")?;
        root.ends_with(b"/").then(|| root.to_vec())
    }));
    roots
}

/// The layout that a blob lies in.
fn root_of_blob(name: &[u8]) -> &[u8] {
    memchr::memmem::rfind(name, b"blobs/").and_then(|start| name.get(..start)).unwrap_or_default()
}
