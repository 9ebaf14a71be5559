//! Whose key it is, where only a name some way before it tells: the rules for vendors whose keys have no shape of their own.
//!
//! Their words are many and stand in most sources, so they are looked for only where a rule of no provider has found a value.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::Detector;
use super::judge::{Judge, OF_PATTERN, OF_SCANNER, Raw};
use super::words::any_of;
use crate::finding::Kind;
use crate::rules::{Matcher, RuleSet};

/// The words of all vendors.
pub(super) struct Vendors {
    words: AhoCorasick,
    /// The rule of each word, by its place in the rule set.
    rules: Vec<usize>,
    /// How far before a value a word of one may stand.
    reach: usize,
}

impl Vendors {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let of_vendors = rules.rules.iter().enumerate().filter(|(_, rule)| matches!(rule.matcher, Matcher::Vendor(_)));
        let reach = of_vendors.clone().map(|(_, rule)| rule.window.after).max().unwrap_or_default();
        let words = of_vendors.flat_map(|(index, rule)| rule.anchors.iter().map(move |word| (index, word.as_str())));
        let (rules, words): (Vec<usize>, Vec<&str>) = words.unzip();
        Self { words: any_of(words), rules, reach }
    }
}

impl Detector {
    /// Adds, to what rules of no provider have found, the same in the name of the vendor that it follows.
    pub(super) fn name_vendors(&self, bytes: &[u8], judge: &mut Judge<'_>) {
        let is_nameless = |rule: usize| self.rules.rules.get(rule).is_some_and(|rule| rule.provider == "generic");
        let may_be_named =
            |kind| !matches!(kind, Kind::Jwt | Kind::PrivateKey | Kind::SessionCookie | Kind::WebhookUrl);
        let nameless = judge.matches.iter().filter(|found| {
            is_nameless(found.rule)
                && may_be_named(found.kind)
                && found.token.is_none()
                && found.rank().specificity < OF_SCANNER
        });
        let spans: Vec<Range<usize>> = nameless.map(|found| found.span.clone()).collect();
        for span in spans {
            let vendors = self.vendors.get_or_init(|| Vendors::new(&self.rules));
            let least = span.start.saturating_sub(vendors.reach);
            let before = bytes.get(least..span.start).unwrap_or_default();
            let mut words: Vec<(usize, usize)> = vendors
                .words
                .find_overlapping_iter(before)
                .filter_map(|word| Some((least + word.start(), *vendors.rules.get(word.pattern().as_usize())?)))
                .collect();
            // The nearest name counts.
            words.sort_unstable_by(|a, b| b.cmp(a));
            for (start, index) in words {
                let (Some(rule), Some(pattern)) = (self.rules.rules.get(index), self.pattern(index)) else { continue };
                let found = pattern.find(bytes, start).into_iter().find(|found| found.secret == span);
                let Some(text) = found.and_then(|_| bytes.get(span.clone())) else { continue };
                if judge.keep(index, rule, Raw::literal(span.clone(), text.into(), OF_PATTERN)) {
                    break;
                }
            }
        }
    }
}
