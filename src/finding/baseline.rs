//! [`Baseline`]: the findings that are known and accepted.

use std::collections::HashSet;

use super::{Finding, Fingerprint};

/// A set of finding ids.
#[derive(Debug, Default)]
pub struct Baseline(HashSet<Fingerprint>);

impl Baseline {
    /// Every id that stands anywhere in the text: an earlier report in any format, or a list with comments, is a baseline.
    pub fn parse(text: &[u8]) -> Self {
        let ids = memchr::memmem::find_iter(text, "rsc1_").filter_map(|start| {
            let id = text.get(start..start + "rsc1_".len() + 32)?;
            Fingerprint::parse(std::str::from_utf8(id).ok()?)
        });
        Self(ids.collect())
    }

    /// Adds ids that are accepted as well.
    pub fn extend(&mut self, ids: impl IntoIterator<Item = Fingerprint>) {
        self.0.extend(ids);
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the known findings out. Returns how many there were, and the ids that no finding has any more.
    pub fn suppress(mut self, findings: &mut Vec<Finding>) -> (u64, Vec<Fingerprint>) {
        let before = findings.len();
        let known = std::mem::take(&mut self.0);
        let mut stale = known.clone();
        findings.retain(|finding| {
            stale.remove(&finding.id);
            !known.contains(&finding.id)
        });
        let mut stale: Vec<Fingerprint> = stale.into_iter().collect();
        stale.sort_unstable();
        ((before - findings.len()) as u64, stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_any_text() {
        let id = "rsc1_0123456789abcdef0123456789abcdef";
        for (text, expected) in [
            (String::new(), 0),
            (format!("# accepted\n{id} # why\n"), 1),
            (format!(r#"{{"type":"finding","id":"{id}"}}{{"id":"{id}"}}"#), 1),
            ("rsc1_0123456789abcdef".to_owned(), 0),
            ("rsc1_0123456789ABCDEF0123456789abcdef".to_owned(), 0),
        ] {
            assert_eq!(Baseline::parse(text.as_bytes()).len(), expected, "{text}");
        }
    }
}
