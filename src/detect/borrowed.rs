//! What configurations of gitleaks have a say in: which rule speaks for the same bytes, and what allowlists say of the content.

use std::ops::Range;

use super::filter::Filter;
use super::judge::{Judge, Match};
use super::{Detector, allow, overlap};
use crate::finding::Confidence;
use crate::rules::{Content, Rule, VerifyMethod};

impl Detector {
    /// Settles what rules that were written for gitleaks have found where rules of ours speak for the same bytes. One of ours that
    /// tells whom to ask about them comes first; one that is not sure comes last, because it would not be reported.
    pub(super) fn give_way(&self, judge: &mut Judge<'_>) {
        let rule_of = |found: &Match| self.rules.rules.get(found.rule);
        let is_borrowed = |found: &Match| rule_of(found).is_some_and(|rule| rule.borrowed.is_some());
        if !judge.matches.iter().any(is_borrowed) {
            return;
        }
        let is_sure = |found: &Match| found.confidence > Confidence::Low;
        let can_ask = |found: &Match| rule_of(found).is_some_and(|rule| rule.verify.method != VerifyMethod::None);
        let spans = |of: &dyn Fn(&Match) -> bool| {
            overlap::joined(judge.matches.iter().filter(|found| of(found)).map(|found| found.span.clone()).collect())
        };
        let asking = spans(&|found| can_ask(found) && is_sure(found));
        let borrowed = spans(&|found| is_borrowed(found) && !overlap::has(&asking, &found.span));
        for found in judge.take() {
            let gives_way = if is_borrowed(&found) {
                overlap::has(&asking, &found.span)
            } else {
                !is_sure(&found) && overlap::has(&borrowed, &found.span)
            };
            match rule_of(&found) {
                Some(rule) if gives_way => judge.refuse(rule, found.span, Filter::Outranked),
                _ => judge.matches.push(found),
            }
        }
    }

    /// The allowlists that the content of a secret agrees with.
    pub(super) fn agreeing(
        &self,
        bytes: &[u8],
        rule: &Rule,
        secret: &[u8],
        span: &Range<usize>,
        whole: &Range<usize>,
    ) -> Vec<usize> {
        let allowlists = &self.rules.allowlists;
        if allowlists.is_empty() {
            return Vec::new();
        }
        let matched = bytes.get(whole.clone()).unwrap_or_default();
        let lines = bytes.get(allow::lines(bytes, span)).unwrap_or_default();
        allowlists.agreeing(&Content { rule: &rule.id, secret, matched, lines })
    }
}
