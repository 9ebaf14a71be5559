//! [`KeyMaterial`]: what a private key is, and what it signs. For leaked ones, whose public half is looked for without sending the
//! key anywhere, and for those by which clients of the operator's prove who they are.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use zeroize::Zeroizing;

/// The curves of JOSE, by the DER encoding of their identifiers, and their algorithms.
const CURVES: [(&[u8], Algorithm); 2] = [
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], Algorithm::ES256),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], Algorithm::ES384),
];

/// The identifier of elliptic curve keys (RFC 5480).
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410).
const ED25519: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The beginning of OpenSSH's own format.
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// A private key, as far as it can be understood.
pub(crate) struct KeyMaterial {
    /// What it is, in words: `an RSA key of 2048 bits`.
    pub(crate) words: String,
    /// What signs with it; none where its form is not that of a key for tokens.
    signer: Option<(EncodingKey, Algorithm)>,
}

impl KeyMaterial {
    /// Reads a key in PEM, in base64 alone, or the private member of a JSON Web Key.
    pub(crate) fn read(value: &[u8]) -> Self {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let (label, body) = text
            .split_once("-----BEGIN ")
            .and_then(|(_, rest)| rest.split_once("-----"))
            .map_or(("", text), |(label, rest)| (label, rest.split("-----END").next().unwrap_or_default()));
        let is_encrypted = label.contains("ENCRYPTED") || body.contains("ENCRYPTED");
        if label.contains("PGP") {
            return Self::unusable("a PGP key");
        }
        if is_encrypted {
            return Self::unusable(match label.split_whitespace().next() {
                Some("RSA") => "an encrypted RSA key",
                Some("EC") => "an encrypted elliptic curve key",
                Some("DSA") => "an encrypted DSA key",
                _ => "an encrypted key",
            });
        }
        let Some(der) = decoded(body) else { return Self::unusable("a key of an unknown form") };
        if let Some(rest) = der.strip_prefix(OPENSSH) {
            return Self { words: openssh(rest), signer: None };
        }
        if label.contains("DSA") && !label.contains("ECDSA") {
            return Self::unusable("a DSA key");
        }
        candidates(&der)
            .into_iter()
            .find_map(|(key, algorithm)| {
                let signature = sign(&key, algorithm, b"probe")?;
                let words = match algorithm {
                    Algorithm::ES256 => "an elliptic curve key on P-256".to_owned(),
                    Algorithm::ES384 => "an elliptic curve key on P-384".to_owned(),
                    Algorithm::EdDSA => "an Ed25519 key".to_owned(),
                    _ => format!("an RSA key of {} bits", 8 * URL_SAFE_NO_PAD.decode(signature).ok()?.len()),
                };
                Some(Self { words, signer: Some((key, algorithm)) })
            })
            .unwrap_or_else(|| Self::unusable("a key of an unknown form"))
    }

    fn unusable(words: &str) -> Self {
        Self { words: words.to_owned(), signer: None }
    }

    /// What it signs tokens with; `None` if it is not of a form and type that does.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.signer.as_ref().map(|(_, algorithm)| *algorithm)
    }

    /// Signs a message of ours; what verifies it is the public half. Gives the signature in base64url.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<(Algorithm, String)> {
        let (key, algorithm) = self.signer.as_ref()?;
        Some((*algorithm, sign(key, *algorithm, message)?))
    }
}

/// A signature in base64url with another digit in the place of each: one that no key makes.
pub(crate) fn spoilt(signature: &str) -> String {
    let other_digit = |digit: u8| match digit {
        b'A'..=b'Y' | b'a'..=b'y' | b'0'..=b'8' => char::from(digit + 1),
        _ => 'A',
    };
    signature.bytes().map(other_digit).collect()
}

fn sign(key: &EncodingKey, algorithm: Algorithm, message: &[u8]) -> Option<String> {
    jsonwebtoken::crypto::sign(message, key, algorithm).ok()
}

/// Base64 of any sort, however a file has broken its lines. Escapes of line breaks leave letters behind, which are no base64 of ours.
fn decoded(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = Zeroizing::new(body.replace("\\n", "").replace("\\r", "").replace("\\t", ""));
    let is_base64 = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let digits: Zeroizing<String> = Zeroizing::new(body.chars().filter(is_base64).collect());
    let standard = STANDARD_NO_PAD.decode(digits.as_bytes()).or_else(|_| URL_SAFE_NO_PAD.decode(digits.as_bytes()));
    standard.ok().map(Zeroizing::new)
}

/// The keys that the bytes may be, in the forms that the signing library takes.
fn candidates(der: &[u8]) -> Vec<(EncodingKey, Algorithm)> {
    let pem = |label: &str, der: &[u8]| {
        let body = Zeroizing::new(STANDARD.encode(der));
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Zeroizing::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
    };
    let mut keys = Vec::new();
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
        keys.extend(EncodingKey::from_rsa_pem(pem(label, der).as_bytes()).ok().map(|key| (key, Algorithm::RS256)));
    }
    for (curve, algorithm) in CURVES {
        let pkcs8 = if holds(der, EC_PUBLIC_KEY) { Some(der.to_vec()) } else { pkcs8_of_sec1(der, curve) };
        let pkcs8 = pkcs8.filter(|_| holds(der, curve)).map(Zeroizing::new);
        keys.extend(pkcs8.map(|pkcs8| (EncodingKey::from_ec_der(&pkcs8), algorithm)));
    }
    let seed = der.strip_prefix(ED25519).or((der.len() == 32).then_some(der)).and_then(|seed| seed.get(..32));
    keys.extend(
        seed.map(|seed| (EncodingKey::from_ed_der(&Zeroizing::new([ED25519, seed].concat())), Algorithm::EdDSA)),
    );
    keys
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// An elliptic curve key as OpenSSL writes it (RFC 5915), wrapped as the signing library wants it (RFC 5208).
fn pkcs8_of_sec1(sec1: &[u8], curve: &[u8]) -> Option<Vec<u8>> {
    let algorithm = element(0x30, &[EC_PUBLIC_KEY, curve].concat())?;
    element(0x30, &[&[2, 1, 0][..], &algorithm, &element(4, sec1)?].concat())
}

/// An element of DER of less than 64 KiB.
fn element(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Some([head.as_slice(), content].concat())
}

/// What an OpenSSH key is (PROTOCOL.key of OpenSSH): its cipher, and the type and size of its public half.
fn openssh(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let cipher = ssh_string(&mut rest).unwrap_or_default();
    // The key derivation and its options; then the number of keys, always one, in four bytes.
    let _ = (ssh_string(&mut rest), ssh_string(&mut rest));
    let mut public = rest.get(4..).and_then(|mut rest| ssh_string(&mut rest)).unwrap_or_default();
    let article = if cipher == b"none" { "an OpenSSH" } else { "an encrypted OpenSSH" };
    let kind = match ssh_string(&mut public) {
        Some(b"ssh-ed25519") => " of type Ed25519".to_owned(),
        Some(b"ssh-rsa") => {
            // The exponent, and the modulus, before which a zero keeps it positive.
            let modulus = ssh_string(&mut public).and_then(|_| ssh_string(&mut public)).unwrap_or_default();
            let bytes = modulus.len() - modulus.iter().take_while(|byte| **byte == 0).count();
            if bytes == 0 { " of type RSA".to_owned() } else { format!(" of type RSA with {} bits", 8 * bytes) }
        }
        Some(b"ssh-dss") => " of type DSA".to_owned(),
        Some(b"ecdsa-sha2-nistp256") => " of type ECDSA on P-256".to_owned(),
        Some(b"ecdsa-sha2-nistp384") => " of type ECDSA on P-384".to_owned(),
        Some(b"ecdsa-sha2-nistp521") => " of type ECDSA on P-521".to_owned(),
        Some(name) if name.starts_with(b"sk-") => " that lies in a hardware token".to_owned(),
        _ => String::new(),
    };
    format!("{article} key{kind}")
}

/// The string at the beginning (RFC 4251 §5), which is taken away.
fn ssh_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let (string, behind) = behind.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = behind;
    Some(string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_key_for_tokens_is_described() {
        let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat();
        let modulus = [&[0][..], &[0xff; 384]].concat();
        let rsa = [field(b"ssh-rsa"), field(&[1, 0, 1]), field(&modulus)].concat();
        let openssh = |cipher: &[u8], public: &[u8]| {
            let public = field(public);
            let body = [OPENSSH, &field(cipher), &field(b"none"), &field(b""), &[0, 0, 0, 1], &public].concat();
            let dashes = "-----";
            format!("{dashes}BEGIN OPENSSH PRIVATE KEY{dashes}\n{}\n{dashes}END", STANDARD.encode(body))
        };
        for (text, expected) in [
            (openssh(b"none", &field(b"ssh-ed25519")), "an OpenSSH key of type Ed25519"),
            (openssh(b"aes256-ctr", &rsa), "an encrypted OpenSSH key of type RSA with 3072 bits"),
            (openssh(b"none", &field(b"ssh-rsa")), "an OpenSSH key of type RSA"),
            (openssh(b"none", &field(b"ecdsa-sha2-nistp256")), "an OpenSSH key of type ECDSA on P-256"),
            (openssh(b"none", &field(b"sk-ssh-ed25519@openssh.com")), "an OpenSSH key that lies in a hardware token"),
            (openssh(b"none", b""), "an OpenSSH key"),
            ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n".to_owned(), "an encrypted RSA key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n".to_owned(), "an encrypted key"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nxx".to_owned(), "a PGP key"),
            (String::new(), "a key of an unknown form"),
        ] {
            assert_eq!(KeyMaterial::read(text.as_bytes()).words, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..200), label in "(RSA |EC |OPENSSH |)") {
            let openssh = [OPENSSH, &body].concat();
            for bytes in [&body, &openssh] {
                let text = format!("-----BEGIN {label}PRIVATE KEY-----{}-----END", STANDARD.encode(bytes));
                prop_assert!(!KeyMaterial::read(text.as_bytes()).words.is_empty());
            }
            prop_assert!(!KeyMaterial::read(&body).words.is_empty());
        }
    }
}
