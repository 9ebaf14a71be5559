//! Arbitrary bytes as a ledger, of which most lines have a seal that holds: reading never panics, and a ledger that may be
//! continued is intact afterwards, whatever a crash had left of its last line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::revoke::Ledger;
use rescind::revoke::ledger::Chain;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

fuzz_target!(|bytes: &[u8]| {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(sealed).collect();
    std::fs::write(file.path(), lines.join(&b'\n')).expect("a writable file");
    Chain::read(file.path()).expect("a readable file").standings();
    if Ledger::open(file.path(), OffsetDateTime::UNIX_EPOCH).is_ok() {
        assert!(Chain::read(file.path()).expect("a readable file").is_intact());
    }
});

/// Without the seal nothing but the seal would be looked at, and no search finds one.
fn sealed(line: &[u8]) -> Vec<u8> {
    let Some(body) = line.strip_suffix(b"}") else { return line.to_vec() };
    let digits: String = Sha256::digest(line).iter().map(|byte| format!("{byte:02x}")).collect();
    [body, b",\"hash\":\"", digits.as_bytes(), b"\"}"].concat()
}
