//! Rules as data: `rules/*.toml`, compiled into the binary, and the operator's own.

/// One rule.
pub struct Rule {
    /// Unique name in kebab case.
    pub id: String,
    /// Name of its provider, or `generic`.
    pub provider: String,
    /// What it finds, in words.
    pub title: String,
}

/// All rules of a run.
#[derive(Default)]
pub struct RuleSet {
    /// The rules, in the order they were loaded.
    pub rules: Vec<std::sync::Arc<Rule>>,
}
