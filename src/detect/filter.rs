//! Filters: what makes something that looks like a credential none. Each has a name, so that a person can be told why a value
//! is not reported.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use foldhash::HashSet;
use sha2::{Digest, Sha256};

use super::randomness;
use super::words::{ENCRYPTED, PASSWORD_HASHES, PLACEHOLDERS, PUBLIC, PUBLISHED, REFERENCES, SEQUENCES, WORDS, any_of};

/// Why a match is not a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// Its length, alphabet or entropy is not that of the rule.
    Shape,
    /// The checksum that every issued one carries is wrong.
    Checksum,
    /// It does not decode to what it pretends to be.
    Structure,
    /// A template language fills it in later: `${X}`, `{{ .Values.x }}`, `%VAR%`.
    Template,
    /// It says where the credential is: a vault, a file, a variable, a URL.
    Reference,
    /// It is an expression of a program, not a literal.
    Expression,
    /// It asks for a value: `changeme`, `<your-secret>`.
    Placeholder,
    /// It names itself or says nothing: `client_secret`, `none`, `true`.
    Word,
    /// The same few characters again and again.
    Repetition,
    /// A run through the alphabet, the digits or the keyboard.
    Sequence,
    /// It holds bytes that no text holds.
    Binary,
    /// It is encrypted: sops, Ansible Vault, sealed secrets.
    Encrypted,
    /// It is the hash of a password.
    PasswordHash,
    /// It is public by its nature: a public key, a publishable key, a digest.
    Public,
    /// Its issuer, or a specification, has published it.
    Published,
    /// The rule asks for something beside it or around it that is not there.
    Context,
    /// Another rule knows more about the same bytes.
    Outranked,
}

impl Filter {
    /// The name shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Checksum => "checksum",
            Self::Structure => "structure",
            Self::Template => "template",
            Self::Reference => "reference",
            Self::Expression => "expression",
            Self::Placeholder => "placeholder",
            Self::Word => "word",
            Self::Repetition => "repetition",
            Self::Sequence => "sequence",
            Self::Binary => "binary",
            Self::Encrypted => "encrypted",
            Self::PasswordHash => "password-hash",
            Self::Public => "public",
            Self::Published => "published",
            Self::Context => "context",
            Self::Outranked => "outranked",
        }
    }

    /// What it says of a value, as the end of a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Shape => "its length, alphabet, form or entropy is not that of the rule",
            Self::Checksum => "the checksum that every issued one carries is wrong",
            Self::Structure => "it does not decode to what it looks like",
            Self::Template => "a template language fills it in later",
            Self::Reference => "it says where the credential is, or is a name of a file",
            Self::Expression => "it is an expression of a program, not a literal",
            Self::Placeholder => "it asks for a value, or says that it is an example",
            Self::Word => "it is a word of a language or configuration",
            Self::Repetition => "it is the same few characters again and again",
            Self::Sequence => "it holds a run through the alphabet, the digits or the keyboard",
            Self::Binary => "it holds bytes that no text holds",
            Self::Encrypted => "it is encrypted",
            Self::PasswordHash => "it is the hash of a password",
            Self::Public => "it is public by its nature: a public key, a publishable key, a digest, a version",
            Self::Published => "its issuer or a specification has published it as an example",
            Self::Context => "the rule asks for something beside it or around it that is not there",
            Self::Outranked => "another rule knows more about the same bytes",
        }
    }
}

/// How many characters of a sequence make one.
const SEQUENCE_LENGTH: usize = 8;

/// Every run of that length in a sequence.
static ANY_SEQUENCE: LazyLock<AhoCorasick> =
    LazyLock::new(|| any_of(SEQUENCES.iter().flat_map(|text| text.as_bytes().windows(SEQUENCE_LENGTH))));

static ANY_PLACEHOLDER: LazyLock<AhoCorasick> = LazyLock::new(|| any_of(PLACEHOLDERS));

static TEMPLATE_MARKS: LazyLock<AhoCorasick> =
    LazyLock::new(|| any_of(["${", "{{", "}}", "<%", "#{", "$(", "%(", "((", "$[", "{%", "\\(", "{0}", "{}"]));

/// The filters for a value that a pattern of its own proves to be of an issuer's making.
pub(crate) fn token(value: &[u8]) -> Option<Filter> {
    token_of_case(value, &value.to_ascii_lowercase())
}

fn token_of_case(value: &[u8], lower: &[u8]) -> Option<Filter> {
    repetition(value, lower)
        .or_else(|| sequence(lower))
        .or_else(|| placeholder(value, lower))
        .or_else(|| is_published(value).then_some(Filter::Published))
}

/// The filters for a value that only its place tells to be a secret. `is_literal` says that it is quoted or stands where a
/// program cannot stand.
pub(crate) fn assigned(value: &[u8], is_literal: bool) -> Option<Filter> {
    let lower = value.to_ascii_lowercase();
    binary(value)
        .or_else(|| encrypted(&lower))
        .or_else(|| is_sealed(value).then_some(Filter::Encrypted))
        .or_else(|| password_hash(&lower))
        .or_else(|| (starts_with_any(&lower, PUBLIC) || is_public(value)).then_some(Filter::Public))
        .or_else(|| template(value))
        .or_else(|| reference(&lower))
        .or_else(|| word(&lower))
        .or_else(|| number(&lower))
        .or_else(|| token_of_case(value, &lower))
        .or_else(|| if is_literal { None } else { expression(value) })
}

/// Whether [`assigned`] refuses a value. What refuses most of them is asked first, and which filter it is stays open: most values that
/// are assigned to names are looked at for this alone.
pub(crate) fn refuses_assigned(value: &[u8], is_literal: bool) -> bool {
    (!is_literal && expression(value).is_some()) || assigned(value, true).is_some()
}

fn starts_with_any(lower: &[u8], beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| lower.starts_with(beginning.as_bytes()))
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    memchr::memmem::find(haystack, needle.as_bytes()).is_some()
}

fn binary(value: &[u8]) -> Option<Filter> {
    value.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).then_some(Filter::Binary)
}

fn encrypted(lower: &[u8]) -> Option<Filter> {
    starts_with_any(lower, ENCRYPTED).then_some(Filter::Encrypted)
}

fn password_hash(lower: &[u8]) -> Option<Filter> {
    starts_with_any(lower, PASSWORD_HASHES).then_some(Filter::PasswordHash)
}

/// A version of a package (Semantic Versioning), or the range of them that begins with it. Packages are named after what they are for.
fn is_version(value: &[u8]) -> bool {
    let rest = value.strip_prefix(b"^").or(value.strip_prefix(b"~")).or(value.strip_prefix(b"v")).unwrap_or(value);
    let (core, behind) = rest.split_at(rest.iter().position(|byte| matches!(byte, b'-' | b'+')).unwrap_or(rest.len()));
    let mut numbers = core.split(|byte| *byte == b'.');
    let is_number = |number: &[u8]| (1..=5).contains(&number.len()) && number.iter().all(u8::is_ascii_digit);
    let is_part = |part: &[u8]| (1..=12).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric);
    // What follows is a few words and numbers; more than that could be anything.
    let parts = || behind.get(1..).unwrap_or_default().split(|byte| matches!(byte, b'.' | b'-' | b'+'));
    numbers.by_ref().take(3).filter(|number| is_number(number)).count() == 3
        && numbers.next().is_none()
        && (behind.is_empty() || (parts().all(is_part) && parts().count() <= 6 && !randomness::is_random(behind)))
}

/// Versions, addresses on a chain (ERC-55), and ids of AWS access keys, whose secret is another value.
fn is_public(value: &[u8]) -> bool {
    if is_version(value) {
        return true;
    }
    let is_address =
        value.strip_prefix(b"0x").is_some_and(|rest| rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit));
    let is_key_id = value.len() == 20 && [&b"AKIA"[..], b"ASIA"].iter().any(|prefix| value.starts_with(prefix));
    is_address || (is_key_id && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// A sealed secret of Kubernetes: the length of an RSA-encrypted session key in two bytes, and that key.
fn is_sealed(value: &[u8]) -> bool {
    let is_headed = value.starts_with(b"Ag") && matches!(value.get(2), Some(b'A'..=b'D'));
    is_headed && value.len() > 300 && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
}

fn template(value: &[u8]) -> Option<Filter> {
    let encloses = |open: &[u8], close: &[u8]| value.starts_with(open) && value.ends_with(close);
    let is_variable = value.strip_prefix(b"$").is_some_and(|name| {
        !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-{}()[]'\"".contains(byte))
            && name.first().is_some_and(|byte| !byte.is_ascii_digit())
    });
    // A variable of a shell, and whatever follows it on the line.
    let is_variable = is_variable
        || value.strip_prefix(b"$").is_some_and(|rest| {
            let name = rest.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
            name >= 2 && rest.get(name).is_none_or(u8::is_ascii_whitespace)
        });
    // A token may begin like a variable, but no variable's name is like this.
    let is_variable = is_variable && !(value.len() > 40 && randomness::is_random(value));
    let is_template = is_variable
        || TEMPLATE_MARKS.is_match(value)
        || encloses(b"<", b">")
        || memchr::memmem::find(value, b"<<")
            .is_some_and(|at| memchr::memmem::find(value.get(at..).unwrap_or_default(), b">>").is_some())
        || encloses(b"[", b"]")
        || encloses(b"{", b"}")
        || (encloses(b"%", b"%") && value.len() > 2)
        || (encloses(b"@", b"@") && value.len() > 2)
        || (encloses(b"__", b"__") && value.len() > 4)
        || value == b"%s"
        || value == b"%v"
        || value == b"?";
    is_template.then_some(Filter::Template)
}

fn reference(lower: &[u8]) -> Option<Filter> {
    let is_path =
        lower.starts_with(b"/") && memchr::memchr_iter(b'/', lower).count() > 1 && !randomness::is_random(lower);
    let is_file = [".json", ".pem", ".key", ".txt", ".yml", ".yaml", ".env", ".crt", ".p12", ".jks"]
        .iter()
        .any(|extension| lower.ends_with(extension.as_bytes()));
    (is_path || is_file || starts_with_any(lower, REFERENCES)).then_some(Filter::Reference)
}

fn word(lower: &[u8]) -> Option<Filter> {
    WORDS.iter().any(|word| word.as_bytes() == lower).then_some(Filter::Word)
}

fn placeholder(value: &[u8], lower: &[u8]) -> Option<Filter> {
    // What is cut off is shown, not used.
    if lower.ends_with(b"...") || lower.ends_with("…".as_bytes()) {
        return Some(Filter::Placeholder);
    }
    // In a long random value a short word stands by chance.
    let least = match lower.len() {
        49.. => 6,
        24.. if randomness::is_random(value) => 5,
        _ => 0,
    };
    let mut found = ANY_PLACEHOLDER.find_overlapping_iter(lower);
    found.any(|word| word.len() >= least).then_some(Filter::Placeholder)
}

/// How long a value is, less its runs of `A`, in which these may stand for noughts of what it encodes.
const LONG_ENOUGH_FOR_NOUGHTS: usize = 32;

/// Fewer distinct characters than any random value of that length has, or one character many times over.
fn repetition(value: &[u8], lower: &[u8]) -> Option<Filter> {
    let mut seen = [false; 256];
    let (mut longest, mut noughts, mut longest_noughts) = (0, 0, 0);
    for run in value.chunk_by(u8::eq_ignore_ascii_case) {
        let Some(first) = run.first() else { continue };
        if let Some(seen) = seen.get_mut(usize::from(first.to_ascii_lowercase())) {
            *seen = true;
        }
        // In base64 a run of noughts is one of `A`.
        if run.len() > 2 && run.iter().all(|byte| *byte == b'A') {
            noughts += run.len();
            longest_noughts = longest_noughts.max(run.len());
        } else {
            longest = longest.max(run.len());
        }
    }
    if lower.len() - noughts < LONG_ENOUGH_FOR_NOUGHTS {
        longest = longest.max(longest_noughts);
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let least = match lower.len() {
        0..6 => 2,
        6..16 => 4,
        16..32 => 6,
        _ => 7,
    };
    let too_long = if lower.len() > 256 { 24 } else { 6 };
    (distinct < least || longest >= too_long).then_some(Filter::Repetition)
}

fn sequence(lower: &[u8]) -> Option<Filter> {
    if lower.len() > 256 {
        return None;
    }
    // A long value holds eight characters of a sequence by chance less often than once in a billion.
    ANY_SEQUENCE.is_match(lower).then_some(Filter::Sequence)
}

/// Constants of programs: `0x803100a8`, and bytes written as escapes.
fn number(lower: &[u8]) -> Option<Filter> {
    let is_constant = lower.strip_prefix(b"0x").is_some_and(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        // `_usize` is the longest suffix; a random value that begins like a number goes on for longer.
        (1..=16).contains(&digits)
            && rest.len() - digits <= 6
            && (digits == rest.len() || matches!(rest.get(digits), Some(b'_' | b'u' | b'l')))
    });
    let is_binary = memchr::memmem::find_iter(lower, b"\\x").nth(1).is_some();
    (is_constant || is_binary).then_some(Filter::Expression)
}

/// Names, calls and indexing: what stands unquoted in programs. A random value is no name.
fn expression(value: &[u8]) -> Option<Filter> {
    let is_call = value.iter().any(|byte| b"(){}[]<>|*\\".contains(byte)) && !is_password(value);
    let is_name = value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:$?!&>-".contains(byte));
    let is_prose = value.iter().any(u8::is_ascii_whitespace);
    let is_path = contains(value, "::") || contains(value, "->") || contains(value, "=>");
    (is_call || is_prose || is_path || (is_name && !randomness::is_random(value))).then_some(Filter::Expression)
}

/// Whether a value with signs is what a generator of passwords makes: all sorts of characters, and brackets that do not match.
fn is_password(value: &[u8]) -> bool {
    let count = |accept: fn(&u8) -> bool| value.iter().filter(|byte| accept(byte)).count();
    let is_matched = [(b'(', b')'), (b'[', b']'), (b'{', b'}'), (b'<', b'>')].iter().any(|(open, close)| {
        let open = value.iter().position(|byte| byte == open);
        open.is_some_and(|open| value.get(open..).is_some_and(|rest| rest.contains(close)))
    });
    // A call that was cut off: `jwt.New(jwt.SigningMethodHS256`.
    let opens = value.iter().position(|byte| b"([{<".contains(byte));
    let is_called = opens.and_then(|end| value.get(..end)).is_some_and(|name| {
        let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte));
        is_name && (!name.iter().any(u8::is_ascii_digit) || (name.len() >= 6 && !randomness::is_random(name)))
    });
    let is_mixed = count(u8::is_ascii_digit) >= 2
        && count(u8::is_ascii_uppercase) >= 2
        && count(u8::is_ascii_lowercase) >= 2
        && value.len() >= 12;
    is_mixed && !is_matched && !is_called && randomness::is_random(value)
}

/// [`PUBLISHED`], as bytes.
static PUBLISHED_DIGESTS: LazyLock<HashSet<[u8; 32]>> = LazyLock::new(|| {
    let digest = |text: &&str| {
        let digits = |index: usize| text.get(index * 2..index * 2 + 2);
        std::array::from_fn(|index| digits(index).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0))
    };
    PUBLISHED.iter().map(digest).collect()
});

/// Whether the value stands in its issuer's documentation or in a specification.
pub(crate) fn is_published(value: &[u8]) -> bool {
    let digest: [u8; 32] = Sha256::digest(value).into();
    PUBLISHED_DIGESTS.contains(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_secrets() {
        for (value, expected) in [
            ("${CLIENT_SECRET}", Filter::Template),
            ("{{ .Values.secret }}", Filter::Template),
            ("$CLIENT_SECRET", Filter::Template),
            ("%CLIENT_SECRET%", Filter::Template),
            ("<your-secret>", Filter::Template),
            ("acme_<<environment>>_a81bX0", Filter::Template),
            ("$DEPLOY_TOKEN --quiet", Filter::Template),
            ("@SECRET@", Filter::Template),
            ("vault:secret/data/x#y", Filter::Reference),
            ("process.env.SECRET", Filter::Reference),
            ("op://vault/item/field", Filter::Reference),
            ("/run/secrets/client", Filter::Reference),
            ("https://login.acme.io/token", Filter::Reference),
            ("config/client-secret.json", Filter::Reference),
            ("changeme", Filter::Placeholder),
            ("bin\0ary", Filter::Binary),
            ("13.0.0-next-8.7", Filter::Public),
            ("^2.4.1-beta.3+build5", Filter::Public),
            ("0x803100A8", Filter::Expression),
            ("0x80310000_usize", Filter::Expression),
            ("YOUR_CLIENT_SECRET", Filter::Placeholder),
            ("xxxxxxxxxxxxxxxx", Filter::Repetition),
            ("abababababababab", Filter::Repetition),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAa8Kd3xQ0pL", Filter::Repetition),
            ("cnvca...", Filter::Placeholder),
            ("q8ZpLk20GsV2…", Filter::Placeholder),
            ("0123456789abcdef0123456789abcdef", Filter::Sequence),
            ("client_secret", Filter::Word),
            ("ENC[AES256_GCM,data:Zm9v,iv:YmFy]", Filter::Encrypted),
            ("$2b$12$KIXQ5yPzv8dZt1u7w9y0zO", Filter::PasswordHash),
            ("2YotnFZFEjr1zCsicMWpAA", Filter::Published),
        ] {
            assert_eq!(assigned(value.as_bytes(), true), Some(expected), "{value}");
        }
        for value in [
            "AAAAAAAAAAAAAAAAAAAAAK7vTgXmQ0b2LwZs9RkFyUo3cNdEhJp4aI6tSvBqMxWz",
            "4f9d2c81b7a06e35",
            "Xq7bT2mKpL9wRz",
            "$Xq7!bT2mKpL9wRz",
            "0xuZm9K95EHA",
            "G7rgR4dtc5rMk9TlkD-oTODO0hJzdlw9",
            "k7(Qm2*Zp<9wRt{4v",
            "xY4|mN8>qR2]sT6",
            "oV0uybffDFGYkw6Yjf8BY7W2-AkESnMTCfAkE",
        ] {
            assert_eq!(assigned(value.as_bytes(), false), None, "{value}");
        }
    }

    #[test]
    fn programs_are_no_values() {
        for value in [
            "settings_client_secret",
            "getSecret()",
            "Secret::new",
            "secret->value",
            "client.secret",
            "args[1]",
            "jwt.New(jwt.SigningMethodHS256",
            "Add the missing Argument-2",
        ] {
            assert_eq!(assigned(value.as_bytes(), false), Some(Filter::Expression), "{value}");
        }
        assert_eq!(assigned(b"plain-words-only", true), None);
    }
}
