//! Whether the words that a rule asks for stand where they say something about a name.
//!
//! A file may hold the settings of many providers, so that mere nearness would mistake one for another. What counts is the
//! block that the name stands in and what that block is part of; and where the name itself tells what it belongs to
//! (`OKTA_CLIENT_SECRET`), only the lines of the block that speak of the same.

use std::ops::Range;

use super::block;
use super::key::distinctive;
use crate::rules::Rule;

/// Whether one of the rule's words stands in the context of a name with that stem. True for a rule without such words. What the
/// value holds does not count: random characters spell `okta` too.
pub(super) fn is_near(bytes: &[u8], rule: &Rule, name: &Range<usize>, value: &Range<usize>, stem: &[String]) -> bool {
    if rule.near.is_empty() {
        return true;
    }
    let window =
        name.start.saturating_sub(rule.window.before)..name.end.saturating_add(rule.window.after).min(bytes.len());
    let block = block::around(bytes, name, &window);
    let first = block::line_start(bytes, block.start, window.start);
    let stem = distinctive(stem);
    let mut text = bytes.get(first..block.end).unwrap_or_default().to_ascii_lowercase();
    let own = value.start.saturating_sub(first)..value.end.saturating_sub(first).min(text.len());
    let own = text.get_mut(own).unwrap_or_default();
    own.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = 0);
    let speaks = |line: &[u8]| stem.is_empty() || stem.iter().any(|word| contains(line, word));
    if text.split(|byte| *byte == b'\n').any(|line| speaks(line) && rule.near.iter().any(|word| contains(line, word))) {
        return true;
    }
    block::ancestors(bytes, name.start, window.start).any(|line| {
        let line = bytes.get(line).unwrap_or_default().to_ascii_lowercase();
        rule.near.iter().any(|word| contains(&line, word))
    })
}

fn contains(text: &[u8], word: &str) -> bool {
    memchr::memmem::find(text, word.as_bytes()).is_some()
}

/// Whether one of the rule's words stands in the names around a name with that stem: in the stem, in the object or section that the
/// name stands in, and in those around it. True for a rule without such words.
pub(super) fn is_under(bytes: &[u8], rule: &Rule, name: &Range<usize>, stem: &[String]) -> bool {
    if rule.under.is_empty() || stem.iter().any(|word| rule.under.iter().any(|under| word.contains(under.as_str()))) {
        return true;
    }
    let least = name.start.saturating_sub(rule.window.before);
    let speaks = |text: Range<usize>| {
        let text = bytes.get(text).unwrap_or_default().to_ascii_lowercase();
        rule.under.iter().any(|word| contains(&text, word))
    };
    block::ancestors(bytes, name.start, least).any(speaks)
        || block::openers(bytes, name.start, least).any(speaks)
        || block::section(bytes, name.start, least).is_some_and(speaks)
}
