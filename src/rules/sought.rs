//! What every scan needs of a rule: what it looks for, and where. The rest can wait until something was found.
//!
//! The build script tells it of the rules of the binary, as text that can be taken apart without being copied, so that a scan reads
//! no more than that of most rules. It is compiled into the build script, too, and knows nothing of the rest of the program.

use serde::{Deserialize, Serialize};

/// A window for rules that do not give one: enough for a key and a token of usual length.
pub(super) const DEFAULT_WINDOW: (usize, usize) = (64, 512);

/// What the vendors of most keys call them.
pub(super) const DEFAULT_SECRET: &str = "API key";

/// How far behind the vendor's name its key may begin.
const REACH: usize = 112;

/// What every piece ends with: the unit separator of ASCII, which is in no rule file.
pub(super) const END: char = '\u{1f}';

/// What the words of a list end with.
pub(super) const NEXT: char = '\u{1e}';

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sought<'a> {
    pub(super) id: &'a str,
    pub(super) provider: &'a str,
    /// The rule file.
    pub(super) file: &'a str,
    pub(super) anchors: Vec<&'a str>,
    pub(super) is_case_sensitive: bool,
    /// Bytes before the start of an anchor, and from there on.
    pub(super) window: (usize, usize),
    pub(super) by: By<'a>,
    /// The least length of a value, and the greatest.
    pub(super) lengths: (usize, Option<usize>),
    /// Whether the rule refuses some names.
    pub(super) has_exceptions: bool,
    /// How long the texts are that the rest of the rule is told by: the entry, how its credentials are asked about and ended.
    pub(super) rest: [usize; 3],
}

/// How a match is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By<'a> {
    Pattern(&'a str),
    /// The words of each key, joined by spaces.
    Keys(Vec<&'a str>),
    Scanner(Scanner),
    /// The alphabet and lengths of a vendor's keys. There is no text on how these are asked about and ended.
    Vendor(Option<Alphabet>, Vec<usize>),
}

/// The scanners written by hand, for what a regular expression cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scanner {
    /// JSON Web Tokens (RFC 7519), signed, unsecured and encrypted.
    Jwt,
    /// JSON Web Keys with private members (RFC 7517).
    Jwk,
}

/// A set of bytes that values are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// `0-9`.
    Digits,
    /// `0-9 a-f A-F`.
    Hex,
    /// `0-9 a-z`.
    LowerAlphanumeric,
    /// `0-9 A-Z a-z`.
    Alphanumeric,
    /// `0-9 A-Z a-z - _`.
    Base64url,
    /// `0-9 A-Z a-z + / =`.
    Base64,
    /// Every printable ASCII character but the space.
    Graphic,
}

impl<'a> Sought<'a> {
    /// Takes the next one off the text. `None` at its end, and for what the build script did not write.
    pub(super) fn read(text: &mut &'a str) -> Option<Self> {
        let mut next = || cut(text, END);
        let (id, provider, file, anchors, tags, by) = (next()?, next()?, next()?, words(next()?), next()?, next()?);
        let mut number = || next()?.parse().ok();
        let (window, shortest) = ((number()?, number()?), number()?);
        let rest = [number()?, number()?, number()?];
        let longest = next()?;
        let longest = if longest.is_empty() { None } else { Some(longest.parse().ok()?) };
        let mut tags = tags.chars();
        let by = match tags.next()? {
            'p' => By::Pattern(by),
            'k' => By::Keys(words(by)),
            's' => By::Scanner(*Scanner::ALL.get(by.parse::<usize>().ok()?)?),
            _ => {
                let mut numbers = by.split_terminator(NEXT).map(|number| number.parse().ok());
                let alphabet = numbers.next().map(|number| Alphabet::ALL.get(number?).copied());
                By::Vendor(alphabet.flatten(), numbers.collect::<Option<_>>()?)
            }
        };
        let (mut is_case_sensitive, mut has_exceptions) = (false, false);
        for tag in tags {
            match tag {
                'c' => is_case_sensitive = true,
                _ => has_exceptions = true,
            }
        }
        let lengths = (shortest, longest);
        Some(Self { id, provider, file, anchors, is_case_sensitive, window, by, lengths, has_exceptions, rest })
    }
}

/// Takes what stands before a separator off the text, and the separator.
fn cut<'a>(text: &mut &'a str, separator: char) -> Option<&'a str> {
    // Pieces are so short that a search for the character costs more than a look at each byte.
    let place = text.bytes().position(|byte| char::from(byte) == separator)?;
    let (piece, rest) = (text.get(..place)?, text.get(place + 1..)?);
    *text = rest;
    Some(piece)
}

fn words(mut list: &str) -> Vec<&str> {
    let mut words = Vec::with_capacity(list.bytes().filter(|byte| char::from(*byte) == NEXT).count());
    words.extend(std::iter::from_fn(|| cut(&mut list, NEXT)));
    words
}

impl Scanner {
    pub(super) const ALL: [Self; 2] = [Self::Jwt, Self::Jwk];

    /// The literals that start or stand in what the scanner looks for.
    pub(super) fn anchors(self) -> &'static [&'static str] {
        match self {
            // `{"` in base64, and `{` followed by the white space that some encoders put there.
            Self::Jwt => &["eyJ", "eyAi", "eyAg", "ewog", "ewoJ", "ewoi", "ew0K", "ewki"],
            Self::Jwk => &["kty"],
        }
    }
}

impl Alphabet {
    /// Each, by the number that it is written as.
    pub(super) const ALL: [Self; 7] = [
        Self::Digits,
        Self::Hex,
        Self::LowerAlphanumeric,
        Self::Alphanumeric,
        Self::Base64url,
        Self::Base64,
        Self::Graphic,
    ];
}

/// The window of a rule for the keys of a vendor, which have these lengths. No length at all is that of a UUID.
pub(super) fn window_of_vendor(lengths: &[usize]) -> (usize, usize) {
    (0, REACH + lengths.iter().copied().max().unwrap_or(36) + 24)
}

/// The provider that a vendor's name stands for, and the id of the rule for a credential that it calls so.
pub(super) fn names_of_vendor(name: &str, secret: &str) -> (String, String) {
    let provider = kebab(name);
    let id = format!("{provider}-{}", kebab(secret));
    (provider, id)
}

fn kebab(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
