//! The window of an anchor: those four bytes of it that are rarest in source code, by which it is looked for.
//!
//! `sk_live_` is looked for by `_liv`, and `client_secret` by `nt_s`. An anchor of three bytes has a window of three.

/// How rare each ASCII byte is in source code, whatever its case, in sixteenths of a bit. Measured on the sources of large programs in
/// several languages; only the order matters, so that other text costs time and changes nothing.
const RARITY: [u8; 128] = [
    119, 124, 117, 137, 125, 139, 174, 174, 175, 173, 84, 174, 174, 174, 174, 174, 188, 186, 188, 186, 184, 184, 182,
    177, 177, 177, 176, 177, 176, 174, 175, 172, 38, 145, 96, 133, 178, 174, 146, 154, 106, 106, 167, 163, 117, 99, 86,
    104, 108, 114, 128, 135, 139, 138, 145, 145, 146, 144, 112, 129, 132, 121, 128, 167, 186, 75, 105, 84, 91, 66, 98,
    97, 101, 79, 151, 121, 87, 101, 81, 78, 92, 155, 75, 78, 71, 95, 121, 120, 128, 118, 154, 122, 151, 122, 181, 107,
    129, 75, 105, 84, 91, 66, 98, 97, 101, 79, 151, 121, 87, 101, 81, 78, 92, 155, 75, 78, 71, 95, 121, 120, 128, 118,
    154, 135, 163, 135, 193, 188,
];

/// How rare bytes are that are not ASCII.
const RARITY_OF_OTHERS: u8 = 190;

/// The bit in which the cases of a letter differ. It is set in all bytes before they are compared: that joins a few other
/// pairs of characters as well, which costs candidates and no sightings.
pub(super) const CASE: u8 = 0x20;

/// How many bytes a window has, at most.
pub(super) const WIDTH: usize = 4;

/// Fewer bytes tell too little to look for.
pub(super) const SHORTEST: usize = 3;

/// Where an anchor is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Which anchor.
    pub(super) anchor: u16,
    /// Where in the anchor the window begins.
    pub(super) offset: usize,
    /// Its bytes, with [`CASE`] set. The last is nought if there are three.
    pub(super) bytes: [u8; WIDTH],
    /// Whether any byte may stand in the last place.
    pub(super) is_short: bool,
}

impl Window {
    /// The window of an anchor, unless that has fewer than [`SHORTEST`] bytes.
    pub(super) fn of(anchor: u16, text: &[u8]) -> Option<Self> {
        if let Ok([first, second, third]) = <[u8; SHORTEST]>::try_from(text) {
            let bytes = [first | CASE, second | CASE, third | CASE, 0];
            return Some(Self { anchor, offset: 0, bytes, is_short: true });
        }
        let windows = text.windows(WIDTH).filter_map(|window| <[u8; WIDTH]>::try_from(window).ok()).enumerate();
        let (offset, bytes) = windows.max_by_key(|(_, window)| window.iter().map(rarity).sum::<u32>())?;
        Some(Self { anchor, offset, bytes: bytes.map(|byte| byte | CASE), is_short: false })
    }
}

/// How rare a byte is in source code.
pub(super) fn rarity(byte: &u8) -> u32 {
    u32::from(RARITY.get(usize::from(*byte)).copied().unwrap_or(RARITY_OF_OTHERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(usize, &str)>) {
        let window = Window::of(7, text.as_bytes());
        let found = window.map(|window| (window.offset, window.bytes));
        let expected = expected.map(|(offset, bytes)| {
            let mut padded = [0; WIDTH];
            padded[..bytes.len()].copy_from_slice(bytes.as_bytes());
            (offset, padded.map(|byte| if byte == 0 { 0 } else { byte | CASE }))
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_rarest_bytes_are_looked_for() {
        check("sk_live_", Some((2, "_liv")));
        check("xoxb-", Some((0, "xoxb")));
        check("://", Some((0, "://")));
        check("sl", None);
    }
}
