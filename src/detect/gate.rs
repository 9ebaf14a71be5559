//! [`Gate`]: the little of a rule that tells most values not to be its own. A name may be one that a hundred rules look for, most of
//! them only where their provider is spoken of, so that this must cost next to nothing for each.

use crate::rules::Rule;

/// What is asked of a value before anything else of its rule is looked at.
#[derive(Clone, Copy)]
pub(super) struct Gate {
    /// The least length of a value in bytes.
    pub(super) shortest: usize,
    /// The greatest.
    longest: usize,
    /// Whether the rule refuses some names.
    pub(super) has_exceptions: bool,
}

impl Gate {
    /// No value passes.
    pub(super) const CLOSED: Self = Self { shortest: usize::MAX, longest: 0, has_exceptions: false };

    /// That of a rule.
    pub(super) fn of(rule: &Rule) -> Self {
        let (shortest, longest) = rule.lengths;
        Self { shortest, longest: longest.unwrap_or(usize::MAX), has_exceptions: rule.has_exceptions }
    }

    /// Whether a value may be the rule's.
    pub(super) fn admits(self, value: &[u8]) -> bool {
        (self.shortest..=self.longest).contains(&value.len())
    }
}
