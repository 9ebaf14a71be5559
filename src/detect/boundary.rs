//! Where a value can begin.

/// Whether a value can start here: not in the middle of a longer run, unless what stands before is an escape sequence.
pub(crate) fn starts_value(bytes: &[u8], start: usize) -> bool {
    let before = bytes.get(start.saturating_sub(6)..start).unwrap_or_default();
    let Some(last) = before.last() else { return true };
    if !last.is_ascii_alphanumeric() {
        return true;
    }
    match before {
        [.., b'\\', b'n' | b'r' | b't'] | [.., b'%', _, _] | [.., b'\\', b'x', _, _] => true,
        [b'\\', b'u', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_start_behind_punctuation_and_escapes() {
        for (before, expected) in [
            ("", true),
            ("=", true),
            ("\"", true),
            ("_", true),
            ("-", true),
            ("x", false),
            ("7", false),
            ("\\n", true),
            ("\\u0022", true),
            ("%3D", true),
            ("\\x22", true),
            ("u0022", false),
            ("text\\q", false),
        ] {
            let text = format!("{before}value");
            assert_eq!(starts_value(text.as_bytes(), before.len()), expected, "{before}");
        }
    }
}
