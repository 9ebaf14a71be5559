//! Names for the images of one target.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::finding::escape;

/// Tags longer than this many characters are cut.
const LONGEST_TAG: usize = 200;

/// What an image is known by.
#[derive(Default)]
pub(super) struct Reference {
    /// The tag or whole reference that an index gives it.
    pub(super) tag: Option<String>,
    /// The digest of its manifest; in a legacy archive the one of its configuration.
    pub(super) digest: Option<String>,
    /// Nothing leads to its manifest, as builders leave them behind.
    pub(super) is_orphan: bool,
}

/// A name for each image, none twice: the target alone where there is one image, else with the tag, the digest, or both.
pub(super) fn name_images(target: &str, references: &[&Reference]) -> Vec<Arc<str>> {
    let is_only_one = references.iter().filter(|reference| !reference.is_orphan).count() == 1;
    let tags: Vec<Option<String>> =
        references.iter().map(|reference| reference.tag.as_deref().map(clean_tag)).collect();
    let mut uses: HashMap<&Option<String>, usize> = HashMap::new();
    for tag in &tags {
        *uses.entry(tag).or_default() += 1;
    }
    let mut taken = HashSet::new();
    let mut names = Vec::new();
    for (position, (reference, tag)) in references.iter().zip(&tags).enumerate() {
        let is_unique = uses.get(tag) == Some(&1);
        let digest = reference.digest.as_deref().map(clean_tag);
        let mut name = match (tag, digest) {
            _ if is_only_one && !reference.is_orphan => target.to_owned(),
            (Some(tag), _) if is_unique => format!("{target}#{tag}"),
            (Some(tag), Some(digest)) => format!("{target}#{tag}@{digest}"),
            (None, Some(digest)) => format!("{target}#{digest}"),
            (_, None) => format!("{target}#{position}"),
        };
        if !taken.insert(name.clone()) {
            name = format!("{name}~{position}");
            taken.insert(name.clone());
        }
        names.push(name.into());
    }
    names
}

/// A tag fit to stand behind a `#`: archives can hold any text as a tag.
fn clean_tag(tag: &str) -> String {
    let tag: String =
        tag.chars().take(LONGEST_TAG).map(|character| if character == '#' { '_' } else { character }).collect();
    escape(tag.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(references: &[(Option<&str>, Option<&str>, bool)], expected: &[&str]) {
        let references: Vec<Reference> = references
            .iter()
            .map(|(tag, digest, is_orphan)| Reference {
                tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
                is_orphan: *is_orphan,
            })
            .collect();
        assert_eq!(
            name_images("a.tar", &references.iter().collect::<Vec<_>>()),
            expected.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn names_are_as_short_as_they_can_be_and_never_the_same() {
        check(&[], &[]);
        check(&[(Some("v1"), Some("sha256:1"), false)], &["a.tar"]);
        check(&[(Some("v1"), None, false), (None, Some("sha256:1"), true)], &["a.tar", "a.tar#sha256:1"]);
        check(&[(Some("v1"), None, false), (Some("v2"), None, false)], &["a.tar#v1", "a.tar#v2"]);
        check(
            &[(Some("v1"), Some("sha256:1"), false), (Some("v1"), Some("sha256:2"), false)],
            &["a.tar#v1@sha256:1", "a.tar#v1@sha256:2"],
        );
        check(&[(None, Some("x"), false), (None, Some("x"), false)], &["a.tar#x", "a.tar#x~1"]);
        check(&[(Some("a#b\x1b"), None, false), (None, None, false)], &["a.tar#a_b\\u{1b}", "a.tar#1"]);
    }
}
