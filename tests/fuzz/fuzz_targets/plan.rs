//! Arbitrary bytes as a stored plan: what is read is written and read back as the same plan.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rescind::revoke::RevocationPlan;

fuzz_target!(|bytes: &[u8]| {
    let Ok(plan) = RevocationPlan::from_json(bytes) else { return };
    let stored = plan.to_json();
    let again = RevocationPlan::from_json(&stored).expect("what was written reads back");
    assert_eq!(plan.hash(), again.hash());
    assert_eq!(stored, again.to_json());
});
