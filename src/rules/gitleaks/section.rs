//! Reads the tables of a configuration, and tells what is wrong with the line where it stands.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{AllowlistEntry, Placed, Problem, RequiredEntry, RuleEntry, Spot};

/// Tells lines from offsets.
pub(super) struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1));
        Self { file: file.into(), starts: starts.collect() }
    }

    pub(super) fn spot(&self, offset: usize) -> Spot {
        Spot { file: Arc::clone(&self.file), line: self.starts.partition_point(|start| *start <= offset).max(1) }
    }
}

/// A table, and where it begins.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    start: usize,
    lines: &'a Lines,
}

impl<'a> Section<'a> {
    /// That of a whole file.
    pub(super) fn whole(table: &'a DeTable<'a>, lines: &'a Lines) -> Self {
        Self { table, start: 0, lines }
    }

    /// The value of a key, whose name is given in lower case.
    fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(key, _)| key.get_ref().eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn wrong(&self, value: &Spanned<DeValue<'_>>, name: &str, wanted: &str) -> Problem {
        let spot = self.lines.spot(value.span().start);
        Problem { spot, rule: None, reason: format!("`{name}` must be {wanted}") }
    }

    fn placed(&self, value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
        let text = value.get_ref().as_str()?;
        Some(Placed { spot: self.lines.spot(value.span().start), value: text.to_owned() })
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<Placed<String>>, Problem> {
        let Some(value) = self.value(name) else { return Ok(None) };
        self.placed(value).map(Some).ok_or_else(|| self.wrong(value, name, "a string"))
    }

    /// Strings, of which one may stand alone.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<Placed<String>>, Problem> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let values = match value.get_ref() {
            DeValue::Array(values) => values.iter().map(|value| self.placed(value)).collect(),
            _ => self.placed(value).map(|text| vec![text]),
        };
        values.ok_or_else(|| self.wrong(value, name, "a list of strings"))
    }

    fn plain_texts(&self, name: &str) -> Result<Vec<String>, Problem> {
        Ok(self.texts(name)?.into_iter().map(|text| text.value).collect())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        let Some(value) = self.value(name) else { return Ok(false) };
        value.get_ref().as_bool().ok_or_else(|| self.wrong(value, name, "true or false"))
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let digits = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return Err(self.wrong(value, name, "a number")),
        };
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.wrong(value, name, "a number"))
    }

    fn count(&self, name: &str) -> Result<Option<usize>, Problem> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        number.map(Some).ok_or_else(|| self.wrong(value, name, "a whole number"))
    }

    /// Tables, of which one may stand alone.
    pub(super) fn sections(&self, name: &str) -> Result<Vec<Self>, Problem> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let section = |value: &'a Spanned<DeValue<'a>>| {
            let table = value.get_ref().as_table()?;
            Some(Self { table, start: value.span().start, lines: self.lines })
        };
        let sections = match value.get_ref() {
            DeValue::Array(values) => values.iter().map(section).collect(),
            _ => section(value).map(|section| vec![section]),
        };
        sections.ok_or_else(|| self.wrong(value, name, "a table"))
    }

    pub(super) fn rule(&self) -> Result<RuleEntry, Problem> {
        let spot = self.lines.spot(self.start);
        let Some(id) = self.text("id")?.map(|id| id.value).filter(|id| !id.trim().is_empty()) else {
            return Err(Problem { spot, rule: None, reason: "a rule without `id`".to_owned() });
        };
        let of_rule = |problem: Problem| Problem { rule: Some(id.clone()), ..problem };
        let entry = || {
            Ok(RuleEntry {
                id: id.clone(),
                description: self.text("description")?.map(|text| text.value),
                regex: self.text("regex")?.filter(|regex| !regex.value.is_empty()),
                path: self.text("path")?.filter(|path| !path.value.is_empty()),
                secret_group: self.count("secretgroup")?.unwrap_or_default(),
                entropy: self.number("entropy")?.filter(|entropy| *entropy > 0.0),
                keywords: self.plain_texts("keywords")?.iter().map(|word| word.to_lowercase()).collect(),
                skips_report: self.flag("skipreport")?,
                required: self.sections("required")?.iter().map(Self::required).collect::<Result<_, _>>()?,
                allowlists: self.allowlists()?,
                spot,
            })
        };
        entry().map_err(of_rule)
    }

    fn required(&self) -> Result<RequiredEntry, Problem> {
        let spot = self.lines.spot(self.start);
        let Some(id) = self.text("id")?.map(|id| id.value).filter(|id| !id.trim().is_empty()) else {
            return Err(Problem { spot, rule: None, reason: "`required` without `id`".to_owned() });
        };
        let (within_lines, within_columns) = (self.count("withinlines")?, self.count("withincolumns")?);
        Ok(RequiredEntry { spot, id, within_lines, within_columns })
    }

    /// The allowlists of a rule or a whole configuration, under the older name or the newer.
    pub(super) fn allowlists(&self) -> Result<Vec<AllowlistEntry>, Problem> {
        let sections = self.sections("allowlist")?.into_iter().chain(self.sections("allowlists")?);
        sections.map(|section| section.allowlist()).collect()
    }

    fn allowlist(&self) -> Result<AllowlistEntry, Problem> {
        let choice = |name: &str, choices: &[&str]| {
            let Some(text) = self.text(name)? else {
                return Ok(choices.first().copied().unwrap_or_default().to_owned());
            };
            let chosen = choices.iter().find(|choice| text.value.eq_ignore_ascii_case(choice));
            let named: Vec<&str> = choices.iter().copied().filter(|choice| !choice.is_empty()).collect();
            let reason = || format!("`{name}` must be one of `{}`", named.join("`, `"));
            let wrong = || Problem { spot: text.spot.clone(), rule: None, reason: reason() };
            chosen.map(|&choice| choice.to_owned()).ok_or_else(wrong)
        };
        Ok(AllowlistEntry {
            spot: self.lines.spot(self.start),
            description: self.text("description")?.map(|text| text.value),
            needs_all: matches!(choice("condition", &["OR", "AND", "||", "&&", ""])?.as_str(), "AND" | "&&"),
            commits: self.plain_texts("commits")?,
            paths: self.texts("paths")?,
            target: choice("regextarget", &["secret", "match", "line", ""])?,
            regexes: self.texts("regexes")?,
            stopwords: self.plain_texts("stopwords")?,
            rules: self.texts("targetrules")?,
        })
    }
}
