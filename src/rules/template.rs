//! The template language of rule examples.
//!
//! An example must look exactly like a file that holds a credential, but a rule file must not look like one, or every push
//! protection on the way would stop it. So the random part of an example is written `<<base62:36>>` and made up here,
//! always the same for the same rule and place. `<<>>` stands for nothing and breaks a literal in two.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::checksum;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// No template makes more than this many characters.
const LARGEST: usize = 64 * 1024;

/// An example with a template that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown template `<<{template}>>`")]
pub struct TemplateError {
    /// What stands between the brackets.
    pub template: String,
}

/// Expands every template of an example. `seed` tells examples apart, so that each has its own values.
///
/// # Errors
/// A template that does not exist.
pub fn expand(example: &str, seed: &str) -> Result<String, TemplateError> {
    let mut random = Random::new(seed);
    let mut text = String::with_capacity(example.len() * 2);
    let mut rest = example;
    while let Some((before, after)) = rest.split_once("<<") {
        text.push_str(before);
        let Some((template, after)) = after.split_once(">>") else {
            text.push_str("<<");
            rest = after;
            continue;
        };
        let made = make(template, &mut random).ok_or_else(|| TemplateError { template: template.to_owned() })?;
        text.push_str(&made);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn make(template: &str, random: &mut Random) -> Option<String> {
    let (name, argument) = template.split_once(':').unwrap_or((template, ""));
    let length = || argument.parse().ok().filter(|length: &usize| *length <= LARGEST);
    Some(match name {
        "" => String::new(),
        "base62" => random.text(BASE62, length()?),
        "base64" => random.text(BASE64, length()?),
        "base64url" => random.text(BASE64URL, length()?),
        "base32" => random.text(BASE32, length()?),
        "hex" => random.text(b"0123456789abcdef", length()?),
        "digits" => random.text(b"0123456789", length()?),
        "lower" => random.text(b"0123456789abcdefghijklmnopqrstuvwxyz", length()?),
        "letters" => random.text(LETTERS, length()?),
        "uuid" => {
            let digits = random.text(b"0123456789abcdef", 32);
            let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
            format!("{}-{}-4{}-a{}-{}", group(0, 8), group(8, 12), group(13, 16), group(17, 20), group(20, 32))
        }
        "github" | "npm" | "vercel" => {
            let body = random.text(BASE62, length()?);
            format!("{body}{}", checksum::crc32_base62(body.as_bytes()))
        }
        "gitlab-routable" => {
            let length = length()?;
            let start = format!("glpat-{}.01.{:0>2}", random.text(BASE64URL, length), checksum::base36(length as u64));
            format!("{start}{}", checksum::crc32_base36(start.as_bytes()))
        }
        "grafana" => {
            let start = format!("glsa_{}", random.text(BASE62, length()?));
            format!("{start}_{}", checksum::crc32_hex_little_endian(start.as_bytes()))
        }
        "jwt" => jwt(argument, random)?,
        "jwe" => {
            let header = URL_SAFE_NO_PAD.encode(argument);
            let mut part = |length| random.text(BASE64URL, length);
            format!("{header}.{}.{}.{}.{}", part(342), part(16), part(200), part(22))
        }
        "pem" => pem(argument, random, "\n"),
        "pem-escaped" => pem(argument, random, "\\n"),
        "basic" => STANDARD.encode(format!("{argument}:{}", random.text(BASE62, 24))),
        "encode" => STANDARD.encode(argument),
        _ => return None,
    })
}

/// A token with the header and claims that stand one after the other in `argument`; nobody signed it.
fn jwt(argument: &str, random: &mut Random) -> Option<String> {
    let mut objects = serde_json::Deserializer::from_str(argument).into_iter::<serde_json::Value>();
    let header = objects.next()?.ok()?;
    let split = objects.byte_offset();
    let claims = argument.get(split..)?.trim();
    let signature = match header.get("alg").and_then(serde_json::Value::as_str)? {
        "HS256" => 43,
        "HS384" => 64,
        "HS512" | "ES256" | "EdDSA" => 86,
        algorithm if algorithm.eq_ignore_ascii_case("none") => 0,
        _ => 342,
    };
    let header = URL_SAFE_NO_PAD.encode(argument.get(..split)?.trim_end());
    Some(format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims), random.text(BASE64URL, signature)))
}

fn pem(label: &str, random: &mut Random, newline: &str) -> String {
    let mut text = format!("-----BEGIN {label}-----{newline}");
    for _ in 0..12 {
        text.push_str(&random.text(BASE64, 64));
        text.push_str(newline);
    }
    text.push_str(&random.text(BASE64, 42));
    text.push_str("==");
    text.push_str(newline);
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----");
    text.push_str(newline);
    text
}

/// A generator of examples (SplitMix64), not of keys: equal seeds give equal values on every machine.
struct Random(u64);

impl Random {
    fn new(seed: &str) -> Self {
        // FNV-1a.
        Self(
            seed.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)),
        )
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let count = alphabet.len() as u64;
        (0..length)
            .filter_map(|_| usize::try_from(self.next() % count).ok().and_then(|index| alphabet.get(index)))
            .map(|byte| char::from(*byte))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let expanded = expand("a<<>>b <<hex:8>> $(cat <<EOF", "seed").unwrap();
        assert!(expanded.starts_with("ab ") && expanded.ends_with(" $(cat <<EOF"), "{expanded}");
        assert_eq!(expanded, expand("a<<>>b <<hex:8>> $(cat <<EOF", "seed").unwrap());
        assert_ne!(expand("<<hex:8>>", "one").unwrap(), expand("<<hex:8>>", "two").unwrap());
        assert_eq!(expand("<<hexx:8>>", "seed").unwrap_err().template, "hexx:8");
        assert_eq!(expand("<<encode:ab>>", "seed").unwrap(), "YWI=");
        let token = expand(r#"<<jwt:{"alg":"HS256"} {"iss":"x"}>>"#, "seed").unwrap();
        assert!(token.contains(".eyJpc3MiOiJ4In0."), "{token}");
    }
}
