//! Checksums that issuers publish: they tell a token from something that only looks like one, without asking anybody.
//!
//! Each was recomputed on public examples of its tokens.

use super::Checksum;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the value carries the right checksum.
pub(crate) fn holds(checksum: Checksum, value: &[u8]) -> bool {
    match checksum {
        Checksum::Crc32Base62 => {
            let Some((start, sum)) = split_at_end(value, 6) else { return false };
            let body = start
                .iter()
                .rposition(|byte| *byte == b'_')
                .map_or(start, |at| start.get(at + 1..).unwrap_or_default());
            crc32_base62(body).as_bytes() == sum
        }
        Checksum::GitlabRoutable => {
            let Some((start, sum)) = split_at_end(value, 7) else { return false };
            crc32_base36(start).as_bytes() == sum
        }
        Checksum::Grafana => {
            let Some((start, sum)) = split_at_end(value, 8) else { return false };
            let Some(start) = start.strip_suffix(b"_") else { return false };
            crc32_hex_little_endian(start).as_bytes() == sum.to_ascii_lowercase()
        }
    }
}

fn split_at_end(value: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    value.len().checked_sub(count).and_then(|at| value.split_at_checked(at))
}

/// CRC-32 in base 62, six characters (GitHub, npm, Vercel).
pub(crate) fn crc32_base62(bytes: &[u8]) -> String {
    let mut number = crc32(bytes);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(number % 62) as usize];
        number /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// CRC-32 in base 36, lower case, seven characters (GitLab).
pub(crate) fn crc32_base36(bytes: &[u8]) -> String {
    format!("{:0>7}", base36(u64::from(crc32(bytes))))
}

/// CRC-32 in hexadecimal with the bytes in little-endian order (Grafana).
pub(crate) fn crc32_hex_little_endian(bytes: &[u8]) -> String {
    format!("{:08x}", crc32(bytes).swap_bytes())
}

/// A number in base 36, lower case.
pub(crate) fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// CRC-32 as in IEEE 802.3, bit by bit: values are short and few.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(checksum: Checksum, start: &str, sum: &str) {
        assert!(holds(checksum, format!("{start}{sum}").as_bytes()), "{start}");
        assert!(
            !holds(checksum, format!("{start}{}", sum.replace(|c: char| c.is_ascii_digit(), "9")).as_bytes()),
            "{start}"
        );
        assert!(!holds(checksum, sum.as_bytes()), "{sum} alone");
        assert!(!holds(checksum, b""));
    }

    #[test]
    fn published_vectors() {
        let body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5";
        check(Checksum::Crc32Base62, &format!("{}_{body}", "ghp"), "0Zb5Hm");
        check(Checksum::Crc32Base62, body, "0Zb5Hm");
        check(Checksum::Crc32Base62, &format!("{}_{body}p6Q7r8S9t0U1v2W3x4Y5", "vcp"), "3z4Sp7");
        check(Checksum::GitlabRoutable, &format!("{}-{body}p6.01.0w", "glpat"), "15r4mzu");
        check(Checksum::Grafana, &format!("{}_{body}p6", "glsa"), "_12054d88");
    }
}
