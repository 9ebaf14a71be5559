//! How well two things fit together: by what their names and those of the objects around them say, and by their distance.

use std::ops::Range;

use super::REACH;
use crate::detect::block;
use crate::detect::key::{Key, distinctive};
use crate::detect::words::CONTAINERS;
use crate::finding::Pairing;

/// Where something stands, as names tell it.
pub(super) struct Standpoint<'a> {
    /// The words of its own name that stand before those which tell what it is.
    pub(super) stem: &'a [String],
    /// `None` if nobody has looked.
    pub(super) around: Option<&'a Surroundings>,
}

/// So many braces around something are looked at: more are not written by people.
const DEEPEST: usize = 32;

/// The named objects and sections around something.
pub(super) struct Surroundings {
    /// The outermost first.
    scopes: Vec<Scope>,
    /// How far back they were looked for.
    least: usize,
}

/// A named object or section.
struct Scope {
    /// Where its name begins: the same for everything in it.
    start: usize,
    words: Vec<String>,
}

/// How badly a companion fits: compared in the order of the fields, less fits better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Misfit {
    names: Kinship,
    tree: Distance,
    is_outside_block: bool,
    lines: u64,
    /// Whether the names are alike because they say something, rather than nothing.
    is_named: bool,
}

/// What names say of each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kinship {
    /// The same.
    Same,
    /// Something in common, or nothing against it.
    Possible,
}

/// How two things stand to each other in the tree of objects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// In the same objects.
    None,
    /// The companion stands in an object that the other is in as well, further in.
    Outer,
    /// The companion stands in an object within that of the other.
    Inner,
    /// In different ones.
    Apart,
}

impl Surroundings {
    /// Those of a position.
    pub(super) fn new(bytes: &[u8], position: usize) -> Self {
        let mut least = position.saturating_sub(REACH);
        let mut names: Vec<Range<usize>> = block::openers(bytes, position, least).take(DEEPEST).collect();
        if let (DEEPEST, Some(outermost)) = (names.len(), names.last()) {
            least = outermost.start;
        }
        names.extend(block::ancestors(bytes, position, least));
        // An element that begins right before it is its own.
        let holds_more =
            |tag: &Range<usize>| bytes.get(tag.end..position).is_some_and(|between| !between.trim_ascii().is_empty());
        let elements = block::elements(bytes, position, least, position.saturating_add(REACH));
        names.extend(elements.filter(holds_more).take(DEEPEST));
        names.extend(block::section(bytes, position, least));
        let scope = |name: Range<usize>| {
            let text = bytes.get(name.clone()).unwrap_or_default();
            Scope { start: name.start + (text.len() - text.trim_ascii_start().len()), words: words_of_name(text) }
        };
        let mut scopes: Vec<Scope> = names.into_iter().map(scope).collect();
        // An object of JSON is opened by a line that stands further out as well: it counts once.
        scopes.sort_by_key(|scope| scope.start);
        scopes.dedup_by_key(|scope| scope.start);
        Self { scopes, least }
    }

    /// The scopes from a position on.
    fn from(&self, least: usize) -> &[Scope] {
        self.scopes.get(self.scopes.partition_point(|scope| scope.start < least)..).unwrap_or_default()
    }
}

impl Standpoint<'_> {
    /// That of something about which no name says anything.
    pub(super) const UNKNOWN: Self = Self { stem: &[], around: None };

    /// The scopes of both that they do not share.
    fn apart<'a>(&'a self, other: &'a Self) -> (&'a [Scope], &'a [Scope]) {
        let (Some(mine), Some(others)) = (self.around, other.around) else { return (&[], &[]) };
        let least = mine.least.max(others.least);
        let (mine, others) = (mine.from(least), others.from(least));
        let shared = mine.iter().zip(others).take_while(|(a, b)| a.start == b.start).count();
        (mine.get(shared..).unwrap_or_default(), others.get(shared..).unwrap_or_default())
    }
}

impl Kinship {
    /// What the words of two names say of each other. `None` if they say that they belong to different things.
    pub(super) fn of<T: PartialEq>(mine: &[T], others: &[T]) -> Option<Self> {
        if mine == others {
            return Some(Self::Same);
        }
        let is_possible = mine.is_empty() || others.is_empty() || others.iter().any(|word| mine.contains(word));
        is_possible.then_some(Self::Possible)
    }
}

impl Misfit {
    /// How badly something fits that stands so many lines away. `None` if names say that it belongs to something else.
    pub(super) fn new(
        own: &Standpoint<'_>,
        other: &Standpoint<'_>,
        is_outside_block: bool,
        lines: u64,
    ) -> Option<Self> {
        let (mine, others) = own.apart(other);
        let tree = match (mine, others) {
            ([], []) => Distance::None,
            (_, []) => Distance::Outer,
            ([], _) => Distance::Inner,
            _ => Distance::Apart,
        };
        let (mine, others) = (words(own.stem, mine), words(other.stem, others));
        let names = Kinship::of(&mine, &others)?;
        let is_named = !mine.is_empty() && !others.is_empty();
        Some(Self { names, tree, is_outside_block, lines, is_named })
    }

    /// What joins the two.
    pub(super) fn pairing(self) -> Pairing {
        match self {
            Self { tree: Distance::None, is_named: true, .. } => Pairing::Name,
            Self { is_outside_block: false, .. } => Pairing::Block,
            Self { tree: Distance::Outer | Distance::Inner, .. } | Self { is_named: true, .. } => Pairing::Tree,
            _ => Pairing::Distance,
        }
    }
}

/// What the names of something and of all that it stands in tell that is not generic.
pub(super) fn names(stem: &[String], around: Option<&Surroundings>) -> Vec<String> {
    let scopes = around.map(|around| around.scopes.as_slice()).unwrap_or_default();
    words(stem, scopes).into_iter().map(str::to_owned).collect()
}

/// What a stem and the names of objects tell that is not generic.
fn words<'a>(stem: &'a [String], scopes: &'a [Scope]) -> Vec<&'a str> {
    let of_scopes = scopes.iter().flat_map(|scope| distinctive(&scope.words)).filter(|word| !CONTAINERS.contains(word));
    let mut words: Vec<&str> = of_scopes.chain(distinctive(stem)).collect();
    words.dedup();
    words
}

/// The words of the name in what opens an object or section: `okta:`, `"okta": {`, `provider "okta" {`, `[oauth.okta]`. None if that is
/// no name: a line of a program.
fn words_of_name(text: &[u8]) -> Vec<String> {
    let text = text.trim_ascii();
    if let Some(words) = words_of_tag(text) {
        return words;
    }
    let text = text.strip_prefix(b"- ").unwrap_or(text);
    let is_section = text.starts_with(b"[") && text.ends_with(b"]");
    let name = text.trim_ascii_end();
    let end = name.iter().rposition(|byte| !b":={[( \t".contains(byte)).map_or(0, |last| last + 1);
    let (name, opens) = name.split_at(end);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./\"' []".contains(byte);
    let mut tokens = name.split(u8::is_ascii_whitespace);
    let first = tokens.next().unwrap_or_default();
    let others_are_quoted = tokens.all(|token| token.starts_with(b"\""));
    let has_separator = opens.contains(&b':') || opens.contains(&b'=') || first.len() < name.len();
    let is_name = name.iter().all(is_plain) && (is_section || (others_are_quoted && has_separator));
    if is_name { Key::parse(name).words().to_vec() } else { Vec::new() }
}

/// The words of an element's tag, and of the attribute that names it: `client name="okta"`, with or without its bracket.
fn words_of_tag(text: &[u8]) -> Option<Vec<String>> {
    let is_bracketed = text.starts_with(b"<");
    let tag = text.strip_prefix(b"<").unwrap_or(text).split(|byte| *byte == b'>').next()?;
    let mut parts = tag.split(u8::is_ascii_whitespace);
    let name = parts.next()?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.-".contains(byte);
    let named = parts.find_map(|part| {
        let value = [&b"name="[..], b"id=", b"key="].iter().find_map(|attribute| part.strip_prefix(*attribute))?;
        Some(value)
    });
    if name.is_empty() || !name.iter().all(is_name) || !(is_bracketed || named.is_some()) {
        return None;
    }
    let mut words = Key::parse(name).words().to_vec();
    words.extend(named.map(|value| Key::parse(value).words().to_vec()).unwrap_or_default());
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects() {
        for (text, expected) in [
            ("okta:", "okta"),
            ("  - keyCloak:", "key cloak"),
            ("\"my-app\": ", "my app"),
            ("provider \"okta\" {", "provider okta"),
            ("config = ", "config"),
            ("[oauth.google]", "oauth google"),
            ("[oauth \"google\"]", "oauth google"),
            ("return ", ""),
            ("def login(self):", ""),
            ("class Okta:", ""),
            ("const okta = {", ""),
            ("<client name=\"okta\">", "client okta"),
            ("client id='my-app'", "client my app"),
            ("<keyCloak>", "key cloak"),
            ("", ""),
        ] {
            assert_eq!(words_of_name(text.as_bytes()).join(" "), expected, "{text}");
        }
    }
}
