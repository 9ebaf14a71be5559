//! Shape checks: whether a value is what its rule says, and what that makes of the rule's confidence.

use super::filter::Filter;
use super::randomness;
use crate::finding::Confidence;
use crate::rules::{Alphabet, Shape, checksum};

/// Tests a value against a shape.
pub(crate) fn test(shape: &Shape, value: &[u8]) -> Result<(), Filter> {
    if value.len() < shape.min_length
        || shape.max_length.is_some_and(|most| value.len() > most)
        || shape.alphabet.is_some_and(|alphabet| !value.iter().all(|byte| contains(alphabet, *byte)))
        || shape.min_entropy.is_some_and(|least| randomness::entropy(value) < least)
    {
        return Err(Filter::Shape);
    }
    if shape.checksum.is_some_and(|checksum| !checksum::holds(checksum, value)) {
        return Err(Filter::Checksum);
    }
    Ok(())
}

/// The confidence that a rule of `confidence` may have in a value that has its shape.
pub(crate) fn confidence(shape: &Shape, value: &[u8], confidence: Confidence) -> Confidence {
    let is_doubtful =
        (shape.random || shape.mixed) && !(randomness::is_random(value) || (shape.mixed && is_mixed(value)));
    if is_doubtful { Confidence::Low } else { confidence }
}

/// Whether a person made it hard to guess: at least three of small and capital letters, digits and signs, and no prose.
fn is_mixed(value: &[u8]) -> bool {
    let is_prose = value.iter().any(|byte| byte.is_ascii_whitespace() || !byte.is_ascii());
    if is_prose && !value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let classes: [fn(&u8) -> bool; 4] =
        [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, |byte| byte.is_ascii_punctuation()];
    classes.iter().filter(|class| value.iter().any(class)).count() >= 3
}

fn contains(alphabet: Alphabet, byte: u8) -> bool {
    match alphabet {
        Alphabet::Digits => byte.is_ascii_digit(),
        Alphabet::Hex => byte.is_ascii_hexdigit(),
        Alphabet::LowerAlphanumeric => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
        Alphabet::Alphanumeric => byte.is_ascii_alphanumeric(),
        Alphabet::Base64url => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        Alphabet::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
        Alphabet::Graphic => byte.is_ascii_graphic(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let hex = Shape { min_length: 8, max_length: Some(16), alphabet: Some(Alphabet::Hex), ..Shape::default() };
        let random = Shape { random: true, ..Shape::default() };
        let mixed = Shape { mixed: true, ..Shape::default() };
        let varied = Shape { min_entropy: Some(3.0), ..Shape::default() };
        for (shape, value, expected) in [
            (&hex, "0badc0de", Ok(Confidence::High)),
            (&hex, "0badc0d", Err(Filter::Shape)),
            (&hex, "0badc0de0badc0de0", Err(Filter::Shape)),
            (&hex, "0badc0dg", Err(Filter::Shape)),
            (&random, "Xq7bT2mKpL9wRz", Ok(Confidence::High)),
            (&random, "plain words here", Ok(Confidence::Low)),
            (&mixed, "Passwort", Ok(Confidence::Low)),
            (&mixed, "Hunter-42", Ok(Confidence::High)),
            (&mixed, "hunter42", Ok(Confidence::Low)),
            (&mixed, "Bitte das Passwort, dann weiter!", Ok(Confidence::Low)),
            (&mixed, "Correct horse 42 battery!", Ok(Confidence::High)),
            (&varied, "aaaaaaaaaaab", Err(Filter::Shape)),
            (&varied, "abcdefghijkl", Ok(Confidence::High)),
        ] {
            let value = value.as_bytes();
            let found = test(shape, value).map(|()| confidence(shape, value, Confidence::High));
            assert_eq!(found, expected, "{}", value.escape_ascii());
        }
    }
}
