//! Names of settings, read as words: `SPRING_CLIENT_SECRET`, `spring.client-secret` and `springClientSecret` are the same.

use std::collections::HashMap;

use super::words::GENERIC;

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
}

impl Key {
    /// Splits a name at its separators and at the humps of camel case.
    pub(crate) fn parse(name: &[u8]) -> Self {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut previous = b' ';
        for (index, &byte) in name.iter().enumerate() {
            let next_is_lower = name.get(index + 1).is_some_and(u8::is_ascii_lowercase);
            let is_hump = byte.is_ascii_uppercase()
                && (previous.is_ascii_lowercase()
                    || previous.is_ascii_digit()
                    || (previous.is_ascii_uppercase() && next_is_lower));
            if (is_hump || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if byte.is_ascii_alphanumeric() {
                word.push(char::from(byte.to_ascii_lowercase()));
            }
            previous = byte;
        }
        if !word.is_empty() {
            words.push(word);
        }
        Self { words }
    }

    /// If the key ends with these words (qualifiers aside): how many of its own words stand before them.
    pub(crate) fn ends_with(&self, suffix: &[String]) -> Option<usize> {
        let mut words = self.words.as_slice();
        loop {
            if let Some(stem) = stem_before(words, suffix) {
                return Some(stem);
            }
            match words.split_last() {
                Some((last, rest)) if is_qualifier(last) => words = rest,
                _ => return None,
            }
        }
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

/// The keys that rules look for, so that a name is compared with all of them at once.
#[derive(Default)]
pub(crate) struct KeyIndex {
    /// The joined words of a key, and the rules that look for it.
    rules: HashMap<String, Vec<usize>>,
    longest: usize,
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
    /// Adds the keys of a rule.
    pub(crate) fn insert(&mut self, rule: usize, keys: &[Vec<String>]) {
        for key in keys {
            let joined = key.concat();
            self.longest = self.longest.max(joined.len());
            let rules = self.rules.entry(joined).or_default();
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
    }

    /// The rules whose key the name ends with, qualifiers aside; for each rule its longest key.
    pub(crate) fn matches(&self, name: &Key) -> Vec<KeyMatch> {
        let mut matches: Vec<KeyMatch> = Vec::new();
        let mut words = name.words.as_slice();
        loop {
            self.match_end(words, &mut matches);
            match words.split_last() {
                Some((last, rest)) if is_qualifier(last) && matches.is_empty() => words = rest,
                _ => break,
            }
        }
        matches.sort_unstable_by_key(|found| (found.rule, std::cmp::Reverse(found.length)));
        matches.dedup_by_key(|found| found.rule);
        matches
    }

    fn match_end(&self, words: &[String], matches: &mut Vec<KeyMatch>) {
        let joined = words.concat();
        let mut stem = words.len();
        let mut word_start = joined.len();
        for length in 1..=joined.len().min(self.longest) {
            let start = joined.len() - length;
            while start < word_start {
                stem -= 1;
                word_start -= words.get(stem).map_or(0, String::len);
            }
            // A short key at the end of a longer word is another word: `monkey` is no `key`.
            if start != word_start && length < SHORTEST_ENDING {
                continue;
            }
            if let Some(rules) = joined.get(start..).and_then(|ending| self.rules.get(ending)) {
                matches.extend(rules.iter().map(|rule| KeyMatch { rule: *rule, stem, length }));
            }
        }
    }
}

/// The words of a stem that tell what a setting belongs to: `google`, not `oauth`.
pub(crate) fn distinctive(stem: &[String]) -> Vec<&str> {
    let is_generic = |word: &str| GENERIC.split(' ').any(|generic| generic == word);
    stem.iter().map(String::as_str).filter(|word| !is_generic(word)).collect()
}

fn is_qualifier(word: &str) -> bool {
    QUALIFIERS.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit()) || word.len() == 1
}

/// Compares from the right, across the boundaries of words: `clientsecret` is one word in some files.
fn stem_before(words: &[String], suffix: &[String]) -> Option<usize> {
    let joined = suffix.concat();
    let mut tail = String::new();
    for (index, word) in words.iter().enumerate().rev() {
        tail.insert_str(0, word);
        if tail.len() >= joined.len() {
            let fits = tail == joined || (joined.len() >= SHORTEST_ENDING && tail.ends_with(&joined));
            return fits.then_some(index);
        }
        if !joined.ends_with(tail.as_str()) {
            return None;
        }
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
        let keys = ["client secret", "secret", "key", "api key"];
        let keys: Vec<Vec<String>> = keys.iter().map(|key| key.split(' ').map(str::to_owned).collect()).collect();
        let mut index = KeyIndex::default();
        for (rule, key) in keys.iter().enumerate() {
            index.insert(rule, std::slice::from_ref(key));
        }
        for name in [
            "ACME_CLIENT_SECRET",
            "acmeclientsecret_prod",
            "monkey",
            "monkeyApiKey",
            "apikey",
            "SECRET_1",
            "secrets",
            "",
        ] {
            let name = Key::parse(name.as_bytes());
            let found: Vec<(usize, usize)> =
                index.matches(&name).iter().map(|found| (found.rule, found.stem)).collect();
            let expected: Vec<(usize, usize)> =
                keys.iter().enumerate().filter_map(|(rule, key)| Some((rule, name.ends_with(key)?))).collect();
            assert_eq!(found, expected, "{name:?}");
        }
    }
}
