//! [`Diagnostic`]: something that could not be scanned, told instead of passed over.

/// A place and what is wrong with it. Holds no content of the place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Stable name of the sort of trouble: `unreadable-file`, `missing-object`, `truncated-layer` …
    pub code: &'static str,
    /// Where: a path, an object id, a layer; fit to show.
    pub place: String,
    /// What is wrong, as a clause without a full stop.
    pub reason: String,
    /// Whether something was left unscanned, which makes the scan incomplete.
    pub gap: bool,
}

impl Diagnostic {
    /// Something was left unscanned: the scan is incomplete.
    pub fn gap(code: &'static str, place: impl Into<String>, reason: impl ToString) -> Self {
        Self { code, place: place.into(), reason: reason.to_string(), gap: true }
    }

    /// Everything was scanned, but the reader of the report should know.
    pub fn note(code: &'static str, place: impl Into<String>, reason: impl ToString) -> Self {
        Self { code, place: place.into(), reason: reason.to_string(), gap: false }
    }
}
