//! Whose key it is, where only a name some way before it or the vendor's host beside it tells: the rules for vendors whose keys
//! have no shape of their own.
//!
//! Their words are many and stand in most sources, so they are looked for only where a rule of no provider has found a value.

use std::ops::Range;
use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt as _, HashSet};
use regex::bytes::Regex;

use super::judge::{Judge, Match, OF_PATTERN, OF_SCANNER, Raw};
use super::key::Key;
use super::words::PROVIDERS_LIKE_WORDS;
use super::{Detector, block, randomness};
use crate::finding::{Confidence, Kind};
use crate::rules::{Matcher, Rule, RuleSet};

/// How far from a value a host tells whose it is: a few lines of a program.
const REACH_OF_HOSTS: usize = 360;

/// So many names of a host are looked up, each without the first part of the one before.
const DEEPEST_HOST: usize = 6;

/// How many bytes of a word it is looked up by: no word has fewer.
const HEAD: usize = 3;

/// By their first bytes, in lower case: words, each with the place of its rule in the rule set.
type Words = HashMap<[u8; HEAD], Vec<(Box<[u8]>, usize)>>;

/// A bit for a hash of each head: most bytes of a text begin no word.
struct Heads(Box<[u64; 1 << (Heads::BITS - 6)]>);

impl Heads {
    const BITS: u32 = 14;

    fn new() -> Self {
        Self(Box::new([0; 1 << (Self::BITS - 6)]))
    }

    fn hash([first, second, third]: [u8; HEAD]) -> usize {
        let head = u32::from_le_bytes([first, second, third, 0]);
        (head.wrapping_mul(0x9e37_79b1) >> (32 - Self::BITS)) as usize
    }

    fn add(&mut self, head: [u8; HEAD]) {
        let hash = Self::hash(head);
        self.0[hash >> 6] |= 1 << (hash & 63);
    }

    fn may_hold(&self, head: [u8; HEAD]) -> bool {
        let hash = Self::hash(head);
        self.0[hash >> 6] >> (hash & 63) & 1 == 1
    }
}

/// The words and hosts of all vendors.
pub(super) struct Vendors {
    words: Words,
    heads: Heads,
    /// How far before a value a word of one may stand.
    reach: usize,
    /// The rules of each host. Told when the first name with a dot stands beside a value.
    hosts: OnceLock<HashMap<String, Vec<usize>>>,
    /// The names of all providers that are no words of programs.
    providers: HashSet<String>,
}

impl Vendors {
    pub(super) fn new(rules: &RuleSet) -> Self {
        let is_telling = |name: &str| name.len() >= 4 && !PROVIDERS_LIKE_WORDS.contains(name);
        let providers = rules.rules.iter().map(|rule| rule.provider.replace('-', ""));
        let providers = providers.filter(|name| is_telling(name)).collect();
        let (mut words, mut heads) = (Words::new(), Heads::new());
        let mut reach = 0;
        for (index, rule) in of_vendors(rules) {
            reach = reach.max(rule.window.after);
            for word in &rule.anchors {
                let word = word.to_ascii_lowercase().into_bytes();
                if let Some(head) = word.first_chunk() {
                    heads.add(*head);
                    words.entry(*head).or_default().push((word.into(), index));
                }
            }
        }
        Self { words, heads, reach, hosts: OnceLock::new(), providers }
    }

    fn hosts(&self, rules: &RuleSet) -> &HashMap<String, Vec<usize>> {
        self.hosts.get_or_init(|| {
            let mut hosts: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, rule) in of_vendors(rules) {
                for host in &rule.hosts {
                    hosts.entry(host.strip_prefix("*.").unwrap_or(host).to_owned()).or_default().push(index);
                }
            }
            hosts
        })
    }

    /// Whether a name, or that of an object or section around it, says whose it is: `FIXER_KEY`, `raygun: { key: … }`.
    fn is_named(&self, bytes: &[u8], start: usize, stem: &[String]) -> bool {
        let is_provider = |words: &[String]| {
            words.iter().any(|word| self.providers.contains(word)) || self.providers.contains(&words.concat())
        };
        let least = start.saturating_sub(REACH_OF_HOSTS);
        is_provider(stem)
            || block::ancestors(bytes, start, least)
                .chain(block::openers(bytes, start, least).take(4))
                .chain(block::section(bytes, start, least))
                .any(|name| bytes.get(name).is_some_and(|text| is_provider(Key::parse(text).words())))
    }

    /// The rules whose words stand before a value, with where they do; the nearest first.
    fn before(&self, bytes: &[u8], span: &Range<usize>) -> Vec<(usize, usize)> {
        let least = span.start.saturating_sub(self.reach);
        let before = bytes.get(least..span.start).unwrap_or_default();
        let before = before.to_ascii_lowercase();
        let mut found = Vec::new();
        let heads = before
            .windows(HEAD)
            .filter_map(|head| head.first_chunk().copied())
            .enumerate()
            .filter(|(_, head)| self.heads.may_hold(*head));
        for (start, head) in heads {
            let rest = before.get(start..).unwrap_or_default();
            let words = self.words.get(&head).into_iter().flatten();
            let words = words.filter(|(word, _)| rest.starts_with(word));
            found.extend(words.map(|(_, rule)| (least + start, *rule)));
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }

    /// The rules whose hosts stand beside a value, the nearest first.
    fn beside(&self, rules: &RuleSet, bytes: &[u8], span: &Range<usize>) -> Vec<usize> {
        let least = span.start.saturating_sub(REACH_OF_HOSTS);
        let around = bytes.get(least..span.end.saturating_add(REACH_OF_HOSTS).min(bytes.len())).unwrap_or_default();
        let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut position = least;
        for name in around.split(|byte| !is_of_host(byte)) {
            let distance = span.start.abs_diff(position);
            position += name.len() + 1;
            if !name.contains(&b'.') {
                continue;
            }
            let mut name = std::str::from_utf8(name).unwrap_or_default();
            // A host, and those that it is below.
            for _ in 0..DEEPEST_HOST {
                let Some((_, parent)) = name.split_once('.') else { break };
                found.extend(self.hosts(rules).get(name).into_iter().flatten().map(|rule| (distance, *rule)));
                name = parent;
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, rule)| rule).collect()
    }
}

fn of_vendors(rules: &RuleSet) -> impl Iterator<Item = (usize, &Rule)> {
    let rules = rules.rules.iter().map(AsRef::as_ref).enumerate();
    rules.filter(|(_, rule)| matches!(rule.matcher, Matcher::Vendor(_)))
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
            let Some(value) = bytes.get(span.clone()) else { continue };
            let mut keep = |index: usize| {
                let raw = Raw::literal(span.clone(), value.into(), OF_PATTERN);
                self.rules.rules.get(index).is_some_and(|rule| judge.keep(index, rule, raw))
            };
            let is_found = |start: usize, index: usize| {
                self.pattern(index)
                    .is_some_and(|pattern| pattern.find(bytes, start).into_iter().any(|found| found.secret == span))
            };
            let has_form = |index: usize| {
                let whole = |form: &Regex| form.find(value).is_some_and(|found| found.len() == value.len());
                self.value_pattern(index).is_some_and(whole)
            };
            let is_named =
                vendors.before(bytes, &span).into_iter().any(|(start, index)| is_found(start, index) && keep(index));
            if !is_named {
                let _ =
                    vendors.beside(&self.rules, bytes, &span).into_iter().any(|index| has_form(index) && keep(index));
            }
        }
        let Some(vendors) = self.vendors.get() else { return };
        let is_low = |found: &&mut Match| {
            found.confidence == Confidence::Low
                && is_nameless(found.rule)
                && randomness::is_random(found.secret.expose())
        };
        for found in judge.matches.iter_mut().filter(is_low) {
            if vendors.is_named(bytes, found.whole.start, &found.stem) {
                found.confidence = Confidence::Medium;
            }
        }
    }
}
