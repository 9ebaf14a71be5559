//! Tells values made by a machine from those made of words.

/// For each letter, the letters that often follow it in English words and in the names of programs: bit 0 is `a`.
const FOLLOWERS: [u32; 26] = [
    0x01fe_bd6e,
    0x0116_4915,
    0x011e_5db5,
    0x0116_4959,
    0x01ff_fd7f,
    0x011e_5971,
    0x0016_6991,
    0x001a_5111,
    0x02ae_fc7f,
    0x0010_4010,
    0x0004_2111,
    0x017c_c939,
    0x001c_d913,
    0x017c_ed7d,
    0x007e_ff7f,
    0x011e_c999,
    0x0010_0000,
    0x017e_fd7d,
    0x011e_fdd5,
    0x01de_d9bd,
    0x008e_b97f,
    0x0000_4111,
    0x0006_6191,
    0x0008_8115,
    0x000c_e910,
    0x0000_0010,
];

/// The length of a UUID, and of the shortest run of hexadecimal digits that no word among others is.
const UUID: usize = 36;
const SHORTEST_RUN: usize = 14;

/// Evidence per byte from which on a value counts as random; words with digits reach half of it, random ones twice.
const THRESHOLD: f64 = 0.2;

/// Whether the value looks made by a machine: letters that rarely meet, digits and symbols amid letters.
pub(crate) fn is_random(value: &[u8]) -> bool {
    if value.len() < 8 {
        return false;
    }
    // Hexadecimal digits hold few letters: what would be a word among them is short.
    if value.len() >= 16 && value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        return holds_both(value, 1) && entropy(value) >= 2.75;
    }
    if value.len() >= 32 && is_of_three_classes(value) && entropy(value) >= 4.5 {
        return true;
    }
    let evidence: f64 = value.windows(2).map(|pair| if let [a, b] = pair { surprise(*a, *b) } else { 0.0 }).sum();
    evidence / bounded(value.len()) >= THRESHOLD || holds_hexadecimal(value)
}

/// Whether a run of hexadecimal digits stands in the value that no word is: `sk_`, `pub_` and the like may stand before it. With
/// dashes, only a UUID is one: a date would be as long as the shortest.
fn holds_hexadecimal(value: &[u8]) -> bool {
    let (mut length, mut longest) = (0, 0);
    for byte in value {
        length = if byte.is_ascii_hexdigit() || *byte == b'-' { length + 1 } else { 0 };
        longest = longest.max(length);
    }
    if longest < SHORTEST_RUN {
        return false;
    }
    let is_random = |run: &[u8]| holds_both(run, 3) && entropy(run) >= 2.75;
    let mut rest = value;
    while let Some(start) = rest.iter().position(u8::is_ascii_hexdigit) {
        rest = rest.get(start..).unwrap_or_default();
        let dashed = rest.iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'-').count();
        let (run, after) = rest.split_at_checked(dashed).unwrap_or_default();
        let is_found = match run.len() {
            0..SHORTEST_RUN => false,
            UUID.. => is_random(run),
            _ => run.split(|byte| *byte == b'-').any(|run| run.len() >= SHORTEST_RUN && is_random(run)),
        };
        if is_found {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether it holds so many digits and as many letters.
fn holds_both(value: &[u8], least: usize) -> bool {
    let count = |accept: fn(&u8) -> bool| value.iter().filter(|byte| accept(byte)).take(least).count();
    count(u8::is_ascii_digit) == least && count(u8::is_ascii_alphabetic) == least
}

/// Upper case, lower case and digits together.
fn is_of_three_classes(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_digit)
}

/// How much two neighbours speak against words.
fn surprise(a: u8, b: u8) -> f64 {
    let is_symbol = |byte: u8| byte.is_ascii_punctuation() && !b"-_./ :".contains(&byte);
    if a.is_ascii_lowercase() && b.is_ascii_uppercase() {
        0.25
    } else if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() {
        if is_usual(a, b) { 0.0 } else { 1.0 }
    } else if (a.is_ascii_alphabetic() && b.is_ascii_digit()) || (a.is_ascii_digit() && b.is_ascii_alphabetic()) {
        0.6
    } else if is_symbol(a) != is_symbol(b) {
        0.3
    } else {
        0.0
    }
}

fn is_usual(a: u8, b: u8) -> bool {
    let index = |byte: u8| byte.to_ascii_lowercase().wrapping_sub(b'a');
    FOLLOWERS.get(usize::from(index(a))).is_some_and(|followers| followers >> index(b) & 1 == 1)
}

/// Shannon entropy in bits per byte.
pub(crate) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = bounded(value.len());
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum()
}

/// Lengths of values are far below 2³².
fn bounded(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_and_words() {
        for random in [
            "4f9d2c81b7a06e35",
            "Xq7bT2mKpL9wRz",
            "qzvxkjwpfhtbgdlm",
            "7c1e3f52-9a4b-4d8e-b1f0-2a6c9e5d7b38",
            "aB3~.xK9_pQ-zR7w",
            "hT8/kLm+Zp2wQx==",
            "uJx4Tq0v",
            "sk_2c8e09ab51f7d3642c8e19ab51f7d364",
            "7c1e3f52-9a4b-4d8e-b1f0-2a6c9e5d7b38:fx",
            "5f3c0a9be2d471.48271906",
            // Chance has put letters side by side that words do, too.
            concat!("penvWomeidCLd_az9odepe", "gVQEiPOEk8Da-VGIn-7zP"),
        ] {
            assert!(is_random(random.as_bytes()), "{random}");
        }
        for words in [
            "my-super-secret-password",
            "oauth2-client-secret-v2",
            "thisIsMyClientSecret",
            "correct horse battery staple",
            "KeycloakRealmConfiguration",
            "12345678901234567890",
            "com.example.service.TokenProvider",
            "Test1234",
            "thisIsMyOwnClientSecretNumber7ForTheBillingService",
            "com.example.identity.v2.OAuthTokenProviderFactoryBean",
            "short",
            "release-2024-11-21-abcdef",
        ] {
            assert!(!is_random(words.as_bytes()), "{words}");
        }
    }

    #[test]
    fn entropy_in_bits() {
        for (value, expected) in [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0)] {
            assert!((entropy(value.as_bytes()) - expected).abs() < 1e-9, "{value}");
        }
    }
}
