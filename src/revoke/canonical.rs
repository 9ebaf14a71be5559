//! Canonical JSON and its SHA-256: what a plan is identified by.
//!
//! The form is that of RFC 8785 for the values used here: members sorted, no white space, integers only. `jq -cS` writes the
//! same bytes, so that an approver can compute a plan's hash without this program.

use crate::spelling::hex;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical bytes of a value that serialises without floating-point numbers.
pub(super) fn canonical_bytes(value: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("plans and ledger entries have string keys and serialise");
    let mut bytes = Vec::new();
    write_value(&value, &mut bytes);
    bytes
}

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn write_value(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            bytes.push(b'{');
            for (index, name) in names.into_iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                write_scalar(&Value::String(name.clone()), bytes);
                bytes.push(b':');
                write_value(&members[name], bytes);
            }
            bytes.push(b'}');
        }
        Value::Array(items) => {
            bytes.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                }
                write_value(item, bytes);
            }
            bytes.push(b']');
        }
        scalar => write_scalar(scalar, bytes),
    }
}

fn write_scalar(value: &Value, bytes: &mut Vec<u8>) {
    serde_json::to_writer(bytes, value).expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_members_does_not_matter() {
        let one = canonical_bytes(&json!({"b": [1, {"z": null, "a": true}], "a": "x\n"}));
        let other = canonical_bytes(&json!({"a": "x\n", "b": [1, {"a": true, "z": null}]}));
        assert_eq!(one, other);
        assert_eq!(one, br#"{"a":"x\n","b":[1,{"a":true,"z":null}]}"#);
    }

    #[test]
    fn digest_of_the_empty_text() {
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
