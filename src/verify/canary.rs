//! Access keys that are traps: to ask about one is to raise its alarm, and its owner learns nothing but that somebody scanned.

use crate::finding::Finding;

/// Accounts of services that hand out access keys as traps, as TruffleHog lists them.
const ACCOUNTS: [u64; 26] = [
    44_858_866_125,
    52_310_077_262,
    171_436_882_533,
    251_535_659_677,
    266_735_846_894,
    344_043_088_457,
    351_906_852_752,
    390_477_818_340,
    426_127_672_474,
    427_150_556_519,
    439_872_796_651,
    445_142_720_921,
    465_867_158_099,
    534_261_010_715,
    595_918_472_158,
    637_958_123_769,
    693_412_236_332,
    717_712_589_309,
    730_335_385_048,
    732_624_840_810,
    735_421_457_923,
    819_147_034_852,
    893_192_397_702,
    959_235_150_393,
    982_842_642_351,
    992_382_622_183,
];

/// Whether an access key of AWS is a trap, as far as its id tells.
pub(super) fn is_canary(finding: &Finding) -> bool {
    finding.parts_named("access_key_id").filter_map(account).any(|account| ACCOUNTS.contains(&account))
}

/// The account that an access key's id names: bits 1 to 40 of what its last sixteen characters are in base 32. Older ids name none.
fn account(key_id: &str) -> Option<u64> {
    let digits = key_id.get(4..).filter(|digits| digits.len() == 16 && !digits.starts_with(['I', 'J']))?;
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u128::from(byte - b'A')),
        b'2'..=b'7' => Some(u128::from(byte - b'2' + 26)),
        _ => None,
    };
    let number = digits.bytes().try_fold(0_u128, |number, byte| Some(number << 5 | digit(byte)?))?;
    // Eighty bits, of which the first is not the account's.
    u64::try_from(number >> 39 & 0xff_ffff_ffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_accounts() {
        // The vector of the published description.
        assert_eq!(account("ASIAQNZGKIQY56JQ7WML"), Some(29_608_264_753));
        for id in ["AKIAI44QH8DHBTESTING", "AKIAIABCDEFGHIJKLMNO", "AKIA", "", "AKIAé23456789012345é"] {
            assert_eq!(account(id), None, "{id}");
        }
        assert!(ACCOUNTS.is_sorted());
    }
}
