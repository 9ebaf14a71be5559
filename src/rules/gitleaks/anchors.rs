//! Where to look for the matches of an expression: literals of which every match holds one, and how far it reaches around them.
//!
//! A rule of gitleaks is tried on whole files once a keyword stands anywhere in them. Ours are tried around anchors. Where every
//! match holds one of a few literals, those are the anchors, and nothing is missed. Where that cannot be told, the keywords
//! are, and matches are looked for some kilobytes around them.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::rules::schema::{LARGEST_WINDOW, SHORTEST_ANCHOR};
use crate::rules::{self, Window};

/// How far from a keyword that is no part of the match a match may stand, in bytes.
const AROUND_KEYWORD: usize = 4096;

/// How much a repetition without end is taken to span: of anything, and of white space.
const ENDLESS: usize = 8192;
const ENDLESS_SPACE: usize = 256;

/// No more different literals are looked for.
const MOST_LITERALS: usize = 256;

/// Longer literals tell no more.
const LONGEST_LITERAL: usize = 32;

/// The anchors of a rule, in lower case, and how far its matches reach around them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Anchors {
    pub(super) texts: Vec<String>,
    pub(super) window: Window,
    /// Whether some keywords, or some of the literals, are too short to be looked for: what holds no other is not found.
    pub(super) are_partial: bool,
}

/// The anchors of an expression in our syntax whose rule has these keywords, in lower case. `None` if there is nothing to look
/// for.
pub(super) fn of(expression: &str, keywords: &[String]) -> Option<Anchors> {
    let hir = rules::parse(expression).ok()?;
    let node = Node::of(&hir, keywords);
    let best = node.best(keywords).filter(|literals| literals.shortest() >= SHORTEST_ANCHOR);
    let keywords_long_enough: Vec<String> =
        keywords.iter().filter(|keyword| keyword.len() >= SHORTEST_ANCHOR).cloned().collect();
    let are_all_long_enough = keywords_long_enough.len() == keywords.len();
    let (texts, before, after, are_partial) = match best {
        Some(best) if keywords.is_empty() || !are_all_long_enough || best.imply(keywords) => {
            (best.texts, best.before, best.after, false)
        }
        _ if keywords_long_enough.is_empty() => {
            let partial =
                node.choices().into_iter().filter_map(Literals::without_short).min_by_key(|(_, short)| *short);
            let (rest, _) = partial?;
            (rest.texts, rest.before, rest.after, true)
        }
        _ => (keywords_long_enough, AROUND_KEYWORD, AROUND_KEYWORD.saturating_add(node.span), !are_all_long_enough),
    };
    // A window that begins with the anchor would be one where nothing may stand before it.
    let window = Window { before: before.clamp(1, LARGEST_WINDOW), after: after.min(LARGEST_WINDOW) };
    Some(Anchors { texts, window, are_partial })
}

/// Literals in lower case of which each match holds one, and how far the match reaches around its start.
#[derive(Clone, Debug)]
struct Literals {
    texts: Vec<String>,
    before: usize,
    after: usize,
}

impl Literals {
    fn shortest(&self) -> usize {
        self.texts.iter().map(String::len).min().unwrap_or_default()
    }

    /// Those that are long enough to be looked for, if any is, and how many are not.
    fn without_short(self) -> Option<(Self, usize)> {
        let count = self.texts.len();
        let texts: Vec<String> = self.texts.into_iter().filter(|text| text.len() >= SHORTEST_ANCHOR).collect();
        let short = count - texts.len();
        (!texts.is_empty()).then_some((Self { texts, ..self }, short))
    }

    /// Whether a keyword stands in each.
    fn imply(&self, keywords: &[String]) -> bool {
        self.texts.iter().all(|text| keywords.iter().any(|keyword| text.contains(keyword.as_str())))
    }
}

/// What is known of the matches of a part of an expression.
struct Node {
    /// All of them in lower case, where they are few.
    exact: Option<Vec<String>>,
    /// Literals that they hold, one choice of them beside the other.
    choices: Vec<Literals>,
    /// How long they are at most.
    span: usize,
}

impl Node {
    fn of(hir: &Hir, keywords: &[String]) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::exactly(vec![String::new()]),
            HirKind::Literal(literal) => match text(&literal.0) {
                Some(text) => Self::exactly(vec![text]),
                None => Self::unknown(literal.0.len()),
            },
            HirKind::Class(class) => match characters(class) {
                Some(characters) => Self::exactly(characters),
                None => Self::unknown(class.maximum_len().unwrap_or(1)),
            },
            HirKind::Capture(capture) => Self::of(&capture.sub, keywords),
            HirKind::Repetition(repetition) => Self::of_repetition(repetition, keywords),
            HirKind::Concat(parts) => Self::of_sequence(parts.iter().map(|part| Self::of(part, keywords))),
            HirKind::Alternation(parts) => {
                Self::of_alternatives(parts.iter().map(|part| Self::of(part, keywords)), keywords)
            }
        }
    }

    fn exactly(texts: Vec<String>) -> Self {
        let span = texts.iter().map(String::len).max().unwrap_or_default();
        Self { exact: Some(texts), choices: Vec::new(), span }
    }

    fn unknown(span: usize) -> Self {
        Self { exact: None, choices: Vec::new(), span }
    }

    fn of_repetition(repetition: &Repetition, keywords: &[String]) -> Self {
        let part = Self::of(&repetition.sub, keywords);
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (least, most) = (count(repetition.min), repetition.max.map(count));
        if Some(least) == most && least <= LONGEST_LITERAL && part.exact.is_some() {
            return Self::of_sequence((0..least).map(|_| part.again()));
        }
        let span = match most {
            Some(most) => part.span.saturating_mul(most),
            None if is_space(&repetition.sub) => ENDLESS_SPACE,
            None => ENDLESS,
        };
        let span = span.min(LARGEST_WINDOW);
        if least == 0 {
            return Self::unknown(span);
        }
        // Which of the repetitions it is that holds the literal is not known.
        let choices = part.choices().into_iter().map(|literals| Literals { before: span, after: span, ..literals });
        Self { exact: None, choices: choices.collect(), span }
    }

    fn again(&self) -> Self {
        Self { exact: self.exact.clone(), choices: self.choices.clone(), span: self.span }
    }

    fn of_sequence(parts: impl Iterator<Item = Self>) -> Self {
        let parts: Vec<Self> = parts.collect();
        let span = parts.iter().map(|part| part.span).fold(0, usize::saturating_add);
        let mut sequence = Sequence { span, ..Sequence::default() };
        for part in parts {
            match &part.exact {
                Some(texts) => sequence.go_on(texts, part.span),
                None => sequence.break_off(part),
            }
        }
        sequence.finish()
    }

    fn of_alternatives(parts: impl Iterator<Item = Self>, keywords: &[String]) -> Self {
        let parts: Vec<Self> = parts.collect();
        let span = parts.iter().map(|part| part.span).max().unwrap_or_default();
        let exact: Option<Vec<Vec<String>>> = parts.iter().map(|part| part.exact.clone()).collect();
        if let Some(texts) = exact.map(|texts| sorted(texts.concat())).filter(|texts| texts.len() <= MOST_LITERALS) {
            return Self { exact: Some(texts), choices: Vec::new(), span };
        }
        let best: Option<Vec<Literals>> = parts.iter().map(|part| part.best(keywords)).collect();
        let united = best.map(|all| Literals {
            before: all.iter().map(|literals| literals.before).max().unwrap_or_default(),
            after: all.iter().map(|literals| literals.after).max().unwrap_or_default(),
            texts: sorted(all.into_iter().flat_map(|literals| literals.texts).collect()),
        });
        let choices = united.into_iter().filter(|literals| literals.texts.len() <= MOST_LITERALS).collect();
        Self { exact: None, choices, span }
    }

    /// Every choice of literals, the whole matches too where they are known.
    fn choices(&self) -> Vec<Literals> {
        let whole = self.exact.clone().map(|texts| Literals { texts, before: 0, after: self.span });
        self.choices.iter().cloned().chain(whole).filter(|literals| literals.shortest() > 0).collect()
    }

    /// The choice that says most: one that implies a keyword, then long ones, then few.
    fn best(&self, keywords: &[String]) -> Option<Literals> {
        self.choices().into_iter().max_by_key(|literals| {
            let implies = !keywords.is_empty() && literals.imply(keywords);
            (literals.shortest() >= SHORTEST_ANCHOR, implies, literals.shortest(), usize::MAX - literals.texts.len())
        })
    }
}

/// Parts one after the other, of which those that are known exactly join to longer literals.
#[derive(Default)]
struct Sequence {
    /// How long all parts together are at most.
    span: usize,
    /// How much of that the parts span that have been seen.
    seen: usize,
    /// How much stood before the literals that are being joined.
    begin: usize,
    joined: Vec<String>,
    choices: Vec<Literals>,
    is_broken: bool,
}

impl Sequence {
    fn go_on(&mut self, texts: &[String], span: usize) {
        if self.joined.is_empty() {
            self.begin = self.seen;
            self.joined = texts.to_vec();
        } else {
            let many = self.joined.len().saturating_mul(texts.len()) > MOST_LITERALS;
            let long = self.joined.iter().any(|text| text.len() >= LONGEST_LITERAL) && span > 0;
            if many || long {
                self.close();
                self.is_broken = true;
                self.begin = self.seen;
                self.joined = texts.to_vec();
            } else {
                let starts = self.joined.iter();
                let joined = starts.flat_map(|start| texts.iter().map(move |end| format!("{start}{end}")));
                self.joined = sorted(joined.collect());
            }
        }
        self.seen = self.seen.saturating_add(span);
    }

    fn break_off(&mut self, part: Node) {
        self.close();
        self.is_broken = true;
        let rest = self.span.saturating_sub(self.seen).saturating_sub(part.span);
        self.choices.extend(part.choices.into_iter().map(|literals| Literals {
            before: literals.before.saturating_add(self.seen),
            after: literals.after.saturating_add(rest),
            ..literals
        }));
        self.seen = self.seen.saturating_add(part.span);
    }

    /// What has been joined so far is one choice.
    fn close(&mut self) {
        let texts = std::mem::take(&mut self.joined);
        if !texts.is_empty() && texts.iter().all(|text| !text.is_empty()) {
            self.choices.push(Literals { texts, before: self.begin, after: self.span.saturating_sub(self.begin) });
        }
    }

    fn finish(mut self) -> Node {
        if self.is_broken {
            self.close();
            return Node { exact: None, choices: self.choices, span: self.span };
        }
        let exact = if self.joined.is_empty() { vec![String::new()] } else { self.joined };
        Node { exact: Some(exact), choices: Vec::new(), span: self.span }
    }
}

/// Bytes that anchors may be made of, in lower case.
fn text(bytes: &[u8]) -> Option<String> {
    bytes.iter().all(|byte| is_plain(*byte)).then(|| String::from_utf8_lossy(bytes).to_ascii_lowercase())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte == b' '
}

/// The characters of a class in lower case, where they are few.
fn characters(class: &Class) -> Option<Vec<String>> {
    const FEW: u32 = 8;
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect(),
    };
    let count = ranges.iter().map(|(start, end)| end - start + 1).fold(0, u32::saturating_add);
    if count > FEW {
        return None;
    }
    let bytes = ranges.into_iter().flat_map(|(start, end)| start..=end).map(|number| u8::try_from(number).ok());
    let characters: Option<Vec<String>> = bytes.map(|byte| text(&[byte?])).collect();
    characters.map(sorted).filter(|characters| !characters.is_empty())
}

fn is_space(hir: &Hir) -> bool {
    let is_space = |byte: u32| matches!(byte, 0x09..=0x0d | 0x20);
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().all(|range| (range.start()..=range.end()).all(|byte| is_space(byte.into())))
        }
        HirKind::Literal(literal) => literal.0.iter().all(|byte| is_space((*byte).into())),
        _ => false,
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The anchors, and the window as `before+after`.
    fn check(expression: &str, keywords: &[&str], expected: Option<(&[&str], (usize, usize))>) {
        let keywords: Vec<String> = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        let anchors = of(expression, &keywords);
        let found = anchors.as_ref().map(|anchors| {
            let texts: Vec<&str> = anchors.texts.iter().map(String::as_str).collect();
            (texts, (anchors.window.before, anchors.window.after))
        });
        let expected = expected.map(|(texts, window)| (texts.to_vec(), window));
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn anchors_are_literals_that_every_match_holds() {
        check("acme_[a-z0-9]{24}", &[], Some((&["acme_"], (1, 29))));
        check("acme_[a-z0-9]{24}", &["acme"], Some((&["acme_"], (1, 29))));
        check("(?i)ACME_(?P<secret>[a-z0-9]{24})", &[], Some((&["acme_"], (1, 29))));
        check(
            r"\b(?P<secret>[ps]k_(?:live|test)_[0-9a-z]{8,16})\b",
            &[],
            Some((&["pk_live_", "pk_test_", "sk_live_", "sk_test_"], (1, 24))),
        );
        check("[a-z]{0,20}?(?:key|token)[^x]{0,5}=(?P<secret>[a-f0-9]{32})", &[], Some((&["key", "token"], (20, 43))));
        check(r"(?:acme|globex)\s*=\s*(?P<secret>\w{8})", &["acme", "globex"], Some((&["acme", "globex"], (1, 527))));
        check("(?:ab(?:c|d)x+[0-9]|zyx[0-9])", &[], Some((&["abc", "abd", "zyx"], (1, 8196))));
        check("-----BEGIN[ A-Z]{0,10}KEY-----[a-z]*?-----END", &[], Some((&["-----begin"], (1, 8228))));
        check("(?:abc){2}", &[], Some((&["abcabc"], (1, 6))));
        check("(?:abc[0-9]){2,3}", &[], Some((&["abc"], (12, 12))));
    }

    #[test]
    fn keywords_that_are_no_part_of_the_match_are_looked_for_around_it() {
        check("(?P<secret>[a-f0-9]{32})", &["acme"], Some((&["acme"], (4096, 4128))));
        check("key=(?P<secret>[a-f0-9]{32})", &["acme"], Some((&["acme"], (4096, 4132))));
        // A keyword that is too short to be looked for is passed over if the match holds something longer.
        check("key=(?P<secret>[a-f0-9]{32})", &["sk"], Some((&["key="], (1, 36))));
        check("(?:acme|sk)(?P<secret>[a-f0-9]{32})", &["acme", "sk"], Some((&["acme"], (4096, 4132))));
    }

    #[test]
    fn what_is_too_short_is_left_out() {
        check("(?:acme|ac)[a-f0-9]{32}", &[], Some((&["acme"], (1, 36))));
        check("(?:acme|ac)[a-f0-9]{32}", &["ac"], Some((&["acme"], (1, 36))));
        assert!(of("(?:acme|ac)[a-f0-9]{32}", &[]).is_some_and(|anchors| anchors.are_partial));
        assert!(of("(?:acme|globex)[a-f0-9]{32}", &[]).is_some_and(|anchors| !anchors.are_partial));
    }

    #[test]
    fn where_there_is_nothing_to_look_for() {
        check("[a-f0-9]{32}", &[], None);
        check("(?:abc)?[a-f0-9]{32}", &[], None);
        check("(?:abc|[a-f0-9]{32})", &[], None);
        check("ab[a-f0-9]{32}", &["sk"], None);
        check("", &[], None);
        check("äöü", &[], None);
    }
}
