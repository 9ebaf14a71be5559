//! Names of settings, read as words: `SPRING_CLIENT_SECRET`, `spring.client-secret` and `springClientSecret` are the same.

use std::ops::Range;

use super::words::GENERIC;
use crate::rules::{Matcher, RuleSet};

/// Words that may follow the words of a key without changing what it holds.
const QUALIFIERS: &[&str] = &[
    "prod",
    "production",
    "dev",
    "development",
    "stage",
    "staging",
    "live",
    "sandbox",
    "test",
    "testing",
    "qa",
    "uat",
    "value",
    "string",
    "default",
    "old",
    "new",
    "current",
    "backup",
    "rotated",
    "previous",
    "primary",
    "secondary",
    "plain",
    "raw",
    "plaintext",
    "literal",
    "local",
    "main",
    "hex",
    "base64",
    "b64",
    "str",
];

/// The shortest key that may stand at the end of a longer word.
const SHORTEST_ENDING: usize = 5;

/// The words of a key, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    words: Vec<String>,
    /// How many of the last ones are qualifiers.
    qualifiers: usize,
}

impl Key {
    /// Splits a name at its separators and at the humps of camel case.
    pub(crate) fn parse(name: &[u8]) -> Self {
        let mut words: Vec<String> = Vec::new();
        for (index, byte) in name.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            if begins_word(name, index) {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(char::from(byte.to_ascii_lowercase()));
            }
        }
        let qualifiers = words.iter().rev().take_while(|word| is_qualifier(word.as_bytes())).count();
        Self { words, qualifiers }
    }

    /// If the key ends with these words (qualifiers aside): how many of its own words stand before them.
    pub(crate) fn ends_with(&self, suffix: &[String]) -> Option<usize> {
        let lengths = (0..=self.qualifiers).map(|dropped| self.words.len() - dropped);
        lengths.filter_map(|length| self.words.get(..length)).find_map(|words| stem_before(words, suffix))
    }

    /// The words before the last ones that named it: what it belongs to.
    pub(crate) fn stem(&self, length: usize) -> &[String] {
        self.words.get(..length).unwrap_or_default()
    }

    /// All words.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }
}

/// Whether a word begins here: behind a separator, or at a hump of camel case.
fn begins_word(name: &[u8], index: usize) -> bool {
    let Some(byte) = name.get(index).filter(|byte| byte.is_ascii_alphanumeric()) else { return false };
    let Some(previous) = index.checked_sub(1).and_then(|index| name.get(index)) else { return true };
    let next_is_lower = || name.get(index + 1).is_some_and(u8::is_ascii_lowercase);
    let is_hump = byte.is_ascii_uppercase()
        && (previous.is_ascii_lowercase()
            || previous.is_ascii_digit()
            || (previous.is_ascii_uppercase() && next_is_lower()));
    is_hump || !previous.is_ascii_alphanumeric()
}

/// Whether a name is a single word.
pub(crate) fn is_one_word(name: &[u8]) -> bool {
    (0..name.len()).filter(|index| begins_word(name, *index)).take(2).count() == 1
}

/// The keys that rules look for, so that a name is compared with all of them at once.
#[derive(Default)]
pub(crate) struct KeyIndex {
    endings: Endings,
    /// Keys of fewer than three characters, each with its end.
    shortest: Vec<(End, IndexedKey)>,
    /// The ends of keys of fewer than eight characters, ascending, and which bits of a name's last eight count.
    short_ends: Vec<End>,
    short: Vec<IndexedKey>,
    /// The ends of all others, ascending.
    long_ends: Vec<u64>,
    long: Vec<IndexedKey>,
}

/// The last three letters of keys and qualifiers: most names end otherwise.
#[derive(Default)]
struct Endings {
    /// A bit for each three letters.
    known: Vec<u64>,
}

impl Endings {
    const LETTERS: usize = 26;

    /// The number of three letters that are read backwards. `None` if there are fewer, or others.
    fn number(backwards: impl Iterator<Item = u8>) -> Option<usize> {
        let mut letters = backwards.map(|byte| usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a')));
        let mut next = || letters.next().filter(|letter| *letter < Self::LETTERS);
        Some((next()? * Self::LETTERS + next()?) * Self::LETTERS + next()?)
    }

    fn add(&mut self, backwards: impl ExactSizeIterator<Item = u8>) {
        self.known.resize(Self::LETTERS.pow(3).div_ceil(64), 0);
        if backwards.len() < 3 {
            // Before it stands anything.
            self.known.fill(u64::MAX);
        }
        if let Some(number) = Self::number(backwards)
            && let Some(bits) = self.known.get_mut(number / 64)
        {
            *bits |= 1 << (number % 64);
        }
    }

    /// Whether a key or qualifier may stand at the end of a name. Nothing is told of other endings than letters.
    fn may_end(&self, name: &[u8]) -> bool {
        let is_known = |number| self.known.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1);
        // `keyA` ends with a qualifier of one letter.
        let is_lettered =
            matches!(name, [.., before, last] if before.is_ascii_lowercase() && last.is_ascii_uppercase());
        is_lettered || Self::number(name.iter().rev().copied()).is_none_or(is_known)
    }
}

/// A key of a [`KeyIndex`].
struct IndexedKey {
    /// The joined words read backwards.
    backwards: Vec<u8>,
    /// The rules that look for it.
    rules: Vec<usize>,
}

/// The bits of the first three characters of an end.
const THREE: u64 = 0xff_ffff << 40;

/// The first eight of characters that are read backwards, the first one highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    end: u64,
    /// The bits that they fill.
    mask: u64,
}

impl End {
    /// Whether an end of eight characters has these.
    fn is_in(self, end: u64) -> bool {
        end & self.mask == self.end
    }
}

fn end_of(backwards: impl Iterator<Item = u8>) -> End {
    let add = |End { end, mask }: End, (place, byte): (u32, u8)| {
        let shift = 56 - 8 * place;
        End { end: end | u64::from(byte) << shift, mask: mask | 0xff << shift }
    };
    (0..8).zip(backwards).fold(End { end: 0, mask: 0 }, add)
}

/// Keys that rules look for, read backwards, one behind the other; each with its end, where its characters stand, and the rule.
#[derive(Default)]
struct Wanted {
    characters: Vec<u8>,
    keys: Vec<(End, Range<usize>, usize)>,
}

impl Wanted {
    /// Adds a key of a rule: its words, joined by whatever is no letter or digit.
    fn add(&mut self, words: &str, rule: usize) {
        let start = self.characters.len();
        self.characters.extend(words.bytes().rev().filter(u8::is_ascii_alphanumeric));
        let end = end_of(self.characters.iter().skip(start).copied());
        self.keys.push((end, start..self.characters.len(), rule));
    }
}

/// A rule whose key a name ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyMatch {
    /// The rule, by its place in the rule set.
    pub(crate) rule: usize,
    /// How many of the name's words stand before the key.
    pub(crate) stem: usize,
    /// Length of the key.
    pub(crate) length: usize,
}

impl KeyIndex {
    /// The keys that rules look for, and the names of vendors, whose keys stand under them alone, too.
    pub(crate) fn of_rules(rules: &RuleSet) -> Self {
        let mut wanted = Wanted::default();
        for (place, rule) in rules.rules.iter().enumerate() {
            match &rule.matcher {
                Matcher::Keys(keys) => {
                    for key in keys {
                        wanted.add(key, place);
                    }
                }
                Matcher::Vendor(key) => {
                    for name in key.names(&rule.anchors) {
                        wanted.add(name, place);
                    }
                }
                Matcher::Pattern(_) | Matcher::Scanner(_) | Matcher::File => {}
            }
        }
        Self::of(&wanted)
    }

    fn of(wanted: &Wanted) -> Self {
        let mut keys = Self::default();
        for qualifier in QUALIFIERS {
            keys.endings.add(qualifier.bytes().rev());
        }
        let characters = |range: &Range<usize>| wanted.characters.get(range.clone()).unwrap_or_default();
        let wanted = wanted.keys.iter().map(|(end, range, rule)| (end.end, characters(range), end.mask, *rule));
        let mut wanted: Vec<(u64, &[u8], u64, usize)> = wanted.collect();
        // As text read backwards, and so by their ends; these are enough to tell most apart. Rules of a key are in order.
        wanted.sort_unstable();
        for wanted in wanted.chunk_by(|(_, a, ..), (_, b, ..)| a == b) {
            let Some(&(end, backwards, mask, _)) = wanted.first() else { continue };
            let end = End { end, mask };
            let mut rules: Vec<usize> = wanted.iter().map(|(.., rule)| *rule).collect();
            rules.dedup();
            keys.endings.add(backwards.iter().copied());
            let key = IndexedKey { backwards: backwards.to_vec(), rules };
            if end.mask & THREE != THREE {
                keys.shortest.push((end, key));
            } else if end.mask == u64::MAX {
                keys.long_ends.push(end.end);
                keys.long.push(key);
            } else {
                keys.short_ends.push(end);
                keys.short.push(key);
            }
        }
        keys
    }

    /// The letters that follow a text in keys: a bit for each.
    pub(crate) fn letters_after(&self, text: &[u8]) -> u32 {
        let shortest = self.shortest.iter().map(|(_, key)| key);
        let keys = shortest.chain(&self.short).chain(&self.long);
        let backwards: Vec<u8> = text.iter().rev().copied().filter(u8::is_ascii_alphanumeric).collect();
        let finder = memchr::memmem::Finder::new(&backwards);
        let letters = keys.flat_map(|key| {
            let before = |place: usize| place.checked_sub(1).and_then(|place| key.backwards.get(place)).copied();
            finder.find_iter(&key.backwards).filter_map(before)
        });
        letters.filter(u8::is_ascii_lowercase).fold(0, |letters, letter| letters | 1 << (letter - b'a'))
    }

    /// The rules whose key the name ends with, qualifiers aside; for each rule its longest key.
    pub(crate) fn matches(&self, name: &[u8]) -> Vec<KeyMatch> {
        let mut matches: Vec<KeyMatch> = Vec::new();
        if !self.endings.may_end(name) {
            return matches;
        }
        let mut name = name;
        loop {
            self.match_end(name, &mut matches);
            match split_last_word(name) {
                Some((rest, last)) if matches.is_empty() && is_qualifier(last) => name = rest,
                _ => break,
            }
        }
        // The rules of one key are in order.
        if !matches.is_sorted_by_key(|found| found.rule) {
            matches.sort_unstable_by_key(|found| (found.rule, std::cmp::Reverse(found.length)));
        }
        matches.dedup_by_key(|found| found.rule);
        matches
    }

    /// The keys that end with the same eight characters as the name, or all of their own if they are shorter. `end` is that of the
    /// name.
    fn with_end(&self, end: u64) -> impl Iterator<Item = &IndexedKey> {
        let shortest = self.shortest.iter().filter(move |(key, _)| key.is_in(end)).map(|(_, key)| key);
        let first = self.short_ends.partition_point(|key| key.end & THREE < end & THREE);
        let short = self.short_ends.iter().zip(&self.short).skip(first);
        let short = short.take_while(move |(key, _)| key.end & THREE == end & THREE);
        let short = short.filter(move |(key, _)| key.is_in(end)).map(|(_, key)| key);
        let first = self.long_ends.partition_point(|key| *key < end);
        let long = self.long_ends.iter().zip(&self.long).skip(first);
        shortest.chain(short).chain(long.take_while(move |(key, _)| **key == end).map(|(_, key)| key))
    }

    /// Whether [`KeyIndex::matches`] gives anything.
    pub(crate) fn knows(&self, name: &[u8]) -> bool {
        if !self.endings.may_end(name) {
            return false;
        }
        let mut name = name;
        loop {
            if self.keys_at_end(name).next().is_some() {
                return true;
            }
            match split_last_word(name) {
                Some((rest, last)) if is_qualifier(last) => name = rest,
                _ => return false,
            }
        }
    }

    fn match_end(&self, name: &[u8], matches: &mut Vec<KeyMatch>) {
        for (IndexedKey { backwards, rules }, index) in self.keys_at_end(name) {
            let stem = (0..=index).filter(|index| begins_word(name, *index)).count().saturating_sub(1);
            matches.extend(rules.iter().map(|rule| KeyMatch { rule: *rule, stem, length: backwards.len() }));
        }
    }

    /// The keys that a name ends with, and where each begins.
    fn keys_at_end<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (&'a IndexedKey, usize)> {
        // The characters of the name from behind, and where they stand.
        let characters = || name.iter().enumerate().rev().filter(|(_, byte)| byte.is_ascii_alphanumeric());
        let End { end, .. } = end_of(characters().map(|(_, byte)| byte.to_ascii_lowercase()));
        self.with_end(end).filter_map(move |key| {
            let length = key.backwards.len();
            let (index, _) = characters().nth(length - 1)?;
            // The last eight characters are those of the key already.
            let rest = key.backwards.iter().zip(characters().map(|(_, byte)| byte.to_ascii_lowercase())).skip(8);
            let is_key = rest.into_iter().all(|(key, byte)| *key == byte);
            // A short key at the end of a longer word is another word: `monkey` is no `key`.
            (is_key && (length >= SHORTEST_ENDING || begins_word(name, index))).then_some((key, index))
        })
    }
}

/// The last word of a name, and what stands before it.
fn split_last_word(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = name.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    let start = (0..end).rev().find(|index| begins_word(name, *index))?;
    Some((name.get(..start)?, name.get(start..end)?))
}

/// The words of a stem that tell what a setting belongs to: `google`, not `oauth`.
pub(crate) fn distinctive(stem: &[String]) -> Vec<&str> {
    stem.iter().map(String::as_str).filter(|word| !GENERIC.contains(word)).collect()
}

fn is_qualifier(word: &[u8]) -> bool {
    word.len() == 1
        || word.strip_prefix(b"v").or(word.strip_prefix(b"V")).unwrap_or(word).iter().all(u8::is_ascii_digit)
        || QUALIFIERS.iter().any(|qualifier| qualifier.as_bytes().eq_ignore_ascii_case(word))
}

/// Compares from the right, across the boundaries of words: `clientsecret` is one word in some files.
fn stem_before(words: &[String], suffix: &[String]) -> Option<usize> {
    let length: usize = suffix.iter().map(String::len).sum();
    let mut rest = suffix.iter().rev().flat_map(|word| word.bytes().rev());
    let mut left = length;
    for (index, word) in words.iter().enumerate().rev() {
        if !word.bytes().rev().zip(&mut rest).all(|(own, wanted)| own == wanted) {
            return None;
        }
        if word.len() >= left {
            return (word.len() == left || length >= SHORTEST_ENDING).then_some(index);
        }
        left -= word.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("SPRING_CLIENT_SECRET", "spring client secret"),
            ("spring.oauth2.client-secret", "spring oauth2 client secret"),
            ("springClientSecret", "spring client secret"),
            ("AzureAd__ClientSecret", "azure ad client secret"),
            ("OAUTHClientID", "oauth client id"),
            ("oauth2ClientSecret", "oauth2 client secret"),
            ("", ""),
        ] {
            assert_eq!(Key::parse(name.as_bytes()).words.join(" "), expected, "{name}");
        }
    }

    #[test]
    fn keys_end_with_words() {
        let suffix = ["client".to_owned(), "secret".to_owned()];
        for (name, expected) in [
            ("CLIENT_SECRET", Some(0)),
            ("GOOGLE_CLIENT_SECRET", Some(1)),
            ("googleclientsecret", Some(0)),
            ("google_clientsecret", Some(1)),
            ("GOOGLE_CLIENT_SECRET_PROD", Some(1)),
            ("CLIENT_SECRET_2", Some(0)),
            ("CLIENT_SECRET_V2", Some(0)),
            ("CLIENT_SECRET_PATH", None),
            ("client_secrets", None),
            ("secret", None),
        ] {
            assert_eq!(Key::parse(name.as_bytes()).ends_with(&suffix), expected, "{name}");
        }
        assert_eq!(Key::parse(b"monkey").ends_with(&["key".to_owned()]), None);
    }

    #[test]
    fn an_index_finds_what_single_keys_find() {
        let keys = ["client secret", "secret", "key", "api key", "pw", "pin"];
        let mut wanted = Wanted::default();
        for (rule, key) in keys.iter().enumerate() {
            wanted.add(key, rule);
        }
        let index = KeyIndex::of(&wanted);
        let keys: Vec<Vec<String>> = keys.iter().map(|key| key.split(' ').map(str::to_owned).collect()).collect();
        for name in [
            "ACME_CLIENT_SECRET",
            "acmeclientsecret_prod",
            "monkey",
            "monkeyApiKey",
            "apikey",
            "SECRET_1",
            "secretA",
            "secret_b",
            "secretv2",
            "secret_qa",
            "secrets",
            "DB_PW",
            "wpw",
            "pin",
            "spin",
            "",
        ] {
            let found: Vec<(usize, usize)> =
                index.matches(name.as_bytes()).iter().map(|found| (found.rule, found.stem)).collect();
            let expected: Vec<(usize, usize)> = keys
                .iter()
                .enumerate()
                .filter_map(|(rule, key)| Some((rule, Key::parse(name.as_bytes()).ends_with(key)?)))
                .collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}
