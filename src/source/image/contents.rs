//! What a store holds, once it is understood: the plan of a scan.

use std::sync::Arc;

use super::store::EntryId;
use crate::diagnostic::Diagnostic;

/// Everything in a store.
pub(super) struct Contents {
    /// The images, in the order of the indexes and manifests that name them.
    pub(super) images: Vec<Image>,
    /// JSON documents, whose values are scanned one by one.
    pub(super) documents: Vec<Document>,
    /// All else: layers, and entries that nothing refers to.
    pub(super) blobs: Vec<Blob>,
    /// What is missing or broken.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// One image: one platform of a tag, or an attestation.
pub(super) struct Image {
    /// The target as the user named it; behind a `#` the tag or digest, where the target holds several images.
    pub(super) name: Arc<str>,
    /// Lowest first.
    pub(super) layers: Vec<Layer>,
    /// Nothing leads to its manifest, as builders leave them behind.
    pub(super) is_orphan: bool,
}

/// One layer of an image.
pub(super) struct Layer {
    /// `None` if the store does not have it.
    pub(super) entry: Option<EntryId>,
    /// The digest of the manifest; in a legacy archive the one of the configuration, or the entry's name.
    pub(super) digest: Arc<str>,
    /// The instruction that built it, if the history tells one for every layer.
    pub(super) instruction: Option<Arc<str>>,
}

/// A JSON document.
pub(super) struct Document {
    /// Where it lies.
    pub(super) entry: EntryId,
    /// What the virtual paths of its values begin with: `config:`.
    pub(super) prefix: &'static str,
    /// The images it belongs to, by index; none if it belongs to the store itself.
    pub(super) images: Vec<usize>,
    /// The digest it must have.
    pub(super) digest: Option<String>,
}

/// A layer, or an entry that nothing refers to.
pub(super) struct Blob {
    /// Where it lies.
    pub(super) entry: EntryId,
    /// The images and the positions among their layers that it is used at.
    pub(super) uses: Vec<(usize, usize)>,
    /// The digest it must have.
    pub(super) digest: Option<Expected>,
    /// Whether it has to be a tar: a manifest says so.
    pub(super) is_promised_tar: bool,
}

/// A digest that something promises of a blob.
#[derive(Clone)]
pub(super) enum Expected {
    /// Of the blob as it lies there.
    Packed(String),
    /// Of the layer when it is unpacked; legacy archives hold no other. Checked where the layer is not compressed.
    Unpacked(String),
}

impl Expected {
    /// The digest, as manifests write it.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Packed(digest) | Self::Unpacked(digest) => digest,
        }
    }
}
